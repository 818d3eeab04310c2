"""Sending: to whom it goes, how often, and what nobody learns."""

import datetime as dt

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from server.audit import service as audit
from server.consent import service as consent
from server.errors import Invalid
from server.inbox import service as inbox
from server.inbox import wishes
from server.inbox.groups import DEFAULTS, Group
from server.inbox.model import Notification
from server.invitations import audience, judging, refusals
from server.invitations import service as invitations
from server.invitations.model import ShopInvitation, ShopInvitedLately
from server.people import service as people
from server.venues import service as venues
from tests.server.invitations import scene
from tests.server.invitations.scene import DAY, MINUTE, RULES, look, send
from tests.server.places import CAFE, HOUR, NOW, make_cafe, make_members

WEEK = 7 * DAY


@pytest.fixture
def members(session: Session) -> list[str]:
    make_members(session)
    make_cafe(session)
    return scene.make_people(session, 12)


def again(session: Session, members: list[str], now: dt.datetime, nonce: str = "another-number-1") -> set[str]:
    """Whom a second invitation reaches, all of them standing there still."""
    scene.stand(session, members, at=now)
    return scene.invited(session, send(session, now, nonce=nonce))


def test_who_is_near_and_willing_is_told_with_the_reason(session: Session, members: list[str]) -> None:
    made = send(session)
    assert scene.invited(session, made) == set(members)
    assert made.invited == look(session).willing
    (note,) = inbox.list_of(session, member_id=members[0])
    assert (note.kind, note.link, note.due_by) == ("shop_invitation", f"/invitations/{made.id}", made.until)
    assert note.values["text"] == scene.TEXT
    assert "said that shops near you may invite you" in note.sentence
    assert made.until == NOW + invitations.USUAL_TIME
    assert [row.action for row in audit.read(session, of="venue/cafe")] == ["shop.invited"]


def test_the_same_number_sends_once(session: Session, members: list[str]) -> None:
    assert send(session) is send(session, NOW + MINUTE, text="Another text")
    assert len(inbox.list_of(session, member_id=members[0])) == 1
    assert session.scalars(select(ShopInvitation)).all()[0].text == scene.TEXT


def test_too_few_are_sent_nothing_and_that_is_judged_by_what_was_told(session: Session, members: list[str]) -> None:
    for member_id in members[4:]:
        scene.let(session, member_id, shops=False)
    with pytest.raises(invitations.TooFewNearby):
        send(session)
    assert session.scalars(select(ShopInvitation)).all() == []


def test_who_is_few_by_now_is_not_told_and_nobody_learns_of_it(session: Session, members: list[str]) -> None:
    assert look(session).willing
    for member_id in members[4:]:
        scene.let(session, member_id, shops=False)
    made = send(session, NOW + MINUTE)
    assert (made.invited, scene.invited(session, made)) == (None, set())


def test_consent_taken_back_in_between_counts(session: Session, members: list[str]) -> None:
    told = look(session)
    gone, paused, refusing, asleep = members[:4]
    scene.let(session, gone, shops=False)
    consent.pause(session, member_id=paused, now=NOW)
    refusals.refuse(session, venue_id="cafe", viewer=people.get(session, refusing), now=NOW)
    none = DEFAULTS[Group.SHOPS]._replace(per_week=0)
    wishes.choose(session, member_id=asleep, group=Group.SHOPS, wish=none)
    made = send(session, NOW + MINUTE)
    assert scene.invited(session, made) == set(members[4:])
    assert (made.invited or 0) <= (told.willing or 0)


def test_a_shop_invites_once_in_24_hours_and_three_times_in_a_week(session: Session, members: list[str]) -> None:
    send(session)
    for hours in (1, 23):
        scene.stand(session, members, at=NOW + hours * HOUR)
        with pytest.raises(invitations.InvitedEnough):
            send(session, NOW + hours * HOUR, nonce="another-number-1")
    for number in (1, 2):
        again(session, members, NOW + number * DAY, nonce=f"another-number-{number}")
    scene.stand(session, members, at=NOW + 3 * DAY)
    with pytest.raises(invitations.InvitedEnough):
        send(session, NOW + 3 * DAY, nonce="another-number-3")


@pytest.mark.parametrize(
    "first",
    [
        dt.datetime(2026, 3, 27, 19, 0, tzinfo=dt.UTC),  # in Berlin the clocks go forward on the 29th
        dt.datetime(2026, 10, 23, 19, 0, tzinfo=dt.UTC),  # and back on the 25th
        dt.datetime(2026, 12, 31, 19, 0, tzinfo=dt.UTC),  # an ISO week goes on into another year
    ],
)
def test_a_member_is_invited_once_in_seven_times_24_hours(
    session: Session, members: list[str], first: dt.datetime
) -> None:
    scene.stand(session, members, at=first)
    assert scene.invited(session, send(session, first)) == set(members)
    short = first + WEEK - MINUTE
    assert again(session, members, short, nonce="a-minute-too-soon") == set()
    # Judged by the shop's own cap: of that day one is sent already, so the next is a day later.
    assert again(session, members, short + DAY, nonce="a-week-later-1234") == set(members)


def test_after_exactly_a_week_she_may_be_invited_again(session: Session, members: list[str]) -> None:
    send(session)
    assert again(session, members, NOW + WEEK) == set(members)


@pytest.mark.usefixtures("members")
def test_caps_of_a_member_are_over_all_shops(session: Session) -> None:
    venues.create(session, id="bar", name="Bar", owner_id="ben", location=CAFE, contact="x")
    send(session)
    second = send(session, NOW + MINUTE, venue_id="bar", nonce="another-number-1")
    assert scene.invited(session, second) == set()  # one a day
    assert second.invited is None
    assert look(session, NOW + MINUTE, "bar") == look(session)  # and the number does not say that


def test_the_nearest_are_invited_first(session: Session, members: list[str]) -> None:
    far = next(place for step in range(20, 1, -1) if scene.is_same_part(place := (CAFE[0] + step * 0.001, CAFE[1])))
    scene.stand(session, members[:6], far, at=NOW + MINUTE)
    shop = invitations.shop_of(venues.get(session, "cafe"))
    near = audience.reachable(session, shop, fresh=HOUR, now=NOW + MINUTE)
    assert min(near[one] for one in members[:6]) > max(near[one] for one in members[6:])
    venue, ben = venues.get(session, "cafe"), people.get(session, "ben")
    five = RULES.__class__(per_day=1, per_week=3, most=6, fresh_s=3600)
    made = invitations.send(
        session, venue, invitations.Draft(scene.TEXT), by=ben, nonce="0123456789abcdef", rules=five, now=NOW + MINUTE
    )
    assert scene.invited(session, made) == set(members[6:])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Look at https://evil.example",
        "www.evil.example now",
        "evil.cn/x",
        "a@b.example",
        "Go to cheap-pills.com!",
        "evil.example?a=1",
        "evil。com/x",
        "evil．com",
        "t.me",
    ],
)
@pytest.mark.usefixtures("members")
def test_links_and_nothing_are_refused(session: Session, text: str) -> None:
    with pytest.raises(Invalid):
        send(session, text=text)
    assert send(session, text="Tea 2.50, 10.-12.3., z.B. ask Ben! Open till 22.30. 咖啡五折。欢迎").text


@pytest.mark.parametrize("hours", [-1, 0.1, 24.1])
@pytest.mark.usefixtures("members")
def test_it_holds_from_a_quarter_to_a_day(session: Session, hours: float) -> None:
    with pytest.raises(invitations.WrongEnd):
        send(session, until=NOW + hours * HOUR)
    assert send(session, until=NOW + 24 * HOUR).until == NOW + 24 * HOUR


@pytest.mark.usefixtures("members")
def test_without_an_end_it_holds_until_the_shop_closes(session: Session) -> None:
    cafe = venues.change(session, id="cafe", opening_hours="Mo-Su 08:00-22:00")
    assert invitations.usual_end(cafe, NOW) == dt.datetime(2026, 3, 13, 21, 0, tzinfo=dt.UTC)
    assert invitations.usual_end(cafe, NOW + 115 * MINUTE) == NOW + 115 * MINUTE + invitations.USUAL_TIME
    assert send(session).until == dt.datetime(2026, 3, 13, 21, 0, tzinfo=dt.UTC)


def test_what_is_hidden_goes_from_inboxes_and_the_shop_waits_a_month(session: Session, members: list[str]) -> None:
    made = send(session)
    ana = people.get(session, "ana")
    judging.hide(session, made.id, why="unkind", viewer=ana, now=NOW)
    kinds = session.scalars(select(Notification.kind)).all()
    assert kinds == ["shop_invitation.hidden"]
    with pytest.raises(invitations.InvitationUnknown):
        invitations.get(session, made.id, people.get(session, members[0]))
    later = NOW + 29 * DAY
    scene.stand(session, members, at=later)
    with pytest.raises(invitations.InvitationsHidden):
        send(session, later, nonce="another-number-1")
    judging.put_back(session, made.id, viewer=ana, now=later)
    assert scene.invited(session, send(session, later, nonce="another-number-1")) == set(members)


def test_a_venue_takes_all_of_it_along(session: Session, members: list[str]) -> None:
    send(session)
    refusals.refuse(session, venue_id="cafe", viewer=people.get(session, members[0]), now=NOW)
    session.delete(venues.get(session, "cafe"))
    session.flush()
    assert session.scalars(select(ShopInvitation)).all() == []
    assert session.scalars(select(ShopInvitedLately)).all() == []
    assert refusals.list_of(session, member_id=members[0]) == []


def test_after_a_week_nobody_knows_whom_it_went_to(session: Session, members: list[str]) -> None:
    send(session)
    invitations.tidy(session, now=NOW + WEEK - MINUTE)
    assert len(session.scalars(select(ShopInvitedLately)).all()) == len(members)
    invitations.tidy(session, now=NOW + WEEK)
    assert session.scalars(select(ShopInvitedLately)).all() == []

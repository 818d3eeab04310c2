"""Who is asked, what answers do, and how a gathering ends when they leave."""

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from server.checkins.model import CheckIn
from server.consent import service as consent
from server.consent.rules import Kind, Level
from server.errors import MusterError
from server.events import seeing, signups
from server.events import service as events
from server.events.model import Event, Step
from server.inbox.model import Notification
from server.people import merging
from server.people.model import Member
from server.popups import service as popups
from server.popups import words
from server.popups.model import PopUp, PopUpAsked
from server.venues import service as venues
from server.venues.model import Venue
from tests.server.places import NOW, make_welcome
from tests.server.popups.scene import FOUR, RULE, asked, at, come, let, like, look, make_four, offer, say, told


def stands(session: Session, pop_up_id: str) -> tuple[str, dt.datetime | None]:
    """The state of a pop-up, and since when too few are there."""
    row = session.get_one(PopUp, pop_up_id, populate_existing=True)
    return row.state, row.thin_at


def test_four_who_like_the_same_in_one_place_are_each_asked_once(session: Session) -> None:
    pop_up_id = offer(session)
    assert told(session, "gather_here") == list(FOUR)
    assert asked(session) == list(FOUR)
    note = session.scalars(select(Notification).where(Notification.kind == "gather_here")).first()
    assert note is not None
    assert note.values.keys() == {"count", "interest", "place"}, "no name, and nobody's position"
    assert note.due_by == at(20)
    [one] = popups.of_member(session, member_id="p1", now=at(1))
    assert words.why(one) == "You and at least 3 others who like Chess are near The Park. Gather there?"
    assert one.yes is None
    for minute in range(1, 15):
        assert look(session, minute) == []
    assert told(session, "gather_here") == list(FOUR), f"once: {pop_up_id}"


def _three(session: Session) -> None:
    come(session, "p4", away_m=3000, minute=1)


def _off(session: Session) -> None:
    let(session, "p4", pop_ups=False)


def _pause(session: Session) -> None:
    consent.pause(session, member_id="p4", now=NOW)


def _hide(session: Session) -> None:
    consent.say(
        session, member_id="p4", kind=Kind.PEOPLE, of_id=None, level=Level.HIDDEN, until=None, source="api", now=NOW
    )


def _want_nothing(session: Session) -> None:
    session.execute(text("INSERT INTO met_without VALUES ('p4', 'p1', :at)"), {"at": NOW})


def _like_otherwise(session: Session) -> None:
    session.execute(text("DELETE FROM member_interest WHERE member_id = 'p4'"))
    like(session, "p4", "music")


def _retire(session: Session) -> None:
    session.execute(text("UPDATE interest SET retired_at = :now WHERE id = 'chess'"), {"now": NOW})


def _quiet(session: Session) -> None:
    session.execute(text("UPDATE member SET time_zone = 'Asia/Shanghai' WHERE id = 'p4'"))  # it is three in the morning


def _capped(session: Session) -> None:
    given = "INSERT INTO telling_wish (member_id, about, letters, push, per_day, per_week)"
    session.execute(text(f"{given} VALUES ('p4', 'pop_ups', 'never', true, 0, 0)"))


def _close(session: Session) -> None:
    session.execute(text("UPDATE venue SET opening_hours = 'Mo-Su 08:00-12:00'"))


def _unlist(session: Session) -> None:
    session.execute(text("UPDATE venue SET listed = false"))


def _simulate(session: Session) -> None:
    session.execute(text("UPDATE member SET simulated = true WHERE id = 'p4'"))


@pytest.mark.parametrize(
    "but",
    [
        _three,
        _off,
        _pause,
        _hide,
        _want_nothing,
        _like_otherwise,
        _retire,
        _quiet,
        _capped,
        _close,
        _unlist,
        _simulate,
    ],
)
def test_nobody_is_asked_where_one_does_not_count(session: Session, but: Callable[[Session], None]) -> None:
    make_four(session)
    come(session)
    but(session)
    assert look(session, 2) == []
    assert told(session, "gather_here") == []


def test_an_old_position_does_not_count(session: Session) -> None:
    make_four(session)
    come(session)
    assert look(session, 16) == []


def test_three_yes_make_a_gathering_that_the_others_may_join(session: Session) -> None:
    pop_up_id = offer(session)
    pop_up = say(session, pop_up_id, "p2", "p1")
    assert (pop_up.state, pop_up.event_id) == ("offered", None)
    [hers] = popups.of_member(session, member_id="p1", now=at(2))
    assert words.stands(hers) == "You said yes, 2 in all. One more is needed."
    [silent] = popups.of_member(session, member_id="p4", now=at(2))
    assert silent.yes is None, "how many said yes is theirs to know"
    pop_up = say(session, pop_up_id, "p3", minute=2)
    event = session.get_one(Event, pop_up.event_id)
    assert (pop_up.state, event.organizer_id, event.name) == ("on", "p2", "Chess · The Park")
    assert signups.members_of(session, event_id=event.id) == ["p2", "p1", "p3"]
    assert told(session, "pop_up.on") == ["p1", "p2", "p3"]
    step = session.scalars(select(Step).where(Step.event_id == event.id)).one()
    assert (step.starts_at, step.ends_at) == (at(2), at(2) + dt.timedelta(hours=4))
    say(session, pop_up_id, "p4", minute=30)
    assert "p4" in signups.members_of(session, event_id=event.id)
    say(session, pop_up_id, "p4", yes=False, minute=31)
    assert "p4" not in signups.members_of(session, event_id=event.id)


def test_the_event_is_for_who_joined_alone(session: Session) -> None:
    pop_up_id = offer(session)
    event = session.get_one(Event, say(session, pop_up_id, "p1", "p2", "p3").event_id)
    seen = {one: seeing.is_seen(session, event, session.get_one(Member, one)) for one in ("p1", "p4", "dora")}
    assert seen == {"p1": True, "p4": False, "dora": False}
    [listed] = session.scalars(text("SELECT for_all FROM listing WHERE event_id = :id"), {"id": event.id})
    assert listed is False, "it stands on no map"
    with pytest.raises(events.MembersOnly):
        signups.sign_up(session, event_id=event.id, member_id="dora", now=at(3))


def test_a_host_sees_nobody_at_a_place_that_is_not_hers(session: Session) -> None:
    pop_up = say(session, offer(session), "p1", "p2", "p3")
    step = session.scalars(select(Step).where(Step.event_id == pop_up.event_id)).one()
    spot = session.get_one(Venue, step.venue_id)
    assert (spot.kind, spot.name, spot.listed) == ("spot", "The Park", False)


def test_who_is_welcome_at_the_place_hosts_there(session: Session) -> None:
    pop_up_id = offer(session)
    make_welcome(session, "p3", "park")
    pop_up = say(session, pop_up_id, "p1", "p2", "p3")
    event = session.get_one(Event, pop_up.event_id)
    step = session.scalars(select(Step).where(Step.event_id == event.id)).one()
    assert (event.organizer_id, step.venue_id) == ("p3", "park")


def test_the_whole_way_from_phones_to_the_end(session: Session) -> None:
    make_four(session)
    for one in FOUR:
        let(session, one, fences=True)
    come(session, minute=0)
    [pop_up_id] = look(session, 1)
    pop_up = say(session, pop_up_id, "p1", "p2", "p3", minute=2)
    assert pop_up.event_id is not None
    for minute in (3, 4, 5, 6):
        come(session, minute=minute)
        look(session, minute)
    came = session.scalars(select(CheckIn.member_id).join(Step, Step.id == CheckIn.step_id).order_by(CheckIn.member_id))
    assert came.all() == ["p1", "p2", "p3"], "by phone, since nobody listens there"
    come(session, "p1", away_m=2000, minute=60)
    look(session, 60)
    assert stands(session, pop_up_id) == ("on", None), "two are there"
    come(session, "p2", away_m=2000, minute=62)
    look(session, 62)
    assert stands(session, pop_up_id) == ("on", at(62))
    look(session, 71)
    assert stands(session, pop_up_id) == ("on", at(62))
    look(session, 72)
    assert stands(session, pop_up_id) == ("over", at(62))
    assert pop_up.ended_at == at(72)
    step = session.scalars(select(Step).where(Step.event_id == pop_up.event_id)).one()
    assert step.ends_at == at(72), "so that what comes after a gathering comes"
    assert told(session, "pop_up.over") == ["p1", "p2", "p3"]
    assert told(session, "event.moved") == []
    with pytest.raises(popups.PopUpOver):
        say(session, pop_up_id, "p4", minute=73)


def test_who_comes_back_in_time_keeps_it_on(session: Session) -> None:
    pop_up_id = offer(session)
    say(session, pop_up_id, "p1", "p2", "p3")
    come(session, "p1", "p2", away_m=2000, minute=10)
    look(session, 10)
    assert stands(session, pop_up_id) == ("on", at(10))
    come(session, "p1", minute=15)
    look(session, 16)
    assert stands(session, pop_up_id) == ("on", None)
    look(session, 30)
    assert stands(session, pop_up_id) == ("on", None)


def test_silence_is_not_absence_for_two_hours(session: Session) -> None:
    pop_up = say(session, offer(session), "p1", "p2", "p3", minute=1)
    look(session, 119)
    assert pop_up.thin_at is None
    look(session, 122)
    look(session, 132)
    assert pop_up.state == "over"


def test_it_ends_at_the_latest_after_four_hours(session: Session) -> None:
    pop_up = say(session, offer(session), "p1", "p2", "p3", minute=1)
    for minute in range(30, 240, 30):
        come(session, minute=minute)
        look(session, minute)
    assert pop_up.state == "on"
    come(session, minute=241)
    look(session, 242)
    assert pop_up.state == "over"


def test_an_offer_lapses_and_says_so(session: Session) -> None:
    pop_up_id = offer(session)
    say(session, pop_up_id, "p1", "p2")
    with pytest.raises(popups.PopUpLapsed):
        say(session, pop_up_id, "p3", minute=20)
    assert asked(session, 20) == []
    look(session, 21)
    assert session.get_one(PopUp, pop_up_id).state == "lapsed"
    with pytest.raises(popups.PopUpLapsed):
        say(session, pop_up_id, "p3", minute=22)
    assert told(session, "pop_up.on") == []


def test_answers_may_come_twice_and_change(session: Session) -> None:
    pop_up_id = offer(session)
    say(session, pop_up_id, "p1", "p1", "p2", "p2")
    say(session, pop_up_id, "p2", yes=False, minute=2)
    assert say(session, pop_up_id, "p3", minute=3).state == "offered"
    pop_up = say(session, pop_up_id, "p2", minute=4)
    assert pop_up.state == "on"
    before = pop_up.event_id
    assert say(session, pop_up_id, "p2", minute=5).event_id == before


def test_who_signed_off_on_the_page_of_the_event_may_come_back(session: Session) -> None:
    pop_up_id = offer(session)
    event_id = say(session, pop_up_id, "p1", "p2", "p3").event_id or ""
    signups.withdraw(session, event_id=event_id, member_id="p3", now=at(2))
    [one] = popups.of_member(session, member_id="p3", now=at(3))
    assert (one.answer, words.stands(one)) == (False, "It is on: you may join.")
    say(session, pop_up_id, "p3", minute=4)
    assert "p3" in signups.members_of(session, event_id=event_id)
    for _ in range(2):
        say(session, pop_up_id, "p3", yes=False, minute=5)
    assert "p3" not in signups.members_of(session, event_id=event_id)


def test_whoever_is_not_asked_learns_nothing(session: Session) -> None:
    pop_up_id = offer(session)
    for unknown in (pop_up_id, "popup-none", "!"):
        with pytest.raises(popups.PopUpUnknown):
            say(session, unknown, "dora")


def _erase(session: Session) -> None:
    session.execute(text("DELETE FROM member WHERE id = 'p1'"))


def _forget_word(session: Session) -> None:
    session.execute(text("DELETE FROM interest WHERE id = 'chess'"))


def _switch_off(session: Session) -> None:
    let(session, "p1", pop_ups=False)


def _rest(session: Session) -> None:
    consent.pause(session, member_id="p1", now=at(2))


@pytest.mark.parametrize("but", [_erase, _switch_off, _rest])
def test_a_yes_of_who_is_gone_since_does_not_count(session: Session, but: Callable[[Session], None]) -> None:
    pop_up_id = offer(session)
    say(session, pop_up_id, "p1", "p2")
    but(session)
    assert say(session, pop_up_id, "p3", minute=3).state == "offered"
    assert say(session, pop_up_id, "p4", minute=4).state == "on"


@pytest.mark.parametrize("but", [_close, _unlist, _forget_word])
def test_an_offer_without_a_place_or_a_word_lapses(session: Session, but: Callable[[Session], None]) -> None:
    pop_up_id = offer(session)
    say(session, pop_up_id, "p1", "p2")
    but(session)
    session.expire_all()
    with pytest.raises(MusterError) as refused:
        say(session, pop_up_id, "p3", minute=3)
    assert refused.value.code == "pop_up_lapsed"
    look(session, 4)
    assert session.get_one(PopUp, pop_up_id).state == "lapsed"


def test_who_wants_it_no_more_is_told_how_to_say_yes(session: Session) -> None:
    pop_up_id = offer(session)
    let(session, "p1", pop_ups=False)
    assert asked(session) == ["p2", "p3", "p4"]
    with pytest.raises(popups.PopUpsOff):
        say(session, pop_up_id, "p1")
    say(session, pop_up_id, "p1", yes=False)


def test_after_a_no_she_is_left_alone_for_a_week_and_the_others_for_an_afternoon(session: Session) -> None:
    pop_up_id = offer(session)
    say(session, pop_up_id, "p1", yes=False)
    make_four(session, "p5")
    come(session, *FOUR, "p5", minute=30)
    assert look(session, 30) == [], "of those who were asked nobody is asked again so soon"
    later = 5 * 60
    session.execute(text("UPDATE telling_hours SET quiet_from = quiet_to"))
    session.execute(
        text(
            "INSERT INTO telling_hours (member_id, quiet_from, quiet_to, digest_at)"
            " SELECT id, '00:00', '00:00', '08:00' FROM member"
        )
    )
    come(session, *FOUR, "p5", minute=later)
    [again] = look(session, later)
    found = session.scalars(select(PopUpAsked.member_id).where(PopUpAsked.pop_up_id == again))
    assert sorted(found) == ["p2", "p3", "p4", "p5"]


def test_two_groups_in_one_place_are_of_two_interests_and_share_nobody(session: Session) -> None:
    make_four(session)
    make_four(session, "q1", "q2", "q3", "q4", interest="music")
    for one in ("p1", "p2"):
        like(session, one, "music")
    come(session, *FOUR, "q1", "q2", "q3", "q4")
    assert len(look(session)) == 1, "the six who like jazz; two who like chess alone are too few"
    found = session.scalars(select(PopUpAsked.member_id)).all()
    assert sorted(found) == ["p1", "p2", "q1", "q2", "q3", "q4"]


def test_at_a_second_place_the_same_interest_is_asked_by_itself(session: Session) -> None:
    offer(session)
    east = ["q1", "q2", "q3", "q4"]
    make_four(session, *east)
    venues.create(
        session,
        id="kiosk",
        name="The Kiosk",
        time_zone="Europe/Berlin",
        location=(13.42, 52.514),
        owner_id="ben",
        contact="ben@park.example",
    )
    come(session, *east, away_m=3385, minute=1)
    [second] = look(session, 1)
    assert session.get_one(PopUp, second).venue_id == "kiosk"


def test_its_host_may_call_it_off(session: Session) -> None:
    pop_up = say(session, offer(session), "p1", "p2", "p3")
    session.execute(text("UPDATE event SET state = 'cancelled' WHERE id = :id"), {"id": pop_up.event_id})
    session.expire_all()
    look(session, 5)
    assert pop_up.state == "over"


def test_a_guest_who_turns_out_to_be_a_member_takes_her_answers_along(session: Session) -> None:
    pop_up_id = offer(session)
    say(session, pop_up_id, "p1")
    session.execute(text("UPDATE member SET guest = true WHERE id = 'p1'"))
    session.expire_all()
    merging.merge(session, guest_id="p1", into_id="dora", now=at(2))
    let(session, "dora")
    say(session, pop_up_id, "p2", minute=3)
    pop_up = say(session, pop_up_id, "p3", minute=3)
    assert pop_up.state == "on"
    assert "dora" in signups.members_of(session, event_id=pop_up.event_id or "")


def test_what_is_over_is_deleted_once_nobody_is_spared_by_it(session: Session) -> None:
    pop_up_id = offer(session)
    look(session, 21)
    assert popups.tidy(session, now=at(21) + dt.timedelta(days=29), rule=RULE) == 0
    assert popups.tidy(session, now=at(21) + dt.timedelta(days=30), rule=RULE) == 1
    assert session.get(PopUp, pop_up_id, populate_existing=True) is None
    assert session.scalars(select(PopUpAsked)).all() == []

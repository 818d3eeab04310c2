"""Who is told of a gathering near her: those whom it is for and who want it, once, with why, and within their caps."""

import dataclasses
import datetime as dt

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from geo import distances, postgis
from server.audience import choosing, opening
from server.audience import service as audience
from server.audience.model import Call, Called
from server.communities import service as communities
from server.consent import service as consent
from server.events import life, signups
from server.events.states import State
from server.inbox import wishes
from server.inbox.groups import DEFAULTS, Group
from server.inbox.model import Notification
from server.positions import service as positions
from server.positions.service import Source
from server.proposals import service as proposals
from tests.server.audience.village import LATER, MINUTE, RULE, gathering, let, look, notes, person
from tests.server.nearby import town
from tests.server.places import CAFE, HOUR, NOW, make_cafe, make_members

DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _world(session: Session) -> None:
    make_members(session)
    make_cafe(session)
    session.execute(
        text(
            "INSERT INTO interest (id, name_en, name_zh)"
            " VALUES ('books', 'Books', '读书'), ('chess', 'Chess', '国际象棋') ON CONFLICT DO NOTHING"
        )
    )


def test_who_is_near_and_likes_it_is_told_why_and_nobody_else(session: Session) -> None:
    person(session, "anna", "books")
    person(session, "bert", "chess")
    person(session, "carl", "books", away_km=40)
    person(session, "dana", "books", told=False)
    gathering(session)
    assert look(session, NOW) == 0  # its host may still mend it
    assert look(session) == 1
    (told,) = notes(session)["anna"]
    assert told.startswith("New near you: Gathering reading, Sat 14 March 2026")
    assert "it is about Books, which you like, and it is within 2 km of your home area" in told
    assert set(notes(session)) == {"anna"}
    note = session.scalars(select(Notification).where(Notification.kind == "nearby_event")).one()
    assert (note.link, note.due_by) == ("/events/reading", town.TOMORROW)


def test_nobody_is_told_twice_of_the_same_thing(session: Session) -> None:
    person(session, "anna", "books")
    gathering(session, capacity=2)
    assert look(session) == 1
    assert look(session, LATER + MINUTE) == 0
    town.come(session, "reading", "ben", "dora")
    signups.withdraw(session, event_id="reading", member_id="ben", now=NOW)
    assert look(session, LATER + 2 * MINUTE) == 0
    assert len(notes(session)["anna"]) == 1


def test_what_she_said_no_to_or_has_no_time_for_is_not_offered(session: Session) -> None:
    names = ["going", "gone", "busy", "paused", "without", "host", "free"]
    for one in names:
        person(session, one, "books")
    gathering(session)
    gathering(session, "other", likes=())
    town.come(session, "reading", "going", "gone")
    signups.withdraw(session, event_id="reading", member_id="gone", now=NOW)
    town.come(session, "other", "busy")
    consent.pause(session, member_id="paused", now=NOW)
    session.execute(
        text("INSERT INTO met_without (member_id, other_id, at) VALUES ('without', 'cleo', :now)"), {"now": NOW}
    )
    session.execute(
        text("INSERT INTO role (kind, of_id, member_id, given_at) VALUES ('event', 'reading', 'host', :now)"),
        {"now": NOW},
    )
    look(session)
    assert set(notes(session)) == {"free"}


def test_what_is_for_a_community_is_told_to_its_members_alone(session: Session) -> None:
    for one in ("anna", "bert", "removed"):
        person(session, one, "books")
    town.circle(session, "readers", "cleo", "anna")
    session.execute(
        text(
            "INSERT INTO community_removal (community_id, member_id, at, until) VALUES ('readers', 'removed', :a, :b)"
        ),
        {"a": NOW, "b": NOW + DAY},
    )
    gathering(session, community="readers")
    look(session)
    assert set(notes(session)) == {"anna"}
    gathering(session, "open", community="readers", open_to_all=True, at=NOW + 3 * DAY)
    look(session)
    assert set(notes(session)) == {"anna", "bert"}


def test_caps_hold_whatever_she_likes(session: Session) -> None:
    for one in ("anna", "none"):
        person(session, one, "books")
    nothing = DEFAULTS[Group.NEAR]._replace(per_day=0)
    wishes.choose(session, member_id="none", group=Group.NEAR, wish=nothing)
    for number in range(4):
        gathering(session, f"reading-{number}", at=NOW + (2 + number) * DAY)
    look(session)
    assert {one: len(told) for one, told in notes(session).items()} == {"anna": 2}
    look(session, LATER + 2 * DAY)
    assert len(notes(session)["anna"]) == 2  # what was announced then is told once


def test_the_best_are_told_where_not_all_may_be(session: Session) -> None:
    person(session, "far", "books", away_km=4.5)
    person(session, "near", "books", away_km=0.5)
    person(session, "some", "books", "chess", away_km=0.5)
    gathering(session)
    assert look(session, rule=dataclasses.replace(RULE, most=1)) == 1
    assert set(notes(session)) == {"near"}


def test_where_somebody_is_counts_for_what_begins_soon_alone(session: Session) -> None:
    person(session, "anna", "books", source=Source.BROWSER)
    gathering(session, "next-week", at=NOW + 7 * DAY)
    assert look(session) == 0
    gathering(session, "tonight", at=NOW + 5 * HOUR)
    assert look(session) == 1
    assert "within 1 km of where you are" in notes(session)["anna"][0]


def test_who_comes_there_anyway_is_told_however_far_she_lives(session: Session) -> None:
    person(session, "anna", away_km=60)
    person(session, "quiet", away_km=60, told=False)
    person(session, "stranger", away_km=60)
    for one in ("anna", "quiet"):
        session.execute(
            text(
                "INSERT INTO checkin (venue_id, day, member_id, at, evidence, signed_up)"
                " SELECT 'cafe', CAST(at AS date), :who, at, 'beacon', false"
                " FROM unnest(CAST(:ats AS timestamptz[])) AS at"
            ),
            {"who": one, "ats": [NOW - number * DAY for number in range(1, 15)]},
        )
    gathering(session)
    look(session)
    assert set(notes(session)) == {"anna"}
    assert "because you came to the like before" in notes(session)["anna"][0]


def test_a_place_that_comes_free_calls_a_few_and_others_while_it_is_free(session: Session) -> None:
    for number in range(8):
        person(session, f"p{number}", "books", away_km=0.5 + number / 10)
    gathering(session, capacity=2, at=NOW + 5 * DAY)
    town.come(session, "reading", "ben", "dora")
    assert look(session) == 0  # full: nothing to tell
    signups.withdraw(session, event_id="reading", member_id="ben", now=NOW)
    assert look(session, LATER + MINUTE) == 3
    assert look(session, LATER + 2 * MINUTE) == 0
    assert "Places left at Gathering reading" in notes(session)["p0"][0]
    assert look(session, LATER + MINUTE + dt.timedelta(seconds=RULE.wave_s)) == 3
    town.come(session, "reading", "p7")
    assert look(session, LATER + 2 * HOUR) == 0
    assert set(notes(session)) == {f"p{number}" for number in range(6)}


def test_a_place_for_which_somebody_waits_is_hers(session: Session) -> None:
    person(session, "anna", "books")
    gathering(session, capacity=1, at=NOW + 5 * DAY)
    town.come(session, "reading", "ben", "dora")
    look(session)
    signups.withdraw(session, event_id="reading", member_id="ben", now=NOW)
    assert look(session, LATER + MINUTE) == 0


def test_the_last_places_are_told_a_day_before(session: Session) -> None:
    person(session, "anna", "books")
    gathering(session, capacity=2, at=NOW + 5 * DAY)
    session.execute(text("UPDATE event SET state_at = :then"), {"then": NOW - 30 * DAY})
    session.expire_all()
    town.come(session, "reading", "ben")
    assert look(session) == 0
    assert look(session, NOW + 4 * DAY) == 1


def test_a_proposal_short_of_its_quorum_calls_near_its_deadline(session: Session) -> None:
    for number in range(8):
        person(session, f"p{number}", "books", away_km=0.5 + number / 10)
    town.circle(session, "readers", "cleo", *(f"p{number}" for number in range(8)))
    option = proposals.NewOption(NOW + 5 * DAY, NOW + 5 * DAY + HOUR, venue_id="cafe")
    made = proposals.open(
        session,
        by_id="cleo",
        title="Night of reading",
        options=[option],
        quorum=2,
        decide_by=NOW + 4 * DAY,
        now=NOW,
        community_id="readers",
    )
    assert look(session) == 0
    near = NOW + 2 * DAY + MINUTE
    assert look(session, near) == 5
    told = notes(session)["p0"][0]
    assert "happens if 1 more come" in told
    proposals.commit(
        session,
        proposal_id=made.id,
        member_id="p0",
        option_ids=[one.id for one in proposals.options_of(session, proposal_id=made.id)],
        now=near,
    )
    assert look(session, near + DAY) == 0


def test_a_demonstration_calls_nobody_real(session: Session) -> None:
    person(session, "real", "books")
    person(session, "player", "books", simulated=True)
    gathering(session)
    session.execute(text("UPDATE event SET simulated = true"))
    session.expire_all()
    look(session)
    assert set(notes(session)) == {"player"}


def test_what_is_real_calls_nobody_of_the_demonstration(session: Session) -> None:
    person(session, "real", "books")
    person(session, "player", "books", simulated=True)
    gathering(session)
    look(session)
    assert set(notes(session)) == {"real"}


def test_a_home_that_is_proposed_is_where_everybody_may_know_it_about(session: Session) -> None:
    at = CAFE[0] + 0.004, CAFE[1] + 0.009
    town.circle(session, "readers", "cleo")
    town.place(session, "flat", at, kind="home", owner_id="cleo", district="Mitte")
    proposals.open(
        session,
        by_id="cleo",
        title="Night of reading",
        options=[proposals.NewOption(NOW + 5 * DAY, NOW + 5 * DAY + HOUR, venue_id="flat")],
        quorum=2,
        decide_by=NOW + DAY,
        now=NOW,
        community_id="readers",
    )
    opening.open_calls(session, rule=RULE, now=NOW + DAY - HOUR)
    wave = audience.wave_of(session, session.scalars(select(Call)).one(), rule=RULE, now=NOW + DAY - HOUR)
    assert wave is not None
    assert wave.wanted.place == postgis.about(at)
    assert distances.between_m(wave.wanted.place, at) > 500


def test_what_was_moved_nearer_before_anybody_was_told_is_told_then(session: Session) -> None:
    person(session, "anna", "books")
    gathering(session, at=NOW + 60 * DAY)
    assert look(session) == 0
    session.execute(
        text("UPDATE step SET starts_at = starts_at - :by, ends_at = ends_at - :by, opens_at = opens_at - :by"),
        {"by": 55 * DAY},
    )
    assert look(session, LATER + MINUTE) == 1


def test_what_was_moved_further_ahead_is_told_later(session: Session) -> None:
    person(session, "anna", "books")
    gathering(session, at=NOW + 2 * DAY)
    opening.open_calls(session, rule=RULE, now=NOW + MINUTE)
    session.execute(
        text("UPDATE step SET starts_at = starts_at + :by, ends_at = ends_at + :by, opens_at = opens_at + :by"),
        {"by": 60 * DAY},
    )
    assert look(session) == 0
    assert look(session, NOW + 35 * DAY) == 1


def test_drafts_and_what_was_called_off_call_nobody(session: Session) -> None:
    person(session, "anna", "books")
    gathering(session, "draft", state=State.DRAFT)
    gathering(session, "off")
    life.cancel(session, event_id="off", reason="", now=NOW)
    assert look(session) == 0


def test_consent_taken_back_between_choice_and_telling_is_seen(session: Session) -> None:
    person(session, "anna", "books")
    gathering(session)
    call = _opened(session)
    wave = audience.wave_of(session, call, rule=RULE, now=LATER)
    assert wave is not None
    chosen = choosing.choose(session, wave.wanted, most=5, least_points=RULE.least_points, now=LATER)
    assert [one.candidate.member_id for one in chosen] == ["anna"]
    assert choosing.stand(session, wave.wanted, ["anna"], now=LATER, hold=True) == ["anna"]
    let(session, "anna", told=False)
    assert choosing.stand(session, wave.wanted, ["anna"], now=LATER, hold=True) == []


def test_a_host_who_wants_none_told_is_heard_and_may_change_her_mind(session: Session) -> None:
    person(session, "anna", "books")
    gathering(session)
    audience.switch(session, event_id="reading", on=False, now=NOW)
    audience.switch(session, event_id="reading", on=False, now=NOW)
    assert look(session) == 0
    audience.switch(session, event_id="reading", on=True, now=NOW)
    assert look(session, LATER + MINUTE) == 1


def test_who_forgets_her_home_is_nowhere(session: Session) -> None:
    person(session, "anna", "books")
    gathering(session)
    positions.forget(session, member_id="anna")
    assert look(session) == 0


def test_the_count_is_of_those_told_and_they_go_with_their_account(session: Session) -> None:
    person(session, "anna", "books")
    gathering(session)
    look(session)
    assert session.scalars(select(Call.told)).one() == 1
    session.execute(text("DELETE FROM member WHERE id = 'anna'"))
    assert session.scalars(select(Called)).all() == []


def _opened(session: Session) -> Call:
    opening.open_calls(session, rule=RULE, now=LATER)
    return session.scalars(select(Call)).one()


def test_a_community_that_was_left_calls_no_more(session: Session) -> None:
    person(session, "anna", "books")
    town.circle(session, "readers", "cleo", "anna")
    gathering(session, community="readers")
    communities.leave(session, community_id="readers", member_id="anna", now=NOW)
    assert look(session) == 0

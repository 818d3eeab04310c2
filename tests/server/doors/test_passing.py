"""Coming in by every way, with what stands in it."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from server.checkins.model import Refusal
from server.doors import arrivals, codes, refusals
from server.doors import service as doors
from server.errors import Invalid, MusterError
from server.events import service as events
from server.people import service as people
from server.venues import service as venues
from tests.server.doors.scene import (
    MINUTE,
    enter,
    guests,
    make_door,
    make_evening,
    near,
    nonce,
    refused,
    standing,
)
from tests.server.places import HOUR, NOW, make_agent


def test_a_member_comes_in_by_a_poster_and_is_in_once(session: Session) -> None:
    make_evening(session)
    code = make_door(session).door.code
    found = enter(session, who="ben", code=code)
    assert (found.result, found.evidence, found.at, found.flags) == ("in", "poster", NOW, ())
    later = enter(session, NOW + 5 * MINUTE, who="ben", code=code)
    assert (later.result, later.checkin_id, later.at) == ("already", found.checkin_id, NOW)
    assert [(row.evidence, row.signed_up) for row in standing(session)] == [("poster", True)]


def test_a_stranger_says_a_name_and_is_a_guest_signed_in_on_this_phone(session: Session) -> None:
    make_evening(session)
    code = make_door(session).door.code
    assert refused(session, code=code).code == "name_needed"
    found = enter(session, code=code, name="  Mia 🌻 ")
    guest = people.get(session, found.member_id)
    assert (found.result, found.sign_in, guest.name, guest.guest) == ("in", True, "Mia 🌻", True)
    assert guests(session) == 1


@pytest.mark.parametrize("name", ["محمد", "\u2067right\u2069", "a\u200bb", "👩‍👩‍👧", "李伟", "x" * 120])
def test_names_of_all_scripts_come_in(session: Session, name: str) -> None:
    make_evening(session)
    found = enter(session, code=make_door(session).door.code, name=name)
    assert found.result == "in"


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "a\nb", "a\0b"])
def test_names_that_are_none_make_no_guest(session: Session, name: str) -> None:
    make_evening(session)
    code = make_door(session).door.code
    assert isinstance(refused(session, code=code, name=name), Invalid)
    assert guests(session) == 0


def test_a_retry_is_answered_as_the_first_time_also_when_the_rules_say_no_by_now(session: Session) -> None:
    make_evening(session)
    code = make_door(session).door.code
    number = nonce()
    first = enter(session, who="ben", code=code, nonce=number)
    again = enter(session, NOW + 10 * HOUR, who="ben", code=code, nonce=number)
    assert again == first
    assert refused(session, who="dora", code=code, nonce=number).code == "nonce_taken"


def test_a_guest_whose_answer_was_lost_is_the_same_guest(session: Session) -> None:
    make_evening(session)
    code = make_door(session).door.code
    number = nonce()
    first = enter(session, code=code, name="Mia", nonce=number)
    again = enter(session, NOW + MINUTE, code=code, name="Mia", nonce=number)
    assert (again.member_id, again.checkin_id, again.sign_in) == (first.member_id, first.checkin_id, True)
    assert guests(session) == 1
    # Half an hour later that number signs nobody in.
    assert refused(session, NOW + 30 * MINUTE, code=code, name="Mia", nonce=number).code == "nonce_taken"


def test_only_successes_consume_a_nonce(session: Session) -> None:
    make_evening(session)
    code = make_door(session).door.code
    number = nonce()
    early = refused(session, NOW - HOUR - 12 * MINUTE, who="ben", code=code, nonce=number)
    assert (early.code, early.detail) == ("not_open_yet", "Check-in to Friday supper opens in 12 minutes.")
    assert enter(session, NOW, who="ben", code=code, nonce=number).result == "in"


@pytest.mark.parametrize("number", ["short", "x" * 65, "ünïcode-nonce-number"])
def test_a_nonce_that_is_none_is_refused(session: Session, number: str) -> None:
    make_evening(session)
    assert refused(session, who="ben", code=make_door(session).door.code, nonce=number).code == "nonce_wrong"


def test_refusals_name_the_nearest_miss_and_are_kept(session: Session) -> None:
    make_evening(session)
    code = make_door(session).door.code

    def says(now: dt.datetime) -> tuple[str, str]:
        told = refused(session, now, who="ben", code=code)
        return told.code, told.detail

    assert says(NOW - 2 * HOUR) == ("not_open_yet", "Check-in to Friday supper opens in 60 minutes.")
    assert says(NOW - HOUR - dt.timedelta(seconds=20))[1] == "Check-in to Friday supper opens in one minute."
    over = NOW + 3 * HOUR
    assert says(over + 20 * MINUTE)[1] == "Friday supper ended 20 minutes ago. Ask the host if you were there."
    assert says(over)[1] == "Friday supper has just ended. Ask the host if you were there."
    assert says(NOW + 24 * HOUR) == (
        "other_evening",
        "This code is of another evening: Friday supper, Fri 13 March 2026.",
    )
    kept = {row.code for row in session.scalars(select(Refusal).where(Refusal.at_door))}
    assert kept == {"not_open_yet", "ended", "other_evening"}
    assert standing(session) == []


def test_a_screens_code_and_the_last_are_taken_and_older_ones_have_changed(session: Session) -> None:
    make_evening(session)
    door = make_door(session, "screen").door
    code, until = doors.screen_code(door, NOW)
    assert until - NOW <= dt.timedelta(seconds=30)
    assert enter(session, NOW + dt.timedelta(seconds=30), who="ben", code=code).evidence == "screen"
    assert refused(session, NOW + dt.timedelta(seconds=61), who="dora", code=code).code == "code_changed"
    assert refused(session, NOW + 11 * MINUTE, who="dora", code=code).code == "code_unknown"


def test_a_ticket_gives_time_to_write_a_name(session: Session) -> None:
    make_evening(session)
    door = make_door(session, "screen").door
    ticket = codes.ticket(door.secret or b"", door.id, NOW.timestamp())
    assert enter(session, NOW + 4 * MINUTE, ticket=ticket, name="Mia").result == "in"
    assert refused(session, NOW + 6 * MINUTE, ticket=ticket, name="Max").code == "code_changed"
    for forged in (ticket[:-1] + "0" * (ticket[-1] != "0"), "7", "", f"{door.id}.1.2"):
        assert refused(session, NOW, ticket=forged, name="Max").code in ("code_unknown", "code_changed")


@pytest.mark.parametrize("code", ["", "AAAAAA", "zzzzzzzzzzzz", "💥" * 6, "' OR 1=1"])
def test_guessed_codes_open_nothing(session: Session, code: str) -> None:
    make_evening(session)
    make_door(session, "screen")
    assert refused(session, who="ben", code=code).code == "code_unknown"


def test_a_revoked_door_lets_nobody_in(session: Session) -> None:
    make_evening(session)
    door = make_door(session).door
    doors.revoke(session, door_id=door.id, now=NOW, by="cleo")
    doors.revoke(session, door_id=door.id, now=NOW + HOUR, by="cleo")
    assert door.revoked_at == NOW
    assert refused(session, who="ben", code=door.code).code == "door_revoked"


def test_a_code_of_another_event_says_which(session: Session) -> None:
    make_evening(session)
    step = events.NewStep(name="Talk", venue_id="cafe", starts_at=NOW, ends_at=NOW + HOUR)
    events.create(session, id="talk", name="Talk", organizer_id="cleo", steps=[step])
    told = refused(session, who="ben", code=make_door(session).door.code, event_id="talk")
    assert (told.code, told.detail[:51]) == ("other_evening", "This code is of another evening: Friday supper, Fri")


# -- positions


def test_a_position_inside_the_radius_checks_in(session: Session) -> None:
    make_evening(session)
    found = enter(session, who="ben", fix=near(60), event_id="supper")
    assert (found.result, found.evidence) == ("in", "phone")


def test_a_position_that_does_not_count_says_why(session: Session) -> None:
    make_evening(session)

    def says(fix: arrivals.Fix, **more: Any) -> str:
        return refused(session, who="ben", fix=fix, event_id="supper", **more).code

    far = refused(session, who="ben", fix=near(175), event_id="supper")
    assert far.detail == ("You are about 180 m away from Café Lumen. Come within 150 m, or use the code at the door.")
    assert says(near(100, 80)) == "position_vague"
    assert says(arrivals.Fix(0.0, 0.0, 10)) == "position_impossible"
    old = near(10)._replace(taken_at=NOW - 2 * MINUTE)
    assert says(old, told_at=NOW, sent_at=NOW) == "position_old"
    hour = dt.timedelta(hours=1)  # a clock an hour off knows as well how old a fix is
    fresh = near(10)._replace(taken_at=NOW - hour)
    assert (
        enter(session, who="ben", fix=fresh, event_id="supper", told_at=NOW - hour, sent_at=NOW - hour).result == "in"
    )


def test_where_an_agent_listens_or_no_place_is_known_positions_do_not_count(session: Session) -> None:
    make_evening(session)
    make_agent(session)
    assert refused(session, who="ben", fix=near(1), event_id="supper").code == "badges_heard"
    venues.create(session, id="barn", name="Barn", time_zone="Europe/Berlin")
    assert refused(session, who="ben", fix=near(1), venue_id="barn").code == "place_unknown"


def test_a_posters_photo_from_elsewhere_is_taken_and_marked(session: Session) -> None:
    make_evening(session)
    code = make_door(session).door.code
    assert enter(session, who="ben", code=code, fix=near(30_000)).flags == ("elsewhere",)
    assert enter(session, who="dora", code=code, fix=near(300)).flags == ()


def test_every_refusal_has_a_sentence_without_gaps() -> None:
    assert issubclass(refusals.TooFar, refusals.NotLetIn)
    assert refusals.TooFar.kept
    for kind in vars(refusals).values():
        if isinstance(kind, type) and issubclass(kind, MusterError) and "%" not in (kind.__doc__ or ""):
            assert kind().detail.endswith(".")

"""Full rooms, the host's yes and no, going out and coming back, venues and their days."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from server.checkins import capacity
from server.checkins import service as checkins
from server.doors import asks, places, receipts, refusals
from server.doors import service as doors
from server.doors.model import Passage
from server.events import service as events
from server.venues import service as venues
from tests.server.doors.scene import MINUTE, enter, make_door, make_evening, near, refused, standing
from tests.server.places import HOUR, NOW
from tests.server.presence import scene


def test_full_asks_the_host_and_yes_lets_in(session: Session) -> None:
    make_evening(session, capacity=1)
    code = make_door(session).door.code
    enter(session, who="ben", code=code)
    asked = enter(session, who="dora", code=code)
    assert (asked.result, asked.checkin_id) == ("asked", None)
    again = enter(session, NOW + MINUTE, who="dora", code=code)
    assert again.ask_id == asked.ask_id
    assert [row.name for row in asks.of_event(session, event_id="supper", now=NOW)] == ["Dora Lindqvist"]
    row = asks.answer(session, ask_id=asked.ask_id or 0, yes=True, now=NOW + 2 * MINUTE, by="cleo")
    assert row.state == "in"
    assert asks.answer(session, ask_id=row.id, yes=True, now=NOW + 3 * MINUTE, by="cleo").checkin_id == row.checkin_id
    flags = session.scalars(select(Passage.flags).where(Passage.checkin_id == row.checkin_id)).all()
    assert flags == [["over_capacity"]]
    with pytest.raises(asks.AnsweredAlready, match="Cléo Martin answered at 20:02 already"):
        asks.answer(session, ask_id=row.id, yes=False, now=NOW + 3 * MINUTE, by="cleo")
    assert enter(session, NOW + 4 * MINUTE, who="dora", code=code).result == "already"


def test_no_is_no_until_the_host_says_otherwise(session: Session) -> None:
    make_evening(session, approval=True)
    code = make_door(session).door.code
    asked = enter(session, code=code, name="Mia")
    assert (asked.result, asked.sign_in) == ("asked", True)
    assert asks.answer(session, ask_id=asked.ask_id or 0, yes=False, now=NOW, by="cleo").state == "no"
    told = refused(session, NOW + MINUTE, who=asked.member_id, code=code)
    assert (told.code, "Cléo Martin" in told.detail) == ("host_said_no", True)
    assert enter(session, NOW + MINUTE, who="cleo", event_id="supper", member_id=asked.member_id).result == "in"


def test_approval_does_not_concern_who_signed_up(session: Session) -> None:
    make_evening(session, approval=True)
    assert enter(session, who="ben", code=make_door(session).door.code).result == "in"


def test_a_host_who_was_away_answers_too_late(session: Session) -> None:
    make_evening(session, approval=True)
    asked = enter(session, who="dora", code=make_door(session).door.code)
    over = NOW + 3 * HOUR
    with pytest.raises(asks.AskOver, match="23:00"):
        asks.answer(session, ask_id=asked.ask_id or 0, yes=True, now=over, by="cleo")
    assert asks.get(session, asked.ask_id or 0, over).state == "over"
    assert asks.of_event(session, event_id="supper", now=over) == []


def test_an_ask_is_over_when_she_was_checked_in_otherwise(session: Session) -> None:
    make_evening(session, approval=True)
    asked = enter(session, who="dora", code=make_door(session).door.code)
    scene.arrive(session, "dora", NOW, "supper-1", signed_up=False)
    assert asks.of_event(session, event_id="supper", now=NOW) == []
    assert asks.answer(session, ask_id=asked.ask_id or 0, yes=True, now=NOW, by="cleo").state == "in"
    assert len(standing(session, "dora")) == 1


@pytest.mark.parametrize("by", ["code", "host", "fix"])
def test_nobody_comes_in_by_a_door_to_a_recording(session: Session, by: str) -> None:
    make_evening(session)
    code, counter = make_door(session).door.code, make_door(session, venue_id="cafe").door.code
    session.execute(text("UPDATE venue SET replayed = true"))
    ways: dict[str, dict[str, Any]] = {
        "code": {"who": "dora", "code": code},
        "host": {"who": "cleo", "event_id": "supper", "name": "Mia"},
        "fix": {"who": "dora", "event_id": "supper", "fix": near(1)},
    }
    assert refused(session, **ways[by]).code == "recording"
    assert refused(session, who="dora", code=counter).code == "recording"
    assert standing(session) == []
    session.expire_all()
    with pytest.raises(refusals.Recording, match="Café Lumen is a recording"):
        make_door(session, venue_id="cafe")


# -- in and out


def test_going_out_frees_the_place_and_coming_back_needs_none(session: Session) -> None:
    make_evening(session, capacity=1)
    code = make_door(session).door.code
    first = enter(session, who="ben", code=code)
    out = enter(session, NOW + MINUTE, who="ben", code=code, direction="out")
    assert (out.result, out.checkin_id) == ("out", first.checkin_id)
    assert enter(session, NOW + 2 * MINUTE, who="ben", code=code, direction="out").at == out.at
    assert enter(session, NOW + 3 * MINUTE, who="dora", code=code).result == "in"
    back = enter(session, NOW + 4 * MINUTE, who="ben", code=code)
    assert (back.result, back.checkin_id) == ("in", first.checkin_id)
    assert len(standing(session, "ben")) == 1
    assert refused(session, who="cleo", code=code, direction="out").code == "not_in"


def test_whether_all_places_were_taken_is_told_by_who_was_inside(session: Session) -> None:
    make_evening(session, capacity=1)
    code, token = make_door(session).door.code, make_door(session, "volunteer").token
    enter(session, who="ben", code=code)
    host = {"who": "cleo", "event_id": "supper"}
    mia = enter(session, NOW + MINUTE, name="Mia", **host)
    assert mia.flags == ("over_capacity",)

    def told() -> dict[str | None, bool]:
        rows = [row for row in receipts.last_of(session, "supper", 10) if row.direction == "in"]
        over = capacity.over(session, ["supper-1"])
        for row in rows:
            flags = receipts.load(session, row.checkin_id).flags
            assert ("over_capacity" in flags) == ("over_capacity" in row.flags) == (row.checkin_id in over)
        return {row.name: "over_capacity" in row.flags for row in rows}

    assert told() == {"Ben Okafor": False, "Mia": True}
    # Mia goes; Dora has the place that is free again, though she is the third who came.
    enter(session, NOW + 2 * MINUTE, member_id=mia.member_id, direction="out", **host)
    enter(session, NOW + 2 * MINUTE, who="ben", code=code, direction="out")
    assert enter(session, NOW + 3 * MINUTE, who="dora", code=code).result == "in"
    assert told() == {"Ben Okafor": False, "Mia": True, "Dora Lindqvist": False}
    # A door without a network tells that Ida came before them all: then Ben was the one too many.
    now = NOW + 10 * MINUTE
    enter(session, now, door_token=token, name="Ida", told_at=NOW - MINUTE, sent_at=now)
    assert told() == {"Ida": False, "Ben Okafor": True, "Mia": True, "Dora Lindqvist": True}


def test_entering_one_room_leaves_the_other(session: Session) -> None:
    make_evening(session)
    steps = [
        events.NewStep(name="Left", venue_id="cafe", starts_at=NOW, ends_at=NOW + HOUR, capacity=1),
        events.NewStep(name="Right", venue_id="cafe", starts_at=NOW, ends_at=NOW + HOUR, capacity=1),
    ]
    events.create(session, id="rooms", name="Rooms", organizer_id="cleo", steps=steps)
    left, right = (
        doors.make(session, kind="poster", name=name, now=NOW, made_by="cleo", event_id="rooms", step_id=step)
        for name, step in (("left", "rooms-1"), ("right", "rooms-2"))
    )
    assert enter(session, who="ben", code=left.door.code).result == "in"
    assert enter(session, who="dora", code=left.door.code).result == "asked"
    assert enter(session, NOW + MINUTE, who="ben", code=right.door.code).result == "in"
    assert enter(session, NOW + 2 * MINUTE, who="dora", code=left.door.code).result == "in"
    assert enter(session, NOW + 3 * MINUTE, who="ben", code=left.door.code).result == "in"  # comes back
    assert enter(session, NOW + 4 * MINUTE, who="cleo", code=right.door.code).result == "in"
    # Ben, erased, is still one person in one room.
    session.execute(text("UPDATE checkin SET member_id = NULL, stranger = 7 WHERE member_id = 'ben'"))
    assert places.inside(session, "rooms") == {"rooms-1": 2, "rooms-2": 1}


def test_what_was_taken_back_is_not_brought_in_again_by_what_was_before(session: Session) -> None:
    make_evening(session)
    token = make_door(session, "volunteer").token
    found = enter(session, door_token=token, member_id="ben")
    checkins.undo(session, checkin_id=found.checkin_id or 0, now=NOW + 10 * MINUTE, by="ben")
    late = {"door_token": token, "member_id": "ben", "sent_at": NOW + HOUR}
    told = refused(session, NOW + HOUR, told_at=NOW + 5 * MINUTE, **late)
    assert (told.code, told.detail[:40]) == ("taken_back", "This check-in was taken back at 20:10; w")
    assert enter(session, NOW + HOUR, door_token=token, member_id="ben").result == "in"
    assert len(standing(session, "ben")) == 1


# -- venues


def test_a_venue_checks_in_once_a_day_that_turns_at_five(session: Session) -> None:
    make_evening(session)
    code = make_door(session, venue_id="cafe").door.code
    four, five = (dt.datetime(2026, 3, 14, hour - 1, tzinfo=dt.UTC) for hour in (4, 5))  # local in Berlin
    found = enter(session, NOW, who="dora", code=code)
    assert found.result == "in"
    assert enter(session, four, who="dora", code=code).checkin_id == found.checkin_id
    assert enter(session, four, who="dora", code=code, direction="out").result == "out"
    assert enter(session, four + MINUTE, who="dora", code=code).result == "in"
    next_day = enter(session, five, who="dora", code=code)
    assert (next_day.result, next_day.checkin_id != found.checkin_id) == ("in", True)
    days = session.execute(text("SELECT day FROM checkin ORDER BY day")).scalars().all()
    assert [day.isoformat() for day in days] == ["2026-03-13", "2026-03-14"]
    checkins.undo(session, checkin_id=next_day.checkin_id or 0, now=five + MINUTE, by="dora")
    assert len(standing(session, "dora")) == 1


def test_a_venue_is_remembered_when_she_says_so_and_asks_once(session: Session) -> None:
    make_evening(session)
    asked = {"member_id": "dora", "venue_id": "cafe"}
    assert not checkins.was_asked(session, **asked)
    checkins.decline(session, **asked, now=NOW)
    checkins.decline(session, **asked, now=NOW)
    assert checkins.was_asked(session, **asked)
    assert not checkins.remembered(session, **asked)
    checkins.remember(session, **asked, now=NOW)
    assert checkins.remembered(session, **asked)
    checkins.decline(session, **asked, now=NOW + 2 * HOUR)
    assert not checkins.remembered(session, **asked)
    with pytest.raises(venues.VenueUnknown):
        checkins.decline(session, member_id="dora", venue_id="nowhere", now=NOW)

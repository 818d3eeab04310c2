"""By what it is known that somebody is here, each refusal beside its success."""

import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.doors import refusals
from server.doors import service as doors
from server.doors.arrivals import Fix
from server.events import service as events
from server.face_to_face.proof import HEARD_MS, PlaceNeeded, Said
from tests.server.face_to_face.scene import fix, hear, north, prove
from tests.server.places import CAFE, HOUR, NOW, make_cafe, make_members

SECOND = dt.timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _people(session: Session) -> None:
    make_members(session)
    make_cafe(session)


def test_a_badge_that_is_heard_now_says_where_she_is(session: Session) -> None:
    with pytest.raises(PlaceNeeded):
        prove(session, Said(), "dora")
    hear(session, "dora")
    (found,) = prove(session, Said(), "dora")
    assert (str(found.by), found.venue_id) == ("beacon", "cafe")
    assert found.location == pytest.approx(CAFE)
    late = NOW + dt.timedelta(milliseconds=HEARD_MS)
    assert prove(session, Said(), "dora", late)
    with pytest.raises(PlaceNeeded):
        prove(session, Said(), "dora", late + SECOND)
    with pytest.raises(PlaceNeeded):
        prove(session, Said(), "cleo")
    with pytest.raises(PlaceNeeded):
        prove(session, Said(), None)


def test_what_is_heard_in_a_recording_is_long_ago(session: Session) -> None:
    hear(session, "dora")
    session.execute(text("UPDATE venue SET replayed = true WHERE id = 'cafe'"))
    with pytest.raises(PlaceNeeded):
        prove(session, Said(), "dora")


@pytest.mark.parametrize("kind", ["poster", "screen"])
def test_the_code_at_a_door_says_where_she_is(session: Session, kind: str) -> None:
    made = doors.make(session, kind=kind, name="Door", venue_id="cafe", now=NOW, made_by="ben")
    code = made.door.code or doors.screen_code(made.door, NOW)[0]
    (found,) = prove(session, Said(door=code.lower()))
    assert (found.by, found.venue_id) == (kind, "cafe")
    with pytest.raises(refusals.CodeUnknown):
        prove(session, Said(door="AAAAAA" if code != "AAAAAA" else "BBBBBB"))
    doors.revoke(session, door_id=made.door.id, now=NOW, by="ben")
    with pytest.raises((refusals.DoorRevoked, refusals.CodeUnknown)):
        prove(session, Said(door=code), now=NOW + SECOND)


def test_the_door_of_an_event_is_at_its_place(session: Session) -> None:
    step = events.NewStep("Talk", "cafe", NOW, NOW + HOUR)
    events.create(session, id="talk", name="Night", organizer_id="cleo", steps=[step])
    made = doors.make(session, kind="poster", name="Door", event_id="talk", now=NOW, made_by="cleo")
    (found,) = prove(session, Said(door=made.door.code))
    assert found.venue_id == "cafe"
    made = doors.make(session, kind="screen", name="Back", event_id="talk", now=NOW, made_by="cleo", ends_at=NOW + HOUR)
    last = NOW + HOUR - SECOND
    code = doors.screen_code(made.door, last)[0]
    assert prove(session, Said(door=code), now=last)[0].by == "screen"
    with pytest.raises(refusals.CodeUnknown):
        prove(session, Said(door=code), now=NOW + HOUR)


def test_a_position_counts_when_it_is_fresh_and_known_to_300_m(session: Session) -> None:
    (found,) = prove(session, fix(accuracy_m=300))
    assert (found.by, found.venue_id, found.location) == ("phone", None, north(0))
    with pytest.raises(refusals.PositionVague):
        prove(session, fix(accuracy_m=301))
    assert prove(session, fix(taken_at=NOW - 60 * SECOND))
    with pytest.raises(refusals.PositionOld):
        prove(session, fix(taken_at=NOW - 61 * SECOND))
    with pytest.raises(refusals.PositionImpossible):
        prove(session, Said(fix=Fix(0.0, 0.0, 20)))


def test_a_phone_whose_clock_is_wrong_is_judged_by_its_own(session: Session) -> None:
    off = NOW + dt.timedelta(hours=5)
    (found,) = prove(session, fix(taken_at=off)._replace(sent_at=off + SECOND))
    assert found.by == "phone"


def test_a_vague_position_is_no_matter_where_a_badge_is_heard(session: Session) -> None:
    hear(session, "dora")
    assert [found.by for found in prove(session, fix(accuracy_m=2000), "dora")] == ["beacon"]
    assert [found.by for found in prove(session, fix(), "dora")] == ["beacon", "phone"]

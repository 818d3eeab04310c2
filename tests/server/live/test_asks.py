"""What of a door goes live to the organizer: who asks, who came; nobody else gets the names."""

import datetime as dt

from sqlalchemy.orm import Session

from server import times
from server.doors import asks as asking
from server.live import gatherings
from server.live.rights import Audience
from tests.server.doors.scene import MINUTE, enter, make_door, make_evening
from tests.server.places import HOUR, NOW


def seen(session: Session, audience: Audience, now: dt.datetime = NOW) -> dict[str, object]:
    return gatherings.draw(gatherings.load(session, event_id="supper"), times.to_ms(now), audience, {})


def test_asks_go_to_the_organizer_and_to_nobody_else(session: Session) -> None:
    make_evening(session, approval=True)
    asked = enter(session, code=make_door(session).door.code, name="Mia")
    hers = seen(session, Audience.ORGANIZER)
    assert hers["asks"] == [{"id": asked.ask_id, "name": "Mia", "reason": "approval", "at": "2026-03-13T19:00:00.000Z"}]
    theirs = seen(session, Audience.OPERATOR)
    assert "asks" not in theirs
    assert "passages" not in theirs


def test_an_answered_ask_and_one_that_is_over_are_gone(session: Session) -> None:
    make_evening(session, approval=True)
    code = make_door(session).door.code
    first, second = (enter(session, code=code, name=name) for name in ("Mia", "Max"))
    asking.answer(session, ask_id=first.ask_id or 0, yes=True, now=NOW + MINUTE, by="cleo")
    hers = seen(session, Audience.ORGANIZER)
    assert [ask["id"] for ask in hers["asks"]] == [second.ask_id]  # type: ignore[attr-defined]
    assert len(hers["passages"]) == 1  # type: ignore[arg-type]
    assert seen(session, Audience.ORGANIZER, NOW + 3 * HOUR)["asks"] == []

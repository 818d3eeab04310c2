"""The check-ins of an event as a file: who came to which step, when, by what evidence."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Engine, Row, text
from sqlalchemy.orm import Session

from server.checkins import capacity
from server.events.model import Event
from server.exports import local, naming
from server.exports.csv_text import Cell
from server.exports.download import File, Form, Record, Tell
from server.people.model import Member

COLUMNS = (
    "check_in",
    "step",
    "venue",
    "name",
    "came_at",
    "came_at_utc",
    "recorded_at_utc",
    "evidence",
    "signed_up",
    "over_capacity",
    "undone_at_utc",
    "time_zone",
)
_ROWS = """
    SELECT checkin.id, step.name AS step, venue.name AS venue, venue.time_zone, checkin.member_id, checkin.at,
           checkin.recorded_at, checkin.evidence, checkin.signed_up, checkin.undone_at,
           checkin.id IN ({over}) AS over_capacity
    FROM checkin JOIN step ON step.id = checkin.step_id JOIN venue ON venue.id = step.venue_id
    WHERE step.event_id = :event ORDER BY checkin.at, checkin.id
"""
_QUERY = text(_ROWS.format(over=capacity.OVER_OF_EVENT))


def of_event(engine: Engine, *, event: Event, viewer: Member, now: dt.datetime, form: Form) -> File:
    """The file; whoever calls this has made sure that the viewer may have it. Raises ExportsBusy."""

    def tell(session: Session) -> Tell:
        names_of = naming.of_event(session, viewer=viewer, event_id=event.id, now=now)

        def records(_session: Session, rows: Sequence[Row[Any]]) -> Iterator[Record]:
            names = names_of({row.member_id for row in rows if row.member_id is not None})
            return (_record(row, names) for row in rows)

        return records

    return File(
        engine,
        name=f"{event.id}-check-ins",
        form=form,
        columns=COLUMNS,
        query=_QUERY,
        values={"event": event.id},
        tell=tell,
        about={"event": event.id, "name": event.name, "at": local.utc(now)},
        of="check_ins",
    )


def _record(row: Row[Any], names: dict[str, str]) -> dict[str, Cell]:
    return {
        "check_in": row.id,
        "step": row.step,
        "venue": row.venue,
        "name": names.get(row.member_id),
        "came_at": local.write(row.at, row.time_zone),
        "came_at_utc": local.utc(row.at),
        "recorded_at_utc": local.utc(row.recorded_at),
        "evidence": row.evidence,
        "signed_up": row.signed_up,
        "over_capacity": row.over_capacity,
        "undone_at_utc": local.utc(row.undone_at),
        "time_zone": row.time_zone,
    }

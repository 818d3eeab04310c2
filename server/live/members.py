"""The member topic: one's own check-ins, and why one was not checked in."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from server import topics
from server.checkins import words
from server.presence.schema import rfc3339

CHECKINS_SHOWN = 20  # the phone shows tonight; the rest is a list elsewhere
REFUSALS_SINCE = dt.timedelta(hours=12)  # nobody acts on yesterday's


@dataclasses.dataclass(frozen=True, slots=True)
class Diary:
    """What the tables say of a member's check-ins at revision `rev`, as she sees it."""

    rev: int
    checkins: list[dict[str, Any]]
    refusals: list[tuple[dt.datetime, dict[str, Any]]]


# Where she was heard when she had been heard long enough; else the zone that the step is bound to.
_CHECKINS = text("""
    SELECT checkin.at, checkin.recorded_at, checkin.evidence, venue.replayed, checkin.undone_at,
           event.id AS event_id, event.name AS event_name,
           step.id AS step_id, step.name AS step_name, step.ends_at, venue.id AS venue_id, venue.name AS venue_name,
           venue.time_zone, coalesce(heard.name, bound.name) AS zone_name
    FROM checkin JOIN step ON step.id = checkin.step_id JOIN event ON event.id = step.event_id
    JOIN venue ON venue.id = step.venue_id LEFT JOIN zone AS bound ON bound.id = step.zone_id
    LEFT JOIN LATERAL (
        SELECT zone.name FROM stay JOIN zone ON zone.id = stay.zone_id
        JOIN visit ON visit.badge_id = stay.badge_id AND visit.venue_id = stay.venue_id
          AND stay.from_ms BETWEEN visit.from_ms AND visit.to_ms
        WHERE stay.badge_id = checkin.badge_id AND stay.venue_id = step.venue_id
          AND stay.from_ms <= ceil(extract(epoch FROM checkin.at) * 1000)
          AND visit.to_ms >= floor(extract(epoch FROM checkin.at) * 1000)
        ORDER BY stay.from_ms DESC LIMIT 1) AS heard ON true
    WHERE checkin.member_id = :member
    ORDER BY checkin.at DESC, checkin.id DESC LIMIT :limit
""")

_REFUSALS = text("""
    SELECT refusal.code, refusal.sentence, refusal.last_at, event.id AS event_id, event.name AS event_name,
           step.id AS step_id, step.name AS step_name
    FROM refusal JOIN step ON step.id = refusal.step_id JOIN event ON event.id = step.event_id
    WHERE refusal.member_id = :member AND NOT EXISTS (
        SELECT FROM checkin WHERE checkin.step_id = refusal.step_id AND checkin.member_id = refusal.member_id
        AND checkin.undone_at IS NULL)
    ORDER BY refusal.last_at DESC LIMIT :limit
""")


def load(session: Session, *, member_id: str) -> Diary:
    """What the tables say of a member's check-ins."""
    name = f"member/{member_id}"
    rev = topics.revisions(session, [name])[name]
    wanted = {"member": member_id, "limit": CHECKINS_SHOWN}
    return Diary(
        rev,
        [_checkin(row) for row in session.execute(_CHECKINS, wanted)],
        _refusals(session.execute(_REFUSALS, wanted).all()),
    )


def draw(diary: Diary, now: dt.datetime) -> dict[str, Any]:
    """The member topic at `now`."""
    return {
        "rev": diary.rev,
        "checkins": diary.checkins,
        "refusals": [refusal for last_at, refusal in diary.refusals if last_at >= now - REFUSALS_SINCE],
    }


def _checkin(row: Row[Any]) -> dict[str, Any]:
    return {
        "event": {"id": row.event_id, "name": row.event_name},
        "step": {
            "id": row.step_id,
            "name": row.step_name,
            "venue": {"id": row.venue_id, "name": row.venue_name},
            "zone": row.zone_name,
            "ends_at": rfc3339(row.ends_at),
        },
        "at": rfc3339(row.at),
        "evidence": row.evidence,
        "sentence": _sentence(row),
        "undone": row.undone_at is not None,
    }


def _sentence(row: Row[Any]) -> str:
    arrived = words.arrived(row.at, row.time_zone, row.evidence, row.zone_name)
    late = words.late(row.at, row.recorded_at, row.replayed)
    return arrived if late is None else f"{arrived} · {late}"


def _refusals(rows: Sequence[Row[Any]]) -> list[tuple[dt.datetime, dict[str, Any]]]:
    return [
        (
            row.last_at,
            {
                "event": {"id": row.event_id, "name": row.event_name},
                "step": {"id": row.step_id, "name": row.step_name},
                "code": row.code,
                "sentence": row.sentence,
                "at": rfc3339(row.last_at),
            },
        )
        for row in rows
    ]

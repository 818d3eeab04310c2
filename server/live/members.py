"""The member topic: one's own check-ins, and why one was not checked in, in one's own language."""

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from server import topics
from server.checkins import words
from server.live import tonight
from server.live.tonight import Evening
from server.presence.schema import rfc3339
from server.presence.service import Record
from server.pulse import service as pulse
from server.pulse.service import AskedOf
from server.texts import IN_ENGLISH, Texts

CHECKINS_SHOWN = 20  # the phone shows tonight; the rest is a list elsewhere
NO_RECORDS: Mapping[str, Record] = MappingProxyType({})
REFUSALS_SINCE = dt.timedelta(hours=12)  # nobody acts on yesterday's


@dataclasses.dataclass(frozen=True, slots=True)
class Diary:
    """What the tables say of a member's check-ins and refusals at revision `rev`, the newest first."""

    rev: int
    checkins: Sequence[Row[Any]]
    refusals: Sequence[Row[Any]]
    evenings: tuple[Evening, ...] = ()
    asked: tuple[AskedOf, ...] = ()

    @property
    def venue_ids(self) -> list[str]:
        """The venues of what she is going to, whose news her card is drawn with."""
        return list(dict.fromkeys(evening.venue_id for evening in self.evenings if evening.standing is None))


# Where she was heard when she had been heard long enough; else the zone that the step is bound to.
_CHECKINS = text("""
    SELECT checkin.id, checkin.at, checkin.recorded_at, checkin.evidence, venue.replayed, checkin.undone_at,
           event.id AS event_id, event.name AS event_name,
           event.simulated, step.id AS step_id, step.name AS step_name, step.ends_at,
           venue.id AS venue_id, venue.name AS venue_name, venue.time_zone,
           coalesce(heard.name, bound.name) AS zone_name
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
    SELECT refusal.code, refusal.at_door, refusal.sentence, refusal.values, refusal.last_at,
           event.id AS event_id, event.name AS event_name, event.simulated,
           step.id AS step_id, step.name AS step_name, step.opens_at, step.ends_at
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
    checkins, refusals = session.execute(_CHECKINS, wanted).all(), session.execute(_REFUSALS, wanted).all()
    return Diary(rev, checkins, refusals, asked=pulse.asked_of(session, member_id=member_id))


def draw(
    diary: Diary, now: dt.datetime, say: Texts = IN_ENGLISH, records: Mapping[str, Record] = NO_RECORDS
) -> dict[str, Any]:
    """The member topic at `now`, in the reader's language. records: the venues of its `venue_ids`, as far as known."""
    return {
        "rev": diary.rev,
        "checkins": [checkin(row, say) for row in diary.checkins],
        "refusals": [_refusal(row, say) for row in diary.refusals if row.last_at >= now - REFUSALS_SINCE],
        "card": tonight.card(diary.evenings, now, records, say),
        "pulse": asked(diary.asked, now, say),
    }


def asked(found: Sequence[AskedOf], now: dt.datetime, say: Texts) -> dict[str, Any] | None:
    """The newest question that waits for her answer at `now`."""
    for one in found:
        if one.from_at <= now < one.to_at:
            event = {"id": one.event_id, "name": say.name(one.event_name, one.simulated)}
            return {"id": one.id, "event": event, "question": one.question}
    return None


def checkin(row: Row[Any], say: Texts) -> dict[str, Any]:
    """One check-in of a diary as she is told it."""
    zone_name = None if row.zone_name is None else say.name(row.zone_name, row.simulated)
    arrived = words.arrived(row.at, row.time_zone, row.evidence, zone_name, say)
    late = words.late(row.at, row.recorded_at, row.replayed, say)
    return {
        "id": row.id,
        "event": {"id": row.event_id, "name": say.name(row.event_name, row.simulated)},
        "step": {
            "id": row.step_id,
            "name": say.name(row.step_name, row.simulated),
            "venue": {"id": row.venue_id, "name": say.name(row.venue_name, row.simulated)},
            "zone": zone_name,
            "ends_at": rfc3339(row.ends_at),
        },
        "at": rfc3339(row.at),
        "evidence": row.evidence,
        "sentence": arrived if late is None else f"{arrived} · {late}",
        "undone": row.undone_at is not None,
    }


def _refusal(row: Row[Any], say: Texts) -> dict[str, Any]:
    return {
        "event": {"id": row.event_id, "name": say.name(row.event_name, row.simulated)},
        "step": {"id": row.step_id, "name": say.name(row.step_name, row.simulated)},
        "code": row.code,
        "sentence": words.refusal(row, row.opens_at, row.ends_at, say),
        "at": rfc3339(row.last_at),
    }

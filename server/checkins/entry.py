"""Checking in by an act at a door: one check-in per member and step, or per member, venue and day."""

import datetime as dt
import json
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.errors import MusterError

_ENTER = """
    INSERT INTO checkin (member_id, step_id, venue_id, day, at, recorded_at, evidence, signed_up)
    VALUES (:member, :step, :venue, :day, :at, :now, :evidence, :signed_up)
    ON CONFLICT ({of}, member_id) WHERE undone_at IS NULL
    DO UPDATE SET at = excluded.at, evidence = excluded.evidence, badge_id = NULL,
                  signed_up = checkin.signed_up OR excluded.signed_up
    WHERE excluded.at < checkin.at
    RETURNING id, at, xmax = 0 AS made
"""
_ENTER_STEP = text(_ENTER.format(of="step_id"))
_ENTER_DAY = text(_ENTER.format(of="venue_id, day"))

_STANDING = text("""
    SELECT id, at, evidence FROM checkin
    WHERE member_id = :member AND undone_at IS NULL
      AND (step_id = :step OR (venue_id = :venue AND day = :day))
""")

_UNDONE = text("""
    SELECT max(undone_at) FROM checkin
    WHERE member_id = :member AND (step_id = :step OR (venue_id = :venue AND day = :day))
""")

_REFUSE = text("""
    INSERT INTO refusal (member_id, step_id, code, at_door, first_at, last_at, sentence, values)
    VALUES (:member, :step, :code, true, :at, :at, :sentence, CAST(:values AS jsonb))
    ON CONFLICT (member_id, step_id, code, at_door) DO UPDATE
    SET first_at = least(refusal.first_at, excluded.first_at),
        last_at = greatest(refusal.last_at, excluded.last_at),
        sentence = excluded.sentence, values = excluded.values
""")


class At(NamedTuple):
    """What somebody checks in to: a step, or a venue's day."""

    step_id: str | None
    venue_id: str | None = None
    day: dt.date | None = None


class Standing(NamedTuple):
    """A check-in that was not taken back."""

    id: int
    at: dt.datetime
    evidence: str


def standing(session: Session, *, member_id: str, at: At) -> Standing | None:
    """A member's check-in there, None when there is none that stands."""
    row = session.execute(_STANDING, _given(member_id, at)).one_or_none()
    return None if row is None else Standing(row.id, row.at, row.evidence)


def undone_at(session: Session, *, member_id: str, at: At) -> dt.datetime | None:
    """When her check-in there was last taken back: what happened before never checks in again."""
    found: dt.datetime | None = session.scalar(_UNDONE, _given(member_id, at))
    return found


def enter(
    session: Session,
    *,
    member_id: str,
    at: At,
    when: dt.datetime,
    evidence: str,
    signed_up: bool,
    now: dt.datetime,
) -> tuple[Standing, bool]:
    """Checks in, or moves a check-in that stands to an earlier moment, never later; and whether it is a new one.

    Of two doors at the same instant the second waits for the first and finds its check-in.
    """
    given = {
        **_given(member_id, at),
        "at": when,
        "now": now,
        "evidence": evidence,
        "signed_up": signed_up,
    }
    row = session.execute(_ENTER_DAY if at.step_id is None else _ENTER_STEP, given).one_or_none()
    if row is not None:
        return Standing(row.id, row.at, evidence), row.made
    found = standing(session, member_id=member_id, at=at)
    assert found is not None
    return found, False


def refuse(session: Session, *, member_id: str, step_id: str, refused: MusterError, now: dt.datetime) -> None:
    """Keeps why a member was not let in: one row per step and code, by the minute."""
    given = {
        "member": member_id,
        "step": step_id,
        "code": refused.code,
        "at": now.replace(second=0, microsecond=0),
        "sentence": refused.template,
        "values": json.dumps(refused.values, default=dt.date.isoformat),
    }
    session.execute(_REFUSE, given)


def _given(member_id: str, at: At) -> dict[str, object]:
    return {"member": member_id, "step": at.step_id, "venue": at.venue_id, "day": at.day}

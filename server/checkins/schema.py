"""What of check-ins goes out."""

import datetime as dt
from typing import Any

from pydantic import Field
from sqlalchemy import Row

from server import fields, times
from server.checkins import words
from server.checkins.explain import Explanation
from server.checkins.visits import HerVisit
from server.consent.rules import Level
from server.presence.schema import local_time
from server.texts import IN_ENGLISH, Texts

Moment = fields.Moment


class CheckInOut(fields.Outgoing):
    """A check-in. member, name, badge: only for whom they are shown, null of somebody erased.

    at: when she had come; recorded_at: when it was known. late: how much later it was known, as a few words, null where
    it was known at once. over_capacity: she came when all places were taken.
    """

    id: int
    event: str
    step: str
    member: str | None
    name: str | None
    badge: int | None
    at: Moment
    recorded_at: Moment
    late: str | None
    evidence: str
    signed_up: bool
    over_capacity: bool
    undone_at: Moment | None


class VisitOut(fields.Outgoing):
    """A visit as far as one member held the badge. member: null for nobody, or whom the viewer may not know."""

    badge: int
    venue: str
    member: str | None
    from_: Moment = Field(serialization_alias="from")
    to: Moment


class RefusalOut(fields.Outgoing):
    """Why somebody was told that she was not checked in."""

    code: str
    sentence: str
    first_at: Moment
    last_at: Moment


class BadgeOut(fields.Outgoing):
    """A badge that she held while check-in was open, and what was heard of it that counts."""

    badge: int
    label: str
    held_since: Moment | None
    held_until: Moment | None
    heard_s: float


class ProgressOut(fields.Outgoing):
    """How far you are with an event of several steps. done: your steps; needs: how many make it complete."""

    done: list[str]
    needs: int
    complete: bool


class WhyOut(fields.Outgoing):
    """Why somebody is or is not checked in: a code, a sentence to act on, and the numbers behind it."""

    code: str
    sentence: str
    step: str
    event: str
    zone: str | None
    signed_up: bool
    opens_at: Moment
    ends_at: Moment
    opens_local: str
    heard_s: float
    needed_s: float
    checked_in_at: Moment | None
    undone_at: Moment | None
    badges: list[BadgeOut]
    refusals: list[RefusalOut]


def show(row: Row[Any], level: Level, over_capacity: bool, say: Texts = IN_ENGLISH) -> CheckInOut:
    """A check-in as the API tells it. level: how much the viewer may know of whose it is."""
    named = level is Level.NAME
    return CheckInOut(
        id=row.id,
        event=row.event_id,
        step=row.step_id,
        member=row.member_id if named else None,
        name=row.name if named else None,
        badge=None if level is Level.HIDDEN else row.badge_id,
        at=row.at,
        recorded_at=row.recorded_at,
        late=words.late(row.at, row.recorded_at, row.replayed, say),
        evidence=row.evidence,
        signed_up=row.signed_up,
        over_capacity=over_capacity,
        undone_at=row.undone_at,
    )


def show_visit(visit: HerVisit, level: Level) -> VisitOut:
    """A visit as the API tells it. level: how much the viewer may know of whose it is."""
    return VisitOut(
        badge=visit.badge_id,
        venue=visit.venue_id,
        member=visit.member_id if level is Level.NAME else None,
        from_=visit.from_at,
        to=visit.to_at,
    )


def show_why(found: Explanation) -> WhyOut:
    """An explanation as the API tells it."""
    facts, asked = found.facts, found.facts.asked
    opens_at = times.from_ms(asked.opens_ms)
    return WhyOut(
        code=found.code,
        sentence=found.sentence,
        step=asked.step_id,
        event=asked.event_id,
        zone=asked.zone_name,
        signed_up=asked.signed_up,
        opens_at=opens_at,
        ends_at=times.from_ms(asked.ends_ms),
        opens_local=local_time(opens_at, asked.time_zone),
        heard_s=found.heard_s,
        needed_s=found.needed_s,
        checked_in_at=None if facts.checked_in is None else facts.checked_in.at,
        undone_at=None if facts.undone_ms is None else times.from_ms(facts.undone_ms),
        badges=[
            BadgeOut(
                badge=badge.badge_id,
                label=badge.label,
                held_since=_moment(badge.held[0][0]),
                held_until=_moment(badge.held[-1][1]),
                heard_s=found.heard_s_by_badge[badge.badge_id],
            )
            for badge in facts.badges
        ],
        refusals=[
            RefusalOut(code=told.code, sentence=told.sentence, first_at=told.first_at, last_at=told.last_at)
            for told in facts.refusals
        ],
    )


def _moment(ms: int) -> dt.datetime | None:
    # Pairings may have no beginning or no end.
    return times.from_ms(ms) if times.to_ms(fields.EARLIEST) <= ms < times.to_ms(fields.LATEST) else None

"""Checking people in by what was heard, and taking it back."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from config.settings import Presence
from server import errors, times, topics
from server.checkins import rules
from server.fleet import fence
from server.presence.joining import Interval

BEACON = "beacon"
# Somebody who signed up and is heard this long before the doors open, or after the end, is told so.
EARLY_S = 7200
LATE_S = 3600


class NotCheckedIn(errors.NotFound):
    """There is no such check-in, or it was taken back already."""

    code = "not_checked_in"


class HeardAt(NamedTuple):
    """A badge was heard at a venue: the interval that a batch of readings touched."""

    badge_id: int
    venue_id: str
    from_ms: int
    to_ms: int


# Everybody who held one of these badges then, beside every step at that venue that the time may matter to. Also who
# held it up to heard_gap_s before or after: a reading joins others over that gap, and what it bridges may be hers.
# places: which of the readings were heard while she held the badge.
_CANDIDATES = text("""
    SELECT array_agg(DISTINCT heard.place) FILTER (
               WHERE pairing.valid && tstzrange(heard.from_at, heard.to_at, '[]')) AS places,
           pairing.member_id, step.id AS step_id, step.event_id, step.venue_id, step.zone_id,
           step.opens_at, step.ends_at, step.dwell_signed_up_s, step.dwell_walk_in_s, step.capacity,
           sign_up.member_id IS NOT NULL AS signed_up, checkin.at AS checked_in_at, undoing.at AS undone_at
    FROM unnest(:badges ::bigint[], :venues ::text[], :froms ::timestamptz[], :tos ::timestamptz[])
         WITH ORDINALITY AS heard (badge_id, venue_id, from_at, to_at, place)
    JOIN pairing ON pairing.badge_id = heard.badge_id
         AND pairing.valid && tstzrange(heard.from_at - :gap, heard.to_at + :gap, '[]')
    JOIN step ON step.venue_id = heard.venue_id
         AND step.opens_at <= heard.to_at + :early AND step.ends_at >= heard.from_at - :late
    LEFT JOIN sign_up ON sign_up.event_id = step.event_id AND sign_up.member_id = pairing.member_id
    LEFT JOIN checkin ON checkin.step_id = step.id AND checkin.member_id = pairing.member_id
         AND checkin.undone_at IS NULL
    LEFT JOIN LATERAL (
        SELECT max(undoing.at) AS at FROM undoing JOIN checkin AS undone ON undone.id = undoing.checkin_id
        WHERE undone.step_id = step.id AND undone.member_id = pairing.member_id) AS undoing ON true
    GROUP BY step.id, pairing.member_id, sign_up.member_id, checkin.at, undoing.at
    ORDER BY step.id, pairing.member_id
""")

_PAIRINGS = text("""
    SELECT member_id, badge_id, lower(valid) AS since, upper(valid) AS until
    FROM pairing WHERE member_id = ANY(:members) AND valid && tstzrange(:from_at, :to_at, '[]')
""")

_SPANS = text("""
    SELECT span.badge_id, placement.venue_id, placement.zone_id, span.from_ms, span.to_ms
    FROM span JOIN placement ON placement.id = span.placement_id
    WHERE span.badge_id = ANY(:badges) AND placement.venue_id = ANY(:venues)
      AND span.to_ms >= :from_ms AND span.from_ms <= :to_ms
""")

_CHECK_IN = text("""
    INSERT INTO checkin (step_id, member_id, badge_id, at, recorded_at, evidence, signed_up, over_capacity)
    VALUES (:step_id, :member_id, :badge_id, :at, :now, :evidence, :signed_up,
            coalesce(:capacity <= (SELECT count(*) FROM checkin
                                   WHERE step_id = :step_id AND undone_at IS NULL AND member_id <> :member_id), false))
    ON CONFLICT (step_id, member_id) WHERE undone_at IS NULL
    DO UPDATE SET at = excluded.at, badge_id = excluded.badge_id, evidence = excluded.evidence
    WHERE excluded.at < checkin.at
       OR (excluded.at = checkin.at AND excluded.evidence = checkin.evidence AND excluded.badge_id < checkin.badge_id)
    RETURNING id
""")

_REFUSE = text("""
    INSERT INTO refusal (member_id, step_id, code, first_at, last_at, sentence)
    VALUES (:member_id, :step_id, :code, :first_at, :last_at, :sentence)
    ON CONFLICT (member_id, step_id, code) DO UPDATE SET
        first_at = least(refusal.first_at, excluded.first_at),
        last_at = greatest(refusal.last_at, excluded.last_at),
        sentence = CASE WHEN excluded.last_at > refusal.last_at THEN excluded.sentence ELSE refusal.sentence END
    WHERE excluded.first_at < refusal.first_at OR excluded.last_at > refusal.last_at
    RETURNING code
""")


def check_in_heard(session: Session, heard: Iterable[HeardAt], presence: Presence, now: dt.datetime) -> set[str]:
    """Checks in whoever was heard long enough, from the spans as they are in the session's transaction.

    heard: what changed. Returns the topics (`event/<id>`, `member/<id>`) whose revisions the caller is to raise.
    """
    changes = list(heard)
    heard_gap_ms = round(presence.heard_gap_s * 1000)
    candidates = _candidates(session, changes, heard_gap_ms)
    open_to = [row for row in candidates if _may_count(row, changes, heard_gap_ms)]
    evidence = _Evidence(session, open_to, heard_gap_ms) if open_to else None
    changed: set[str] = set()
    for row in candidates:
        dwell_s = row.dwell_signed_up_s if row.signed_up else row.dwell_walk_in_s
        window = rules.open_window(
            times.to_ms(row.opens_at),
            times.to_ms(row.ends_at),
            None if row.undone_at is None else times.to_ms(row.undone_at),
        )
        arrival = None
        if evidence is not None and window is not None and row in open_to:
            arrival = rules.arrival(evidence.of(row), heard_gap_ms, window, round(dwell_s * 1000))
        if arrival is not None:
            touched = _record(session, row, arrival, now)
        elif row.checked_in_at is None and row.signed_up:
            touched = _refuse(session, row, changes)
        else:
            touched = False
        if touched:
            changed |= {f"event/{row.event_id}", f"member/{row.member_id}"}
    return changed


def undo(session: Session, *, checkin_id: int, at: dt.datetime, by: str) -> None:
    """Takes a check-in back: the row stays, a new row says when and by whom, and earlier evidence never counts again.

    Raises NotCheckedIn when there is none or it was taken back already.
    """
    venue_id = session.scalar(
        text("SELECT step.venue_id FROM checkin JOIN step ON step.id = checkin.step_id WHERE checkin.id = :id"),
        {"id": checkin_id},
    )
    if venue_id is None:
        raise NotCheckedIn
    # A gateway's batch that had read the check-in before would write it once more, by evidence from before the undoing.
    fence.touch_venue(session, venue_id)
    undone = session.execute(
        text("""
            UPDATE checkin SET undone_at = :at FROM step
            WHERE checkin.id = :id AND undone_at IS NULL AND step.id = checkin.step_id
            RETURNING checkin.member_id, step.event_id
        """),
        {"id": checkin_id, "at": at},
    ).one_or_none()
    if undone is None:
        raise NotCheckedIn
    session.execute(
        text('INSERT INTO undoing (checkin_id, at, "by") VALUES (:id, :at, :by)'),
        {"id": checkin_id, "at": at, "by": by},
    )
    topics.bump(session, [f"event/{undone.event_id}", f"member/{undone.member_id}"])


def _candidates(session: Session, changes: Sequence[HeardAt], heard_gap_ms: int) -> Sequence[Row[Any]]:
    if not changes:
        return []
    return session.execute(
        _CANDIDATES,
        {
            "badges": [change.badge_id for change in changes],
            "venues": [change.venue_id for change in changes],
            "froms": [times.from_ms(change.from_ms) for change in changes],
            "tos": [times.from_ms(change.to_ms) for change in changes],
            "gap": dt.timedelta(milliseconds=heard_gap_ms),
            "early": dt.timedelta(seconds=EARLY_S),
            "late": dt.timedelta(seconds=LATE_S),
        },
    ).all()


def _may_count(row: Row[Any], changes: Sequence[HeardAt], heard_gap_ms: int) -> bool:
    """Whether what changed can touch the step's time, and an earlier moment than a check-in has already."""
    low, high = times.to_ms(row.opens_at) - heard_gap_ms, times.to_ms(row.ends_at) + heard_gap_ms
    if row.checked_in_at is not None:
        high = min(high, times.to_ms(row.checked_in_at) + heard_gap_ms)
    return any(change.venue_id == row.venue_id and change.from_ms <= high and change.to_ms >= low for change in changes)


def _hers(row: Row[Any], changes: Sequence[HeardAt]) -> list[HeardAt]:
    """What changed about this candidate: her badges while she held them, at the step's venue."""
    return [changes[place - 1] for place in row.places or ()]


class _Evidence:
    """The spans and pairings that decide about these candidates, read with two statements."""

    def __init__(self, session: Session, rows: Sequence[Row[Any]], heard_gap_ms: int) -> None:
        first, last = min(row.opens_at for row in rows), max(row.ends_at for row in rows)
        found = session.execute(
            _PAIRINGS, {"members": list({row.member_id for row in rows}), "from_at": first, "to_at": last}
        )
        self.held: dict[str, dict[int, list[Interval]]] = defaultdict(lambda: defaultdict(list))
        for pairing in found:
            since = 0 if pairing.since is None else times.to_ms(pairing.since)
            # The end of a pairing is the first moment at which she no longer held it.
            until = rules.EVER_MS if pairing.until is None else times.to_ms(pairing.until) - 1
            self.held[pairing.member_id][pairing.badge_id].append((since, until))
        self.spans: dict[tuple[int, str], list[tuple[str, Interval]]] = defaultdict(list)
        for span in session.execute(
            _SPANS,
            {
                "badges": list({badge for badges in self.held.values() for badge in badges}),
                "venues": list({row.venue_id for row in rows}),
                "from_ms": times.to_ms(first) - heard_gap_ms,
                "to_ms": times.to_ms(last) + heard_gap_ms,
            },
        ):
            self.spans[span.badge_id, span.venue_id].append((span.zone_id, (span.from_ms, span.to_ms)))

    def of(self, row: Row[Any]) -> list[rules.Held]:
        """What was heard of the member's badges at the step's venue, or in its zone if it is bound to one."""
        return [
            rules.Held(
                badge_id,
                tuple(
                    interval
                    for zone_id, interval in self.spans[badge_id, row.venue_id]
                    if row.zone_id is None or zone_id == row.zone_id
                ),
                tuple(held),
            )
            for badge_id, held in self.held[row.member_id].items()
        ]


def _record(session: Session, row: Row[Any], arrival: rules.Arrival, now: dt.datetime) -> bool:
    values = {
        "step_id": row.step_id,
        "member_id": row.member_id,
        "badge_id": arrival.badge_id,
        "at": times.from_ms(arrival.at_ms),
        "now": now,
        "evidence": BEACON,
        "signed_up": row.signed_up,
        "capacity": row.capacity,
    }
    return session.execute(_CHECK_IN, values).one_or_none() is not None


def _refuse(session: Session, row: Row[Any], changes: Sequence[HeardAt]) -> bool:
    # Readings of the same batch are one occasion: the first and the last time at which it was too early or too late.
    hers = _hers(row, changes)
    early = [c for c in hers if times.from_ms(c.to_ms) < row.opens_at]
    late = [c for c in hers if times.from_ms(c.from_ms) > row.ends_at]
    told = False
    for code, occasions in (("not_open_yet", early), ("ended", late)):
        if occasions:
            last_at = times.from_ms(max(c.to_ms for c in occasions))
            sentence = (
                rules.opens_in(row.opens_at, last_at)
                if code == "not_open_yet"
                else rules.ended_ago(row.ends_at, last_at)
            )
            values = {
                "member_id": row.member_id,
                "step_id": row.step_id,
                "code": code,
                "first_at": times.from_ms(min(c.from_ms for c in occasions)),
                "last_at": last_at,
                "sentence": sentence,
            }
            told |= session.execute(_REFUSE, values).one_or_none() is not None
    return told

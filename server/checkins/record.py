"""Writes what was judged: check-ins and refusals, a statement for all of a kind."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from server import times
from server.checkins import rules, words
from server.checkins.evidence import Case
from server.checkins.rows import Pair
from server.checkins.rules import Verdict

BEACON = "beacon"


class Judged(NamedTuple):
    """A case and what follows from it."""

    case: Case
    verdict: Verdict


_CHECK_IN = text("""
    INSERT INTO checkin (member_id, step_id, badge_id, at, signed_up, recorded_at, evidence)
    SELECT member_id, step_id, badge_id, to_timestamp(at_ms / 1000.0), signed_up, CAST(:now AS timestamptz), :evidence
    FROM unnest(string_to_array(:members, ','), string_to_array(:steps, ','), string_to_array(:badges, ',')::bigint[],
                string_to_array(:ats, ',')::bigint[], string_to_array(:signed_up, ',')::boolean[])
         AS new (member_id, step_id, badge_id, at_ms, signed_up)
    ON CONFLICT (step_id, member_id) WHERE undone_at IS NULL
    DO UPDATE SET at = excluded.at, badge_id = excluded.badge_id, evidence = excluded.evidence,
                  signed_up = checkin.signed_up OR excluded.signed_up
    WHERE excluded.at < checkin.at
       OR (excluded.at = checkin.at AND excluded.evidence = checkin.evidence AND excluded.badge_id < checkin.badge_id)
    RETURNING member_id, step_id
""")

_CHECK_IN_TO_DAY = text("""
    INSERT INTO checkin (member_id, venue_id, day, badge_id, at, signed_up, recorded_at, evidence)
    SELECT member_id, venue_id, day::date, badge_id, to_timestamp(at_ms / 1000.0), false, CAST(:now AS timestamptz),
           :evidence
    FROM unnest(string_to_array(:members, ','), string_to_array(:venues, ','), string_to_array(:days, ','),
                string_to_array(:badges, ',')::bigint[], string_to_array(:ats, ',')::bigint[])
         AS new (member_id, venue_id, day, badge_id, at_ms)
    ON CONFLICT (venue_id, day, member_id) WHERE undone_at IS NULL
    DO UPDATE SET at = excluded.at, badge_id = excluded.badge_id, evidence = excluded.evidence
    WHERE excluded.at < checkin.at
       OR (excluded.at = checkin.at AND excluded.evidence = checkin.evidence AND excluded.badge_id < checkin.badge_id)
    RETURNING member_id, venue_id || '@' || to_char(day, 'YYYY-MM-DD') AS step_id
""")

_MOVE = text("""
    UPDATE checkin SET at = moved.at, badge_id = moved.badge_id, signed_up = checkin.signed_up OR moved.signed_up
    FROM unnest(:ids ::bigint[], :badges ::bigint[], :ats ::timestamptz[], :signed_up ::boolean[])
         AS moved (id, badge_id, at, signed_up)
    WHERE checkin.id = moved.id
""")

_REFUSE = text("""
    INSERT INTO refusal (member_id, step_id, code, first_at, last_at, sentence)
    SELECT * FROM unnest(:members ::text[], :steps ::text[], :codes ::text[], :firsts ::timestamptz[],
                         :lasts ::timestamptz[], :sentences ::text[])
    ON CONFLICT (member_id, step_id, code, at_door) DO UPDATE SET
        first_at = excluded.first_at, last_at = excluded.last_at, sentence = excluded.sentence
    WHERE (refusal.first_at, refusal.last_at, refusal.sentence)
          IS DISTINCT FROM (excluded.first_at, excluded.last_at, excluded.sentence)
    RETURNING member_id, step_id
""")

_TAKE_BACK = text("""
    DELETE FROM refusal
    USING unnest(:members ::text[], :steps ::text[], :codes ::text[]) AS gone (member_id, step_id, code)
    WHERE refusal.member_id = gone.member_id AND refusal.step_id = gone.step_id AND refusal.code = gone.code
    AND NOT refusal.at_door
""")


def grow(session: Session, judged: Sequence[Judged], now: dt.datetime) -> set[Pair]:
    """Writes what more evidence brought: a check-in begins or moves earlier, never later. Returns whom it changed."""
    wanted = [
        (case, arrival)
        for case, verdict in judged
        if (arrival := verdict.arrival) is not None and _is_news(case, arrival)
    ]
    return _check_in(session, wanted, now) | _tell(session, judged, only_changed=True)


def replace(session: Session, judged: Sequence[Judged], now: dt.datetime) -> set[Pair]:
    """Writes what follows after a fact was corrected: check-ins by beacon also move later, or were none.

    Those by other evidence and those that were taken back stay. Returns whom it changed.
    """
    gone: list[Case] = []
    moved: list[tuple[Case, rules.Arrival]] = []
    wanted: list[tuple[Case, rules.Arrival]] = []
    for case, verdict in judged:
        standing, arrival = case.standing, verdict.arrival
        if standing is None or standing.evidence != BEACON:
            if arrival is not None and _is_news(case, arrival):
                wanted.append((case, arrival))
        elif arrival is None:
            gone.append(case)
        elif (arrival.at_ms, arrival.badge_id) != (standing.at_ms, standing.badge_id):
            moved.append((case, arrival))
    if gone:
        ids = [case.standing.id for case in gone if case.standing is not None]
        session.execute(text("DELETE FROM checkin WHERE id = ANY(:ids)"), {"ids": ids})
    if moved:
        session.execute(
            _MOVE,
            {
                "ids": [case.standing.id for case, _ in moved if case.standing is not None],
                "badges": [arrival.badge_id for _, arrival in moved],
                "ats": [times.from_ms(arrival.at_ms) for _, arrival in moved],
                "signed_up": [case.asked.signed_up for case, _ in moved],
            },
        )
    changed = {(case.member_id, case.step.id) for case in (*gone, *(case for case, _ in moved))}
    return changed | _check_in(session, wanted, now) | _tell(session, judged, only_changed=False)


def _is_news(case: Case, arrival: rules.Arrival) -> bool:
    standing = case.standing
    if standing is None or arrival.at_ms < standing.at_ms:
        return True
    same = arrival.at_ms == standing.at_ms and standing.evidence == BEACON
    return same and standing.badge_id is not None and arrival.badge_id < standing.badge_id


def _check_in(session: Session, wanted: Sequence[tuple[Case, rules.Arrival]], now: dt.datetime) -> set[Pair]:
    changed: set[Pair] = set()
    of_steps = [(case, arrival) for case, arrival in wanted if case.step.day is None]
    for statement, entries in (
        (_CHECK_IN, of_steps),
        (_CHECK_IN_TO_DAY, [(case, arrival) for case, arrival in wanted if case.step.day is not None]),
    ):
        if not entries:
            continue
        rows = session.execute(
            statement,
            {
                "members": ",".join([case.member_id for case, _ in entries]),
                "badges": ",".join([str(arrival.badge_id) for _, arrival in entries]),
                "ats": ",".join([str(arrival.at_ms) for _, arrival in entries]),
                "now": now,
                "evidence": BEACON,
                **_occasions(statement, [case for case, _ in entries]),
            },
        )
        changed |= {(row.member_id, row.step_id) for row in rows}
    return changed


def _occasions(statement: TextClause, cases: Sequence[Case]) -> dict[str, str]:
    if statement is _CHECK_IN:
        return {
            "steps": ",".join([case.step.id for case in cases]),
            "signed_up": ",".join([str(case.asked.signed_up) for case in cases]),
        }
    return {
        "venues": ",".join([case.step.venue_id for case in cases]),
        "days": ",".join([str(case.step.day) for case in cases]),
    }


def _tell(session: Session, judged: Iterable[Judged], *, only_changed: bool) -> set[Pair]:
    told: list[tuple[Any, ...]] = []
    gone: list[tuple[str, str, str]] = []
    for case, verdict in judged:
        who = (case.member_id, case.step.id)
        codes = {refusal.code for refusal in verdict.refusals}
        gone += [(*who, old.code) for old in case.refusals if old.code not in codes]
        told += [
            (
                *who,
                refusal.code,
                times.from_ms(refusal.first_ms),
                times.from_ms(refusal.last_ms),
                _sentence(case, refusal),
            )
            for refusal in verdict.refusals
            if not only_changed or refusal not in case.refusals
        ]
    changed = {(member_id, step_id) for member_id, step_id, _ in gone}
    if gone:
        session.execute(_TAKE_BACK, _columns(("members", "steps", "codes"), gone))
    if told:
        names = ("members", "steps", "codes", "firsts", "lasts", "sentences")
        changed |= {(row.member_id, row.step_id) for row in session.execute(_REFUSE, _columns(names, told))}
    return changed


def _sentence(case: Case, refusal: rules.Refusal) -> str:
    opens_at, ends_at = times.from_ms(case.step.opens_ms), times.from_ms(case.step.ends_ms)
    return words.out_of_time(refusal.code, times.from_ms(refusal.last_ms), opens_at, ends_at)


def _columns(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))

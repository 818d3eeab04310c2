"""Whom somebody met, as far as both may know it: decided where it is read, so that both learn it at the same moment."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from server import paging
from server.communities import service as communities
from server.events.model import Event
from server.met import trust
from server.met.trust import Word
from server.turnout import evidence
from server.turnout import service as turnout
from server.turnout.service import Coming

# Both want to know, neither is paused, said that people there should not see her, or wants nothing of the other; and
# both stand as having come to it. Whatever of it ends hides it for both at once.
_TOLD = """
    SELECT met.event_id, met.other_id, met.ms, event.name AS event_name, event.simulated AS event_simulated,
           other.name, other.simulated, began.starts_at, began.ms AS starts_ms
    FROM met
    JOIN event ON event.id = met.event_id AND event.state = 'published'
    JOIN member AS other ON other.id = met.other_id
    JOIN LATERAL (SELECT min(step.starts_at) AS starts_at,
                         floor(extract(epoch FROM min(step.starts_at)) * 1000)::bigint AS ms
                  FROM step WHERE step.event_id = met.event_id) AS began ON true
    WHERE met.member_id = :me AND met.other_id <> :me
      AND 2 = (SELECT count(*) FROM met_switch
               WHERE met_switch.member_id IN (met.member_id, met.other_id) AND met_switch.willing)
      AND 2 = (SELECT count(DISTINCT checkin.member_id) FROM checkin JOIN step ON step.id = checkin.step_id
               WHERE step.event_id = met.event_id AND checkin.undone_at IS NULL
                 AND checkin.member_id IN (met.member_id, met.other_id))
      AND NOT EXISTS (SELECT FROM consent_pause WHERE consent_pause.member_id IN (met.member_id, met.other_id)
                      AND consent_pause.ended_at IS NULL)
      AND NOT EXISTS (SELECT FROM consent WHERE consent.member_id IN (met.member_id, met.other_id)
                      AND consent.kind = 'people' AND consent.level = 'hidden' AND consent.ended_at IS NULL
                      AND (consent.until IS NULL OR consent.until > :now)
                      AND (consent.of_id IS NULL OR consent.of_id IN (
                           SELECT step.venue_id FROM step WHERE step.event_id = met.event_id)))
      AND NOT EXISTS (SELECT FROM met_without
                      WHERE (met_without.member_id, met_without.other_id) IN (
                            (met.member_id, met.other_id), (met.other_id, met.member_id)))
"""
_PAGE = text(f"""
    SELECT * FROM ({_TOLD}) AS told
    WHERE CAST(:starts_ms AS bigint) IS NULL OR starts_ms < :starts_ms
          OR (starts_ms = :starts_ms AND (event_id, other_id) > (:event_id, :other_id))
    ORDER BY starts_ms DESC, event_id, other_id LIMIT :limit
""")  # noqa: S608 -- a text of ours
_KNOWS = text(f"SELECT EXISTS (SELECT FROM ({_TOLD}) AS told WHERE told.other_id = :other)")  # noqa: S608 -- the same
_NAMES = text(f"SELECT DISTINCT other_id, name, simulated FROM ({_TOLD}) AS told")  # noqa: S608 -- the same
_ORDER = "people met"
# For the weight of a word alone, which tells nobody of whom.
_MET_AT = text("""
    SELECT member_id, other_id, event_id FROM met
    WHERE event_id = ANY(:events) AND member_id = ANY(:members) AND other_id <> member_id
""")
_MET_THERE = text("""
    SELECT met.member_id, count(*) FROM met
    WHERE met.event_id = :event AND met.member_id = ANY(:members) AND met.other_id <> met.member_id
      AND EXISTS (SELECT FROM checkin JOIN step ON step.id = checkin.step_id
                  WHERE step.event_id = met.event_id AND checkin.member_id = met.other_id AND checkin.undone_at IS NULL)
    GROUP BY met.member_id
""")


class Meeting(NamedTuple):
    """Somebody met at a gathering, whom she may know of. minutes: for how long their badges were in one zone."""

    event_id: str
    event_name: str
    event_simulated: bool
    member_id: str
    name: str
    simulated: bool
    minutes: int
    at: dt.datetime


def meetings(
    session: Session, *, member_id: str, now: dt.datetime, page: paging.Page = paging.EVERYTHING
) -> list[Meeting]:
    """Whom she met, the latest gathering first."""
    after = page.after(_ORDER, int, str, str) or (None, None, None)
    key = dict(zip(("starts_ms", "event_id", "other_id"), after, strict=True))
    found = session.execute(_PAGE, {"me": member_id, "now": now, **key, "limit": page.rows}).all()
    rows = page.cut(found, _ORDER, lambda row: (row.starts_ms, row.event_id, row.other_id))
    return [_meeting(row) for row in rows]


def knows(session: Session, *, member_id: str, other_id: str, now: dt.datetime) -> bool:
    """Whether she knows now that she met somebody."""
    return bool(session.scalar(_KNOWS, {"me": member_id, "now": now, "other": other_id}))


def names_met(session: Session, *, member_id: str, now: dt.datetime) -> dict[str, tuple[str, bool]]:
    """Everybody whom she knows that she met: name, and whether that is the demonstration's, by their ids."""
    rows = session.execute(_NAMES, {"me": member_id, "now": now})
    return {row.other_id: (row.name, row.simulated) for row in rows}


def count_met(session: Session, comings: Iterable[Coming], member_ids: Collection[str]) -> dict[str, int]:
    """How many others each of these members met at what she came to: for what her word weighs, shown to nobody.

    comings: who came to what, of everybody.
    """
    came = {(coming.member_id, coming.event_id) for coming in comings}
    asked = {"events": sorted({event_id for _, event_id in came}), "members": list(member_ids)}
    found: dict[str, set[str]] = defaultdict(set)
    for member_id, other_id, event_id in session.execute(_MET_AT, asked) if member_ids else ():
        if {(member_id, event_id), (other_id, event_id)} <= came:
            found[member_id].add(other_id)
    return {member_id: len(others) for member_id, others in found.items()}


def count_met_at(session: Session, event_id: str, member_ids: Collection[str]) -> dict[str, int]:
    """The same at one gathering that these members came to."""
    asked = {"event": event_id, "members": list(member_ids)}
    return dict(session.execute(_MET_THERE, asked).all()) if member_ids else {}


def words_of(session: Session, comings: Collection[Coming], member_ids: Collection[str]) -> dict[str, Word]:
    """Whether the word of each of these members counts where these came, and why. comings: of everybody.

    To what she organizes herself she came only if others did.
    """
    by: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    there: dict[str, set[tuple[str | None, int | None]]] = defaultdict(set)
    for coming in comings:
        there[coming.event_id].add((coming.member_id, coming.stranger))
        if coming.member_id is not None:
            by[coming.member_id][coming.event_id].add(coming.evidence)
    alone_at = [event_id for event_id, who in there.items() if len(who) == 1]
    for event_id, organizer_id in session.execute(
        select(Event.id, Event.organizer_id).where(Event.id.in_(alone_at))
    ).all():
        by[organizer_id].pop(event_id, None)
    each = {
        member_id: [one for one in map(evidence.strongest, by[member_id].values()) if one is not None]
        for member_id in member_ids
    }
    alone = {member_id: trust.word(hers) for member_id, hers in each.items()}
    # Only who came by weak evidence needs to have met somebody.
    asked = [member_id for member_id, word in alone.items() if word.gatherings and not word.counts]
    met = count_met(session, comings, asked)
    return {**alone, **{member_id: trust.word(each[member_id], met.get(member_id, 0)) for member_id in asked}}


def with_a_word(session: Session, *, community_id: str, since: dt.datetime, now: dt.datetime) -> list[str]:
    """The members of a community whose word counts: who came to something of it since then, by their ids."""
    comings = turnout.came(session, community_id=community_id, since=since, until=now)
    belonging = communities.members_of(session, community_id=community_id)
    return sorted(member_id for member_id, word in words_of(session, comings, belonging).items() if word.counts)


def word_of(
    session: Session,
    *,
    member_id: str,
    community_id: str | None = None,
    event_ids: Collection[str] | None = None,
    since: dt.datetime | None = None,
    now: dt.datetime,
) -> Word:
    """Whether her word counts in a community, or at these gatherings, and why; whether she belongs is not asked."""
    hers = turnout.came(
        session, community_id=community_id, event_ids=event_ids, member_id=member_id, since=since, until=now
    )
    everybody = turnout.came(session, event_ids={coming.event_id for coming in hers}, since=since, until=now)
    return words_of(session, everybody, [member_id])[member_id]


def _meeting(row: Any) -> Meeting:
    return Meeting(
        row.event_id,
        row.event_name,
        row.event_simulated,
        row.other_id,
        row.name,
        row.simulated,
        round(row.ms / 60_000),
        row.starts_at,
    )

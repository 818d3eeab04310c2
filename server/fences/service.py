"""Takes fixes of phones to the fences that matter to their members, and says how it stands there."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Fences
from geo import fences
from geo.fences import Explanation, Happened
from server import times, topics
from server.doors.rules import ACCURACY_M
from server.events import places
from server.fences import arriving, reminding, states, watched
from server.fences.arriving import Told
from server.fences.states import Key
from server.fences.watched import Watched
from server.inbox import service as inbox
from server.inbox.service import Note
from server.people import service as people
from server.positions.service import AHEAD, Fix, Source
from server.venues import service as venues

SOURCES = (Source.PHONE, Source.BROWSER)  # a badge checks in by itself; a home is no fix


class Followed(NamedTuple):
    """What followed from fixes: what happened where, and what is to be told."""

    happened: list[tuple[Key, Happened]]
    notes: list[Note]


class Standing(NamedTuple):
    """How it stands with a member at a place that matters to her. source, device: None where no phone was near it."""

    where: Watched
    source: str | None
    device: str | None
    inside: bool | None
    since: dt.datetime | None
    last_at: dt.datetime | None
    explained: Explanation


_TIDY = text("""
    DELETE FROM fence_state WHERE until <= :now OR NOT EXISTS (
        SELECT FROM position_use WHERE position_use.member_id = fence_state.member_id AND position_use.fences)
    RETURNING member_id
""")


def take(session: Session, fixes: Sequence[Fix], *, now: dt.datetime, rule: Fences) -> Followed:
    """Follows fixes and tells what is to be told; the last thing that a transaction does.

    Where fixes are taken for company as well: server.company.service.take does both.
    """
    with topics.together(session):
        found = follow(session, fixes, now=now, rule=rule)
    inbox.tell_all(session, found.notes, now=now)
    return found


def follow(session: Session, fixes: Sequence[Fix], *, now: dt.datetime, rule: Fences) -> Followed:
    """Moves the states of phones at fences on by fixes, in whatever order and however often they come.

    Checks in, keeps refusals, and raises topics; telling is left to the caller. What is dated ahead of the clock or is
    older than `late_s`, and what says of itself that it knows nothing, is left out.
    """
    phones: dict[tuple[str, str, str], list[Fix]] = defaultdict(list)
    for fix in fixes:
        if fix.source in SOURCES and _counts(fix, rule, now):
            phones[fix.member_id, fix.source.value, fix.device].append(fix)
    hers: dict[str, list[Watched]] = defaultdict(list)
    for one in watched.of(session, {member_id for member_id, _, _ in phones}, rule, now):
        hers[one.member_id].append(one)
    known = states.read(session, hers, now, to_edit=True) if hers else {}
    changed: dict[Key, fences.State] = {}
    happened: list[tuple[Key, Happened]] = []
    told: list[Told] = []
    for (member_id, source, device), some in sorted(phones.items()):
        for where in hers.get(member_id, ()):
            key = Key(member_id, where.venue_id, source, device)
            before = known.get(key)
            sights = [fences.see(where.place, one.place, one.accuracy_m, times.to_ms(one.at)) for one in some]
            if before is None and all(one.distance_m > where.fence.forget_m for one in sights):
                continue
            if not _may_know(session, where, now):
                continue
            found = fences.fold(before, sights, where.fence)
            if found.state is None or found.state == before:
                continue
            changed[key] = found.state
            happened += [(key, one) for one in found.happened]
            stands = fences.explain(found.state, where.fence, found.state.last_ms)
            told.append(Told(where, found.happened, found.stays, stands, found.state.last_ms))
    states.write(session, changed, dt.timedelta(seconds=rule.keep_s))
    topics.bump(session, _follow_arrivals(session, told, now))
    notes = [note for one in told for note in reminding.due(one, rule, now)] + reminding.near(session, told, rule, now)
    return Followed(happened, reminding.new(session, notes))


def list_of(session: Session, *, member_id: str, rule: Fences, now: dt.datetime) -> list[Standing]:
    """How it stands with a member at each place that matters to her now, by each of her phones that was near it."""
    known = states.read(session, [member_id], now)
    found = []
    for where in watched.of(session, [member_id], rule, now):
        if not _may_know(session, where, now):
            continue
        here = {key: state for key, state in known.items() if key.venue_id == where.venue_id}
        for key, state in here.items():
            explained = fences.explain(state, where.fence, times.to_ms(now))
            since = None if state.inside is None else times.from_ms(state.since_ms)
            last_at = times.from_ms(state.last_ms)
            found.append(Standing(where, key.source, key.device, state.inside, since, last_at, explained))
        if not here:
            explained = fences.explain(None, where.fence, times.to_ms(now))
            found.append(Standing(where, None, None, None, None, None, explained))
    return found


def tidy(session: Session, *, now: dt.datetime) -> int:
    """Deletes what is over, and what is of members who let nothing be used any more; how many rows."""
    return len(session.execute(_TIDY, {"now": now}).all())


def _counts(fix: Fix, rule: Fences, now: dt.datetime) -> bool:
    in_time = now - dt.timedelta(seconds=rule.late_s) < fix.at <= now + AHEAD
    return in_time and ACCURACY_M[0] <= fix.accuracy_m <= ACCURACY_M[1]


def _may_know(session: Session, where: Watched, now: dt.datetime) -> bool:
    """Whether she may know where a place is: how it stands with her there would tell. Asked of homes alone."""
    if where.kind != venues.HOME:
        return True
    venue, member = venues.get(session, where.venue_id), people.get(session, where.member_id)
    return places.sees_address(session, venue=venue, member=member, now=now)


def _follow_arrivals(session: Session, told: Iterable[Told], now: dt.datetime) -> set[str]:
    arrived: list[arriving.Arrived] = []
    missed: list[arriving.Missed] = []
    for one in told:
        came, not_yet = arriving.judge(one)
        arrived += came
        missed += not_yet
    return arriving.keep(session, arrived, missed, now=now)

"""Check-in by phone: what stays at a fence mean for the gatherings there, and for a place that remembers visits."""

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import fences
from geo.fences import Code, Explanation, Happened, Kind, Stay
from server import times
from server.checkins import days, entry, rules
from server.checkins.entry import At
from server.doors import refusals
from server.doors.refusals import NotLetIn
from server.doors.rules import Evidence
from server.errors import MusterError
from server.fences.watched import EARLY, Gathering, Watched


class PhoneLeft(NotLetIn):
    """Your phone was at %(place)s for %(seconds)s of %(needed)s seconds before it left. Ask the host."""

    code = "phone_left"


class Told(NamedTuple):
    """What a phone told in a batch about one place, how it stands there now, and when its newest fix was."""

    where: Watched
    happened: Sequence[Happened]
    stays: Sequence[Stay]
    stands: Explanation
    last_ms: int


class Arrived(NamedTuple):
    """A member came to a step, or to a place's day, by her phone."""

    where: Watched
    at: At
    event_id: str | None
    when: dt.datetime


class Missed(NamedTuple):
    """Why a member who seems to be there is not checked in to a step."""

    where: Watched
    gathering: Gathering
    why: MusterError


_LISTENED = text("""
    SELECT asked.venue_id, asked.ms FROM unnest(CAST(:venues AS text[]), CAST(:ms AS bigint[])) AS asked (venue_id, ms)
    WHERE EXISTS (SELECT FROM placement WHERE placement.venue_id = asked.venue_id
                  AND placement.valid @> to_timestamp(asked.ms / 1000.0))
""")


def judge(told: Told) -> tuple[list[Arrived], list[Missed]]:
    """What follows for the gatherings of a place; pure. Whether agents listen there is another matter."""
    arrived: list[Arrived] = []
    missed: list[Missed] = []
    for one in told.where.gatherings:
        if one.in_already:
            continue
        at_ms = _reached(told.stays, one)
        if at_ms is not None:
            arrived.append(Arrived(told.where, At(one.step_id), one.event_id, times.from_ms(at_ms)))
        elif (why := _why_not(told, one)) is not None:
            missed.append(Missed(told.where, one, why))
    since = told.where.remembered_since
    if since is not None:
        for inside in (one for one in told.happened if one.kind is Kind.INSIDE):
            when = times.from_ms(inside.at_ms)
            if inside.after_ms is not None and times.from_ms(inside.after_ms) >= since:
                day = days.day_of(when, told.where.time_zone)
                arrived.append(Arrived(told.where, At(None, told.where.venue_id, day), None, when))
    return arrived, missed


def keep(session: Session, arrived: Iterable[Arrived], missed: Iterable[Missed], *, now: dt.datetime) -> set[str]:
    """Checks in who came where no agent listens, and keeps why others are not; the topics that changed."""
    found = sorted(arrived, key=lambda one: (one.where.member_id, one.at.step_id or "", one.where.venue_id))
    listened = _listened(session, found)
    changed: set[str] = set()
    for one in found:
        member_id = one.where.member_id
        if (one.where.venue_id, times.to_ms(one.when)) in listened:
            if one.at.step_id is not None:
                why = refusals.BadgesHeard(place=one.where.venue_name)
                entry.refuse(session, member_id=member_id, step_id=one.at.step_id, refused=why, now=now)
            continue
        # It may have been taken back while we looked: what was before does not count.
        undone_at = entry.undone_at(session, member_id=member_id, at=one.at)
        if undone_at is not None and one.when <= undone_at:
            continue
        _, made = entry.enter(
            session,
            member_id=member_id,
            at=one.at,
            when=one.when,
            evidence=Evidence.PHONE,
            signed_up=one.at.step_id is not None,
            now=now,
        )
        if made:
            changed.add(f"member/{member_id}")
            changed |= set() if one.event_id is None else {f"event/{one.event_id}"}
    for miss in sorted(missed, key=lambda one: (one.where.member_id, one.gathering.step_id)):
        entry.refuse(session, member_id=miss.where.member_id, step_id=miss.gathering.step_id, refused=miss.why, now=now)
        changed.add(f"member/{miss.where.member_id}")
    return changed


def _reached(stays: Iterable[Stay], one: Gathering) -> int | None:
    undone_ms = None if one.undone_at is None else times.to_ms(one.undone_at)
    window = rules.open_window(times.to_ms(one.opens_at), times.to_ms(one.ends_at), undone_ms)
    if window is None:
        return None
    moments = [fences.reached_ms(stay, *window, round(one.dwell_s * 1000)) for stay in stays]
    return min((at_ms for at_ms in moments if at_ms is not None), default=None)


def _why_not(told: Told, one: Gathering) -> MusterError | None:
    """Only what says that she is there, or may be: how far away she is stays between her and her phone."""
    last = times.from_ms(told.last_ms)
    here = told.stands.code in (Code.INSIDE, Code.STAY)
    if one.opens_at - EARLY <= last < one.opens_at and here:
        minutes = math.ceil((one.opens_at - last).total_seconds() / 60)
        template = refusals.ONE_MINUTE[refusals.NotOpenYet] if minutes <= 1 else ""
        values = {"event": one.event_name, **({} if minutes <= 1 else {"minutes": minutes})}
        return refusals.NotOpenYet(template, **values)
    if not one.opens_at <= last < one.ends_at:
        return None
    if told.stands.code is Code.VAGUE:
        return refusals.PositionVague(accuracy=round(told.stands.off_m))
    left = [happened for happened in told.happened if happened.kind is Kind.EXIT]
    if left and told.stays:
        seconds = (told.stays[-1].to_ms - told.stays[-1].from_ms) // 1000
        if seconds < one.dwell_s:
            return PhoneLeft(place=told.where.venue_name, seconds=seconds, needed=math.ceil(one.dwell_s))
    return None


def _listened(session: Session, arrived: Sequence[Arrived]) -> set[tuple[str, int]]:
    """At which venues an agent listened when somebody arrived: a badge says more there than a phone."""
    asked = sorted({(one.where.venue_id, times.to_ms(one.when)) for one in arrived})
    if not asked:
        return set()
    given = {"venues": [venue_id for venue_id, _ in asked], "ms": [at_ms for _, at_ms in asked]}
    return {(row.venue_id, row.ms) for row in session.execute(_LISTENED, given)}

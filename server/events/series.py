"""Gatherings that come again: the dates of a rule become events ahead of time, each as most of them are.

The dates of a series are drafts until one of them is announced.
"""

import datetime as dt
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from server import constraints, names
from server.errors import Conflict, MusterError, NotFound
from server.events import copies, life, likeness, recurrence, seeing, states, telling
from server.events import service as events
from server.events.model import Event, Series
from server.people.model import Member

AHEAD = dt.timedelta(weeks=12)  # a season: what people plan for
SHOWN = recurrence.MOST_DATES


class SeriesUnknown(NotFound):
    """There is no such series."""

    code = "series_unknown"


class DateUnknown(NotFound):
    """The series has no such date."""

    code = "date_unknown"


class InSeries(Conflict):
    """This gathering is a date of a series already: end that first."""

    code = "in_series"


class Date(NamedTuple):
    """A date of a series, as the clock on the wall shows it; event: None until it is made, a season ahead.

    for_members: it is made and announced, but not for who looks (`dates_seen`), who learns no more of it.
    """

    wall: dt.datetime
    event: Event | None
    left_out: bool
    for_members: bool = False


def begin(session: Session, *, event_id: str, rule: str, now: dt.datetime) -> Series:
    """Lets an event come again by a rule, and makes the dates of the next twelve weeks; twice is as once.

    An event that begins a later part of a series (`end` first) begins one of its own. Raises EventUnknown, InSeries,
    RuleInvalid, RuleNeverComes, RuleMissesStart, NotYourVenue where its organizer may not gather, what says that she
    may not in its community, and what the table of gatherings refuses.
    """
    event = events.get(session, event_id, to_edit=True)
    if event.state == states.State.CANCELLED:
        raise states.CalledOff(event=event.name)
    steps = events.steps_of(session, event_id=event_id)
    time_zone = copies.zone_of(session, steps)
    wall = copies.starts_at(steps, time_zone)
    said = recurrence.check(rule, wall, time_zone)
    if event.series_id is not None:
        known = get(session, event.series_id)
        if known.rule == said and known.starts_at == wall:
            return known
        raise InSeries
    copies.check_may_gather(session, event, event.organizer_id)
    copies.check_welcome(session, event, event.organizer_id)
    series = Series(
        id=names.free_id(session, Series.id, event.name, "series"), rule=said, time_zone=time_zone, starts_at=wall
    )
    session.add(series)
    session.flush()
    event.series_id, event.recurrence_at = series.id, wall
    session.flush()
    extend(session, series, now)
    copies.tell_keepers(session, event, now)
    return series


def get(session: Session, id: str, *, to_edit: bool = False) -> Series:
    """The series of this id, locked if it is read to be edited; raises SeriesUnknown."""
    found = constraints.read(session, Series, id, to_edit=to_edit) if names.is_id(id) else None
    if found is None:
        raise SeriesUnknown("There is no series %(id)r.", id=id[: names.ID_MAX_LENGTH])
    return found


def extend(session: Session, series: Series, now: dt.datetime) -> list[Event]:
    """Makes the events of the next twelve weeks that are missing, each as most are; returns them. Twice is as once.

    A date whose event cannot be made (its place went away) is left for the next time. Where its organizer may no longer
    gather the series ends, and she is told. The caller holds the series' row, or has just made it.
    """
    made = events_of(session, series)
    if not made:
        return []
    pattern = likeness.pattern(session, made)
    state = states.State.PUBLISHED if any(map(seeing.is_announced, made)) else states.State.DRAFT
    known = {event.recurrence_at for event in made}
    wall = recurrence.wall(now, series.time_zone)
    for check, sentence in (
        (copies.check_may_gather, telling.SERIES_ENDED),
        (copies.check_welcome, telling.PLACE_SAYS_NO),
    ):
        try:
            check(session, pattern, pattern.organizer_id)
        except MusterError:
            _stop(session, series, pattern, wall, sentence, now)
            return []
    before = min(wall + AHEAD, series.ends_before or wall + AHEAD)
    new = []
    for date in _dates(series, after=max(wall, series.starts_at), before=before):
        if date in known or recurrence.at(date, series.time_zone) <= now:
            continue
        try:
            event = copies.copy(session, pattern, wall=date, state=state)
        except MusterError:
            continue
        event.series_id, event.recurrence_at = series.id, date
        session.flush()
        new.append(event)
    return new


def drafts_from(session: Session, event: Event) -> list[Event]:
    """The drafts that are announced with this event: itself, and those of its series that come after it."""
    of = [event] if event.series_id is None else events_of(session, get(session, event.series_id))
    return [one for one in of[of.index(event) :] if one.state == states.State.DRAFT]


def announce(session: Session, *, event_id: str, now: dt.datetime) -> list[Event]:
    """Announces a draft, with the drafts of its series that come after it, and returns what it announced.

    Twice is as once. Raises EventUnknown, and what the table of gatherings refuses.
    """
    event = events.get(session, event_id)
    if event.series_id is not None:
        get(session, event.series_id, to_edit=True)  # before its events, as all who change a series do
    drafts = drafts_from(session, event)
    life.publish(session, event_id=event_id, now=now)
    for one in drafts:
        if one is not event and events.phase_of(session, one, now) is not states.Phase.OVER:
            life.publish(session, event_id=one.id, now=now)
    if event.series_id is not None and drafts:
        copies.tell_keepers(session, event, now)
    return drafts


def events_of(session: Session, series: Series) -> list[Event]:
    """The events that were made of a series, by their dates."""
    return list(
        session.scalars(select(Event).where(Event.series_id == series.id).order_by(Event.recurrence_at, Event.id))
    )


def dates_of(session: Session, series: Series, now: dt.datetime) -> list[Date]:
    """The dates still to come, `SHOWN` at most: those that are made, and those that will be."""
    made = {event.recurrence_at: event for event in events_of(session, series)}
    wall = recurrence.wall(now, series.time_zone)
    coming = recurrence.dates(
        series.rule, series.starts_at, series.time_zone, after=wall, before=series.ends_before, most=SHOWN
    )
    kept = {date for date, event in made.items() if date is not None and date >= wall}
    return [Date(date, made.get(date), date in series.exdates) for date in sorted(kept | set(coming))[:SHOWN]]


def dates_seen(session: Session, series: Series, member: Member, now: dt.datetime) -> list[Date]:
    """The dates still to come as a member may know of them: an event that is not for her is left out of its date."""
    found = dates_of(session, series, now)
    known = seeing.among(session, [date.event.id for date in found if date.event is not None], member)
    return [
        date
        if date.event is None or date.event.id in known
        else date._replace(event=None, for_members=seeing.is_announced(date.event))
        for date in found
    ]


def first_seen(session: Session, series: Series, member: Member) -> Event:
    """The first event of a series that a member may know of.

    Raises SeriesUnknown of one without events, and what events.get_seen raises of the first where she may see none.
    """
    made = events_of(session, series)
    if not made:
        raise SeriesUnknown
    known = seeing.among(session, [event.id for event in made], member)
    return next((event for event in made if event.id in known), None) or events.get_seen(session, made[0].id, member)


def next_seen(session: Session, series: Series, member: Member) -> str | None:
    """The part of itself in which a series goes on, if it does and she may see any of it."""
    if series.next_id is None:
        return None
    made = events_of(session, get(session, series.next_id))
    return series.next_id if seeing.among(session, [event.id for event in made], member) else None


def leave_out(session: Session, *, series_id: str, wall: dt.datetime, reason: str = "", now: dt.datetime) -> Series:
    """Takes one date out of a series; its event, if it is made, is called off. Twice is as once.

    Raises SeriesUnknown, DateUnknown, and what the table of gatherings refuses.
    """
    series = get(session, series_id, to_edit=True)
    if wall in series.exdates:
        return series
    made = session.scalar(select(Event).where(Event.series_id == series.id, Event.recurrence_at == wall))
    if made is not None:
        life.cancel(session, event_id=made.id, reason=reason, now=now)
    else:
        _check_date(series, wall)
    series.exdates = sorted([*series.exdates, wall])
    session.flush()
    return series


def put_back(session: Session, *, series_id: str, wall: dt.datetime, now: dt.datetime) -> Series:
    """Lets a date that was left out or called off come after all, as an event of its own; twice is as once.

    The one that was called off leaves the series: whoever had signed up for it signs up anew. Raises SeriesUnknown,
    DateUnknown of what is none, or gone by, and what `begin` raises of its organizer.
    """
    series = get(session, series_id, to_edit=True)
    made = events_of(session, series)
    called_off = next((one for one in made if one.recurrence_at == wall and one.state == states.State.CANCELLED), None)
    if wall not in series.exdates and called_off is None:
        if not any(one.recurrence_at == wall for one in made):
            _check_date(series, wall)
        return series
    ended = series.ends_before is not None and wall >= series.ends_before
    if ended or not made or recurrence.at(wall, series.time_zone) <= now:
        raise DateUnknown("That date is over, or comes after the end of the series.")
    pattern = called_off or likeness.pattern(session, made)
    copies.check_may_gather(session, pattern, pattern.organizer_id)
    copies.check_welcome(session, pattern, pattern.organizer_id)
    series.exdates = [one for one in series.exdates if one != wall]
    if called_off is not None:
        state = states.State.PUBLISHED if any(map(seeing.is_announced, made)) else states.State.DRAFT
        called_off.series_id = called_off.recurrence_at = None
        session.flush()
        again = copies.copy(session, called_off, wall=wall, state=state)
        again.series_id, again.recurrence_at = series.id, wall
        if _was_touched(session, called_off):
            again.version = called_off.version + 1  # it stays one that was changed by itself
    session.flush()
    extend(session, series, now)
    return series


def end(session: Session, *, series_id: str, wall: dt.datetime, now: dt.datetime) -> list[Event]:
    """Ends a series before a date; its events from then on are called off and returned, but for the date itself.

    A date that was moved earlier and is over already stays as it was.

    Of the event at that very date its host says what becomes of it: it leaves the series, and may begin another.
    Twice is as once. Raises SeriesUnknown, and what the table of gatherings refuses.
    """
    series = get(session, series_id, to_edit=True)
    series.ends_before = min(wall, series.ends_before or wall)
    gone = []
    for event in events_of(session, series):
        if event.recurrence_at is None or event.recurrence_at < wall:
            continue
        if event.recurrence_at > wall and _is_to_come(session, event, now):
            gone.append(life.cancel(session, event_id=event.id, now=now))
        elif event.recurrence_at == wall and wall != series.starts_at:
            event.series_id = event.recurrence_at = None
    session.flush()
    return gone


def list_lasting(session: Session, now: dt.datetime) -> list[str]:
    """The ids of the series that have not ended."""
    today = recurrence.wall(now, "UTC") - dt.timedelta(days=1)  # whatever clock they go by
    lasting = or_(Series.ends_before.is_(None), Series.ends_before > today)
    return list(session.scalars(select(Series.id).where(lasting).order_by(Series.id)))


def _was_touched(session: Session, called_off: Event) -> bool:
    """Whether anybody may have changed it besides calling it off."""
    steps = events.steps_of(session, event_id=called_off.id)
    return called_off.version > 2 or any(step.version > 1 for step in steps)


def _stop(session: Session, series: Series, pattern: Event, wall: dt.datetime, sentence: str, now: dt.datetime) -> None:
    series.ends_before = min(wall, series.ends_before or wall)
    session.flush()
    telling.tell(
        session,
        [pattern.organizer_id],
        event=pattern,
        kind="event.series_ended",
        sentence=sentence,
        nonce=series.id,
        now=now,
    )


def _check_date(series: Series, wall: dt.datetime) -> None:
    if recurrence.dates(series.rule, series.starts_at, series.time_zone, after=wall, most=1) != [wall]:
        raise DateUnknown


def _is_to_come(session: Session, event: Event, now: dt.datetime) -> bool:
    return event.state != states.State.CANCELLED and events.phase_of(session, event, now) is not states.Phase.OVER


def _dates(series: Series, *, after: dt.datetime, before: dt.datetime) -> list[dt.datetime]:
    return recurrence.dates(
        series.rule, series.starts_at, series.time_zone, after=after, before=before, without=series.exdates
    )

"""This date of a series and all that follow: they become like it, but for those that somebody changed by themselves."""

import contextlib
import dataclasses
import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from config.settings import Presence
from server import topics
from server.corrections import service as corrections
from server.errors import Conflict
from server.events import copies, likeness, making, parts, recurrence, signups, states
from server.events import series as all_series
from server.events import service as events
from server.events.model import Event, Series, Step
from server.fleet import fence


class StepsDiffer(Conflict):
    """This date has other steps than those that follow: change each of them by itself."""

    code = "steps_differ"


class Follow(NamedTuple):
    """The dates after one: those that become like it, and those that were changed by themselves, or are over."""

    takes: list[Event]
    stays: list[Event]


def find(session: Session, event: Event, now: dt.datetime) -> Follow:
    """Which of the dates after this one take over what it is; what was called off is neither. Raises NotInSeries."""
    if event.series_id is None:
        raise parts.NotInSeries
    return _find(session, all_series.get(session, event.series_id), event, None, now)


def change(session: Session, *, event_id: str, times: bool = True, presence: Presence, now: dt.datetime) -> Event:
    """Lets the dates after this one become like it is now; twice is as once. Raises what `changing` does."""
    with changing(session, event_id=event_id, times=times, presence=presence, now=now) as event:
        pass
    return event


@contextlib.contextmanager
def changing(
    session: Session,
    *,
    event_id: str,
    times: bool = True,
    venue_ids: Collection[str] = (),
    presence: Presence,
    now: dt.datetime,
) -> Iterator[Event]:
    """Lets the dates after one become like it is after the block, which may change it, and so all that are made later.

    times: if it stands at another time than its date's, they move along. venue_ids: where the block may move it. What
    was called off or left out stays so; who signed up for a date that moves is told once. Raises EventUnknown,
    NotInSeries, StepsDiffer, what series.begin and parts.begin raise, and what the table of gatherings refuses.
    """
    with topics.together(session):
        series, event = _hold(session, event_id, venue_ids)
        states.gathering(
            states.State(event.state), states.Verb.EDIT, events.phase_of(session, event, now), event=event.name
        )
        before = likeness.look(session, [event])[event.id].like
        yield event
        session.flush()
        if parts.comes_after(series, event):
            _change(session, series, event, before, times, presence, now)


def _change(
    session: Session,
    series: Series,
    event: Event,
    before: likeness.Like,
    times: bool,
    presence: Presence,
    now: dt.datetime,
) -> None:
    takes = _find(session, series, event, before, now).takes
    steps = events.steps_of(session, event_id=event.id)
    known = events.steps_of_all(session, [one.id for one in takes]).values()
    if any(len(of_one) != len(steps) for of_one in known):
        raise StepsDiffer
    known_at = {step.venue_id for of_one in known for step in of_one}
    copies.check_may_gather(session, event, event.organizer_id)
    copies.check_welcome(session, event, event.organizer_id)
    time_zone = copies.zone_of(session, steps)
    date = event.recurrence_at
    assert date is not None
    if times and recurrence.at(date, time_zone) != steps[0].starts_at:
        date = copies.starts_at(steps, time_zone)
    part = parts.begin(session, series, event, start=date, time_zone=time_zone)
    for one in takes:
        _take_over(session, event, steps, one, time_zone, presence, now)
    all_series.extend(session, part, now)
    if takes and not {step.venue_id for step in steps} <= known_at:
        copies.tell_keepers(session, event, now)


def _take_over(
    session: Session,
    event: Event,
    steps: Sequence[Step],
    one: Event,
    time_zone: str,
    presence: Presence,
    now: dt.datetime,
) -> None:
    """Makes one date like the event, at its own time; changes nothing of what is so already."""
    assert one.recurrence_at is not None
    moved = copies.move_to(steps, time_zone, one.recurrence_at)
    corrections.move_steps(session, event_id=one.id, moved=moved, presence=presence, now=now)
    one = events.get(session, one.id, to_edit=True)
    interests = [interest.id for interest in events.interests_of(session, event_id=event.id)]
    about = dataclasses.replace(events.details_of(event), by_step=one.by_step)
    was = (one.name, one.community_id, events.details_of(one), events.interests_of(session, event_id=one.id))
    if was[:3] != (event.name, event.community_id, about) or [known.id for known in was[3]] != interests:
        events.edit(session, one, name=event.name, community_id=event.community_id, about=about)
        events.choose_interests(session, one, interests)
        one.version += 1
    hers = events.steps_of(session, event_id=one.id)
    places = {own.id: step.capacity for own, step in zip(hers, steps, strict=True) if own.capacity != step.capacity}
    if places:
        signups.set_entry(session, event_id=one.id, capacities=places, now=now)
    _say_steps(session, one, moved, presence, now)


def _say_steps(
    session: Session, event: Event, wanted: Sequence[events.NewStep], presence: Presence, now: dt.datetime
) -> None:
    """Calls the steps of a date as these are called, and checks in by their rules; behind the fence of their places."""
    judged = []
    said = False
    for known, to in zip(events.steps_of(session, event_id=event.id), wanted, strict=True):
        rule = (known.dwell_signed_up_s, known.dwell_walk_in_s)
        if (known.name, *rule) == (to.name, to.dwell_signed_up_s, to.dwell_walk_in_s):
            continue
        step = events.get_step(session, event_id=event.id, step_id=known.id, to_edit=True)
        if making.say(step, to):
            judged.append(step.id)
        step.version += 1
        said = True
    if said:
        event.version += 1
        session.flush()
        topics.bump(session, [topics.EXPECTED, f"event/{event.id}"])
        corrections.judge_steps(session, judged, presence, now)


def _hold(session: Session, event_id: str, venue_ids: Collection[str]) -> tuple[Series, Event]:
    """The series and the event, locked in this order, behind the fence of all places where its dates are."""
    event = events.get(session, event_id)
    while event.series_id is not None:
        of = all_series.get(session, event.series_id)
        steps = events.steps_of_all(session, [one.id for one in all_series.events_of(session, of)])
        at = {step.venue_id for of_one in steps.values() for step in of_one}
        fence.touch_venues(session, {*at, *venue_ids})
        series = all_series.get(session, of.id, to_edit=True)
        event = events.get(session, event_id, to_edit=True)
        if event.series_id == series.id:
            return series, event
    raise parts.NotInSeries


def _find(session: Session, series: Series, event: Event, before: likeness.Like | None, now: dt.datetime) -> Follow:
    """Most are as they were made: whoever is like most, or never was changed, was not changed by itself.

    before: what the event was like; None: as it is.
    """
    made = all_series.events_of(session, series)
    made = made[max(0, made.index(event) - likeness.LOOKED_AT) :]
    looks = likeness.look(session, [one for one in made if one.state != states.State.CANCELLED or one.id == event.id])
    own = looks.pop(event.id)
    usual = likeness.usual(looks, own.like if before is None else before)
    takes: list[Event] = []
    stays: list[Event] = []
    for one in made[made.index(event) + 1 :]:
        if one.state == states.State.CANCELLED:
            continue
        known = looks[one.id]
        changed = known.like != usual and known.touched
        over = events.phase_at(known.steps, now) is states.Phase.OVER
        (stays if changed or over or one.organizer_id != event.organizer_id else takes).append(one)
    return Follow(takes, stays)

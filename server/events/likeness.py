"""What the dates of a series have in common: most are as they were made, some were changed by themselves."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.events import copies, recurrence, states
from server.events import service as events
from server.events.model import Event, Step
from server.venues.model import Venue

LOOKED_AT = recurrence.MOST_DATES  # dates: a season on either side tells what is usual, however old a series is
Like = tuple[Any, ...]


class Look(NamedTuple):
    """What a date takes over from another (`like`), its steps, and whether anybody may have changed it.

    like: equal for dates that were made of one and left alone. touched: announcing a draft counts as well.
    """

    like: Like
    steps: list[Step]
    touched: bool


def look(session: Session, dates: Sequence[Event]) -> dict[str, Look]:
    """Looks at these dates of series, by their ids, in a few statements."""
    ids = [one.id for one in dates]
    steps, about = events.steps_of_all(session, ids), events.interests_of_all(session, ids)
    firsts = {of_one[0].venue_id for of_one in steps.values()}
    found = session.execute(select(Venue.id, Venue.time_zone).where(Venue.id.in_(firsts)))
    clocks = {row.id: row.time_zone for row in found}
    return {
        one.id: Look(
            _like(one, steps[one.id], about[one.id], clocks[steps[one.id][0].venue_id]),
            steps[one.id],
            one.version > 1 or any(step.version > 1 for step in steps[one.id]),
        )
        for one in dates
    }


def usual(looks: Mapping[str, Look], before: Like | None = None) -> Like:
    """What most of these dates are like; of as many the one that somebody changed the least, or `before`, or first.

    before: what one more date was like, before it was changed.
    """
    counted = Counter([*([] if before is None else [before]), *(one.like for one in looks.values())])
    untouched = {one.like for one in looks.values() if not one.touched}
    return max(counted, key=lambda like: (counted[like], like in untouched, like == before))


def pattern(session: Session, made: Sequence[Event]) -> Event:
    """The date of a series of which further ones are made: one that is as most are, the latest that nobody changed.

    made: its dates in their order, at least one. What was called off counts where nothing else is left: nobody keeps
    it as the others are.
    """
    known = [one for one in made if one.state != states.State.CANCELLED] or made
    known = known[-LOOKED_AT:]
    organizer_id = Counter(one.organizer_id for one in known).most_common(1)[0][0]
    looks = look(session, [one for one in known if one.organizer_id == organizer_id])
    like = usual(looks)
    found = [one for one in known if one.id in looks and looks[one.id].like == like]
    return next((one for one in reversed(found) if not looks[one.id].touched), found[-1])


def _like(event: Event, steps: Sequence[Step], interests: Sequence[str], time_zone: str) -> Like:
    date = event.recurrence_at
    assert date is not None
    late = steps[0].starts_at - recurrence.at(date, time_zone)
    first = copies.starts_at(steps, time_zone) if late else date
    return (
        event.name,
        event.community_id,
        dataclasses.replace(events.details_of(event), by_step=False),
        tuple(interests),
        late,
        tuple(
            (
                step.name,
                step.venue_id,
                step.zone_id,
                recurrence.wall(step.starts_at, time_zone) - first if position else None,
                step.ends_at - step.starts_at,
                step.starts_at - step.opens_at,
                step.dwell_signed_up_s,
                step.dwell_walk_in_s,
                step.capacity,
            )
            for position, step in enumerate(steps)
        ),
    )

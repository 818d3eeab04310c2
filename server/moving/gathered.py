"""Keeps the gatherings of an archive: where they were, their steps, and who came."""

import datetime as dt
import hashlib
from collections.abc import Mapping

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from geo import postgis
from server import names
from server.checkins.model import CheckIn
from server.events.model import Event, EventInterest, Step
from server.interests import service as interests
from server.interests.model import Interest
from server.moving.archive import Archive
from server.moving.rows import ComingRow, EventRow, StepRow, TurnoutRow, VenueRow
from server.moving.things import Things
from server.venues import categories
from server.venues import service as venues
from server.venues.model import Venue, Zone

SAME_PLACE_M = 50.0  # a pin that somebody set by hand, twice
_DIGITS = 8
_AT_ONCE = 1000


class Gathered:
    """The gatherings of one archive on their way into the tables."""

    def __init__(
        self,
        session: Session,
        archive: Archive,
        things: Things,
        came: Mapping[str, str | None],
        *,
        host: str,
        now: dt.datetime,
    ) -> None:
        """came: who is who here. host: whose a gathering is of which nobody came along."""
        self._session = session
        self._archive = archive
        self._things = things
        self._came = came
        self._host = host
        self._now = now
        self._community_id = things.community_id
        self.count = 0

    def keep(self) -> None:
        """Keeps all."""
        for venue in self._archive.rows(VenueRow):
            self._keep_venue(venue)
        self._session.flush()
        offered = set(self._session.scalars(select(Interest.id).where(Interest.retired_at.is_(None))))
        for event in self._archive.rows(EventRow):
            self._keep_event(event, offered)
        self._session.flush()
        for step in self._archive.rows(StepRow):
            self._keep_step(step)
        self._session.flush()
        self._keep_comings()

    def _keep_venue(self, row: VenueRow) -> None:
        known = self._things.find("venue", row.ref)
        if known is not None and self._session.get(Venue, known) is not None:
            return
        same = self._same_place(row)
        if same is not None:
            self._things.keep("venue", row.ref, same)
            return
        venue_id = self._free(Venue.id, names.suggest_id(venues.free_of_pages(row.name), "venue"), row.ref)
        venue = Venue(
            id=venue_id,
            name=row.name,
            time_zone=row.time_zone,
            location=postgis.from_position(row.location),
            kind=row.kind,
            listed=False,  # whoever keeps it here says so, and how it can be reached
            district=row.district,
            category=row.category if row.category in categories.CATEGORIES else "",
        )
        self._session.add(venue)
        self._session.flush()
        self._session.add(Zone(id=names.append(venue_id, venues.EVERYWHERE), venue_id=venue_id, name=venues.EVERYWHERE))
        self._session.flush()
        self._things.keep("venue", row.ref, venue_id)

    def _same_place(self, row: VenueRow) -> str | None:
        """The place of this name that stands there already; a home is nobody else's."""
        if row.kind != "place" or row.location is None:
            return None
        here = postgis.from_position(row.location)
        wanted = select(Venue.id).where(
            Venue.kind == "place",
            Venue.listed,
            ~Venue.replayed,
            func.lower(Venue.name) == row.name.lower(),
            func.ST_DWithin(Venue.location, here, SAME_PLACE_M),
        )
        nearest = wanted.order_by(func.ST_Distance(Venue.location, here), Venue.id).limit(1)
        return self._session.scalar(nearest)

    def _keep_event(self, row: EventRow, offered: set[str]) -> None:
        said = row.model_dump(exclude={"id", "organizer", "picture", "interests"})
        said["picture_id"] = self._things.find("picture", row.picture)
        known = self._things.find("event", row.id)
        event = None if known is None else self._session.get(Event, known)
        if known is not None and event is None:
            return  # deleted here
        if event is None:
            event = Event(
                id=self._free(Event.id, row.id, row.id),
                organizer_id=self._came.get(row.organizer or "") or self._host,
                community_id=self._community_id,
                **said,
            )
            self._session.add(event)
            self._session.flush()
            self._things.keep("event", row.id, event.id)
            self.count += 1
        else:
            for name, value in said.items():
                setattr(event, name, value)
            event.version += 1
        chosen = set(row.interests) & offered
        interests.choose(self._session, EventInterest, {"event_id": event.id}, chosen)

    def _keep_step(self, row: StepRow) -> None:
        event_id, venue_id = self._things.find("event", row.event), self._things.find("venue", row.venue)
        assert venue_id is not None
        if event_id is None or self._session.get(Event, event_id) is None:
            return
        said = row.model_dump(exclude={"id", "event", "venue"})
        known = self._things.find("step", row.id)
        step = None if known is None else self._session.get(Step, known)
        if step is None:
            step = Step(id=self._free(Step.id, row.id, row.id), event_id=event_id, venue_id=venue_id, **said)
            self._session.add(step)
            self._session.flush()
            self._things.keep("step", row.id, step.id)
        elif (step.starts_at, step.ends_at) != (row.starts_at, row.ends_at) or step.venue_id != venue_id:
            step.venue_id, step.zone_id = venue_id, None
            step.opens_at, step.starts_at, step.ends_at = row.opens_at, row.starts_at, row.ends_at
            step.version += 1

    def _keep_comings(self) -> None:
        """Check-ins with their evidence of who came along; of the others rows of strangers, numbered below zero.

        The others are counted anew each time: one who has agreed since is no number any more.
        """
        starts = {row.id: row.starts_at for row in self._archive.rows(StepRow)}
        steps = {row.id: self._things.find("step", row.id) for row in self._archive.rows(StepRow)}
        here = [step for step in steps.values() if step is not None]
        self._session.execute(delete(CheckIn).where(CheckIn.step_id.in_(here), CheckIn.stranger < 0))
        rows = []
        for coming in self._archive.rows(ComingRow):
            member_id, step_id = self._came.get(coming.person), steps[coming.step]
            if member_id is not None and step_id is not None:
                said = {"at": coming.at, "evidence": coming.evidence, "signed_up": coming.signed_up}
                rows.append(said | {"step_id": step_id, "member_id": member_id, "stranger": None})
        numbers: dict[str, int] = {}
        for others in self._archive.rows(TurnoutRow):
            step_id = steps[others.step]
            if step_id is None:
                continue
            said = {"at": starts[others.step], "evidence": others.evidence, "signed_up": others.signed_up}
            for _ in range(others.came):
                numbers[step_id] = numbers.get(step_id, 0) - 1
                rows.append(said | {"step_id": step_id, "member_id": None, "stranger": numbers[step_id]})
        for start in range(0, len(rows), _AT_ONCE):
            portion = [row | {"recorded_at": self._now} for row in rows[start : start + _AT_ONCE]]
            self._session.execute(insert(CheckIn).values(portion).on_conflict_do_nothing())

    def _free(self, column: InstrumentedAttribute[str], wanted: str, was: str) -> str:
        """The id that it had, or one that is made of it where that is taken."""
        digits = hashlib.sha256(f"{self._community_id} {was}".encode()).hexdigest()[:_DIGITS]
        for one in (wanted, names.append(wanted, digits)):
            if self._session.scalar(select(column).where(column == one)) is None:
                return one
        return names.append(wanted, hashlib.sha256(f"{self._now} {was}".encode()).hexdigest()[: 2 * _DIGITS])

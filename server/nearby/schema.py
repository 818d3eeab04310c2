"""What nearby takes and gives over HTTP."""

import datetime as dt
from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from geo.ranking import Factor
from server.fields import Moment, Outgoing
from server.nearby import words
from server.nearby.moments import Mood
from server.nearby.person import Person
from server.nearby.service import Found
from server.positions.service import Source
from server.texts import Texts


class ReasonOut(Outgoing):
    """What speaks for it. points: how much; those of all reasons add up to the score."""

    factor: Factor
    points: float
    says: str = Field(description="in your language", examples=["1.2 km away, 20 minutes on foot"])


class NearOut(Outgoing):
    """A gathering or a venue near a place, and why it stands where it stands.

    distance_m: on the sphere, within half a per cent; of a home only about, since nobody is told where it is. places:
    how many are left; none: as many as want. mood: how lively the venue is now; none: nobody knows.
    """

    kind: Literal["event", "venue"]
    event: str | None
    step: str | None
    venue: str
    name: str
    venue_name: str
    community: str | None
    distance_m: float
    about: bool = Field(description="whether its place is known only about")
    starts_at: Moment | None
    ends_at: Moment | None
    time_zone: str
    places: int | None
    going: int | None
    you_go: bool
    mood: Mood | None
    interests: list[str]
    score: float
    reasons: list[ReasonOut]


class PlaceOut(Outgoing):
    """The place that was asked about. source: by what it is known; none: you said it. accuracy_m: how well."""

    lon: float
    lat: float
    source: Source | None
    accuracy_m: float | None
    at: Moment | None


class WeightOut(Outgoing):
    """How much a factor weighs. shipped: as every server begins; learnt_at: none where it weighs so still."""

    factor: Factor
    shipped: float
    weight: float
    learnt_at: Moment | None
    choices: int | None = Field(description="of how many choices it was learnt")


def show(found: Found, person: Person, interests: Mapping[str, str], *, at: dt.datetime, say: Texts) -> NearOut:
    """Something near as the API shows it. interests: their names by their ids. at: the time that was asked about."""
    one = found.candidate
    event_name = None if found.event_name is None else say.name(found.event_name, found.event_simulated)
    venue_name = say.name(found.venue_name, found.venue_simulated)
    return NearOut(
        kind="venue" if one.event_id is None else "event",
        event=one.event_id,
        step=one.step_id,
        venue=one.venue_id,
        name=event_name or venue_name,
        venue_name=venue_name,
        community=one.community_id,
        distance_m=round(one.away_m, -3 if one.vague else 0),
        about=one.vague,
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        time_zone=found.time_zone,
        places=None if one.capacity is None else max(0, one.capacity - one.going),
        going=None if one.event_id is None else one.going,
        you_go=found.goes,
        mood=None if one.mood is None else Mood(one.mood),
        interests=one.interests,
        score=found.scored.hundredths / 100,
        reasons=[
            ReasonOut(
                factor=reason.factor,
                points=reason.hundredths / 100,
                says=words.why(found, reason.factor, person, interests, at=at, say=say),
            )
            for reason in found.scored.reasons
        ],
    )

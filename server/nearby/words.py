"""Why something stands where it stands: a sentence for each reason, in the reader's language."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence

from geo import distances
from geo.ranking import Factor
from server import clocks
from server.nearby.facts import Fact
from server.nearby.moments import Moment, Mood
from server.nearby.person import Person
from server.nearby.service import Found
from server.texts import IN_ENGLISH, Texts, later

MOODS = {Mood.QUIET: later("Quiet now"), Mood.NORMAL: later("As usual now"), Mood.LIVELY: later("Lively now")}
ON_FOOT_M = 3_000  # what is further away one does not walk
SHOWN = 3  # names in a sentence
ROUNDED = 5  # people are told in steps of this
SOON = dt.timedelta(hours=18)  # until then hours say more than the day: tomorrow morning, seen in the evening


def lively(moment: Moment, say: Texts = IN_ENGLISH) -> str:
    """How lively a venue is, with how many are there at least as far as that is told."""
    mood = say.gettext(MOODS[moment.mood])
    if moment.people is None:
        return mood
    return say.ngettext(
        "%(mood)s · at least %(num)s person", "%(mood)s · at least %(num)s people", moment.people, mood=mood
    )


def distance(metres: float, say: Texts = IN_ENGLISH) -> str:
    """`80 m`, `1.2 km`, `340 km`: as well as it is known, and no better."""
    if metres < 995:
        return say.gettext("%(metres)s m", metres=max(10, round(metres / 10) * 10))
    km = metres / 1000
    return say.gettext("%(km)s km", km=f"{km:.1f}" if km < 9.95 else f"{km:.0f}")


def away(fact: Fact, say: Texts = IN_ENGLISH) -> str:
    """How far it is: with the time on foot where one would walk, and `about` where only its district is told."""
    metres = fact.candidate.away_m
    if fact.candidate.vague:
        # Its district alone is known: two kilometres, so nothing finer is told.
        return say.gettext("About %(km)s km away", km=max(2, 2 * round(metres / 2000)))
    if metres >= ON_FOOT_M:
        return say.gettext("%(distance)s away", distance=distance(metres, say))
    minutes = max(1, round(distances.walk_s(metres) / 60))
    return say.ngettext(
        "%(distance)s away, %(num)s minute on foot",
        "%(distance)s away, %(num)s minutes on foot",
        minutes,
        distance=distance(metres, say),
    )


def starts(found: Found, at: dt.datetime, say: Texts = IN_ENGLISH) -> str:
    """How soon it begins, or that it is on."""
    begins = found.candidate.starts_at
    assert begins is not None
    if begins <= at:
        return say.gettext("On now")
    minutes = math.ceil((begins - at).total_seconds() / 60)
    if minutes < 90:
        return say.ngettext("Begins in %(num)s minute", "Begins in %(num)s minutes", minutes)
    if begins - at < SOON:
        hours = round(minutes / 60)
        return say.ngettext("Begins in %(num)s hour", "Begins in %(num)s hours", hours)
    return say.gettext("Begins %(when)s", when=clocks.moment(clocks.there(begins, found.time_zone), say))


def why(
    found: Found, factor: Factor, person: Person, interests: Mapping[str, str], *, at: dt.datetime, say: Texts
) -> str:
    """What speaks for something, by one factor. interests: their names in the reader's language, by their ids."""
    fact, candidate = found.scored.fact, found.candidate
    match factor:
        case Factor.DISTANCE:
            return away(fact, say)
        case Factor.WAYS:
            assert fact.anchor is not None
            came, metres = fact.anchor
            if came.venue_id == candidate.venue_id:
                return say.gettext("At %(place)s, where you go", place=say.name(*came.venue_name))
            return say.gettext(
                "%(distance)s from %(place)s, where you go",
                distance=distance(metres, say),
                place=say.name(*came.venue_name),
            )
        case Factor.START:
            return starts(found, at, say)
        case Factor.INTERESTS:
            names = [interests[one] for one in fact.liked if one in interests]
            return say.gettext("About what you like: %(interests)s", interests=_list(names, say))
        case Factor.COMMUNITY:
            name = person.communities[candidate.community_id or ""]
            return say.gettext("Of %(community)s, which is yours as well", community=say.name(*name))
        case Factor.KNOWN:
            names = [say.name(*one) for one in fact.known]
            return say.gettext("Somebody whom you met goes: %(names)s", names=_list(names, say))
        case Factor.REGULAR:
            if candidate.event_id is None:
                return say.gettext("You come here")
            return say.gettext("You come to what takes place here, or is by the same people")
        case Factor.ALIKE:
            return _alike(fact, person, say)
        case Factor.POPULAR:
            people = int(candidate.came) // ROUNDED * ROUNDED
            return say.ngettext("At least %(num)s came lately", "At least %(num)s came lately", max(ROUNDED, people))
        case Factor.PLACES:
            return places(found, say)
        case Factor.LIVELY:
            assert candidate.mood is not None
            return say.gettext(MOODS[Mood(candidate.mood)])


def places(found: Found, say: Texts = IN_ENGLISH) -> str:
    """How many places are left."""
    candidate = found.candidate
    if candidate.event_id is None:
        return say.gettext("Nobody has to sign up")
    if candidate.capacity is None:
        return say.gettext("There is room for everybody")
    left = max(0, candidate.capacity - candidate.going)
    return say.ngettext("%(num)s place left", "%(num)s places left", left) if left else say.gettext("No place left")


def _alike(fact: Fact, person: Person, say: Texts) -> str:
    assert fact.alike is not None
    kind, _, of_id = fact.alike.of.partition("/")
    names = {came.venue_id: came.venue_name for came in person.came} if kind == "venue" else person.communities
    if kind in ("venue", "community") and of_id in names:
        return say.gettext("The same people come as to %(place)s, where you go", place=say.name(*names[of_id]))
    return say.gettext("The same people come as to what you go to")


def _list(names: Sequence[str], say: Texts) -> str:
    shown = say.gettext(", ").join(names[:SHOWN])
    more = len(names) - SHOWN
    return (
        shown
        if more <= 0
        else say.ngettext("%(names)s and %(num)s more", "%(names)s and %(num)s more", more, names=shown)
    )

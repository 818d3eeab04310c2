"""What is near as cards: when, where, who goes, and why, in the reader's words, by the points of each reason."""

import datetime as dt
from collections.abc import Mapping, Sequence

from babel import dates
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.ranking import Factor
from server.communities.model import Community, CommunityMember
from server.events.model import Event
from server.nearby import words
from server.nearby.moments import Mood
from server.nearby.person import Person
from server.nearby.service import Found
from server.pages.facts import Fact
from server.people.model import Member
from server.pictures.schema import url_of
from server.positions.service import Source, Where
from server.texts import Texts

CHIPS = 3  # what is read at a glance; all of them stand behind "Why"
# What a card says of it in any case: as chips they would be said twice.
_SAID = frozenset({Factor.DISTANCE, Factor.START, Factor.PLACES, Factor.LIVELY})


def of(
    session: Session,
    person: Person,
    found: Sequence[Found],
    interests: Mapping[str, str],
    *,
    now: dt.datetime,
    say: Texts,
) -> list[Fact]:
    """The cards of what was found, in its order; nearby.html says what is in each."""
    pictures = _pictures(session, [one.candidate.event_id for one in found if one.candidate.event_id])
    return [
        _card(number, one, person, interests, pictures.get(one.candidate.event_id or ""), now, say)
        for number, one in enumerate(found, 1)
    ]


def where_from(known: Where | None, now: dt.datetime, say: Texts) -> str:
    """By what it is known where she is."""
    if known is None:
        return say.gettext("Around the place that you said")
    if known.source is Source.HOME:
        return say.gettext("From your home area")
    minutes = max(0, round((now - known.at).total_seconds() / 60))
    if known.source is Source.PHONE:
        return say.ngettext(
            "From your phone, %(num)s minute ago", "From your phone, %(num)s minutes ago", minutes, num=minutes
        )
    if known.source is Source.VISIT:
        return say.ngettext(
            "Where your badge was heard %(num)s minute ago",
            "Where your badge was heard %(num)s minutes ago",
            minutes,
            num=minutes,
        )
    return say.ngettext(
        "From your browser, %(num)s minute ago", "From your browser, %(num)s minutes ago", minutes, num=minutes
    )


def when(chosen: str, day: str, say: Texts) -> str:
    """A choice of time in words."""
    if chosen == "now":
        return say.gettext("On or open now")
    if chosen == "today":
        return say.gettext("Today")
    if chosen == "week":
        return say.gettext("This week")
    try:
        on = dt.date.fromisoformat(day)
    except ValueError:
        return say.gettext("On a day")
    return dates.format_date(on, "medium", locale=say.tag.replace("-", "_"))


def mood(one: Mood, say: Texts) -> str:
    """How lively, in words."""
    return say.gettext(words.MOODS[one])


def communities_of(session: Session, viewer: Member, say: Texts) -> list[tuple[str, str]]:
    """The ids and names of the communities that she belongs to."""
    wanted = (
        select(Community)
        .join(CommunityMember, CommunityMember.community_id == Community.id)
        .where(CommunityMember.member_id == viewer.id, Community.dissolved_at.is_(None))
    )
    return [(one.id, say.name(one.name, one.simulated)) for one in session.scalars(wanted)]


def _card(
    number: int,
    found: Found,
    person: Person,
    interests: Mapping[str, str],
    picture: str | None,
    now: dt.datetime,
    say: Texts,
) -> Fact:
    one = found.candidate
    venue_name = say.name(found.venue_name, found.venue_simulated)
    is_event = one.event_id is not None
    reasons = [
        {
            "factor": reason.factor.value,
            "says": words.why(found, reason.factor, person, interests, at=now, say=say),
            "points": f"{reason.hundredths / 100:.2f}",
            "hundredths": max(0, reason.hundredths),
        }
        for reason in found.scored.reasons
    ]
    chips = [one["says"] for one in reasons if Factor(str(one["factor"])) not in _SAID]
    return {
        "number": number,
        "kind": "event" if is_event else "venue",
        "href": f"/events/{one.event_id}" if is_event else f"/venues/{one.venue_id}",
        "name": venue_name if found.event_name is None else say.name(found.event_name, found.event_simulated),
        "step": None if found.step_name is None else say.name(found.step_name, found.event_simulated),
        "venue": venue_name if is_event else None,
        "community": None if found.community_name is None else say.name(found.community_name, found.event_simulated),
        "picture": picture,
        "starts_at": one.starts_at,
        "ends_at": one.ends_at,
        "time_zone": found.time_zone,
        "on": is_event and one.starts_at is not None and one.starts_at <= now,
        # Of what is further off, the day and hour that stand before it say all.
        "starts": words.starts(found, now, say) if one.starts_at and one.starts_at - now < words.SOON else None,
        "away": words.away(found.scored.fact, say),
        "going": one.going if is_event else None,
        "places": words.places(found, say) if is_event and one.capacity is not None else None,
        "full": one.full,
        "mood": None if one.mood is None else (one.mood, mood(Mood(one.mood), say)),
        "goes": found.goes,
        "about": [interests[each] for each in one.interests if each in interests],
        "chips": chips[:CHIPS],
        "reasons": reasons,
        "most": max([1, *(max(0, reason.hundredths) for reason in found.scored.reasons)]),
        "score": f"{found.scored.hundredths / 100:.2f}",
        "at": None if one.vague else [round(one.lon, 5), round(one.lat, 5)],
    }


def _pictures(session: Session, event_ids: Sequence[str]) -> dict[str, str]:
    """The addresses of gatherings' pictures, else of their communities'."""
    wanted = (
        select(Event.id, Event.picture_id, Community.picture_id)
        .outerjoin(Community, Community.id == Event.community_id)
        .where(Event.id.in_(event_ids))
    )
    shown = ((event_id, own or shared) for event_id, own, shared in session.execute(wanted)) if event_ids else ()
    return {event_id: url_of(picture_id) for event_id, picture_id in shown if picture_id is not None}

"""Gathers what each page shows as plain dicts, from the services, for one viewer and as far as she may see."""

import contextlib
import datetime as dt
import zoneinfo
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from config.settings import Presence
from server import fields, times
from server.badges import service as badges
from server.communities import service as communities
from server.consent.reading import Eyes
from server.errors import Refused
from server.events import service as events
from server.events.model import Event, Step
from server.live import gatherings, members, rights
from server.live.rights import Audience
from server.people.model import Member
from server.presence import service as presence
from server.presence import sight, visits
from server.presence.listening import AgentKind
from server.presence.states import Kind
from server.texts import IN_ENGLISH, Texts
from server.venues import service as venues
from server.venues.model import Venue, Zone

Fact = dict[str, Any]

SHOWN_AFTER_END = dt.timedelta(hours=12)  # the evening and the morning after it
GATHERINGS_SHOWN = 30  # more than anybody scrolls through on a phone
WITHOUT_PLACE = "UTC"  # the time zone of somebody who is going nowhere


def viewer_of(member: Member) -> Fact:
    """Who looks, as every page takes it."""
    return {"id": member.id, "name": member.name, "operator": member.operator, "simulated": member.simulated}


def choices(members: Sequence[Member], say: Texts = IN_ENGLISH) -> list[Fact]:
    """Whom a visitor of the demonstration may be; the first one is set apart."""
    return [
        {
            "id": member.id,
            "name": say.name(member.name, True),
            "says": say.name(member.about, True),
            "first": place == 0,
        }
        for place, member in enumerate(members)
    ]


def gatherings_of(session: Session, member: Member, now: dt.datetime, say: Texts = IN_ENGLISH) -> list[Fact]:
    """What she hosts, goes to or may walk into: what is on first, then what comes next, then what is over."""
    arrived = _own_arrivals(session, member)
    going = set(events.signed_up_for(session, member_id=member.id))
    hosted = {event.id for event in events.organized_by(session, member_id=member.id)}
    mine = {community.id for community in communities.communities_of(session, member_id=member.id)}
    found: list[Fact] = []
    for event in events.list_all(session):
        hosts = event.id in hosted
        sees = hosts or member.operator
        if not (sees or event.id in going or event.community_id is None or event.community_id in mine):
            continue
        steps = events.steps_of(session, event_id=event.id)
        if not steps or (steps[-1].ends_at < now - SHOWN_AFTER_END and not hosts):
            continue
        step = _step_now(steps, now)
        venue = venues.get(session, step.venue_id)
        figures = _figures(session, event) if sees else {}
        found.append(
            {
                "id": event.id,
                "name": say.name(event.name, event.simulated),
                "href": f"/events/{event.id}/live" if sees else None,
                "role": "organizer" if hosts else "going" if event.id in going else "open",
                "step_name": say.name(step.name, event.simulated) if len(steps) > 1 else None,
                "venue_name": say.name(venue.name, venue.simulated),
                "time_zone": venue.time_zone,
                "starts_at": step.starts_at,
                "ends_at": step.ends_at,
                "running": any(each.starts_at <= now < each.ends_at for each in steps),
                "signed_up": figures.get("signed_up"),
                "arrived": figures.get("arrived"),
                "checked_in_at": arrived.get(event.id),
                "owns": event.organizer_id == member.id or member.operator,
            }
        )
    found.sort(key=lambda one: (one["ends_at"] <= now, not one["running"], abs(one["starts_at"] - now)))
    return found[:GATHERINGS_SHOWN]


def places_of(
    session: Session, member: Member, now: dt.datetime, rules: Presence, say: Texts = IN_ENGLISH
) -> list[Fact]:
    """The venues that she runs, with how many are there; for operators all."""
    mine = venues.list_all(session) if member.operator else venues.owned_by(session, member_id=member.id)
    return [_place(session, venue, now, rules, say) | {"owns": _owns(member, venue)} for venue in mine]


def upcoming(session: Session, member: Member, now: dt.datetime, say: Texts = IN_ENGLISH) -> list[Fact]:
    """The steps she may walk into next, the nearest first: of what she signed up for or hosts."""
    going = set(events.signed_up_for(session, member_id=member.id))
    hosted = {event.id for event in events.organized_by(session, member_id=member.id)}
    found: list[Fact] = []
    for event in events.list_all(session):
        if event.id not in going | hosted:
            continue
        for step in events.steps_of(session, event_id=event.id):
            if step.ends_at <= now:
                continue
            venue = venues.get(session, step.venue_id)
            zone = session.get(Zone, step.zone_id) if step.zone_id else None
            found.append(
                {
                    "id": event.id,
                    "name": say.name(event.name, event.simulated),
                    "step_name": say.name(step.name, event.simulated),
                    "venue_name": say.name(venue.name, venue.simulated),
                    "zone_name": say.name(zone.name, venue.simulated) if zone else None,
                    "time_zone": venue.time_zone,
                    "starts_at": step.starts_at,
                    "ends_at": step.ends_at,
                    "opens_at": step.opens_at,
                    "signed_up": event.id in going,
                }
            )
    found.sort(key=lambda one: (one["starts_at"], one["id"]))
    return found[:GATHERINGS_SHOWN]


def check_ins(session: Session, member: Member, say: Texts = IN_ENGLISH) -> list[Fact]:
    """Her check-ins for the first paint of the phone, the newest first."""
    return [
        {
            "id": one["id"],
            "event_id": one["event"]["id"],
            "event_name": one["event"]["name"],
            "venue_name": one["step"]["venue"]["name"],
            "zone_name": one["step"]["zone"],
            "ends_at": fields.read_moment(one["step"]["ends_at"]),
            "time_zone": venues.get(session, one["step"]["venue"]["id"]).time_zone,
            "sentence": one["sentence"],
            "undone": one["undone"],
        }
        for one in _told(session, member, say)
    ]


def badge_of(session: Session, member: Member, now: dt.datetime, say: Texts = IN_ENGLISH) -> Fact | None:
    """The badge that is hers now."""
    held = badges.held_by(session, member_id=member.id, at=now)
    if not held:
        return None
    badge_id = held[0].badge_id
    return {"label": badges.get(session, badge_id).label or say.gettext("Badge %(number)s", number=badge_id)}


def event_page(session: Session, event: Event, say: Texts = IN_ENGLISH) -> Fact:
    """An event as the wall heads it."""
    steps = []
    for step in events.steps_of(session, event_id=event.id):
        venue = venues.get(session, step.venue_id)
        steps.append(
            {
                "name": say.name(step.name, event.simulated),
                "venue_name": say.name(venue.name, venue.simulated),
                "time_zone": venue.time_zone,
                "starts_at": step.starts_at,
                "ends_at": step.ends_at,
            }
        )
    return {"id": event.id, "name": say.name(event.name, event.simulated), "steps": steps}


def recorded_at(session: Session, venue: Venue, now: dt.datetime) -> dt.datetime | None:
    """The newest moment of the recording that was replayed into a venue; None for a venue of today."""
    return presence.now_of(session, venue=venue, now=now) if venue.replayed else None


def greetings_of(
    session: Session, venue: Venue, now: dt.datetime, rules: Presence, eyes: Eyes, say: Texts
) -> list[Fact]:
    """Who wants to be greeted at a venue and is there, for who keeps it."""
    seen = presence.picture(session, venue_id=venue.id, now=now, presence=rules)
    return [
        {"name": say.name(one.name, venue.simulated), "times": one.times, "since": times.from_ms(one.since_ms)}
        for one in sight.look(seen, eyes).greetings
    ]


def visits_today(session: Session, venue: Venue, now: dt.datetime, rules: Presence, eyes: Eyes) -> Fact:
    """How many have visited a venue on its own day, each attendance once; of a recording on its last one."""
    at = presence.now_of(session, venue=venue, now=now)
    day = at.astimezone(zoneinfo.ZoneInfo(venue.time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    counted = visits.count_since(session, venue_id=venue.id, since=day, now=now, presence=rules, eyes=eyes)
    return {"count": counted.attendances, "unobserved": counted.unobserved, "as_of": at}


def seen_simulated_venues(session: Session, member: Member, now: dt.datetime) -> list[str]:
    """The ids of the demonstration's venues that she may watch."""
    seen = []
    for venue in venues.list_all(session):
        if venue.simulated:
            with contextlib.suppress(Refused):
                rights.audience(session, member, f"venue/{venue.id}", now)
                seen.append(venue.id)
    return seen


def naming(
    session: Session, say: Texts, *, event_id: str | None = None, venue_id: str | None = None
) -> Callable[[str], str]:
    """Says the names of an event, or of a venue, as this reader should see them."""
    of = events.get(session, event_id) if event_id is not None else venues.get(session, venue_id or "")
    return lambda name: say.name(name, of.simulated)


def _owns(member: Member, venue: Venue) -> bool:
    return member.operator or venue.owner_id == member.id


def _step_now(steps: Sequence[Step], now: dt.datetime) -> Step:
    return next((step for step in steps if now < step.ends_at), steps[-1])


def _figures(session: Session, event: Event) -> Fact:
    loaded = gatherings.load(session, event_id=event.id)
    figures: Fact = gatherings.draw(loaded, 0, Audience.OPERATOR, {})["figures"]
    return figures


def _told(session: Session, member: Member, say: Texts) -> list[Fact]:
    return [members.checkin(row, say) for row in members.load(session, member_id=member.id).checkins]


def _own_arrivals(session: Session, member: Member) -> dict[str, dt.datetime]:
    own = [one for one in _told(session, member, IN_ENGLISH) if not one["undone"]]
    return {one["event"]["id"]: fields.read_moment(one["at"]) for one in own}


def _place(session: Session, venue: Venue, now: dt.datetime, rules: Presence, say: Texts) -> Fact:
    seen = presence.picture(session, venue_id=venue.id, now=now, presence=rules)
    picture, eyes = seen.picture, Eyes()
    listening = sum(agent.kind is AgentKind.LISTENING for agent in picture.agents.values())
    here = sum(state.kind in (Kind.PRESENT, Kind.AWAY) for state in sight.look(seen, eyes).badges.values())
    return {
        "id": venue.id,
        "name": say.name(venue.name, venue.simulated),
        "href": f"/venues/{venue.id}/live",
        "here": here if listening else None,
        "visits": visits_today(session, venue, now, rules, eyes)["count"],
        "as_of": times.from_ms(picture.now_ms),
        "replayed": venue.replayed,
        "time_zone": venue.time_zone,
        "agents": len(picture.agents),
        "agents_listening": listening,
    }

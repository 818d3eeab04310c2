"""Gathers what each page shows as plain dicts, from the services, for one viewer and as far as she may see."""

import contextlib
import datetime as dt
import zoneinfo
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session, object_session

from config.settings import Presence
from server import clocks, fields, times
from server.badges import service as badges
from server.consent.reading import Eyes
from server.errors import Refused
from server.events import at_hand, signups
from server.events import service as events
from server.events.model import Event
from server.events.states import LIVE
from server.fleet import service as fleet
from server.live import gatherings, members, rights
from server.people.model import Member
from server.presence import service as presence
from server.presence import sight, visits
from server.presence.listening import AgentKind
from server.presence.states import Kind
from server.texts import IN_ENGLISH, Texts
from server.venues import service as venues
from server.venues.model import Venue

Fact = dict[str, Any]

SHOWN_AFTER_END = dt.timedelta(hours=12)  # the evening and the morning after it
GATHERINGS_SHOWN = 30  # more than anybody scrolls through on a phone
WITHOUT_PLACE = "UTC"  # the time zone of somebody who is going nowhere


_LAST_ZONE = text("""
    SELECT venue.time_zone FROM step JOIN venue ON venue.id = step.venue_id
    WHERE step.event_id IN (
        SELECT event_id FROM sign_up WHERE member_id = :member
        UNION ALL SELECT id FROM event WHERE organizer_id = :member
        UNION ALL SELECT event.id FROM event JOIN community_member USING (community_id)
                  WHERE community_member.member_id = :member
        UNION ALL SELECT came.event_id FROM checkin JOIN step AS came ON came.id = checkin.step_id
                  WHERE checkin.member_id = :member AND checkin.undone_at IS NULL)
    ORDER BY step.starts_at DESC, step.id LIMIT 1
""")


def clock_of(member: Member) -> str:
    """By whose clock she is told of times: her own, else that of the last gathering of hers or of her communities."""
    session = object_session(member)
    found = None if member.time_zone or session is None else session.scalar(_LAST_ZONE, {"member": member.id})
    return member.time_zone or found or WITHOUT_PLACE


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
    stands = signups.states_of(session, member_id=member.id)
    found = at_hand.at_hand(session, member, now=now, since=now - SHOWN_AFTER_END, most=GATHERINGS_SHOWN)
    figures = gatherings.counts(session, [one.event.id for one in found if one.hosts or member.operator])
    shown: list[Fact] = []
    for event, step, venue, several, running, hosts in found:
        stand = stands.get(event.id)
        signed_up, came = figures.get(event.id, (None, None))
        shown.append(
            {
                "id": event.id,
                "name": say.name(event.name, event.simulated),
                "href": f"/events/{event.id}/live" if event.id in figures else None,
                "role": "organizer" if hosts else str(stand) if stand in LIVE else "open",
                "state": event.state,
                "step_name": say.name(step.name, event.simulated) if several else None,
                "venue_name": say.name(venue.name, venue.simulated),
                "time_zone": venue.time_zone,
                "starts_at": step.starts_at,
                "ends_at": step.ends_at,
                "running": running,
                "signed_up": signed_up,
                "arrived": came,
                "checked_in_at": arrived.get(event.id),
                "owns": event.organizer_id == member.id or member.operator,
            }
        )
    return shown


def places_of(
    session: Session, member: Member, now: dt.datetime, rules: Presence, say: Texts = IN_ENGLISH
) -> list[Fact]:
    """The venues that she runs, with how many are there; for operators all."""
    mine = (
        venues.list_all(session, keeper_id=member.id)
        if member.operator
        else venues.owned_by(session, member_id=member.id)
    )
    heard = {placement.venue_id for placement in fleet.newest_places(session).values()}
    return [
        _place(session, venue, now, rules, say) | {"owns": _owns(member, venue)}
        for venue in mine
        if venue.kind != "spot"
        and (venue.source is None or venue.owner_id == member.id or venue.id in heard)  # not a whole town of an import
    ]


def upcoming(session: Session, member: Member, now: dt.datetime, say: Texts = IN_ENGLISH) -> list[Fact]:
    """The steps she may walk into next, the nearest first: of what she signed up for or hosts."""
    return [
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
            "signed_up": signed_up,
        }
        for event, step, venue, zone, signed_up in at_hand.coming(session, member, now=now, most=GATHERINGS_SHOWN)
    ]


def check_ins(session: Session, member: Member, say: Texts = IN_ENGLISH) -> list[Fact]:
    """Her check-ins for the first paint of the phone, the newest first."""
    found = []
    for one in _told(session, member, say):
        time_zone = venues.get(session, one["step"]["venue"]["id"]).time_zone
        at, ends_at = fields.read_moment(one["at"]), fields.read_moment(one["step"]["ends_at"])
        found.append(
            {
                "id": one["id"],
                "event_id": one["event"]["id"],
                "event_name": one["event"]["name"],
                "venue_name": one["step"]["venue"]["name"],
                "zone_name": one["step"]["zone"],
                "until": clocks.until(ends_at, at, time_zone, say),
                "time_zone": time_zone,
                "sentence": one["sentence"],
                "undone": one["undone"],
            }
        )
    return found


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
        if venue.simulated and fleet.placed_at(session, venue_id=venue.id, at=now):
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

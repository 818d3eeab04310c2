"""Why a badge is present, away, left or unknown: when it was heard last, and who did not listen since."""

import datetime as dt
from collections.abc import Callable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.settings import Presence
from server import times
from server.badges import service as badges
from server.fleet.model import Placement
from server.presence import listening, rhythm, schema, service, states
from server.presence.deafness import Unheard
from server.presence.listening import AgentKind, AgentState, Reckoning
from server.presence.model import BeaconSpan, Visit
from server.presence.rule import Rule
from server.presence.schema import WhyBadge
from server.presence.service import VenueFacts
from server.presence.states import Heard, Kind, State


def explain(session: Session, *, badge_id: int, now: dt.datetime, presence: Presence) -> WhyBadge:
    """Why a badge is shown as it is, where it was heard last; raises BadgeUnknown."""
    badges.get(session, badge_id)
    venue_id = session.scalar(
        select(Visit.venue_id).where(Visit.badge_id == badge_id).order_by(Visit.to_ms.desc()).limit(1)
    )
    if venue_id is None:
        return _unheard(
            badge_id,
            None,
            "No agent ever heard this badge. Is it registered with what it shows, and its battery alive?",
        )
    record = service.load(session, venue_id=venue_id, now=now, presence=presence)
    if badge_id not in record.heard:
        hours = service.LOOK_BACK_MS // 3_600_000
        return _unheard(badge_id, venue_id, f"{record.facts.name} has not heard this badge for {hours} hours.")
    heard, rule = record.heard[badge_id], record.facts.rule
    judged_ms = service.now_ms_of(record, times.to_ms(now)) - rule.unjudged_ms
    reckoning = listening.reckon(record.ears.values(), judged_ms, rule)
    away_after_ms = record.rhythms.get(badge_id, rule.away_after_ms)
    found = states.state(heard.arrived_ms, heard.last_heard_ms, reckoning, rule, away_after_ms)
    silent = {agent_id: agent for agent_id, agent in reckoning.agents.items() if agent.kind is not AgentKind.LISTENING}
    return {
        "badge": badge_id,
        "venue": venue_id,
        "zone": heard.zone_id,
        "state": found.kind.value,
        "since": schema.rfc3339_ms(found.since_ms),
        "last_heard": schema.rfc3339_ms(heard.last_heard_ms),
        "away_after_s": away_after_ms / 1000,
        "silent": sorted(silent),
        "sentence": say(record.facts, found, heard, away_after_ms, reckoning),
    }


def say(facts: VenueFacts, found: State, heard: Heard, away_after_ms: int, reckoning: Reckoning) -> str:
    """Why a badge is in this state, in sentences for a person; pure."""
    clock = _clock_of(facts)
    zones = {zone.id: zone.name for zone in facts.zones}
    where = facts.name if heard.zone_id is None else f"{facts.name}, {zones.get(heard.zone_id, heard.zone_id)}"
    last = f"Last heard at {clock(heard.last_heard_ms)} ({where})"
    rhythm = say_rhythm(away_after_ms, facts.rule)
    if found.kind is Kind.PRESENT:
        return f"{last}, within the time that badges may be silent.{rhythm}"
    if found.kind is Kind.AWAY:
        return (
            f"{last}; all agents of {facts.name} have listened since {clock(found.since_ms)} and heard nothing.{rhythm}"
        )
    if found.kind is Kind.LEFT:
        minutes = f"{facts.rule.join_gap_ms / 60_000:g}"
        return f"{last}; by {clock(found.since_ms)} all agents had listened for {minutes} minutes and heard nothing."
    # Who was given up no longer holds back what the others know; without any others it is the reason all the same.
    out = {key: agent for key, agent in sorted(reckoning.agents.items()) if agent.kind is not AgentKind.LISTENING}
    waited_for = {key: agent for key, agent in out.items() if agent.kind is not AgentKind.GIVEN_UP} or out
    quiet = [say_agent(key, agent, reckoning.unheard.get(key, ()), clock) for key, agent in waited_for.items()]
    if quiet:
        look = "that Pi" if len(quiet) == 1 else "those Pis"
        return f"{last}; {', '.join(quiet)}, so nobody can tell whether it is still here. Look after {look}."
    if not reckoning.agents:
        return f"{last}; no agent is at {facts.name} any more, so nobody can tell whether it is still here."
    return f"{last}; the agents have only just begun to listen again, so nobody can tell yet. Wait a moment."


def say_rhythm(away_after_ms: int, rule: Rule) -> str:
    """What a badge's own rhythm means, with a space before it; nothing for the constant."""
    if away_after_ms <= rule.away_after_ms:
        return ""
    if away_after_ms >= rule.rhythm_max_ms:
        return f" This badge is heard so seldom that it counts as away only after {_duration(away_after_ms)}."
    every = _duration(away_after_ms // rhythm.FACTOR)
    return f" This badge is heard about every {every}, so it counts as away after {_duration(away_after_ms)}."


def say_agent(agent_id: str, agent: AgentState, unheard: Sequence[Unheard], clock: Callable[[int], str]) -> str:
    """Why an agent does not count as listening, as a part of a sentence; clock: of milliseconds, for people."""
    if unheard:
        missed = " and ".join(
            f"{'its own beacon' if one.beacon_agent_id == agent_id else f'the beacon of {one.beacon_agent_id}'},"
            f" which it heard until {clock(one.until_ms)}"
            for one in unheard
        )
        return f"{agent_id} no longer hears {missed}"
    if agent.since_ms is None:
        return f"{agent_id} has never listened"
    return f"{agent_id} has not listened since {clock(agent.since_ms)}"


def deaf_agents(session: Session, *, now: dt.datetime, presence: Presence) -> list[str]:
    """A sentence for each agent that is deaf in fact, wherever fixed beacons were ever heard."""
    heard_at = select(Placement.venue_id).join(BeaconSpan, BeaconSpan.placement_id == Placement.id)
    sentences = []
    for venue_id in session.scalars(heard_at.distinct().order_by(Placement.venue_id)):
        seen = service.picture(session, venue_id=venue_id, now=now, presence=presence)
        clock = _clock_of(seen.record.facts)
        sentences += [
            f"{say_agent(agent_id, seen.picture.agents[agent_id], missed, clock)} ({seen.record.facts.name})"
            for agent_id, missed in sorted(seen.picture.unheard.items())
        ]
    return sentences


def _clock_of(facts: VenueFacts) -> Callable[[int], str]:
    return lambda ms: schema.local_time(times.from_ms(ms), facts.time_zone)


def _duration(ms: int) -> str:
    seconds = round(ms / 1000)
    return f"{seconds // 60} min" if seconds % 60 == 0 and seconds >= 60 else f"{seconds} s"


def _unheard(badge_id: int, venue_id: str | None, sentence: str) -> WhyBadge:
    return {
        "badge": badge_id,
        "venue": venue_id,
        "zone": None,
        "state": None,
        "since": None,
        "last_heard": None,
        "away_after_s": None,
        "silent": [],
        "sentence": sentence,
    }

"""Why a badge is present, away, left or unknown: when it was heard last, and who did not listen since."""

import datetime as dt
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.settings import Presence
from server import times
from server.badges import service as badges
from server.presence import schema, service, states
from server.presence.model import Visit
from server.presence.schema import WhyBadge
from server.presence.service import VenueFacts
from server.presence.states import AgentKind, AgentState, Kind, State


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
    reckoning = states.reckon(record.ears.values(), judged_ms, rule)
    found = states.state(heard.arrived_ms, heard.last_heard_ms, reckoning, rule)
    silent = {agent_id: agent for agent_id, agent in reckoning.agents.items() if agent.kind is not AgentKind.LISTENING}
    return {
        "badge": badge_id,
        "venue": venue_id,
        "zone": heard.zone_id,
        "state": found.kind.value,
        "since": schema.rfc3339_ms(found.since_ms),
        "last_heard": schema.rfc3339_ms(heard.last_heard_ms),
        "silent": sorted(silent),
        "sentence": say(record.facts, found, heard.zone_id, heard.last_heard_ms, silent.items()),
    }


def say(
    facts: VenueFacts,
    found: State,
    zone_id: str | None,
    last_heard_ms: int,
    silent: Iterable[tuple[str, AgentState]],
) -> str:
    """One sentence for a person; pure."""

    def clock(ms: int) -> str:
        return schema.local_time(times.from_ms(ms), facts.time_zone)

    zones = {zone.id: zone.name for zone in facts.zones}
    where = facts.name if zone_id is None else f"{facts.name}, {zones.get(zone_id, zone_id)}"
    heard = f"Last heard at {clock(last_heard_ms)} ({where})"
    if found.kind is Kind.PRESENT:
        return f"{heard}, within the time that badges may be silent."
    if found.kind is Kind.AWAY:
        return f"{heard}; all agents of {facts.name} have listened since {clock(found.since_ms)} and heard nothing."
    if found.kind is Kind.LEFT:
        minutes = facts.rule.join_gap_ms // 60_000
        return f"{heard}; by {clock(found.since_ms)} all agents had listened for {minutes} minutes and heard nothing."
    deaf = [
        f"{agent_id} has not listened since {clock(agent.since_ms)}"
        if agent.since_ms is not None
        else f"{agent_id} has never listened"
        for agent_id, agent in sorted(silent)
    ]
    if deaf:
        return f"{heard}; {', '.join(deaf)}, so nobody can tell whether it is still here. Look after that Pi."
    return f"{heard}; the agents have only just begun to listen again, so nobody can tell yet. Wait a moment."


def _unheard(badge_id: int, venue_id: str | None, sentence: str) -> WhyBadge:
    return {
        "badge": badge_id,
        "venue": venue_id,
        "zone": None,
        "state": None,
        "since": None,
        "last_heard": None,
        "silent": [],
        "sentence": sentence,
    }

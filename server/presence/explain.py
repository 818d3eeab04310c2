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
from server.texts import IN_ENGLISH, Texts


def explain(
    session: Session, *, badge_id: int, now: dt.datetime, presence: Presence, say: Texts = IN_ENGLISH
) -> WhyBadge:
    """Why a badge is shown as it is, where it was heard last, in the reader's language; raises BadgeUnknown."""
    badges.get(session, badge_id)
    venue_id = session.scalar(
        select(Visit.venue_id).where(Visit.badge_id == badge_id).order_by(Visit.to_ms.desc()).limit(1)
    )
    if venue_id is None:
        return _unheard(
            badge_id,
            None,
            say.gettext("No agent ever heard this badge. Is it registered with what it shows, and its battery alive?"),
        )
    record = service.load(session, venue_id=venue_id, now=now, presence=presence)
    if badge_id not in record.heard:
        hours = service.LOOK_BACK_MS // 3_600_000
        venue = say.name(record.facts.name, record.facts.simulated)
        sentence = say.gettext("%(venue)s has not heard this badge for %(hours)s hours.", venue=venue, hours=hours)
        return _unheard(badge_id, venue_id, sentence)
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
        "sentence": tell(record.facts, found, heard, away_after_ms, reckoning, say),
    }


def tell(
    facts: VenueFacts, found: State, heard: Heard, away_after_ms: int, reckoning: Reckoning, say: Texts = IN_ENGLISH
) -> str:
    """Why a badge is in this state, in sentences for a person; pure."""
    clock = _clock_of(facts)
    venue = say.name(facts.name, facts.simulated)
    zones = {zone.id: say.name(zone.name, facts.simulated) for zone in facts.zones}
    where = venue if heard.zone_id is None else f"{venue}, {zones.get(heard.zone_id, heard.zone_id)}"
    last = {"time": clock(heard.last_heard_ms), "where": where}
    rhythm = tell_rhythm(away_after_ms, facts.rule, say)
    if found.kind is Kind.PRESENT:
        known = say.gettext("Last heard at %(time)s (%(where)s), within the time that badges may be silent.", **last)
        return say.sentences(known, rhythm)
    since = clock(found.since_ms)
    if found.kind is Kind.AWAY:
        known = say.gettext(
            "Last heard at %(time)s (%(where)s); all agents of %(venue)s have listened since %(since)s and heard"
            " nothing.",
            **last,
            venue=venue,
            since=since,
        )
        return say.sentences(known, rhythm)
    if found.kind is Kind.LEFT:
        return say.gettext(
            "Last heard at %(time)s (%(where)s); by %(since)s all agents had listened for %(minutes)s minutes and heard"
            " nothing.",
            **last,
            since=since,
            minutes=f"{facts.rule.join_gap_ms / 60_000:g}",
        )
    # Who was given up no longer holds back what the others know; without any others it is the reason all the same.
    out = {key: agent for key, agent in sorted(reckoning.agents.items()) if agent.kind is not AgentKind.LISTENING}
    waited_for = {key: agent for key, agent in out.items() if agent.kind is not AgentKind.GIVEN_UP} or out
    quiet = [tell_agent(key, agent, reckoning.unheard.get(key, ()), clock, say) for key, agent in waited_for.items()]
    if quiet:
        return say.ngettext(
            "Last heard at %(time)s (%(where)s); %(quiet)s, so nobody can tell whether it is still here. Look after"
            " that Pi.",
            "Last heard at %(time)s (%(where)s); %(quiet)s, so nobody can tell whether it is still here. Look after"
            " those Pis.",
            len(quiet),
            **last,
            quiet=", ".join(quiet),
        )
    if not reckoning.agents:
        return say.gettext(
            "Last heard at %(time)s (%(where)s); no agent is at %(venue)s any more, so nobody can tell whether it is"
            " still here.",
            **last,
            venue=venue,
        )
    return say.gettext(
        "Last heard at %(time)s (%(where)s); the agents have only just begun to listen again, so nobody can tell yet."
        " Wait a moment.",
        **last,
    )


def tell_rhythm(away_after_ms: int, rule: Rule, say: Texts = IN_ENGLISH) -> str:
    """What a badge's own rhythm means; nothing for the constant."""
    if away_after_ms <= rule.away_after_ms:
        return ""
    after = _duration(away_after_ms, say)
    if away_after_ms >= rule.rhythm_max_ms:
        return say.gettext("This badge is heard so seldom that it counts as away only after %(after)s.", after=after)
    return say.gettext(
        "This badge is heard about every %(every)s, so it counts as away after %(after)s.",
        every=_duration(away_after_ms // rhythm.FACTOR, say),
        after=after,
    )


def tell_agent(
    agent_id: str,
    agent: AgentState,
    unheard: Sequence[Unheard],
    clock: Callable[[int], str],
    say: Texts = IN_ENGLISH,
) -> str:
    """Why an agent does not count as listening, as a part of a sentence; clock: of milliseconds, for people."""
    if unheard:
        return ", ".join(
            say.gettext(
                "%(agent)s no longer hears its own beacon, which it heard until %(time)s",
                agent=agent_id,
                time=clock(one.until_ms),
            )
            if one.beacon_agent_id == agent_id
            else say.gettext(
                "%(agent)s no longer hears the beacon of %(other)s, which it heard until %(time)s",
                agent=agent_id,
                other=one.beacon_agent_id,
                time=clock(one.until_ms),
            )
            for one in unheard
        )
    if agent.since_ms is None:
        return say.gettext("%(agent)s has never listened", agent=agent_id)
    return say.gettext("%(agent)s has not listened since %(time)s", agent=agent_id, time=clock(agent.since_ms))


def deaf_agents(session: Session, *, now: dt.datetime, presence: Presence) -> list[str]:
    """A sentence for each agent that is deaf in fact, wherever fixed beacons were ever heard."""
    heard_at = select(Placement.venue_id).join(BeaconSpan, BeaconSpan.placement_id == Placement.id)
    sentences = []
    for venue_id in session.scalars(heard_at.distinct().order_by(Placement.venue_id)):
        seen = service.picture(session, venue_id=venue_id, now=now, presence=presence)
        clock = _clock_of(seen.record.facts)
        sentences += [
            f"{tell_agent(agent_id, seen.picture.agents[agent_id], missed, clock)} ({seen.record.facts.name})"
            for agent_id, missed in sorted(seen.picture.unheard.items())
        ]
    return sentences


def _clock_of(facts: VenueFacts) -> Callable[[int], str]:
    return lambda ms: schema.local_time(times.from_ms(ms), facts.time_zone)


def _duration(ms: int, say: Texts) -> str:
    seconds = round(ms / 1000)
    if seconds % 60 == 0 and seconds >= 60:
        return say.gettext("%(minutes)s min", minutes=seconds // 60)
    return say.gettext("%(seconds)s s", seconds=seconds)


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

"""Who is expected, changed now or for the past: check-ins follow at once from what was heard already."""

import datetime as dt
from collections.abc import Collection, Sequence

from sqlalchemy.orm import Session

from config import settings
from config.settings import Presence
from server import times, topics
from server.badges import service as badges
from server.badges.model import Pairing
from server.checkins import evidence, rejudge
from server.errors import Invalid
from server.events import service as events
from server.events.model import Event, Step
from server.fleet import fence
from server.presence import service as presence_service
from server.presence.joining import Interval
from server.venues import service as venues

AHEAD_MS = 60_000  # agents' clocks may be ahead by a few seconds: what was heard by then belongs to now


class NotYet(Invalid):
    """This is told for now or for the past, not for times to come."""

    code = "not_yet"


def pair(
    session: Session,
    *,
    badge_id: int,
    member_id: str,
    since: dt.datetime,
    until: dt.datetime | None = None,
    presence: Presence,
    now: dt.datetime,
) -> Pairing:
    """Says that a badge is a member's from `since` on, for ever or until `until`; what was heard of it since is hers.

    Raises NotYet, and what badges.pair raises.
    """
    check_past(since, now)
    with topics.together(session):
        time = (times.to_ms(since), times.to_ms(now if until is None else min(until, now)) + AHEAD_MS)
        seen_at = pass_fence_of(session, [badge_id], time, presence)
        topics.bump(session, [f"venue/{venue_id}" for venue_id in seen_at])  # she may not wish to be seen there
        pairing = badges.pair(session, badge_id=badge_id, member_id=member_id, since=since, until=until)
        _judge_badge(session, badge_id, [member_id], time, presence, now)
    return pairing


def give_back(session: Session, *, badge_id: int, at: dt.datetime, presence: Presence, now: dt.datetime) -> Pairing:
    """Ends the pairing in which a badge is at `at`; what was heard of it from then on is not hers.

    Raises NotYet, BadgeUnknown, BadgeNotHeld.
    """
    check_past(at, now)
    with topics.together(session):
        time = (times.to_ms(at), times.to_ms(now) + AHEAD_MS)
        seen_at = pass_fence_of(session, [badge_id], time, presence)
        topics.bump(session, [f"venue/{venue_id}" for venue_id in seen_at])
        pairing = badges.give_back(session, badge_id=badge_id, at=at)
        _judge_badge(session, badge_id, [pairing.member_id], time, presence, now)
    return pairing


def sign_up(session: Session, *, event_id: str, member_id: str, presence: Presence, now: dt.datetime) -> None:
    """Says that somebody means to come; who is there already is checked in by the rule for those who signed up.

    Raises what events.sign_up raises.
    """
    with topics.together(session):
        begun = _pass_fence_of_steps(session, event_id, now)
        events.sign_up(session, event_id=event_id, member_id=member_id, now=now)
        topics.bump(session, rejudge.rejudge(session, [(member_id, step_id) for step_id in begun], presence, now))


def withdraw(session: Session, *, event_id: str, member_id: str, presence: Presence, now: dt.datetime) -> None:
    """Takes a sign-up back: nobody is told about doors any more; a check-in stays as it is.

    Raises what events.withdraw raises.
    """
    with topics.together(session):
        begun = _pass_fence_of_steps(session, event_id, now)
        events.withdraw(session, event_id=event_id, member_id=member_id, now=now)
        topics.bump(session, rejudge.rejudge(session, [(member_id, step_id) for step_id in begun], presence, now))


def create_event(
    session: Session,
    *,
    id: str,
    name: str,
    organizer_id: str,
    steps: Sequence[events.NewStep],
    community_id: str | None = None,
    approval: bool = False,
    simulated: bool = False,
    rule: settings.Checkin | None = None,
    presence: Presence,
    now: dt.datetime,
) -> Event:
    """Makes an event and checks in who was heard there already; raises what events.create raises."""
    with topics.together(session):
        event = events.create(
            session,
            id=id,
            name=name,
            organizer_id=organizer_id,
            steps=steps,
            community_id=community_id,
            approval=approval,
            simulated=simulated,
            rule=rule,
        )
        _judge_steps(session, _pass_fence_of_steps(session, id, now), presence, now)
    return event


def move_step(
    session: Session,
    *,
    event_id: str,
    step_id: str,
    venue_id: str,
    zone_id: str | None,
    opens_at: dt.datetime,
    starts_at: dt.datetime,
    ends_at: dt.datetime,
    presence: Presence,
    now: dt.datetime,
) -> Step:
    """Moves a step to another time or place; check-ins by beacon become as if it had always been so.

    Raises what events.move_step raises.
    """
    with topics.together(session):
        old = events.get_step(session, event_id=event_id, step_id=step_id)
        fence.touch_venues(session, {old.venue_id, venue_id})
        step = events.move_step(
            session,
            event_id=event_id,
            step_id=step_id,
            venue_id=venue_id,
            zone_id=zone_id,
            opens_at=opens_at,
            starts_at=starts_at,
            ends_at=ends_at,
        )
        _judge_steps(session, [step_id], presence, now)
    return step


def check_past(since: dt.datetime, now: dt.datetime) -> None:
    """Raises NotYet for a time to come."""
    if since > now:
        raise NotYet(
            "This is told for now or for the past; %(since)s UTC is still to come.", since=f"{since:%Y-%m-%d %H:%M}"
        )


def pass_fence_of(session: Session, badge_ids: Collection[int], time: Interval, presence: Presence) -> list[str]:
    """Passes the fence of every venue where these badges were heard in or near that time, and returns the venues."""
    gap_ms = round(presence.heard_gap_s * 1000)
    around = (time[0] - gap_ms, time[1] + gap_ms)
    passed: list[str] = []
    # What a gateway had not recorded yet may name another venue once its batch is through.
    while (found := rejudge.venues_of(session, badge_ids, around)) != passed:
        fence.touch_venues(session, set(found) - set(passed))
        passed = found
    return passed


def _pass_fence_of_steps(session: Session, event_id: str, now: dt.datetime) -> list[str]:
    """The steps of an event that what was heard already may matter to; passes the fence of their venues."""
    known = evidence.steps(session, [step.id for step in events.steps_of(session, event_id=event_id)])
    begun = [step for step in known.values() if step.tells[0] <= _now_ms(session, step.venue_id, now)]
    fence.touch_venues(session, {step.venue_id for step in begun})
    return [step.id for step in begun]


def _now_ms(session: Session, venue_id: str, now: dt.datetime) -> int:
    return times.to_ms(presence_service.now_of(session, venue=venues.get(session, venue_id), now=now)) + AHEAD_MS


def _judge_steps(session: Session, step_ids: Collection[str], presence: Presence, now: dt.datetime) -> None:
    if step_ids:
        topics.bump(session, rejudge.rejudge(session, rejudge.pairs_at(session, step_ids), presence, now))


def _judge_badge(
    session: Session, badge_id: int, members: Sequence[str], time: Interval, presence: Presence, now: dt.datetime
) -> None:
    gap_ms = round(presence.heard_gap_s * 1000)
    around = (time[0] - gap_ms, time[1] + gap_ms)
    heard = dict.fromkeys(rejudge.venues_of(session, [badge_id], around), around)
    pairs = rejudge.pairs_near(session, [badge_id], members, heard)
    topics.bump(session, rejudge.rejudge(session, pairs, presence, now))

"""Who is expected, changed now or for the past: check-ins follow at once from what was heard already."""

import contextlib
import datetime as dt
from collections.abc import Collection, Iterator, Sequence

from sqlalchemy.orm import Session

from config import settings
from config.settings import Presence
from server import times, topics, versions
from server.badges import service as badges
from server.badges.model import Pairing
from server.checkins import evidence, rejudge
from server.errors import Invalid
from server.events import copies, series, signups, states, telling
from server.events import service as events
from server.events.details import Details
from server.events.model import Event, Step
from server.events.states import State, Verb
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


def sign_up(
    session: Session,
    *,
    event_id: str,
    member_id: str,
    guests: int | None = None,
    step_ids: Collection[str] | None = None,
    presence: Presence,
    now: dt.datetime,
) -> None:
    """Says that somebody means to come; who is there already is checked in by the rule for those who signed up.

    Raises what signups.sign_up raises.
    """
    with _who_goes(session, event_id, presence, now) as changed:
        changed |= signups.sign_up(
            session, event_id=event_id, member_id=member_id, guests=guests, step_ids=step_ids, now=now
        )


def withdraw(session: Session, *, event_id: str, member_id: str, presence: Presence, now: dt.datetime) -> None:
    """Takes a sign-up back: nobody is told about doors any more; a check-in stays as it is.

    Raises what signups.withdraw raises.
    """
    with _who_goes(session, event_id, presence, now) as changed:
        changed |= signups.withdraw(session, event_id=event_id, member_id=member_id, now=now)


def answer(session: Session, *, event_id: str, member_id: str, yes: bool, presence: Presence, now: dt.datetime) -> None:
    """The host's yes or no to who asked or waits, or to who is going; raises what signups.answer raises."""
    with _who_goes(session, event_id, presence, now) as changed:
        changed |= signups.answer(session, event_id=event_id, member_id=member_id, yes=yes, now=now)


def publish(session: Session, *, event_id: str, presence: Presence, now: dt.datetime) -> Event:
    """Announces a draft, and those of its series after it, and checks in who was heard there already.

    Raises what series.announce raises.
    """
    with topics.together(session):
        event = events.get(session, event_id)
        ids = {event_id, *(one.id for one in series.drafts_from(session, event))}
        steps = [step for one in sorted(ids) for step in events.steps_of(session, event_id=one)]
        fence.touch_venues(session, {step.venue_id for step in steps})
        announced = series.announce(session, event_id=event_id, now=now)
        begun = [step_id for one in announced for step_id in _pass_fence_of_steps(session, one.id, now)]
        judge_steps(session, begun, presence, now)
    return event


def create_event(
    session: Session,
    *,
    id: str,
    name: str,
    organizer_id: str,
    steps: Sequence[events.NewStep],
    community_id: str | None = None,
    about: Details | None = None,
    state: State = State.PUBLISHED,
    nonce: str | None = None,
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
            about=about,
            state=state,
            nonce=nonce,
            simulated=simulated,
            rule=rule,
        )
        judge_steps(session, _pass_fence_of_steps(session, id, now), presence, now)
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
    if_match: str | None = None,
    tells: bool = True,
    presence: Presence,
    now: dt.datetime,
) -> Step:
    """Moves a step to another time or place; check-ins by beacon become as if it had always been so.

    Who signed up is told, if it tells. Raises EditedMeanwhile, what events.move_step raises, and what the table of
    gatherings refuses.
    """
    with topics.together(session):
        old = events.get_step(session, event_id=event_id, step_id=step_id)
        fence.touch_venues(session, {old.venue_id, venue_id})
        event = events.get(session, event_id, to_edit=True)
        states.gathering(State(event.state), Verb.CHANGE, events.phase_of(session, event, now), event=event.name)
        before = events.get_step(session, event_id=event_id, step_id=step_id, to_edit=True)
        versions.edit(before, if_match)
        elsewhere = (before.venue_id, before.starts_at) != (venue_id, starts_at)
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
        if elsewhere and tells:
            telling.tell(
                session,
                signups.members_of(session, event_id=event_id),
                event=event,
                kind="event.moved",
                sentence=telling.MOVED,
                nonce=f"{step_id}-{step.version}",
                now=now,
            )
        judge_steps(session, [step_id], presence, now)
    return step


def move_event(
    session: Session,
    *,
    event_id: str,
    wall: dt.datetime,
    venue_id: str | None = None,
    presence: Presence,
    now: dt.datetime,
) -> None:
    """Moves all steps of an event along, so that the first starts at this wall time; who signed up is told once.

    venue_id: where all of them are then, by its clock; None: each stays where it is. Raises VenueUnknown, and what
    move_step raises.
    """
    steps = events.steps_of(session, event_id=event_id)
    venue = None if venue_id is None else venues.get(session, venue_id)
    time_zone = copies.zone_of(session, steps)
    if venue is None and wall == copies.starts_at(steps, time_zone):
        return  # of a time that comes twice it may be the second
    moved = copies.move_to(steps, time_zone, wall, venue=venue)
    move_steps(session, event_id=event_id, moved=moved, presence=presence, now=now)


def move_steps(
    session: Session, *, event_id: str, moved: Sequence[events.NewStep], presence: Presence, now: dt.datetime
) -> None:
    """Moves each step of an event to where and when another says, in their order; who signed up is told once.

    What is there already stays untouched. Raises what move_step raises.
    """
    with topics.together(session):
        steps = events.steps_of(session, event_id=event_id)
        fence.touch_venues(session, {*(step.venue_id for step in steps), *(step.venue_id for step in moved)})
        tells = True
        for step, to in zip(steps, moved, strict=True):
            assert to.opens_at is not None
            wanted = (to.venue_id, to.zone_id, to.opens_at, to.starts_at, to.ends_at)
            if wanted == (step.venue_id, step.zone_id, step.opens_at, step.starts_at, step.ends_at):
                continue
            elsewhere = (step.venue_id, step.starts_at) != (to.venue_id, to.starts_at)
            move_step(
                session,
                event_id=event_id,
                step_id=step.id,
                venue_id=to.venue_id,
                zone_id=to.zone_id,
                opens_at=to.opens_at,
                starts_at=to.starts_at,
                ends_at=to.ends_at,
                tells=tells,
                presence=presence,
                now=now,
            )
            tells = tells and not elsewhere


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


def judge_promoted(
    session: Session, *, event_id: str, member_ids: Collection[str], presence: Presence, now: dt.datetime
) -> None:
    """Judges what was heard of who got a place while they waited; twice is as once. Raises EventUnknown."""
    with _who_goes(session, event_id, presence, now) as changed:
        changed |= set(member_ids)


@contextlib.contextmanager
def _who_goes(session: Session, event_id: str, presence: Presence, now: dt.datetime) -> Iterator[set[str]]:
    """Judges what was heard of whoever the block adds to the set: behind the fence, which is passed before any row."""
    changed: set[str] = set()
    with topics.together(session):
        begun = _pass_fence_of_steps(session, event_id, now)
        yield changed
        pairs = [(member_id, step_id) for member_id in sorted(changed) for step_id in begun]
        topics.bump(session, rejudge.rejudge(session, pairs, presence, now))


def _pass_fence_of_steps(session: Session, event_id: str, now: dt.datetime) -> list[str]:
    """The steps of an event that what was heard already may matter to; passes the fence of their venues."""
    known = evidence.steps(session, [step.id for step in events.steps_of(session, event_id=event_id)])
    begun = [step for step in known.values() if step.tells[0] <= _now_ms(session, step.venue_id, now)]
    fence.touch_venues(session, {step.venue_id for step in begun})
    return [step.id for step in begun]


def _now_ms(session: Session, venue_id: str, now: dt.datetime) -> int:
    return times.to_ms(presence_service.now_of(session, venue=venues.get(session, venue_id), now=now)) + AHEAD_MS


def judge_steps(session: Session, step_ids: Collection[str], presence: Presence, now: dt.datetime) -> None:
    """Judges what was heard already by these steps; behind the fence of their venues."""
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

"""What happened that a webhook may tell, read from the tables: each has a key, by which it is told once."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Presence
from server import fields
from server.doors import places
from server.presence import service as presence
from server.presence.listening import AgentKind
from server.venues import service as venues
from server.webhooks.model import Webhook

CHECK_IN = "check_in"
CHECK_IN_UNDONE = "check_in_undone"
FULL = "full"
ASKED = "asked"
EVENT_OPENED = "event_opened"
EVENT_ENDED = "event_ended"
PEOPLE_WANTED = "people_wanted"
VENUE_UNHEARD = "venue_unheard"
VENUE_HEARD = "venue_heard"
TEST = "test"
# What can be asked for; `venue_heard` comes with `venue_unheard`.
ALL = (CHECK_IN, CHECK_IN_UNDONE, FULL, ASKED, EVENT_OPENED, EVENT_ENDED, PEOPLE_WANTED, VENUE_UNHEARD)
MOST = 100  # check-ins, or asks, of one message: a bus that arrives; the rest follows in the next
# A Pi that starts anew is silent for a minute or two; who is called each time stops listening.
UNHEARD_AFTER = dt.timedelta(minutes=5)


class Happening(NamedTuple):
    """Something to tell. keys: of all that is told with it."""

    kind: str
    keys: tuple[str, ...]
    at: dt.datetime
    content: dict[str, Any]


Source = Callable[[Session, Webhook, dt.datetime, dt.datetime, Presence], Iterator[Happening]]

# Of the webhook's event, venue or community. Visits that a venue remembers for a member are hers alone: nobody hears of
# them here.
_MINE = """
    (event.id = :event OR event.community_id = :community OR step.venue_id = :venue)
"""
_CHECK_INS = text(f"""
    SELECT checkin.id, checkin.at, checkin.recorded_at, checkin.evidence, checkin.signed_up, step.id AS step_id,
           step.name AS step, event.id AS event_id, event.name AS event, venue.id AS venue_id, venue.name AS venue
    FROM checkin JOIN step ON step.id = checkin.step_id JOIN event ON event.id = step.event_id
    JOIN venue ON venue.id = step.venue_id
    WHERE checkin.recorded_at >= :since AND checkin.undone_at IS NULL AND {_MINE}
          AND NOT EXISTS (SELECT FROM webhook_told AS told
                          WHERE told.webhook_id = :webhook AND told.key = 'check_in/' || checkin.id)
    ORDER BY event.id, venue.id, checkin.recorded_at, checkin.id LIMIT 1000
""")  # noqa: S608 - of our own constants
_UNDONE = text(f"""
    SELECT undoing.id, undoing.checkin_id, undoing.at, step.name AS step, step.id AS step_id, event.id AS event_id,
           event.name AS event, venue.id AS venue_id, venue.name AS venue
    FROM undoing JOIN checkin ON checkin.id = undoing.checkin_id JOIN step ON step.id = checkin.step_id
    JOIN event ON event.id = step.event_id JOIN venue ON venue.id = step.venue_id
    WHERE undoing.at >= :since AND {_MINE}
          AND NOT EXISTS (SELECT FROM webhook_told AS told
                          WHERE told.webhook_id = :webhook AND told.key = 'undone/' || undoing.id)
    ORDER BY undoing.id LIMIT 1000
""")  # noqa: S608 - the same
_CAME_TO_EVENT = text("""
    SELECT count(DISTINCT coalesce(checkin.member_id, checkin.id::text)) FROM checkin
    JOIN step ON step.id = checkin.step_id WHERE step.event_id = :event AND checkin.undone_at IS NULL
""")
_FULL = text("""
    SELECT step.id AS step_id, step.name AS step, step.capacity, event.id AS event_id, event.name AS event,
           venue.id AS venue_id, venue.name AS venue, max(checkin.recorded_at) AS at
    FROM step JOIN event ON event.id = step.event_id JOIN venue ON venue.id = step.venue_id
    JOIN checkin ON checkin.step_id = step.id AND checkin.undone_at IS NULL
    WHERE step.capacity IS NOT NULL AND step.ends_at >= :since
          AND (event.id = :event OR event.community_id = :community OR step.venue_id = :venue)
    GROUP BY step.id, event.id, venue.id
    HAVING count(*) >= step.capacity AND max(checkin.recorded_at) >= :since
""")
# Of those who wait still: nobody runs to the door for who is in, or was told no, already.
_ASKS = text(f"""
    SELECT ask.id, ask.asked_at, ask.reason, step.id AS step_id, event.id AS event_id, event.name AS event,
           venue.id AS venue_id, venue.name AS venue,
           EXISTS (SELECT FROM webhook_told AS told
                   WHERE told.webhook_id = :webhook AND told.key = 'ask/' || ask.id) AS told
    FROM ask JOIN step ON step.id = ask.step_id JOIN event ON event.id = step.event_id
    JOIN venue ON venue.id = step.venue_id
    WHERE ask.answer IS NULL AND step.ends_at > :now AND {_MINE}
          AND NOT EXISTS (SELECT FROM checkin WHERE checkin.step_id = ask.step_id
                          AND checkin.member_id = ask.member_id AND checkin.undone_at IS NULL)
    ORDER BY event.id, venue.id, ask.id
""")  # noqa: S608 - the same
_TIMES = text("""
    SELECT * FROM (
        SELECT event.id AS event_id, event.name AS event, min(step.opens_at) AS opens_at, max(step.ends_at) AS ends_at
        FROM event JOIN step ON step.event_id = event.id JOIN venue ON venue.id = step.venue_id AND NOT venue.replayed
        WHERE event.id = :event OR event.community_id = :community
              OR EXISTS (SELECT FROM step AS there WHERE there.event_id = event.id AND there.venue_id = :venue)
        GROUP BY event.id) AS times
    WHERE (opens_at > :since AND opens_at <= :now) OR (ends_at > :since AND ends_at <= :now)
    ORDER BY event_id
""")


def find(
    session: Session, webhook: Webhook, *, since: dt.datetime, now: dt.datetime, rule: Presence
) -> list[Happening]:
    """What happened to a webhook's thing since then, also what it was told already, in the order of its telling."""
    found: list[Happening] = []
    for kind, source in _SOURCES.items():
        if kind in webhook.happenings:
            found += source(session, webhook, since, now, rule)
    return sorted(found, key=lambda one: one.at)


def _check_ins(
    session: Session, webhook: Webhook, since: dt.datetime, now: dt.datetime, rule: Presence
) -> Iterator[Happening]:
    del now, rule
    gathered: dict[tuple[str | None, str, int], list[Any]] = {}
    for place, row in enumerate(session.execute(_CHECK_INS, _of(webhook, since))):
        of_one = gathered.setdefault((row.event_id, row.venue_id, 0), [])
        if len(of_one) == MOST:
            of_one = gathered.setdefault((row.event_id, row.venue_id, 1 + place // MOST), [])
        of_one.append(row)
    for rows in gathered.values():
        content = {
            **_where(rows[0]),
            "came": _came(session, rows[0]),
            "check_ins": [
                {
                    "id": row.id,
                    "step": row.step_id,
                    "at": fields.write_moment(row.at),
                    "recorded_at": fields.write_moment(row.recorded_at),
                    "evidence": row.evidence,
                    "signed_up": row.signed_up,
                }
                for row in rows
            ],
        }
        yield Happening(CHECK_IN, tuple(f"check_in/{row.id}" for row in rows), rows[-1].recorded_at, content)


def _undone(
    session: Session, webhook: Webhook, since: dt.datetime, now: dt.datetime, rule: Presence
) -> Iterator[Happening]:
    del now, rule
    for row in session.execute(_UNDONE, _of(webhook, since)):
        content = {**_where(row), "came": _came(session, row), "check_in": row.checkin_id}
        yield Happening(CHECK_IN_UNDONE, (f"undone/{row.id}",), row.at, content)


def _full(
    session: Session, webhook: Webhook, since: dt.datetime, now: dt.datetime, rule: Presence
) -> Iterator[Happening]:
    del now, rule
    for row in session.execute(_FULL, _of(webhook, since)):
        if places.inside(session, row.event_id).get(row.step_id, 0) < row.capacity:
            continue  # some have left again: there is room
        content = {**_where(row), "step": row.step_id, "capacity": row.capacity}
        yield Happening(FULL, (f"full/{row.step_id}",), row.at, content)


def _asked(
    session: Session, webhook: Webhook, since: dt.datetime, now: dt.datetime, rule: Presence
) -> Iterator[Happening]:
    """Who asks to be let in; waiting: how many do now, whoever was told of before included."""
    del rule
    gathered = defaultdict(list)
    for row in session.execute(_ASKS, {**_of(webhook, since), "now": now}):
        gathered[row.event_id, row.venue_id].append(row)
    for waiting in gathered.values():
        new = [row for row in waiting if row.asked_at >= since and not row.told]
        for first in range(0, len(new), MOST):
            together = new[first : first + MOST]
            asks = [
                {"id": row.id, "step": row.step_id, "at": fields.write_moment(row.asked_at), "reason": row.reason}
                for row in together
            ]
            content = {**_where(together[0]), "waiting": len(waiting), "asks": asks}
            yield Happening(ASKED, tuple(f"ask/{row.id}" for row in together), together[-1].asked_at, content)


def _opened(
    session: Session, webhook: Webhook, since: dt.datetime, now: dt.datetime, rule: Presence
) -> Iterator[Happening]:
    del rule
    for row in session.execute(_TIMES, {**_of(webhook, since), "now": now}):
        if since < row.opens_at <= now:
            content = {"event": {"id": row.event_id, "name": row.event}}
            yield Happening(EVENT_OPENED, (f"opened/{row.event_id}",), row.opens_at, content)


def _ended(
    session: Session, webhook: Webhook, since: dt.datetime, now: dt.datetime, rule: Presence
) -> Iterator[Happening]:
    del rule
    for row in session.execute(_TIMES, {**_of(webhook, since), "now": now}):
        if since < row.ends_at <= now:
            content = {"event": {"id": row.event_id, "name": row.event}, "came": _came(session, row)}
            yield Happening(EVENT_ENDED, (f"ended/{row.event_id}",), row.ends_at, content)


def _heard(
    session: Session, webhook: Webhook, since: dt.datetime, now: dt.datetime, rule: Presence
) -> Iterator[Happening]:
    """A venue in which no agent listens for a while, and that one that was told of is heard again."""
    del since
    if webhook.venue_id is None:
        return
    venue = venues.get(session, webhook.venue_id)
    agents = presence.picture(session, venue_id=venue.id, now=now, presence=rule).picture.agents
    if venue.replayed or not agents:
        return
    content = {"venue": {"id": venue.id, "name": venue.name}}
    last = session.execute(_LAST_HEARD, {"webhook": webhook.id}).one_or_none()
    unheard = last is not None and last.happening == VENUE_UNHEARD
    if any(agent.kind is AgentKind.LISTENING for agent in agents.values()):
        if unheard:
            yield Happening(VENUE_HEARD, (f"heard/{last.id}",), now, content)  # type: ignore[union-attr]
        return
    silent_ms = max((agent.since_ms for agent in agents.values() if agent.since_ms is not None), default=None)
    if (
        not unheard
        and silent_ms is not None
        and now.timestamp() * 1000 - silent_ms >= UNHEARD_AFTER.total_seconds() * 1000
    ):
        yield Happening(VENUE_UNHEARD, (f"unheard/{silent_ms}",), now, content)


def _wanted(
    session: Session, webhook: Webhook, since: dt.datetime, now: dt.datetime, rule: Presence
) -> Iterator[Happening]:
    """For what members near are looked for (server.audience): of an event, its place or its community; each once."""
    del rule
    for row in session.execute(_CALLS, {**_of(webhook, since), "now": now}):
        if row.event_id is None:
            about: dict[str, Any] = {"proposal": {"id": row.proposal_id, "name": row.proposal}}
        else:
            about = {"event": {"id": row.event_id, "name": row.event}}
        content = {"reason": row.reason, **about, "begins_at": fields.write_moment(row.begins_at)}
        yield Happening(PEOPLE_WANTED, (f"wanted/{row.id}",), row.opened_at, content)


# What its host wants nobody to be told of is told nobody here either; nor what is mended yet, full or decided since.
_CALLS = text("""
    SELECT call.id, call.reason, call.opened_at, event.id AS event_id, event.name AS event,
           proposal.id AS proposal_id, proposal.title AS proposal, coalesce(
               (SELECT min(step.starts_at) FROM step WHERE step.event_id = event.id),
               (SELECT min(option.starts_at) FROM proposal_option AS option WHERE option.proposal_id = proposal.id)
           ) AS begins_at
    FROM call LEFT JOIN event ON event.id = call.event_id AND event.state = 'published'
    LEFT JOIN proposal ON proposal.id = call.proposal_id AND proposal.state = 'open'
    WHERE call.looked_at >= :since
      AND NOT EXISTS (SELECT FROM call_off WHERE call_off.event_id = call.event_id)
      AND (event.id = :event OR event.community_id = :community OR proposal.community_id = :community
           OR EXISTS (SELECT FROM step WHERE step.event_id = event.id AND step.venue_id = :venue))
    ORDER BY call.id
""")
_LAST_HEARD = text("""
    SELECT id, happening FROM webhook_delivery
    WHERE webhook_id = :webhook AND happening IN ('venue_unheard', 'venue_heard') ORDER BY id DESC LIMIT 1
""")
# A capability that stands further up adds what it knows here: its kind, and how it is found.
_SOURCES: Mapping[str, Source] = {
    CHECK_IN: _check_ins,
    CHECK_IN_UNDONE: _undone,
    FULL: _full,
    ASKED: _asked,
    EVENT_OPENED: _opened,
    EVENT_ENDED: _ended,
    PEOPLE_WANTED: _wanted,
    VENUE_UNHEARD: _heard,
}


def _of(webhook: Webhook, since: dt.datetime) -> dict[str, Any]:
    return {
        "webhook": webhook.id,
        "event": webhook.event_id,
        "venue": webhook.venue_id,
        "community": webhook.community_id,
        "since": since,
    }


def _where(row: Any) -> dict[str, Any]:
    return {
        "event": {"id": row.event_id, "name": row.event},
        "venue": {"id": row.venue_id, "name": row.venue},
    }


def _came(session: Session, row: Any) -> int:
    return int(session.execute(_CAME_TO_EVENT, {"event": row.event_id}).scalar_one())

"""Sends what waits for a webhook, in its order, one after the other; tries again what did not arrive."""

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

from server import fields, texts
from server.exports import naming
from server.jobs.service import Work
from server.outward import post
from server.people import service as people
from server.texts import later
from server.webhooks import bodies, collecting, happenings, letters, rules, service
from server.webhooks.model import DELIVERED, WAITING, Delivery, Webhook
from server.webhooks.rules import Kind, Outcome

# A slow receiver gives the thread back after this, for what others wait for.
TURN_S = 10.0
BUSY_AGAIN = dt.timedelta(seconds=5)
_LOCK_CLASS = 7_401  # of advisory locks: one sender for each webhook, freed when its process is killed

# Whose the check-ins, or the asks, of a message are.
_MEMBERS = {
    "check_ins": text("""
        SELECT checkin.id, checkin.member_id, step.event_id
        FROM checkin JOIN step ON step.id = checkin.step_id
        WHERE checkin.id = ANY(:ids) AND checkin.member_id IS NOT NULL AND checkin.undone_at IS NULL
    """),
    "asks": text("""
        SELECT ask.id, ask.member_id, step.event_id
        FROM ask JOIN step ON step.id = ask.step_id WHERE ask.id = ANY(:ids)
    """),
}


@dataclass(frozen=True, slots=True)
class _Message:
    """What is sent, and what is needed to note how it went."""

    delivery_id: int
    kind: Kind
    url: str
    body: bytes
    headers: Mapping[str, str]


def send_waiting(work: Work, webhook_id: int) -> None:
    """Sends what waits and is due; a message that was sent but not noted is sent again with the same id.

    Nothing is held in the database while it is sent, but a lock that ends with this process.
    """
    with work.engine.connect() as connection:
        connection.detach()  # closed at the end, and the lock with it, whatever happens
        mine = connection.scalar(text("SELECT pg_try_advisory_lock(:kind, :id)"), _lock(webhook_id))
        connection.commit()  # it is the connection's, not the transaction's
        if not mine:
            with Session(connection) as session, session.begin():
                collecting.queue(session, webhook_id, at=work.clock() + BUSY_AGAIN)
            return
        begun = time.monotonic()
        while (message := _next(connection, work, webhook_id)) is not None:
            _send(connection, work, message)
            if time.monotonic() - begun > TURN_S:
                with Session(connection) as session, session.begin():
                    collecting.queue(session, webhook_id)
                return


def send_one(work: Work, delivery_id: int) -> None:
    """Sends a test, once, whatever else waits."""
    with work.engine.connect() as connection:
        with Session(connection) as session, session.begin():
            delivery = session.get(Delivery, delivery_id)
            if delivery is None or delivery.status != WAITING:
                return
            message = _make(session, session.get_one(Webhook, delivery.webhook_id), delivery, work)
        answer = post.post(
            message.url, message.body, message.headers, allow_private=work.settings.webhooks.allow_private
        )
        with Session(connection) as session, session.begin():
            delivery = session.get_one(Delivery, delivery_id)
            _note(delivery, answer, work.clock())
            arrived = _outcome(message.kind, answer) is Outcome.DELIVERED
            delivery.status = DELIVERED if arrived else "given_up"


def _next(connection: Connection, work: Work, webhook_id: int) -> _Message | None:
    with Session(connection) as session, session.begin():
        webhook = session.get(Webhook, webhook_id)
        if webhook is None or webhook.ended_at is not None or webhook.paused_at is not None:
            return None
        if webhook.next_at is not None and webhook.next_at > work.clock():
            return None
        delivery = session.scalar(
            select(Delivery)
            .where(Delivery.webhook_id == webhook_id, Delivery.status == WAITING, Delivery.happening != happenings.TEST)
            .order_by(Delivery.id)
            .limit(1)
        )
        return None if delivery is None else _make(session, webhook, delivery, work)


def _make(session: Session, webhook: Webhook, delivery: Delivery, work: Work) -> _Message:
    kind, now = Kind(webhook.kind), work.clock()
    names = _names(session, webhook, delivery, now) if webhook.names else {}
    at = fields.write_moment(delivery.at)
    say = texts.of(people.get(session, webhook.made_by).language)
    body = bodies.make(kind, happening=delivery.happening, at=at, content=delivery.content, names=names, say=say)
    secrets = service.secrets_of(webhook, now)
    headers = rules.sign(secrets, message_id=delivery.message_id, at=now, body=body) if kind is Kind.PLAIN else {}
    return _Message(delivery.id, kind, webhook.url, body, headers)


def _names(session: Session, webhook: Webhook, delivery: Delivery, now: dt.datetime) -> dict[int, str]:
    """Of the check-ins or asks in a message, the names that who made the webhook may see at this moment."""
    rows = [
        row
        for key in bodies.NAMED
        if key in delivery.content
        for row in session.execute(_MEMBERS[key], {"ids": [one["id"] for one in delivery.content[key]]})
    ]
    maker = people.get(session, webhook.made_by)
    named: dict[int, str] = {}
    for event_id in {row.event_id for row in rows}:
        mine = [row for row in rows if row.event_id == event_id]
        if webhook.venue_id is not None:
            names_of = naming.of_venue(session, viewer=maker, venue_id=webhook.venue_id, now=now)
        else:
            names_of = naming.of_event(session, viewer=maker, event_id=event_id, now=now)
        names = names_of({row.member_id for row in mine})
        named.update({row.id: names[row.member_id] for row in mine if row.member_id in names})
    return named


def _send(connection: Connection, work: Work, message: _Message) -> None:
    answer = post.post(message.url, message.body, message.headers, allow_private=work.settings.webhooks.allow_private)
    now = work.clock()
    with Session(connection) as session, session.begin():
        delivery = session.get(Delivery, message.delivery_id)
        if delivery is None:
            return
        webhook = session.get_one(Webhook, delivery.webhook_id, with_for_update=True, populate_existing=True)
        _note(delivery, answer, now)
        outcome = _outcome(message.kind, answer)
        if outcome is Outcome.DELIVERED:
            delivery.status = DELIVERED
            webhook.failing_since = webhook.next_at = None
            webhook.attempts = 0
        elif outcome is Outcome.GONE:
            if service.end_now(session, webhook, later("Its receiver said that it is gone (410)."), now):
                letters.tell_maker(session, webhook, now, work.settings.server.url)
        elif webhook.paused_at is None and webhook.ended_at is None:
            _try_again(session, webhook, answer, now, work.settings.server.url)


def _try_again(session: Session, webhook: Webhook, answer: post.Answer, now: dt.datetime, own_url: str) -> None:
    webhook.failing_since = webhook.failing_since or now
    webhook.attempts += 1
    webhook.next_at = rules.next_try(webhook.attempts, webhook.failing_since, now, answer.retry_after_s)
    if webhook.next_at is None:
        if service.pause_now(session, webhook, later("It did not take the same message for a day."), now):
            letters.tell_maker(session, webhook, now, own_url)
    else:
        collecting.queue(session, webhook.id, at=webhook.next_at)


def _outcome(kind: Kind, answer: post.Answer) -> Outcome:
    return Outcome.AGAIN if answer.status is None else rules.judge(kind, answer.status, answer.text)


def _note(delivery: Delivery, answer: post.Answer, now: dt.datetime) -> None:
    delivery.attempts += 1
    delivery.sent_at, delivery.took_ms = now, answer.took_ms
    delivery.answer_status, delivery.why = answer.status, answer.why
    shown = "".join(sign if sign.isprintable() else " " for sign in answer.text[: post.ANSWER_SHOWN])
    delivery.answer = shown or None


def _lock(webhook_id: int) -> dict[str, int]:
    return {"kind": _LOCK_CLASS, "id": webhook_id % 2**31}

"""Gives webhooks what is new to tell: each happening once for each webhook, several check-ins as one message."""

import datetime as dt
import secrets

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from config.settings import Settings
from server.jobs import service as jobs
from server.texts import later
from server.webhooks import happenings, letters, rights, service
from server.webhooks.happenings import Happening
from server.webhooks.model import WAITING, Delivery, Told, Webhook
from server.webhooks.rules import Kind

# Looked at again each time: a transaction that was open meanwhile, and clocks of gateways that differ. What was told is
# known by its row.
OVERLAP = dt.timedelta(minutes=10)
# People read what a bot of a group says, and WeCom takes 20 messages a minute; a program is told at once.
BOT_PACE = dt.timedelta(seconds=15)
KEPT = dt.timedelta(days=30)
MESSAGE_BYTES = 16


def is_live() -> ColumnElement[bool]:
    """Of webhooks that are told."""
    return Webhook.ended_at.is_(None) & Webhook.paused_at.is_(None)


def collect(session: Session, *, now: dt.datetime, settings: Settings) -> dt.datetime | None:
    """Makes deliveries of what is new, and queues their sending; returns when to look again, None: when woken."""
    again: dt.datetime | None = None
    live = select(Webhook).where(is_live()).order_by(Webhook.id).with_for_update(of=Webhook, skip_locked=True)
    for webhook in session.scalars(live):
        if not rights.may_still(session, webhook=webhook):
            if service.end_now(session, webhook, later("Whoever made it looks after it no longer."), now):
                letters.tell_maker(session, webhook, now, settings.server.url)
            continue
        paced = _paced_until(session, webhook)
        if paced is not None and paced > now:
            again = paced if again is None else min(again, paced)
            continue
        since = max(webhook.since, webhook.read_at - OVERLAP)
        found = happenings.find(session, webhook, since=since, now=now, rule=settings.presence)
        told = [_tell(session, webhook, happening, now) for happening in found]
        if True in told:
            queue(session, webhook.id)
        webhook.read_at = now
    return again


def queue(session: Session, webhook_id: int, at: dt.datetime | None = None) -> None:
    """Queues the sending of what waits for a webhook."""
    when = "" if at is None else " again"
    jobs.defer(session, "webhooks.send", at=at, only_one=f"webhook {webhook_id}{when}", webhook_id=webhook_id)


def test(session: Session, *, webhook: Webhook, now: dt.datetime) -> Delivery:
    """Queues a test of a webhook, also of one that is paused; raises WebhookOver."""
    service.refuse_over(webhook)
    delivery = make(webhook, Happening(happenings.TEST, (), now, {}), now)
    session.add(delivery)
    session.flush()
    jobs.defer(session, "webhooks.test", delivery_id=delivery.id)
    return delivery


def forget(session: Session, *, now: dt.datetime) -> None:
    """Deletes what was sent long ago; what is told is known for longer than anybody looks back."""
    session.execute(delete(Delivery).where(Delivery.made_at < now - KEPT, Delivery.status != WAITING))
    session.execute(delete(Told).where(Told.at < now - KEPT))


def make(webhook: Webhook, happening: Happening, now: dt.datetime) -> Delivery:
    """A message of a webhook, with an id of its own; not added yet."""
    return Delivery(
        webhook_id=webhook.id,
        message_id=f"msg_{secrets.token_hex(MESSAGE_BYTES)}",
        happening=happening.kind,
        at=happening.at,
        content=happening.content,
        made_at=now,
    )


def _tell(session: Session, webhook: Webhook, happening: Happening, now: dt.datetime) -> bool:
    """Whether it is news; all of its keys are, or none: those of one message were new together."""
    new = session.execute(
        insert(Told)
        .values([{"webhook_id": webhook.id, "key": key, "at": now} for key in happening.keys])
        .on_conflict_do_nothing(index_elements=[Told.webhook_id, Told.key])
        .returning(Told.key)
    ).all()
    if not new:
        return False
    session.add(make(webhook, happening, now))
    session.flush()
    return True


def _paced_until(session: Session, webhook: Webhook) -> dt.datetime | None:
    if webhook.kind == Kind.PLAIN:
        return None
    last = session.scalar(
        select(Delivery.made_at)
        .where(Delivery.webhook_id == webhook.id, Delivery.happening != happenings.TEST)
        .order_by(Delivery.id.desc())
        .limit(1)
    )
    return None if last is None else last + BOT_PACE

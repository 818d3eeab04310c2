"""Webhooks: making, trying, rotating, resuming and ending them, and what they sent."""

from fastapi import APIRouter

from server.people import access
from server.requests import InPage, InSettings, InTransaction, Now, Number
from server.webhooks import collecting, examples, schema
from server.webhooks import service as webhooks
from server.webhooks.rules import Kind

router = APIRouter(prefix="/api/webhooks", tags=["webhooks"])


@router.get("")
def list_webhooks(viewer: access.Viewer, session: InTransaction, page: InPage) -> list[schema.WebhookOut]:
    """The webhooks of your events and venues, the newest first."""
    return [schema.show(webhook) for webhook in webhooks.list_of(session, viewer=viewer, page=page)]


@router.post("", status_code=201)
def make_webhook(
    wanted: schema.NewWebhook, viewer: access.Viewer, session: InTransaction, settings: InSettings, now: Now
) -> schema.WebhookMade:
    """Makes a webhook, for who hosts the event or keeps the venue; the answer has the secret, this once."""
    webhook = webhooks.make(
        session,
        viewer=viewer,
        kind=wanted.kind,
        url=wanted.url,
        happenings=wanted.happenings,
        names=wanted.names,
        event_id=wanted.event,
        venue_id=wanted.venue,
        community_id=wanted.community,
        allow_private=settings.webhooks.allow_private,
        now=now,
    )
    return schema.show_made(webhook)


@router.get("/preview")
def preview_message(_viewer: access.Viewer, kind: Kind, happening: schema.Happens) -> schema.Preview:
    """What a message of this kind looks like."""
    return schema.Preview(body=examples.body(kind, happening))


@router.get("/{webhook_id}")
def get_webhook(webhook_id: Number, viewer: access.Viewer, session: InTransaction) -> schema.WebhookOut:
    """A webhook of yours."""
    return schema.show(webhooks.get(session, viewer=viewer, webhook_id=webhook_id))


@router.get("/{webhook_id}/deliveries")
def list_deliveries(
    webhook_id: Number, viewer: access.Viewer, session: InTransaction, page: InPage
) -> list[schema.DeliveryOut]:
    """The messages of a webhook, the newest first; they are kept for 30 days."""
    webhook = webhooks.get(session, viewer=viewer, webhook_id=webhook_id)
    return [schema.show_delivery(one) for one in webhooks.deliveries_of(session, webhook=webhook, page=page)]


@router.post("/{webhook_id}/test", status_code=202)
def test_webhook(webhook_id: Number, viewer: access.Viewer, session: InTransaction, now: Now) -> schema.DeliveryOut:
    """Sends a message that says it is a test, once; how it went stands among the deliveries a moment later."""
    webhook = webhooks.get(session, viewer=viewer, webhook_id=webhook_id)
    return schema.show_delivery(collecting.test(session, webhook=webhook, now=now))


@router.post("/{webhook_id}/rotate")
def rotate_secret(webhook_id: Number, viewer: access.Viewer, session: InTransaction, now: Now) -> schema.WebhookMade:
    """Makes a new secret, told this once; for a day messages are signed with the old one as well."""
    webhook = webhooks.get(session, viewer=viewer, webhook_id=webhook_id, lock=True)
    webhooks.rotate(session, webhook=webhook, now=now, by=viewer.id)
    return schema.show_made(webhook)


@router.post("/{webhook_id}/resume")
def resume_webhook(webhook_id: Number, viewer: access.Viewer, session: InTransaction, now: Now) -> schema.WebhookOut:
    """Goes on with a paused webhook, with what happens from now on."""
    webhook = webhooks.get(session, viewer=viewer, webhook_id=webhook_id, lock=True)
    webhooks.resume(session, webhook=webhook, now=now, by=viewer.id)
    return schema.show(webhook)


@router.delete("/{webhook_id}", status_code=204)
def end_webhook(webhook_id: Number, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Ends a webhook; what waits is not sent."""
    webhook = webhooks.get(session, viewer=viewer, webhook_id=webhook_id, lock=True)
    webhooks.end(session, webhook=webhook, now=now, by=viewer.id)

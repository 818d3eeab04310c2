"""What the API says of webhooks and what they sent; an address is told in full to nobody: it lets others write."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from server.fields import Incoming, Moment, OfId, Outgoing
from server.outward import addresses
from server.webhooks import rules, service
from server.webhooks.model import Delivery, Webhook
from server.webhooks.rules import Kind

Happens = Literal[
    "check_in",
    "check_in_undone",
    "full",
    "asked",
    "event_opened",
    "event_ended",
    "people_wanted",
    "venue_unheard",
]


class NewWebhook(Incoming):
    """A webhook to be made, of one thing: an event, a venue or a community."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "event": "friday-supper",
                    "kind": "plain",
                    "url": "https://example.org/muster",
                    "happenings": ["check_in"],
                }
            ]
        }
    )

    event: OfId | None = None
    venue: OfId | None = None
    community: OfId | None = None
    kind: Kind = Kind.PLAIN
    url: Annotated[str, Field(max_length=addresses.URL_MAX_LENGTH)]
    happenings: Annotated[list[Happens], Field(min_length=1, max_length=20)]
    names: Annotated[bool, Field(description="names of who lets you see them; plain ones alone")] = False


class WebhookOut(Outgoing):
    """A webhook. to: the machine that is told. paused, ended: since when, and why."""

    id: int
    event: str | None
    venue: str | None
    community: str | None
    kind: Kind
    to: str
    happenings: list[str]
    names: bool
    made_at: Moment
    next_at: Moment | None
    paused_at: Moment | None
    ended_at: Moment | None
    why: str | None


class WebhookMade(WebhookOut):
    """A webhook and its secret, which is told this once. Plain ones alone are signed."""

    secret: str | None


class DeliveryOut(Outgoing):
    """A message: what it tells, how often it was sent, and how the last time went."""

    id: str
    happening: str
    at: Moment
    status: Literal["waiting", "delivered", "given_up"]
    attempts: int
    sent_at: Moment | None
    took_ms: int | None
    answer_status: int | None
    answer: str | None
    why: str | None


class Preview(Outgoing):
    """What a message would look like."""

    body: str


def show(webhook: Webhook) -> WebhookOut:
    """A webhook as the API shows it."""
    return WebhookOut.model_validate(_fields(webhook))


def show_made(webhook: Webhook) -> WebhookMade:
    """A webhook with its secret, right after that was made."""
    secret = rules.show_secret(webhook.secret) if webhook.kind == Kind.PLAIN else None
    return WebhookMade.model_validate({**_fields(webhook), "secret": secret})


def show_delivery(delivery: Delivery) -> DeliveryOut:
    """A delivery as the API shows it."""
    return DeliveryOut.model_validate(
        {
            "id": delivery.message_id,
            "happening": delivery.happening,
            "at": delivery.at,
            "status": delivery.status,
            "attempts": delivery.attempts,
            "sent_at": delivery.sent_at,
            "took_ms": delivery.took_ms,
            "answer_status": delivery.answer_status,
            "answer": delivery.answer,
            "why": delivery.why,
        }
    )


def _fields(webhook: Webhook) -> dict[str, object]:
    return {
        "id": webhook.id,
        "event": webhook.event_id,
        "venue": webhook.venue_id,
        "community": webhook.community_id,
        "kind": webhook.kind,
        "to": service.host_of(webhook),
        "happenings": webhook.happenings,
        "names": webhook.names,
        "made_at": webhook.made_at,
        "next_at": webhook.next_at,
        "paused_at": webhook.paused_at,
        "ended_at": webhook.ended_at,
        "why": webhook.why,
    }

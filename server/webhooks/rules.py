"""What decides about webhooks, pure: how signed, what an answer means, when to try again."""

import base64
import datetime as dt
import hashlib
import hmac
import json
from enum import StrEnum

SECRET_BYTES = 24  # Standard Webhooks: 24 to 64
SECRET_PREFIX = "whsec_"  # noqa: S105 - it only says what follows
# A receiver's restart, a deployment, a night without line: eleven attempts within a day, the last waits evenly.
WAITS_S = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 21_600, 28_800)
GIVES_UP_AFTER = dt.timedelta(days=1)
MOST_ASKED_S = 3600  # a receiver that asks to wait is listened to, but for no longer


class Kind(StrEnum):
    """Who reads it: a program of the host's, or the bot of a group."""

    PLAIN = "plain"
    WECOM = "wecom"
    SLACK = "slack"
    MATRIX = "matrix"


class Outcome(StrEnum):
    """What an answer means."""

    DELIVERED = "delivered"
    GONE = "gone"
    AGAIN = "again"


def show_secret(secret: bytes) -> str:
    """A secret as Standard Webhooks writes it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def sign(secrets: list[bytes], *, message_id: str, at: dt.datetime, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks (standardwebhooks.com, v1); several secrets while one is replaced."""
    timestamp = str(int(at.timestamp()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = [
        "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode() for secret in secrets
    ]
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": " ".join(signatures)}


def judge(kind: Kind, status: int, answer: str) -> Outcome:
    """What an answer means: 2xx is delivered, 410 ends the webhook, everything else is tried again.

    WeCom says in the body of a 200 what went wrong.
    """
    if status == 410:
        return Outcome.GONE
    if not 200 <= status < 300:
        return Outcome.AGAIN
    if kind is Kind.WECOM:
        try:
            said = json.loads(answer)
        except ValueError:
            return Outcome.AGAIN
        return Outcome.DELIVERED if isinstance(said, dict) and said.get("errcode") == 0 else Outcome.AGAIN
    return Outcome.DELIVERED


def next_try(
    attempts: int, failing_since: dt.datetime, now: dt.datetime, asked_s: int | None = None
) -> dt.datetime | None:
    """When to try again after so many attempts; None: a day is over.

    asked_s: how long the receiver asks to wait (Retry-After).
    """
    wait_s = WAITS_S[min(attempts, len(WAITS_S)) - 1]
    if asked_s is not None:
        wait_s = max(wait_s, min(asked_s, MOST_ASKED_S))
    then = now + dt.timedelta(seconds=wait_s)
    return then if then <= failing_since + GIVES_UP_AFTER else None

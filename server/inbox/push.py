"""Sends notes to browsers by Web Push (RFC 8030, 8291, 8292): each at most once, whatever is killed.

A delivery is claimed and committed before it is sent. Who is killed in between leaves it claimed: nobody knows whether
it arrived, and a phone that rings twice is worse than a note that is read on the page. What a push service refuses, or
does not answer to, did not arrive and is tried again.
"""

import base64
import datetime as dt
import json
import time
from email.utils import parseaddr
from typing import NamedTuple
from urllib.parse import urlsplit

from pywebpush import WebPusher
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from config.settings import Settings
from server import database, texts
from server.inbox import browsers, deciding, groups, planning, wishes, words
from server.inbox.deciding import Channel, State
from server.inbox.model import Delivery, Notification, ToldBrowser
from server.jobs.service import Work
from server.outward import post
from server.people.model import Member

TURN_S = 20.0  # then another job has the thread
# One request: post.TIMEOUT_S and a slow database. Whoever claimed longer ago was killed.
LOST_AFTER = dt.timedelta(minutes=2)
WAITS_S = (60, 300, 1800, 7200)  # a push service's hiccup, restart, outage; then every two hours until it is no news
MOST_ASKED_S = 6 * 3600  # a service that asks to wait is listened to, but for no longer
# A browser whose service takes nothing for so long is gone without having said so.
FORGOTTEN_AFTER = dt.timedelta(days=14)
GONE = (404, 410)  # RFC 8030 7.3
TTL_S = 12 * 3600  # a phone that is off for a night; what was told before that is read on the page
SIGNED_FOR_S = 12 * 3600  # RFC 8292 2: at most 24 h
BODY_MAX_SIGNS = 900  # with title, link and other scripts' three bytes below 4096 less its lock's (RFC 8291 4)
REFUSED = "answer"


class _Message(NamedTuple):
    """A claimed delivery, ready to be sent."""

    delivery_id: int
    browser_id: int
    endpoint: str
    body: bytes
    headers: dict[str, str]


def send_due(work: Work) -> bool:
    """Sends what is due, one after the other; whether there is more when the turn is over."""
    begun = time.monotonic()
    while time.monotonic() - begun < TURN_S:
        with database.transaction(work.engine) as session:
            found = planning.due(session, Channel.PUSH, limit=1, now=work.clock())
            message = _claim(session, found[0], work.settings, work.clock()) if found else None
        if not found:
            return False
        if message is not None:
            _send(work, message)
    return True


def give_up_lost(session: Session, *, now: dt.datetime) -> None:
    """Notes that what was claimed long ago may have arrived, and is not sent again."""
    session.execute(
        update(Delivery)
        .where(Delivery.state == State.TRYING.value, Delivery.tried_at <= now - LOST_AFTER)
        .values(state=State.FAILED.value, why=deciding.LOST, values={}, done_at=now)
        .execution_options(synchronize_session=False)
    )


def _claim(session: Session, delivery: Delivery, settings: Settings, now: dt.datetime) -> _Message | None:
    """Claims a delivery within the session's transaction; None: it is not to be sent, or not now."""
    note = session.get_one(Notification, delivery.notification_id)
    browser = session.get(ToldBrowser, int(delivery.target.removeprefix("browser/")))
    if browser is None or browser.member_id != note.member_id:
        planning.suppress(delivery, deciding.GONE, now)
        return None
    member = session.get_one(Member, note.member_id)
    wish = wishes.of(session, member_id=member.id)[groups.about(note.kind).group]
    hours = wishes.hours_of(session, member_id=member.id)
    verdict = deciding.by_push(planning.facts_of(note), wish, hours, now)
    if verdict.state is not State.WAITING or verdict.due_at > now:
        planning.become(delivery, verdict, now)
        return None
    if browser.next_at is not None and browser.next_at > now:  # it took nothing a moment ago
        delivery.due_at, delivery.why = browser.next_at, deciding.AGAIN
        delivery.values = {"until": words.moment(browser.next_at, hours.zone)}
        return None
    delivery.state, delivery.tried_at, delivery.tries = State.TRYING.value, now, delivery.tries + 1
    delivery.why, delivery.values = None, {}
    body, headers = _encrypt(session, browser, _say(note, member, browser), settings, now)
    headers["Urgency"] = "high" if groups.about(note.kind).wakes else "normal"
    return _Message(delivery.id, browser.id, browser.endpoint, body, headers)


def _say(note: Notification, member: Member, browser: ToldBrowser) -> bytes:
    say = texts.of(member.language or browser.language)
    sentence = words.fill(note.sentence, note.values, say)
    told = {
        "id": note.id,
        "title": say.look_up(groups.TITLES[groups.about(note.kind).group]),
        "body": sentence if len(sentence) <= BODY_MAX_SIGNS else f"{sentence[: BODY_MAX_SIGNS - 1]}…",
        "link": note.link or "/inbox",
        "language": say.tag,
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def _encrypt(
    session: Session, browser: ToldBrowser, content: bytes, settings: Settings, now: dt.datetime
) -> tuple[bytes, dict[str, str]]:
    keys = {"p256dh": _text(browser.public_key), "auth": _text(browser.secret)}
    body: bytes = WebPusher({"endpoint": browser.endpoint, "keys": keys}).encode(content)["body"]
    parts = urlsplit(browser.endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int(now.timestamp()) + SIGNED_FOR_S,
        "sub": _contact(settings),
    }
    signed: dict[str, str] = browsers.key(session, settings.push, now).sign(claims)
    return body, {
        **signed,
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(TTL_S),
    }


def _contact(settings: Settings) -> str:
    """Whom a push service may write to about us."""
    if settings.push.contact:
        return settings.push.contact
    if settings.server.url.startswith("https://"):
        return settings.server.url
    return f"mailto:{parseaddr(settings.mail.sender)[1] or 'nobody@localhost.localdomain'}"


def _send(work: Work, message: _Message) -> None:
    answer = post.post(message.endpoint, message.body, message.headers, allow_private=work.settings.push.allow_private)
    with database.transaction(work.engine) as session:
        _note(session, message, answer, work.clock())


def _note(session: Session, message: _Message, answer: post.Answer, now: dt.datetime) -> None:
    """Writes down how it went. The browser's row first, as whoever forgets it does."""
    wanted = select(ToldBrowser).where(ToldBrowser.id == message.browser_id).with_for_update()
    browser = session.scalars(wanted).one_or_none()
    delivery = session.get(Delivery, message.delivery_id, with_for_update=True)
    if answer.status is not None and 200 <= answer.status < 300:
        if browser is not None:
            browser.told_at, browser.failing_since, browser.next_at = now, None, None
        if delivery is not None:
            delivery.state, delivery.why, delivery.done_at = State.SENT.value, None, now
        return
    if browser is not None and answer.status in GONE:
        session.execute(delete(ToldBrowser).where(ToldBrowser.id == browser.id))
        browser = None
    if browser is not None and _is_forgotten(browser, now):
        session.execute(delete(ToldBrowser).where(ToldBrowser.id == browser.id))
        browser = None
    if delivery is None:
        return
    if browser is None:
        delivery.state, delivery.why, delivery.done_at = State.FAILED.value, deciding.GONE, now
        return
    if answer.status is not None and 400 <= answer.status < 500 and answer.status not in (408, 429):
        # It will say the same to the same message; the next one may please it.
        delivery.state, delivery.done_at, delivery.why = State.FAILED.value, now, None
        delivery.values = {REFUSED: answer.status}
        browser.failing_since = browser.failing_since or now
        return
    wait_s = WAITS_S[min(delivery.tries, len(WAITS_S)) - 1]
    if answer.retry_after_s is not None:
        wait_s = max(wait_s, min(answer.retry_after_s, MOST_ASKED_S))
    browser.failing_since = browser.failing_since or now
    browser.next_at = now + dt.timedelta(seconds=wait_s)
    delivery.state, delivery.due_at, delivery.why = State.WAITING.value, browser.next_at, deciding.AGAIN
    zone = wishes.hours_of(session, member_id=delivery.member_id).zone
    delivery.values = {"until": words.moment(browser.next_at, zone), REFUSED: answer.status or answer.why}


def _is_forgotten(browser: ToldBrowser, now: dt.datetime) -> bool:
    return browser.failing_since is not None and browser.failing_since <= now - FORGOTTEN_AFTER


def _text(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()

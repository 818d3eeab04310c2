"""Decides whether and when a note goes out by a letter, in a digest or to a browser, and why not; pure."""

import datetime as dt
from enum import StrEnum
from typing import Any, NamedTuple

from server.inbox import hours as clock
from server.inbox import words
from server.inbox.groups import Letters, Wish
from server.inbox.hours import Hours
from server.texts import later

# A note is worth a letter, or a browser's, while it is news: what a stopped server finds is read on the page.
NEWS = dt.timedelta(days=1)
# A digest may be a week away, and a server may be stopped for a weekend.
DIGEST_NEWS = dt.timedelta(days=10)

QUIET = later("It waits until %(until)s: these are your quiet hours.")
DIGEST = later("It waits for your digest of %(until)s.")
AGAIN = later("It did not arrive; it is tried again at %(until)s.")
NO_ADDRESS = later("You left no e-mail address.")
NO_LETTERS = later("You want no letters of this.")
NO_PUSH = later("You want none of this on your browsers.")
READ = later("You had read it here before.")
STALE = later("It was no news any more when its turn came.")
OVER = later("It was over by then.")
QUIET_OVER = later("It was over before your quiet hours were.")
LOST = later("The server stopped while it was sent: it may have arrived, and is not sent twice.")
GONE = later("That browser is told no longer.")


class Channel(StrEnum):
    """A way to a member besides her inbox."""

    LETTER = "letter"
    DIGEST = "digest"
    PUSH = "push"


class State(StrEnum):
    """Where a delivery is. handed: the mail server's turn. trying: at this moment, or the server was stopped then."""

    WAITING = "waiting"
    TRYING = "trying"
    HANDED = "handed"
    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"


class Note(NamedTuple):
    """What of a note matters here. due_by: after that it is worth no message. wakes: see groups.About."""

    at: dt.datetime
    read: bool
    due_by: dt.datetime | None
    wakes: bool


class Verdict(NamedTuple):
    """What becomes of a delivery. why: a text of the catalogue with `values`; None: there is nothing to explain."""

    channel: Channel
    state: State
    due_at: dt.datetime
    why: str | None = None
    values: dict[str, Any] = {}  # noqa: RUF012 -- nobody changes it


def by_mail(note: Note, wish: Wish, hours: Hours, now: dt.datetime, *, address: bool) -> Verdict:
    """A letter of its own, a place in a digest, or why none."""
    channel = Channel.DIGEST if wish.letters in (Letters.DAILY, Letters.WEEKLY) else Channel.LETTER
    if not address:
        return Verdict(channel, State.SUPPRESSED, now, NO_ADDRESS)
    if wish.letters is Letters.NEVER:
        return Verdict(channel, State.SUPPRESSED, now, NO_LETTERS)
    if channel is Channel.LETTER:
        return _at_once(channel, note, hours, now)
    too_late = _too_late(note, now, DIGEST_NEWS)
    if too_late is not None:
        return Verdict(channel, State.SUPPRESSED, now, too_late)
    due_at = clock.next_digest(hours, now, weekly=wish.letters is Letters.WEEKLY)
    if note.due_by is not None and note.due_by < due_at:
        # Who reads the news of the day would else stand before a closed door.
        return (
            _at_once(Channel.LETTER, note, hours, now) if note.wakes else Verdict(channel, State.SUPPRESSED, now, OVER)
        )
    return Verdict(channel, State.WAITING, due_at, DIGEST, {"until": words.moment(due_at, hours.zone)})


def by_push(note: Note, wish: Wish, hours: Hours, now: dt.datetime) -> Verdict:
    """To a browser, or why not."""
    if not wish.push:
        return Verdict(Channel.PUSH, State.SUPPRESSED, now, NO_PUSH)
    return _at_once(Channel.PUSH, note, hours, now)


def in_digest(note: Note, wish: Wish, now: dt.datetime, *, address: bool) -> str | None:
    """Why a note does not stand in the digest that goes out now; None: it does."""
    if not address:
        return NO_ADDRESS
    return NO_LETTERS if wish.letters is Letters.NEVER else _too_late(note, now, DIGEST_NEWS)


def _at_once(channel: Channel, note: Note, hours: Hours, now: dt.datetime) -> Verdict:
    too_late = _too_late(note, now, NEWS)
    if too_late is not None:
        return Verdict(channel, State.SUPPRESSED, now, too_late)
    until = clock.quiet_until(hours, now)
    if until is None:
        return Verdict(channel, State.WAITING, now)
    if note.due_by is not None and note.due_by < until:
        return (
            Verdict(channel, State.WAITING, now) if note.wakes else Verdict(channel, State.SUPPRESSED, now, QUIET_OVER)
        )
    return Verdict(channel, State.WAITING, until, QUIET, {"until": words.moment(until, hours.zone)})


def _too_late(note: Note, now: dt.datetime, news: dt.timedelta) -> str | None:
    if note.read:
        return READ
    if note.due_by is not None and note.due_by <= now:
        return OVER
    return STALE if note.at <= now - news else None

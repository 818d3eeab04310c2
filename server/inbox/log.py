"""What became of a note on each way to its member, and why: in her words, for her alone."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.errors import NotFound
from server.inbox import letters, words
from server.inbox.browsers import MOST_BROWSERS
from server.inbox.deciding import Channel, State
from server.inbox.model import Delivery, Notification
from server.texts import Texts, later

MOST_SHOWN = 2 + 5 * MOST_BROWSERS  # of one note: letter or digest, and browsers, also those of before

_BY = {
    Channel.LETTER: later("By e-mail: %(what)s"),
    Channel.DIGEST: later("In your digest: %(what)s"),
    Channel.PUSH: later("On a browser of yours: %(what)s"),
}
_SENT = later("sent %(at)s.")
_HANDED = later("written %(at)s, on its way.")
_TRYING = later("it is being sent.")
_WAITING = later("it waits for its turn.")
_FAILED = later("it did not arrive, and is not tried again.")
_REFUSED = later("it did not arrive, and is not tried again. The answer was: %(answer)s")


class NotificationUnknown(NotFound):
    """There is no such note of yours."""

    code = "notification_unknown"


def of_note(session: Session, *, member_id: str, note_id: int, now: dt.datetime) -> Sequence[Delivery]:
    """What became of a note of hers; raises NotificationUnknown."""
    note = session.get(Notification, note_id)
    if note is None or note.member_id != member_id:
        raise NotificationUnknown
    return of_notes(session, [note_id], now=now)[note_id]


def of_notes(session: Session, note_ids: Collection[int], *, now: dt.datetime) -> dict[int, list[Delivery]]:
    """What became of each of these notes, by their numbers."""
    if not note_ids:
        return {}
    letters.settle(session, now=now)
    wanted = select(Delivery).where(Delivery.notification_id.in_(list(note_ids))).order_by(Delivery.id)
    found: dict[int, list[Delivery]] = defaultdict(list)
    for delivery in session.scalars(wanted):
        if len(found[delivery.notification_id]) < MOST_SHOWN:
            found[delivery.notification_id].append(delivery)
    return found


def tell(delivery: Delivery, say: Texts, zone: str) -> str:
    """One of them as a sentence. zone: by whose clock times are told."""
    return say.gettext(_BY[Channel(delivery.channel)], what=_what(delivery, say, zone))


def _what(delivery: Delivery, say: Texts, zone: str) -> str:
    if delivery.why is not None:
        return words.fill(delivery.why, delivery.values, say)
    state = State(delivery.state)
    if state is State.SENT:
        return words.fill(_SENT, {"at": words.moment(delivery.done_at or delivery.due_at, zone)}, say)
    if state is State.HANDED:
        return words.fill(_HANDED, {"at": words.moment(delivery.tried_at or delivery.due_at, zone)}, say)
    if state is State.FAILED:
        answer = delivery.values.get("said") or delivery.values.get("answer")
        return say.gettext(_REFUSED, answer=answer) if answer else say.look_up(_FAILED)
    return say.look_up(_TRYING if state is State.TRYING else _WAITING)

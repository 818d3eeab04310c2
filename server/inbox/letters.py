"""Writes the letters that are due: one for a note, or a digest of a day; each with a way to end them.

A letter and the note that it was written are one transaction, so that it is written once whatever is killed.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server import texts
from server.inbox import deciding, groups, planning, stopping, wishes, words
from server.inbox import hours as clock
from server.inbox.deciding import Channel, State
from server.inbox.groups import Group, Letters, Wish
from server.inbox.hours import Hours
from server.inbox.model import Delivery, Digest, Notification
from server.mail import service as mail
from server.mail.addresses import AddressInvalid
from server.people.model import Member
from server.texts import Texts

MOST_SUBJECT = 78  # RFC 5322 2.1.1
MOST_OF_DIGEST = 100  # notes of one letter; who got more reads them on the page
DIGESTS_AT_ONCE = 50  # members of one transaction

_LETTER = texts.later(
    '%(sentence)s\n\n%(link)s\n\n--\nYou get this because of "%(group)s".\nWhat you are told, and when: %(settings)s\n'
    "No more letters of this: %(stop)s\n"
)
_DIGEST_SUBJECT = texts.later("News of the day: %(first)s")
_DIGEST_MORE = texts.later("There is more: %(inbox)s")
_DIGEST_END = texts.later("--\nWhat you are told, and when: %(settings)s\nNo more digests: %(stop)s\n")

# What became of letters that carry notes.
_SETTLE = text("""
    UPDATE notification_delivery AS delivery
    SET state = CASE WHEN letter.sent_at IS NULL THEN 'failed' ELSE 'sent' END,
        why = NULL, "values" = CASE WHEN letter.sent_at IS NULL
                                    THEN jsonb_build_object('said', letter.refused) ELSE '{}' END,
        done_at = coalesce(letter.sent_at, :now)
    FROM letter
    WHERE letter.id = delivery.letter_id AND delivery.state = 'handed'
          AND (letter.sent_at IS NOT NULL OR letter.refused IS NOT NULL)
""")


class _Facts(NamedTuple):
    """What is known of those whose deliveries are looked at."""

    notes: Mapping[int, Notification]
    members: Mapping[str, Member]
    wishes: Mapping[str, dict[Group, Wish]]
    hours: Mapping[str, Hours]

    def wish(self, note: Notification) -> Wish:
        return self.wishes[note.member_id][groups.about(note.kind).group]


def write_due(session: Session, *, url: str, limit: int, now: dt.datetime) -> int:
    """Writes the letters of single notes that are due; how many were looked at. url: where members reach us."""
    found = planning.due(session, Channel.LETTER, limit=limit, now=now)
    facts = _facts(session, found)
    for delivery in found:
        note = facts.notes[delivery.notification_id]
        member = facts.members[note.member_id]
        wish = facts.wish(note)
        if wish.letters is not Letters.NEVER:  # who chose the digest meanwhile gets what was on its way
            wish = wish._replace(letters=Letters.AT_ONCE)
        hours = facts.hours[member.id]
        verdict = deciding.by_mail(planning.facts_of(note), wish, hours, now, address=bool(member.email))
        if verdict.state is not State.WAITING or verdict.due_at > now:
            planning.become(delivery, verdict, now)
        else:
            _write(session, delivery, note, member, url, now)
    session.flush()
    return len(found)


def write_digests(session: Session, *, url: str, now: dt.datetime) -> int:
    """Writes the digests that are due; of how many members they are. One for each member and day."""
    due = (
        select(Delivery.member_id)
        .where(Delivery.channel == Channel.DIGEST.value, Delivery.state == State.WAITING.value, Delivery.due_at <= now)
        .where(Delivery.state.in_(["waiting", "trying"]))
        .distinct()
        .limit(DIGESTS_AT_ONCE)
    )
    member_ids = session.scalars(due).all()
    # One writes a member's digest; whoever else comes now leaves her out.
    locked = select(Member.id).where(Member.id.in_(list(member_ids))).order_by(Member.id)
    mine = session.scalars(locked.with_for_update(skip_locked=True, key_share=True)).all()
    waiting = select(Delivery).where(
        Delivery.member_id.in_(list(mine)),
        Delivery.channel == Channel.DIGEST.value,
        Delivery.state == State.WAITING.value,
        Delivery.due_at <= now,
    )
    found = session.scalars(waiting.order_by(Delivery.notification_id).with_for_update(skip_locked=True)).all()
    facts = _facts(session, found)
    by_member = defaultdict(list)
    for delivery in found:
        by_member[delivery.member_id].append(delivery)
    for member_id, deliveries in by_member.items():
        _digest(session, facts, facts.members[member_id], deliveries, url, now)
    session.flush()
    return len(by_member)


def settle(session: Session, *, now: dt.datetime) -> None:
    """Takes over from the mail what became of letters, before they are forgotten there."""
    session.execute(_SETTLE, {"now": now})


def _facts(session: Session, found: Sequence[Delivery]) -> _Facts:
    ids = [delivery.notification_id for delivery in found]
    notes = {note.id: note for note in session.scalars(select(Notification).where(Notification.id.in_(ids)))}
    member_ids = {note.member_id for note in notes.values()}
    members = {one.id: one for one in session.scalars(select(Member).where(Member.id.in_(list(member_ids))))}
    return _Facts(notes, members, wishes.of_members(session, member_ids), wishes.hours_of_members(session, member_ids))


def _write(
    session: Session, delivery: Delivery, note: Notification, member: Member, url: str, now: dt.datetime
) -> None:
    say = texts.of(member.language)
    group = groups.about(note.kind).group
    sentence = words.fill(note.sentence, note.values, say)
    what = stopping.ALL if group is Group.SAFETY else group.value
    stop = _stop_link(session, member.id, what, url, now)
    body = say.gettext(
        _LETTER,
        sentence=sentence,
        link=url + (note.link or "/inbox"),
        group=say.look_up(groups.TITLES[group]),
        settings=f"{url}/inbox/settings",
        stop=stop,
    )
    _post(session, [delivery], member, _subject(sentence), body, stop, now, note.due_by)


def _digest(
    session: Session, facts: _Facts, member: Member, deliveries: list[Delivery], url: str, now: dt.datetime
) -> None:
    kept: dict[Group, list[tuple[Delivery, Notification]]] = defaultdict(list)
    for delivery in deliveries:
        note = facts.notes[delivery.notification_id]
        why = deciding.in_digest(planning.facts_of(note), facts.wish(note), now, address=bool(member.email))
        if why is None:
            kept[groups.about(note.kind).group].append((delivery, note))
        else:
            planning.suppress(delivery, why, now)
    if not kept:
        return
    hours = facts.hours[member.id]
    once = insert(Digest).values(member_id=member.id, day=clock.day_of(hours, now), made_at=now)
    if not session.scalars(once.on_conflict_do_nothing().returning(Digest.member_id)).all():
        again = clock.next_digest(hours, now, weekly=False)
        for delivery, _ in (one for rows in kept.values() for one in rows):
            delivery.due_at, delivery.why = again, deciding.DIGEST
            delivery.values = {"until": words.moment(again, hours.zone)}
        return
    say = texts.of(member.language)
    stop = _stop_link(session, member.id, stopping.DIGEST, url, now)
    body = _digest_text(kept, say, url, stop)
    first = next(note for group in Group for _, note in kept.get(group, ()))
    subject = _subject(say.gettext(_DIGEST_SUBJECT, first=words.fill(first.sentence, first.values, say)))
    _post(session, [delivery for rows in kept.values() for delivery, _ in rows], member, subject, body, stop, now)


def _digest_text(kept: Mapping[Group, list[tuple[Delivery, Notification]]], say: Texts, url: str, stop: str) -> str:
    parts: list[str] = []
    left = MOST_OF_DIGEST
    for group in Group:
        notes = [note for _, note in kept.get(group, ())][:left]
        left -= len(notes)
        if notes:
            lines = [
                f"- {words.fill(note.sentence, note.values, say)}\n  {url}{note.link or '/inbox'}" for note in notes
            ]
            parts.append("\n".join([say.look_up(groups.TITLES[group]).upper(), *lines]))
    if sum(len(rows) for rows in kept.values()) > MOST_OF_DIGEST:
        parts.append(say.gettext(_DIGEST_MORE, inbox=f"{url}/inbox"))
    parts.append(say.gettext(_DIGEST_END, settings=f"{url}/inbox/settings", stop=stop))
    return "\n\n".join(parts)


def _post(
    session: Session,
    deliveries: list[Delivery],
    member: Member,
    subject: str,
    body: str,
    stop: str,
    now: dt.datetime,
    expires_at: dt.datetime | None = None,
) -> None:
    headers = {"List-Unsubscribe": f"<{stop}>"}
    if stop.startswith("https:"):  # RFC 8058 3.1 wants one, and none else
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    try:
        letter = mail.post(
            session,
            to=member.email or "",
            subject=subject,
            text=body,
            now=now,
            expires_at=None if expires_at is None else min(expires_at, now + mail.LIFETIME),
            headers=headers,
        )
    except AddressInvalid:  # kept from a time with other rules: she reads it on the page
        for delivery in deliveries:
            planning.suppress(delivery, deciding.NO_ADDRESS, now)
        return
    for delivery in deliveries:
        delivery.state, delivery.why, delivery.values = State.HANDED.value, None, {}
        delivery.letter_id, delivery.tried_at, delivery.tries = letter.id, now, delivery.tries + 1


def _stop_link(session: Session, member_id: str, what: str, url: str, now: dt.datetime) -> str:
    return f"{url}/letters/stop/{stopping.sign(session, member_id=member_id, what=what, now=now)}"


def _subject(sentence: str) -> str:
    return sentence if len(sentence) <= MOST_SUBJECT else f"{sentence[: MOST_SUBJECT - 1]}…"

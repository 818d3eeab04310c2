"""Decides of each new note by which ways it goes out, once: a row for each, sent by whoever finds it due."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.inbox import deciding, groups, wishes
from server.inbox.deciding import Note, State, Verdict
from server.inbox.model import Delivery, Notification, ToldBrowser
from server.people.model import Member


def plan(session: Session, *, limit: int, now: dt.datetime) -> int:
    """Plans the oldest notes that are not yet; how many there were. None that another plans at this moment."""
    wanted = select(Notification).where(Notification.letter_at.is_(None)).order_by(Notification.id).limit(limit)
    notes = session.scalars(wanted.with_for_update(skip_locked=True)).all()
    member_ids = {note.member_id for note in notes}
    members = {one.id: one for one in session.scalars(select(Member).where(Member.id.in_(list(member_ids))))}
    wanted_by = wishes.of_members(session, member_ids)
    hours = wishes.hours_of_members(session, member_ids)
    browsers = _browsers(session, member_ids)
    rows = []
    for note in notes:
        note.letter_at = now
        member = members[note.member_id]
        if member.simulated:
            continue
        wish = wanted_by[member.id][groups.about(note.kind).group]
        facts = facts_of(note)
        mail = deciding.by_mail(facts, wish, hours[member.id], now, address=bool(member.email))
        rows.append(_row(note, mail, "", now))
        for browser in browsers[member.id]:
            push = deciding.by_push(facts, wish, hours[member.id], now)
            if push.state is State.WAITING and browser.next_at is not None and browser.next_at > push.due_at:
                push = push._replace(due_at=browser.next_at)
            rows.append(_row(note, push, f"browser/{browser.id}", now))
    if rows:
        once = insert(Delivery).values(rows)
        session.execute(once.on_conflict_do_nothing(constraint="uq_notification_delivery_once"))
    session.flush()
    return len(notes)


def facts_of(note: Notification) -> Note:
    """What of a note decides where it goes."""
    return Note(note.at, note.read_at is not None, note.due_by, groups.about(note.kind).wakes)


def become(delivery: Delivery, verdict: Verdict, now: dt.datetime) -> None:
    """Writes down what was decided anew of a delivery."""
    delivery.state, delivery.due_at = verdict.state.value, verdict.due_at
    delivery.why, delivery.values = verdict.why, dict(verdict.values)
    if verdict.state is State.SUPPRESSED:
        delivery.done_at = now


def suppress(delivery: Delivery, why: str, now: dt.datetime) -> None:
    """Notes that it is not sent, and why."""
    delivery.state, delivery.why, delivery.values, delivery.done_at = State.SUPPRESSED.value, why, {}, now


def _browsers(session: Session, member_ids: set[str]) -> dict[str, list[ToldBrowser]]:
    found = defaultdict(list)
    for browser in session.scalars(
        select(ToldBrowser).where(ToldBrowser.member_id.in_(list(member_ids))).order_by(ToldBrowser.id)
    ):
        found[browser.member_id].append(browser)
    return found


def _row(note: Notification, verdict: Verdict, target: str, now: dt.datetime) -> dict[str, object]:
    return {
        "notification_id": note.id,
        "member_id": note.member_id,
        "channel": verdict.channel.value,
        "target": target,
        "state": verdict.state.value,
        "why": verdict.why,
        "values": dict(verdict.values),
        "queued_at": now,
        "due_at": verdict.due_at,
        "done_at": now if verdict.state is State.SUPPRESSED else None,
    }


def due(session: Session, channel: deciding.Channel, *, limit: int, now: dt.datetime) -> Sequence[Delivery]:
    """Deliveries whose time has come, the longest due first; locked, and none that another holds."""
    wanted = (
        select(Delivery)
        .where(Delivery.channel == channel.value, Delivery.state == State.WAITING.value, Delivery.due_at <= now)
        .where(Delivery.state.in_(["waiting", "trying"]))  # as the index says
        .order_by(Delivery.due_at, Delivery.id)
        .limit(limit)
    )
    return session.scalars(wanted.with_for_update(skip_locked=True)).all()


def has_due(session: Session, *, now: dt.datetime) -> bool:
    """Whether anything waits for a browser at this moment."""
    wanted = select(Delivery.id).where(Delivery.channel == deciding.Channel.PUSH.value, Delivery.due_at <= now)
    wanted = wanted.where(Delivery.state == State.WAITING.value, Delivery.state.in_(["waiting", "trying"]))
    return session.scalar(wanted.limit(1)) is not None

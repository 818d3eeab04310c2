"""How each member wants to be told: by group, at which hours; and who may be told of an offer at this moment."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.errors import Invalid
from server.inbox import groups
from server.inbox import hours as clock
from server.inbox.deciding import DIGEST, Channel, State
from server.inbox.groups import DEFAULTS, Group, Letters, Wish
from server.inbox.hours import Hours
from server.inbox.model import Delivery, TellingHours, TellingWish
from server.inbox.words import moment
from server.people.model import Member

MOST_PER = 50  # more a week is no cap
DAY, WEEK = dt.timedelta(days=1), dt.timedelta(days=7)
# One statement for however many: her cap, and how many notes of the group she got within a day and a week.
_ALLOWED = text("""
    SELECT asked.id FROM unnest(CAST(:ids AS text[])) AS asked(id)
    LEFT JOIN telling_wish AS wish ON wish.member_id = asked.id AND wish.about = :about
    CROSS JOIN LATERAL (
        SELECT CASE WHEN wish.member_id IS NULL THEN :per_day ELSE wish.per_day END AS per_day,
               CASE WHEN wish.member_id IS NULL THEN :per_week ELSE wish.per_week END AS per_week
    ) AS cap
    CROSS JOIN LATERAL (
        SELECT count(*) AS week, count(*) FILTER (WHERE note.at > :day_ago) AS day
        FROM notification AS note
        WHERE note.member_id = asked.id AND note.at > :week_ago AND note.kind = ANY(:kinds)
    ) AS told
    WHERE coalesce(told.day < cap.per_day, true) AND coalesce(told.week < cap.per_week, true)
""")


class SafetyStays(Invalid):
    """What was decided about you is always told: you can end all letters, not these alone."""

    code = "safety_stays"


def of_members(session: Session, member_ids: Collection[str]) -> Mapping[str, dict[Group, Wish]]:
    """How each of them wants to be told of each group."""
    found: dict[str, dict[Group, Wish]] = defaultdict(lambda: dict(DEFAULTS))
    known = {group.value for group in Group}
    for row in session.scalars(select(TellingWish).where(TellingWish.member_id.in_(list(member_ids)))):
        if row.about in known:
            wish = Wish(Letters(row.letters), row.push, row.per_day, row.per_week)
            found[row.member_id][Group(row.about)] = wish
    return found


def of(session: Session, *, member_id: str) -> dict[Group, Wish]:
    """How she wants to be told of each group."""
    return of_members(session, [member_id])[member_id]


def choose(session: Session, *, member_id: str, group: Group, wish: Wish) -> None:
    """Keeps how she wants to be told of a group; raises SafetyStays."""
    ended = of(session, member_id=member_id)[Group.SAFETY].letters is Letters.NEVER
    if group is Group.SAFETY and wish.letters is Letters.NEVER and not ended:
        raise SafetyStays
    if group not in groups.OFFERS:
        wish = wish._replace(per_day=None, per_week=None)
    _keep(session, member_id, group, wish)


def choose_letters(session: Session, *, member_id: str, wanted: bool) -> None:
    """Ends letters of all groups, or begins them again: as they are by default where she wants none."""
    for group, wish in of(session, member_id=member_id).items():
        if not wanted:
            _keep(session, member_id, group, wish._replace(letters=Letters.NEVER))
        elif wish.letters is Letters.NEVER:
            _keep(session, member_id, group, wish._replace(letters=DEFAULTS[group].letters))


def wants_letters(session: Session, *, member_id: str) -> bool:
    """Whether notes of any group go out by e-mail."""
    return any(wish.letters is not Letters.NEVER for wish in of(session, member_id=member_id).values())


def hours_of_members(session: Session, member_ids: Collection[str]) -> dict[str, Hours]:
    """The hours of each of them, by her own clock."""
    rows = session.execute(
        select(Member.id, Member.time_zone, TellingHours)
        .outerjoin(TellingHours, TellingHours.member_id == Member.id)
        .where(Member.id.in_(list(member_ids)))
    )
    return {
        member_id: clock.DEFAULT._replace(zone=zone or clock.WITHOUT_ZONE)
        if kept is None
        else Hours(zone or clock.WITHOUT_ZONE, kept.quiet_from, kept.quiet_to, kept.digest_at)
        for member_id, zone, kept in rows
    }


def hours_of(session: Session, *, member_id: str) -> Hours:
    """Her hours."""
    return hours_of_members(session, [member_id])[member_id]


def choose_hours(
    session: Session,
    *,
    member_id: str,
    quiet_from: dt.time,
    quiet_to: dt.time,
    digest_at: dt.time,
    now: dt.datetime,
) -> None:
    """Keeps her hours, to the minute; what waits for her digest waits for the new hour."""
    kept = {
        "quiet_from": quiet_from.replace(second=0, microsecond=0),
        "quiet_to": quiet_to.replace(second=0, microsecond=0),
        "digest_at": digest_at.replace(second=0, microsecond=0),
    }
    row = insert(TellingHours).values(member_id=member_id, **kept)
    session.execute(row.on_conflict_do_update(index_elements=[TellingHours.member_id], set_=kept))
    weekly = _weekly(session, member_id)
    found = hours_of(session, member_id=member_id)
    for due_weekly in (False, True):
        due_at = clock.next_digest(found, now, weekly=due_weekly)
        waits = weekly if due_weekly else [kind for kind in groups.KINDS if kind not in set(weekly)]
        session.execute(
            update(Delivery)
            .where(
                Delivery.member_id == member_id,
                Delivery.channel == Channel.DIGEST,
                Delivery.state == State.WAITING,
                text(
                    "EXISTS (SELECT FROM notification AS note WHERE note.id = notification_delivery.notification_id"
                    " AND note.kind = ANY(:waits))"
                ).bindparams(waits=waits),
            )
            .values(due_at=due_at, why=DIGEST, values={"until": moment(due_at, found.zone)})
            .execution_options(synchronize_session=False)
        )


def allowed(session: Session, member_ids: Iterable[str], *, group: Group, now: dt.datetime) -> set[str]:
    """Of these members, those who may be told one more of this group: willing, and not told too often by now.

    A cap of 0 is somebody who wants none. Two who ask at once may both be told yes: whoever tells many of one group at
    once takes turns (`constraints.take_turn`).
    """
    default = DEFAULTS[group]
    values = {
        "ids": sorted(set(member_ids)),
        "about": group.value,
        "per_day": default.per_day,
        "per_week": default.per_week,
        "kinds": groups.kinds_of(group),
        "day_ago": now - DAY,
        "week_ago": now - WEEK,
    }
    return set(session.scalars(_ALLOWED, values))


def _weekly(session: Session, member_id: str) -> list[str]:
    wanted = of(session, member_id=member_id)
    return [kind for kind, about in groups.KINDS.items() if wanted[about.group].letters is Letters.WEEKLY]


def _keep(session: Session, member_id: str, group: Group, wish: Wish) -> None:
    kept = {
        "letters": wish.letters.value,
        "push": wish.push,
        "per_day": wish.per_day,
        "per_week": wish.per_week,
    }
    row = insert(TellingWish).values(member_id=member_id, about=group.value, **kept)
    session.execute(row.on_conflict_do_update(index_elements=[TellingWish.member_id, TellingWish.about], set_=kept))

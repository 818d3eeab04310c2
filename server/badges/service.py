"""Registers badges and what they show on the air, says whose they are, and what agents are to report of them."""

import datetime as dt
from collections.abc import Iterable

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from server import constraints, paging, topics
from server.badges.model import Badge, Identity, Pairing
from server.errors import Conflict, Invalid, NotFound
from server.fleet import service as fleet
from server.people import service as people

IDENTITY_BYTES = 20  # uuid, major and minor of an iBeacon
UUID_BYTES = 16
LABEL_MAX_LENGTH = 60  # what a sticker on a badge holds


class BadgeUnknown(NotFound):
    """There is no such badge."""

    code = "badge_unknown"


class IdentityTaken(Conflict):
    """Another badge shows this identity at that time."""

    code = "identity_taken"


class BadgeHeld(Conflict):
    """Somebody holds this badge at that time."""

    code = "badge_held"


class BadgeNotHeld(Conflict):
    """Nobody holds this badge at that time."""

    code = "badge_not_held"


class NotRegisteredThen(Conflict):
    """This badge was not registered at that time."""

    code = "not_registered_then"


def register(session: Session, *, identity: bytes, since: dt.datetime, label: str = "") -> int:
    """Makes a badge that shows this identity (20 bytes) from `since` on, and returns its id.

    Raises IdentityTaken, Invalid.
    """
    _check(identity)
    text = label.strip()
    if len(text) > LABEL_MAX_LENGTH or not text.isprintable():
        raise Invalid("The label of a badge is one line of at most %(most)s characters.", most=LABEL_MAX_LENGTH)
    badge = Badge(label=text)
    session.add(badge)
    session.flush()
    try:
        _show(session, Identity(identity=identity, badge_id=badge.id, valid=Range(since, None)))
    except IdentityTaken:
        session.execute(delete(Badge).where(Badge.id == badge.id))
        session.expunge(badge)
        raise
    return badge.id


def register_beacon(session: Session, *, identity: bytes, agent_id: str, since: dt.datetime) -> None:
    """Says that an agent's own beacon shows this identity: reported like others, and never a badge.

    Raises AgentUnknown, IdentityTaken, Invalid.
    """
    _check(identity)
    fleet.get(session, agent_id)
    _show(session, Identity(identity=identity, agent_id=agent_id, valid=Range(since, None)))


def get(session: Session, id: int) -> Badge:
    """The badge of this id; raises BadgeUnknown."""
    badge = session.get(Badge, id)
    if badge is None:
        raise BadgeUnknown("There is no badge %(id)s.", id=id)
    return badge


def list_all(session: Session, page: paging.Page = paging.EVERYTHING) -> list[Badge]:
    """All badges in the order in which they were registered."""
    return page.read(session, select(Badge), paging.up(Badge.id))


def identities_of(session: Session, *, badge_id: int) -> list[Identity]:
    """What a badge shows and showed, the first first."""
    return list(
        session.scalars(
            select(Identity).where(Identity.badge_id == badge_id).order_by(func.lower(Identity.valid), Identity.id)
        )
    )


def pair(
    session: Session, *, badge_id: int, member_id: str, since: dt.datetime, until: dt.datetime | None = None
) -> Pairing:
    """Says that a badge is a member's from `since` on, for ever or until `until`; both may be past.

    Raises BadgeUnknown, MemberUnknown, BadgeHeld, NotRegisteredThen (a badge can be claimed only for a time in which it
    was registered), Invalid.
    """
    get(session, badge_id)
    people.get(session, member_id)
    if until is not None and until <= since:
        raise Invalid("A badge is given back after it was taken.")
    _check_registered(session, badge_id, since, until)
    pairing = Pairing(badge_id=badge_id, member_id=member_id, valid=Range(since, until))
    held = BadgeHeld("Somebody holds badge %(badge)s in that time: it has to be given back first.", badge=badge_id)
    with constraints.explain(session, {"badge_has_one_holder_at_a_time": held}):
        session.add(pairing)
    topics.bump(session, [topics.EXPECTED, f"member/{member_id}"])
    return pairing


def give_back(session: Session, *, badge_id: int, at: dt.datetime) -> Pairing:
    """Ends the pairing in which a badge is at `at`; raises BadgeUnknown, BadgeNotHeld."""
    get(session, badge_id)
    pairing = session.scalar(
        select(Pairing).where(Pairing.badge_id == badge_id, Pairing.valid.contains(at)).with_for_update()
    )
    if pairing is None or pairing.valid.lower == at:
        raise BadgeNotHeld("Nobody holds badge %(badge)s at that time.", badge=badge_id)
    pairing.valid = Range(pairing.valid.lower, at)
    session.flush()
    topics.bump(session, [topics.EXPECTED, f"member/{pairing.member_id}"])
    return pairing


def held_by(
    session: Session, *, member_id: str, at: dt.datetime, page: paging.Page = paging.EVERYTHING
) -> list[Pairing]:
    """The badges that a member holds at a time."""
    held = select(Pairing).where(Pairing.member_id == member_id, Pairing.valid.contains(at))
    return page.read(session, held, paging.up(Pairing.badge_id))


def holder_of(session: Session, *, badge_id: int, at: dt.datetime) -> str | None:
    """The id of the member who holds a badge at a time, None for nobody."""
    return session.scalar(select(Pairing.member_id).where(Pairing.badge_id == badge_id, Pairing.valid.contains(at)))


def report_patterns(
    session: Session, *, now: dt.datetime, own_uuids: Iterable[bytes] = ()
) -> tuple[tuple[int, bytes], ...]:
    """What agents are to report, as (offset, bytes) on the 20 bytes of an identity, in a fixed order.

    own_uuids: uuids (or their beginnings) that only badges of ours show. What starts with one is covered by it; of
    any other uuid only the registered identities are named, so that strangers' beacons stay on the Pi.
    """
    prefixes = sorted(set(own_uuids))
    identities = session.scalars(
        select(Identity.identity)
        .where(or_(func.upper_inf(Identity.valid), func.upper(Identity.valid) > now))
        .distinct()
        .order_by(Identity.identity)
    )
    single = [identity for identity in identities if not identity.startswith(tuple(prefixes))]
    return tuple((0, pattern) for pattern in (*prefixes, *single))


def _check(identity: bytes) -> None:
    if len(identity) != IDENTITY_BYTES:
        raise Invalid(
            "An identity has %(bytes)s bytes (uuid, major, minor); this one has %(length)s.",
            bytes=IDENTITY_BYTES,
            length=len(identity),
        )
    if not any(identity[:UUID_BYTES]):
        raise Invalid("A uuid of zeros alone is what faulty beacons show; it means nobody.")


def _check_registered(session: Session, badge_id: int, since: dt.datetime, until: dt.datetime | None) -> None:
    """Whether something showed the badge throughout: what was heard of it while nothing did is nobody's."""
    shown = [(identity.valid.lower, identity.valid.upper) for identity in identities_of(session, badge_id=badge_id)]
    open_end = dt.datetime.max.replace(tzinfo=dt.UTC)
    ends = [upper or open_end for _, upper in shown]
    reached = since
    # In the order of their beginnings, so that each goes on where another ended.
    for (lower, _), end in zip(shown, ends, strict=True):
        if (lower is None or lower <= reached) and end > reached:
            reached = end
    # Without an end it lasts as long as anything shows the badge.
    if reached == since or reached < (until or max(ends)):
        raise NotRegisteredThen(
            "Badge %(badge)s was not registered at %(reached)s UTC.",
            badge=badge_id,
            reached=f"{reached:%Y-%m-%d %H:%M}",
        )


def _show(session: Session, identity: Identity) -> None:
    taken = IdentityTaken("Something else registered shows this uuid, major and minor at that time.")
    with constraints.explain(session, {"identity_means_one_thing_at_a_time": taken}):
        session.add(identity)
    topics.bump(session, [topics.FACTS])

"""Gathers people face to face: gives digits, lets in who types them here, and founds their circle."""

import datetime as dt
import secrets
from typing import NamedTuple

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from geo import postgis
from server import constraints, names, nonces, topics
from server.communities import service as communities
from server.errors import Conflict, NotFound, Refused
from server.face_to_face import digits as four
from server.face_to_face import dissolving
from server.face_to_face.model import Founding, Gather, GatherIn
from server.face_to_face.proof import WITHIN_M, Proof
from server.people import guests
from server.people import service as people
from server.people.model import Member

LIFETIME = dt.timedelta(minutes=10)
APART_M = 1000.0  # nearer than this no two have the same digits: who is within WITHIN_M of one is of no other
SHOWN_AFTER = dt.timedelta(hours=1)  # the page of who was in leads on to the circle for that long
RETRIED = dt.timedelta(minutes=10)  # a guest whose answer was lost is signed in by her nonce within that


class GatherUnknown(NotFound):
    """Nobody gathers here, or it is over and nothing was kept of it."""

    code = "gather_unknown"
    kept = True  # it may have been over just now: that nothing is kept of it stays


class DigitsWrong(NotFound):
    """Nobody gathers here with these digits. They hold for ten minutes: look again, stay near, or ask for new ones."""

    code = "digits_wrong"


class DigitsSpent(Conflict):
    """Too many gather around here at the moment. Try again in a few minutes."""

    code = "digits_spent"


class GathersAlready(Conflict):
    """You are gathering people already. End that first."""

    code = "gathers_already"


class MembersGather(Refused):
    """Who belongs to a community gathers people for it: join it first."""

    code = "members_gather"


class FounderOnly(Refused):
    """Only who gathers here may do that."""

    code = "founder_only"


class Joined(NamedTuple):
    """Somebody is in. sign_in: the asking phone is to be signed in as her, who was made known by this."""

    gather: Gather
    member_id: str
    sign_in: bool


class Person(NamedTuple):
    """Somebody who is in, as the founder sees her: since when, by what evidence."""

    member_id: str
    name: str
    at: dt.datetime
    by: str


def gather(
    session: Session,
    *,
    founder: Member | None,
    proof: Proof,
    now: dt.datetime,
    name: str,
    community_id: str | None = None,
    guest_name: str = "",
    language: str | None = None,
    nonce: str | None = None,
) -> Joined:
    """Gives four digits at a place, for ten minutes; to her who gathers already, those that she has.

    founder: None makes a guest. name: of the circle that is founded when the second person is in. community_id: they
    join this one instead. Raises MembersGather, GathersAlready, DigitsSpent, DigitsWrong (of a
    guest who was taken out and tries again), CommunityUnknown, CommunityDissolved, Invalid.
    """
    hashed = nonces.read(nonce)
    if founder is None:
        again = _again(session, hashed, now)
        if again is not None:
            return again
        if community_id is not None:
            raise MembersGather
    else:
        constraints.take_turn(session, f"gatherer {founder.id}")
        there = live_of(session, founder_id=founder.id, now=now)
        if there is not None:
            if there.founds != (community_id is None) or (community_id or there.community_id) != there.community_id:
                raise GathersAlready
            return Joined(there, founder.id, False)
        if community_id is not None:
            name = communities.get_living(session, community_id).name
            if not communities.belongs(session, community_id=community_id, member_id=founder.id):
                raise MembersGather
    name = names.check_name(name, "community")
    founder_id = _new_guest(session, guest_name, language) if founder is None else founder.id
    # One at a time is given digits, until its transaction ends: a hundred a second, on the whole earth.
    constraints.take_turn(session, "digits of who gathers")
    choices = four.free(_taken(session, proof, now))
    if not choices:
        raise DigitsSpent
    made = Gather(
        id=people.new_id("gather"),
        digits=secrets.choice(choices),
        founder_id=founder_id,
        community_id=community_id,
        founds=community_id is None,
        name=name,
        venue_id=proof.venue_id,
        location=postgis.from_position(proof.location),
        made_at=now,
        ends_at=now + LIFETIME,
    )
    session.add(made)
    session.flush()
    session.add(_in(made, founder_id, now, proof.by, joined=False, made_guest=founder is None, nonce=hashed))
    session.flush()
    return Joined(made, founder_id, founder is None)


def join(
    session: Session,
    *,
    typed: str,
    proofs: list[Proof],
    now: dt.datetime,
    member: Member | None,
    name: str = "",
    language: str | None = None,
    nonce: str | None = None,
) -> Joined:
    """Lets in who types the digits of a gathering where she is; who is not known on this phone becomes a guest.

    The answer is the same for digits that nobody has, that have ended, and that are somebody's elsewhere: DigitsWrong.
    Again is as once. Raises Invalid.
    """
    hashed = nonces.read(nonce)
    again = _again(session, hashed, now) if member is None else None
    if again is not None:
        return again
    found = _find(session, four.read(typed), proofs, now)
    if found is None:
        raise DigitsWrong
    gathering, by = found
    if member is not None:
        there = session.get(GatherIn, (gathering.id, member.id))
        if there is not None:
            if there.removed_at is not None:
                raise DigitsWrong
            return Joined(gathering, member.id, False)
    member_id = member.id if member is not None else _new_guest(session, name, language)
    joined = _let_in(session, gathering, member_id, now)
    session.add(_in(gathering, member_id, now, by, joined=joined, made_guest=member is None, nonce=hashed))
    session.flush()
    return Joined(gathering, member_id, member is None)


def get(session: Session, id: str, *, to_edit: bool = False) -> Gather:
    """The gathering of this id, locked if it is to be changed; raises GatherUnknown."""
    found = constraints.read(session, Gather, id, to_edit=to_edit) if names.is_id(id) else None
    if found is None:
        raise GatherUnknown
    return found


def look(session: Session, *, gather_id: str, member_id: str, now: dt.datetime) -> Gather:
    """The gathering as it stands at `now`, for who is in; raises GatherUnknown for everybody else.

    Once it is over its digits are forgotten, and all of it when nobody came.
    """
    found = get(session, gather_id)
    if found.ends_at <= now and found.closed_at is None:
        close(session, gather_id=gather_id, now=now)
        found = get(session, gather_id)
    there = session.get(GatherIn, (gather_id, member_id))
    if there is None or there.removed_at is not None:
        raise GatherUnknown
    return found


def live_of(session: Session, *, founder_id: str, now: dt.datetime) -> Gather | None:
    """What somebody gathers at the moment."""
    return session.scalar(select(Gather).where(Gather.founder_id == founder_id, Gather.ends_at > now))


def count_in(session: Session, gather_id: str) -> int:
    """How many are in."""
    wanted = select(func.count()).where(GatherIn.gather_id == gather_id, GatherIn.removed_at.is_(None))
    return session.scalars(wanted).one()


def people_in(session: Session, gather_id: str) -> list[Person]:
    """Who is in, in the order in which they came; for the founder, who stands before them."""
    rows = session.execute(
        select(GatherIn.member_id, Member.name, GatherIn.at, GatherIn.evidence.label("by"))
        .join(Member, Member.id == GatherIn.member_id)
        .where(GatherIn.gather_id == gather_id, GatherIn.removed_at.is_(None))
        .order_by(GatherIn.at, GatherIn.member_id)
    )
    return [Person(*row) for row in rows]


def take_out(session: Session, *, gather_id: str, member_id: str, by_id: str, now: dt.datetime) -> None:
    """Takes somebody out while it lasts: the founder anybody, everybody herself. Twice is as once.

    She belongs to the circle no more, unless she did before. A founder who leaves while nobody else is in ends it.
    Raises GatherUnknown, FounderOnly.
    """
    found = get(session, gather_id, to_edit=True)
    if found.ends_at <= now:
        raise GatherUnknown
    if by_id not in (found.founder_id, member_id):
        raise FounderOnly
    there = session.get(GatherIn, (gather_id, member_id))
    if there is None:
        raise GatherUnknown
    if there.removed_at is not None:
        return
    there.removed_at = now
    session.flush()
    if there.joined and found.community_id is not None:
        if communities.belongs(session, community_id=found.community_id, member_id=member_id):
            communities.leave(session, community_id=found.community_id, member_id=member_id, now=now)
        topics.bump(session, [f"member/{member_id}"])
    if member_id == found.founder_id and count_in(session, gather_id) == 0:
        _end(session, found, now)


def end(session: Session, *, gather_id: str, by_id: str, now: dt.datetime) -> None:
    """Ends it before its time; for the founder. Raises GatherUnknown, FounderOnly."""
    found = get(session, gather_id, to_edit=True)
    if found.founder_id != by_id:
        raise FounderOnly
    if found.closed_at is None:
        _end(session, found, now)


def close(session: Session, *, gather_id: str, now: dt.datetime) -> None:
    """Forgets digits and place of what is over, and all of it if nobody came; twice is as once."""
    found = constraints.read(session, Gather, gather_id, to_edit=True)
    if found is None or found.closed_at is not None or found.ends_at > now:
        return
    found.digits, found.location, found.venue_id, found.closed_at = None, None, None, now
    session.flush()
    if count_in(session, gather_id) > 1:
        return
    community_id = found.community_id if found.founds else None
    if community_id is not None and len(communities.members_of(session, community_id=community_id)) <= 1:
        dissolving.dissolve(session, community_id=community_id)
    session.execute(delete(Gather).where(Gather.id == gather_id))
    session.expire_all()


def over(session: Session, now: dt.datetime) -> list[str]:
    """The ids of those that are over and still have their digits."""
    wanted = select(Gather.id).where(Gather.ends_at <= now, Gather.closed_at.is_(None))
    return list(session.scalars(wanted.order_by(Gather.ends_at, Gather.id)))


def tidy(session: Session, now: dt.datetime) -> None:
    """Forgets who was in what was over an hour ago; their circle stays."""
    session.execute(delete(Gather).where(Gather.closed_at <= now - SHOWN_AFTER))


def _end(session: Session, found: Gather, now: dt.datetime) -> None:
    found.ends_at = min(found.ends_at, max(now, found.made_at))
    session.flush()
    close(session, gather_id=found.id, now=now)


def _let_in(session: Session, gathering: Gather, member_id: str, now: dt.datetime) -> bool:
    """Makes her a member of the circle, which the second who is in founds; whether she was none before."""
    if gathering.community_id is None:
        circle = communities.create(session, id=people.new_id("circle"), name=gathering.name)
        session.add(Founding(community_id=circle.id, founded_at=now))
        gathering.community_id = circle.id
        session.flush()
        founder = session.get(GatherIn, (gathering.id, gathering.founder_id))
        if founder is not None and founder.removed_at is None:
            communities.join(session, community_id=circle.id, member_id=gathering.founder_id, now=now)
            founder.joined = True
            topics.bump(session, [f"member/{gathering.founder_id}"])
    if communities.belongs(session, community_id=gathering.community_id, member_id=member_id):
        return False
    communities.join(session, community_id=gathering.community_id, member_id=member_id, now=now)
    topics.bump(session, [f"member/{member_id}"])
    return True


def _in(
    found: Gather, member_id: str, now: dt.datetime, by: str, *, joined: bool, made_guest: bool, nonce: bytes | None
) -> GatherIn:
    return GatherIn(
        gather_id=found.id,
        member_id=member_id,
        at=now,
        evidence=by,
        joined=joined,
        made_guest=made_guest,
        nonce=nonce if made_guest else None,  # members are known by themselves
    )


def _again(session: Session, nonce: bytes | None, now: dt.datetime) -> Joined | None:
    """The guest that a request with this number made a moment ago: its answer was lost.

    Raises DigitsWrong for one who was taken out since. A number of long ago is free again.
    """
    if nonce is None:
        return None
    constraints.take_turn(session, f"gather {nonce.hex()}")
    there = session.scalar(select(GatherIn).where(GatherIn.nonce == nonce))
    if there is None:
        return None
    if there.removed_at is not None:
        raise DigitsWrong
    if now - there.at > RETRIED:
        there.nonce = None
        session.flush()
        return None
    return Joined(get(session, there.gather_id), there.member_id, True)


def _new_guest(session: Session, name: str, language: str | None) -> str:
    nameless = guests.NAMELESS.get(language or "en", guests.NAMELESS["en"])
    return people.create_guest(session, name=name.strip() or nameless, language=language).id


def _taken(session: Session, proof: Proof, now: dt.datetime) -> list[str]:
    """The digits that live ones have within APART_M; of those of which that is not known, all."""
    return list(session.scalars(_TAKEN, {**_point(proof), "now": now, "apart_m": APART_M}))


def _find(session: Session, typed: str | None, proofs: list[Proof], now: dt.datetime) -> tuple[Gather, str] | None:
    """The live gathering with these digits where somebody is, its row locked, and by which proof."""
    for proof in proofs if typed is not None else ():
        given = {**_point(proof), "digits": typed, "venue": proof.venue_id, "now": now, "within_m": WITHIN_M}
        found = session.scalar(_HERE, given)
        if found is not None:
            return get(session, found, to_edit=True), proof.by
    return None


def _point(proof: Proof) -> dict[str, float | None]:
    lon, lat = proof.location or (None, None)
    return {"lon": lon, "lat": lat}


# Geography measures metres on the spheroid, over poles and the date line as well.
_POINT = "ST_SetSRID(ST_MakePoint(CAST(:lon AS float8), CAST(:lat AS float8)), 4326)::geography"
_TAKEN = text(f"""
    SELECT digits FROM gather WHERE ends_at > :now AND digits IS NOT NULL
      AND (location IS NULL OR CAST(:lon AS float8) IS NULL OR ST_DWithin(location, {_POINT}, :apart_m))
""")  # noqa: S608 -- a phrase of our own
_HERE = text(f"""
    SELECT id FROM gather
    WHERE digits = :digits AND ends_at > :now
      AND (venue_id = :venue OR ST_DWithin(location, {_POINT}, :within_m))
    ORDER BY (venue_id = :venue) DESC NULLS LAST, ST_Distance(location, {_POINT}), id LIMIT 1 FOR NO KEY UPDATE
""")  # noqa: S608 -- as above

"""What the API takes and says of who gathers face to face."""

import datetime as dt
from typing import Annotated

from pydantic import Field
from sqlalchemy.orm import Session

from server import nonces
from server.doors.arrivals import Fix
from server.doors.schema import FixIn
from server.face_to_face import service as gathers
from server.face_to_face.asking import Question
from server.face_to_face.model import Gather
from server.face_to_face.proof import Said
from server.fields import Incoming, Moment, Name, OfId, Outgoing

Nonce = Annotated[str, Field(min_length=nonces.SIGNS[0], max_length=nonces.SIGNS[1])]


class Here(Incoming):
    """Where you are. door: the code at a door; fix: your phone's position, with sent_at by its clock.

    A badge of yours that is heard at a venue needs neither.
    """

    door: Annotated[str, Field(max_length=40)] | None = None
    fix: FixIn | None = None
    sent_at: Moment | None = None


class NewGather(Incoming):
    """Gather people here. community: they join this one, else a circle called `name` is founded.

    nonce: made anew for each tap, so that a retry finds what the first made.
    """

    here: Here = Here()
    name: Name = ""
    community: OfId | None = None
    nonce: Nonce | None = None


class Join(Incoming):
    """Come in by four digits. name: of who is not known on this phone, or none; nonce: as in `NewGather`."""

    digits: Annotated[str, Field(max_length=40)]
    here: Here = Here()
    name: Name = ""
    nonce: Nonce | None = None


class PersonOut(Outgoing):
    """Somebody who is in. by: how it is known that she is here: beacon, screen, poster, phone."""

    member: str
    name: str
    at: Moment
    by: str


class GatherOut(Outgoing):
    """A gathering here, for who is in. digits: null once it is over; community: null until the second is in.

    count: how many are in; people: who, for the founder alone.
    """

    id: str
    digits: str | None
    name: str
    community: str | None
    yours: bool
    ends_at: Moment
    now: Moment
    count: int
    people: list[PersonOut]


class Answer(Incoming):
    """Keep the circle, or let it go."""

    keep: bool


class QuestionOut(Outgoing):
    """Keep or let go? until: when it is decided at the latest; yours: your answer."""

    until: Moment
    members: int
    keep: int
    let_go: int
    yours: bool | None


def read(here: Here) -> Said:
    """What a request says of where she is."""
    fix = None
    if here.fix is not None:
        fix = Fix(*here.fix.position, here.fix.accuracy_m, here.fix.taken_at)
    return Said(here.door, fix, here.sent_at)


def show(session: Session, found: Gather, *, viewer_id: str, now: dt.datetime) -> GatherOut:
    """A gathering as the API shows it to who is in."""
    yours = found.founder_id == viewer_id
    return GatherOut(
        id=found.id,
        digits=found.digits if found.ends_at > now else None,
        name=found.name,
        community=found.community_id,
        yours=yours,
        ends_at=found.ends_at,
        now=now,
        count=gathers.count_in(session, found.id),
        people=[
            PersonOut(member=one.member_id, name=one.name, at=one.at, by=one.by)
            for one in (gathers.people_in(session, found.id) if yours else ())
        ],
    )


def show_question(found: Question) -> QuestionOut:
    """A question as the API shows it."""
    return QuestionOut(until=found.until, members=found.members, keep=found.keep, let_go=found.let_go, yours=found.mine)

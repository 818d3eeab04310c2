"""A circle of readers, somebody who proposes a dinner, and what everybody found in her inbox."""

import datetime as dt
import secrets
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.events.model import SignUp
from server.inbox.model import Notification
from server.people import service as people
from server.proposals import service as proposals
from server.proposals.model import Proposal
from server.proposals.service import NewOption
from tests.server.places import HOUR, NOW, make_cafe, make_members

DECIDE = NOW + 48 * HOUR
READERS = [f"r{number}" for number in range(8)]


def make_readers(session: Session, *, world: bool = True) -> None:
    """The community `readers` of r0 to r7; Dora belongs to none. world: the cafe and its people are made as well."""
    if world:
        make_members(session)
        make_cafe(session)
    communities.create(session, id="readers", name="Readers")
    for member_id in READERS:
        people.create(session, id=member_id, name=f"Reader {member_id}")
        communities.join(session, community_id="readers", member_id=member_id)


def at(hours: float, **more: Any) -> NewOption:
    """The cafe for two hours, so many hours from now."""
    starts_at = NOW + hours * HOUR
    return NewOption(starts_at, starts_at + 2 * HOUR, **{"venue_id": "cafe", **more})


def propose(session: Session, *options: NewOption, **more: Any) -> Proposal:
    """A dinner that r0 proposes to the readers, if three commit within two days."""
    given: dict[str, Any] = {
        "by_id": "r0",
        "title": "Dinner",
        "community_id": "readers",
        "quorum": 3,
        "decide_by": DECIDE,
        "now": NOW,
        "options": options or [at(72)],
    }
    return proposals.open(session, **{**given, **more})


def ids(session: Session, proposal: Proposal) -> list[int]:
    """The ids of its options."""
    return [option.id for option in proposals.options_of(session, proposal_id=proposal.id)]


def commit(session: Session, proposal: Proposal, who: str, *places: int, now: dt.datetime = NOW) -> Proposal:
    """Commits to the options at these places, or to the only one."""
    found = ids(session, proposal)
    wanted = [found[place] for place in places or (0,)]
    return proposals.commit(session, proposal_id=proposal.id, member_id=who, option_ids=wanted, now=now)


def going(session: Session, event_id: str | None, state: str = "going") -> set[str]:
    """Who is signed up, or waits."""
    return set(session.scalars(select(SignUp.member_id).where(SignUp.event_id == event_id, SignUp.state == state)))


def told(session: Session, kind: str) -> dict[str, tuple[str, dict[str, Any], str | None]]:
    """Who was told something of this kind: the sentence, its values and where it leads."""
    found = session.scalars(select(Notification).where(Notification.kind == kind)).all()
    assert len({note.member_id for note in found}) == len(found), "somebody was told twice"
    return {note.member_id: (note.sentence, note.values, note.link) for note in found}


def nonce() -> str:
    """A number for one tap."""
    return secrets.token_hex(16)

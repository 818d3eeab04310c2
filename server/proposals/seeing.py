"""Who reads a proposal, and who is told there by name that she can: those who let the viewer know, else a number."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from server import times
from server.communities import rights
from server.communities import service as communities
from server.communities.rights import JoinFirst
from server.consent import reading
from server.consent import rules as consent
from server.consent.rules import Kind, Level
from server.people.model import Member
from server.proposals import rules
from server.proposals.model import Proposal


class Who(NamedTuple):
    """Who can at an option, for one viewer. total: how many; names: of others, in their order; unnamed: how many."""

    total: int
    mine: bool
    names: tuple[str, ...]
    unnamed: int


def check_sees(session: Session, *, viewer: Member, community_id: str | None, by_id: str | None = None) -> None:
    """Raises JoinFirst unless what is proposed there is for her: a place may be where somebody lives.

    It is for who belongs to the community or decides about it, who proposed it (by_id), and operators; without a
    community for everybody.
    """
    if community_id is None or viewer.operator or by_id == viewer.id:
        return
    community = communities.get(session, community_id)
    if communities.belongs(session, community_id=community_id, member_id=viewer.id):
        return
    if not rights.decides(session, viewer, community):
        raise JoinFirst(
            "What is proposed in %(community)s is for its members: join it first.", community=community.name
        )


def who_can(
    session: Session, found: Mapping[Proposal, rules.Case], *, viewer: Member, now: dt.datetime
) -> dict[int, Who]:
    """Who can at each option of these proposals, as the viewer may know it.

    They sign up with who proposes: she sees them like the organizer of an event of theirs. Whose yes was said elsewhere
    did not, until she taps here. Members of the community see who said that they may. Whoever commits is counted for
    everybody.
    """
    eyes = _eyes(session, found, viewer)
    elsewhere = _elsewhere(session, [one for one in eyes if one.by_id == viewer.id])
    now_ms = times.to_ms(now)
    said = reading.said_by(session, {one for proposal in eyes for one in rules.everybody(found[proposal])})
    seen = {
        (proposal.id, one)
        for proposal, hers in eyes.items()
        for one in rules.everybody(found[proposal])
        if consent.level(*said[one], hers._replace(mine=(proposal.id, one) not in elsewhere), now_ms) is Level.NAME
    }
    rows = session.execute(select(Member.id, Member.name).where(Member.id.in_({one for _, one in seen})))
    named: dict[str, str] = dict(rows.all())
    who = {}
    for proposal, case in found.items():
        for option in case.options:
            others = [one for one in option.can if one != viewer.id]
            names = tuple(named[one] for one in others if (proposal.id, one) in seen)
            who[option.id] = Who(len(option.can), viewer.id in option.can, names, len(others) - len(names))
    return who


def _eyes(session: Session, found: Iterable[Proposal], viewer: Member) -> dict[Proposal, consent.Viewer]:
    """As whom the viewer looks at each of those proposals where she may see names."""
    of = {one.community_id for one in found if one.community_id is not None}
    belongs = {each for each in of if communities.belongs(session, community_id=each, member_id=viewer.id)}
    eyes = {}
    for one in found:
        if viewer.id == one.by_id:
            eyes[one] = consent.Viewer(Kind.ORGANIZER, one.event_id or one.id)
        elif one.community_id is not None and one.community_id in belongs:
            eyes[one] = consent.Viewer(Kind.COMMUNITY, one.community_id)
    return eyes


def _elsewhere(session: Session, found: Iterable[Proposal]) -> set[tuple[str, str]]:
    """Whose yes was said elsewhere, by proposal."""
    return {(row[0], row[1]) for row in session.execute(_COUNTED, {"proposals": [one.id for one in found]})}


_COUNTED = text("""
    SELECT DISTINCT proposal_id, commitment.member_id
    FROM commitment JOIN proposal_option ON proposal_option.id = option_id
    WHERE proposal_id = ANY(:proposals) AND counted
""")

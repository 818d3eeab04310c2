"""What decides about proposals, and what they offer: read of many at once, in as many statements as of one."""

from collections import defaultdict
from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from server.people import access
from server.people.model import Member
from server.proposals import rules
from server.proposals.model import Proposal, ProposalOption
from server.venues import service as venues
from server.venues.model import Venue


class Read(NamedTuple):
    """A proposal's options in their order, what decides about it, and what the places are called, by option.

    An empty name: the place is gone.
    """

    options: tuple[ProposalOption, ...]
    case: rules.Case
    places: dict[int, str]


def read(session: Session, proposals: Collection[Proposal]) -> dict[str, Read]:
    """These proposals, by their ids. Whoever has left the community since does not count there any more."""
    ids = [one.id for one in proposals]
    of: dict[str, list[ProposalOption]] = defaultdict(list)
    wanted = select(ProposalOption).where(ProposalOption.proposal_id.in_(ids))
    for option in session.scalars(wanted.order_by(ProposalOption.proposal_id, ProposalOption.position)):
        of[option.proposal_id].append(option)
    venue_ids = {option.venue_id for options in of.values() for option in options if option.venue_id is not None}
    there = {venue.id: venue for venue in session.scalars(select(Venue).where(Venue.id.in_(venue_ids)))}
    can: dict[int, list[str]] = defaultdict(list)
    for option_id, member_id in session.execute(_CAN, {"proposals": ids}):
        can[option_id].append(member_id)
    standing = {row.id: row for row in session.execute(_STANDING, {"proposals": ids})}
    by_ids = {row.by_id for row in standing.values() if row.belongs}
    proposers = {member.id: member for member in session.scalars(select(Member).where(Member.id.in_(by_ids)))}
    found = {}
    for one in proposals:
        by = proposers.get(standing[one.id].by_id) if standing[one.id].belongs else None
        options = tuple(of[one.id])
        case = rules.Case(
            one.quorum,
            one.most,
            one.decide_by,
            tuple(
                rules.Option(
                    option.id, option.starts_at, _stands(session, option, there, by), tuple(can.get(option.id, ()))
                )
                for option in options
            ),
            None if by is None else by.id,
            standing[one.id].dissolved,
        )
        places = {option.id: there[option.venue_id].name if option.venue_id else option.place for option in options}
        found[one.id] = Read(options, case, places)
    return found


def may_use(session: Session, proposer: Member, venue: Venue) -> bool:
    """Whether she may propose to meet there: somebody's home, and a place made for one gathering, are theirs alone."""
    return (venue.kind == "place" and venue.listed) or access.keeps(session, proposer, venue)


def _stands(session: Session, option: ProposalOption, there: dict[str, Venue], proposer: Member | None) -> bool:
    if option.venue_id is None:
        return option.place != ""
    venue = there[option.venue_id]
    ready = venues.is_ready(venue) and not venue.replayed
    return ready and (proposer is None or may_use(session, proposer, venue))


_CAN = text("""
    SELECT commitment.option_id, commitment.member_id
    FROM commitment JOIN proposal_option ON proposal_option.id = commitment.option_id
    JOIN proposal ON proposal.id = proposal_option.proposal_id
    WHERE proposal.id = ANY(:proposals) AND (proposal.community_id IS NULL OR EXISTS (
        SELECT FROM community_member
        WHERE community_member.community_id = proposal.community_id
          AND community_member.member_id = commitment.member_id))
    ORDER BY commitment.number
""")
_STANDING = text("""
    SELECT proposal.id, proposal.by_id, community.dissolved_at IS NOT NULL AS dissolved,
           proposal.by_id IS NOT NULL AND (community.id IS NULL OR EXISTS (
               SELECT FROM community_member
               WHERE community_member.community_id = community.id
                 AND community_member.member_id = proposal.by_id)) AS belongs
    FROM proposal LEFT JOIN community ON community.id = proposal.community_id
    WHERE proposal.id = ANY(:proposals)
""")

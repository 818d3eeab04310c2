"""Proposals over HTTP: opening one, committing, and letting it happen or taking it back."""

from fastapi import APIRouter

from server.communities import service as communities
from server.people import access
from server.proposals import schema, seeing
from server.proposals import service as proposals
from server.requests import Id, InPage, InTransaction, Now

router = APIRouter(prefix="/api", tags=["proposals"])


@router.get("/communities/{community_id}/proposals")
def list_proposals(
    community_id: Id, viewer: access.Viewer, session: InTransaction, page: InPage, now: Now
) -> list[schema.ProposalOut]:
    """What was proposed in a community, the newest first; for its members."""
    seeing.check_sees(session, viewer=viewer, community_id=communities.get(session, community_id).id)
    found = proposals.of_community(session, community_id=community_id, now=now, page=page)
    return schema.show_all(session, found, viewer, now)


@router.post("/proposals", status_code=201)
def open_proposal(
    wanted: schema.NewProposal, viewer: access.Account, session: InTransaction, now: Now
) -> schema.ProposalOut:
    """Proposes a gathering, for whoever belongs to its community; you are the first who commits, and its organizer."""
    proposal = proposals.open(
        session,
        by_id=viewer.id,
        title=wanted.title,
        about=wanted.about,
        kind=wanted.kind,
        community_id=wanted.community,
        quorum=wanted.quorum,
        most=wanted.most,
        decide_by=wanted.decide_by,
        options=schema.read(wanted),
        nonce=wanted.nonce,
        now=now,
    )
    return schema.show(session, proposal, viewer, now)


@router.get("/proposals/{proposal_id}")
def get_proposal(proposal_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> schema.ProposalOut:
    """A proposal as it stands now, with how many can at each of its options; for the members of its community."""
    proposal = proposals.get(session, proposal_id)
    seeing.check_sees(session, viewer=viewer, community_id=proposal.community_id, by_id=proposal.by_id)
    return schema.show(session, proposals.look(session, proposal_id=proposal_id, now=now), viewer, now)


@router.put("/proposals/{proposal_id}/commitment")
def commit_to_proposal(
    proposal_id: Id, wanted: schema.CommitmentIn, viewer: access.Viewer, session: InTransaction, now: Now
) -> schema.ProposalOut:
    """Says that you come if it is at one of exactly these options; for whoever belongs to its community."""
    proposal = proposals.commit(
        session, proposal_id=proposal_id, member_id=viewer.id, option_ids=wanted.options, now=now
    )
    return schema.show(session, proposal, viewer, now)


@router.delete("/proposals/{proposal_id}/commitment")
def take_back_commitment(
    proposal_id: Id, viewer: access.Viewer, session: InTransaction, now: Now
) -> schema.ProposalOut:
    """Takes back what you committed to; until it is settled."""
    proposal = proposals.commit(session, proposal_id=proposal_id, member_id=viewer.id, option_ids=(), now=now)
    return schema.show(session, proposal, viewer, now)


@router.post("/proposals/{proposal_id}/settle")
def settle_proposal(proposal_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> schema.ProposalOut:
    """Lets the best option happen before the time, since it has its quorum; for who proposed it."""
    proposal = proposals.settle(session, proposal_id=proposal_id, by_id=viewer.id, now=now)
    return schema.show(session, proposal, viewer, now)


@router.post("/proposals/{proposal_id}/withdraw")
def withdraw_proposal(proposal_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> schema.ProposalOut:
    """Takes a proposal back and tells who committed; for who proposed it."""
    proposal = proposals.withdraw(session, proposal_id=proposal_id, by_id=viewer.id, now=now)
    return schema.show(session, proposal, viewer, now)

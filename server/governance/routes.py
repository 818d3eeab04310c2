"""Communities as they are read, changed and decided about."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy.orm import Session

from config.settings import Life
from geo import areas
from server import versions
from server.communities import schema as communities_schema
from server.communities import service as communities
from server.communities.model import Community
from server.errors import Invalid
from server.governance import edits, ending, living, reading, rights, schema, votes, words
from server.governance import life as lives
from server.governance.model import Vote
from server.people import access
from server.people.model import Member
from server.requests import Id, IfMatch, InPage, InSettings, InTransaction, Now, Number
from server.texts import Texts

router = APIRouter(prefix="/api/communities", tags=["communities"])


@router.get("")
def list_communities(
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    page: InPage,
    mine: Annotated[bool | None, Query(description="only yours, or only the others")] = None,
    lon: Annotated[float | None, Query(ge=-180, le=180, description="with `lat`: only those at home there")] = None,
    lat: Annotated[float | None, Query(ge=-90, le=90, description="degrees (WGS 84)")] = None,
    under: Annotated[str | None, Query(max_length=64, description="only the circles of this house")] = None,
) -> list[communities_schema.CommunityOut]:
    """Communities by name, with how many belong to them; those asleep come last, dissolved ones not at all."""
    found = reading.list_living(
        session,
        viewer=viewer,
        life=settings.life,
        now=now,
        page=page,
        mine=mine,
        near=_check_near(lon, lat),
        under=under,
    )
    return [
        communities_schema.show(one.community, one.members, one.mine, schema.state_word(one.state)) for one in found
    ]


@router.get("/{community_id}")
def get_community(
    community_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    response: Response,
) -> schema.CommunityWhole:
    """A community, with how many belong to it, and how it lives."""
    community = communities.get(session, community_id)
    living.settle(session, community, settings.life, now)
    versions.tell(response, community)
    return _whole(session, community, viewer, settings.life, now)


@router.patch("/{community_id}")
def change_community(
    community_id: Id,
    wanted: schema.CommunityChange,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    response: Response,
    if_match: IfMatch = None,
) -> schema.CommunityWhole:
    """Changes what a community says of itself: a circle by whoever came to something of it, a house by who decides.

    With `If-Match`, unless it was changed meanwhile.
    """
    community = edits.change(
        session, viewer=viewer, community_id=community_id, wanted=wanted.wanted(), if_match=if_match, now=now
    )
    versions.tell(response, community)
    return _whole(session, community, viewer, settings.life, now)


@router.get("/{community_id}/changes")
def list_changes(
    community_id: Id, viewer: access.Viewer, session: InTransaction, now: Now, page: InPage
) -> list[schema.ChangeOut]:
    """What was changed, the newest first; of a dissolved community for its members."""
    community = communities.get(session, community_id)
    rights.check_history(session, viewer=viewer, community=community)
    found = edits.history(session, community_id, page)
    names = reading.names_shown(
        session, community_id, [one.by for one in found if one.by is not None], viewer_id=viewer.id, now=now
    )
    return [schema.show_change(one, viewer.id, names) for one in found]


@router.post("/{community_id}/changes/{change_id}/put-back")
def put_change_back(
    community_id: Id,
    change_id: Number,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    response: Response,
    wanted: schema.PutBack | None = None,
    if_match: IfMatch = None,
) -> schema.CommunityWhole:
    """Makes it what it was before a change; refused when it was changed again since, unless you say `over`."""
    community = edits.put_back(
        session,
        viewer=viewer,
        community_id=community_id,
        change_id=change_id,
        over=wanted is not None and wanted.over,
        if_match=if_match,
        now=now,
    )
    versions.tell(response, community)
    return _whole(session, community, viewer, settings.life, now)


@router.get("/{community_id}/votes", tags=["votes"])
def list_votes(
    community_id: Id, viewer: access.Viewer, session: InTransaction, now: Now, page: InPage, say: access.Say
) -> list[schema.VoteOut]:
    """The votes of a community, the newest first; for its members."""
    rights.check_member(session, viewer=viewer, community=communities.get(session, community_id))
    return [
        _vote(session, vote, viewer, say)
        for vote in votes.list_votes(session, community_id=community_id, now=now, page=page)
    ]


@router.post("/{community_id}/votes", status_code=201, tags=["votes"])
def open_vote(
    community_id: Id, wanted: schema.NewVote, viewer: access.Viewer, session: InTransaction, now: Now, say: access.Say
) -> schema.VoteOut:
    """Opens a vote among those who came to something of a circle in the last 90 days; for three days."""
    vote = votes.open_vote(
        session,
        viewer=viewer,
        community_id=community_id,
        kind=wanted.kind,
        now=now,
        member_id=wanted.member,
        called=wanted.called,
        about=wanted.about,
        reason=wanted.reason,
    )
    return _vote(session, vote, viewer, say)


@router.get("/{community_id}/votes/{vote_id}", tags=["votes"])
def get_vote(
    community_id: Id, vote_id: Number, viewer: access.Viewer, session: InTransaction, now: Now, say: access.Say
) -> schema.VoteOut:
    """A vote; for the members of its community, and for her whom it is about."""
    community = communities.get(session, community_id)
    vote = votes.get(session, community_id=community_id, vote_id=vote_id, now=now)
    if vote.member_id != viewer.id:
        rights.check_member(session, viewer=viewer, community=community)
    return _vote(session, vote, viewer, say)


@router.put("/{community_id}/votes/{vote_id}/ballot", tags=["votes"])
def cast_ballot(
    community_id: Id,
    vote_id: Number,
    wanted: schema.BallotIn,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
) -> schema.VoteOut:
    """Votes; until the end as often as you like, the last one counts. Nobody is told how you voted."""
    vote = votes.cast(session, viewer=viewer, community_id=community_id, vote_id=vote_id, yes=wanted.yes, now=now)
    return _vote(session, vote, viewer, say)


@router.put("/{community_id}/votes/{vote_id}/words", tags=["votes"])
def speak_in_vote(
    community_id: Id,
    vote_id: Number,
    wanted: schema.WordsIn,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
) -> schema.VoteOut:
    """What you say to those who vote about you."""
    vote = votes.speak(session, viewer=viewer, community_id=community_id, vote_id=vote_id, words=wanted.words, now=now)
    return _vote(session, vote, viewer, say)


@router.put("/{community_id}/keep", status_code=204)
def keep_community(community_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Keeps a community that is about to dissolve; for its members."""
    living.keep(session, community_id=community_id, member_id=viewer.id, now=now)


@router.post("/{community_id}/dissolve", status_code=204)
def dissolve_community(community_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Ends a house, for who decides about it, or a circle that has nobody but you; of others a vote decides."""
    ending.dissolve_by(session, viewer=viewer, community_id=community_id, now=now)


@router.delete("/{community_id}/members/{member_id}", status_code=204)
def remove_member(community_id: Id, member_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Takes somebody out of a house for a year, for who decides about it; of a circle a vote decides."""
    ending.remove_by(session, viewer=viewer, community_id=community_id, member_id=member_id, now=now)


@router.delete("/{community_id}/removals/{member_id}", status_code=204)
def readmit_member(community_id: Id, member_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Lets somebody come back to a house who was taken out, for who decides about it; into a circle a vote does."""
    ending.readmit_by(session, viewer=viewer, community_id=community_id, member_id=member_id, now=now)


def _check_near(lon: float | None, lat: float | None) -> tuple[float, float] | None:
    if lon is None and lat is None:
        return None
    try:
        return areas.check_position((lon, lat))
    except areas.PlaceError as error:
        raise Invalid("Where you are: %(why)s", why=error) from None


def _whole(
    session: Session, community: Community, viewer: Member, life: Life, now: dt.datetime
) -> schema.CommunityWhole:
    signs = reading.signs_of(session, community)
    members = reading.count_members(session, [community.id]).get(community.id, 0)
    belongs = communities.belongs(session, community_id=community.id, member_id=viewer.id)
    state = schema.state_word(lives.state_of(signs, life, now))
    said = edits.shown(session, community)
    home = said["home"]
    return schema.CommunityWhole(
        **communities_schema.show(community, members, belongs, state).model_dump(),
        charter=community.charter,
        interests=said["interests"],
        home_area=None if home is None else schema.HomeOut.model_validate(home),
        source_venue=community.source_venue_id,
        dissolves_at=lives.dissolves_at(signs, life) if lives.is_warned(signs) else None,
        may_edit=community.dissolved_at is None
        and edits.may_edit(session, viewer=viewer, community=community, now=now),
        has_word=votes.has_word(session, community_id=community.id, member_id=viewer.id, now=now),
    )


def _vote(session: Session, vote: Vote, viewer: Member, say: Texts) -> schema.VoteOut:
    seen = votes.seen_by(session, vote, viewer.id)
    return schema.show_vote(vote, seen, viewer.id, words.of_vote(vote, seen.cast, say))

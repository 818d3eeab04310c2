"""Having met over HTTP: one's own switch, and whom one met."""

from fastapi import APIRouter

from server.communities import service as communities
from server.met import reading, schema, trust
from server.met import service as met
from server.people import access
from server.requests import Id, InPage, InTransaction, Now

router = APIRouter(prefix="/api", tags=["met"])


@router.get("/me/met")
def list_met(
    viewer: access.Viewer, session: InTransaction, now: Now, page: InPage, say: access.Say
) -> list[schema.MeetingOut]:
    """Whom you met, the latest gathering first: who was in the same zone long enough, if both of you want to know."""
    found = reading.meetings(session, member_id=viewer.id, now=now, page=page)
    return [schema.show(one, say) for one in found]


@router.get("/me/met/switch")
def get_met_switch(viewer: access.Viewer, session: InTransaction) -> schema.SwitchOut:
    """Whether people you met may learn it."""
    return schema.SwitchOut(willing=met.willing(session, member_id=viewer.id))


@router.put("/me/met/switch")
def set_met_switch(wanted: schema.Switch, viewer: access.Viewer, session: InTransaction, now: Now) -> schema.SwitchOut:
    """Says whether people you met may learn it, and you of them; taken back it is hidden from both at once."""
    met.switch(session, member_id=viewer.id, willing=wanted.willing, now=now)
    return schema.SwitchOut(willing=wanted.willing)


@router.delete("/me/met/{member_id}", status_code=204)
def forget_met(member_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Hides somebody you met and you from each other, for good."""
    met.forget(session, member_id=viewer.id, other_id=member_id, now=now)


@router.get("/communities/{community_id}/word")
def get_word(
    community_id: Id, viewer: access.Viewer, session: InTransaction, now: Now, say: access.Say
) -> schema.WordOut:
    """Whether your word counts in a community, and why; yours alone to read."""
    communities.get(session, community_id)
    since = now - trust.CAME_WITHIN
    word = reading.word_of(session, community_id=community_id, member_id=viewer.id, since=since, now=now)
    return schema.show_word(word, say)

"""Face to face over HTTP: gathering, coming in by four digits, who is in; and keep or let go."""

from fastapi import APIRouter, Request, Response

from server.face_to_face import asking, coming, schema
from server.face_to_face import service as gathers
from server.limits.callers import InCaller
from server.people import access, cookies
from server.requests import Id, InSettings, InTransaction, Now

strangers = APIRouter(prefix="/api", tags=["face to face"])
router = APIRouter(prefix="/api", tags=["face to face"])


@strangers.post("/gathers", status_code=201)
def gather_here(
    wanted: schema.NewGather,
    request: Request,
    response: Response,
    viewer: access.ViewerIfAny,
    caller: InCaller,
    session: InTransaction,
    settings: InSettings,
    say: access.Say,
) -> schema.GatherOut:
    """Gathers people where you are: four digits that hold for ten minutes. Who gathers already finds hers again.

    Who is not known on this phone is signed in on it as a guest.
    """
    made = coming.gather(
        session,
        caller,
        said=schema.read(wanted.here),
        member=viewer,
        name=wanted.name,
        community_id=wanted.community,
        guest_name="",
        nonce=wanted.nonce,
        say=say,
    )
    if made.sign_in:
        cookies.enter(request, response, session, settings, member_id=made.member_id, how="name", now=caller.now)
    return schema.show(session, made.gather, viewer_id=made.member_id, now=caller.now)


@strangers.post("/gathers/join")
def join_gather(
    wanted: schema.Join,
    request: Request,
    response: Response,
    viewer: access.ViewerIfAny,
    caller: InCaller,
    session: InTransaction,
    settings: InSettings,
    say: access.Say,
) -> schema.GatherOut:
    """Comes in by the four digits of who gathers where you are; you belong to their circle then.

    Who is not known on this phone is signed in on it as a guest. Digits that nobody has here, that have ended, or that
    are somebody's elsewhere are answered alike.
    """
    found = coming.join(
        session,
        caller,
        typed=wanted.digits,
        said=schema.read(wanted.here),
        member=viewer,
        name=wanted.name,
        nonce=wanted.nonce,
        language=say.language,
    )
    if found.sign_in:
        cookies.enter(request, response, session, settings, member_id=found.member_id, how="name", now=caller.now)
    return schema.show(session, found.gather, viewer_id=found.member_id, now=caller.now)


@router.get("/gathers/{gather_id}")
def get_gather(gather_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> schema.GatherOut:
    """A gathering here, how many are in and until when; for who is in."""
    found = gathers.look(session, gather_id=gather_id, member_id=viewer.id, now=now)
    return schema.show(session, found, viewer_id=viewer.id, now=now)


@router.delete("/gathers/{gather_id}", status_code=204)
def end_gather(gather_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Ends it before its time; for who gathers. The circle stays, unless nobody else came."""
    gathers.end(session, gather_id=gather_id, by_id=viewer.id, now=now)


@router.delete("/gathers/{gather_id}/people/{member_id}", status_code=204)
def take_out_of_gather(gather_id: Id, member_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Takes somebody out while it lasts: who gathers anybody, everybody herself."""
    gathers.take_out(session, gather_id=gather_id, member_id=member_id, by_id=viewer.id, now=now)


@router.get("/communities/{community_id}/keeping")
def get_keeping(community_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> schema.QuestionOut:
    """Keep or let go: what is asked of the members of a circle that was founded face to face and fell silent."""
    found = asking.question(session, community_id=community_id, member_id=viewer.id, now=now)
    return schema.show_question(found)


@router.put("/communities/{community_id}/keeping", status_code=204)
def answer_keeping(
    community_id: Id, wanted: schema.Answer, viewer: access.Viewer, session: InTransaction, now: Now
) -> None:
    """Says whether to keep it; the last answer counts, until it is decided."""
    asking.answer(session, community_id=community_id, member_id=viewer.id, keep=wanted.keep, now=now)

"""Interests over HTTP: the vocabulary, which operators keep, and one's own."""

from fastapi import APIRouter, Response

from server import versions
from server.interests import schema
from server.interests import service as interests
from server.people import access
from server.requests import Id, IfMatch, InTransaction, Now

router = APIRouter(prefix="/api", tags=["interests"])


@router.get("/interests")
def list_interests(_viewer: access.Viewer, session: InTransaction, say: access.Say) -> list[schema.InterestOut]:
    """The vocabulary, those that are offered no more as well."""
    return [schema.show(interest, say) for interest in interests.list_all(session, retired=True)]


@router.post("/interests", status_code=201)
def add_interest(
    wanted: schema.NewInterest, _operator: access.Operator, session: InTransaction, say: access.Say
) -> schema.InterestOut:
    """Adds a word to the vocabulary; for operators."""
    interest = interests.add(session, id=schema.id_for(wanted), name_en=wanted.name_en, name_zh=wanted.name_zh)
    return schema.show(interest, say)


@router.get("/interests/{interest_id}")
def get_interest(
    interest_id: Id, _viewer: access.Viewer, session: InTransaction, response: Response, say: access.Say
) -> schema.InterestOut:
    """A word of the vocabulary."""
    interest = interests.get(session, interest_id)
    versions.tell(response, interest)
    return schema.show(interest, say)


@router.patch("/interests/{interest_id}")
def change_interest(
    interest_id: Id,
    wanted: schema.InterestChange,
    _operator: access.Operator,
    session: InTransaction,
    now: Now,
    response: Response,
    say: access.Say,
    if_match: IfMatch = None,
) -> schema.InterestOut:
    """Gives an interest other names, or offers it no more; for operators. What is tagged with it stays so."""
    interest = interests.get(session, interest_id, to_edit=True)
    versions.edit(interest, if_match)
    interests.change(session, interest, name_en=wanted.name_en, name_zh=wanted.name_zh)
    if wanted.retired is not None:
        interests.retire(session, interest, retired=wanted.retired, now=now)
    versions.tell(response, interest)
    return schema.show(interest, say)


@router.get("/me/interests")
def list_my_interests(viewer: access.Viewer, session: InTransaction, say: access.Say) -> list[schema.InterestOut]:
    """What you are interested in."""
    return [schema.show(interest, say) for interest in interests.of_member(session, member_id=viewer.id)]


@router.put("/me/interests")
def choose_my_interests(
    wanted: schema.Chosen, viewer: access.Viewer, session: InTransaction, say: access.Say
) -> list[schema.InterestOut]:
    """Says what you are interested in: exactly these."""
    interests.choose_for_member(session, member_id=viewer.id, ids=wanted.interests)
    return [schema.show(interest, say) for interest in interests.of_member(session, member_id=viewer.id)]

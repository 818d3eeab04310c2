"""Signing in and out, oneself, and members as operators see them."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from server.audit import schema as audit_schema
from server.audit import service as audit
from server.errors import Refused
from server.people import access, cookies, roles, schema
from server.people import service as people
from server.people.model import Member
from server.requests import Id, InPage, InSettings, InTransaction, Now

strangers = APIRouter(prefix="/api", tags=["people"])
router = APIRouter(prefix="/api", tags=["people"])


class NoChoosing(Refused):
    """Here nobody signs in by choosing a name: ask for a link, it works once."""

    code = "no_choosing"


def check_demo(settings: InSettings) -> None:
    """Raises NoChoosing unless this is a demonstration."""
    if not settings.server.demo:
        raise NoChoosing


def check_choosable(session: InTransaction, settings: InSettings, member_id: str) -> Member:
    """The member whom a visitor chose to be; raises NoChoosing, MemberUnknown."""
    check_demo(settings)
    member = people.get(session, member_id)
    if member.demo_order is None:
        raise NoChoosing
    return member


@strangers.post("/sign-in")
def sign_in(
    wanted: schema.SignIn,
    request: Request,
    response: Response,
    session: InTransaction,
    settings: InSettings,
    now: Now,
) -> schema.MemberOut:
    """Signs in as one of the demonstration's people; only a demonstration has them."""
    member = check_choosable(session, settings, wanted.member)
    cookies.enter(request, response, session, settings, member_id=member.id, how="name", now=now)
    return schema.show(member)


@router.post("/sign-out", status_code=204)
def sign_out(request: Request, response: Response, session: InTransaction) -> None:
    """Ends this browser's session."""
    people.sign_out(session, token=access.session_token(request))
    cookies.forget(response)


@router.get("/members")
def list_members(
    _operator: access.Operator,
    session: InTransaction,
    page: InPage,
    of: Annotated[schema.Email | None, Query(description="exactly this id or e-mail address: she, or nobody")] = None,
) -> list[schema.KnownOut]:
    """All members, by ids alone: nobody browses names or addresses. For operators."""
    found = people.list_all(session, page) if of is None else people.list_one(session, of.strip())
    return [schema.show_known(member) for member in found]


@router.post("/members", status_code=201)
def create_member(wanted: schema.NewMember, _operator: access.Operator, session: InTransaction) -> schema.MemberOut:
    """Makes a member known; for operators."""
    member = people.create(
        session,
        id=wanted.id or people.new_id(),
        name=wanted.name,
        about=wanted.about,
        operator=wanted.operator,
    )
    return schema.show(member)


@router.post("/members/{member_id}/sign-in-link", status_code=201)
def make_link(
    member_id: Id, operator: access.OwnOperator, session: InTransaction, settings: InSettings, now: Now
) -> schema.LinkOut:
    """Makes a link that signs this member in once, which is noted; for operators in person."""
    lifetime = dt.timedelta(minutes=settings.server.sign_in_link_minutes)
    token = people.make_link(session, member_id=member_id, now=now, lifetime=lifetime)
    audit.note(session, "link.made", of=f"member/{member_id}", by=operator.id, now=now)
    return schema.LinkOut(url=f"{settings.server.url}/sign-in/{token}", expires_at=now + lifetime)


@router.get("/operators")
def list_operators(_operator: access.Operator, session: InTransaction, page: InPage) -> list[schema.OperatorOut]:
    """Who runs this server, by their ids; for operators."""
    return [schema.OperatorOut(member=member.id) for member in roles.operators(session, page)]


@router.put("/operators/{member_id}", status_code=204)
def make_operator(member_id: Id, operator: access.OwnOperator, session: InTransaction, now: Now) -> None:
    """Lets a member run this server; twice is as once. For operators in person."""
    roles.make_operator(session, member_id=member_id, by=operator.id, now=now)


@router.delete("/operators/{member_id}", status_code=204)
def end_operator(member_id: Id, operator: access.OwnOperator, session: InTransaction, now: Now) -> None:
    """Ends that somebody runs this server; the last one stays. For operators in person."""
    roles.end_operator(session, member_id=member_id, by=operator.id, now=now)


@router.get("/audit")
def list_notes(_operator: access.Operator, session: InTransaction, page: InPage) -> list[audit_schema.NoteOut]:
    """What was granted, taken back, undone, erased and exported on this server, the newest first; for operators."""
    return [audit_schema.show(note) for note in audit.read(session, page=page)]

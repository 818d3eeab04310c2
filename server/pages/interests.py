"""The vocabulary of interests, kept by operators, and which of it forms offer to choose from."""

from collections.abc import Collection
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server import names, versions
from server.errors import MusterError, http_status
from server.interests import service as interests
from server.interests.model import Interest
from server.pages import render
from server.pages.doors import told
from server.people import access
from server.people.model import Member
from server.requests import InTransaction, Now
from server.texts import Texts

router = APIRouter(include_in_schema=False)

Line = Annotated[str, Form(max_length=1000)]


def offered(session: Session, chosen: Collection[str]) -> list[Interest]:
    """What a form offers: all that is not retired, and what was chosen before it was."""
    return [one for one in interests.list_all(session, retired=True) if one.retired_at is None or one.id in chosen]


@router.api_route("/operator/interests", methods=["GET", "HEAD"])
def show_interests(request: Request, operator: access.Operator, session: InTransaction, say: access.Say) -> Response:
    """All interests, each to be renamed or retired, and one field for a new one."""
    return _page(request, operator, session, say)


@router.post("/operator/interests")
def change_interests(
    request: Request,
    operator: access.Operator,
    session: InTransaction,
    now: Now,
    say: access.Say,
    act: Annotated[Literal["add", "rename", "retire", "offer"], Form()],
    interest: Annotated[str, Form(max_length=names.ID_MAX_LENGTH)] = "",
    name_en: Line = "",
    name_zh: Line = "",
    version: Annotated[str | None, Form(max_length=40)] = None,
) -> Response:
    """Adds an interest, gives it other names, offers it no more, or again."""
    try:
        with session.begin_nested():
            if act == "add":
                new_id = names.free_id(session, Interest.id, name_en, "interest")
                interests.add(session, id=new_id, name_en=name_en, name_zh=name_zh)
            else:
                found = interests.get(session, interest, to_edit=True)
                versions.edit(found, version)
                if act == "rename":
                    interests.change(session, found, name_en=name_en, name_zh=name_zh)
                else:
                    interests.retire(session, found, retired=act == "retire", now=now)
    except MusterError as error:
        typed = {"en": name_en, "zh": name_zh} if act == "add" else {}
        return _page(request, operator, session, say, error, typed)
    return RedirectResponse("/operator/interests", status_code=303)


def _page(
    request: Request,
    operator: Member,
    session: Session,
    say: Texts,
    error: MusterError | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    kept = interests.list_all(session, retired=True)
    shown = [
        {
            "id": one.id,
            "en": one.name_en,
            "zh": one.name_zh,
            "name": interests.name_of(one, say),
            "retired": one.retired_at is not None,
            "etag": versions.etag(one),
        }
        for one in kept
    ]
    return render.page(
        request,
        "operator_interests.html",
        status_code=200 if error is None else http_status(error),
        viewer=operator,
        interests=sorted(shown, key=lambda one: (one["retired"], one["name"])),
        most=interests.MOST_INTERESTS,
        typed={"en": "", "zh": "", **(typed or {})},
        says=told(error, say),
    )

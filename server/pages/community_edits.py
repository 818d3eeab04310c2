"""Changing a community, and what was changed before: two pages with plain forms."""

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, UploadFile
from sqlalchemy.orm import Session
from starlette import datastructures
from starlette.responses import RedirectResponse, Response

from server import paging, versions
from server.communities import service as communities
from server.communities.model import Community
from server.errors import MusterError, http_status
from server.governance import edits, reading, rights
from server.governance.model import CommunityChange
from server.interests import service as interests
from server.limits.callers import InCaller
from server.pages import facts, render
from server.pages.communities import READ, head_of
from server.pages.facts import Fact
from server.people import access
from server.people.model import Member
from server.pictures import service as pictures
from server.pictures.schema import url_of
from server.requests import Id, InPage, InTransaction, Now
from server.texts import Texts

router = APIRouter(include_in_schema=False)
Line = Annotated[str, Form(max_length=1000)]


@router.api_route("/communities/{community_id}/edit", methods=READ)
def show_edit(
    request: Request,
    community_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
) -> Response:
    """What it says of itself, to be changed by whoever may."""
    community = communities.get(session, community_id)
    edits.check_may_edit(session, viewer=viewer, community=community, now=now)
    typed = _as_typed(edits.shown(session, community))
    return _edit_page(request, community, viewer, session, now, say, typed)


@router.post("/communities/{community_id}/edit")
def change_community(
    request: Request,
    community_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    caller: InCaller,
    say: access.Say,
    name: Line = "",
    goal: Annotated[str, Form(max_length=2000)] = "",
    interest: Annotated[list[str] | None, Form(max_length=200)] = None,
    home_name: Line = "",
    lon: Annotated[str, Form(max_length=40)] = "",
    lat: Annotated[str, Form(max_length=40)] = "",
    radius_km: Annotated[str, Form(max_length=40)] = "",
    language: Annotated[str, Form(max_length=10)] = "",
    charter: Annotated[str, Form(max_length=20_000)] = "",
    version: Annotated[str | None, Form(max_length=40)] = None,
    picture: Annotated[UploadFile | str | None, File()] = None,
    no_picture: Annotated[bool, Form()] = False,
) -> Response:
    """Changes what was typed otherwise; what is not right is said above the form, with all that was typed."""
    typed: Fact = {
        "name": name,
        "goal": goal,
        "interests": sorted(set(interest or ())),
        "home_name": home_name,
        "lon": lon,
        "lat": lat,
        "radius_km": radius_km,
        "language": language,
        "charter": charter,
    }
    try:
        with session.begin_nested():
            wanted = _wanted(typed)
            if no_picture:
                wanted["picture"] = None
            elif isinstance(picture, datastructures.UploadFile):
                sent = pictures.take_sent(session, caller, picture.file, by=viewer.id)
                wanted |= {} if sent is None else {"picture": sent.id}
            edits.change(
                session, viewer=viewer, community_id=community_id, wanted=wanted, if_match=version, now=caller.now
            )
    except MusterError as error:
        community = communities.get(session, community_id)
        edits.check_may_edit(session, viewer=viewer, community=community, now=caller.now)
        return _edit_page(request, community, viewer, session, caller.now, say, typed, error)
    return RedirectResponse(f"/communities/{community_id}", status_code=303)


@router.api_route("/communities/{community_id}/history", methods=READ)
def show_history(
    request: Request,
    community_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    page: InPage,
) -> Response:
    """What was changed, the newest first, each with a button that puts it back."""
    return _history_page(request, community_id, viewer, session, now, say, page)


@router.post("/communities/{community_id}/history")
def put_back(
    request: Request,
    community_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    say: access.Say,
    page: InPage,
    change: Annotated[int, Form(ge=1, le=2**63 - 1)],
    over: Annotated[bool, Form()] = False,
) -> Response:
    """Puts a change back with one tap."""
    try:
        with session.begin_nested():
            edits.put_back(session, viewer=viewer, community_id=community_id, change_id=change, over=over, now=now)
    except MusterError as error:
        return _history_page(request, community_id, viewer, session, now, say, page, error)
    return RedirectResponse(f"/communities/{community_id}/history", status_code=303)


def _as_typed(said: dict[str, Any]) -> Fact:
    """What a community says of itself as the form's fields hold it."""
    home = said["home"] or {"name": "", "location": None, "radius_km": None}
    lon, lat = home["location"] or ("", "")
    return {
        "name": said["name"],
        "goal": said["goal"],
        "interests": said["interests"],
        "home_name": home["name"],
        "lon": str(lon),
        "lat": str(lat),
        "radius_km": "" if home["radius_km"] is None else f"{home['radius_km']:g}",
        "language": said["language"] or "",
        "charter": said["charter"],
    }


def _wanted(typed: Fact) -> dict[str, Any]:
    """The form's fields as a change; raises Invalid."""
    home = None
    if typed["home_name"].strip() or typed["lon"].strip() or typed["lat"].strip():
        home = {
            "name": typed["home_name"],
            "location": _place(typed["lon"], typed["lat"]),
            "radius_km": _number(typed["radius_km"]),
        }
    same = ("name", "goal", "interests", "charter")
    return {field: typed[field] for field in same} | {"home": home, "language": typed["language"] or None}


def _place(lon: str, lat: str) -> tuple[float | None, float | None] | None:
    """Longitude and latitude as typed; what is no number is refused by who checks places."""
    if not lon.strip() and not lat.strip():
        return None
    return _number(lon), _number(lat)


def _number(typed: str) -> float | None:
    try:
        return float(typed.strip().replace(",", "."))
    except ValueError:
        return None


def _edit_page(
    request: Request,
    community: Community,
    viewer: Member,
    session: Session,
    now: dt.datetime,
    say: Texts,
    typed: Fact,
    error: MusterError | None = None,
) -> Response:
    said = edits.shown(session, community)
    vocabulary = interests.list_all(session, retired=True)
    offered = [one for one in vocabulary if one.retired_at is None or one.id in said["interests"]]
    is_now = _as_typed(said)
    meanwhile = isinstance(error, versions.EditedMeanwhile)
    return render.page(
        request,
        "community_edit.html",
        status_code=http_status(error) if error is not None else 200,
        viewer=viewer,
        community=head_of(session, community, viewer, now, say),
        etag=versions.etag(community),
        typed=typed,
        # What it is now where that is another than was typed: somebody else's words, not to be lost by saving again.
        others={field: is_now[field] for field in typed if meanwhile and is_now[field] != typed[field]},
        picture=None if community.picture_id is None else url_of(community.picture_id),
        interests=sorted(({"id": one.id, "name": interests.name_of(one, say)} for one in offered), key=_by_name),
        sentence=None if error is None else say.gettext(error.template, **error.values),
    )


def _by_name(one: Fact) -> str:
    return str(one["name"]).casefold()


def _history_page(
    request: Request,
    community_id: str,
    viewer: Member,
    session: Session,
    now: dt.datetime,
    say: Texts,
    page: paging.Page,
    error: MusterError | None = None,
) -> Response:
    community = communities.get(session, community_id)
    rights.check_history(session, viewer=viewer, community=community)
    found, next_cursor = paging.with_next(page, lambda page: edits.history(session, community_id, page))
    said = edits.shown(session, community)
    named = reading.names_shown(
        session, community_id, [one.by for one in found if one.by is not None], viewer_id=viewer.id, now=now
    )
    vocabulary = {one.id: interests.name_of(one, say) for one in interests.list_all(session, retired=True)}
    return render.page(
        request,
        "community_history.html",
        status_code=http_status(error) if error is not None else 200,
        viewer=viewer,
        community=head_of(session, community, viewer, now, say),
        changes=[_change(one, viewer, said, named, vocabulary) for one in found],
        first=page.cursor is None,
        next_cursor=next_cursor,
        time_zone=facts.clock_of(viewer),
        sentence=None if error is None else say.gettext(error.template, **error.values),
    )


def _change(
    one: CommunityChange, viewer: Member, said: dict[str, Any], named: dict[str, str], vocabulary: dict[str, str]
) -> Fact:
    return {
        "id": one.id,
        "field": one.field,
        "was": _shown(one.field, one.was, vocabulary),
        "became": _shown(one.field, one.became, vocabulary),
        "at": one.at,
        "by": "you" if one.by == viewer.id else named.get(one.by or "", ""),
        "back": one.put_back_of is not None,
        "same": said[one.field] == one.was,  # nothing to put back
        "newest": said[one.field] == one.became,
    }


def _shown(field: str, value: Any, vocabulary: dict[str, str]) -> str:
    """A value as it is read; of a picture its address."""
    if value in (None, "", []):
        return ""
    if field == "picture":
        return url_of(value)
    if field == "interests":
        return ", ".join(vocabulary.get(one, one) for one in value)
    if field == "home":
        reach = "" if value["radius_km"] is None else f", {value['radius_km']:g} km"
        return f"{value['name']}{reach}"
    return {"en": "English", "zh": "中文"}.get(value, value) if field == "language" else str(value)

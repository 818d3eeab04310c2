"""The pages of communities: which there are, founding one, and one of them; each act is a form."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from config.settings import Settings
from geo import areas
from server import paging
from server.communities import founding
from server.communities import rights as community_rights
from server.communities import service as communities
from server.communities.model import Community
from server.errors import MusterError, http_status
from server.events.model import Event, Step
from server.governance import edits, ending, living, reading, votes
from server.governance import life as lives
from server.interests import service as interests
from server.pages import facts, render, stamps
from server.pages.facts import Fact
from server.people import access
from server.people import service as people
from server.people.model import Member
from server.pictures.schema import url_of
from server.requests import Id, InPage, InSettings, InTransaction, Now
from server.stamps.cards import Of
from server.texts import Texts
from server.venues import service as venues
from server.venues.model import Venue

router = APIRouter(include_in_schema=False)
READ = ["GET", "HEAD"]
MINE_SHOWN = 100  # more than anybody belongs to
CIRCLES_SHOWN = 50  # of a house's page

Shape = Literal["circle", "house"]


@router.api_route("/communities", methods=READ)
def show_communities(
    request: Request,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    page: InPage,
    lon: Annotated[float | None, Query()] = None,
    lat: Annotated[float | None, Query()] = None,
) -> Response:
    """Hers, then all others, or those that are at home where she is."""
    return _list(request, viewer, session, settings, now, say, page, near=_near(lon, lat))


@router.post("/communities")
def found_community(
    request: Request,
    viewer: access.Account,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    name: Annotated[str, Form(max_length=1000)] = "",
    shape: Annotated[Shape, Form()] = "circle",
    venue: Annotated[str, Form(max_length=64)] = "",
    under: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """A name and one tap: it is there."""
    try:
        with session.begin_nested():
            # Two taps are as one.
            made = founding.just_founded(session, name=name, by=viewer, now=now) or founding.found(
                session,
                name=name,
                by=viewer,
                now=now,
                shape=shape,
                venue_id=venue if venue and shape == "house" else None,
                parent_id=under or None,
            )
    except MusterError as error:
        if under:
            return _page(request, under, viewer, session, settings, now, say, error)
        everything = paging.Page(limit=paging.DEFAULT)
        return _list(request, viewer, session, settings, now, say, everything, near=None, error=error, typed=name)
    return RedirectResponse(f"/communities/{made.id}", status_code=303)


@router.api_route("/communities/{community_id}", methods=READ)
def show_community(
    request: Request,
    community_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
) -> Response:
    """One community: what it is for, how many belong to it, what comes next, how it lives."""
    living.settle(session, communities.get(session, community_id), settings.life, now)
    return _page(request, community_id, viewer, session, settings, now, say)


@router.post("/communities/{community_id}")
def act_on_community(
    request: Request,
    community_id: Id,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    act: Annotated[Literal["join", "leave", "keep", "dissolve"], Form()],
) -> Response:
    """Joins, leaves, keeps or ends it."""
    try:
        with session.begin_nested():
            if act == "join":
                communities.join(session, community_id=community_id, member_id=viewer.id, now=now)
            elif act == "leave":
                if communities.belongs(session, community_id=community_id, member_id=viewer.id):  # two taps are as one
                    communities.leave(session, community_id=community_id, member_id=viewer.id, now=now)
            elif act == "keep":
                living.keep(session, community_id=community_id, member_id=viewer.id, now=now)
            else:
                ending.dissolve_by(session, viewer=viewer, community_id=community_id, now=now)
    except MusterError as error:
        return _page(request, community_id, viewer, session, settings, now, say, error)
    return RedirectResponse(f"/communities/{community_id}", status_code=303)


def head_of(session: Session, community: Community, viewer: Member, now: dt.datetime, say: Texts) -> Fact:
    """What all pages of a community say of it: {"id", "name", "shape", "member", "may_edit", "dissolved_at", ...}."""
    return {
        "id": community.id,
        "name": say.name(community.name, community.simulated),
        "shape": community.shape,
        "version": community.version,
        "member": communities.belongs(session, community_id=community.id, member_id=viewer.id),
        "decides": community_rights.decides(session, viewer, community),
        "may_edit": community.dissolved_at is None
        and edits.may_edit(session, viewer=viewer, community=community, now=now),
        "dissolved_at": community.dissolved_at,
    }


def _near(lon: float | None, lat: float | None) -> tuple[float, float] | None:
    """Where she says she is; nonsense is as nothing."""
    try:
        return areas.check_position((lon, lat))
    except areas.PlaceError:
        return None


def _list(
    request: Request,
    viewer: Member,
    session: Session,
    settings: Settings,
    now: dt.datetime,
    say: Texts,
    page: paging.Page,
    *,
    near: tuple[float, float] | None,
    error: MusterError | None = None,
    typed: str = "",
) -> Response:
    mine_first = paging.Page(limit=MINE_SHOWN)
    life = settings.life
    mine = reading.list_living(session, viewer=viewer, life=life, now=now, mine=True, page=mine_first)
    others, next_cursor = paging.with_next(
        page,
        lambda page: reading.list_living(session, viewer=viewer, life=life, now=now, mine=False, near=near, page=page),
    )
    kept = {venue.id: venue for venue in venues.owned_by(session, member_id=viewer.id)}
    return render.page(
        request,
        "communities.html",
        status_code=http_status(error) if error is not None else 200,
        viewer=viewer,
        mine=_rows(session, mine, viewer, now, say) if page.cursor is None else [],
        others=_rows(session, others, viewer, now, say),
        dissolved=reading.dissolved_of(session, viewer.id) if page.cursor is None else [],
        first=page.cursor is None,
        near=None if near is None else {"lon": near[0], "lat": near[1]},
        next_cursor=next_cursor,
        venues=[{"id": one.id, "name": say.name(one.name, one.simulated)} for one in kept.values()],
        guest=viewer.guest,
        typed=typed,
        sentence=_told(error, say),
    )


def _told(error: MusterError | None, say: Texts) -> str | None:
    return None if error is None else say.gettext(error.template, **error.values)


def _rows(
    session: Session, listed: Sequence[reading.Living], viewer: Member, now: dt.datetime, say: Texts
) -> list[Fact]:
    """Communities in a list, each with its next gathering."""
    coming = reading.next_of(session, [one.community.id for one in listed], now, viewer=viewer)
    shown = dict(zip(coming, gatherings_of(session, list(coming.values()), now, say), strict=True))
    return [
        {
            "id": one.community.id,
            "name": say.name(one.community.name, one.community.simulated),
            "shape": one.community.shape,
            "goal": say.name(one.community.goal, one.community.simulated),
            "home": say.name(one.community.home_name, one.community.simulated),
            "picture": None if one.community.picture_id is None else url_of(one.community.picture_id),
            "state": one.state.value,
            "members": one.members,
            "next": shown.get(one.community.id),
        }
        for one in listed
    ]


def gatherings_of(session: Session, coming: Sequence[Event], now: dt.datetime, say: Texts) -> list[Fact]:
    """Gatherings to come, by the step that is next: {"id", "name", "venue", "starts_at", "running", ...}."""
    steps = reading.steps_next(session, [event.id for event in coming], now)
    return [_gathering(event, *steps[event.id], now, say) for event in coming]


def _gathering(event: Event, step: Step, venue: Venue, now: dt.datetime, say: Texts) -> Fact:
    return {
        "id": event.id,
        "name": say.name(event.name, event.simulated),
        "venue": say.name(venue.name, venue.simulated),
        "starts_at": step.starts_at,
        "ends_at": step.ends_at,
        "time_zone": venue.time_zone,
        "running": step.starts_at <= now,
    }


def _page(
    request: Request,
    community_id: str,
    viewer: Member,
    session: Session,
    settings: Settings,
    now: dt.datetime,
    say: Texts,
    error: MusterError | None = None,
) -> Response:
    community = communities.get(session, community_id)
    signs = reading.signs_of(session, community)
    said = edits.shown(session, community)
    barred = communities.removal_of(session, community_id=community_id, member_id=viewer.id)
    vocabulary = {one.id: one for one in interests.list_all(session, retired=True)}
    parent = None if community.parent_id is None else communities.get(session, community.parent_id)
    circles = (
        reading.list_living(
            session,
            viewer=viewer,
            life=settings.life,
            now=now,
            under=community_id,
            page=paging.Page(limit=CIRCLES_SHOWN),
        )
        if community.shape == "house"
        else []
    )
    head = head_of(session, community, viewer, now, say)
    return render.page(
        request,
        "community.html",
        status_code=http_status(error) if error is not None else 200,
        viewer=viewer,
        community=head
        | {
            "goal": say.name(community.goal, community.simulated),
            "charter": say.name(community.charter, community.simulated),
            "home": None
            if said["home"] is None
            else {**said["home"], "name": say.name(said["home"]["name"], community.simulated)},
            "language": community.language,
            "picture": None if community.picture_id is None else url_of(community.picture_id),
            "interests": [interests.name_of(vocabulary[one], say) for one in said["interests"]],
            "members": reading.count_members(session, [community_id]).get(community_id, 0),
            "state": lives.state_of(signs, settings.life, now).value,
            "dissolves_at": lives.dissolves_at(signs, settings.life) if lives.is_warned(signs) else None,
            "kept_until": ending.forgotten_from(community, settings.life.names_days),
            "gone_until": barred.until if barred is not None and now < barred.until else None,
            "source": _source(session, community, say),
            "orphaned": community.orphaned_at is not None,
            "alone": reading.is_alone(session, community_id=community_id, member_id=viewer.id),
        },
        parent=None if parent is None else {"id": parent.id, "name": say.name(parent.name, parent.simulated)},
        circles=_rows(session, circles, viewer, now, say),
        coming=gatherings_of(session, reading.coming_of(session, community_id, now, viewer=viewer), now, say),
        open_votes=votes.count_open(session, community_id=community_id, now=now) if head["member"] else 0,
        guest=viewer.guest,
        stamp_card=stamps.offered(session, Of("community", community.id), say),
        time_zone=facts.clock_of(viewer),
        sentence=_told(error, say),
    )


def _source(session: Session, community: Community, say: Texts) -> Fact | None:
    """Who publishes and decides in a house, who stands there with her name."""
    if community.source_venue_id is not None:
        venue = venues.get(session, community.source_venue_id)
        return {"name": say.name(venue.name, venue.simulated)}
    source_id = community.source_member_id
    if source_id is not None and communities.belongs(session, community_id=community.id, member_id=source_id):
        member = people.get(session, source_id)
        return {"name": say.name(member.name, member.simulated)}
    return None

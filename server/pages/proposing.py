"""Proposing a gathering, on one screen: what it is, its times and places, how many it takes."""

import datetime as dt
import zoneinfo
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server import fields, names
from server.communities import service as communities
from server.errors import Invalid, MusterError, http_status
from server.pages import facts, render
from server.pages.doors import new_nonce, told
from server.pages.gathering import kind_words
from server.people import access
from server.people.model import Member
from server.proposals import rules
from server.proposals import service as proposals
from server.proposals.service import NewOption
from server.requests import Id, InTransaction, Now
from server.texts import Texts
from server.venues import service as venues

router = APIRouter(include_in_schema=False)

READ = ["GET", "HEAD"]
SHOWN_AT_ONCE = 3  # of six options; the others wait behind one tap
HOURS = (1, 2, 3, 4, 6, 8)
PLACES_SHOWN = 30
DAY = dt.timedelta(days=1)

# Places in the order in which she may think of them: where her community met last, what she keeps, the others by name.
_PLACES = text("""
    SELECT venue.id, venue.name, venue.time_zone, venue.simulated
    FROM venue LEFT JOIN step ON step.venue_id = venue.id
         AND step.event_id IN (SELECT id FROM event WHERE community_id = :community)
    WHERE venue.listed AND venue.kind = 'place' AND NOT venue.replayed
      AND venue.owner_id IS NOT NULL AND venue.contact <> ''
    GROUP BY venue.id
    ORDER BY max(step.starts_at) DESC NULLS LAST, venue.owner_id = :member DESC, venue.name, venue.id LIMIT :most
""")


@router.api_route("/communities/{community_id}/propose", methods=READ)
def show_proposing(
    request: Request,
    community_id: Id,
    viewer: access.Account,
    session: InTransaction,
    say: access.Say,
) -> Response:
    """Proposing a gathering, on one screen."""
    if not communities.belongs(session, community_id=communities.get(session, community_id).id, member_id=viewer.id):
        raise proposals.MembersPropose
    return _proposing(request, session, viewer, community_id, say)


@router.post("/communities/{community_id}/propose")
def propose(
    request: Request,
    community_id: Id,
    viewer: access.Account,
    session: InTransaction,
    now: Now,
    say: access.Say,
    title: Annotated[str, Form(max_length=1000)] = "",
    quorum: Annotated[str, Form(max_length=20)] = "",
    most: Annotated[str, Form(max_length=20)] = "",
    decide_by: Annotated[str, Form(max_length=40)] = "",
    hours: Annotated[int, Form(ge=1, le=24)] = 2,
    about: Annotated[str, Form(max_length=5000)] = "",
    kind: Annotated[str, Form(max_length=20)] = "other",
    time_zone: Annotated[str, Form(max_length=64)] = "",
    nonce: Annotated[str, Form(max_length=64)] = "",
    starts: Annotated[list[str], Form(max_length=rules.MOST_OPTIONS)] = [],  # noqa: B006 -- FastAPI copies it
    place: Annotated[list[str], Form(max_length=rules.MOST_OPTIONS)] = [],  # noqa: B006
    where: Annotated[list[str], Form(max_length=rules.MOST_OPTIONS)] = [],  # noqa: B006
) -> Response:
    """Opens the proposal, or says what is missing beside what was typed."""
    typed = {
        "title": title,
        "quorum": quorum,
        "most": most,
        "decide_by": decide_by,
        "hours": hours,
        "about": about,
        "kind": kind,
        "time_zone": time_zone,
        "rows": [*zip(starts, place, where, strict=False)],
        "nonce": nonce,
    }
    try:
        with session.begin_nested():
            options = _read_options(session, starts, place, where, hours, time_zone)
            made = proposals.open(
                session,
                by_id=viewer.id,
                title=title,
                about=about,
                kind=kind,
                community_id=community_id,
                quorum=_number(quorum),
                most=_number(most) if most.strip() else None,
                decide_by=_read_end(decide_by, options, now, time_zone),
                options=[option for option, _ in options],
                nonce=nonce or None,
                now=now,
            )
    except MusterError as refused:
        return _proposing(request, session, viewer, community_id, say, typed, refused)
    return RedirectResponse(f"/proposals/{made.id}", status_code=303)


def _proposing(
    request: Request,
    session: Session,
    viewer: Member,
    community_id: str,
    say: Texts,
    typed: dict[str, Any] | None = None,
    refused: MusterError | None = None,
) -> Response:
    community = communities.get(session, community_id)
    given = {"community": community_id, "member": viewer.id, "most": PLACES_SHOWN}
    places = session.execute(_PLACES, given).all()
    zone = viewer.time_zone or (places[0].time_zone if places else facts.WITHOUT_PLACE)
    first = places[0].id if places else ""
    empty: dict[str, Any] = {
        "title": "",
        "quorum": "4",
        "most": "",
        "decide_by": "",
        "hours": 2,
        "about": "",
        "kind": "other",
        "time_zone": zone,
        "rows": [],
        "nonce": "",
    }
    shown = {**empty, **(typed or {})}
    rows = [*shown["rows"], *[("", first, "")] * rules.MOST_OPTIONS][: rules.MOST_OPTIONS]
    return render.page(
        request,
        "propose.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=viewer,
        community={"id": community.id, "name": say.name(community.name, community.simulated)},
        places=[{"id": row.id, "name": say.name(row.name, row.simulated)} for row in places],
        typed={**shown, "rows": rows, "nonce": shown["nonce"] or new_nonce()},
        shown=SHOWN_AT_ONCE,
        hours=HOURS,
        kinds=kind_words(say),
        zones=sorted(zoneinfo.available_timezones()),
        says=told(refused, say),
    )


def _read_options(
    session: Session, starts: list[str], places: list[str], wheres: list[str], hours: int, zone: str
) -> list[tuple[NewOption, str]]:
    """What was typed, each with its zone of time; rows without a time are none."""
    found = []
    for typed, place, where in zip(starts, places, wheres, strict=False):
        if not typed.strip():
            continue
        elsewhere = where.strip()
        venue_id = place if place and not elsewhere else None
        own = zone if venue_id is None else venues.get(session, venue_id).time_zone
        starts_at = _local(typed, own)
        ends_at = starts_at + dt.timedelta(hours=hours)
        found.append((NewOption(starts_at, ends_at, venue_id, None, elsewhere, None, own), own))
    return found


def _read_end(typed: str, options: list[tuple[NewOption, str]], now: dt.datetime, zone: str) -> dt.datetime:
    """Until when it is decided, by the clock of the first place; said nothing: a day before, or in half the time."""
    if typed.strip():
        return _local(typed, options[0][1] if options else zone)
    first = min((option.starts_at for option, _ in options), default=now)
    return max(first - DAY, now + (first - now) / 2)


def _local(typed: str, zone: str) -> dt.datetime:
    """A moment by the clock of a place; one that it skips is an hour later, one that it has twice the first."""
    try:
        local = dt.datetime.fromisoformat(typed.strip()[:40])
        found = local.replace(tzinfo=zoneinfo.ZoneInfo(zone), fold=0).astimezone(dt.UTC)
        return fields.read_moment(found.isoformat())
    except (ValueError, OverflowError, zoneinfo.ZoneInfoNotFoundError, OSError):
        raise Invalid("A day and a time look like 2026-03-13 19:30.") from None


def _number(typed: str) -> int:
    plain = names.check_name(typed, "number") if typed.strip() else ""
    if not (plain.isdecimal() and len(plain) <= 7):
        raise Invalid("How many it takes, and how many there is room for, are numbers.")
    return int(plain)

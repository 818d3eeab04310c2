"""Who may see you: the page and its forms, and leaving for good."""

import contextlib
import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server import fields, names, times
from server.consent import reading, rules
from server.consent import service as consent
from server.consent.rules import LEVELS, Kind, Level, Viewer
from server.erasure import routes as erasure_routes
from server.erasure import service as erasure
from server.erasure.routes import NameDiffers
from server.errors import MusterError
from server.pages import facts, render
from server.people import access, cookies
from server.people.model import Member
from server.requests import InSettings, InTransaction, Now
from server.texts import Texts

router = APIRouter(include_in_schema=False)

READ = ["GET", "HEAD"]
DAYS = (30, 90, 365)
Fact = dict[str, Any]

# Events until names are gone by themselves; places where she was of late or said something; her communities.
_EVENTS = text("""
    SELECT event.id, event.name, event.simulated, max(step.ends_at) AS ends_at, min(venue.time_zone) AS time_zone
    FROM event JOIN step ON step.event_id = event.id JOIN venue ON venue.id = step.venue_id
    WHERE event.id IN (
        SELECT event_id FROM sign_up WHERE member_id = :member AND state IN ('asked', 'going', 'waiting')
        UNION SELECT step.event_id FROM checkin JOIN step ON step.id = checkin.step_id WHERE checkin.member_id = :member
        UNION SELECT of_id FROM consent WHERE member_id = :member AND kind = 'organizer' AND ended_at IS NULL)
    GROUP BY event.id HAVING max(step.ends_at) > :since ORDER BY min(step.starts_at), event.id
""")
_VENUES = text("""
    SELECT id, name, simulated, time_zone FROM venue
    WHERE id IN (
        SELECT visit.venue_id FROM pairing JOIN visit ON visit.badge_id = pairing.badge_id
             AND pairing.valid
                 && tstzrange(to_timestamp(visit.from_ms / 1000.0), to_timestamp(visit.to_ms / 1000.0), '[]')
        WHERE pairing.member_id = :member AND visit.reach_ms >= :since_ms
        UNION SELECT venue_id FROM checkin WHERE member_id = :member AND at >= :since
        UNION SELECT step.venue_id FROM sign_up JOIN step USING (event_id)
              WHERE sign_up.member_id = :member AND sign_up.state IN ('asked', 'going', 'waiting')
              AND step.ends_at > :since
        UNION SELECT of_id FROM consent WHERE member_id = :member AND kind = 'venue' AND ended_at IS NULL)
    ORDER BY name, id
""")
_COMMUNITIES = text("""
    SELECT community.id, community.name, community.simulated
    FROM community JOIN community_member ON community.id = community_id
    WHERE member_id = :member ORDER BY name, id
""")
PLACES_BACK = dt.timedelta(days=30)
EVENTS_BACK = dt.timedelta(days=1)


@router.api_route("/me/consent", methods=READ)
def show_consent(
    request: Request, viewer: access.Viewer, session: InTransaction, now: Now, say: access.Say
) -> Response:
    """Who sees her: by whom, how much, until when; and the switch that hides her from everybody."""
    lasting = consent.pause_of(session, member_id=viewer.id)
    return render.page(
        request,
        "consent.html",
        viewer=viewer,
        paused=None if lasting is None else lasting.since,
        groups=groups(session, viewer, now, say),
        time_zone=facts.clock_of(viewer),
        days=DAYS,
    )


@router.post("/me/consent")
def say_consent(
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    kind: Annotated[Kind, Form()],
    level: Annotated[Literal["hidden", "counted", "name", "usual"], Form()],
    of: Annotated[str, Form(max_length=names.ID_MAX_LENGTH)] = "",
    days: Annotated[int, Form(ge=1, le=365)] = DAYS[0],
) -> Response:
    """Says something about one viewer, or about all of a kind; `usual` takes back what was said."""
    of_id = of or None
    if level == "usual":
        with contextlib.suppress(consent.NothingSaid):  # two taps are as one
            consent.take_back(session, member_id=viewer.id, kind=kind, of_id=of_id, now=now)
    else:
        until = now + dt.timedelta(days=days) if level == "name" else None
        consent.say(
            session,
            member_id=viewer.id,
            kind=kind,
            of_id=of_id,
            level=LEVELS[level],
            until=until,
            source="page",
            now=now,
        )
    return RedirectResponse(f"/me/consent#{kind}-{of}" if of else f"/me/consent#{kind}", status_code=303)


@router.post("/me/consent/pause")
def switch_pause(
    viewer: access.Viewer, session: InTransaction, now: Now, on: Annotated[Literal["yes", "no"], Form()]
) -> Response:
    """Hides her from everybody, or lets what she said hold again."""
    if on == "yes":
        consent.pause(session, member_id=viewer.id, now=now)
    else:
        consent.resume(session, member_id=viewer.id, now=now)
    return RedirectResponse("/me/consent", status_code=303)


@router.api_route("/me/erase", methods=READ)
def show_erase(request: Request, viewer: access.Viewer, session: InTransaction, now: Now, say: access.Say) -> Response:
    """What goes and what stays, and what has to be handed over first."""
    return _erase_page(request, viewer, session, now, say)


@router.post("/me/erase")
def erase(
    request: Request,
    viewer: access.InPerson,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    name: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Erases her, and shows the receipt once."""
    try:
        erasure_routes.check_typed(viewer, name)
        receipt = erasure.erase(session, member_id=viewer.id, now=now, presence=settings.presence)
    except (NameDiffers, erasure.LastOperator, erasure.HandOverFirst) as error:
        return _erase_page(request, viewer, session, now, say, error)
    response = render.page(
        request,
        "erased.html",
        number=receipt.number,
        at=receipt.at,
        counts=receipt.counts,
        stays=receipt.stays,
    )
    cookies.forget(response)
    return response


def groups(session: Session, viewer: Member, now: dt.datetime, say: Texts) -> list[Fact]:
    """Per kind of viewer those there are, with what each sees now and until when."""
    said = reading.said_by(session, [viewer.id])[viewer.id]
    now_ms = times.to_ms(now)
    of = {"member": viewer.id, "since": now - EVENTS_BACK, "since_ms": times.to_ms(now - PLACES_BACK)}
    found: list[Fact] = []
    events = session.execute(_EVENTS, of).all()
    seen = {row.id: reading.for_event(session, row.id, [viewer.id])[viewer.id].organizer for row in events}
    found.append(
        _group(
            Kind.ORGANIZER,
            said,
            [
                _entry(Kind.ORGANIZER, row.id, say.name(row.name, row.simulated), seen[row.id], said, now_ms)
                for row in events
            ],
        )
    )
    for kind, rows in (
        (Kind.VENUE, session.execute(_VENUES, {**of, "since": now - PLACES_BACK}).all()),
        (Kind.COMMUNITY, session.execute(_COMMUNITIES, of).all()),
    ):
        entries = [
            _entry(
                kind,
                row.id,
                say.name(row.name, row.simulated),
                rules.windows(*said, Viewer(kind, row.id)),
                said,
                now_ms,
            )
            for row in rows
        ]
        found.append(_group(kind, said, entries))
    found.append(_group(Kind.PEOPLE, said, []))
    return found


def _group(kind: Kind, said: reading.Said, entries: list[Fact]) -> Fact:
    wide = next((grant for grant in said.grants if grant.kind is kind and grant.of_id is None), None)
    return {"kind": kind.value, "entries": entries, "wide": None if wide is None else wide.level.word}


def _entry(kind: Kind, of_id: str, name: str, seen: rules.Windows, said: reading.Said, now_ms: int) -> Fact:
    """level: what is seen now; until: when that changes by itself, to `then`."""
    place = next(number for number, window in enumerate(seen) if now_ms < window.to_ms)
    changes = seen[place].to_ms < times.to_ms(fields.LATEST)
    return {
        "kind": kind.value,
        "id": of_id,
        "name": name,
        "level": seen[place].level.word,
        "until": times.from_ms(seen[place].to_ms) if changes else None,
        "then": seen[place + 1].level.word if changes else None,
        "said": any(grant.kind is kind and grant.of_id == of_id and now_ms < grant.until_ms for grant in said.grants),
        "named": seen[place].level is Level.NAME,
    }


def _erase_page(
    request: Request,
    viewer: Member,
    session: Session,
    now: dt.datetime,
    say: Texts,
    error: MusterError | None = None,
) -> Response:
    standing = erasure.standing(session, member_id=viewer.id, now=now)
    told = None if error is None else say.gettext(error.template, **error.values)
    return render.page(
        request,
        "erase.html",
        status_code=422 if error else 200,
        viewer=viewer,
        name=viewer.name,
        told=told,
        standing={
            "last_operator": standing.last_operator,
            "venues": [say.name(name, viewer.simulated) for name in standing.venues],
            "events": [say.name(name, viewer.simulated) for name in standing.events],
        },
        is_clear=standing.is_clear,
    )

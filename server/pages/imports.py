"""Bringing the places of a file: first a look at what it would bring, then all of it or nothing; for operators."""

import hashlib
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Request, UploadFile
from sqlalchemy.orm import Session
from starlette import datastructures
from starlette.responses import Response

from server.errors import Fault, Invalid, MusterError, TooLarge, http_status
from server.pages import footprints, render
from server.pages.doors import told
from server.pages.facts import Fact
from server.pages.pins import Chosen, read_pin
from server.people import access
from server.people.model import Member
from server.requests import InSettings, InTransaction, texts_for
from server.texts import Texts
from server.venues import categories, imports
from server.venues.found import FileBroken, Found, Place

router = APIRouter(include_in_schema=False)

READ = ["GET", "HEAD"]
PLACES_SHOWN = 50  # of those that are found: enough to know a town again
MOST_PLACES = 5000  # some 35 s; who waits longer for a page thinks that it is gone
PLACES_PER_S = 140  # measured on two busy cores: 5,000 in 36 s, 93 of Monaco in 0.6 s
FORMS: tuple[imports.Format, ...] = ("osm", "geojson", "imdf")
_OSM = "https://www.openstreetmap.org/"

Line = Annotated[str, Form(max_length=1000)]


class FileNeeded(Invalid):
    """Choose the file first."""

    code = "file_needed"


class TooManyPlaces(TooLarge):
    """This file has %(num)s places, and a page brings %(most)s at most: muster venue import brings them all."""

    code = "too_many_places"


@router.api_route("/operator/places", methods=READ)
def show_import(request: Request, operator: access.Operator, settings: InSettings) -> Response:
    """A file, and what has to be known of it."""
    return _page(request, operator, settings.server.upload_mb, {})


@router.post("/operator/places")
def import_places(
    request: Request,
    operator: access.Operator,
    session: InTransaction,
    settings: InSettings,
    act: Annotated[Literal["look", "import"], Form()] = "look",
    looked: Line = "",
    file: Annotated[UploadFile | str | None, File()] = None,
    form: Annotated[Literal["", "osm", "geojson", "imdf"], Form()] = "",
    datum: Chosen = "wgs84",
    near: Line = "",
    source: Annotated[str, Form(max_length=80)] = "",
    owner: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Says what a file would bring, or brings it, if this is what was looked at before."""
    typed = {"form": form, "datum": datum, "near": near, "source": source, "owner": owner}
    most_mb, say = settings.server.upload_mb, texts_for(request)
    outcome: Fact | None = None
    refused: MusterError | None = None
    mark = ""
    try:
        data = _read(file, most_mb)
        found = imports.read(data, form or None, datum=datum, near=read_pin(near, datum), source=source.strip() or None)
        if len(found.places) > MOST_PLACES:
            raise TooManyPlaces(num=len(found.places), most=MOST_PLACES)
        mark = _mark(data, typed)
        brings = act == "import" and looked == mark
        outcome, refused = _take(session, found, owner.strip() or None, say, brings=brings)
        outcome["another"] = refused is None and act == "import" and not brings
    except MusterError as error:
        refused = error
    if refused is not None or (outcome is not None and outcome["brought"]):
        mark = ""
    return _page(request, operator, most_mb, typed, outcome=outcome, looked=mark, refused=refused)


def _read(file: UploadFile | str | None, most_mb: int) -> bytes:
    """The bytes of the file that was sent; raises FileNeeded, FileBroken, TooLarge."""
    if not isinstance(file, datastructures.UploadFile) or not file.filename:
        raise FileNeeded
    data = file.file.read(most_mb * 1_000_000 + 1)
    if not data:
        raise FileBroken("This file is empty.")
    if len(data) > most_mb * 1_000_000:
        raise TooLarge("A file has at most %(most)s MB here: muster venue import takes larger ones.", most=most_mb)
    return data


def _mark(data: bytes, typed: Fact) -> str:
    """By which what was looked at is known again: the file, and what was said of it."""
    said = repr(sorted((key, value.strip()) for key, value in typed.items()))
    return hashlib.sha256(hashlib.sha256(data).digest() + said.encode()).hexdigest()


def _take(
    session: Session, found: Found, owner_id: str | None, say: Texts, *, brings: bool
) -> tuple[Fact, FileBroken | None]:
    """What an import did, or would do where it only looks or the file is broken."""
    done: dict[str, tuple[str, imports.Done]] = {}
    broken: FileBroken | None = None
    taken: imports.Taken | None = None

    def note(place: Place, venue_id: str, what: imports.Done) -> None:
        done[place.source] = (venue_id, what)

    inside = session.begin_nested()
    try:
        taken = imports.take(session, found, owner_id=owner_id, note=note)
    except FileBroken as error:
        broken = error
    except BaseException:
        inside.rollback()
        raise
    if brings and broken is None:
        inside.commit()
    else:
        inside.rollback()
    said: dict[str, str] = {source: what for source, (_, what) in done.items()}
    drawing = footprints.draw([place for place in found.places if place.source in said], said)
    # What is new first: that is what is looked for.
    order = {"made": 0, "updated": 1, "unchanged": 2}
    sound = sorted((place for place in found.places if place.source in done), key=lambda one: order[said[one.source]])
    shown = [_place(place, *done[place.source], there=brings, say=say) for place in sound[:PLACES_SHOWN]]
    return {
        "brought": brings and broken is None,
        "taken": taken,
        "sound": len(sound),
        "places": shown,
        "more": len(sound) - len(shown),
        "drawing": drawing,
        "left_out": found.left_out,
    }, broken


def _place(place: Place, venue_id: str, done: imports.Done, *, there: bool, say: Texts) -> Fact:
    category = categories.CATEGORIES.get(place.category or "other", categories.CATEGORIES["other"])
    return {
        "name": place.name,
        "about": ", ".join(part for part in (say.gettext(category), place.address) if part),
        "href": f"/venues/{venue_id}" if there or done != "made" else None,
        "zones": len(place.areas),
        "done": done,
    }


def _fault(fault: Fault, say: Texts) -> Fact:
    """What is wrong with which feature; what OpenStreetMap has wrong is mended there."""
    source = fault.at.removeprefix("osm/")
    return {
        "at": fault.at,
        "href": f"{_OSM}{source}" if source != fault.at else None,
        "says": say.gettext(fault.why.template, **fault.why.values),
    }


def _page(
    request: Request,
    operator: Member,
    most_mb: int,
    typed: dict[str, Any],
    *,
    outcome: Fact | None = None,
    looked: str = "",
    refused: MusterError | None = None,
) -> Response:
    say = texts_for(request)
    empty = {"form": "", "datum": "wgs84", "near": "", "source": "", "owner": ""}
    return render.page(
        request,
        "places_import.html",
        status_code=200 if refused is None else http_status(refused),
        viewer=operator,
        most_mb=most_mb,
        thousand_s=round(1000 / PLACES_PER_S),
        typed={**empty, **typed},
        outcome=outcome,
        looked=looked,
        says=told(refused, say),
        faults=[_fault(one, say) for one in (() if refused is None else refused.faults)],
    )

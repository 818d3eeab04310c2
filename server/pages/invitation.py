"""The public page of a gathering, what publishing it gives: to read, to come, to post, to keep in a calendar."""

import datetime as dt
from typing import Literal

from fastapi import APIRouter, Request
from starlette.responses import Response

from server import clocks, texts
from server.pages import render
from server.pages.facts import Fact
from server.people import access
from server.requests import Id, InSettings, InTransaction, Now
from server.sharing import reading, words
from server.sharing.gathering import Gathering, Part, Veiled
from server.texts import Texts

strangers = APIRouter(include_in_schema=False)

READ = ["GET", "HEAD"]
OTHER = {"en": "zh", "zh": "en"}
LOCALES = {"en": "en_GB", "zh": "zh_CN"}  # as Open Graph calls them


@strangers.api_route("/g/{event_id}", methods=READ)
def show_invitation(
    request: Request,
    event_id: Id,
    viewer: access.ViewerIfAny,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    lang: Literal["", "en", "zh"] = "",
) -> Response:
    """A gathering for everybody who has its link; of one for members alone, others learn that it is there."""
    spoken = texts.of(lang) if lang else say
    seen = reading.see(session, event_id, viewer=viewer, say=spoken)
    time_zone = None if viewer is None else viewer.time_zone
    shown = told(seen, spoken, now, settings.server.url, time_zone)
    return render.page(request, "invitation.html", viewer=viewer, say=spoken, **shown)


def told(seen: Gathering | Veiled, say: Texts, now: dt.datetime, own_url: str, time_zone: str | None) -> Fact:
    """What the page tells, as its template takes it; time_zone: her own, if she ever said it."""
    address = f"{own_url}/g/{seen.id}"
    version = "" if isinstance(seen, Veiled) else f"&v={seen.version + sum(part.version for part in seen.parts)}"
    return {
        "event": _veiled(seen, say) if isinstance(seen, Veiled) else _open(seen, say, now, time_zone),
        "address": address,
        "picture": f"/g/{seen.id}/picture.png?lang={say.language}{version}",
        "own_url": own_url,
        "line": words.line(seen, say, now, address),
        "other": OTHER[say.language],
        "locale": LOCALES[say.language],
    }


def _veiled(veiled: Veiled, say: Texts) -> Fact:
    title = say.gettext("For members of %(community)s", community=veiled.community)
    return {
        "id": veiled.id,
        "phase": "veiled",
        "title": title,
        "says": say.gettext("%(weekday)s, for members", weekday=words.weekday(veiled, say)),
        "community": veiled.community,
        "weekday": words.weekday(veiled, say),
    }


def _open(gathering: Gathering, say: Texts, now: dt.datetime, time_zone: str | None) -> Fact:
    phase = gathering.phase(now)
    day, hours = words.days_of(gathering, say, now), words.hours_of(gathering, say)
    first = gathering.first
    host = say.gettext("with %(host)s", host=gathering.host)
    title = gathering.name
    if phase == "cancelled":
        title = say.gettext("Called off: %(title)s", title=gathering.name)
    return {
        "id": gathering.id,
        "phase": phase,
        "title": title,
        "says": " · ".join([words.when_of(gathering, say, now), words.where_of(gathering, say), host]),
        "name": gathering.name,
        "host": gathering.host,
        "community": gathering.community,
        "community_id": gathering.community_id,
        "about": gathering.about,
        "price": gathering.price,
        "reason": gathering.reason,
        "limit": first.capacity if len(gathering.parts) == 1 else None,
        "day": day,
        "hours": hours,
        "starts_at": gathering.starts_at,
        "zone": words.zone_of(gathering, say),
        "time_zone": first.time_zone,
        # Without a script we know her clock only if she told us.
        "elsewhere": time_zone != first.time_zone,
        "place": _place(first),
        "parts": [_part(part, say, now) for part in gathering.parts] if len(gathering.parts) > 1 else [],
    }


def _part(part: Part, say: Texts, now: dt.datetime) -> Fact:
    starts, ends = (clocks.there(at, part.time_zone) for at in (part.starts_at, part.ends_at))
    return {
        "name": part.name,
        "day": words.day(part.starts_at, part.time_zone, say, now, short=True),
        "starts_at": part.starts_at,
        "until": clocks.moment(ends, say) if clocks.takes_days(starts, ends) else "",
        "time_zone": part.time_zone,
        "place": _place(part),
    }


def _place(part: Part) -> Fact:
    place = part.place
    pin = None
    if place.pin is not None:
        longitude, latitude = place.pin
        # RFC 5870; whoever knows it opens the map that its reader chose, and nobody else hears of it.
        pin = f"geo:{latitude:.6f},{longitude:.6f}?q={latitude:.6f},{longitude:.6f}({render.quote(place.name)})"
    return {"name": place.name, "address": place.address, "pin": pin, "position": place.pin}

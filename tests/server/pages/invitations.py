"""Invitations in each of their states, and calendars, as their pages take them."""

import dataclasses
import datetime as dt
import io
from typing import Any

from fastapi.responses import Response
from PIL import Image

from server.pages import invitation
from server.sharing.gathering import Gathering, Part, Place, Veiled
from server.texts import IN_ENGLISH

URL = "https://muster.example"
HOUR = dt.timedelta(hours=1)


def invitations(now: dt.datetime) -> dict[str, dict[str, Any]]:
    """What the page takes, by the last part of its address."""
    start = (now + 30 * HOUR).replace(minute=0, second=0, microsecond=0)
    place = Place("Café Lumen", "Weserstraße 12, Neukölln", (13.405, 52.52))
    part = Part("coming-1", "Supper", start, start + 3 * HOUR, "Europe/Berlin", place, 40)
    home = dataclasses.replace(part, id="coming-2", name="Soup", place=Place("At Mei's", "Kreuzberg"))
    coming = Gathering(
        "coming",
        "An evening with letters that were never sent, read aloud",
        "Cléo Martin",
        (part,),
        now,
        community="Night readers",
        community_id="readers",
        about="Bring one of yours.\n\nThere is soup.",
        price="Whatever you like",
    )
    past = dataclasses.replace(part, starts_at=now - 5 * HOUR, ends_at=now - 2 * HOUR)
    shown: dict[str, Gathering | Veiled] = {
        "coming": coming,
        "over": dataclasses.replace(coming, parts=(past,)),
        "cancelled": dataclasses.replace(coming, standing="cancelled", reason="The kitchen is closed."),
        "rally": dataclasses.replace(coming, name="W" * 80, parts=(part, home)),
        "members": Veiled("members", "Night readers", 4),
    }
    return {name: invitation.told(each, IN_ENGLISH, now, URL, None) for name, each in shown.items()}


def calendars(now: dt.datetime) -> dict[str, Any]:
    """What the page of calendars takes, her own link shown."""
    address = "muster.example/calendars/4fT0k1nThatNobodyCanGuess0123456.ics"
    link = {"key": "mine", "name": "", "address": f"https://{address}", "webcal": f"webcal://{address}"}
    return {
        "made_at": now,
        "time_zone": "Europe/Berlin",
        "mine": link,
        "others": [{**link, "key": "community-readers", "name": "Night readers"}],
    }


def small_picture() -> Response:
    """A share picture in small."""
    out = io.BytesIO()
    Image.new("RGB", (27, 36), "#0e1217").save(out, "PNG")
    return Response(out.getvalue(), media_type="image/png")

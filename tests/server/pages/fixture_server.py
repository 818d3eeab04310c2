"""A small server for the pages alone: real templates and static files, made-up evenings, a stream that a test steers.

Run by hand: ``python -m tests.server.pages.fixture_server`` plays an evening on port 8899.
"""

import asyncio
import datetime
import json
import random
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import fastapi
import uvicorn
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse

from server.pages import planning, render, said
from server.pages.gathering import kind_words
from server.requests import texts_for
from server.texts import IN_ENGLISH
from tests.server.pages import invitations, scenes

HAND_PORT = 8899
HEARTBEAT_S = 15.0
START_TIMEOUT_S = 20.0
WAYS = [
    {"role": "attendee", "name": "Robin"},
    {"role": "owner", "name": "Amina Haddad"},
    {"role": "organizer", "name": "Robin"},
    {"role": "operator", "name": "Jun Park"},
]
TOUR = [
    {"role": role, "chapter": chapter, "name": "", "picture": None, "who": who}
    for role, chapter, who in (("rally", "begin", None), ("proposal", "begin", None), ("report", "after", "Jonas"))
]
SCAN = """{% extends "base.html" %}{% from "_scan.html" import scanner %}
{% block content %}<h1>Come in</h1>{{ scanner("/d") }}{% endblock %}"""
LED_TO = '<link rel="icon" href="data:,"><p>{}</p>'
PEOPLE = [
    ("robin", "Robin", "That's you: a badge in your pocket, on the street, an evening free.", True),
    ("ana", "Ana Marković", "Hosts the Night of short stories. Sees who has come.", False),
    ("chen", "Chen Lihua", "Runs Left Bank Books. Sees how many are in each room.", False),
    ("jonas", "Jonas", "Signed up for tonight. Walks in with his badge.", False),
    ("olga", "Olga Petrenko", "Runs this server. Sees every Pi.", False),
]


class Feed:
    """Topics of one stream, and everybody who listens to it."""

    def __init__(self, topics: dict[str, Any]) -> None:
        self.topics = topics
        self.broken = False  # streams end, and new ones are turned away
        self._listeners: dict[asyncio.Queue[str | None], asyncio.AbstractEventLoop] = {}

    @property
    def listeners(self) -> int:
        return len(self._listeners)

    def _message(self, kind: str, topics: dict[str, Any]) -> str:
        now = scenes.text(datetime.datetime.now(datetime.UTC))
        return f"event: {kind}\ndata: {json.dumps({'at': now, 'simulated': True, 'topics': topics})}\n\n"

    def push(self, topics: dict[str, Any]) -> None:
        """Merge a delta into what a later snapshot holds, and send it to everybody."""
        for name, news in topics.items():
            topic = self.topics[name]
            topic["rev"] += 1
            for key, value in news.items():
                if key in ("zones", "agents", "badges", "arrivals"):
                    known = {entry["id"]: entry for entry in topic[key]}
                    for entry in value:
                        known[entry["id"]] = {**known.get(entry["id"], {}), **entry}
                    topic[key] = list(known.values())
                else:
                    topic[key] = {**(topic[key] or {}), **value} if isinstance(value, dict) else value
        revised = {name: {"rev": self.topics[name]["rev"], **news} for name, news in topics.items()}
        self._tell(self._message("delta", revised))

    def break_off(self) -> None:
        """End every stream and turn new ones away until `mend`."""
        self.broken = True
        self._tell(None)

    def mend(self) -> None:
        """Let streams begin again."""
        self.broken = False

    def _tell(self, message: str | None) -> None:
        for queue, loop in list(self._listeners.items()):
            loop.call_soon_threadsafe(queue.put_nowait, message)

    def respond(self) -> fastapi.Response:
        """A stream: the snapshot first, deltas after it."""
        if self.broken:
            return JSONResponse({"status": 503}, status_code=503)
        queue: asyncio.Queue[str | None] = asyncio.Queue()

        async def lines() -> AsyncIterator[str]:
            self._listeners[queue] = asyncio.get_running_loop()
            try:
                yield self._message("snapshot", self.topics)
                while True:
                    try:
                        message = await asyncio.wait_for(queue.get(), HEARTBEAT_S)
                    except TimeoutError:
                        message = ": still here\n\n"
                    if message is None:
                        return
                    yield message
            finally:
                del self._listeners[queue]

        return StreamingResponse(lines(), media_type="text/event-stream")


class Evening:
    """All the feeds of the fixture, and what the demonstration's steering was told."""

    def __init__(self, now: datetime.datetime) -> None:
        streets = scenes.neighbourhood(now)
        shop = scenes.bookshop(now)
        self.event = Feed({"event/short-stories": scenes.short_stories(now), "venue/left-bank": shop})
        self.venue = Feed({"venue/left-bank": scenes.bookshop(now)})
        self.empty = Feed({"venue/new": scenes.neighbourhood(now)["venue/workshop"] | {"badges": []}})
        self.empty.topics["venue/new"]["zones"][0]["count"] = 0
        self.demo = Feed(dict(streets))
        self.me = Feed({"member/robin": {"rev": 1, "checkins": [], "refusals": []}})
        self.world = scenes.world(streets)
        self.moves: list[dict[str, float]] = []
        self.switched: list[tuple[str, bool]] = []
        self.undone: list[int] = []

    def let_in(self, now: datetime.datetime) -> None:
        """Robin is checked in at the cafe."""
        checkin = {
            "event": {"id": "open-mic", "name": "Open mic"},
            "step": {
                "id": "evening",
                "name": "The evening",
                "venue": {"id": "cafe", "name": "Café Lumen"},
                "zone": None,
                "ends_at": scenes.text(now + datetime.timedelta(hours=2)),
            },
            "at": scenes.text(now),
            "id": 7,
            "evidence": "beacon",
            "sentence": f"{render.local_time(now, scenes.TIME_ZONE)} · by your badge, at the bar",
            "undone": False,
        }
        self.me.push({"member/robin": {"checkins": [checkin]}})


def gatherings(now: datetime.datetime) -> list[dict[str, Any]]:
    """Two gatherings: one hosted and running, one to go to."""
    common = {
        "venue_name": "Left Bank Books",
        "time_zone": scenes.TIME_ZONE,
        "step_name": None,
        "checked_in_at": None,
        "owns": True,
        "state": "published",
    }
    return [
        {
            **common,
            "id": "short-stories",
            "name": "Night of short stories",
            "href": "/events/short-stories/live",
            "role": "organizer",
            "starts_at": now - datetime.timedelta(minutes=17),
            "ends_at": now + datetime.timedelta(minutes=133),
            "running": True,
            "signed_up": 57,
            "arrived": 44,
        },
        {
            **common,
            "id": "dumplings",
            "name": "Dumplings, eight hands",
            "venue_name": "Aunt Chen's kitchen",
            "href": None,
            "role": "going",
            "starts_at": now + datetime.timedelta(days=1),
            "ends_at": now + datetime.timedelta(days=1, hours=3),
            "running": False,
            "signed_up": None,
            "arrived": None,
        },
    ]


def create(evening: Evening) -> fastapi.FastAPI:
    """The application: every page in each of its states, and the streams."""
    app = fastapi.FastAPI()
    app.mount(render.STATIC_PATH, render.static_files())
    robin = {"id": "robin", "name": "Robin", "operator": False, "unread": 2}
    now = datetime.datetime.now(datetime.UTC)
    step = {
        "name": "The evening",
        "venue_name": "Left Bank Books",
        "time_zone": scenes.TIME_ZONE,
        "starts_at": now - datetime.timedelta(minutes=17),
        "ends_at": now + datetime.timedelta(minutes=133),
    }
    upcoming = {
        "id": "open-mic",
        "name": "Open mic",
        "step_name": None,
        "venue_name": "Café Lumen",
        "zone_name": None,
        "time_zone": scenes.TIME_ZONE,
        "starts_at": now + datetime.timedelta(minutes=20),
        "ends_at": now + datetime.timedelta(minutes=140),
        "opens_at": now - datetime.timedelta(minutes=40),
        "signed_up": True,
    }

    def page(path: str, name: str, /, **context: Any) -> None:
        def respond(request: fastapi.Request) -> fastapi.Response:
            say = texts_for(request)
            frame = {"viewer": None, "demo": True, "path": request.url.path}
            return render.respond(render.environment(say.language).get_template(name), {**frame, **context})

        app.add_api_route(path, respond, methods=["GET"], response_class=fastapi.responses.HTMLResponse)

    def stream(path: str, feed: Feed) -> None:
        app.add_api_route(path, lambda: feed.respond(), methods=["GET"], response_class=StreamingResponse)

    page("/", "home.html", viewer=robin, gatherings=gatherings(now), demo_href="/demo", ways=WAYS, tour=TOUR, places=[
        {"id": "left-bank", "name": "Left Bank Books", "href": "/venues/left-bank/live", "here": 42,
         "visits": 118, "as_of": now,
         "time_zone": scenes.TIME_ZONE, "replayed": False, "agents": 7, "agents_listening": 6, "owns": True},
        {"id": "new", "name": "Aunt Chen's kitchen", "href": "/venues/new/live", "here": None,
         "visits": 0, "as_of": now,
         "time_zone": scenes.TIME_ZONE, "replayed": False, "agents": 1, "agents_listening": 0, "owns": True},
    ])  # fmt: skip
    page("/nothing-yet", "home.html", viewer=robin, gatherings=[], places=[], demo_href=None, ways=[], tour=[])
    page("/welcome", "landing.html", ways=[], tour=[])
    page("/welcome-to-the-demonstration", "landing.html", ways=WAYS, tour=TOUR)
    people = [{"id": i, "name": name, "says": says, "first": first} for i, name, says, first in PEOPLE]
    signing_in: dict[str, Any] = {"email": "", "sentence": None, "passwords": False}
    page("/sign-in", "sign_in.html", people=people, next="/tonight", **signing_in)
    page("/sign-in-by-link", "sign_in.html", people=[], next="/", demo=False, **signing_in)
    page("/sign-in/fresh", "sign_in_link.html", name="Ana Marković", action="/sign-in/fresh")
    page("/sign-in/used", "sign_in_link.html", name=None, action="/sign-in/used")
    operation = {
        "method": "GET",
        "path": "/api/venues/{venue}",
        "says": "One venue.",
        "takes": [{"name": "venue", "kind": "string", "required": True}],
        "gives": "Venue",
    }
    page("/api-docs", "api_docs.html", groups={"venues": [operation]}, openapi="/api/openapi.json", version="1")
    authority = {
        "name": "muster on shop (3fa0)",
        "fingerprint": [f"{each:02X}" for each in range(0x60, 0x80)],
        "until": now + datetime.timedelta(days=3000),
        "secure_url": "https://192.168.178.21:8443",
        "named_url": "https://shop.local:8443",
    }
    page("/trust", "trust.html", authority=authority, secure=False)
    page("/trusted", "trust.html", authority=authority, secure=True)
    page("/trust-nobody", "trust.html", authority=None, secure=False)
    page("/trust-not-needed", "trust.html", authority=None, secure=True)

    page(
        "/new",
        "new.html",
        viewer=robin,
        said=said.Said(
            venue="left-bank", day="2026-03-20", time="19:00", time_zone="UTC", nonce="a-nonce"
        ).model_dump(),
        places=[{"id": "left-bank", "name": "Left Bank Books", "time_zone": scenes.TIME_ZONE, "zones": []}],
        pins=[["Left Bank Books", 2.3471, 48.8526]],
        communities=[{"id": "readers", "name": "Night readers"}],
        kinds=kind_words(IN_ENGLISH),
        hours=said.HOURS,
        most_guests=20,
        repeats=planning.REPEATS,
        interests=[{"id": "chess", "name": "Chess"}],
        says=None,
    )
    for name, invited in invitations.invitations(now).items():
        page(f"/g/{name}", "invitation.html", **invited)
    app.add_api_route("/g/{name}/picture.png", invitations.small_picture)
    page("/calendars", "calendars.html", viewer=robin, **invitations.calendars(now))

    @app.get("/scan")
    def scan() -> fastapi.Response:
        return render.respond(render.environment().from_string(SCAN), {"viewer": robin, "demo": True, "path": "/scan"})

    @app.get("/d")
    def typed(code: str) -> fastapi.Response:
        return HTMLResponse(LED_TO.format(f"typed {code}"))

    @app.get("/d/{code}")
    def read(code: str) -> fastapi.Response:
        return HTMLResponse(LED_TO.format(f"read {code}"))

    for status in (401, 403, 404, 500):
        page(f"/went-wrong/{status}", "error.html", status=status, detail=None)
    phone = {"viewer": robin, "upcoming": [upcoming], "checkins": [], "time_zone": scenes.TIME_ZONE}
    page(
        "/tonight", "tonight.html", **phone, badge={"label": "Badge 99"}, card=None, asked=None, live_url="/api/me/live"
    )
    page("/tonight-without-badge", "tonight.html", **phone, badge=None, card=None, asked=None, live_url="/api/me/live")
    event = {"id": "short-stories", "name": "Night of short stories", "steps": [step]}
    page(
        "/events/short-stories/live",
        "event_live.html",
        viewer=robin,
        event=event,
        simulated=True,
        live_url="/api/events/short-stories/live",
    )
    for venue_id, name in (("left-bank", "Left Bank Books"), ("new", "Aunt Chen's kitchen")):
        venue = {"id": venue_id, "name": name, "time_zone": scenes.TIME_ZONE}
        page(
            f"/venues/{venue_id}/live",
            "venue_live.html",
            viewer=robin,
            venue=venue,
            simulated=True,
            live_url=f"/api/venues/{venue_id}/live",
            recorded_at=None,
            visits={"count": 118, "unobserved": 3, "as_of": now},
            keeps=False,
            greetings=[],
        )
    page("/demo", "demo.html", viewer=robin, live_url="/api/live", world_url="/api/demo", phone_url="/tonight")
    stream("/api/events/short-stories/live", evening.event)
    stream("/api/venues/left-bank/live", evening.venue)
    stream("/api/venues/new/live", evening.empty)
    stream("/api/live", evening.demo)
    stream("/api/me/live", evening.me)

    @app.get("/api/signed-out")
    def signed_out() -> fastapi.Response:
        return JSONResponse({"status": 401}, status_code=401)

    @app.get("/api/demo")
    def tell_world() -> dict[str, Any]:
        return evening.world

    @app.post("/api/check-ins/{checkin_id}/undo", status_code=204)
    def undo(checkin_id: int) -> None:
        evening.undone.append(checkin_id)
        checkins = [{**each, "undone": True} for each in evening.me.topics["member/robin"]["checkins"]]
        evening.me.push({"member/robin": {"checkins": checkins}})

    @app.post("/api/demo/you")
    def move_you(place: dict[str, float]) -> dict[str, bool]:
        evening.moves.append(place)
        return {"moved": True}

    @app.post("/api/demo/agents/{agent_id}")
    def switch_agent(agent_id: str, wanted: dict[str, bool]) -> dict[str, bool]:
        evening.switched.append((agent_id, wanted["running"]))
        next(agent for agent in evening.world["agents"] if agent["id"] == agent_id)["running"] = wanted["running"]
        return wanted

    @app.post("/api/demo/you/badge")
    def leave_badge(wanted: dict[str, bool]) -> dict[str, bool]:
        evening.world["you"]["left"] = wanted["left"]
        return wanted

    @app.post("/api/demo/crowd")
    def call_crowd() -> dict[str, bool]:
        evening.world["crowd"] = True
        return {"called": True}

    @app.post("/api/demo/venues/{venue_id}")
    def connect(venue_id: str, wanted: dict[str, bool]) -> dict[str, bool]:
        next(venue for venue in evening.world["venues"] if venue["id"] == venue_id)["online"] = wanted["online"]
        return wanted

    return app


class Running:
    """The fixture on a free loopback port, in a thread of this process."""

    def __init__(self, port: int = 0) -> None:
        self.evening = Evening(datetime.datetime.now(datetime.UTC))
        self._socket = socket.create_server(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(create(self.evening), log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def start(self) -> None:
        """Start and wait until it answers."""
        self._thread.start()
        end = time.monotonic() + START_TIMEOUT_S
        while not self._server.started:
            if time.monotonic() > end:
                raise TimeoutError("the fixture server did not start")
            time.sleep(0.02)

    def stop(self) -> None:
        """End the streams, then the server, and wait for both."""
        evening = self.evening
        for feed in (evening.event, evening.venue, evening.empty, evening.demo, evening.me):
            feed.break_off()
        self._server.should_exit = True
        self._thread.join(START_TIMEOUT_S)
        self._socket.close()


def live(evening: Evening, rng: random.Random) -> None:
    """One beat of an evening for the eye: somebody changes the room."""
    topic = evening.event.topics["venue/left-bank"]
    moving = rng.choice([each for each in topic["badges"] if each["state"] == "present"])
    rooms = {each["id"]: each for each in topic["zones"] if each["state"] == "covered"}
    old, new = rooms[moving["zone"]], rooms[rng.choice(list(rooms))]
    zones = [{"id": old["id"], "count": old["count"] - 1}, {"id": new["id"], "count": new["count"] + 1}]
    if old is not new:
        evening.event.push({"venue/left-bank": {"zones": zones, "badges": [{"id": moving["id"], "zone": new["id"]}]}})


if __name__ == "__main__":
    running = Running(HAND_PORT)
    running.start()
    sys.stdout.write(f"{running.url}/events/short-stories/live\n")
    chance = random.Random()
    while True:
        time.sleep(1.5)
        live(running.evening, chance)

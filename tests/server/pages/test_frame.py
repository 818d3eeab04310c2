"""What every page has around it, whoever wrote the page."""

import re
from types import SimpleNamespace

from fastapi.testclient import TestClient

from server.people import access
from tests.server import test_access
from tests.server.test_access import World
from tests.server.test_app import addresses

world = test_access.world
SIMULATED = "Simulated demonstration"
WHO = ("organizer", "owner", "operator", "community host", "attendee")
# A tablet that is shown to a room: nobody is signed in there. And what programs ask.
WITHOUT_FRAME = {"/screen/{token}", "/readyz", "/metrics"}
LEAST = 50  # pages that somebody of WHO reads: fewer, and the walk lost its way


def test_every_page_of_a_member_says_that_it_is_a_demonstration(world: World) -> None:
    world.app.state.broker = SimpleNamespace(is_connected=False)
    read: list[str] = []
    silent: list[str] = []
    browser = TestClient(world.app, raise_server_exceptions=False, headers={"accept": "text/html"})
    for method, path in addresses(world.app):
        if method != "GET" or path.startswith("/api/") or path in WITHOUT_FRAME:
            continue
        for actor in WHO:
            browser.cookies.set(access.COOKIE, world.tokens[actor])
            named = re.sub(r"{(\w+)}", lambda part: str(world._name(actor, part[1], path)), path)  # noqa: B023
            answer = browser.get(named, follow_redirects=False)
            world.session.expunge_all()
            if "text/html" in answer.headers.get("content-type", "") and SIMULATED not in answer.text:
                silent.append(f"{path} {answer.status_code}")
            if answer.status_code not in (403, 404):
                read += [path] if answer.status_code == 200 else []
                break
    assert silent == []
    assert len(read) >= LEAST, read

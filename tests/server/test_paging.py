"""Pages of lists: each row once, in order, whatever is added meanwhile; and cursors that are none are refused."""

import base64
import json
from itertools import chain

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from geo import ranking
from server import paging, times
from server.badges import service as badges
from server.checkins import service as checkins
from server.communities import service as communities
from server.doors import asks
from server.doors import service as doors
from server.events import service as events
from server.inbox import browsers, log
from server.interests import service as interests
from server.messages import service as messages
from server.people import passkeys, roles, tokens
from server.people import service as people
from server.people.model import Member
from server.phones import beacons
from server.phones import service as phones
from server.presence.model import Visit
from server.pulse import service as pulse
from server.stamps import routes as stamp_routes
from server.stamps import service as stamps
from server.venues import service as venues
from tests.server.conftest import As
from tests.server.places import HOUR, IDENTITY, NOW

# Lists that are given as a whole, and what bounds each.
WHOLE = {
    "/api/events/{event_id}/doors": doors.MOST_DOORS,  # open ones
    "/api/venues/{venue_id}/doors": doors.MOST_DOORS,
    "/api/venues/{venue_id}/staff": roles.MOST_HELPERS,
    "/api/communities/{community_id}/hosts": roles.MOST_HELPERS,
    "/api/events/{event_id}/hosts": roles.MOST_HELPERS,
    "/api/me/tokens": tokens.MOST_TOKENS,
    "/api/me/passkeys": passkeys.MOST_PASSKEYS,
    "/api/events/{event_id}/pulses": pulse.MOST_PULSES,
    "/api/events/{event_id}/messages": messages.MOST,
    "/api/stamp-cards": stamp_routes.MOST_STANDING,
    "/api/me/stamps": stamps.MOST_HELD,
    "/api/me/notifications/browsers": browsers.MOST_BROWSERS,
    "/api/me/notifications/{note_id}/deliveries": log.MOST_SHOWN,
    "/api/interests": interests.MOST_INTERESTS,
    "/api/me/interests": interests.MOST_TAGS,
    "/api/me/phones": phones.MOST_PHONES,
    "/api/me/positions": phones.MOST_PHONES + 3,  # and of a browser, a visit, a home
    "/api/venues/{venue_id}/beacons": beacons.MOST_BEACONS,
    "/api/nearby/weights": len(ranking.FACTORS),
}


def walk(client: TestClient, path: str, limit: int) -> list[list[dict[str, object]]]:
    """All pages of a list, as a program reads them that follows the Link header."""
    pages = []
    url: str | None = f"{path}{'&' if '?' in path else '?'}limit={limit}"
    while url is not None:
        answer = client.get(url)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
        url = answer.links.get("next", {}).get("url")
        assert len(pages) < 100
    return pages


def test_anonymous_is_refused_whatever_the_cursor(as_: As) -> None:
    assert as_(None).get("/api/members?cursor=made-up").json()["code"] == "sign_in_needed"


def test_every_list_of_the_api_comes_in_pages(app: FastAPI) -> None:
    unpaged = []
    for path, operations in app.openapi()["paths"].items():
        if "get" not in operations:
            continue
        answer = operations["get"]["responses"].get("200", {})
        schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
        named = {parameter["name"] for parameter in operations["get"].get("parameters", ())}
        if schema.get("type") == "array" and not {"limit", "cursor"} <= named:
            unpaged.append(path)
    assert sorted(unpaged) == sorted(WHOLE), (
        "take requests.InPage and read with it (server/paging.py), or say its bound"
    )
    assert max(WHOLE.values()) <= paging.MOST, "what is longer than the longest page comes in pages"


def test_asks_sessions_parts_and_remembered_places_come_in_pages(as_: As, session: Session) -> None:
    step = events.NewStep("Talk", "cafe", NOW, NOW + HOUR)
    events.create(session, id="talk", name="Night", organizer_id="cleo", steps=[step])
    for number, member_id in enumerate(("ben", "dora", "ana")):
        asks.open_ask(
            session,
            step_id="talk-1",
            member_id=member_id,
            reason="full",
            evidence="poster",
            door_id=None,
            nonce=bytes([number]) * 32,
            made_guest=False,
            now=NOW - HOUR * (number % 2),
        )
    assert [row["name"] for page in walk(as_("cleo"), "/api/events/talk/asks", 1) for row in page] == [
        "Dora Lindqvist",
        "Ben Okafor",
        "Ana Moreno",
    ]
    dora = as_("dora")
    for number in range(3):
        communities.create(session, id=f"c-{number}", name="Chess")
        roles.give(session, member_id="dora", kind="community", of_id=f"c-{number}", called="D", by="ana", now=NOW)
        people.sign_in(session, member_id="dora", now=NOW + HOUR * number / 60)
        venues.create(session, id=f"v-{number}", name="V", time_zone="Europe/Paris", owner_id="ben", contact="b@b.org")
        checkins.remember(session, member_id="dora", venue_id=f"v-{number}", now=NOW)
    assert [row["id"] for page in walk(dora, "/api/me/roles", 2) for row in page] == ["c-0", "c-1", "c-2"]
    places: list[object] = [*chain(*walk(dora, "/api/me/remembered-venues", 2))]
    assert places == ["v-0", "v-1", "v-2"]
    (whole,) = walk(dora, "/api/me/sessions", 200)
    assert [*chain(*walk(dora, "/api/me/sessions", 1))] == whole
    assert len(whole) == 4
    for member_id in ("ben", "dora"):
        roles.make_operator(session, member_id=member_id, by="ana", now=NOW)
    assert [row["member"] for page in walk(as_("ana"), "/api/operators", 1) for row in page] == ["ana", "ben", "dora"]


def test_the_pages_of_a_list_are_the_list(as_: As) -> None:
    ana = as_("ana")
    (whole,) = walk(ana, "/api/members", 200)
    assert len(whole) > 3
    pages = walk(ana, "/api/members", 2)
    assert [len(page) for page in pages[:-1]] == [2] * (len(pages) - 1)
    assert [*chain(*pages)] == whole


def test_a_list_that_fits_has_no_next_page(as_: As, session: Session) -> None:
    ana = as_("ana")
    count = len(people.list_all(session))
    assert "Link" not in ana.get(f"/api/members?limit={count}").headers
    assert "Link" in ana.get(f"/api/members?limit={count - 1}").headers


def test_rows_added_meanwhile_neither_repeat_nor_hide_others(as_: As, session: Session) -> None:
    ana = as_("ana")
    before = [member.id for member in people.list_all(session)]
    first = ana.get("/api/members?limit=2")
    people.create(session, id="0-first", name="First")
    people.create(session, id="zz-last", name="Last")
    rest = walk(ana, first.links["next"]["url"], 2)
    seen = [row["id"] for row in [*first.json(), *chain(*rest)]]
    assert seen == [*before, "zz-last"]


def test_equal_names_stand_in_the_order_of_their_ids(as_: As, session: Session) -> None:
    for number in range(5):
        communities.create(session, id=f"c-{number}", name="Chess")
    found = [row["id"] for page in walk(as_("dora"), "/api/communities", 2) for row in page]
    assert found == [f"c-{number}" for number in range(5)]


def test_events_come_the_last_first_over_pages(as_: As, session: Session) -> None:
    for number in range(4):
        step = events.NewStep("Talk", "cafe", NOW, NOW + HOUR * (1 + number // 2))
        events.create(session, id=f"e-{number}", name="Night", organizer_id="cleo", steps=[step])
    pages = walk(as_("dora"), "/api/events", 1)
    assert [page[0]["id"] for page in pages] == ["e-2", "e-3", "e-0", "e-1"]


def test_an_agent_s_keeper_sees_hers_alone_over_pages(as_: As) -> None:
    assert [row["id"] for page in walk(as_("ben"), "/api/agents", 1) for row in page] == ["cafe-door"]
    assert walk(as_("dora"), "/api/agents", 1) == [[]]


def test_visits_and_attendances_come_in_pages_and_keep_the_rest_of_the_question(as_: As, session: Session) -> None:
    badge_ids = [
        badges.register(session, identity=IDENTITY[:-1] + bytes([minor]), since=NOW - 9 * HOUR) for minor in (1, 2, 3)
    ]
    at_ms = times.to_ms(NOW)
    for number, badge_id in enumerate(badge_ids):
        for hour in (5, 3, 2):
            since_ms = at_ms - hour * 3_600_000 + number
            visit = Visit(badge_id=badge_id, venue_id="cafe", from_ms=since_ms, to_ms=since_ms + 60_000)
            visit.reach_ms = visit.to_ms + 300_000
            session.add(visit)
    session.flush()
    ben = as_("ben")
    for kind in ("visits", "attendances"):
        path = f"/api/venues/cafe/{kind}?since={(NOW - 4 * HOUR).isoformat().replace('+', '%2B')}"
        (whole,) = walk(ben, path, 200)
        pages = walk(ben, path, 2)
        assert [*chain(*pages)] == whole
        assert len(pages) > 1
    assert len(walk(ben, "/api/venues/cafe/visits", 4)) == 3


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "made up",
        "é",
        "%00",
        base64.urlsafe_b64encode(b"[" * 600).decode(),
        base64.urlsafe_b64encode(b'[1, "ana"]').decode(),
        paging._encode(paging.order(paging.up(Member.id)), [1]),
        paging._encode(paging.order(paging.up(Member.id)), ["ana", "ana"]),
        paging._encode(paging.order(paging.up(Member.id)), ["a\0"]),
        base64.urlsafe_b64encode(
            json.dumps([paging._mark(paging.order(paging.up(Member.id))), "\ud800"]).encode()
        ).decode(),
    ],
)
def test_a_cursor_that_is_none_is_refused_with_a_code(as_: As, cursor: str) -> None:
    answer = as_("ana").get("/api/members", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "cursor_unknown")


def test_a_cursor_of_another_list_is_refused(as_: As) -> None:
    ana = as_("ana")
    cursor = ana.get("/api/members?limit=1").links["next"]["url"].partition("cursor=")[2]
    assert ana.get(f"/api/badges?cursor={cursor}").json()["code"] == "cursor_unknown"
    assert ana.get(f"/api/me/check-ins?cursor={cursor}").json()["code"] == "cursor_unknown"
    assert ana.get(f"/api/venues/cafe/visits?cursor={cursor}").json()["code"] == "cursor_unknown"
    assert ana.get(f"/api/members?cursor={cursor}").status_code == 200


@pytest.mark.parametrize("limit", ["0", "-1", "201", "1e3", "all", "99999999999999999999"])
def test_the_length_of_a_page_is_bounded(as_: As, limit: str) -> None:
    answer = as_("ana").get(f"/api/members?limit={limit}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_a_cursor_of_a_time_out_of_any_calendar_is_refused(as_: As) -> None:
    for told in ("9999-12-31T23:59:59-14:00", "tomorrow", "0001-01-01T00:00:00+14:00", 5, None):
        cursor = paging._encode("check-ins", [told, 1])
        answer = as_("dora").get("/api/me/check-ins", params={"cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (422, "cursor_unknown")
    fits = paging._encode("check-ins", [NOW, 2**63 - 1])
    assert as_("dora").get("/api/me/check-ins", params={"cursor": fits}).json() == []
    too_large = paging._encode("check-ins", [NOW, 2**63])
    assert as_("dora").get("/api/me/check-ins", params={"cursor": too_large}).status_code == 422

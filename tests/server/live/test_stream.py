"""The live stream over real HTTP, with a real broker and real tables behind it."""

import asyncio
import threading
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy.exc import OperationalError

from server import requests, times
from server.fleet.model import Placement
from tests.server.live.conftest import Site, Stream
from tests.server.presence import scene


def now_ms() -> int:
    return times.to_ms(requests.utc_now())


@pytest.fixture
def badge(site: Site) -> int:
    """The cafe of Olga, heard a moment ago: a badge in the bar, everybody listening."""
    with site.change() as session:
        scene.member(session, "olga")
        scene.member(session, "stranger")
        scene.member(session, "op", operator=True)
        scene.venue(session, "cafe", zones=("bar", "hall"), owner_id="olga")
        made = scene.badge(session)
        for agent in ("cafe-bar-pi", "cafe-hall-pi"):
            scene.listens(session, agent, now_ms() - 900_000, now_ms())
        scene.visit(session, made, "cafe", "cafe-bar", now_ms() - 600_000, now_ms())
        scene.changed(session, "venue/cafe", "facts")
    return made


def heard(site: Site, badge: int, zone: str, *, rev: int | None = None) -> None:
    """A batch of the gateway: rows, revision and news; with `rev` news alone, as if the rows were lost on the way."""
    at = now_ms()
    if rev is None:
        with site.change() as session:
            session.connection().exec_driver_sql(
                "UPDATE visit SET to_ms = %s, reach_ms = %s WHERE badge_id = %s", (at, at, badge)
            )
            session.connection().exec_driver_sql("UPDATE coverage SET to_ms = %s", (at,))
            session.connection().exec_driver_sql("UPDATE stay SET zone_id = %s WHERE badge_id = %s", (zone, badge))
            rev = scene.changed(session, "venue/cafe")["venue/cafe"]
            session.info.clear()
    site.announce("venue/cafe", news_of(badge, zone, rev, at))


def stands(stream: Stream, badge: int, zone: str) -> bool:
    return bool(stream.badge("cafe", badge)["zone"] == zone)


def news_of(badge: int, zone: str, rev: int, at: int) -> dict[str, Any]:
    return {
        "rev": rev,
        "badges": [{"badge": badge, "from": at - 600_000, "to": at, "stays": [[at - 600_000, zone]]}],
        "coverage": [{"agent": agent, "from": at - 900_000, "to": at} for agent in ("cafe-bar-pi", "cafe-hall-pi")],
    }


@pytest.mark.parametrize("path", ["/api/venues/cafe/live", "/api/live?topic=venue/cafe", "/api/me/live"])
def test_the_anonymous_are_refused(site: Site, badge: int, path: str) -> None:  # noqa: ARG001
    answer = site.stranger().get(path)
    assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_needed")


def test_strangers_are_refused_what_its_owner_and_operators_see(site: Site, badge: int) -> None:  # noqa: ARG001
    answer = site.sign_in("stranger").get("/api/venues/cafe/live")
    assert (answer.status_code, answer.json()["code"]) == (403, "venue_not_yours")
    assert site.sign_in("stranger").get("/api/live?topic=member/olga").json()["code"] == "not_yours"
    for member in ("olga", "op"):
        site.watch(site.sign_in(member), "/api/venues/cafe/live").snapshot()


def test_what_does_not_exist_is_not_found(site: Site, badge: int) -> None:  # noqa: ARG001
    client = site.sign_in("olga")
    assert client.get("/api/venues/nowhere/live").status_code == 404
    assert client.get("/api/events/nothing/live").status_code == 404
    assert client.get("/api/live?topic=weather/today").json()["code"] == "topic_unknown"
    assert client.get("/api/live").json()["code"] == "nothing_wanted"
    assert client.get("/api/live", params={"topic": ["venue/cafe"] * 21}).status_code == 422


def test_a_snapshot_comes_first_and_a_delta_after_news(site: Site, badge: int) -> None:
    stream = site.watch(site.sign_in("olga"), "/api/venues/cafe/live")
    assert stream.response.headers["content-type"].startswith("text/event-stream")
    assert stream.response.headers["cache-control"] == "no-store"
    first = stream.snapshot()
    assert first["simulated"] is False
    topic = first["topics"]["venue/cafe"]
    assert topic["rev"] == 1
    assert [entry["id"] for entry in topic["badges"]] == [badge]
    assert topic["badges"][0]["zone"] == "cafe-bar"
    assert topic["badges"][0]["state"] == "present"
    assert {zone["id"]: zone["count"] for zone in topic["zones"]} == {"cafe-bar": 1, "cafe-hall": 0}
    heard(site, badge, "cafe-hall")
    stream.wait(lambda: stream.badge("cafe", badge)["zone"] == "cafe-hall", "the badge moved")
    kind, delta = next(found for found in stream.events if found[1]["topics"]["venue/cafe"].get("zones"))
    assert kind in ("snapshot", "delta")
    stream.wait(lambda: stream.topic("venue/cafe")["zones"]["cafe-hall"]["count"] == 1, "the count followed")
    assert {kind for kind, _ in stream.events[1:]} == {"delta"}
    assert delta["at"] >= first["at"]


def test_a_reconnect_begins_with_a_snapshot_at_most_a_second_old(site: Site, badge: int) -> None:  # noqa: ARG001
    client = site.sign_in("olga")
    stream = site.watch(client, "/api/venues/cafe/live")
    stream.snapshot()
    stream.close()
    with site.change() as session:
        session.connection().exec_driver_sql("UPDATE stay SET zone_id = 'cafe-hall'")
        scene.changed(session, "venue/cafe")
        session.info.clear()

    def begins_with_the_change() -> bool:
        again = site.watch(client, "/api/venues/cafe/live")
        topic = again.snapshot()["topics"]["venue/cafe"]
        again.close()
        return bool(topic["rev"] == 2 and topic["badges"][0]["zone"] == "cafe-hall")

    stream.wait(begins_with_the_change, "a snapshot with the change, though no news came", 4)


def test_states_change_with_time_alone(site: Site, badge: int) -> None:
    stream = site.watch(site.sign_in("olga"), "/api/venues/cafe/live")
    stream.snapshot()
    stream.wait(lambda: stream.badge("cafe", badge)["state"] == "unknown", "the badge is unknown as nobody listens")
    zone = stream.topic("venue/cafe")["zones"]["cafe-bar"]
    assert (zone["state"], zone["last_count"]) == ("unknown", 1)
    assert stream.topic("venue/cafe")["agents"]["cafe-bar-pi"]["state"] == "silent"


def test_lost_news_are_noticed_by_the_table(site: Site, badge: int) -> None:
    stream = site.watch(site.sign_in("olga"), "/api/venues/cafe/live")
    stream.snapshot()
    with site.change() as session:
        session.connection().exec_driver_sql("UPDATE stay SET zone_id = 'cafe-hall'")
        scene.changed(session, "venue/cafe")
        session.info.clear()
    stream.wait(lambda: stream.badge("cafe", badge)["zone"] == "cafe-hall", "the table was compared", 8)


def test_a_hole_in_the_revisions_is_noticed_at_once(site: Site, badge: int) -> None:
    stream = site.watch(site.sign_in("olga"), "/api/venues/cafe/live")
    stream.snapshot()
    with site.change() as session:
        session.connection().exec_driver_sql("UPDATE stay SET zone_id = 'cafe-hall'")
        scene.changed(session, "venue/cafe")
        rev = scene.changed(session, "venue/cafe")["venue/cafe"]
        session.info.clear()
    at = now_ms()
    site.announce("venue/cafe", {**news_of(badge, "cafe-hall", rev, at), "badges": []})
    stream.wait(lambda: stream.badge("cafe", badge)["zone"] == "cafe-hall", "the hole was filled", 4)


def test_old_and_repeated_news_change_nothing(site: Site, badge: int) -> None:
    stream = site.watch(site.sign_in("olga"), "/api/venues/cafe/live")
    stream.snapshot()
    heard(site, badge, "cafe-hall")
    stream.wait(lambda: stream.badge("cafe", badge)["zone"] == "cafe-hall", "the badge moved")
    site.announce("venue/cafe", news_of(badge, "cafe-bar", 1, now_ms()))
    site.announce("venue/cafe", news_of(badge, "cafe-bar", 2, now_ms()))
    heard(site, badge, "cafe-hall")
    stream.wait(lambda: stream.topic("venue/cafe")["rev"] == 3, "later news came")
    zones = [entry["zone"] for _, data in stream.events for entry in data["topics"]["venue/cafe"].get("badges", [])]
    assert zones[0] == "cafe-bar"
    assert set(zones[1:]) == {"cafe-hall"}


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"[]", b'{"rev":"2"}', b'{"rev":2,"badges":[{"badge":"x"}],"coverage":[]}', b'{"rev":2,"badges":[7]}'],
)
def test_news_that_cannot_be_read_make_the_tables_be_read(site: Site, badge: int, payload: bytes) -> None:
    stream = site.watch(site.sign_in("olga"), "/api/venues/cafe/live")
    stream.snapshot()
    with site.change() as session:
        session.connection().exec_driver_sql("UPDATE stay SET zone_id = 'cafe-hall'")
        scene.changed(session, "venue/cafe")
        session.info.clear()
    site.announce("venue/cafe", payload)
    stream.wait(lambda: stream.badge("cafe", badge)["zone"] == "cafe-hall", "the tables were read", 4)


def test_what_the_server_itself_changes_is_announced_after_its_commit(site: Site, badge: int) -> None:
    stream = site.watch(site.sign_in("olga"), "/api/venues/cafe/live")
    stream.snapshot()
    with site.change() as session:
        session.connection().exec_driver_sql("UPDATE stay SET zone_id = 'cafe-hall'")
        with session.begin_nested():
            scene.changed(session, "venue/cafe")
    stream.wait(lambda: stream.badge("cafe", badge)["zone"] == "cafe-hall", "the change was announced", 4)


def test_a_badge_whose_visit_was_taken_back_leaves(site: Site, badge: int) -> None:
    stream = site.watch(site.sign_in("olga"), "/api/venues/cafe/live")
    stream.snapshot()
    with site.change() as session:
        session.connection().exec_driver_sql("DELETE FROM visit")
        scene.changed(session, "venue/cafe")
    stream.wait(lambda: stream.badge("cafe", badge)["state"] == "left", "the badge fades")


def test_what_a_delta_cannot_say_comes_as_a_new_snapshot(site: Site, badge: int) -> None:  # noqa: ARG001
    stream = site.watch(site.sign_in("olga"), "/api/venues/cafe/live")
    stream.snapshot()
    with site.change() as session:
        session.connection().exec_driver_sql("DELETE FROM placement WHERE agent_id = 'cafe-hall-pi'")
        scene.changed(session, "venue/cafe", "facts")
    stream.wait(lambda: stream.events[-1][0] == "snapshot" and len(stream.events) > 1, "a new snapshot")
    assert list(stream.topic("venue/cafe")["agents"]) == ["cafe-bar-pi"]


def test_the_rhythm_of_a_badge_is_learnt_while_it_is_watched(site: Site, badge: int) -> None:
    with site.change() as session:
        session.connection().exec_driver_sql("UPDATE coverage SET to_ms = to_ms + 60000")
        session.connection().exec_driver_sql("UPDATE visit SET to_ms = to_ms - 60000")
        scene.changed(session, "venue/cafe")
    stream = site.watch(site.sign_in("olga"), "/api/venues/cafe/live")
    stream.snapshot()
    stream.wait(lambda: stream.badge("cafe", badge)["state"] == "away", "silent for longer than the constant")
    with site.change() as session:
        placement = session.query(Placement).filter_by(agent_id="cafe-bar-pi").one()
        scene.heard_in_slots(session, placement.id, badge, [now_ms() - 60_000 - 40_000 * place for place in range(10)])
    assert site.hub._work.loop is not None
    asyncio.run_coroutine_threadsafe(site.hub._watches.learn(), site.hub._work.loop).result(10)
    stream.wait(lambda: stream.badge("cafe", badge)["state"] == "present", "it is heard every 40 s as it seems")


def test_signing_out_ends_the_stream(site: Site, badge: int) -> None:  # noqa: ARG001
    client, other = site.sign_in("olga"), site.sign_in("olga")
    stream, stays = site.watch(client, "/api/venues/cafe/live"), site.watch(other, "/api/venues/cafe/live")
    stream.snapshot()
    stays.snapshot()
    with site.change() as session:
        session.connection().exec_driver_sql(
            "DELETE FROM session WHERE token_hash = sha256(convert_to(%s, 'UTF8'))", (client.cookies["muster_session"],)
        )
    stream.wait(lambda: stream.ended, "the stream ended", 9)
    assert not stays.ended


def test_losing_the_right_ends_the_stream(site: Site, badge: int) -> None:  # noqa: ARG001
    stream = site.watch(site.sign_in("olga"), "/api/venues/cafe/live")
    stream.snapshot()
    with site.change() as session:
        session.connection().exec_driver_sql("UPDATE venue SET owner_id = NULL")
    stream.wait(lambda: stream.ended, "the stream ended", 9)
    assert site.sign_in("olga").get("/api/venues/cafe/live").status_code == 403


def test_streams_end_cleanly_when_the_server_stops(site: Site, badge: int) -> None:  # noqa: ARG001
    client = site.sign_in("olga")
    stream = site.watch(client, "/api/venues/cafe/live")
    stream.snapshot()
    site.hub.close()
    stream.wait(lambda: stream.ended, "the stream ended", 5)
    assert client.get("/api/venues/cafe/live").json()["code"] == "unavailable"


def test_fifty_viewers_share_one_reading_of_the_tables(site: Site, badge: int) -> None:
    statements: list[str] = []
    counting = threading.Lock()

    def count(*given: object) -> None:
        with counting:
            statements.append(str(given[2]))

    client = site.sign_in("olga")
    sqlalchemy_event.listen(site.hub_engine, "before_cursor_execute", count)
    streams: list[Stream] = []
    gathering = [
        threading.Thread(target=lambda: streams.append(site.watch(client, "/api/venues/cafe/live"))) for _ in range(50)
    ]
    for thread in gathering:
        thread.start()
    for thread in gathering:
        thread.join()
    for stream in streams:
        stream.snapshot()
    sqlalchemy_event.remove(site.hub_engine, "before_cursor_execute", count)
    assert len(streams) == site.hub.viewers == 50
    assert sum("FROM visit" in statement for statement in statements) == 1
    assert sum("FROM coverage" in statement for statement in statements) <= 2
    heard(site, badge, "cafe-hall")
    for stream in streams:
        stream.wait(partial(stands, stream, badge, "cafe-hall"), "the badge moved")


def test_viewers_who_leave_are_forgotten(site: Site, badge: int) -> None:  # noqa: ARG001
    stream = site.watch(site.sign_in("olga"), "/api/venues/cafe/live")
    stream.snapshot()
    stream.close()
    stream.wait(lambda: site.hub.viewers == 0, "the viewer was forgotten")


def test_several_topics_come_in_one_connection(site: Site, badge: int) -> None:  # noqa: ARG001
    stream = site.watch(site.sign_in("olga"), "/api/live", topic=["venue/cafe", "member/olga", "venue/cafe"])
    assert set(stream.snapshot()["topics"]) == {"venue/cafe", "member/olga"}


def test_without_a_database_streams_go_on_and_new_ones_are_told(
    site: Site, badge: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = site.sign_in("olga")
    stream = site.watch(client, "/api/venues/cafe/live")
    stream.snapshot()

    def away(*_given: object, **_more: object) -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    def is_refused() -> bool:
        with client.stream("GET", "/api/venues/cafe/live") as answer:
            return answer.status_code == 503

    with monkeypatch.context() as patch:
        patch.setattr("server.presence.service.load", away)
        site.announce("venue/cafe", {"rev": 99})
        stream.wait(is_refused, "new ones are refused")
        assert not stream.ended
    with site.change() as session:
        session.connection().exec_driver_sql("UPDATE stay SET zone_id = 'cafe-hall'")
    stream.wait(lambda: stands(stream, badge, "cafe-hall"), "it was read again", 9)


@pytest.mark.usefixtures("badge")
def test_a_replayed_venue_has_a_time_of_its_own_in_every_delta(site: Site) -> None:
    long_ago = scene.at(0)
    with site.change() as session:
        scene.venue(session, "lab", owner_id="olga", replayed=True)
        scene.listens(session, "lab-hall-pi", long_ago - 60_000, long_ago)
        made = scene.badge(session)
        scene.visit(session, made, "lab", "lab-hall", long_ago - 60_000, long_ago)
        rev = scene.changed(session, "venue/lab", "facts")["venue/lab"]
    stream = site.watch(site.sign_in("olga"), "/api/venues/lab/live")
    topic = stream.snapshot()["topics"]["venue/lab"]
    assert (topic["venue"]["now"], topic["badges"][0]["state"]) == ("2025-11-22T19:00:00.000Z", "present")
    run = {"agent": "lab-hall-pi", "from": long_ago, "to": long_ago + 60_000}
    site.announce("venue/lab", {"rev": rev + 1, "badges": [], "coverage": [run]})
    stream.wait(lambda: stream.badge("lab", made)["state"] == "away", "a minute of the recording passed", 4)
    assert stream.topic("venue/lab")["venue"]["now"] == "2025-11-22T19:01:00.000Z"

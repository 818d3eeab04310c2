"""The streams of an event, of its venues and of a member, over real HTTP."""

import datetime as dt

import pytest
from sqlalchemy import text

from server import requests, times
from server.events.model import SignUp
from server.live import gatherings
from tests.server.live.conftest import Site
from tests.server.presence import scene

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def badge(site: Site) -> int:
    """Olga's party runs in the cafe of Sue; Ana signed up and is there with this badge."""
    now = requests.utc_now()
    with site.change() as session:
        for name in ("olga", "ana", "sue", "stranger"):
            scene.member(session, name, name=f"{name.capitalize()} Smith")
        scene.member(session, "op", operator=True)
        scene.venue(session, "cafe", owner_id="sue")
        scene.listens(session, "cafe-hall-pi", times.to_ms(now) - 900_000, times.to_ms(now) + 60_000)
        scene.event(session, "party", now)
        session.add(SignUp(event_id="party", member_id="ana"))
        made = scene.badge(session, held_by="ana")
        scene.visit(session, made, "cafe", "cafe-hall", times.to_ms(now) - 60_000, times.to_ms(now) + 20_000)
        scene.changed(session, "event/party", "venue/cafe", "facts")
    return made


def arrive(site: Site) -> int:
    with site.change() as session:
        made = scene.arrive(session, "ana", requests.utc_now())
        scene.changed(session, "event/party", "member/ana")
    return made


@pytest.mark.usefixtures("badge")
def test_the_anonymous_and_strangers_are_refused(site: Site) -> None:
    assert site.stranger().get("/api/events/party/live").json()["code"] == "sign_in_needed"
    for member in ("stranger", "ana", "sue"):
        answer = site.sign_in(member).get("/api/events/party/live")
        assert (answer.status_code, answer.json()["code"]) == (403, "event_not_yours")


def test_the_organizer_sees_event_and_venue_and_an_arrival_as_it_happens(site: Site, badge: int) -> None:
    stream = site.watch(site.sign_in("olga"), "/api/events/party/live")
    topics = stream.snapshot()["topics"]
    assert set(topics) == {"event/party", "venue/cafe"}
    assert topics["event/party"]["event"]["organizer"] is True
    assert topics["event/party"]["names"] == {str(badge): "Ana Smith"}
    assert topics["event/party"]["figures"]["expected"] == 1
    assert topics["event/party"]["arrivals"] == []
    made = arrive(site)
    stream.wait(lambda: made in stream.topic("event/party")["arrivals"], "the arrival came", 4)
    topic = stream.topic("event/party")
    assert topic["arrivals"][made]["name"] == "Ana Smith"
    assert (topic["figures"]["arrived"], topic["figures"]["here"], topic["figures"]["expected"]) == (1, 1, 0)
    assert len(topic["curve"]) == 1
    assert stream.events[-1][0] == "delta"


@pytest.mark.usefixtures("badge")
def test_an_operator_sees_the_same_without_any_name(site: Site) -> None:
    made = arrive(site)
    topic = site.watch(site.sign_in("op"), "/api/events/party/live").snapshot()["topics"]["event/party"]
    assert topic["names"] == {}
    assert [(row["id"], row["name"]) for row in topic["arrivals"]] == [(made, None)]
    assert topic["event"]["organizer"] is False


@pytest.mark.usefixtures("badge")
def test_the_shop_owner_sees_dots_and_no_names(site: Site) -> None:
    text_seen = str(site.watch(site.sign_in("sue"), "/api/venues/cafe/live").snapshot())
    assert "Smith" not in text_seen


@pytest.mark.usefixtures("badge")
def test_the_organizer_loses_the_venue_when_the_event_is_over_and_the_names_a_day_later(site: Site) -> None:
    def over_since(ago: dt.timedelta) -> None:
        ended = {"a": requests.utc_now() - ago - HOUR, "b": requests.utc_now() - ago}
        with site.change() as session:
            session.execute(text("UPDATE step SET opens_at = :a, starts_at = :a, ends_at = :b"), ended)
            scene.changed(session, "event/party")

    client = site.sign_in("olga")
    stream = site.watch(client, "/api/events/party/live")
    stream.snapshot()
    over_since(HOUR)
    stream.wait(lambda: stream.ended, "the stream with the venue ended", 9)
    assert client.get("/api/venues/cafe/live").status_code == 403
    stream = site.watch(client, "/api/events/party/live")
    assert set(stream.snapshot()["topics"]) == {"event/party"}
    assert stream.topic("event/party")["names"] != {}
    over_since(24 * HOUR)
    stream.wait(lambda: stream.topic("event/party")["names"] == {}, "the names went", 4)


@pytest.mark.usefixtures("badge")
def test_a_member_sees_her_own_check_in_and_its_undoing_at_once(site: Site) -> None:
    client = site.sign_in("ana")
    stream = site.watch(client, "/api/me/live")
    assert stream.snapshot()["topics"]["member/ana"]["checkins"] == []
    made = arrive(site)
    stream.wait(lambda: stream.topic("member/ana")["checkins"], "she is checked in", 4)
    assert stream.topic("member/ana")["checkins"][0]["sentence"].endswith("by your badge")
    assert client.post(f"/api/check-ins/{made}/undo").status_code == 204
    stream.wait(lambda: stream.topic("member/ana")["checkins"][0]["undone"], "it was taken back", 4)


@pytest.mark.usefixtures("badge")
def test_a_rush_of_check_ins_is_read_a_few_times_and_shown_whole(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    readings: list[str] = []
    load = gatherings.load

    def counting(session: object, *, event_id: str) -> gatherings.Gathering:
        readings.append(event_id)
        return load(session, event_id=event_id)  # type: ignore[arg-type]

    monkeypatch.setattr(gatherings, "load", counting)
    stream = site.watch(site.sign_in("olga"), "/api/events/party/live")
    stream.snapshot()
    for number in range(40):
        with site.change() as session:
            scene.member(session, f"guest-{number}")
            scene.arrive(session, f"guest-{number}", requests.utc_now(), signed_up=False)
            scene.changed(session, "event/party")
    stream.wait(lambda: stream.topic("event/party")["figures"]["arrived"] == 40, "all arrived", 6)
    assert len(stream.topic("event/party")["arrivals"]) == 40
    assert len(readings) < 30


@pytest.mark.usefixtures("badge")
def test_each_viewer_is_told_in_her_own_language_and_real_names_stay_as_they_are(site: Site) -> None:
    with site.change() as session:
        session.execute(text("UPDATE event SET name = 'Night of short stories'"))
    hosts, goes = site.sign_in("olga"), site.sign_in("ana")
    chinese = {"Accept-Language": "zh-CN"}
    english = site.watch(hosts, "/api/events/party/live")
    english.snapshot()
    hosts.headers.update(chinese)
    in_chinese = site.watch(hosts, "/api/events/party/live")
    in_chinese.snapshot()
    goes.headers.update(chinese)
    own = site.watch(goes, "/api/me/live")
    own.snapshot()
    made = arrive(site)
    english.wait(lambda: made in english.topic("event/party").get("arrivals", {}), "the arrival", 4)
    in_chinese.wait(lambda: made in in_chinese.topic("event/party").get("arrivals", {}), "the arrival", 4)
    own.wait(lambda: own.topic("member/ana")["checkins"], "she is checked in", 4)
    assert english.topic("event/party")["arrivals"][made]["note"] == "first time"
    assert in_chinese.topic("event/party")["arrivals"][made]["note"] == "第一次来"
    assert own.topic("member/ana")["checkins"][0]["sentence"].endswith("凭你的徽章")
    assert in_chinese.topic("event/party")["event"]["name"] == "Night of short stories"


@pytest.mark.usefixtures("badge")
def test_names_of_the_demonstration_are_told_in_the_viewers_language(site: Site) -> None:
    with site.change() as session:
        session.execute(text("UPDATE event SET name = 'Night of short stories', simulated = true"))
        session.execute(text("UPDATE venue SET name = 'Left Bank Books', simulated = true"))
        session.execute(text("UPDATE member SET name = 'Ben Okafor' WHERE id = 'ana'"))
        session.execute(text("UPDATE zone SET name = 'Reading room'"))
    client = site.sign_in("olga")
    told = {}
    for language in ("en", "zh"):
        client.headers.update({"Accept-Language": language})
        topics = site.watch(client, "/api/events/party/live").snapshot()["topics"]
        event, venue = topics["event/party"], topics["venue/cafe"]
        told[language] = [
            event["event"]["name"],
            *event["names"].values(),
            venue["venue"]["name"],
            venue["zones"][0]["name"],
        ]
    assert told["en"] == ["Night of short stories", "Ben Okafor", "Left Bank Books", "Reading room"]
    assert told["zh"] == ["短篇小说之夜", "本·奥卡福", "左岸书店", "阅览室"]


@pytest.mark.usefixtures("badge")
def test_a_real_venues_picture_is_drawn_once_for_all_languages(site: Site) -> None:
    client = site.sign_in("sue")
    for language in ("en", "zh"):
        client.headers.update({"Accept-Language": language})
        site.watch(client, "/api/venues/cafe/live").snapshot()
    assert len(site.hub._watches.by_name["venue/cafe"].views) == 1

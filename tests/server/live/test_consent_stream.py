"""What somebody says about who may see her, in streams that run: at once, through every server, by the clock too."""

import datetime as dt
from functools import partial

import pytest
from sqlalchemy import text

from server import requests, times
from server.events.model import SignUp
from tests.server.live.conftest import Site, Stream
from tests.server.presence import scene


@pytest.fixture
def badge(site: Site) -> int:
    """Olga's party runs in the cafe of Sue; Ana signed up and is there with this badge."""
    now_ms = times.to_ms(requests.utc_now())
    with site.change() as session:
        for name in ("olga", "ana", "sue"):
            scene.member(session, name, name=f"{name.capitalize()} Smith")
        scene.venue(session, "cafe", owner_id="sue")
        scene.listens(session, "cafe-hall-pi", now_ms - 900_000, now_ms + 900_000)
        scene.event(session, "party", requests.utc_now())
        session.add(SignUp(event_id="party", member_id="ana"))
        made = scene.badge(session, held_by="ana")
        scene.visit(session, made, "cafe", "cafe-hall", now_ms - 60_000, now_ms + 600_000)
        scene.changed(session, "event/party", "venue/cafe", "facts")
    return made


def say(site: Site, kind: str, level: str, of: str | None = None, for_s: float | None = None) -> None:
    until = None if for_s is None else (requests.utc_now() + dt.timedelta(seconds=for_s)).isoformat()
    body = {"kind": kind, "of": of, "level": level, "until": until}
    assert site.sign_in("ana").put("/api/me/consents", json=body).status_code == 200


def here(stream: Stream) -> int:
    zones: dict[str, dict[str, int]] = stream.topic("venue/cafe")["zones"]
    return zones["cafe-hall"]["count"]


def is_gone(stream: Stream, badge: int) -> bool:
    return bool(stream.badge("cafe", badge)["state"] == "left")


def test_hiding_takes_the_dot_and_the_number_at_once_through_every_server(
    site: Site, second_site: Site, badge: int
) -> None:
    streams = [at.watch(at.sign_in("sue"), "/api/venues/cafe/live") for at in (site, second_site)]
    for stream in streams:
        stream.snapshot()
        assert stream.badge("cafe", badge)["state"] == "present"
        assert here(stream) == 1
    say(site, "venue", "hidden")
    for stream in streams:
        stream.wait(partial(is_gone, stream, badge), "the dot left")
        assert here(stream) == 0
        assert stream.events[-1][0] == "delta"
    fresh = second_site.watch(second_site.sign_in("sue"), "/api/venues/cafe/live").snapshot()
    assert fresh["topics"]["venue/cafe"]["badges"] == []


def test_a_name_comes_with_how_often_she_came_and_goes_when_it_is_taken_back(site: Site, badge: int) -> None:
    stream = site.watch(site.sign_in("sue"), "/api/venues/cafe/live")
    stream.snapshot()
    say(site, "venue", "name", "cafe", for_s=3600)
    stream.wait(lambda: stream.topic("venue/cafe")["names"] == {str(badge): "Ana Smith"}, "the name came")
    (greeting,) = stream.topic("venue/cafe")["greetings"]
    assert (greeting["name"], greeting["times"], greeting["badge"]) == ("Ana Smith", 1, badge)
    assert site.sign_in("ana").delete("/api/me/consents?kind=venue&of=cafe").status_code == 204
    stream.wait(lambda: stream.topic("venue/cafe")["names"] == {}, "the name went")
    assert stream.topic("venue/cafe")["greetings"] == []
    assert stream.badge("cafe", badge)["state"] == "present"


def test_an_end_that_comes_by_time_is_honoured_without_any_news(site: Site, badge: int) -> None:
    say(site, "venue", "name", "cafe", for_s=300)
    ends_at = requests.utc_now() + dt.timedelta(seconds=300)
    stream = site.watch(site.sign_in("sue"), "/api/venues/cafe/live")
    assert stream.snapshot()["topics"]["venue/cafe"]["names"] == {str(badge): "Ana Smith"}
    site.ahead.by = dt.timedelta(seconds=301)
    stream.wait(lambda: stream.topic("venue/cafe")["names"] == {}, "the name went")
    assert dt.datetime.fromisoformat(stream.events[-1][1]["at"]) >= ends_at - dt.timedelta(seconds=1)
    assert stream.badge("cafe", badge)["state"] == "present"


def test_a_pause_takes_the_name_from_her_host_and_the_arrival_stays_a_number(site: Site, badge: int) -> None:
    with site.change() as session:
        made = scene.arrive(session, "ana", requests.utc_now(), badge_id=badge)
        scene.changed(session, "event/party")
    stream = site.watch(site.sign_in("olga"), "/api/events/party/live")
    stream.snapshot()
    assert stream.topic("event/party")["arrivals"][made]["name"] == "Ana Smith"
    assert site.sign_in("ana").put("/api/me/pause").status_code == 200
    stream.wait(lambda: stream.topic("event/party")["names"] == {}, "the name went")
    stream.wait(lambda: stream.badge("cafe", badge)["state"] == "left", "the dot left")
    topic = stream.topic("event/party")
    assert (topic["arrivals"][made]["name"], topic["arrivals"][made]["badge"]) == (None, None)
    assert (topic["figures"]["arrived"], topic["figures"]["here"]) == (1, 0)


def test_who_hid_before_she_came_is_never_shown_and_who_comes_now_is_shown_at_once(site: Site, badge: int) -> None:
    stream = site.watch(site.sign_in("sue"), "/api/venues/cafe/live")
    rev = stream.snapshot()["topics"]["venue/cafe"]["rev"]
    now_ms = times.to_ms(requests.utc_now())
    with site.change() as session:
        scene.member(session, "hidden")
        hidden, seen = scene.badge(session, held_by="hidden"), scene.badge(session)
        session.execute(text("INSERT INTO consent_pause (member_id, since) VALUES ('hidden', now())"))
        for made in (hidden, seen):
            scene.visit(session, made, "cafe", "cafe-hall", now_ms - 1000, now_ms)
    came = [
        {"badge": made, "from": now_ms - 1000, "to": now_ms, "stays": [[now_ms - 1000, "cafe-hall"]]}
        for made in (hidden, seen)
    ]
    site.announce("venue/cafe", {"rev": rev + 1, "badges": came, "coverage": []})
    stream.wait(lambda: stream.badge("cafe", seen), "who came is shown")
    stream.wait(lambda: here(stream) == 2, "and counted")
    assert stream.badge("cafe", badge)["state"] == "present"
    assert f'"id": {hidden},' not in str(stream.events).replace("'", '"')


def test_what_no_news_told_is_noticed_by_the_revision(site: Site, badge: int) -> None:
    """She says something while the broker is away: no server hears of it but by its look at the tables."""
    stream = site.watch(site.sign_in("sue"), "/api/venues/cafe/live")
    stream.snapshot()
    with site.engine.begin() as connection:  # no session, so nothing is announced
        connection.execute(text("INSERT INTO consent_pause (member_id, since) VALUES ('ana', now())"))
        connection.execute(text("INSERT INTO topic (name, rev) VALUES ('consents', 1)"))
    stream.wait(lambda: stream.badge("cafe", badge)["state"] == "left", "the dot left")
    assert here(stream) == 0

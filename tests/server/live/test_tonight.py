"""The card of tonight: never empty from an hour before, and moved by what the venue's news say."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from config import settings as config
from server import texts, times
from server.checkins import entry, explain
from server.checkins.entry import At
from server.doors import asks, refusals
from server.doors import service as doors
from server.live import members, tonight
from server.presence import service as presence
from server.presence.service import Record
from server.presence.states import Heard
from server.texts import IN_ENGLISH, Texts
from tests.server.doors.scene import MINUTE, enter, refused
from tests.server.presence import scene

PRESENCE = config.load(environment={}).presence
STARTS = scene.NOW
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def badge(session: Session) -> int:
    """Ana signed up for Olga's party in the cafe, which opens an hour before STARTS; her badge."""
    for who in ("ana", "olga"):
        scene.member(session, who)
    scene.venue(session, "cafe")
    scene.event(session, "party", STARTS)
    session.execute(text("INSERT INTO sign_up (event_id, member_id) VALUES ('party', 'ana')"))
    return scene.badge(session, held_by="ana")


def record(session: Session, now: dt.datetime) -> Record:
    return presence.load(session, venue_id="cafe", now=now, presence=PRESENCE)


def card(session: Session, now: dt.datetime, known: Record | None = None) -> dict[str, Any]:
    evenings = tonight.load(session, member_id="ana", now=now, presence=PRESENCE)
    found = tonight.card(evenings, now, {"cafe": known or record(session, now)})
    assert found is not None
    assert found["title"]
    return found


def listens(session: Session, now: dt.datetime) -> None:
    scene.listens(session, "cafe-hall-pi", times.to_ms(now - 10 * MINUTE), times.to_ms(now))


@pytest.mark.usefixtures("badge")
def test_it_begins_an_hour_before_and_ends_with_the_evening(session: Session) -> None:
    def told(now: dt.datetime) -> bool:
        return tonight.now_for(session, member_id="ana", now=now, presence=PRESENCE) is not None

    assert not told(STARTS - 60 * MINUTE - SECOND)
    assert told(STARTS - 60 * MINUTE)
    assert told(STARTS + 2 * dt.timedelta(hours=1) - SECOND)
    assert not told(STARTS + 2 * dt.timedelta(hours=1))
    assert tonight.now_for(session, member_id="olga", now=STARTS, presence=PRESENCE) is None


def test_what_a_venues_news_say_counts_down_to_one_moment(session: Session, badge: int) -> None:
    listens(session, STARTS)
    evenings = tonight.load(session, member_id="ana", now=STARTS, presence=PRESENCE)
    known = record(session, STARTS)
    came_ms = times.to_ms(STARTS)
    moments = set()
    for heard_s in range(2, 14, 2):
        known.heard[badge] = Heard(badge, came_ms, came_ms + heard_s * 1000)
        told = tonight.card(evenings, STARTS + heard_s * SECOND, {"cafe": known})
        assert told is not None
        assert told["code"] == "hearing"
        moments.add(told["due_at"])
    assert moments == {"2025-11-22T19:00:15.000Z"}  # 15 s after she came, whenever it is asked
    known.heard[badge] = Heard(badge, came_ms, came_ms + 16_000)
    told = tonight.card(evenings, STARTS + 16 * SECOND, {"cafe": known})
    assert told is not None
    assert told["code"] == "due"


def test_a_badge_that_falls_silent_is_not_counted_down(session: Session, badge: int) -> None:
    listens(session, STARTS + 2 * MINUTE)
    scene.span(session, badge, _placement(session), times.to_ms(STARTS), times.to_ms(STARTS + 5 * SECOND))
    now = STARTS + MINUTE
    assert card(session, STARTS + 6 * SECOND)["code"] == "hearing"
    assert card(session, now)["code"] == "not_heard"


def test_a_silent_badge_and_a_silent_venue_are_told_apart(session: Session, badge: int) -> None:
    del badge
    assert card(session, STARTS)["code"] == "silent"
    listens(session, STARTS)
    told = card(session, STARTS)
    assert told["code"] == "not_heard"
    assert told["title"].startswith("We don't hear badge badge ")
    assert told["sentence"] == "Deep in a bag? Use the door code."


@pytest.mark.usefixtures("badge")
def test_who_is_in_asked_or_refused_is_told_so(session: Session) -> None:
    session.execute(text("UPDATE event SET approval = true"))
    session.execute(text("DELETE FROM sign_up"))
    made = doors.make(session, kind="poster", name="Front", now=STARTS, made_by="olga", event_id="party")
    code = made.door.code
    asked = enter(session, STARTS, who="ana", code=code)
    told = card(session, STARTS)
    assert (told["code"], told["title"], told["ask"]) == ("asked", "Olga has been asked", asked.ask_id)
    asks.answer(session, ask_id=asked.ask_id or 0, yes=False, now=STARTS, by="olga")
    assert card(session, STARTS)["code"] == "said_no"
    at = At("party-1")
    entry.enter(session, member_id="ana", at=at, when=STARTS, evidence="manual", signed_up=False, now=STARTS)
    told = card(session, STARTS)
    assert (told["code"], told["sentence"]) == ("in", "20:00 · by the host")


@pytest.mark.usefixtures("badge")
def test_a_refusal_at_a_door_is_told_for_ten_minutes(session: Session) -> None:
    entry.refuse(session, member_id="ana", step_id="party-1", refused=refusals.CodeChanged(), now=STARTS)
    assert card(session, STARTS + MINUTE)["code"] == "code_changed"
    assert card(session, STARTS + 11 * MINUTE)["code"] == "silent"


@pytest.mark.usefixtures("badge")
def test_what_a_door_said_is_told_in_the_readers_language(session: Session) -> None:
    code = doors.make(
        session, kind="poster", name="Front", now=STARTS, made_by="olga", event_id="party", step_id="party-1"
    ).door.code

    def told(now: dt.datetime, say: Texts) -> set[str]:
        asked = members.draw(members.load(session, member_id="ana"), now, say)["refusals"]
        why = explain.explain(session, member_id="ana", step_id="party-1", now=now, presence=PRESENCE, say=say)
        assert [row["sentence"] for row in asked] == [row.sentence for row in why.facts.refusals]
        return {row["sentence"] for row in asked}

    early = STARTS - 72 * MINUTE
    refused(session, early, who="ana", code=code)
    assert told(early, IN_ENGLISH) == {"Check-in to Party opens in 12 minutes."}
    assert told(early, texts.of("zh")) == {"Party 还有 12 分钟开放签到。"}
    session.execute(text("UPDATE refusal SET last_at = :now"), {"now": early + 15 * MINUTE})
    evening = tonight.load(session, member_id="ana", now=early + 15 * MINUTE, presence=PRESENCE)
    shown = tonight.card(evening, early + 15 * MINUTE, {}, texts.of("zh"))
    assert shown is not None
    assert shown["sentence"] == "Party 还有 12 分钟开放签到。"
    session.execute(text("DELETE FROM refusal"))
    refused(session, STARTS - 48 * 60 * MINUTE, who="ana", code=code)
    now = STARTS - 48 * 60 * MINUTE
    assert told(now, IN_ENGLISH) == {"This code is of another evening: Party, Sat 22 November 2025."}
    assert told(now, texts.of("zh")) == {"这个码是另一个夜晚的：Party，2025年11月22日周六。"}


def _placement(session: Session) -> int:
    return int(session.scalar(text("SELECT id FROM placement")) or 0)

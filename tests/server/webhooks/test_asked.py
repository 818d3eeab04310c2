"""Somebody asks to be let in: told once, for as long as she waits, with her name only to who may see it."""

import json
import secrets

import pytest
from sqlalchemy import text

from server import database, texts
from server.doors import asks
from server.events import service as events
from server.events import signups
from server.webhooks import bodies
from server.webhooks.rules import Kind
from tests.server.places import HOUR, NOW
from tests.server.webhooks.conftest import Evening


def ask(evening: Evening, member_id: str, reason: str = "full") -> int:
    with database.transaction(evening.engine) as session:
        return asks.open_ask(
            session,
            step_id="supper-1",
            member_id=member_id,
            reason=reason,
            evidence="poster",
            door_id=None,
            nonce=secrets.token_bytes(32),
            made_guest=False,
            now=evening.clock(),
        ).id


def answer(evening: Evening, ask_id: int, *, yes: bool) -> None:
    with database.transaction(evening.engine) as session:
        asks.answer(session, ask_id=ask_id, yes=yes, now=evening.clock(), by="cleo")


def test_who_asks_together_is_told_together_and_once(evening: Evening) -> None:
    hook = evening.make()
    first = [ask(evening, "ben"), ask(evening, "dora", "approval")]
    evening.collect()
    evening.collect()
    third = ask(evening, "ana")
    evening.collect()
    told = [delivery.content for delivery in evening.deliveries(hook, "asked")]
    assert [[(one["id"], one["reason"]) for one in content["asks"]] for content in told] == [
        [(first[0], "full"), (first[1], "approval")],
        [(third, "full")],
    ]
    assert [content["waiting"] for content in told] == [2, 3]
    assert told[0]["event"] == {"id": "supper", "name": "Friday supper"}


@pytest.mark.parametrize("yes", [True, False])
def test_whom_the_host_answered_already_nobody_is_called_for(evening: Evening, yes: bool) -> None:
    hook = evening.make()
    answer(evening, ask(evening, "ben"), yes=yes)
    waits = ask(evening, "dora")
    evening.collect()
    [told] = evening.deliveries(hook, "asked")
    assert [one["id"] for one in told.content["asks"]] == [waits]
    assert told.content["waiting"] == 1


def test_once_it_is_over_nobody_waits(evening: Evening) -> None:
    hook = evening.make()
    ask(evening, "ben")
    evening.later(2 * HOUR)
    evening.collect()
    assert evening.deliveries(hook, "asked") == []


def test_other_hosts_hear_nothing_and_the_place_does(evening: Evening) -> None:
    with database.transaction(evening.engine) as session:
        step = events.NewStep("Talk", "cafe", NOW, NOW + HOUR)
        events.create(session, id="talk", name="Talk", organizer_id="dora", steps=[step])
    venue = evening.make(of="venue", by="ben")
    with database.transaction(evening.engine) as session:
        session.execute(text("UPDATE webhook SET event_id = 'talk', venue_id = NULL, made_by = 'dora'"))
    other, place = venue, evening.make(of="venue", by="ben")
    ask(evening, "ana")
    evening.collect()
    assert evening.deliveries(other, "asked") == []
    assert len(evening.deliveries(place, "asked")) == 1


def test_a_name_goes_to_a_program_whose_maker_may_see_it(evening: Evening) -> None:
    """Who signed up shows her name to the host; asking alone says nothing about consent."""
    with database.transaction(evening.engine) as session:
        signups.sign_up(session, event_id="supper", member_id="ben", now=NOW)
    named, numbers = evening.make(names=True), evening.make()
    ask(evening, "ben")
    ask(evening, "dora")
    evening.collect()
    for hook in (named, numbers):
        evening.send(hook)
    of_ask = [[one["name"] for one in came.told["data"]["asks"]] for came in evening.receiver.came]
    assert of_ask == [["Ben Okafor", None], [None, None]]
    kept = [one.keys() for delivery in evening.deliveries(named) for one in delivery.content["asks"]]
    assert kept == [{"id", "step", "at", "reason"}] * 2, "no name is kept"


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("en", "Somebody asks to come in. Waiting for an answer: 2. Friday supper"),
        ("zh", "有人想进来。等待答复：2 人。Friday supper"),
    ],
)
@pytest.mark.parametrize("kind", [Kind.WECOM, Kind.SLACK, Kind.MATRIX])
def test_a_group_reads_how_many_wait_in_its_language(evening: Evening, kind: Kind, language: str, says: str) -> None:
    hook = evening.make(kind=kind)
    with database.transaction(evening.engine) as session:
        session.execute(text("UPDATE member SET language = :language"), {"language": language})
    for member_id in ("ben", "dora"):
        ask(evening, member_id)
    evening.receiver.says(200, b'{"errcode":0}')
    evening.tell(hook)
    [came] = evening.receiver.came
    assert says in json.dumps(came.told, ensure_ascii=False)
    assert "Ben" not in came.body.decode()


def test_the_sentence_stands_by_itself() -> None:
    content = {"event": {"id": "x", "name": "Supper"}, "waiting": 1, "asks": [{"id": 1}]}
    made = bodies.make(Kind.SLACK, happening="asked", at="", content=content, names={1: "Mia"}, say=texts.of("en"))
    assert json.loads(made)["text"] == "Somebody asks to come in. Waiting for an answer: 1. Supper"

"""Notifications: told once, read in one's own language, sent by e-mail to those who want that."""

import ast
import dataclasses
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from server import texts
from server.inbox import service as inbox
from server.inbox import words
from server.inbox.model import Notification
from tests.server.conftest import As
from tests.server.places import NOW, make_members

SERVER = Path(inbox.__file__).parent.parent
SENTENCE = "This gathering was called off: %(what)s."


@pytest.fixture(autouse=True)
def _translated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that the catalogue has, so that these tests hang on no other."""
    chinese = dataclasses.replace(
        texts.of("zh"), _texts={**texts.of("zh")._texts, SENTENCE: "这次聚会取消了:%(what)s。"}
    )
    monkeypatch.setattr(texts, "of", {"zh": chinese, "en": texts.IN_ENGLISH, None: texts.IN_ENGLISH}.__getitem__)


def tell(session: Session, *member_ids: str, nonce: str = "", now: dt.datetime = NOW, what: object = "tea") -> int:
    return inbox.tell(
        session,
        member_ids,
        kind="event.called_off",
        of="event/tea",
        sentence=SENTENCE,
        values={"what": what},
        link="/events/tea",
        now=now,
        nonce=nonce,
    )


def test_anonymous_is_refused(as_: As) -> None:
    stranger = as_(None)
    assert stranger.get("/api/me/notifications").status_code == 401
    assert stranger.post("/api/me/notifications/read", json={"up_to": 1}).status_code == 401
    assert stranger.put("/api/me/notifications/letters", json={"letters": False}).status_code == 401
    assert stranger.get("/inbox").status_code in (303, 401)


def test_the_same_is_told_once_and_another_time_again(session: Session) -> None:
    make_members(session)
    assert tell(session, "dora", "ben", "dora") == 2
    assert tell(session, "dora", "cleo") == 1
    assert tell(session, "dora", nonce="2") == 1
    assert inbox.count_unread(session, member_id="dora") == 2
    assert inbox.count_unread(session, member_id="cleo") == 1


def test_who_reads_has_read_what_she_saw_and_not_what_came_since(as_: As, session: Session) -> None:
    dora = as_("dora")
    tell(session, "dora")
    seen = dora.get("/api/me/notifications").json()
    assert [(one["sentence"], one["link"], one["read"]) for one in seen] == [
        ("This gathering was called off: tea.", "/events/tea", False)
    ]
    tell(session, "dora", nonce="2")
    assert dora.post("/api/me/notifications/read", json={"up_to": seen[0]["id"]}).status_code == 204
    assert [one["read"] for one in dora.get("/api/me/notifications").json()] == [False, True]
    as_("ben").post("/api/me/notifications/read", json={"up_to": 2**62})
    assert inbox.count_unread(session, member_id="dora") == 1


def test_a_page_shows_what_is_new_once(as_: As, session: Session) -> None:
    dora = as_("dora")
    assert "Nothing to tell you yet." in dora.get("/inbox").text
    tell(session, "dora", what="<b>tea</b>")
    home = dora.get("/inbox", headers={"accept-language": "zh"}).text
    assert "这次聚会取消了:&lt;b&gt;tea&lt;/b&gt;。" in home
    assert inbox.count_unread(session, member_id="dora") == 0


def test_moments_and_names_are_told_in_the_reader_s_language() -> None:
    values = {"what": words.moment(NOW, "Europe/Berlin")}
    assert words.fill(SENTENCE, values, texts.of("en")) == "This gathering was called off: Fri 13 March 2026, 20:00."
    assert words.fill(SENTENCE, values, texts.of("zh")) == "这次聚会取消了:2026年3月13日周五 20:00。"
    assert "tea" in words.fill(SENTENCE, {"what": words.named("tea", False)}, texts.of("zh"))


def test_whoever_chooses_is_asked_no_more(as_: As) -> None:
    dora = as_("dora")
    assert dora.get("/api/me/notifications/letters").json() == {"letters": True}
    for wanted in (False, False, True):
        assert dora.put("/api/me/notifications/letters", json={"letters": wanted}).json() == {"letters": wanted}
        assert dora.get("/api/me/notifications/letters").json() == {"letters": wanted}
    assert dora.post("/inbox/letters", data={}).status_code == 303
    assert dora.get("/api/me/notifications/letters").json() == {"letters": False}


def test_who_is_erased_is_named_in_nobody_s_notes(session: Session) -> None:
    make_members(session)
    tell(session, "dora", "ben", what=words.person("cleo", "Cléo", simulated=False))
    tell(session, "dora", nonce="other", what=words.person("ben", "Ben", simulated=False))
    tell(session, "dora", nonce="text", what="cleo")
    within = words.said("Shall %(who)s come back?", who=words.person("cleo", "Cléo", simulated=False), days=3)
    tell(session, "dora", nonce="within", what=within)
    inbox.forget(session, "cleo")
    said = session.execute(select(Notification.member_id, Notification.nonce, Notification.values)).all()
    assert {(member_id, nonce): values["what"] for member_id, nonce, values in said} == {
        ("dora", ""): {},
        ("ben", ""): {},
        ("dora", "other"): {"member": "ben", "name": "Ben", "simulated": False},
        ("dora", "text"): "cleo",
        ("dora", "within"): {"says": "Shall %(who)s come back?", "values": {"who": {}, "days": 3}},
    }
    assert words.fill(SENTENCE, {"what": {}}, texts.IN_ENGLISH) == "This gathering was called off: Somebody who left."


def test_every_note_names_members_so_that_they_can_be_forgotten() -> None:
    """Of whatever tells notes: all that it says by name is a thing's, or stands in words.person."""
    things = {f"{one}.name" for one in ("community", "event", "venue", "place", "thing")}
    told = 0
    for path in sorted(SERVER.rglob("*.py")):
        tree = ast.parse(path.read_text())
        tells = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _tells(node)]
        told += len(tells)
        said = [keyword.value for call in tells for keyword in call.keywords]
        said += [value for node in ast.walk(tree) if tells and isinstance(node, ast.Dict) for value in node.values]
        assert {name for value in said for name in _names(value)} <= things, path


def _tells(node: ast.Call) -> bool:
    return ast.unparse(node.func) in ("inbox.tell", "telling.tell")


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("words.person"):
        return
    if isinstance(node, ast.Attribute) and node.attr in ("name", "called"):
        yield ast.unparse(node)
    for child in ast.iter_child_nodes(node):
        yield from _names(child)

"""Messages of an organizer: to whom, how often, looked at first, and what nobody can make of them."""

import contextlib
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, event, func, select, text
from sqlalchemy.orm import Session

from config.settings import Settings
from server import database
from server.audit import service as audit
from server.erasure import service as erasure
from server.events import life, signups
from server.inbox import tasks as inbox_tasks
from server.inbox.model import Notification
from server.mail.model import Letter
from server.messages import service as messages
from server.messages.model import OrganizerMessage
from server.people import service as people
from tests.server.conftest import As, Clock
from tests.server.places import HOUR, NOW
from tests.server.recaps.scene import ENDS, came, crowd, make_night, sign_up

API = "/api/events/night/messages"
PAGE = "/events/night/messages"
NONCE = "0123456789abcdef"


@pytest.fixture
def host(as_: As, session: Session) -> TestClient:
    """Cléo's browser; Emil, Fay and Gina are going to her night."""
    client = as_("cleo")
    make_night(session)
    sign_up(session, "emil", "fay", "gina")
    return client


def write(host: TestClient, to: str = "going", text: str = "Bring tea.", nonce: str = NONCE, **more: Any) -> Any:
    return host.post(API, json={"to": to, "text": text, "nonce": nonce, **more}).json()


def told(session: Session) -> list[str]:
    return sorted(session.scalars(select(Notification.member_id).where(Notification.kind == messages.KIND)))


def test_anonymous_is_refused(host: TestClient, as_: As) -> None:
    del host
    assert as_(None).get(API).json()["code"] == "sign_in_needed"
    for who in ("ana", "emil"):
        assert as_(who).get(API).json()["code"] == "event_not_yours"
        assert as_(who).get(PAGE).status_code == 403
        assert as_(who).post(API, json={"to": "going", "text": "x", "nonce": NONCE}).status_code == 403


def test_it_goes_to_the_group_and_is_noted(host: TestClient, session: Session) -> None:
    sent = write(host)
    assert (sent["number"], sent["count"]) == (1, 3)
    assert told(session) == ["emil", "fay", "gina"]
    (note,) = [one for one in audit.read(session, of="event/night") if one.action == "message.sent"]
    assert (note.actor_id, note.details) == ("cleo", {"to": "going", "count": 3})


def test_it_is_looked_at_first_in_each_of_their_languages(host: TestClient, session: Session) -> None:
    people.get(session, "fay").language = "zh"
    session.flush()
    seen = host.post(f"{API}/preview", json={"to": "going", "text": "Bring 茶."}).json()
    assert (seen["count"], seen["left"], sorted(seen["looks"])) == (3, 2, ["en", "zh"])
    assert all(one.endswith("\n\nBring 茶.") for one in seen["looks"].values())
    assert seen["looks"]["en"] != seen["looks"]["zh"]
    assert told(session) == []


def test_each_group_is_who_it_says(host: TestClient, session: Session, clock: Clock) -> None:
    sign_up(session, "hugo")
    signups.withdraw(session, event_id="night", member_id="hugo", now=NOW - HOUR)
    session.execute(text("UPDATE sign_up SET state = 'waiting' WHERE member_id = 'gina'"))
    came(session, "emil", "ida")
    counts = messages.counts(session, event_id="night", by_id="cleo", now=NOW)
    assert counts == {"going": 2, "came": 2, "waiting": 1}
    assert write(host, "absent")["code"] == "after_the_end"
    clock.now = ENDS
    assert messages.counts(session, event_id="night", by_id="cleo", now=ENDS)["absent"] == 1
    assert write(host, "absent")["count"] == 1
    assert told(session) == ["fay"]
    assert write(host, "waiting", nonce=NONCE + "2")["count"] == 1
    assert told(session) == ["fay", "gina"]


def test_two_are_all_there_are_and_a_retry_is_the_same(host: TestClient, session: Session) -> None:
    assert write(host)["number"] == write(host)["number"] == 1
    assert write(host, "going", "Another.", NONCE + "2")["number"] == 2
    assert write(host, "going", "A third.", NONCE + "3")["code"] == "two_sent"
    assert write(host)["number"] == 1
    assert host.post(f"{API}/preview", json={"to": "going", "text": "x"}).json()["code"] == "two_sent"
    assert len(host.get(API).json()) == 2
    assert len(told(session)) == 6


def test_nobody_and_nothing_are_refused(host: TestClient, session: Session) -> None:
    assert write(host, "waiting")["code"] == "nobody_there"
    for text_ in ("", "   \n ", "x" * 2001, "a\x00b"):
        assert host.post(API, json={"to": "going", "text": text_, "nonce": NONCE}).status_code == 422
    assert host.post(API, json={"to": "everybody", "text": "x", "nonce": NONCE}).status_code == 422
    assert host.post(API, json={"to": "going", "text": "x", "nonce": "short"}).status_code == 422
    session.execute(text("UPDATE event SET state = 'draft'"))
    assert write(host)["code"] == "not_out"
    assert session.scalar(select(func.count()).select_from(OrganizerMessage)) == 0


def test_who_erased_herself_gets_nothing(host: TestClient, session: Session, settings: Settings) -> None:
    erasure.erase(session, member_id="fay", now=NOW, presence=settings.presence)
    assert write(host)["count"] == 2
    assert told(session) == ["emil", "gina"]


def test_muting_is_told_to_nobody(host: TestClient, as_: As, session: Session, settings: Settings) -> None:
    write(host)
    emil = as_("emil")
    assert "No more messages from this organizer" in emil.get("/inbox").text
    assert emil.post("/inbox/mute", data={"event_id": "night"}).status_code == 303
    assert emil.put("/api/events/night/organizer/mute").status_code == 204
    assert [one["organizer"] for one in emil.get("/api/me/muted-organizers").json()] == ["cleo"]
    assert "You get no messages from" in emil.get("/inbox").text
    assert host.post(f"{API}/preview", json={"to": "going", "text": "x"}).json()["count"] == 3
    assert write(host, "going", "Another.", NONCE + "2")["count"] == 3
    assert told(session) == ["emil", "fay", "fay", "gina", "gina"]
    exported = host.get("/api/me/export")
    assert b"muted" not in exported.content.replace(b"muted_organizer.json", b"")
    assert "muted_organizer" not in erasure_counts(session, settings)
    assert emil.delete("/api/me/muted-organizers/cleo").status_code == 204
    assert emil.get("/api/me/muted-organizers").json() == []


def erasure_counts(session: Session, settings: Settings) -> dict[str, int]:
    """What Cléo's receipt would count, were she to leave."""
    session.execute(text("UPDATE event SET organizer_id = 'dora' WHERE organizer_id = 'cleo'"))
    inside = session.begin_nested()
    found = dict(erasure.erase(session, member_id="cleo", now=NOW, presence=settings.presence).counts)
    inside.rollback()
    session.expunge_all()
    session.execute(text("UPDATE event SET organizer_id = 'cleo' WHERE organizer_id = 'dora'"))
    return found


HOSTILE = "<img src=x onerror=alert(1)>\nhttps://evil.example/\nSubject: you won\r\nBcc: all@example.org\n%(host)s 100%"


def test_what_is_written_is_text_everywhere(host: TestClient, as_: As) -> None:
    assert write(host, text=HOSTILE)["number"] == 1
    page = as_("emil").get("/inbox").text
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
    assert 'href="https://evil.example' not in page
    assert "%(host)s 100%" in page
    look = host.post(PAGE, data={"to": "going", "text": HOSTILE, "nonce": NONCE, "act": "look"}).text
    assert "<img src=x" not in look


def test_a_letter_of_it_has_one_subject_and_one_recipient(
    host: TestClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.get(session, "emil").email = "emil@example.org"
    session.flush()
    write(host, text=HOSTILE)
    _post(session, monkeypatch)
    (letter,) = session.scalars(select(Letter))
    assert letter.address == "emil@example.org"
    assert "\n" not in letter.subject
    assert "Bcc: all@example.org" in letter.text


def _post(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes the letters of what was told, in the test's own session."""

    @contextlib.contextmanager
    def here(_engine: object) -> Any:
        yield session

    monkeypatch.setattr(database, "transaction", here)
    server = SimpleNamespace(url="http://127.0.0.1")
    work: Any = SimpleNamespace(engine=None, clock=lambda: NOW, settings=SimpleNamespace(server=server))
    inbox_tasks.post(work)


def test_the_page_works_without_scripts(host: TestClient, session: Session) -> None:
    page = host.get(PAGE).text
    assert "Look at it first" in page
    look = host.post(PAGE, data={"to": "going", "text": "Bring\ntea.", "nonce": NONCE, "act": "look"})
    assert look.status_code == 200
    assert "Look at it once more" in look.text
    assert told(session) == []
    edit = host.post(PAGE, data={"to": "going", "text": "Bring\ntea.", "nonce": NONCE, "act": "edit"}).text
    assert "\nBring\ntea.</textarea>" in edit
    for _ in range(2):
        sent = host.post(PAGE, data={"to": "going", "text": "Bring\ntea.", "nonce": NONCE, "act": "send"})
        assert sent.status_code == 303
    assert told(session) == ["emil", "fay", "gina"]
    refused = host.post(PAGE, data={"to": "waiting", "text": "x", "nonce": NONCE + "2", "act": "look"})
    assert refused.status_code == 409
    assert "There is nobody to write to in this group." in refused.text


def test_of_what_was_called_off_the_host_can_still_say_why(host: TestClient, session: Session) -> None:
    life.cancel(session, event_id="night", now=NOW)
    assert write(host)["count"] == 3


def test_nobody_is_missing_at_what_was_called_off(host: TestClient, session: Session, clock: Clock) -> None:
    life.cancel(session, event_id="night", now=NOW)
    clock.now = ENDS
    assert write(host, "absent")["code"] == "nobody_there"
    assert "absent" not in messages.counts(session, event_id="night", by_id="cleo", now=ENDS)


def test_whose_message_it_was_is_not_told_once_she_is_erased(
    host: TestClient, as_: As, session: Session, clock: Clock
) -> None:
    write(host)
    clock.now = ENDS + 30 * HOUR
    assert "Cléo" in as_("emil").get("/inbox").text
    erasure.erase(session, member_id="cleo", now=clock.now)
    page = as_("emil").get("/inbox").text
    assert "Cléo" not in page
    assert "Somebody who left, about Night of ideas:" in page


def test_a_thousand_cost_as_many_statements_as_ten(host: TestClient, session: Session, engine: Engine) -> None:
    del host
    before = statements(session, engine, NONCE)
    crowd(session, 1000)
    assert statements(session, engine, NONCE + "2") <= before + 2
    assert len(told(session)) == 1000 + 6


def statements(session: Session, engine: Engine, nonce: str) -> int:
    seen: list[str] = []

    def count(*given: object) -> None:
        seen.append(str(given[2]))

    session.flush()
    session.expunge_all()
    event.listen(engine, "before_cursor_execute", count)
    try:
        messages.send(session, event_id="night", to="going", text="Tea.", by_id="cleo", nonce=nonce, now=NOW)
    finally:
        event.remove(engine, "before_cursor_execute", count)
    return len(seen)

"""A webhook that stops by itself: its maker gets one letter, and the record says so."""

import datetime as dt

import pytest
from sqlalchemy import select, text

from server import database
from server.audit import service as audit
from server.mail.model import Letter
from server.webhooks import letters as letter_words
from server.webhooks import service
from server.webhooks.model import Webhook
from tests.server.webhooks.conftest import Evening


@pytest.fixture(autouse=True)
def _cleo_has_an_address(evening: Evening) -> None:
    with evening.engine.begin() as connection:
        connection.execute(text("UPDATE member SET email = 'cleo@example.org' WHERE id = 'cleo'"))


def letters(evening: Evening) -> list[Letter]:
    with database.transaction(evening.engine) as session:
        return list(session.scalars(select(Letter).order_by(Letter.id)))


def notes(evening: Evening) -> list[tuple[str, str | None]]:
    with database.transaction(evening.engine) as session:
        return [(note.action, note.actor_id) for note in audit.read(session, of="event/supper")]


def fail_for_a_day(evening: Evening, hook: int) -> None:
    evening.receiver.says(500)
    evening.collect()
    while evening.webhook(hook).paused_at is None:
        evening.send(hook)
        evening.clock.now = evening.webhook(hook).next_at or evening.clock()


def test_a_day_of_failures_is_one_letter_with_the_way_back(evening: Evening) -> None:
    hook = evening.make()
    evening.come("Li Wei")
    fail_for_a_day(evening, hook)
    [letter] = letters(evening)
    assert letter.address == "cleo@example.org"
    assert letter.subject == f"Friday supper: news to {evening.receiver.url.split('/')[2]} have stopped"
    assert "It did not take the same message for a day." in letter.text
    assert f"{evening.work.settings.server.url}/webhooks/{hook}\n" in letter.text
    assert "/hook" not in letter.text, "an address lets others write"
    evening.come("Kim")
    evening.tell(hook)
    assert len(letters(evening)) == 1
    with database.transaction(evening.engine) as session:
        assert not service.pause_now(session, session.get_one(Webhook, hook), "again", evening.clock())
    # After "Go on" it is news again.
    with database.transaction(evening.engine) as session:
        service.resume(session, webhook=session.get_one(Webhook, hook), now=evening.clock(), by="cleo")
    evening.later(dt.timedelta(seconds=1))
    evening.come("Ada")
    fail_for_a_day(evening, hook)
    assert len(letters(evening)) == 2
    assert notes(evening) == [
        ("webhook.paused", None),
        ("webhook.resumed", "cleo"),
        ("webhook.paused", None),
        ("webhook.made", "cleo"),
    ]


def test_a_410_is_one_letter_in_her_language(evening: Evening) -> None:
    with evening.engine.begin() as connection:
        connection.execute(text("UPDATE member SET language = 'zh'"))
    hook = evening.make()
    evening.come("Li Wei")
    evening.receiver.says(410)
    for _ in range(2):
        evening.tell(hook)
    [letter] = letters(evening)
    assert "对方表示该地址已不存在（410）。" in letter.text
    assert notes(evening)[0] == ("webhook.ended", None)


def test_one_whose_maker_hosts_no_longer_is_one_letter(evening: Evening) -> None:
    evening.make()
    with evening.engine.begin() as connection:
        connection.execute(text("UPDATE event SET organizer_id = 'dora'"))
    for _ in range(2):
        evening.collect()
    assert len(letters(evening)) == 1


def test_who_ended_it_herself_or_has_no_address_gets_none(evening: Evening) -> None:
    with database.transaction(evening.engine) as session:
        first = session.get_one(Webhook, evening.make())
        service.end(session, webhook=first, now=evening.clock(), by="cleo")
        session.execute(text("UPDATE member SET email = NULL"))
    second = evening.make()
    evening.come("Li Wei")
    evening.receiver.says(410)
    evening.tell(second)
    assert evening.webhook(second).ended_at is not None
    assert letters(evening) == []
    assert notes(evening)[0] == ("webhook.ended", None)


def test_a_letter_and_the_end_are_one_commit(evening: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an end without a letter nor two letters, whenever the process dies."""
    hook = evening.make()
    evening.come("Li Wei")
    evening.receiver.says(410)

    class Died(Exception):
        """The process was killed."""

    def die(*_: object) -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(letter_words, "tell_maker", die)
        with pytest.raises(Died):
            evening.tell(hook)
    assert evening.webhook(hook).ended_at is None
    evening.send(hook)
    assert (evening.webhook(hook).ended_at is not None, len(letters(evening))) == (True, 1)

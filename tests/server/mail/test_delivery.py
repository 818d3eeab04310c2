"""Letters: sent once they are committed, again when the mail server was away, told to the operator when refused."""

import dataclasses
import datetime as dt
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import text

from server import database as server_database
from server.jobs import worker
from server.jobs.service import Work
from server.mail import service as mail
from server.mail import tasks
from server.mail.model import Letter
from tests.server.mail.conftest import PostOffice
from tests.server.places import NOW

MINUTE = dt.timedelta(minutes=1)


def _post(work: Work, subject: str = "Your code", **more: Any) -> int:
    with server_database.transaction(work.engine) as session:
        letter = mail.post(session, to="li@例子.中国", subject=subject, text="你好 4 7 1", now=NOW, **more)
        return letter.id


def _letter(work: Work, letter_id: int) -> Letter:
    with server_database.transaction(work.engine) as session:
        found = session.get(Letter, letter_id)
        assert found is not None
        return found


def _again(work: Work) -> None:
    """Lets what waits to be tried again be due."""
    with work.engine.begin() as connection:
        connection.execute(text("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'"))
    worker.run_waiting(work)


def test_a_letter_arrives_and_its_text_is_forgotten(work: Work, post_office: PostOffice) -> None:
    post_office.open()
    letter_id = _post(work)
    worker.run_waiting(work)
    (letter,) = post_office.arrived
    assert letter["To"] == "li@xn--fsqu00a.xn--fiqs8s"
    assert letter["From"] == "Muster im Café <muster@example.org>"
    assert letter["Subject"] == "Your code"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter.get_content().strip() == "你好 4 7 1"
    kept = _letter(work, letter_id)
    assert (kept.sent_at, kept.text, kept.tries) == (NOW, "", 1)
    tasks.deliver(work, letter_id=letter_id)  # the queue may ask twice
    assert len(post_office.arrived) == 1


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\x0b", "\u2028"])
def test_nobody_writes_another_header_through_the_subject(work: Work, post_office: PostOffice, ending: str) -> None:
    post_office.open()
    _post(work, subject=f"Hello{ending}Bcc: bo@example.org")
    worker.run_waiting(work)
    (letter,) = post_office.arrived
    assert letter["Bcc"] is None
    assert letter["Subject"] == "Hello Bcc: bo@example.org"


def test_a_mail_server_that_was_away_gets_the_letter_when_it_is_back(work: Work, post_office: PostOffice) -> None:
    letter_id = _post(work)
    worker.run_waiting(work)
    assert "refused" in (_letter(work, letter_id).said or "")  # the connection
    post_office.answer = "451 try again later"
    post_office.open()
    _again(work)
    assert _letter(work, letter_id).said == "451 try again later"
    assert _letter(work, letter_id).refused is None
    post_office.answer = None
    _again(work)
    assert len(post_office.arrived) == 1
    assert _letter(work, letter_id).sent_at is not None
    _again(work)
    assert len(post_office.arrived) == 1


def test_what_is_refused_for_good_is_told_to_the_operator_and_not_tried_again(
    work: Work, post_office: PostOffice
) -> None:
    post_office.answer = "550 no such mailbox"
    post_office.open()
    letter_id = _post(work)
    worker.run_waiting(work)
    post_office.answer = None
    _again(work)
    assert post_office.arrived == []
    with server_database.transaction(work.engine) as session:
        (refused,) = mail.refused(session)
        assert (refused.id, refused.refused, refused.text) == (letter_id, "550 no such mailbox", "")
        assert mail.waiting(session, now=NOW) == []


def test_what_is_too_late_is_not_sent(work: Work, post_office: PostOffice) -> None:
    letter_id = _post(work, expires_at=NOW + MINUTE)
    worker.run_waiting(work)
    post_office.open()
    later = dataclasses.replace(work, clock=lambda: NOW + MINUTE)
    _again(later)
    assert post_office.arrived == []
    assert (_letter(work, letter_id).refused or "").startswith("too late")


def test_without_a_mail_server_letters_wait_for_the_operator_to_read(work: Work) -> None:
    settings = dataclasses.replace(work.settings, mail=dataclasses.replace(work.settings.mail, host=""))
    alone = dataclasses.replace(work, settings=settings)
    _post(work, expires_at=NOW + MINUTE)
    worker.run_waiting(alone)
    with server_database.transaction(work.engine) as session:
        (letter,) = mail.waiting(session, now=NOW)
        assert letter.text == "你好 4 7 1"
        assert mail.waiting(session, now=NOW + MINUTE) == []
    tasks.tidy(dataclasses.replace(alone, clock=lambda: NOW + MINUTE))
    assert _letter(work, letter.id).text == ""
    tasks.tidy(dataclasses.replace(alone, clock=lambda: NOW + dt.timedelta(days=8)))
    with server_database.transaction(work.engine) as session:
        assert session.get(Letter, letter.id) is None


CHILD = """
import datetime, sys
from config import settings
from server import database
from server.jobs.service import Work
from server.mail import tasks
loaded = settings.load()
now = datetime.datetime(2026, 3, 13, 19, tzinfo=datetime.UTC)
tasks.deliver(Work(database.connect(loaded.database.conninfo), loaded, lambda: now), letter_id=int(sys.argv[1]))
"""


def test_killed_between_sending_and_noting_it_goes_out_at_most_twice_and_is_never_lost(
    work: Work, post_office: PostOffice
) -> None:
    letter_id = _post(work)
    environment = {
        "MUSTER_DATABASE__DSN": work.settings.database.dsn,
        **{
            f"MUSTER_MAIL__{name.upper()}": str(value) for name, value in dataclasses.asdict(work.settings.mail).items()
        },
    }
    children: list[subprocess.Popen[bytes]] = []

    def kill() -> None:
        post_office.on_taken = lambda: None
        children[0].kill()  # the mail server has it, and its "250" is not read yet
        children[0].wait()

    post_office.on_taken = kill
    post_office.open()
    children.append(subprocess.Popen([sys.executable, "-c", CHILD, str(letter_id)], env={**os.environ, **environment}))
    assert children[0].wait(60) == -signal.SIGKILL
    assert _letter(work, letter_id).sent_at is None
    worker.run_waiting(work)
    worker.run_waiting(work)
    first, second = post_office.arrived
    assert first["Message-ID"] == second["Message-ID"]
    assert _letter(work, letter_id).sent_at == NOW


def test_an_address_in_a_header_arrives_in_one_piece(work: Work, post_office: PostOffice) -> None:
    link = f"https://muster.example.org/letters/stop/{'a' * 200}"
    post_office.open()
    letter_id = _post(
        work, headers={"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    )
    tasks.deliver(work, letter_id=letter_id)
    (arrived,) = post_office.arrived
    assert arrived["List-Unsubscribe"] == f"<{link}>"
    assert arrived["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

"""`muster doctor` on mail: without a mail server it says where codes show, with one whether it takes our letters."""

import dataclasses
from typing import Any

import pytest

from server import database as server_database
from server.jobs import worker
from server.jobs.service import Work
from server.mail import service as mail
from server.main import Unusable, tell_codes
from server.operations import doctor
from tests.server.mail.conftest import PostOffice
from tests.server.places import NOW


def _finding(work: Work, **settings: Any) -> doctor.Finding:
    changed = dataclasses.replace(work.settings, mail=dataclasses.replace(work.settings.mail, **settings))
    return doctor._look_at_mail(changed)


def test_a_mail_server_is_greeted_and_its_absence_is_told(work: Work, post_office: PostOffice) -> None:
    assert not _finding(work).well
    post_office.open()
    assert _finding(work).well
    assert "takes letters" in _finding(work).found
    without_login = _finding(work, user="muster", password="x")
    assert not without_login.well
    none = _finding(work, host="")
    assert none.well
    assert "/operator/letters" in none.found


def test_refused_letters_are_told_until_they_are_forgotten(work: Work, post_office: PostOffice) -> None:
    post_office.answer = "554 your server is not trusted"
    post_office.open()
    with server_database.transaction(work.engine) as session:
        mail.post(session, to="ana@example.org", subject="Code", text="1", now=NOW)
    worker.run_waiting(work)
    with server_database.transaction(work.engine) as session:
        connection = session.connection().connection.driver_connection
        assert connection is not None
        (finding,) = doctor._look_for_refused_letters(connection)
    assert "554 your server is not trusted" in finding.found


def test_codes_are_told_on_the_machine_unless_a_mail_server_sends_them(
    work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Unusable, match="sends the codes"):
        tell_codes(work.settings)
    alone = dataclasses.replace(work.settings, mail=dataclasses.replace(work.settings.mail, host=""))
    assert tell_codes(alone) == 0
    assert "Nobody waits" in capsys.readouterr().err

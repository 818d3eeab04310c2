"""Codes and links by e-mail: who has them has the address; ten minutes, five tries, the newest alone."""

import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from config import settings as config
from server import database as server_database
from server.errors import TooMany
from server.limits.service import Caller
from server.mail import service as mail
from server.mail import tasks
from server.mail.addresses import AddressInvalid
from server.people import codes
from server.people import service as people
from server.people.model import Proof
from tests.server.places import NOW

assert tasks
LIFETIME = dt.timedelta(minutes=10)
URL = "https://muster.example.org"


@pytest.fixture
def caller(engine: Engine) -> Caller:
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM bucket"))
    return _at(engine, NOW)


def _at(engine: Engine, now: dt.datetime, network: str = "192.0.2.1") -> Caller:
    return Caller(engine, config.load(environment={}).limits, network, now)


def _ask(session: Session, caller: Caller, email: str = "ana@example.org", **more: str) -> str:
    return codes.ask(
        session, caller, email=email, language=more.pop("language", "en"), lifetime=LIFETIME, url=URL, **more
    )


def _newest(session: Session) -> tuple[str, str]:
    """The code and the link of the newest letter."""
    body = mail.waiting(session, now=NOW)[0].text
    code, link = re.search(r"^ +(\d{6})$", body, re.MULTILINE), re.search(rf"{URL}/sign-in/(\S+)", body)
    assert code is not None
    return code[1], link[1] if link else ""


def _wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_a_code_proves_an_address_once(session: Session, caller: Caller) -> None:
    asked = _ask(session, caller, " Ana@Example.org ")
    code, _ = _newest(session)
    with pytest.raises(codes.CodeWrong):
        codes.prove(session, caller, asked=asked, code=_wrong(code))
    assert codes.prove(session, caller, asked=asked, code=f"{code[:3]} {code[3:]}").address == "ana@example.org"
    with pytest.raises(codes.CodeSpent):
        codes.prove(session, caller, asked=asked, code=code)


def test_a_link_proves_it_too_and_a_look_does_not_use_it_up(session: Session, caller: Caller) -> None:
    asked = _ask(session, caller)
    code, link = _newest(session)
    for _ in range(2):
        assert codes.look_at_link(session, link=link, now=NOW) is not None
    assert codes.use_link(session, link=link, now=NOW).address == "ana@example.org"
    with pytest.raises(codes.CodeSpent):
        codes.use_link(session, link=link, now=NOW)
    with pytest.raises(codes.CodeSpent):
        codes.prove(session, caller, asked=asked, code=code)
    assert codes.look_at_link(session, link=link, now=NOW) is None


def test_five_tries_and_no_more(session: Session, caller: Caller) -> None:
    asked = _ask(session, caller)
    code, _ = _newest(session)
    for _ in range(5):
        with pytest.raises(codes.CodeWrong):
            codes.prove(session, caller, asked=asked, code=_wrong(code))
    with pytest.raises(codes.CodeSpent):
        codes.prove(session, caller, asked=asked, code=code)


def test_a_slip_of_the_keyboard_is_no_try(session: Session, caller: Caller) -> None:
    asked = _ask(session, caller)
    code, _ = _newest(session)
    for malformed in ["", "12345", "1234567", "abcdef", "１２３４５６", "12 34 5x", "9" * 100_000]:
        with pytest.raises(codes.CodeMalformed):
            codes.prove(session, caller, asked=asked, code=malformed)
    assert codes.prove(session, caller, asked=asked, code=code)


def test_tries_at_once_are_five_too(fresh_database: str) -> None:
    engine = server_database.connect(fresh_database, pool=16)
    caller = _at(engine, NOW)
    with server_database.transaction(engine) as session:
        asked = _ask(session, caller)
        code, _ = _newest(session)

    def guess(guessed: str) -> str:
        with server_database.transaction(engine) as session:  # as a request does: what is kept is committed
            try:
                codes.prove(session, caller, asked=asked, code=guessed)
            except (codes.CodeWrong, codes.CodeSpent, TooMany) as error:
                return error.code
        return "right"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(guess, [_wrong(code)] * 16))
    assert answers.count("code_wrong") == 5
    assert "right" not in answers
    # What a crash of PostgreSQL does to tables without a log: what counts networks is empty, the tries are not.
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE bucket"))
    assert guess(code) == "code_spent"
    engine.dispose()


def test_a_code_is_too_old_after_ten_minutes(session: Session, caller: Caller, engine: Engine) -> None:
    asked = _ask(session, caller)
    code, link = _newest(session)
    late = _at(engine, NOW + LIFETIME)
    with pytest.raises(codes.CodeSpent):
        codes.prove(session, late, asked=asked, code=code)
    with pytest.raises(codes.CodeSpent):
        codes.use_link(session, link=link, now=NOW + LIFETIME)
    codes.tidy(session, now=NOW + LIFETIME)
    assert session.get(Proof, "ana@example.org") is None


def test_only_the_newest_counts_and_only_where_it_was_asked_for(session: Session, caller: Caller) -> None:
    first = _ask(session, caller)
    old, old_link = _newest(session)
    second = _ask(session, caller)
    new, _ = _newest(session)
    for asked, code in ((first, old), (first, new), ("made-up", new)):
        with pytest.raises(codes.CodeSpent):
            codes.prove(session, caller, asked=asked, code=code)
    assert codes.look_at_link(session, link=old_link, now=NOW) is None
    assert codes.prove(session, caller, asked=second, code=new)


def test_nobody_is_flooded_with_letters(session: Session, caller: Caller, engine: Engine) -> None:
    for _ in range(5):
        _ask(session, caller)
    with pytest.raises(TooMany):
        _ask(session, _at(engine, NOW, "192.0.2.2"))
    _ask(session, caller, "bo@example.org")


@pytest.mark.parametrize("email", ["ana@example.org\r\nBcc: bo@example.org", "ana@example.org, bo@example.org", ""])
def test_what_is_no_address_gets_no_letter(session: Session, caller: Caller, email: str) -> None:
    with pytest.raises(AddressInvalid):
        _ask(session, caller, email)
    assert mail.waiting(session, now=NOW) == []


def test_nothing_that_is_kept_tells_the_digits(session: Session, caller: Caller) -> None:
    asked = _ask(session, caller)
    code, link = _newest(session)
    row = session.execute(text("SELECT proof::text FROM proof")).scalar_one()
    assert all(secret not in row for secret in (code, asked, link))


def test_letters_speak_two_languages(session: Session, caller: Caller) -> None:
    _ask(session, caller, language="zh-CN")
    letter = mail.waiting(session, now=NOW)[0]
    assert "验证码" in letter.subject
    assert "10 分钟" in letter.text
    _ask(session, caller, language="fr")
    assert "is your code" in mail.waiting(session, now=NOW)[0].subject


def test_what_is_to_belong_to_a_member_has_no_link(session: Session, caller: Caller) -> None:
    guest = people.create_guest(session, name="Bo")
    asked = _ask(session, caller, for_id=guest.id)
    code, link = _newest(session)
    assert link == ""
    assert codes.prove(session, caller, asked=asked, code=code).for_id == guest.id

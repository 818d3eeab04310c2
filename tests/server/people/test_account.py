"""Signing in and one's own things over HTTP: codes, guests, sessions, tokens, passwords, name and language."""

import dataclasses
import datetime as dt
import re
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Settings
from server.mail import service as mail
from server.people import access, codes, cookies
from server.people import service as people
from tests.server.conftest import As, Clock
from tests.server.places import NOW


def _code(session: Session) -> str:
    found = re.search(r"\d{6}", mail.waiting(session, now=NOW)[0].subject)
    assert found is not None
    return found[0]


def test_anonymous_is_refused(as_: As) -> None:
    stranger = as_(None)
    for path in ("/api/me", "/api/me/sessions", "/api/me/tokens", "/api/me/passkeys", "/api/me/roles", "/me"):
        assert stranger.get(path).json()["code"] == "sign_in_needed"


def test_known_or_not_an_address_is_answered_alike(as_: As, session: Session) -> None:
    people.set_address(session, people.get(session, "dora"), "dora@example.org")
    answers = []
    for email in ("dora@example.org", "nobody@example.org"):
        answer = as_(None).post("/api/sign-in/codes", json={"email": email})
        answers.append((answer.status_code, {**answer.json(), "asked": len(answer.json()["asked"])}))
    assert answers[0] == answers[1]
    assert answers[0][0] == 202
    assert session.execute(text("SELECT count(*) FROM member WHERE email = 'nobody@example.org'")).scalar_one() == 0


def test_a_code_signs_in_who_was_here_and_makes_who_was_not(as_: As, session: Session) -> None:
    people.set_address(session, people.get(session, "dora"), "dora@example.org")
    for email, expected in (("Dora@Example.org", "dora"), ("new@example.org", None)):
        browser = as_(None)
        asked = browser.post("/api/sign-in/codes", json={"email": email}).json()["asked"]
        wrong = browser.post("/api/sign-in/codes/use", json={"asked": asked, "code": "000 000"})
        right = browser.post("/api/sign-in/codes/use", json={"asked": asked, "code": _code(session)})
        assert wrong.json()["code"] == "code_wrong" or _code(session) == "000000"
        assert right.json()["email"] == email.lower()
        assert browser.get("/api/me").json()["id"] == (expected or right.json()["id"])
        again = as_(None).post("/api/sign-in/codes/use", json={"asked": asked, "code": _code(session)})
        assert again.json()["code"] == "code_spent"


@pytest.mark.parametrize("page", [False, True])
def test_five_wrong_codes_end_it_whatever_becomes_of_the_buckets(as_: As, session: Session, page: bool) -> None:
    browser = as_(None)
    if page:
        browser.post("/sign-in/email", data={"email": "new@example.org"})
    else:
        asked = browser.post("/api/sign-in/codes", json={"email": "new@example.org"}).json()["asked"]
    code = _code(session)

    def told(code: str) -> str:
        if page:
            return browser.post("/sign-in/code", data={"code": code}).text
        return str(browser.post("/api/sign-in/codes/use", json={"asked": asked, "code": code}).json())

    for _ in range(5):
        assert "not the code of the newest letter" in told(f"{(int(code) + 1) % 1_000_000:06}")
    assert "tried too often, or it is too old" in told(code)
    assert browser.get("/api/me").status_code == 401


def test_without_scripts_two_forms_and_one_is_in(as_: As, session: Session) -> None:
    browser = as_(None)
    asked = browser.post("/sign-in/email", data={"email": "li@example.org", "next": "/tonight"})
    assert (asked.status_code, asked.headers["location"]) == (303, "/sign-in/code?next=/tonight")
    page = browser.get("/sign-in/code?next=/tonight").text
    assert "li@example.org" in page
    assert 'autocomplete="one-time-code"' in page
    assert 'inputmode="numeric"' in page
    wrong = browser.post("/sign-in/code", data={"code": "12345", "next": "/tonight"})
    assert wrong.status_code == 422
    assert "six digits" in wrong.text
    done = browser.post("/sign-in/code", data={"code": _code(session), "next": "/tonight"})
    assert (done.status_code, done.headers["location"]) == (303, "/me/welcome?next=/tonight")
    assert "What shall we call you" in browser.get("/me/welcome?next=/tonight").text
    named = browser.post("/me", data={"name": "Li Wei", "next": "/tonight"})
    assert named.headers["location"] == "/tonight"
    assert browser.get("/api/me").json()["name"] == "Li Wei"
    assert browser.get("/sign-in/code").text.count("This code is over") == 1


def test_the_link_of_a_letter_signs_in_on_another_phone_and_a_look_does_not_use_it_up(
    as_: As, session: Session
) -> None:
    as_(None).post("/sign-in/email", data={"email": "li@example.org"})
    link = re.search(r"/sign-in/\S+", mail.waiting(session, now=NOW)[0].text)
    assert link is not None
    phone = as_(None)
    for _ in range(2):
        assert "li@example.org" in phone.get(link[0]).text
    assert phone.post(link[0]).status_code == 303
    assert phone.get("/api/me").json()["email"] == "li@example.org"
    assert as_(None).post(link[0]).status_code == 410


def test_a_guest_leaves_an_address_and_is_a_member(as_: As, session: Session) -> None:
    guest = people.create_guest(session, name="Bo")
    browser = as_(guest.id)
    assert browser.post("/api/me/tokens", json={"name": "x", "ends_at": "2026-04-01T00:00:00Z"}).json()["code"] == (
        "account_needed"
    )
    assert "we forget you" in browser.get("/me").text
    browser.post("/me/email", data={"email": "bo@example.org"})
    assert "http" not in mail.waiting(session, now=NOW)[0].text  # no link: only this browser proves it
    assert (
        as_("dora")
        .post("/api/me/email/prove", json={"asked": browser.cookies[cookies.ASKED], "code": _code(session)})
        .json()["code"]
        == "code_spent"
    )  # somebody else's question; it is used up, so Bo asks again
    session.execute(text("UPDATE proof SET used_at = NULL"))
    assert browser.post("/me/email/prove", data={"code": _code(session)}).headers["location"] == "/me"
    me = browser.get("/api/me").json()
    assert (me["id"], me["guest"], me["email"]) == (guest.id, False, "bo@example.org")


def test_sessions_are_listed_and_ended(as_: As, clock: Clock) -> None:
    phone, desk = as_("dora"), as_("dora")
    desk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    clock.now += dt.timedelta(minutes=61)
    desk.get("/api/me")
    mine = desk.get("/api/me/sessions").json()
    assert [one["this"] for one in mine] == [True, False]
    assert mine[0]["seen_at"] == "2026-03-13T20:00:00Z"
    assert mine[1]["seen_at"] == "2026-03-13T19:00:00Z"
    assert as_("ben").delete(f"/api/me/sessions/{mine[1]['number']}").json()["code"] == "session_gone"
    assert desk.delete(f"/api/me/sessions/{mine[1]['number']}").status_code == 204
    assert phone.get("/api/me").status_code == 401
    third = as_("dora")
    assert desk.delete("/api/me/sessions").status_code == 204
    assert third.get("/api/me").status_code == 401
    assert desk.get("/api/me").status_code == 200


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537 Chrome/140.0 Mobile Safari/537", "Chrome on Android"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140 Mobile Safari/537 MicroMessenger/8.0", "WeChat on Android"),
        ("curl/8.5.0", "curl"),
        ("", ""),
        ("<script>" * 1000, ""),
    ],
)  # fmt: skip
def test_a_browser_is_told_in_a_few_words(user_agent: str, words: str) -> None:
    assert cookies.describe(user_agent) == words


def test_a_token_acts_as_its_member_and_makes_neither_tokens_nor_sessions(as_: As, session: Session) -> None:
    dora, program = as_("dora"), as_(None)
    made = dora.post("/api/me/tokens", json={"name": "calendar", "ends_at": "2026-04-01T00:00:00Z"}).json()
    assert made["token"].startswith("mst_")
    assert made["token"] not in session.execute(text("SELECT api_token::text FROM api_token")).scalar_one()
    program.headers["Authorization"] = f"Bearer {made['token']}"
    assert program.get("/api/me").json()["id"] == "dora"
    assert "token" not in dora.get("/api/me/tokens").json()[0]
    assert dora.get("/api/me/tokens").json()[0]["used_at"] == "2026-03-13T19:00:00Z"
    for path in ("/api/me/tokens", "/api/me/passkeys/options", "/api/me/email"):
        body = {"name": "x", "ends_at": "2026-04-01T00:00:00Z"} if path.endswith("tokens") else {"email": "a@b.cd"}
        assert program.post(path, json=body).json()["code"] == "in_person_only"
    program.cookies.set(access.COOKIE, dora.cookies[access.COOKIE])  # the token decides, not the cookie beside it
    assert program.delete("/api/me/sessions").json()["code"] == "in_person_only"
    assert dora.delete(f"/api/me/tokens/{made['number']}").status_code == 204
    assert program.get("/api/me").json()["code"] == "token_unknown"


def test_a_token_ends_and_made_up_ones_are_counted(as_: As, clock: Clock, settings: Settings) -> None:
    made = as_("dora").post("/api/me/tokens", json={"name": "x", "ends_at": "2026-03-13T20:00:00Z"}).json()
    program = as_(None)
    program.headers["Authorization"] = f"Bearer {made['token']}"
    assert program.get("/api/me").status_code == 200
    clock.now += dt.timedelta(hours=1)
    answers = [program.get("/api/me") for _ in range(settings.limits.guesses_at_once + 5)]
    assert {answer.status_code for answer in answers} == {401, 429}
    assert int(answers[-1].headers["retry-after"]) > 0
    as_cookie = as_(None)
    as_cookie.cookies.set(access.COOKIE, made["token"])
    assert as_cookie.get("/api/me").json()["code"] == "sign_in_needed"
    for days in (-1, 400):
        ends = (NOW + dt.timedelta(days=days)).isoformat()
        assert as_("dora").post("/api/me/tokens", json={"name": "x", "ends_at": ends}).status_code == 422


def test_name_language_and_time_zone_are_one_s_own_and_versions_are_told(as_: As) -> None:
    dora = as_("dora")
    version = dora.get("/api/me").headers["etag"]
    changed = dora.patch(
        "/api/me", json={"language": "zh", "time_zone": "Asia/Shanghai"}, headers={"If-Match": version}
    )
    assert (changed.json()["language"], changed.json()["name"]) == ("zh", "Dora Lindqvist")
    late = dora.patch("/api/me", json={"name": "D"}, headers={"If-Match": version})
    assert (late.status_code, late.json()["code"]) == (412, "edited_meanwhile")
    assert dora.get("/me").headers["content-language"] == "zh-CN"
    for wrong in (
        {"time_zone": "Mars/Base"},
        {"language": "tlh"},
        {"name": " "},
        {"operator": True},
        {"name": "x" * 121},
    ):
        assert dora.patch("/api/me", json=wrong).status_code == 422, wrong
    assert dora.patch("/api/me", json={"name": "‏דורה 🎉"}).json()["name"] == "‏דורה 🎉"


@pytest.fixture
def with_passwords(make_app: Callable[[Settings], FastAPI], settings: Settings, as_: As, session: Session) -> As:
    """Browsers at a server whose operator allows passwords."""
    app = make_app(dataclasses.replace(settings, people=dataclasses.replace(settings.people, passwords=True)))
    people.set_address(session, people.get(session, "dora"), "dora@example.org")

    def browser(member_id: str | None) -> TestClient:
        client = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
        if member_id is not None:
            client.cookies.update(as_(member_id).cookies)
        return client

    return browser


def test_there_are_no_passwords_unless_the_operator_wants_them(as_: As) -> None:
    stranger = as_(None)
    assert "Use a password" not in stranger.get("/sign-in").text
    known = {"email": "dora@example.org", "password": "x" * 10}
    assert stranger.post("/api/sign-in/password", json=known).json()["code"] == "no_passwords"
    assert as_("dora").put("/api/me/password", json={"password": "x" * 10}).json()["code"] == "no_passwords"


def test_a_password_is_set_changed_and_asked_for(with_passwords: As) -> None:
    dora = with_passwords("dora")
    for unfit in ("short", "x" * 201):
        assert dora.put("/api/me/password", json={"password": unfit}).json()["code"] == "password_unfit"
    assert dora.put("/api/me/password", json={"password": "пароль 密码 12"}).status_code == 204
    known = {"email": "Dora@example.org", "password": "пароль 密码 12"}
    assert with_passwords(None).post("/api/sign-in/password", json=known).json()["id"] == "dora"
    assert dora.put("/api/me/password", json={"password": "y" * 10}).json()["code"] == "password_wrong"
    changed = dora.put("/api/me/password", json={"password": "y" * 10, "current": "пароль 密码 12"})
    assert changed.status_code == 204
    assert with_passwords(None).post("/api/sign-in/password", json=known).json()["code"] == "password_wrong"


def test_whoever_is_guessed_at_and_whoever_guesses_is_slowed(with_passwords: As) -> None:
    for email in ("dora@example.org", "nobody@example.org"):
        wrong = {"email": email, "password": "z" * 10}
        answers = [with_passwords(None).post("/api/sign-in/password", json=wrong).json()["code"] for _ in range(11)]
        assert answers == ["password_wrong"] * 10 + ["too_many"]


def test_a_forgotten_password_is_a_code_and_then_another_one(with_passwords: As, session: Session) -> None:
    with_passwords("dora").put("/api/me/password", json={"password": "x" * 10})
    browser = with_passwords(None)
    asked = browser.post("/api/sign-in/codes", json={"email": "dora@example.org"}).json()["asked"]
    browser.post("/api/sign-in/codes/use", json={"asked": asked, "code": _code(session)})
    assert browser.put("/api/me/password", json={"password": "y" * 10}).status_code == 204
    assert codes.DIGITS == 6


def test_operators_read_the_codes_that_nobody_sends_and_others_do_not(as_: As, session: Session) -> None:
    as_(None).post("/api/sign-in/codes", json={"email": "li@example.org"})
    code = _code(session)
    assert f"{code[:3]} {code[3:]}" in as_("ana").get("/operator/letters").text
    refused = as_("dora").get("/operator/letters")
    assert refused.status_code == 403
    assert code not in refused.text


def test_an_owner_lets_somebody_help_who_then_keeps_the_venue_too(as_: As, session: Session) -> None:
    people.set_address(session, people.get(session, "dora"), "dora@example.org")
    ben, dora = as_("ben"), as_("dora")
    assert dora.get("/venues/cafe/crew").status_code == 403
    assert dora.get("/api/venues/cafe/presence").status_code == 403
    unknown = ben.post("/venues/cafe/crew", data={"who": "nobody@example.org"})
    assert unknown.status_code == 404
    assert ben.post("/venues/cafe/crew", data={"who": "dora@example.org", "called": "Sundays"}).status_code == 303
    page = ben.get("/venues/cafe/crew").text
    assert "Sundays" in page
    assert "Lindqvist" not in page  # whoever types an address learns no name by it
    assert dora.get("/api/venues/cafe/presence").status_code == 200
    assert [venue["id"] for venue in dora.get("/api/venues").json()] == ["cafe"]
    assert dora.put("/api/venues/cafe/staff/cleo").json()["code"] == "not_your_venue"
    assert dora.post("/me/parts/end", data={"kind": "venue", "of_id": "cafe"}).status_code == 303
    assert dora.get("/api/venues/cafe/presence").status_code == 403
    noted = [(note["action"], note["by"]) for note in ben.get("/api/venues/cafe/audit").json()]
    assert noted == [("role.taken_back", "dora"), ("role.given", "ben")]


def test_what_was_done_is_told_in_sentences(as_: As) -> None:
    ben = as_("ben")
    assert ben.post("/api/venues/cafe/doors", json={"kind": "poster", "name": "Counter"}).status_code == 201
    assert "You made a door." in ben.get("/venues/cafe/crew").text
    assert "ben made a door." in as_("ana").get("/operator/crew").text

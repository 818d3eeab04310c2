"""What a host reads and says of whom muster tells: about how many, and never who or where."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.people import access
from server.people import service as people
from tests.server.audience.village import gathering, look, person
from tests.server.places import NOW, make_cafe, make_members

URL = "/api/events/reading/audience"
PEOPLE = [f"p{number}" for number in range(9)]


@pytest.fixture(autouse=True)
def _world(session: Session) -> None:
    make_members(session)
    make_cafe(session)
    session.execute(
        text("INSERT INTO interest (id, name_en, name_zh) VALUES ('books', 'Books', '读书') ON CONFLICT DO NOTHING")
    )
    for number, one in enumerate(PEOPLE):
        person(session, one, "books", away_km=number / 10)
    gathering(session)


def browser(app: FastAPI, session: Session, member_id: str | None) -> TestClient:
    client = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
    if member_id is not None:
        client.cookies.set(access.COOKIE, people.sign_in(session, member_id=member_id, now=NOW))
    return client


def test_anonymous_is_refused(app: FastAPI, session: Session) -> None:
    stranger = browser(app, session, None)
    assert stranger.get(URL).status_code == 401
    assert stranger.put(URL, json={"on": False}).status_code == 401


def test_others_than_its_hosts_are_refused(app: FastAPI, session: Session) -> None:
    dora, cleo = (browser(app, session, one) for one in ("dora", "cleo"))
    assert [one.get(URL).status_code for one in (dora, cleo)] == [403, 200]
    assert [one.put(URL, json={"on": True}).status_code for one in (dora, cleo)] == [403, 200]


def test_its_host_reads_neither_who_nor_where_nor_how_many(app: FastAPI, session: Session) -> None:
    cleo = browser(app, session, "cleo")
    before = cleo.get(URL)
    assert look(session) == 9
    answer = cleo.get(URL)
    # Of few who may be told, such as four accounts of hers and one member more, any number would say who is near.
    assert answer.json() == before.json() == {"on": True, "says": "People near who would like it are told of it."}
    page = cleo.get("/events/reading").text
    assert "People near who would like it are told of it." in page
    for said in (answer.text, page):
        assert not any(f'"{one}"' in said or one.title() in said for one in PEOPLE)
    assert "People near who would like it" not in browser(app, session, "dora").get("/events/reading").text


def test_she_switches_it_off_and_on_again(app: FastAPI, session: Session) -> None:
    cleo = browser(app, session, "cleo")
    assert cleo.put(URL, json={"on": False}).json()["on"] is False
    assert look(session) == 0
    assert "Nobody near is told" in cleo.get("/events/reading").text
    assert cleo.post("/events/reading/audience", data={"on": "true"}).status_code == 303
    assert look(session) == 9

"""Taking everything along: a zip with a file for every kind of thing about oneself, and nothing secret."""

import io
import json
import zipfile
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.badges import service as badges
from server.consent.model import Consent
from server.erasure import personal
from server.people import roles
from server.people import service as people
from tests.server.conftest import As
from tests.server.places import HOUR, NOW, make_badge
from tests.server.presence import scene


def read(as_: As, member: str) -> dict[str, Any]:
    answer = as_(member).get("/api/me/export")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert "no-store" in answer.headers["cache-control"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len(names) == len(set(names))
        found = {name: archive.read(name).decode() for name in names}
    return {name: json.loads(body) if name.endswith(".json") else body for name, body in found.items()}


def test_the_anonymous_are_refused(as_: As) -> None:
    assert as_(None).get("/api/me/export").json()["code"] == "sign_in_needed"


def test_everything_about_her_and_nothing_about_others(as_: As, session: Session) -> None:
    as_(None)
    made = make_badge(session)
    badges.pair(session, badge_id=made, member_id="dora", since=NOW - HOUR)
    scene.visit(session, made, "cafe", "cafe-front", scene.at(900, NOW), scene.at(3, NOW))
    for member in ("dora", "ben"):
        session.add(Consent(member_id=member, kind="venue", level="hidden", since=NOW, source="api"))
        people.make_link(session, member_id=member, now=NOW)
    found = read(as_, "dora")
    assert found["README.txt"].startswith("Everything that muster knows about you, as of 2026-03-13 19:00 UTC")
    assert [row["name"] for row in found["member.json"]] == ["Dora Lindqvist"]
    assert [row["level"] for row in found["consent.json"]] == ["hidden"]
    assert [row["badge_id"] for row in found["pairing.json"]] == [made]
    assert [row["venue_id"] for row in found["visits.json"]] == ["cafe"]
    assert len(found["session.json"]) == 1
    assert "token_hash" not in json.dumps(found)
    assert "ben" not in json.dumps(found)


def test_letters_to_her_and_what_was_noted_of_her_are_hers_but_no_code_and_no_link(as_: As, session: Session) -> None:
    as_(None)
    people.set_address(session, people.get(session, "dora"), "dora@example.org")
    as_(None).post("/api/sign-in/codes", json={"email": "dora@example.org"})
    roles.give(session, member_id="dora", kind="venue", of_id="cafe", called="", by="ben", now=NOW)
    (letter,) = session.execute(text("SELECT subject, text FROM letter")).all()
    found = read(as_, "dora")
    assert [row["address"] for row in found["letter.json"]] == ["dora@example.org"]
    assert [row["action"] for row in found["audit by details.json"]] == ["role.given"]
    assert letter.subject[:6] not in json.dumps(found["letter.json"])
    assert "/sign-in/" not in json.dumps(found)


def test_there_is_a_file_for_every_column_that_names_a_member(as_: As) -> None:
    found = read(as_, "dora")
    assert {f"{place.name}.json" for place in personal.places()} < set(found)
    names = [place.name for place in personal.places()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ["🌻 Zoë", "\u202eevil", "李伟"])
def test_any_name_comes_out_as_it_is(as_: As, session: Session, name: str) -> None:
    as_(None)
    scene.member(session, "odd", name=name)
    assert read(as_, "odd")["member.json"][0]["name"] == name


def test_taking_it_is_noted_and_the_note_goes_along(as_: As) -> None:
    """A stolen phone that takes everything leaves a trace."""
    read(as_, "dora")
    noted = [row for name, rows in read(as_, "dora").items() if name.startswith("audit") for row in rows]
    assert ("file.taken", "member/dora") in {(note["action"], note["subject"]) for note in noted}

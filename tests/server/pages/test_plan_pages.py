"""What hosts change of a gathering by forms: when they may, what they are told, and that nothing typed is lost."""

import re
from typing import Any

import pytest
from sqlalchemy.orm import Session

from server.events import life
from server.events import service as events
from tests.server.conftest import As, Clock
from tests.server.events.gathering import TOMORROW, make_dinner
from tests.server.places import HOUR, NOW

HTML: dict[str, Any] = {"headers": {"Accept": "text/html"}, "follow_redirects": True}
PLAN = {"name": "Late dinner", "day": "2026-03-14", "time": "20:00", "places": "8", "kind": "dinner", "guests": "0"}


def alert(page: str) -> str:
    found = re.search(r'role="alert"[^>]*>([^<]+)', page)
    return "" if found is None else found.group(1).strip()


def test_anonymous_is_refused(as_: As, session: Session) -> None:
    make_dinner(session, 8)
    assert as_(None).post("/events/dinner/plan", data=PLAN).status_code == 401
    assert as_(None).post("/events/dinner/entry", data={}).status_code == 401


@pytest.mark.parametrize(("ends", "code"), [("called off", "called_off"), ("over", "event_over")])
def test_what_is_over_or_called_off_is_not_said_otherwise(
    as_: As, session: Session, clock: Clock, ends: str, code: str
) -> None:
    make_dinner(session, 8)
    if ends == "over":
        clock.now = TOMORROW + 2 * HOUR
    else:
        life.cancel(session, event_id="dinner", now=NOW)
    cleo = as_("cleo")
    refused = cleo.patch("/api/events/dinner", json={"name": "Late dinner"})
    assert (refused.status_code, refused.json()["code"]) == (403, code)
    page = cleo.post("/events/dinner/plan", data=PLAN, **HTML)
    assert page.status_code == 403
    assert ends in alert(page.text)
    assert events.get(session, "dinner").name == "Dinner"


def test_a_draft_whose_date_went_by_gets_another(as_: As, session: Session, clock: Clock) -> None:
    make_dinner(session, 8, state="draft")
    clock.now = TOMORROW + 2 * HOUR
    answer = as_("cleo").post("/events/dinner/plan", data={**PLAN, "day": "2026-03-21"}, **HTML)
    assert answer.status_code == 200
    assert events.get(session, "dinner").name == "Late dinner"


def test_two_hosts_do_not_save_over_each_other_unseen(as_: As, session: Session) -> None:
    make_dinner(session, 8)
    cleo = as_("cleo")
    (version,) = re.findall(r'name="version" value="(\d+)"', cleo.get("/events/dinner/plan", **HTML).text)
    assert cleo.post("/events/dinner/plan", data={**PLAN, "version": version}, **HTML).status_code == 200
    later = {**PLAN, "name": "Early dinner", "time": "18:00", "version": version}
    refused = cleo.post("/events/dinner/plan", data=later, **HTML)
    assert (refused.status_code, "Somebody changed this meanwhile" in refused.text) == (412, True)
    assert "Early dinner" in refused.text
    assert events.get(session, "dinner").name == "Late dinner"
    assert events.steps_of(session, event_id="dinner")[0].starts_at == TOMORROW
    (seen,) = re.findall(r'name="version" value="(\d+)"', refused.text)
    assert cleo.post("/events/dinner/plan", data={**later, "version": seen}, **HTML).status_code == 200


def test_places_that_cannot_be_are_said_on_the_form_and_stand_there(as_: As, session: Session) -> None:
    make_dinner(session, 8, 4)
    cleo = as_("cleo")
    for typed in ("many", "0", "9999999"):
        data = {"approval": "1", "step": ["dinner-1", "dinner-2"], "capacity": ["17", typed]}
        page = cleo.post("/events/dinner/entry", data=data, **HTML)
        assert page.status_code == 422
        assert alert(page.text)
        assert f'value="{typed}"' in page.text
        assert 'value="17"' in page.text
    assert [step.capacity for step in events.steps_of(session, event_id="dinner")] == [8, 4]
    assert not events.get(session, "dinner").approval


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"price": "x" * 81}, "What it costs is said in one line of at most 80 characters."),
        ({"about": "x" * 2001}, "What is said of it has at most 2000 characters."),
        ({"guests": "99"}, "Everybody may bring between 0 and"),
        ({"places": "0"}, "There are between 1 and"),
        ({"day": "1999-03-20"}, "Say the day"),
    ],
)
def test_a_new_one_that_cannot_be_is_told_which_field(as_: As, said: dict[str, str], sentence: str) -> None:
    form = {**PLAN, "venue": "", "place": "The park", "time_zone": "Europe/Berlin", "nonce": "a-nonce-of-mine"}
    page = as_("dora").post("/new", data={**form, **said}, **HTML)
    assert page.status_code == 422
    assert sentence in alert(page.text)

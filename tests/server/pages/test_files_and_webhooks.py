"""The pages of files and webhooks, walked as forms, without a script."""

import re

import pytest
from sqlalchemy.orm import Session

from server.events import service as events
from server.events import signups
from tests.server.conftest import As
from tests.server.places import HOUR, NOW

FORM = {"of": "event/supper", "kind": "plain", "url": "https://hooks.example.org/x", "happens": ["check_in", "full"]}
PAGES = ["/webhooks", "/webhooks/1", "/files", "/events/supper/sign-ups"]


@pytest.fixture(autouse=True)
def _supper(as_: As, session: Session) -> None:  # noqa: ARG001 - who is there
    steps = [events.NewStep("Supper", "cafe", NOW, NOW + HOUR)]
    events.create(session, id="supper", name="Friday supper", organizer_id="cleo", steps=steps)


@pytest.mark.parametrize("path", PAGES)
def test_anonymous_is_refused(as_: As, path: str) -> None:
    assert as_(None).get(path, headers={"accept": "text/html"}).status_code == 401


def test_a_webhook_is_made_tried_and_ended_with_forms_alone(as_: As) -> None:
    cleo = as_("cleo")
    assert "Friday supper" in cleo.get("/webhooks").text
    made = cleo.post("/webhooks", data=FORM)
    secret = re.search(r"whsec_[\w+/=]+", made.text)
    assert made.status_code == 200
    assert secret is not None
    found = re.search(r'action="(/webhooks/\d+)/test"', made.text)
    assert found is not None
    address = found[1]
    for act in ("test", "resume"):
        answer = cleo.post(f"{address}/{act}")
        assert (answer.status_code, answer.headers["location"]) == (303, address)
    page = cleo.get(address).text
    assert "whsec_" not in page
    assert "on its way" in page
    assert "whsec_" in cleo.post(f"{address}/rotate").text
    assert cleo.post(f"{address}/end").status_code == 303
    assert "You ended it." in cleo.get(address).text
    assert as_("dora").get(address).status_code == 404


def test_what_is_not_right_is_said_above_the_form_and_nothing_typed_is_lost(as_: As) -> None:
    answer = as_("cleo").post("/webhooks", data={**FORM, "url": "http://10.0.0.1/x"})
    assert answer.status_code == 422
    assert "private network" in answer.text
    assert 'value="http://10.0.0.1/x"' in answer.text
    assert 'value="full" checked' in answer.text


def test_who_hosts_nothing_is_told_what_will_be_there(as_: As) -> None:
    dora = as_("dora")
    assert "You host no gathering" in dora.get("/webhooks").text
    assert "No files yet." in dora.get("/files").text
    assert dora.get("/events/supper/sign-ups").status_code == 403


def test_files_of_what_she_hosts_or_keeps_stand_on_one_page(as_: As) -> None:
    assert "/api/events/supper/export.csv" in as_("cleo").get("/files").text
    ben = as_("ben").get("/files").text
    assert "/api/venues/cafe/export.csv" in ben
    assert "supper" not in ben


def test_a_list_is_looked_at_then_taken(as_: As, session: Session) -> None:
    cleo = as_("cleo")
    listed = "\ufeffname,e-mail\r\nLi Wei,wei@example.org\r\n<b>Kim</b>,\r\n".encode()
    seen = cleo.post("/events/supper/sign-ups", files={"list": ("list.csv", listed, "text/csv")})
    assert "2 people are new" in seen.text
    assert "<b>Kim</b>" not in seen.text.replace("&lt;b&gt;Kim", "")
    assert signups.count_sign_ups(session, event_id="supper") == 0
    taken = cleo.post("/events/supper/sign-ups", files={"text": (None, listed.decode("utf-8-sig"))})
    assert "2 people are on your list now" in taken.text
    assert signups.count_sign_ups(session, event_id="supper") == 2


def test_a_list_that_cannot_be_taken_says_which_line(as_: As) -> None:
    answer = as_("cleo").post("/events/supper/sign-ups", files={"list": ("l.csv", b"name\n\xff\n", "text/csv")})
    assert answer.status_code == 422
    assert "Line 2 has signs that are not UTF-8." in answer.text
    assert "Nothing was changed." in answer.text

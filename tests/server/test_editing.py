"""Editing what others edit too: versions are told, and who saves over another's change is told so."""

import pytest
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.events import service as events
from server.people import roles
from tests.server.conftest import As
from tests.server.places import HOUR, NOW


@pytest.fixture(autouse=True)
def _things(as_: As, session: Session) -> None:  # noqa: ARG001 - as_ makes the people first
    communities.create(session, id="swifts", name="Swift watchers", shape="house")
    communities.join(session, community_id="swifts", member_id="dora")
    roles.give(session, member_id="dora", kind="community", of_id="swifts", called="", by=None, now=NOW)
    step = events.NewStep("Talk", "cafe", NOW + HOUR, NOW + 2 * HOUR)
    events.create(session, id="night", name="Night", organizer_id="cleo", steps=[step], community_id="swifts")


STEP = "/api/events/night/steps/night-1"
PLACES = [
    ("dora", "/api/communities/swifts", "/api/communities/swifts", {"name": "Swifts"}),
    ("cleo", "/api/events/night", "/api/events/night", {"name": "Long night"}),
    ("ben", "/api/venues/cafe", "/api/venues/cafe", {"offer": "10th visit on the house"}),
    ("ben", "/api/events/night", STEP, {"zone": "cafe-back"}),
]


@pytest.mark.parametrize("path", [path for _, _, path, _ in PLACES])
def test_anonymous_is_refused(as_: As, path: str) -> None:
    assert as_(None).patch(path, json={}).json()["code"] == "sign_in_needed"


@pytest.mark.parametrize(("member", "_read", "path", "change"), PLACES)
def test_the_second_who_saves_the_same_version_is_told(
    as_: As, member: str, _read: str, path: str, change: dict[str, str]
) -> None:
    her = as_(member)
    first = her.patch(path, json=change, headers={"If-Match": '"1"'})
    assert (first.status_code, first.headers["ETag"]) == (200, '"2"')
    second = her.patch(path, json=change, headers={"If-Match": '"1"'})
    assert (second.status_code, second.json()["code"]) == (412, "edited_meanwhile")
    assert her.patch(path, json=change, headers={"If-Match": first.headers["ETag"]}).status_code == 200
    last = '"2"' if path == STEP else '"4"'  # gateways and guests hear of a step only where something changes
    assert her.patch(path, json=change).headers["ETag"] == last


@pytest.mark.parametrize("path", ["/api/communities/swifts", "/api/events/night", "/api/venues/cafe"])
def test_what_is_read_says_its_version(as_: As, path: str) -> None:
    assert as_("dora").get(path).headers["ETag"] == '"1"'


def test_a_step_says_its_version_within_its_event(as_: As) -> None:
    assert as_("dora").get("/api/events/night").json()["steps"][0]["version"] == 1


def test_only_who_may_edits(as_: As) -> None:
    assert as_("dora").patch("/api/events/night", json={"name": "Hers"}).json()["code"] == "not_your_event"
    assert as_("cleo").patch("/api/communities/swifts", json={"name": "Hers"}).json()["code"] == "not_your_community"
    assert as_("ana").patch("/api/events/night", json={"name": "The server's"}).status_code == 200


def test_what_is_left_out_stays_and_null_opens_an_event_to_all(as_: As) -> None:
    cleo = as_("cleo")
    assert cleo.patch("/api/events/night", json={"name": "Late"}).json()["community"] == "swifts"
    opened = cleo.patch("/api/events/night", json={"community": None}).json()
    assert (opened["name"], opened["community"]) == ("Late", None)
    assert cleo.patch("/api/events/night", json={"community": "nobody"}).json()["code"] == "community_unknown"
    assert cleo.patch("/api/events/night", json={"name": " "}).status_code == 422
    assert cleo.get("/api/events/night").json()["name"] == "Late"

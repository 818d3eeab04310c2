"""Proposals over HTTP and as pages: strangers first, names as far as they may be known, forms without scripts."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlalchemy.event import listen, remove
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.consent import service as consent
from server.consent.rules import Kind, Level
from server.people import service as people
from server.proposals import service as proposals
from server.venues import welcome
from tests.server.conftest import As, Clock
from tests.server.places import HOUR, NOW
from tests.server.proposals.scene import DECIDE, at, commit, ids, make_readers, nonce, propose

PATHS = ["/api/proposals/x", "/api/communities/readers/proposals", "/proposals/x", "/communities/readers/propose"]


@pytest.fixture
def readers(as_: As, session: Session) -> As:
    make_readers(session, world=False)
    return as_


def wanted(**more: Any) -> dict[str, Any]:
    option = {"venue": "cafe", "starts_at": "2026-03-16T18:00:00Z", "ends_at": "2026-03-16T20:00:00Z"}
    given = {"title": "Dinner", "community": "readers", "quorum": 2, "decide_by": "2026-03-15T18:00:00Z"}
    return {**given, "options": [option], **more}


@pytest.mark.parametrize("path", PATHS)
def test_anonymous_is_refused(as_: As, path: str) -> None:
    assert as_(None).get(path).status_code == 401
    assert as_(None).post("/api/proposals", json=wanted()).json()["code"] == "sign_in_needed"


def test_it_is_proposed_committed_to_and_happens(readers: As) -> None:
    number = nonce()
    proposer, other = readers("r0"), readers("r1")
    made = [proposer.post("/api/proposals", json=wanted(nonce=number)).json() for _ in range(2)]
    assert made[0] == made[1]
    assert (made[0]["state"], made[0]["can"], made[0]["yours"]) == ("open", 1, True)
    path = f"/api/proposals/{made[0]['id']}"
    (option,) = made[0]["options"]
    assert (option["place"], option["yours"]) == ("Café Lumen", True)
    done = other.put(f"{path}/commitment", json={"options": [option["id"]]}).json()
    assert (done["state"], done["can"], done["yours"]) == ("settled", 2, False)
    event = other.get(f"/api/events/{done['event']}").json()
    assert (event["name"], event["community"], event["signed_up"]) == ("Dinner", "readers", True)
    assert [each["id"] for each in other.get("/api/communities/readers/proposals").json()] == [done["id"]]
    assert other.delete(f"{path}/commitment").json()["code"] == "proposal_settled"


def test_each_refusal_has_its_code(readers: As, session: Session) -> None:
    proposal = propose(session, at(72), at(96))
    path = f"/api/proposals/{proposal.id}"
    r0, r1, dora = readers("r0"), readers("r1"), readers("dora")
    option = ids(session, proposal)[0]
    codes = [
        dora.put(f"{path}/commitment", json={"options": [option]}),
        dora.post("/api/proposals", json=wanted()),
        r0.put(f"{path}/commitment", json={"options": [option]}),
        r1.put(f"{path}/commitment", json={"options": [999_999]}),
        r1.put(f"{path}/commitment", json={"options": []}),
        r1.post(f"{path}/settle"),
        r0.post(f"{path}/settle"),
        r1.post(f"{path}/withdraw"),
        r1.get("/api/proposals/nowhere"),
        r0.post("/api/proposals", json=wanted(quorum=1)),
        r0.post("/api/proposals", json=wanted(decide_by="2026-03-17T18:00:00Z")),
    ]
    assert [answer.json()["code"] for answer in codes] == [
        "members_propose",
        "members_propose",
        "proposer_comes",
        "option_gone",
        "invalid",
        "proposer_only",
        "quorum_not_there",
        "proposer_only",
        "proposal_unknown",
        "invalid",
        "invalid",
    ]
    assert r0.post(f"{path}/withdraw").json()["state"] == "withdrawn"
    assert r1.put(f"{path}/commitment", json={"options": [option]}).json()["code"] == "proposal_withdrawn"


def test_what_the_clock_decided_stays_though_it_was_a_refusal_that_looked(
    readers: As, session: Session, clock: Clock
) -> None:
    proposal = propose(session)
    clock.now = DECIDE
    answer = readers("r1").put(f"/api/proposals/{proposal.id}/commitment", json={"options": ids(session, proposal)})
    assert answer.json()["code"] == "proposal_lapsed"
    assert propose(session, now=DECIDE, decide_by=DECIDE + HOUR).state == "open"
    assert proposals.get(session, proposal.id).state == "lapsed"


def names(client: TestClient, proposal_id: str) -> list[str]:
    return list(client.get(f"/api/proposals/{proposal_id}").json()["options"][0]["names"])


def test_names_are_for_who_proposes_and_for_whom_they_said(readers: As, session: Session) -> None:
    proposal = propose(session, quorum=5)
    for who in ("r1", "r2", "r3"):
        commit(session, proposal, who)
    assert names(readers("r0"), proposal.id) == ["Reader r1", "Reader r2", "Reader r3"]
    assert names(readers("r4"), proposal.id) == names(readers("r5"), proposal.id) == []
    until = NOW + 24 * 30 * HOUR
    for who, kind, level in (
        ("r1", Kind.COMMUNITY, Level.NAME),
        ("r2", Kind.ORGANIZER, Level.COUNTED),
    ):
        consent.say(
            session,
            member_id=who,
            kind=kind,
            of_id="readers" if kind is Kind.COMMUNITY else None,
            level=level,
            until=until if level is Level.NAME else None,
            source="page",
            now=NOW,
        )
    consent.pause(session, member_id="r3", now=NOW)
    assert names(readers("r4"), proposal.id) == ["Reader r1"]
    assert names(readers("r0"), proposal.id) == ["Reader r1"]
    assert readers("r0").get(f"/api/proposals/{proposal.id}").json()["can"] == 4


def test_where_people_mean_to_meet_is_told_to_who_belongs_alone(readers: As, session: Session) -> None:
    people.create(session, id="op", name="Op", operator=True)
    guest = people.create_guest(session, name="Bo").id
    flat = at(72, venue_id=None, place="Rita's flat, Elm St 5", location=(13.4, 52.5), time_zone="Europe/Berlin")
    proposal = propose(session, flat)
    api = [f"/api/proposals/{proposal.id}", "/api/communities/readers/proposals"]
    pages = [f"/proposals/{proposal.id}", "/communities/readers/proposals"]
    for who in ("r0", "r1", "op"):
        assert all("Elm St 5" in readers(who).get(path).text for path in api + pages), who
    for stranger in ("dora", guest):
        answers = [readers(stranger).get(path) for path in api + pages]
        answers.append(readers(stranger).post(f"{pages[0]}/withdraw"))
        answers.append(readers(stranger).post(f"{pages[0]}/commit", data={"option": 1, "on": "yes"}))
        assert {answer.status_code for answer in answers} == {403}
        assert not [answer for answer in answers if "Elm St" in answer.text or "Dinner" in answer.text]
        assert {answer.json()["code"] for answer in answers[:2]} == {"join_first"}
        assert all('value="join"' in answer.text for answer in answers[2:])
    communities.leave(session, community_id="readers", member_id="r0", now=NOW)
    assert readers("r0").get(api[0]).json()["state"] == "withdrawn"
    assert readers("r0").get(api[1]).status_code == 403


def form(page: str, name: str) -> str:
    found = re.search(f'name="{name}" value="([^"]*)"', page)
    assert found is not None
    return found[1]


def test_the_page_proposes_commits_and_withdraws_without_scripts(readers: As) -> None:
    r0, r1 = readers("r0"), readers("r1")
    page = r0.get("/communities/readers/propose").text
    assert "Café Lumen" in page
    filled = {
        "title": "Dinner",
        "quorum": "3",
        "nonce": form(page, "nonce"),
        "starts": ["2026-03-16T19:30", "2026-03-17T19:30", ""],
        "place": ["cafe", "", "cafe"],
        "where": ["", "The park", ""],
        "time_zone": "Europe/Berlin",
    }
    wrong = r0.post("/communities/readers/propose", data={**filled, "quorum": "1"})
    assert wrong.status_code == 422
    assert "between 2 and 500" in wrong.text
    assert "2026-03-16T19:30" in wrong.text
    assert "The park" in wrong.text
    made = [r0.post("/communities/readers/propose", data=filled).headers["location"] for _ in range(2)]
    assert made[0] == made[1]
    shown = r1.get(made[0]).text
    assert "Mon 16 March" in shown
    assert "19:30 to 21:30" in shown
    assert "The park" in shown
    option = form(shown, "option")
    for on in ("yes", "no", "yes"):
        assert r1.post(f"{made[0]}/commit", data={"option": option, "on": on}).status_code == 303
    refused = readers("dora").post(f"{made[0]}/commit", data={"option": option, "on": "yes"})
    assert refused.status_code == 403
    assert "join it first" in refused.text
    assert "Reader r1" in r0.get(made[0]).text
    assert not {"Reader r0", "Reader r1"} & set(re.findall(r"Reader r\d", readers("r2").get(made[0]).text))
    assert r0.post(f"{made[0]}/settle").status_code == 409
    assert r0.post(f"{made[0]}/withdraw").status_code == 303
    assert "Taken back" in r1.get(made[0]).text
    assert "Dinner" in r1.get("/communities/readers/proposals").text


def test_who_proposes_at_somebody_elses_place_is_led_to_asking_there(readers: As, session: Session) -> None:
    page = f"/proposals/{propose(session).id}"
    ask = 'href="/venues/cafe/welcome"'
    assert ask in readers("r0").get(page).text
    assert ask not in readers("r1").get(page).text
    welcome.ask(session, venue_id="cafe", member=people.get(session, "r0"), reason="", now=NOW)
    assert ask in readers("r0").get(page).text
    welcome.answer(session, venue_id="cafe", member_id="r0", yes=True, by=people.get(session, "ben"), now=NOW)
    assert ask not in readers("r0").get(page).text


def test_its_deadline_is_told_and_typed_by_the_clock_of_the_place(readers: As) -> None:
    filled = {
        "title": "Dinner",
        "quorum": "2",
        "starts": ["2026-03-30T19:30"],
        "place": ["cafe"],
        "where": [""],
        "decide_by": "2026-03-29T02:30",  # an hour that Berlin does not have that night
    }
    where = readers("r0").post("/communities/readers/propose", data=filled).headers["location"]
    answer = readers("r0").get(f"/api{where}").json()
    assert answer["decide_by"] == "2026-03-29T01:30:00Z"
    assert answer["options"][0]["starts_at"] == "2026-03-30T17:30:00Z"
    assert "Sun 29 March, 03:30" in readers("r1").get(where).text


@pytest.mark.parametrize(
    ("starts", "quorum"), [("tomorrow", "3"), ("9999-12-31T23:59", "3"), ("2026-03-16T19:30", "²"), ("", "3")]
)
def test_what_is_typed_wrong_is_told_and_kept(readers: As, starts: str, quorum: str) -> None:
    filled = {"title": "Dinner", "quorum": quorum, "starts": [starts], "place": ["cafe"], "where": [""]}
    answer = readers("r0").post("/communities/readers/propose", data=filled)
    assert answer.status_code == 422
    assert 'value="Dinner"' in answer.text


def test_only_who_belongs_is_shown_the_form_and_a_guest_leaves_an_address_first(readers: As) -> None:
    assert readers("dora").get("/communities/readers/propose").status_code == 403
    assert readers("r0").get("/communities/readers/propose").status_code == 200
    assert readers("r0").get("/communities/nowhere/propose").status_code == 404


def test_what_cannot_be_proposed_now_is_told_beside_what_was_typed(readers: As, session: Session) -> None:
    for hours in range(10):
        propose(session, at(72 + hours))
    filled = {"title": "Dinner", "quorum": "3", "starts": ["2026-03-16T19:30"], "place": ["cafe"], "where": [""]}
    answer = readers("r0").post("/communities/readers/propose", data={**filled, "about": "My words"})
    assert answer.status_code == 409
    assert "Ten proposals of yours" in answer.text
    assert "My words" in answer.text


def test_ten_cost_as_many_statements_as_two_and_the_next_page_is_linked(
    readers: As, session: Session, engine: Engine
) -> None:
    said: list[str] = []
    listen(engine, "before_cursor_execute", note := lambda *args: said.append(args[2]))
    counts = []
    for many in (2, 8):
        for number in range(many):
            options = at(60 + number), at(80 + number)
            propose(session, *options, by_id=f"r{number % 5}", title=f"Dinner {number}")
        for path in ("/api/communities/readers/proposals", "/communities/readers/proposals"):
            said.clear()
            assert readers("r7").get(path).status_code == 200
            counts.append(len(said))
    remove(engine, "before_cursor_execute", note)
    assert counts[:2] == counts[2:]
    first = readers("r7").get("/communities/readers/proposals?limit=6").text
    following = re.search(r"cursor=[^\"]*", first)
    assert following is not None
    second = readers("r7").get(f"/communities/readers/proposals?limit=6&{following[0]}").text
    assert [len(re.findall('href="/proposals/', page)) for page in (first, second)] == [6, 4]


@pytest.mark.parametrize("state", ["settled", "lapsed", "nothing_left"])
def test_what_came_of_it_has_a_page_of_its_own(readers: As, session: Session, clock: Clock, state: str) -> None:
    proposal = propose(session, quorum=2 if state == "settled" else 3)
    if state == "settled":
        commit(session, proposal, "r1")
    clock.now = DECIDE if state == "lapsed" else NOW + 100 * HOUR if state == "nothing_left" else NOW
    page = readers("r1").get(f"/proposals/{proposal.id}").text
    assert {"settled": "/events/gathering-", "lapsed": "1 of 3", "nothing_left": "None of its times"}[state] in page
    assert "commit" not in page.partition("<main")[2].partition("Enough have")[0].replace("committed", "")

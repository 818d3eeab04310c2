"""Files over HTTP: for whom, with whose names, and how lists come in."""

import csv
import datetime as dt
import io
import json
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from server import database
from server.events import signups
from tests.server.conftest import Clock
from tests.server.exports.conftest import come, visit
from tests.server.places import HOUR, NOW

Browser = Callable[[str | None], TestClient]
LIST = b"name,e-mail\r\nLi Wei,wei@example.org\r\nKim,\r\nKim,\r\n"


def _rows(content: bytes) -> list[dict[str, str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/events/supper/export.csv"),
        ("GET", "/api/events/supper/export.json"),
        ("GET", "/api/venues/cafe/export.csv"),
        ("GET", "/api/venues/cafe/export.json"),
        ("POST", "/api/events/supper/sign-ups.csv"),
    ],
)
def test_anonymous_and_those_without_a_part_are_refused(browser: Browser, method: str, path: str) -> None:
    content = LIST if method == "POST" else None
    headers = {"content-type": "text/csv"}
    assert browser(None).request(method, path, content=content, headers=headers).status_code == 401
    assert browser("dora").request(method, path, content=content, headers=headers).status_code == 403
    allowed = browser("ben" if "venues" in path else "cleo").request(method, path, content=content, headers=headers)
    assert allowed.status_code == 200


def test_the_organizer_has_names_of_who_signed_up_until_a_day_after_and_of_nobody_who_hides(
    browser: Browser, committed: Engine, clock: Clock
) -> None:
    come(committed, ["Li Wei", "=HYPERLINK(1)"])
    come(committed, ["Walk In"], signed_up=False, at=NOW + dt.timedelta(minutes=1))
    cleo = browser("cleo")
    answer = cleo.get("/api/events/supper/export.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="supper-check-ins.csv"'
    rows = _rows(answer.content)
    assert [row["name"] for row in rows] == ["Li Wei", "'=HYPERLINK(1)", ""]
    assert (rows[0]["came_at"], rows[0]["came_at_utc"]) == ("2026-03-13 20:00:01+01:00", "2026-03-13T19:00:01Z")
    assert [row["over_capacity"] for row in rows] == ["no", "no", "no"]
    told = cleo.get("/api/events/supper/export.json").json()
    assert [row["name"] for row in told["check_ins"]] == ["Li Wei", "=HYPERLINK(1)", None]
    assert told["event"] == "supper"
    with committed.begin() as connection:
        hide = "INSERT INTO consent_pause (member_id, since) SELECT id, now() FROM member WHERE name = 'Li Wei'"
        connection.execute(text(hide))
    names = [row["name"] for row in _rows(browser("cleo").get("/api/events/supper/export.csv").content)]
    assert names == ["", "'=HYPERLINK(1)", ""]
    clock.now = NOW + 27 * HOUR
    assert [row["name"] for row in _rows(browser("cleo").get("/api/events/supper/export.csv").content)] == ["", "", ""]


def test_an_operator_has_numbers_and_no_names(browser: Browser, committed: Engine) -> None:
    come(committed, ["Li Wei"])
    assert [row["name"] for row in _rows(browser("ana").get("/api/events/supper/export.csv").content)] == [""]


def test_one_over_capacity_and_one_undone_are_marked(browser: Browser, committed: Engine) -> None:
    guests = come(committed, [f"Guest {number}" for number in range(5)])
    with database.transaction(committed) as session:
        session.execute(text("UPDATE checkin SET undone_at = at WHERE member_id = :id"), {"id": guests[0]})
    rows = _rows(browser("cleo").get("/api/events/supper/export.csv").content)
    assert [row["over_capacity"] for row in rows] == ["no", "no", "no", "no", "yes"]
    assert [bool(row["undone_at_utc"]) for row in rows] == [True, False, False, False, False]


def test_an_erased_guest_is_a_row_without_a_name(browser: Browser, committed: Engine) -> None:
    guests = come(committed, ["Li Wei"])
    with database.transaction(committed) as session:
        session.execute(text("DELETE FROM member WHERE id = :id"), {"id": guests[0]})
    assert [row["name"] for row in _rows(browser("cleo").get("/api/events/supper/export.csv").content)] == [""]


def test_an_event_without_anybody_is_a_heading(browser: Browser) -> None:
    cleo = browser("cleo")
    assert _rows(cleo.get("/api/events/supper/export.csv").content) == []
    assert cleo.get("/api/events/supper/export.json").json()["check_ins"] == []


def test_numbers_of_a_venue_begin_at_twenty_and_are_rounded(browser: Browser, committed: Engine) -> None:
    day = NOW - 6 * HOUR
    holders: list[str | None] = [None] * 21
    visit(committed, [*holders, "dora", "dora"], day, day + dt.timedelta(minutes=16))  # 22 people
    visit(committed, [None], day + HOUR, day + HOUR)
    since = day.isoformat().replace("+00:00", "Z")
    path = f"/api/venues/cafe/export.csv?since={since}"
    rows = _rows(browser("ben").get(path).content)
    assert len(rows) == 24
    assert [(row["people"], row["fewer_than"]) for row in rows[:6]] == [
        ("20", ""),
        ("20", ""),
        ("", "20"),
        ("", "20"),
        ("", "20"),  # one person there
        ("", "20"),  # and nobody here: nobody can tell the two apart
    ]
    assert (rows[0]["from"], rows[0]["listened_minutes"]) == ("2026-03-13 14:00:00+01:00", "0")


def test_a_quarter_that_is_not_over_is_not_told(browser: Browser, committed: Engine, clock: Clock) -> None:
    visit(committed, [None] * 30, NOW, NOW + HOUR)
    clock.now = NOW + dt.timedelta(minutes=29)
    path = f"/api/venues/cafe/export.json?since={NOW.isoformat().replace('+00:00', 'Z')}"
    told = browser("ben").get(path).json()
    assert [row["people"] for row in told["quarters"]] == [30]


def test_how_long_was_listened_stands_beside_the_numbers(browser: Browser, committed: Engine) -> None:
    from_ms = round((NOW - HOUR).timestamp() * 1000)
    with database.transaction(committed) as session:
        session.execute(
            text(
                "INSERT INTO coverage (placement_id, agent_id, from_ms, to_ms)"
                " SELECT id, agent_id, :from_ms, :to_ms FROM placement"
            ),
            {"from_ms": from_ms, "to_ms": from_ms + 20 * 60_000},
        )
    since = (NOW - HOUR).isoformat().replace("+00:00", "Z")
    rows = _rows(browser("ben").get(f"/api/venues/cafe/export.csv?since={since}").content)
    assert [row["listened_minutes"] for row in rows] == ["15", "5", "0", "0"]


def test_the_hour_that_comes_twice_is_told_apart(browser: Browser, clock: Clock) -> None:
    clock.now = dt.datetime(2026, 10, 25, 3, 0, tzinfo=dt.UTC)
    since = "2026-10-25T00:00:00Z"
    rows = _rows(browser("ben").get(f"/api/venues/cafe/export.csv?since={since}").content)
    assert [row["from"] for row in rows if row["from"][11:16] == "02:00"] == [
        "2026-10-25 02:00:00+02:00",
        "2026-10-25 02:00:00+01:00",
    ]


def test_visits_by_name_are_of_those_who_let_the_shop_and_for_who_keeps_it(browser: Browser, committed: Engine) -> None:
    visit(committed, ["dora"], NOW - HOUR, NOW - HOUR)

    def names(who: str) -> list[str]:
        return [row["name"] for row in _rows(browser(who).get("/api/venues/cafe/export.csv?what=visits").content)]

    assert names("ben") == names("ana") == []
    until = (NOW + HOUR).isoformat()
    said = {"kind": "venue", "of": "cafe", "level": "name", "until": until}
    assert browser("dora").put("/api/me/consents", json=said).status_code == 200
    assert (names("ben"), names("ana")) == (["Dora Lindqvist"], [])


@pytest.mark.parametrize(
    "query",
    [
        "since=2026-03-13T19:00:01Z&until=2026-03-13T18:00:00Z",
        "since=2025-12-01T00:00:00Z",
        "since=yesterday",
        "what=everything",
    ],
)
def test_a_span_that_cannot_be_is_refused(browser: Browser, query: str) -> None:
    assert browser("ben").get(f"/api/venues/cafe/export.csv?{query}").status_code == 422


def test_a_list_is_looked_at_first_then_taken_and_again_changes_nothing(browser: Browser, committed: Engine) -> None:
    cleo = browser("cleo")

    def send(preview: bool) -> dict[str, object]:
        answer = cleo.post(
            f"/api/events/supper/sign-ups.csv?preview={preview}", content=LIST, headers={"content-type": "text/csv"}
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, object] = json.loads(answer.content)
        return found

    def signed_up() -> int:
        with database.transaction(committed) as session:
            return signups.count_sign_ups(session, event_id="supper")

    seen = send(True)
    assert (seen["preview"], seen["new"], seen["already"], signed_up()) == (True, 3, 0, 0)
    assert seen["first"] == [
        {"line": 2, "name": "Li Wei", "email": "wei@example.org"},
        {"line": 3, "name": "Kim", "email": None},
        {"line": 4, "name": "Kim", "email": None},
    ]
    taken = send(False)
    assert (taken["new"], signed_up()) == (3, 3)
    again = send(False)
    assert (again["new"], again["already"], signed_up()) == (0, 3, 3)
    notes = [(note["action"], note["by"], note["details"]) for note in cleo.get("/api/events/supper/audit").json()]
    assert notes == [("list.taken", "cleo", {"new": 0, "already": 3}), ("list.taken", "cleo", {"new": 3, "already": 0})]


def test_a_list_says_nothing_about_members(browser: Browser, committed: Engine) -> None:
    """Whoever has an account is neither signed up by a list nor told to be here."""
    with database.transaction(committed) as session:
        session.execute(text("UPDATE member SET email = 'Dora@Example.org' WHERE id = 'dora'"))
    answer = browser("cleo").post(
        "/api/events/supper/sign-ups.csv",
        content=b"name,email\nDora,dora@example.org\nLi,li@example.org\n",
        headers={"content-type": "text/csv"},
    )
    assert (answer.json()["new"], answer.json()["already"]) == (2, 0)
    with database.transaction(committed) as session:
        assert not signups.has_signed_up(session, event_id="supper", member_id="dora")
        guests = session.execute(text("SELECT name, email FROM member WHERE guest ORDER BY name")).all()
    assert [tuple(guest) for guest in guests] == [("Dora", None), ("Li", "li@example.org")]


def _prove(browser: TestClient, committed: Engine, email: str, ask: str, use: str) -> dict[str, object]:
    asked = browser.post(ask, json={"email": email}).json()["asked"]
    with database.transaction(committed) as session:
        subject = session.execute(text("SELECT subject FROM letter ORDER BY id DESC LIMIT 1")).scalar_one()
    answer = browser.post(use, json={"asked": asked, "code": subject[:6]})
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


@pytest.mark.parametrize("who", ["nobody", "guest", "member"])
def test_whoever_proves_an_address_of_a_list_has_her_place_and_is_no_guest(
    browser: Browser, committed: Engine, who: str
) -> None:
    """Where an address has other letters than ASCII, too: it is spelt as signing in spells it."""
    browser("cleo").post(
        "/api/events/supper/sign-ups.csv",
        content="name,email\nLi,Li@bücher.example\n".encode(),
        headers={"content-type": "text/csv"},
    )
    ids = come(committed, ["Lili"], signed_up=False) if who == "guest" else ["dora"]
    ask, use = "/api/sign-in/codes", "/api/sign-in/codes/use"
    if who == "member":
        ask, use = "/api/me/email", "/api/me/email/prove"
    found = _prove(browser(None if who == "nobody" else ids[0]), committed, "li@Bücher.example", ask, use)
    assert (found["guest"], found["email"]) == (False, "li@xn--bcher-kva.example")
    assert who == "nobody" or found["id"] == ids[0]
    with database.transaction(committed) as session:
        assert session.execute(text("SELECT member_id FROM sign_up")).scalars().all() == [found["id"]]
        assert session.execute(text("SELECT count(*) FROM member WHERE guest")).scalar_one() == 0


def test_nobody_is_to_be_found_in_what_tells_lists_apart(browser: Browser, committed: Engine) -> None:
    browser("cleo").post("/api/events/supper/sign-ups.csv", content=LIST, headers={"content-type": "text/csv"})
    with database.transaction(committed) as session:
        kept = session.execute(text("SELECT string_agg(listed_guest::text, ' ') FROM listed_guest")).scalar_one()
    assert "wei" not in kept.casefold()
    assert "kim" not in kept.casefold()


def test_of_a_list_with_one_bad_line_nothing_is_taken(browser: Browser, committed: Engine) -> None:
    answer = browser("cleo").post(
        "/api/events/supper/sign-ups.csv",
        content=b"name,email\nLi,li@example.org\nKim,nobody\n",
        headers={"content-type": "text/csv"},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "list_unreadable")
    assert answer.json()["detail"] == "The e-mail address in line 3 is none."
    with database.transaction(committed) as session:
        assert session.execute(text("SELECT count(*) FROM member WHERE guest")).scalar_one() == 0


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded", None])
def test_a_list_is_judged_by_what_it_is_not_by_what_it_is_called(browser: Browser, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    for content, status in ((LIST, 200), (b"\xff\x00{", 422)):
        answer = browser("cleo").post("/api/events/supper/sign-ups.csv", content=content, headers=headers)
        assert answer.status_code == status


def test_an_event_that_is_over_takes_no_list(browser: Browser, clock: Clock) -> None:
    clock.now = NOW + 3 * HOUR
    answer = browser("cleo").post("/api/events/supper/sign-ups.csv", content=LIST, headers={"content-type": "text/csv"})
    assert (answer.status_code, answer.json()["code"]) == (403, "event_over")

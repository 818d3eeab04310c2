"""What people and programs send that is strange: kept, cleaned or refused with a sentence, never a fault of ours."""

import httpx2
import pytest
from sqlalchemy.orm import Session

from server import names
from server.errors import Invalid
from server.people import service as people
from tests.server.conftest import As

FAMILY = "👨‍👩‍👧‍👦"
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
JSON = {"Content-Type": "application/json"}


def test_anonymous_is_refused_whatever_she_sends(as_: As) -> None:
    for body in (b'{"name": "\\ud800"}', b'{"name": "a\\u0000b"}', b"{}"):
        assert as_(None).post("/api/communities", content=body, headers=JSON).json()["code"] == "sign_in_needed"


def refused(answer: httpx2.Response) -> tuple[int, str]:
    """The status and the code of a refusal."""
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize(
    "name",
    [
        "Zoë 🦉",
        f"The {FAMILY}s",
        ENGLAND,
        "👍🏽",
        "מרים",
        "محمد \u200fعلي",
        "می\u200cخواهم",
        "क्\u200dष",
        "Nguyễn Thị Ánh",
        "咖啡馆",
        "กำลัง",
        "O’Neill-Łukasz, Jr.",
        "Robert'); DROP TABLE member;--",
        "<script>alert(1)</script>",
        "{{ 7 * 7 }} %(x)s %s",
    ],
)
def test_names_of_all_scripts_stay_as_they_are(as_: As, session: Session, name: str) -> None:
    made = as_("ana").post("/api/members", json={"name": name})
    assert made.status_code == 201, made.text
    session.expunge_all()
    assert people.get(session, made.json()["id"]).name == name


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("  Ana \u00a0 Moreno\u3000", "Ana Moreno"),
        ("Ana\u200b\ufeff\u2060 Mo\u00adreno", "Ana Moreno"),
        ("\u202eoneroM anA\u202c", "oneroM anA"),
        ("\u2066Ana\u2069", "Ana"),
        ("Ana\U000e0041\U000e0042", "Ana"),
        ("Zoe\u0308", "Zoë"),
        ("a" + "\u0301" * 500, "á" + "\u0301" * names.MARKS_MAX),
    ],
)
def test_what_shows_nothing_or_deceives_is_dropped(told: str, kept: str) -> None:
    assert names.check_name(told, "member") == kept
    assert names.check_name(kept, "member") == kept


@pytest.mark.parametrize(
    "name",
    ["", " ", "\u200b", "\u200d\u200c", "\u202e\u202c", "\ufeff\u00ad", "\u3164\u2800\u115f", "\u0301", "\u200e"],
)
def test_a_name_of_which_nothing_is_seen_is_none(as_: As, name: str) -> None:
    answer = as_("dora").post("/api/communities", json={"name": name})
    assert (answer.status_code, answer.json()["detail"]) == (422, "A community needs a name.")


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "a\tb", "\x1b[31mred", "a\x7fb", "a\u2028b", "a\u0085b"])
def test_a_name_is_one_line_that_can_be_printed(as_: As, name: str) -> None:
    answer = as_("dora").post("/api/communities", json={"name": name})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert "one line" in answer.json()["detail"]


def test_length_is_counted_in_what_people_see() -> None:
    assert names.count_seen("Ana") == 3
    assert names.count_seen(f"{FAMILY}{ENGLAND}👍🏽🇩🇪🇫🇷") == 5
    assert names.count_seen("Zoe\u0308") == 3
    assert names.check_name("🇩🇪" * names.NAME_MAX_LENGTH, "member")
    for name in ("x" * (names.NAME_MAX_LENGTH + 1), "é" * 121, FAMILY * 100):
        with pytest.raises(Invalid, match="at most"):
            names.check_name(name, "member")


def test_a_flood_of_marks_costs_no_time(as_: As) -> None:
    for name in ("\u0301" * 1000, "a\u200d" * 500, "🇩" * 999, "\u200d" * 1000):
        assert as_("dora").post("/api/communities", json={"name": name}).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe\x00",
        b"\xef\xbb\xbf{}",
        b"null",
        b"[]",
        b'"text"',
        b"[" * 100_000,
        b'{"name":' * 20_000,
        b'{"name": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b'{"name": "\\ud800"}',
        b'{"name": "a\\u0000b"}',
        b'{"name": 1' + b"0" * 5_000 + b"}",
        b'{"name": NaN}',
        b'{"name": "Bar", "name ": 1}',
        b'{"__proto__": {}, "name": "Bar"}',
    ],
)
def test_a_body_that_is_none_is_refused_with_a_code(as_: As, body: bytes) -> None:
    for method, path in (("POST", "/api/communities"), ("POST", "/api/venues"), ("POST", "/api/members")):
        answer = as_("ana").request(method, path, content=body, headers=JSON)
        assert refused(answer) == (422, "invalid"), answer.text


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("/api/venues", "join_gap_s", 10**30),
        ("/api/venues", "join_gap_s", -1),
        ("/api/venues", "join_gap_s", 1e308),
        ("/api/venues", "time_zone", "../../etc/passwd"),
        ("/api/venues", "time_zone", "x" * 65),
        ("/api/venues", "location", [181, 0]),
        ("/api/venues", "location", [0]),
        ("/api/venues", "zones", [{"name": "z", "level": 10**18}]),
        ("/api/venues", "zones", [{"name": str(number)} for number in range(501)]),
        ("/api/venues", "owner", "x" * 65),
        ("/api/members", "about", "x" * 2001),
        ("/api/members", "about", "a\0b"),
        ("/api/members", "id", "../up"),
        ("/api/members", "id", "Ana"),
        ("/api/members", "id", "x" * 65),
        ("/api/members", "operator", "maybe"),
    ],
)
def test_every_field_has_a_bound(as_: As, path: str, field: str, value: object) -> None:
    body = {"name": "Bar", **({"time_zone": "Europe/Berlin"} if path.endswith("venues") else {})}
    ana = as_("ana")
    assert refused(ana.post(path, json={**body, field: value})) == (422, "invalid")
    assert ana.post(path, json=body).status_code == 201  # what was refused is that field and nothing else


def test_a_time_in_the_gap_of_a_clock_change_is_the_moment_that_its_offset_says(as_: As) -> None:
    # At 02:00 on 29 March 2026 clocks in Berlin go to 03:00: half past two is shown by none of them.
    step = {
        "name": "Dance",
        "venue": "cafe",
        "starts_at": "2026-03-29T02:30:00+01:00",
        "ends_at": "2026-03-29T04:00:00+02:00",
    }
    made = as_("ben").post("/api/events", json={"name": "Long night", "steps": [step]})
    assert made.status_code == 201, made.text
    assert made.json()["steps"][0]["starts_at"] == "2026-03-29T01:30:00Z"
    # In the night in which an hour comes twice, the offset tells which of the two is meant.
    twice = {**step, "starts_at": "2026-10-25T02:30:00+02:00", "ends_at": "2026-10-25T02:30:00+01:00"}
    made = as_("ben").post("/api/events", json={"name": "Longer night", "steps": [twice]})
    assert made.json()["steps"][0]["ends_at"] == "2026-10-25T01:30:00Z"


@pytest.mark.parametrize(
    "moment",
    [
        "2026-03-29T02:30:00",
        "2026-02-30T12:00:00Z",
        "2026-03-13T24:00:01Z",
        "2026-03-13T19:00:60Z",
        "2026-03-13T19:00:00+25:00",
        "1999-12-31T23:59:59Z",
        "2100-01-01T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "２０２６-03-13T19:00:00Z",
        "tomorrow",
        1773428400,
        None,
    ],
)
def test_a_time_that_is_none_is_refused(as_: As, moment: object) -> None:
    step = {"name": "Dance", "venue": "cafe", "starts_at": moment, "ends_at": "2026-03-29T04:00:00+02:00"}
    answer = as_("ben").post("/api/events", json={"name": "Night", "steps": [step]})
    assert refused(answer) == (422, "invalid")
    assert answer.json()["faults"][0]["at"] == "steps.0.starts_at"


@pytest.mark.parametrize(
    "at", ["%00", "%ED%A0%80", "%F0%9F%A6%89", "..%2F..", "x" * 65, "x" * 5000, "%0d%0aSet-Cookie:a=b"]
)
def test_an_address_of_strange_signs_names_nothing(as_: As, at: str) -> None:
    for path in (f"/api/venues/{at}", f"/api/events/{at}", f"/api/communities/{at}", f"/api/badges/{at}/why"):
        answer = as_("ana").get(path)
        assert answer.status_code in (404, 422), path
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("verb", "path", "form", "status"),
    [
        ("DELETE", "/api/me/met/x%00", None, 404),
        ("DELETE", "/api/me/muted-organizers/x%00", None, 404),
        ("POST", "/inbox/unmute", {"organizer": "x\0"}, 422),
        ("POST", "/me/met/forget", {"member": "x\0"}, 422),
    ],
)
def test_what_no_text_can_hold_names_nothing(
    as_: As, verb: str, path: str, form: dict[str, str] | None, status: int
) -> None:
    answer = as_("ana").request(verb, path, data=form)
    assert (answer.status_code, answer.json()["code"]) == (status, "not_found" if status == 404 else "invalid")

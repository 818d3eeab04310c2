"""What members choose: by groups, for all letters, by a link; and who may be told of one offer more."""

import ast
import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from server.inbox import groups, stopping, wishes
from server.inbox import service as inbox
from server.inbox.groups import DEFAULTS, Group, Letters
from server.inbox.model import Notification
from tests.server.conftest import As, Clock
from tests.server.inbox.conftest import Phone
from tests.server.places import HOUR, NOW, make_members

SERVER = Path(inbox.__file__).parent.parent
PREFERENCES = "/api/me/notifications/preferences"


def tell(
    session: Session, *member_ids: str, kind: str = "nearby_event", nonce: str = "", now: dt.datetime = NOW
) -> None:
    inbox.tell(session, member_ids, kind=kind, of="event/tea", sentence="Tea.", now=now, nonce=nonce)


def test_anonymous_is_refused(as_: As) -> None:
    stranger = as_(None)
    for path in (PREFERENCES, "/api/me/notifications/hours", "/api/me/notifications/browsers"):
        assert stranger.get(path).json()["code"] == "sign_in_needed"
    assert stranger.post("/api/me/notifications/browsers", json={}).status_code == 401
    assert stranger.get("/inbox/settings").status_code == 401


def test_every_kind_that_the_code_tells_is_in_a_group() -> None:
    """Of all calls that tell: kinds said as they are. Others are stopped where they are told (`inbox.tell`)."""
    said = set()
    for path in SERVER.rglob("*.py"):
        if "telling" not in path.read_text() and "inbox" not in path.read_text():
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("inbox.tell", "telling.tell"):
                given = {keyword.arg: keyword.value for keyword in node.keywords}.get("kind")
                if isinstance(given, ast.Constant):
                    said.add(given.value)
    assert len(said) > 15
    assert said <= set(groups.KINDS)
    assert {about.group for about in groups.KINDS.values()} == set(Group)
    assert set(groups.TITLES) == set(groups.WHAT) == set(DEFAULTS) == set(Group)


def test_a_kind_without_a_group_is_told_to_nobody(session: Session) -> None:
    make_members(session)
    with pytest.raises(AssertionError, match="is in no group"):
        tell(session, "dora", kind="made_up")


def test_she_chooses_for_each_group_and_when(as_: As) -> None:
    dora = as_("dora")
    found = {one["group"]: one for one in dora.get(PREFERENCES).json()["groups"]}
    assert (found["gatherings"]["letters"], found["near"]["letters"], found["shops"]["letters"]) == (
        "at_once",
        "daily",
        "never",
    )
    wanted = {"letters": "weekly", "push": True, "per_day": 0, "per_week": 5}
    assert dora.put(f"{PREFERENCES}/near", json=wanted).json()["letters"] == "weekly"
    hours = {"quiet_from": "23:30", "quiet_to": "06:15", "digest_at": "18:00"}
    assert dora.put("/api/me/notifications/hours", json=hours).json() == {**hours, "time_zone": "UTC"}
    found = dora.get(PREFERENCES).json()
    assert found["hours"]["quiet_to"] == "06:15"
    near = next(one for one in found["groups"] if one["group"] == "near")
    assert (near["push"], near["per_day"], near["per_week"]) == (True, 0, 5)
    assert as_("ben").get(PREFERENCES).json() != found
    assert dora.put(f"{PREFERENCES}/weather", json=wanted).status_code == 422
    assert dora.put("/api/me/notifications/hours", json={**hours, "digest_at": "25:00"}).status_code == 422


def test_what_concerns_her_has_no_cap_and_what_was_decided_of_her_stays(as_: As) -> None:
    dora = as_("dora")
    capped = {"letters": "daily", "push": False, "per_day": 1, "per_week": 1}
    assert dora.put(f"{PREFERENCES}/gatherings", json=capped).json()["per_week"] is None
    assert dora.put(f"{PREFERENCES}/safety", json=capped).status_code == 200
    refused = dora.put(f"{PREFERENCES}/safety", json={**capped, "letters": "never"})
    assert (refused.status_code, refused.json()["code"]) == (422, "safety_stays")


def test_no_letters_at_all_is_one_switch_and_back(session: Session) -> None:
    make_members(session)
    shops = DEFAULTS[Group.SHOPS]._replace(letters=Letters.DAILY)
    wishes.choose(session, member_id="dora", group=Group.SHOPS, wish=shops)
    wishes.choose_letters(session, member_id="dora", wanted=False)
    assert {one.letters for one in wishes.of(session, member_id="dora").values()} == {Letters.NEVER}
    assert not wishes.wants_letters(session, member_id="dora")
    wishes.choose_letters(session, member_id="dora", wanted=True)
    assert wishes.of(session, member_id="dora") == DEFAULTS


def test_offers_are_held_back_by_day_and_week(session: Session) -> None:
    make_members(session)
    ids = ["ana", "ben", "cleo", "dora"]

    def allowed(now: dt.datetime = NOW) -> set[str]:
        return wishes.allowed(session, ids, group=Group.NEAR, now=now)

    assert allowed() == set(ids)
    tell(session, "ben", nonce="1", now=NOW - 2 * HOUR)
    tell(session, "ben", kind="free_place", nonce="2", now=NOW - HOUR)
    assert allowed() == {"ana", "cleo", "dora"}
    assert allowed(NOW + 23 * HOUR) == set(ids)
    tell(session, "ben", nonce="3", now=NOW + 23 * HOUR)
    assert allowed(NOW + 72 * HOUR) == {"ana", "cleo", "dora"}
    tell(session, "cleo", kind="event.promoted", nonce="1")
    for number in range(5):
        tell(session, "cleo", kind="vote_opened", nonce=str(number))
    none = DEFAULTS[Group.NEAR]._replace(per_week=0)
    wishes.choose(session, member_id="ana", group=Group.NEAR, wish=none)
    every = DEFAULTS[Group.NEAR]._replace(per_day=None, per_week=None)
    wishes.choose(session, member_id="dora", group=Group.NEAR, wish=every)
    for number in range(9):
        tell(session, "dora", nonce=str(number))
    assert allowed() == {"cleo", "dora"}


def test_thousands_are_asked_about_by_one_statement(session: Session) -> None:
    session.execute(text("INSERT INTO member (id, name) SELECT 'm' || n, 'M' FROM generate_series(1, 3000) AS n"))
    asked: list[str] = []
    event.listen(session.bind, "before_cursor_execute", lambda *given: asked.append(given[2]))
    found = wishes.allowed(session, (f"m{number}" for number in range(1, 3001)), group=Group.NEAR, now=NOW)
    assert (len(found), len(asked)) == (3000, 1)


def test_a_browser_is_taken_in_listed_and_taken_back(as_: As) -> None:
    dora = as_("dora")
    path = "/api/me/notifications/browsers"
    key = dora.get("/api/me/notifications/push-key").json()["key"]
    assert len(key) == 87
    assert as_("ben").get("/api/me/notifications/push-key").json()["key"] == key
    wanted = {"endpoint": "https://push.example.org/1", "expirationTime": None, "keys": Phone().keys()}
    made = dora.post(path, json=wanted)
    assert made.status_code == 201
    assert dora.post(path, json=wanted).json()["id"] == made.json()["id"]
    assert "push.example.org" not in dora.get(path).text
    assert "Tell it no more" in dora.get("/inbox/settings").text
    refused = dora.post(path, json={**wanted, "endpoint": "https://10.0.0.1/1"})
    assert refused.json()["code"] == "address_private"
    assert as_("ben").delete(f"{path}/{made.json()['id']}").json()["code"] == "browser_unknown"
    assert dora.delete(f"{path}/{made.json()['id']}").status_code == 204
    assert dora.get(path).json() == []


def test_a_link_ends_the_letters_of_one_group_of_one_member_without_signing_in(as_: As, session: Session) -> None:
    stranger = as_(None)
    token = stopping.sign(session, member_id="dora", what="gatherings", now=NOW)
    page = stranger.get(f"/letters/stop/{token}")
    assert page.status_code == 200
    assert "Dora" not in page.text
    # What opens every link in a letter has ended nothing.
    assert wishes.of(session, member_id="dora") == DEFAULTS
    for _ in range(2):
        ended = stranger.post(f"/letters/stop/{token}", data={"List-Unsubscribe": "One-Click"})
        assert ended.status_code == 200
    found = wishes.of(session, member_id="dora")
    assert [group for group, wish in found.items() if wish != DEFAULTS[group]] == [Group.GATHERINGS]
    assert found[Group.GATHERINGS].letters is Letters.NEVER
    assert wishes.of(session, member_id="ben") == DEFAULTS


def test_links_for_digests_and_for_all_end_just_those(session: Session) -> None:
    make_members(session)
    stopping.stop(session, stopping.sign(session, member_id="dora", what="digest", now=NOW), NOW)
    found = wishes.of(session, member_id="dora")
    assert (found[Group.NEAR].letters, found[Group.COMMUNITIES].letters) == (Letters.NEVER, Letters.NEVER)
    assert found[Group.GATHERINGS].letters is Letters.AT_ONCE
    stopping.stop(session, stopping.sign(session, member_id="dora", what="all", now=NOW), NOW)
    assert not wishes.wants_letters(session, member_id="dora")


@pytest.mark.parametrize("change", ["ben.{rest}", "{whole}x", "dora.all.{signature}", "dora", "..", "{short}"])
def test_a_link_that_was_changed_ends_nothing(as_: As, session: Session, change: str) -> None:
    stranger = as_(None)
    token = stopping.sign(session, member_id="dora", what="near", now=NOW)
    _, _, rest = token.partition(".")
    wrong = change.format(rest=rest, whole=token, signature=token.rpartition(".")[2], short=token[:-1])
    for answer in (stranger.get(f"/letters/stop/{wrong}"), stranger.post(f"/letters/stop/{wrong}")):
        assert answer.status_code == 404
    assert wishes.of(session, member_id="dora") == DEFAULTS


def test_the_pages_choose_the_same_without_scripts(as_: As, session: Session) -> None:
    session.execute(text("UPDATE member SET email = id || '@example.org'"))
    dora = as_("dora")
    page = dora.get("/inbox/settings").text
    assert "Your time zone is not known" in page
    form = {
        "group": ["near", "safety"],
        "letters": ["weekly", "daily"],
        "per_day": ["", ""],
        "per_week": ["5", ""],
        "push": ["near"],
    }
    assert dora.post("/inbox/settings", data=form).status_code == 303
    found = wishes.of(session, member_id="dora")
    assert found[Group.NEAR] == (Letters.WEEKLY, True, None, 5)
    assert found[Group.SAFETY] == (Letters.DAILY, False, None, None)
    refused = dora.post("/inbox/settings", data={**form, "letters": ["weekly", "never"]})
    assert refused.status_code == 422
    assert "is always told" in refused.text
    hours = {"quiet_from": "21:00", "quiet_to": "07:00", "digest_at": "09:30", "time_zone": "Asia/Shanghai"}
    assert dora.post("/inbox/hours", data={**hours, "quiet": "true"}).status_code == 303
    kept = wishes.hours_of(session, member_id="dora")
    assert kept == ("Asia/Shanghai", dt.time(21), dt.time(7), dt.time(9, 30))
    assert dora.post("/inbox/hours", data=hours).status_code == 303
    kept = wishes.hours_of(session, member_id="dora")
    assert kept.quiet_from == kept.quiet_to


def test_what_became_of_a_note_is_told_to_her_alone(as_: As, session: Session, clock: Clock) -> None:
    dora = as_("dora")
    tell(session, "dora", now=clock())
    note = dora.get("/api/me/notifications").json()[0]
    assert note["group"] == "near"
    path = f"/api/me/notifications/{note['id']}/deliveries"
    assert dora.get(path).json() == []
    assert as_("ben").get(path).json()["code"] == "notification_unknown"
    assert session.query(Notification).count() == 1


def test_the_worker_is_at_an_address_that_stays(as_: As) -> None:
    answer = as_(None).get("/inbox/worker.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "push" in answer.text

"""Gathering face to face over HTTP and as pages: strangers first, guesses counted, forms without scripts."""

import datetime as dt
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.doors import service as doors
from server.face_to_face import asking
from server.face_to_face import digits as four
from tests.server.conftest import As, Clock
from tests.server.face_to_face.scene import hear, nonce, north
from tests.server.places import NOW

MINUTE = dt.timedelta(minutes=1)
WEEK = dt.timedelta(days=7)


def here(metres: float = 0, accuracy_m: float = 20) -> dict[str, Any]:
    return {"fix": {"position": north(metres), "accuracy_m": accuracy_m}}


def gather(client: TestClient, **more: Any) -> dict[str, Any]:
    answer = client.post("/api/gathers", json={"here": here(), "nonce": nonce(), **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def join(client: TestClient, digits: str, metres: float = 0, **more: Any) -> tuple[int, dict[str, Any]]:
    answer = client.post("/api/gathers/join", json={"digits": digits, "here": here(metres), **more})
    return answer.status_code, dict(answer.json())


@pytest.mark.parametrize("path", ["/api/gathers/x", "/api/communities/x/keeping", "/gather/x", "/communities/x/keep"])
def test_anonymous_is_refused(as_: As, path: str) -> None:
    assert as_(None).get(path).status_code == 401
    assert as_(None).delete("/api/gathers/x").status_code == 401


def test_three_stand_together_and_a_circle_is_founded(as_: As, session: Session) -> None:
    made = gather(as_("cleo"), name="Chess")
    assert (made["yours"], made["count"], made["community"]) == (True, 1, None)
    status, dora = join(as_("dora"), made["digits"], 200)
    assert (status, dora["count"], dora["yours"], dora["people"]) == (200, 2, False, [])
    stranger = as_(None)
    _, guest = join(stranger, made["digits"], nonce=nonce())
    assert guest["count"] == 3
    assert stranger.get("/api/me").json()["guest"] is True
    assert stranger.get(f"/api/gathers/{made['id']}").json()["community"] == dora["community"]
    seen = as_("cleo").get(f"/api/gathers/{made['id']}").json()
    assert [(one["name"], one["by"]) for one in seen["people"]][:2] == [
        ("Cléo Martin", "phone"),
        ("Dora Lindqvist", "phone"),
    ]
    assert len(communities.members_of(session, community_id=dora["community"])) == 3


def test_a_place_is_proven_before_any_digits_are_compared(as_: As) -> None:
    made = gather(as_("cleo"))
    dora = as_("dora")
    wrong = next(one for one in four.GIVEN if one != made["digits"])
    without = [dora.post("/api/gathers/join", json={"digits": each}).json() for each in (made["digits"], wrong)]
    assert [answer["code"] for answer in without] == ["place_needed"] * 2
    assert without[0]["detail"] == without[1]["detail"]
    vague = [
        dora.post("/api/gathers/join", json={"digits": each, "here": here(0, 900)}).json()
        for each in (made["digits"], wrong)
    ]
    assert vague[0] == vague[1]
    assert vague[0]["code"] == "position_vague"
    far, not_there = join(dora, made["digits"], 1000), join(dora, wrong)
    assert far == not_there
    assert far[1]["code"] == "digits_wrong"


def test_wrong_digits_are_counted_against_the_member_and_the_right_ones_never(as_: As, clock: Clock) -> None:
    made = gather(as_("cleo"))
    dora, ben = as_("dora"), as_("ben")
    wrong = next(one for one in four.GIVEN if one != made["digits"])
    codes = [join(dora, wrong)[1]["code"] for _ in range(11)]
    assert codes == ["digits_wrong"] * 10 + ["too_many"]
    assert join(dora, made["digits"])[0] == 429
    for _ in range(12):
        assert join(ben, made["digits"])[0] == 200
    clock.now = NOW + 4 * MINUTE
    assert join(dora, made["digits"])[0] == 200


def test_strangers_share_what_their_network_may_guess(as_: As) -> None:
    made = gather(as_("cleo"))
    stranger = as_(None)
    wrong = next(one for one in four.GIVEN if one != made["digits"])
    codes = [join(stranger, wrong)[1]["code"] for _ in range(101)]
    assert codes.count("digits_wrong") == 100
    assert codes[-1] == "too_many"


def test_the_code_at_a_door_and_a_badge_that_is_heard_let_in(as_: As, session: Session) -> None:
    door = doors.make(session, kind="poster", name="Door", venue_id="cafe", now=NOW, made_by="ben").door
    made = gather(as_("cleo"), here={"door": door.code})
    asked = {"digits": made["digits"], "here": {"door": door.code}}
    assert as_("ben").post("/api/gathers/join", json=asked).status_code == 200
    unknown = as_("dora").post("/api/gathers/join", json={**asked, "here": {"door": "ZZZZZZ"}})
    assert unknown.json()["code"] == "code_unknown"
    hear(session, "dora")
    assert as_("dora").post("/api/gathers/join", json={"digits": made["digits"]}).status_code == 200
    people = as_("cleo").get(f"/api/gathers/{made['id']}").json()["people"]
    assert [one["by"] for one in people] == ["poster", "poster", "beacon"]


def test_a_founder_takes_out_and_ends_and_nobody_else(as_: As) -> None:
    cleo, dora = as_("cleo"), as_("dora")
    made = gather(cleo)
    path = f"/api/gathers/{made['id']}"
    join(dora, made["digits"])
    join(as_("ben"), made["digits"])
    assert dora.delete(f"{path}/people/ben").json()["code"] == "founder_only"
    assert cleo.delete(f"{path}/people/ben").status_code == 204
    assert as_("ben").get(path).json()["code"] == "gather_unknown"
    assert dora.delete(path).json()["code"] == "founder_only"
    assert cleo.delete(path).status_code == 204
    after = dora.get(path).json()
    assert (after["digits"], after["count"]) == (None, 2)
    assert join(as_("ana"), made["digits"])[1]["code"] == "digits_wrong"


def test_a_name_that_is_none_is_no_reason_to_stay_outside(as_: As) -> None:
    made = gather(as_("cleo"))
    stranger = as_(None)
    stranger.headers["Accept-Language"] = "zh-CN"
    assert join(stranger, made["digits"], nonce=nonce())[0] == 200
    assert stranger.get("/api/me").json()["name"] == "新朋友"


def test_keep_or_let_go_is_its_members_to_say(as_: As, clock: Clock) -> None:
    made = gather(as_("cleo"), name="Chess")
    _, dora = join(as_("dora"), made["digits"])
    path = f"/api/communities/{dora['community']}/keeping"
    assert as_("dora").get(path).json()["code"] == "nothing_asked"
    clock.now = NOW + WEEK
    asked = as_("dora").get(path).json()
    assert (asked["members"], asked["keep"], asked["yours"]) == (2, 0, None)
    assert as_("ben").put(path, json={"keep": True}).json()["code"] == "members_answer"
    assert as_("dora").put(path, json={"keep": False}).status_code == 204
    page = f"/communities/{dora['community']}/keep"
    assert "You said: let it go." in as_("dora").get(page).text
    assert as_("cleo").post(page, data={"keep": "yes"}).status_code == 303
    assert "It is kept" in as_("cleo").get(page).text
    assert as_("cleo").get(path).json()["code"] == "nothing_asked"


def test_what_was_let_go_has_a_page_and_its_data_is_gone(as_: As, session: Session, clock: Clock) -> None:
    made = gather(as_("cleo"), name="Chess")
    _, dora = join(as_("dora"), made["digits"])
    page = f"/communities/{dora['community']}/keep"
    clock.now = NOW + WEEK
    assert "Keep or let go?" in as_("dora").get(page).text
    clock.now = NOW + 2 * WEEK
    assert "It was let go" in as_("dora").get(page).text
    assert as_("dora").get(f"/api/communities/{dora['community']}").status_code == 404
    assert asking.due(session, clock.now) == []


def hidden(page: str, form: int) -> str:
    return str(re.findall('name="nonce" value="([^"]*)"', page)[form])


def test_the_pages_work_without_scripts_by_the_code_at_a_door(as_: As, session: Session, clock: Clock) -> None:
    door = doors.make(session, kind="poster", name="Door", venue_id="cafe", now=NOW, made_by="ben").door
    founder, guest = as_(None), as_(None)
    page = founder.get("/gather").text
    empty = founder.post("/gather", data={"nonce": hidden(page, 1)})
    assert empty.status_code == 403
    assert "First say that you are here" in empty.text
    filled = {"nonce": hidden(page, 1), "door": door.code, "guest": "Mia", "name": "Chess"}
    made = [founder.post("/gather", data=filled).headers["location"] for _ in range(2)]
    assert made[0] == made[1]
    shown = founder.get(made[0]).text
    digits = re.search(r'id="digits">(\d{4})<', shown)
    assert digits is not None
    assert "<svg" in shown
    assert "Chess" in shown
    page = guest.get(f"/gather?digits={digits[1]}").text
    assert f'value="{digits[1]}"' in page
    typed = {"nonce": hidden(page, 0), "digits": digits[1]}
    assert guest.post("/gather/join", data=typed).status_code == 403
    wrong = guest.post("/gather/join", data={**typed, "door": door.code, "digits": "99"})
    assert wrong.status_code == 404
    assert "Nobody gathers here with these digits" in wrong.text
    came = guest.post("/gather/join", data={**typed, "door": door.code})
    assert came.headers["location"] == made[0]
    assert "by the code at the door" in founder.get(made[0]).text
    assert "by the code at the door" not in guest.get(made[0]).text
    assert "Nobody knows your name yet" in guest.get(made[0]).text
    clock.now = NOW + 10 * MINUTE
    assert "You belong together now" in guest.get(made[0]).text
    clock.now = NOW + 20 * MINUTE
    alone = as_("cleo").post("/gather", data={"door": door.code}).headers["location"]
    clock.now = NOW + 30 * MINUTE
    over = as_("cleo").get(alone)
    assert over.status_code == 404
    assert "Nobody gathers here now" in over.text


def test_a_position_that_the_page_writes_badly_is_as_none(as_: As) -> None:
    for fix in ("", "1,2", "a,b,c", "nan,nan,nan", "1e999,0,5", "x" * 90):
        answer = as_("cleo").post("/gather", data={"fix": fix})
        assert answer.status_code in (403, 422), fix
    lon, lat = north(0)
    good = as_("cleo").post("/gather", data={"fix": f"{lon},{lat},20", "taken_at": "soon", "sent_at": "now"})
    assert good.status_code == 303

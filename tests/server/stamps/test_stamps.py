"""Stamp cards over HTTP: they stamp themselves, are taken by their holders and redeemed once at their counter."""

import datetime as dt
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.checkins import service as checkins
from server.communities import service as communities
from server.erasure import service as erasure
from server.events import service as events
from server.events import signups
from server.events.details import Details
from server.people import merging
from server.people import service as people
from server.stamps import cards
from tests.server.conftest import As, Clock
from tests.server.places import HOUR, NOW
from tests.server.presence import scene
from tests.server.stamps.scene import DAY, come, make_card

NEW: dict[str, Any] = {"kind": "venue", "of": "cafe", "needs": 3, "reward": "A coffee"}


@pytest.fixture
def card(as_: As, session: Session) -> int:
    """Ben's card of three days with a visit; Dora has it."""
    made = make_card(session).id
    assert as_("dora").put(f"/api/me/stamps/{made}", json={"remember": True}).status_code == 200
    return made


def mine(client: TestClient) -> dict[str, Any]:
    (held,) = client.get("/api/me/stamps").json()
    found: dict[str, Any] = held
    return found


def show(client: TestClient, card_id: int) -> str:
    answer = client.post(f"/api/me/stamps/{card_id}/code")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["code"]).replace(" ", "")


def redeem(client: TestClient, code: str) -> dict[str, Any]:
    found: dict[str, Any] = client.post(f"/api/stamp-codes/{code}/redeem").json()
    return found


def test_anonymous_is_refused(card: int, as_: As) -> None:
    stranger = as_(None)
    for answer in (
        stranger.get("/api/stamp-cards?kind=venue&of=cafe"),
        stranger.post("/api/stamp-cards", json=NEW),
        stranger.post(f"/api/stamp-cards/{card}/end"),
        stranger.get("/api/me/stamps"),
        stranger.put(f"/api/me/stamps/{card}", json={}),
        stranger.delete(f"/api/me/stamps/{card}"),
        stranger.post(f"/api/me/stamps/{card}/code"),
        stranger.get("/api/stamp-codes/ABC234"),
        stranger.post("/api/stamp-codes/ABC234/redeem"),
    ):
        assert answer.status_code == 401


def test_who_keeps_a_place_makes_one_card_and_ends_it(as_: As) -> None:
    ben = as_("ben")
    for other in ("dora", "ana"):
        assert as_(other).post("/api/stamp-cards", json=NEW).json()["code"] == "not_your_counter"
    made = ben.post("/api/stamp-cards", json=NEW)
    assert (made.status_code, made.json()["name"]) == (201, "Café Lumen")
    assert ben.post("/api/stamp-cards", json=NEW).json()["code"] == "card_exists"
    assert [one["id"] for one in as_("dora").get("/api/stamp-cards?kind=venue&of=cafe").json()] == [made.json()["id"]]
    path = f"/api/stamp-cards/{made.json()['id']}/end"
    assert as_("dora").post(path).json()["code"] == "not_your_counter"
    assert ben.post(path).json() == ben.post(path).json(), "twice is as once"
    assert ben.get("/api/stamp-cards?kind=venue&of=cafe").json() == []
    assert ben.post("/api/stamp-cards", json=NEW).status_code == 201


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"needs": None}, "needs_wrong"),
        ({"needs": 1}, "invalid"),
        ({"needs": 31}, "invalid"),
        ({"reward": " "}, "invalid"),
        ({"until": "2026-03-13T19:00:00Z"}, "until_past"),
        ({"of": "nowhere"}, "venue_unknown"),
        ({"kind": "shop"}, "invalid"),
    ],
)
def test_what_is_wrong_with_a_new_card_is_said(as_: As, wrong: dict[str, Any], code: str) -> None:
    assert as_("ben").post("/api/stamp-cards", json={**NEW, **wrong}).json()["code"] == code


def test_a_home_and_a_circle_and_a_plain_gathering_have_no_counter(as_: As, session: Session) -> None:
    session.execute(text("UPDATE venue SET kind = 'home'"))
    assert as_("ben").post("/api/stamp-cards", json=NEW).json()["code"] == "no_counter"
    step = events.NewStep("Talk", "cafe", NOW, NOW + HOUR)
    events.create(session, id="night", name="Night", organizer_id="cleo", steps=[step])
    wanted = {"kind": "event", "of": "night", "reward": "A coffee"}
    assert as_("cleo").post("/api/stamp-cards", json=wanted).json()["code"] == "no_counter"


def test_it_stamps_itself_one_a_day_since_it_was_made(card: int, as_: As, session: Session) -> None:
    dora = as_("dora")
    assert (mine(dora)["stamps"], mine(dora)["state"], mine(dora)["remembered"]) == ([], "collecting", True)
    assert checkins.remembered(session, member_id="dora", venue_id="cafe")
    come(session, "dora", 2, 1, 40)
    assert [stamp["key"] for stamp in mine(dora)["stamps"]] == ["2026-03-11", "2026-03-12"], "40 days ago was before"
    assert dora.post(f"/api/me/stamps/{card}/code").json()["code"] == "card_not_full"
    come(session, "dora", 0)
    assert mine(dora)["state"] == "full"


def test_taking_asks_for_nothing_that_was_not_said(as_: As, session: Session) -> None:
    card = make_card(session).id
    held = as_("dora").put(f"/api/me/stamps/{card}", json={}).json()
    assert held["remembered"] is False
    assert not checkins.remembered(session, member_id="dora", venue_id="cafe")
    assert as_("dora").delete(f"/api/me/stamps/{card}").status_code == 204
    assert as_("dora").get("/api/me/stamps").json() == []
    assert as_("dora").delete(f"/api/me/stamps/{card}").json()["code"] == "not_your_card"
    assert as_("dora").put("/api/me/stamps/999999", json={}).json()["code"] == "card_unknown"


def test_a_full_card_is_redeemed_once_at_its_counter(card: int, as_: As, session: Session, clock: Clock) -> None:
    dora, ben = as_("dora"), as_("ben")
    come(session, "dora", 4, 3, 2, 1)
    code = show(dora, card)
    assert show(dora, card) == code, "the same as long as it is good"
    for other in ("dora", "cleo", "ana"):
        assert as_(other).get(f"/api/stamp-codes/{code}").json()["code"] == "not_your_counter"
        assert redeem(as_(other), code)["code"] == "not_your_counter"
    seen = ben.get(f"/api/stamp-codes/{code}").json()
    assert (seen["stamps"], seen["state"], seen["redeemed_at"]) == (3, "full", None)
    assert "dora" not in str(seen).lower()
    done = redeem(ben, code)
    assert done["redeemed_at"] is not None
    clock.now = NOW + 2 * HOUR
    assert redeem(ben, code)["redeemed_at"] == done["redeemed_at"], "a tap that is repeated is answered as then"
    assert (mine(dora)["state"], mine(dora)["redeemed"]) == ("redeemed", 1)
    assert dora.post(f"/api/me/stamps/{card}/code").json()["code"] == "redeemed_already"
    assert session.execute(text("SELECT count(*) FROM stamp_redemption")).scalar_one() == 1
    told = dora.get("/api/me/notifications").json()
    assert any("A coffee" in str(one) for one in told)


def test_a_code_is_good_for_five_minutes_and_none_is_guessed(
    card: int, as_: As, session: Session, clock: Clock
) -> None:
    come(session, "dora", 3, 2, 1)
    code = show(as_("dora"), card)
    clock.now = NOW + dt.timedelta(minutes=5)
    assert redeem(as_("ben"), code)["code"] == "stamp_code_over"
    assert show(as_("dora"), card) != code
    for wrong in ("ABC234", "x", "%00", "A" * 41):
        assert as_("ben").get(f"/api/stamp-codes/{wrong}").status_code in (404, 422)
    assert redeem(as_("ben"), "ABC234")["code"] == "stamp_code_unknown"


def test_a_card_that_renews_begins_anew_with_what_is_left(as_: As, session: Session) -> None:
    card = make_card(session, renews=True).id
    dora = as_("dora")
    dora.put(f"/api/me/stamps/{card}", json={})
    come(session, "dora", 5, 4, 3, 2)
    redeem(as_("ben"), show(dora, card))
    assert ([stamp["key"] for stamp in mine(dora)["stamps"]], mine(dora)["state"]) == (["2026-03-11"], "collecting")
    come(session, "dora", 1, 0)
    redeem(as_("ben"), show(dora, card))
    assert (mine(dora)["redeemed"], mine(dora)["stamps"]) == (2, [])


def test_an_undone_check_in_takes_its_stamp_away_unless_redeemed(card: int, as_: As, session: Session) -> None:
    dora = as_("dora")
    come(session, "dora", 3, 2, 1)
    code = show(dora, card)
    first = session.execute(text("SELECT min(id) FROM checkin")).scalar_one()
    checkins.undo(session, checkin_id=first, now=NOW, by="dora")
    assert redeem(as_("ben"), code)["code"] == "card_not_full"
    assert len(mine(dora)["stamps"]) == 2
    come(session, "dora", 0)
    assert redeem(as_("ben"), code)["redeemed_at"] is not None
    session.execute(text("UPDATE checkin SET undone_at = :now WHERE undone_at IS NULL"), {"now": NOW})
    assert (mine(dora)["state"], mine(dora)["redeemed"]) == ("redeemed", 1)


def test_what_was_corrected_or_was_somebody_elses_is_so_at_once(card: int, as_: As, session: Session) -> None:
    come(session, "dora", 3, 2, 1)
    assert show(as_("dora"), card)
    session.execute(text("UPDATE checkin SET member_id = 'cleo' WHERE day = '2026-03-11'"))
    assert [stamp["key"] for stamp in mine(as_("dora"))["stamps"]] == ["2026-03-10", "2026-03-12"]


def test_a_card_that_ended_takes_late_stamps_of_before(card: int, as_: As, session: Session, clock: Clock) -> None:
    come(session, "dora", 3, 2)
    cards.end(session, card, now=NOW)
    assert mine(as_("dora"))["state"] == "over"
    clock.now = NOW + DAY
    come(session, "dora", -1)  # of after its end
    assert mine(as_("dora"))["state"] == "over"
    come(session, "dora", 1)
    assert mine(as_("dora"))["state"] == "full"
    assert as_("cleo").put(f"/api/me/stamps/{card}", json={}).json()["code"] == "card_over"


def test_what_is_full_is_redeemed_after_the_card_ended_but_not_after_its_last_day(
    card: int, as_: As, session: Session, clock: Clock
) -> None:
    come(session, "dora", 3, 2, 1)
    cards.end(session, card, now=NOW)
    assert show(as_("dora"), card)
    cards.get(session, card).until = NOW + HOUR
    session.flush()
    clock.now = NOW + HOUR
    assert as_("dora").post(f"/api/me/stamps/{card}/code").json()["code"] == "card_over"


def rally(session: Session, needs: int | None = 2) -> int:
    """Cléo's rally over three steps, any two make it complete."""
    steps = [events.NewStep(f"Stop {number}", "cafe", NOW - HOUR, NOW + HOUR) for number in range(3)]
    events.create(session, id="rally", name="Rally", organizer_id="cleo", steps=steps, about=Details(needs=needs))
    of = cards.Of("event", "rally")
    return cards.make(session, of=of, reward="A book", needs=None, by="cleo", now=NOW).id


def test_the_card_of_a_rally_comes_with_signing_up_and_is_full_with_its_steps(as_: As, session: Session) -> None:
    card = rally(session)
    dora = as_("dora")
    assert dora.get("/api/me/stamps").json() == []
    assert dora.put(f"/api/me/stamps/{card}", json={}).json()["code"] == "not_your_card"
    signups.sign_up(session, event_id="rally", member_id="dora", now=NOW)
    assert (mine(dora)["card"]["needs"], mine(dora)["stamps"]) == (2, [])
    scene.arrive(session, "dora", NOW, "rally-1")
    assert [stamp["name"] for stamp in mine(dora)["stamps"]] == ["Stop 0"]
    scene.arrive(session, "dora", NOW, "rally-3")
    assert redeem(as_("ben"), show(dora, card))["code"] == "not_your_counter", "the host's, not the venue's"
    assert redeem(as_("cleo"), show(dora, card))["redeemed_at"] is not None


def test_the_card_of_a_rally_that_is_called_off_is_over_unless_it_is_full(as_: As, session: Session) -> None:
    rally(session)
    signups.sign_up(session, event_id="rally", member_id="dora", now=NOW)
    session.execute(text("UPDATE event SET state = 'cancelled'"))
    assert mine(as_("dora"))["state"] == "over"


def test_the_card_of_a_house_counts_gatherings(as_: As, session: Session) -> None:
    communities.create(session, id="lumen", name="Lumen", shape="house", source_member_id="cleo")
    communities.join(session, community_id="lumen", member_id="cleo")
    wanted = {"kind": "community", "of": "lumen", "needs": 2, "reward": "A seat in front"}
    assert as_("ben").post("/api/stamp-cards", json=wanted).json()["code"] == "not_your_counter"
    card = as_("cleo").post("/api/stamp-cards", json=wanted).json()["id"]
    as_("dora").put(f"/api/me/stamps/{card}", json={})
    steps = [events.NewStep(f"Part {number}", "cafe", NOW, NOW + HOUR) for number in range(2)]
    events.create(session, id="night", name="Night", organizer_id="cleo", steps=steps, community_id="lumen")
    for step in ("night-1", "night-2"):
        scene.arrive(session, "dora", NOW, step)
    assert [stamp["name"] for stamp in mine(as_("dora"))["stamps"]] == ["Night"], "one for each gathering"


def test_what_a_guest_redeemed_is_not_redeemed_again(as_: As, session: Session) -> None:
    card = make_card(session).id
    guest = people.create_guest(session, name="Bo")
    come(session, guest.id, 3, 2, 1)
    come(session, "dora", 2)
    as_(guest.id).put(f"/api/me/stamps/{card}", json={})
    as_("dora").put(f"/api/me/stamps/{card}", json={})
    redeem(as_("ben"), show(as_(guest.id), card))
    merging.merge(session, guest_id=guest.id, into_id="dora", now=NOW)
    assert (mine(as_("dora"))["state"], mine(as_("dora"))["redeemed"]) == ("redeemed", 1)


def test_what_was_redeemed_stays_without_who_was_erased(card: int, as_: As, session: Session) -> None:
    come(session, "dora", 3, 2, 1)
    code = show(as_("dora"), card)
    redeem(as_("ben"), code)
    erasure.erase(session, member_id="dora", now=NOW)
    kept = session.execute(text('SELECT member_id, "by" FROM stamp_redemption')).one()
    assert (kept.member_id, kept.by) == (None, "ben")
    assert as_("ben").get(f"/api/stamp-codes/{code}").json()["code"] == "stamp_code_unknown"

"""Phones at fences: they check in where no agent listens, once and monotone, remind once, and keep no fix."""

import datetime as dt

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from config import settings as config
from geo.fences import Code, Kind
from server.checkins import explain
from server.checkins import service as checkins
from server.checkins.model import CheckIn, Refusal
from server.consent import service as consent
from server.fences import own, reminding
from server.fences import service as fences
from server.fences.model import FenceState
from server.inbox.model import Notification
from server.people import service as people
from server.positions.service import Fix, Source
from tests.server.conftest import As
from tests.server.fences.scene import MINUTE, fix, let, make_evening
from tests.server.places import NOW, make_agent, make_cafe

SETTINGS = config.load(environment={})
RULE = SETTINGS.fences


def take(session: Session, *fixes: Fix, minute: float | None = None) -> list[tuple[str, Kind]]:
    """What happened, by fixes taken at the time of the newest."""
    now = max(one.at for one in fixes) if minute is None else NOW + dt.timedelta(minutes=minute)
    found = fences.take(session, fixes, now=now, rule=RULE)
    return [(key.venue_id, one.kind) for key, one in found.happened]


def came(session: Session, member_id: str = "dora") -> list[tuple[str | None, str, dt.datetime]]:
    rows = session.scalars(
        select(CheckIn).where(CheckIn.member_id == member_id, CheckIn.undone_at.is_(None)).order_by(CheckIn.id)
    )
    return [(row.step_id or row.venue_id, row.evidence, row.at) for row in rows]


def refused(session: Session) -> list[str]:
    return sorted(session.scalars(select(Refusal.code).where(Refusal.member_id == "dora")))


def notes(session: Session, kind: str) -> list[Notification]:
    return list(session.scalars(select(Notification).where(Notification.kind == kind)))


def test_anonymous_is_refused(as_: As) -> None:
    for path in ("/api/me/fences", "/api/venues/cafe/fence"):
        assert as_(None).get(path).json()["code"] == "sign_in_needed"
    assert as_(None).put("/api/venues/cafe/fence", json={}).status_code == 401
    assert as_(None).delete("/api/venues/cafe/fence").status_code == 401
    for path in ("/me/fences", "/venues/cafe/fence"):
        assert as_(None).get(path).status_code == 401


def test_a_phone_checks_in_who_signed_up_and_stays(session: Session) -> None:
    make_evening(session)
    assert take(session, fix(1000, 0)) == [("park", Kind.APPROACHING)]
    assert take(session, fix(50, 10)) == [("park", Kind.ENTER)]
    assert came(session) == [], "one fix is no stay"
    assert take(session, fix(40, 11)) == []
    assert came(session) == [("picnic-1", "phone", NOW + 10 * MINUTE + dt.timedelta(seconds=15))]
    assert take(session, fix(40, 12)) == [("park", Kind.INSIDE)]
    assert take(session, fix(900, 60)) == [("park", Kind.EXIT)]
    assert len(came(session)) == 1


def test_what_a_phone_without_a_network_tells_later_counts_when_it_was(session: Session) -> None:
    make_evening(session)
    walk = [fix(900, 60), fix(40, 11), fix(50, 10), fix(1000, 0), fix(45, 30)]
    assert [kind for _, kind in take(session, *walk, minute=70)] == [
        Kind.APPROACHING,
        Kind.ENTER,
        Kind.INSIDE,
        Kind.EXIT,
    ]
    assert came(session) == [("picnic-1", "phone", NOW + 10 * MINUTE + dt.timedelta(seconds=15))]
    before = session.execute(text("SELECT * FROM fence_state")).all()
    assert take(session, *walk, minute=71) == [], "twice is as once"
    assert session.execute(text("SELECT * FROM fence_state")).all() == before


def test_nothing_is_used_of_whoever_does_not_let_it_or_hides(session: Session) -> None:
    make_evening(session)
    inside = [fix(50, 10), fix(40, 11)]
    let(session, "dora", fences=False)
    assert take(session, *inside) == []
    let(session, "dora", fences=True)
    consent.pause(session, member_id="dora", now=NOW)
    assert take(session, *inside) == []
    consent.resume(session, member_id="dora", now=NOW)
    assert session.scalars(select(FenceState)).all() == []
    assert take(session, *inside) == [("park", Kind.ENTER)]
    assert len(came(session)) == 1


def test_where_an_agent_listens_a_phone_checks_nobody_in_and_says_so(session: Session) -> None:
    make_evening(session)
    make_cafe(session)
    make_agent(session)
    session.execute(text("UPDATE step SET venue_id = 'cafe' WHERE id = 'picnic-1'"))
    cafe = (13.4050, 52.5200)
    take(session, fix(50, 10, middle=cafe), fix(40, 11, middle=cafe))
    assert came(session) == []
    assert refused(session) == ["badges_heard"]
    session.execute(text("DELETE FROM placement"))
    take(session, fix(50, 12, middle=cafe))
    assert len(came(session)) == 1, "the same set-up without the agent"


def test_what_was_taken_back_stays_so_by_the_same_evidence(session: Session) -> None:
    make_evening(session)
    take(session, fix(50, 10), fix(40, 11))
    number = session.scalars(select(CheckIn.id)).one()
    checkins.undo(session, checkin_id=number, now=NOW + 12 * MINUTE, by="dora")
    session.expire_all()
    take(session, fix(50, 11.5), minute=13)
    assert came(session) == []
    take(session, fix(50, 13), minute=13)
    assert came(session) == [("picnic-1", "phone", NOW + 12 * MINUTE + dt.timedelta(seconds=15, milliseconds=1))]


def test_who_is_early_or_vague_reads_why_and_comes_in_later(session: Session) -> None:
    make_evening(session)
    session.execute(text("UPDATE step SET opens_at = :at"), {"at": NOW + 20 * MINUTE})
    take(session, fix(50, 0, device="old"))
    assert refused(session) == ["not_open_yet"]
    take(session, fix(100, 21, accuracy_m=400))
    assert refused(session) == ["not_open_yet", "position_vague"]
    assert came(session) == []
    take(session, fix(20, 22, device="old"))
    # There since before the doors opened, by what is known: a silence of 22 minutes is none.
    assert came(session) == [("picnic-1", "phone", NOW + 20 * MINUTE + dt.timedelta(seconds=15))]


def test_who_leaves_before_she_was_there_long_enough_reads_why(session: Session) -> None:
    make_evening(session)
    take(session, fix(50, 0))
    take(session, fix(900, 1))
    assert came(session) == []
    assert refused(session) == ["phone_left"]
    found = explain.explain(
        session, member_id="dora", step_id="picnic-1", now=NOW + 2 * MINUTE, presence=SETTINGS.presence
    )
    assert [one.sentence for one in found.facts.refusals] == [
        "Your phone was at The Park for 0 of 15 seconds before it left. Ask the host."
    ]


def test_a_place_that_remembers_visits_has_one_a_day(session: Session) -> None:
    make_evening(session)
    people.get(session, "ben")
    checkins.remember(session, member_id="cleo", venue_id="park", now=NOW)
    let(session, "cleo", fences=True)
    take(session, fix(50, 1, member_id="cleo"), fix(50, 3, member_id="cleo"))
    take(session, fix(2500, 10, member_id="cleo"), fix(50, 30, member_id="cleo"), fix(50, 33, member_id="cleo"))
    assert came(session, "cleo") == [("park", "phone", NOW + 2.5 * MINUTE)]


def test_a_home_is_watched_only_for_whoever_may_know_where_it_is(session: Session) -> None:
    make_evening(session, kind="home")
    assert take(session, fix(50, 10)) == [("park", Kind.ENTER)]
    session.execute(text("DELETE FROM sign_up"))
    checkins.remember(session, member_id="dora", venue_id="park", now=NOW)
    assert take(session, fix(900, 12)) == []
    assert fences.list_of(session, member_id="dora", rule=RULE, now=NOW + 12 * MINUTE) == []


def test_two_phones_of_one_member_do_not_flap(session: Session) -> None:
    make_evening(session)
    at_home = [fix(1500, minute + 0.5, device="tablet") for minute in range(5)]
    with_her = [fix(30, minute) for minute in range(5)]
    assert [kind for _, kind in take(session, *with_her, *at_home)] == [Kind.ENTER, Kind.INSIDE, Kind.APPROACHING]


def test_fixes_that_cannot_be_are_harmless(session: Session) -> None:
    make_evening(session)
    ahead, old = fix(30, 20), fix(30, -150)
    nothing, endless = fix(30, 0, accuracy_m=0), fix(30, 0, accuracy_m=9000)
    home = fix(30, 0, source=Source.HOME)
    assert take(session, ahead, old, nothing, endless, home, minute=1) == []
    assert take(session, fix(30, 1), minute=1) == [("park", Kind.ENTER)]


def test_who_is_near_before_it_begins_is_reminded_once(session: Session) -> None:
    make_evening(session)
    take(session, fix(790, 0))
    take(session, fix(600, 2))
    found = notes(session, reminding.REMINDER)
    assert [(note.member_id, note.subject, note.nonce) for note in found] == [("dora", "event/picnic", "picnic-1")]
    assert found[0].values["metres"] == 800
    # Not who is there, not who is far, not who does not go.
    let(session, "ben", fences=True)
    take(session, fix(600, 2, member_id="ben"))
    assert len(notes(session, reminding.REMINDER)) == 1


@pytest.mark.parametrize(
    ("away_m", "minute", "reminded"),
    [(600, -29.9, True), (600, -31, False), (60, 0, False), (3000, 0, False), (600, 149, True), (600, 150.1, False)],
)
def test_reminders_are_for_the_way(session: Session, away_m: float, minute: float, reminded: bool) -> None:
    make_evening(session)
    take(session, fix(away_m, minute))
    assert bool(notes(session, reminding.REMINDER)) is reminded


def test_near_a_place_that_she_remembers_she_learns_what_begins_there(session: Session) -> None:
    make_evening(session)
    checkins.remember(session, member_id="ana", venue_id="park", now=NOW)
    let(session, "ana", fences=True)
    take(session, fix(600, 0, member_id="ana"))
    take(session, fix(60, 5, member_id="ana"))
    assert [(note.member_id, note.nonce) for note in notes(session, reminding.NEAR)] == [("ana", "picnic-1")]
    # What is not for her she does not learn of, and who goes there anyway is reminded instead.
    session.execute(text("DELETE FROM notification"))
    session.execute(text("DELETE FROM fence_state"))
    session.execute(text("UPDATE event SET community_gone = true"))
    session.expire_all()
    take(session, fix(600, 10, member_id="ana"))
    assert notes(session, reminding.NEAR) == []


def test_it_is_explained_to_herself(as_: As, session: Session) -> None:
    browser = as_("dora")
    make_evening(session)
    let(session, "dora", fences=False)
    assert browser.get("/api/me/fences").json() == []
    let(session, "dora", fences=True)
    assert [one["code"] for one in browser.get("/api/me/fences").json()] == ["unknown"]
    take(session, fix(158, 0))
    found = browser.get("/api/me/fences").json()
    assert [(one["venue"], one["code"], one["outside_m"], one["steps"]) for one in found] == [
        ("park", "outside", 10.0, ["picnic-1"])
    ]
    assert found[0]["sentence"] == "Outside by 10 m. Once there, 90 seconds are needed."
    chinese = browser.get("/api/me/fences", headers={"Accept-Language": "zh"}).json()
    assert chinese[0]["sentence"] != found[0]["sentence"]
    page = browser.get("/me/fences").text
    assert "Outside by 10 m." in page
    assert browser.post("/me/fences", data={"on": "false"}).status_code == 303
    assert browser.get("/api/me/fences").json() == []


def test_who_keeps_a_venue_says_how_near_is_there(as_: As) -> None:
    wanted = {"enter_m": 400, "exit_m": 600, "dwell_s": 30}
    assert as_("dora").put("/api/venues/cafe/fence", json=wanted).json()["code"] == "not_your_venue"
    keeper = as_("ben")
    assert keeper.get("/api/venues/cafe/fence").json()["own"] is False
    assert keeper.put("/api/venues/cafe/fence", json=wanted).json() == {"own": True, **wanted}
    assert keeper.put("/api/venues/cafe/fence", json={**wanted, "exit_m": 410}).json()["code"] == "invalid"
    assert "400" in keeper.get("/venues/cafe/fence").text
    bad = keeper.post("/venues/cafe/fence", data={"enter_m": 400, "exit_m": 410, "dwell_s": 30})
    assert bad.status_code == 422
    assert 'value="410"' in bad.text
    assert keeper.post("/venues/cafe/fence", data={"usual": "true"}).status_code == 303
    assert keeper.get("/api/venues/cafe/fence").json()["own"] is False
    assert keeper.delete("/api/venues/cafe/fence").status_code == 204


def test_a_venue_of_its_own_size_is_judged_by_it(session: Session) -> None:
    make_evening(session)
    own.choose(session, "park", enter_m=500, exit_m=700, dwell_s=10, now=NOW)
    assert [kind for _, kind in take(session, fix(450, 0), fix(450, 1))] == [Kind.ENTER, Kind.INSIDE]
    assert len(came(session)) == 1


def test_no_fix_is_kept_and_what_is_kept_goes_by_the_clock(session: Session) -> None:
    make_evening(session)
    take(session, fix(163.7, 0, accuracy_m=13))
    row = session.scalars(select(FenceState)).one()
    assert (row.outside_m, row.off_m) == (20, 20), "in whole tens of metres"
    columns = {column.name for column in FenceState.__table__.columns}
    assert not columns & {"place", "location", "cell", "lon", "lat", "distance_m"}
    session.expunge_all()
    assert fences.tidy(session, now=NOW + 5 * 60 * MINUTE) == 0
    assert fences.tidy(session, now=NOW + 6 * 60 * MINUTE) == 1
    take(session, fix(163.7, 1))
    let(session, "dora", fences=False)
    assert fences.tidy(session, now=NOW + 2 * MINUTE) == 1


def test_a_day_later_she_comes_anew(session: Session) -> None:
    make_evening(session)
    session.execute(text("UPDATE step SET ends_at = :at"), {"at": NOW + dt.timedelta(days=3)})
    assert take(session, fix(50, 0)) == [("park", Kind.ENTER)]
    assert take(session, fix(50, 24 * 60)) == [("park", Kind.ENTER)], "whether the clock deleted the row or not"


def test_the_explanation_is_of_now(session: Session) -> None:
    make_evening(session)
    take(session, fix(50, 0))
    for minute, code in ((1, Code.STAY), (41, Code.UNKNOWN)):
        found = fences.list_of(session, member_id="dora", rule=RULE, now=NOW + minute * MINUTE)
        assert [one.explained.code for one in found] == [code]

"""The morning after: one card for each who came, what is told of it, and what three yeses open."""

import datetime as dt

import pytest
from sqlalchemy import Engine, event, select, text
from sqlalchemy.orm import Session

from config.settings import Settings
from server import database
from server.events import life, series
from server.events import service as events
from server.inbox.model import Notification
from server.jobs.service import Work
from server.mornings import opening, tasks
from server.mornings import service as mornings
from server.mornings.model import MorningCard
from server.people import roles
from server.people import service as people
from server.proposals import service as proposals
from server.proposals.model import Proposal
from tests.server.conftest import As, Clock
from tests.server.places import HOUR, NOW, make_cafe, make_members, make_welcome
from tests.server.presence import scene
from tests.server.recaps.scene import ENDS, GUESTS, MINUTE, MORNING, came, crowd, make_night

API = "/api/events/night/morning"


@pytest.fixture
def night(as_: As, session: Session, clock: Clock) -> As:
    """Eight in the morning after Cléo's night, to which all seven came."""
    as_(None)
    make_night(session)
    came(session, *GUESTS)
    clock.now = MORNING
    return as_


def say(session: Session, who: str, answer: mornings.Answer = "yes", line: str = "") -> MorningCard:
    return mornings.answer(
        session,
        event_id="night",
        member_id=who,
        answer=answer,
        line=line,
        now=MORNING,
    )


def proposed(session: Session) -> list[Proposal]:
    return list(session.scalars(select(Proposal)))


def told(session: Session, kind: str = mornings.KIND) -> list[str]:
    return sorted(session.scalars(select(Notification.member_id).where(Notification.kind == kind)))


# -- who is asked, and when


def test_anonymous_is_refused(night: As) -> None:
    assert night(None).get(API).json()["code"] == "sign_in_needed"
    assert night(None).put(API, json={"answer": "yes"}).status_code == 401
    assert night("dora").get(API).json()["code"] == "members_only"
    assert night("dora").get("/mornings/night").status_code == 403
    assert night("cleo").put(API, json={"answer": "yes"}).json()["code"] == "not_there"


def test_each_who_came_gets_one_card_from_eight_on(night: As, session: Session) -> None:
    del night
    second = dt.timedelta(seconds=1)
    assert mornings.due(session, MORNING - second) == []
    assert mornings.deal(session, event_id="night", now=MORNING - second) == 0
    assert mornings.due(session, MORNING) == ["night"]
    assert mornings.deal(session, event_id="night", now=MORNING) == len(GUESTS)
    assert mornings.deal(session, event_id="night", now=MORNING + HOUR) == 0
    assert mornings.due(session, MORNING + HOUR) == []
    assert told(session) == sorted(GUESTS)


def test_who_is_known_to_have_come_only_later_gets_hers_then(night: As, session: Session) -> None:
    del night
    mornings.deal(session, event_id="night", now=MORNING)
    people.create(session, id="late", name="Late")
    came(session, "late")
    assert mornings.due(session, MORNING + HOUR) == ["night"]
    assert mornings.deal(session, event_id="night", now=MORNING + HOUR) == 1
    assert told(session) == sorted([*GUESTS, "late"])


def test_a_clock_that_jumps_over_eight_deals_late_and_not_after_a_week(night: As, session: Session) -> None:
    del night
    assert mornings.due(session, MORNING + dt.timedelta(days=6)) == ["night"]
    assert mornings.due(session, MORNING + dt.timedelta(days=7)) == []
    assert mornings.due(session, NOW) == []


def test_whoever_came_to_the_first_step_of_many_days_is_asked(session: Session) -> None:
    make_members(session)
    make_cafe(session)
    steps = [
        events.NewStep("Meet", "cafe", NOW, ENDS),
        events.NewStep("Part", "cafe", NOW + 480 * HOUR, NOW + 482 * HOUR),
    ]
    events.create(session, id="trip", name="Trip", organizer_id="cleo", steps=steps)
    scene.arrive(session, "dora", NOW, "trip-1")
    begins = mornings.begins_at(session, "trip")
    assert mornings.due(session, MORNING) == []
    assert mornings.due(session, begins) == ["trip"]


def test_a_late_task_changes_nothing_for_who_looks(night: As, session: Session) -> None:
    page = night("emil").get("/inbox")
    assert "You were at Night of ideas. Again?" in page.text
    assert told(session) == ["emil"]
    assert mornings.deal(session, event_id="night", now=MORNING) == len(GUESTS) - 1


def test_what_was_called_off_gives_no_morning(night: As, session: Session, clock: Clock) -> None:
    clock.now = MORNING
    life.cancel(session, event_id="night", now=NOW)
    assert mornings.due(session, MORNING) == []
    assert night("emil").put(API, json={"answer": "yes"}).json()["code"] == "no_morning"
    assert "It did not take place." in night("emil").get("/mornings/night").text


# -- what is said


def test_an_answer_can_be_changed_for_a_week(night: As, clock: Clock) -> None:
    emil = night("emil")
    clock.now = MORNING - MINUTE
    assert emil.put(API, json={"answer": "yes"}).json()["code"] == "morning_not_yet"
    assert "Sleep on it first." in emil.get("/mornings/night").text
    clock.now = MORNING
    assert emil.put(API, json={"answer": "yes", "line": " Lovely \n soup "}).json()["line"] == "Lovely soup"
    assert emil.put(API, json={"answer": "no"}).json()["answer"] == "no"
    clock.now = MORNING + dt.timedelta(days=7)
    assert emil.put(API, json={"answer": "yes"}).json()["code"] == "morning_over"
    assert emil.get(API).json()["answer"] == "no"
    assert emil.get("/mornings/night").status_code == 200


@pytest.mark.parametrize("line", ["x" * 201, "x" * 900, "a\x00b"])
def test_a_line_is_one_line(night: As, line: str) -> None:
    assert night("emil").put(API, json={"answer": "yes", "line": line}).status_code == 422
    assert night("emil").post("/mornings/night", data={"answer": "yes", "line": line}).status_code == 422


def test_a_line_is_text_and_nothing_else(night: As, session: Session) -> None:
    for who in ("emil", "fay", "gina"):
        say(session, who, "differently", "<script>alert(1)</script>")
    page = night("cleo").get("/mornings/night").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_numbers_are_told_from_five_and_lines_to_the_host_alone_from_three(night: As, session: Session) -> None:
    for number, who in enumerate(GUESTS[:2]):
        say(session, who, "differently", f"line {number}")
    assert night("cleo").get(API).json()["lines"] == []
    say(session, GUESTS[2], "differently", "line 2")
    seen = night("cleo").get(API).json()
    assert sorted(one["line"] for one in seen["lines"]) == ["line 0", "line 1", "line 2"]
    assert {one["answer"] for one in seen["lines"]} == {None}
    assert (seen["counts"], seen["answers"]) == (None, 3)
    others = night("emil").get(API).json()
    assert (others["counts"], others["answers"], others["lines"]) == (None, None, [])
    for who in GUESTS[3:5]:
        say(session, who, "no")
    assert night("emil").get(API).json()["counts"] == {"yes": 0, "no": 2, "differently": 3}
    assert "line 1" not in night("emil").get("/mornings/night").text
    page = night("cleo").get("/mornings/night").text
    assert all(f"line {number}" in page for number in range(3))
    assert all(who.capitalize() not in page for who in GUESTS)


def test_who_was_taken_back_does_not_count(night: As, session: Session) -> None:
    for who in GUESTS[:5]:
        say(session, who, "no")
    assert mornings.said_of(session, event_id="night").counts is not None
    session.execute(text("UPDATE checkin SET undone_at = now() WHERE member_id = 'emil'"))
    assert mornings.said_of(session, event_id="night").counts is None
    assert night("emil").put(API, json={"answer": "no"}).json()["code"] == "came_only"


def test_a_guest_answers_on_her_receipt(night: As, session: Session) -> None:
    guest = people.create_guest(session, name="Bo")
    number = scene.arrive(session, guest.id, NOW, "night-1", evidence="screen")
    page = night(guest.id).get(f"/check-ins/{number}").text
    assert 'action="/mornings/night"' in page
    assert night(guest.id).post("/mornings/night", data={"answer": "yes"}).status_code == 303
    card = mornings.card_of(session, event_id="night", member_id=guest.id)
    assert card is not None
    assert card.answer == "yes"


# -- what three yeses open


def test_three_yeses_propose_it_again_once_with_those_votes(night: As, session: Session) -> None:
    say(session, "emil")
    say(session, "fay")
    say(session, "gina", "no")
    assert proposed(session) == []
    say(session, "hugo")
    (found,) = proposed(session)
    assert (found.by_id, found.title, found.community_id, found.quorum) == ("emil", "Night of ideas", "readers", 4)
    (option,) = proposals.options_of(session, proposal_id=found.id)
    assert (option.venue_id, option.starts_at - NOW) == ("cafe", dt.timedelta(days=7))
    case = proposals.case_of(session, found)
    assert case.options[0].can == ("emil", "fay", "hugo")
    assert told(session, "morning.leads") == ["emil"]
    assert found.state == "open"
    assert f"/proposals/{found.id}" in night("ida").get("/mornings/night").text
    say(session, "ida")
    assert [one.state for one in proposed(session)] == ["settled"], "the fourth of seven said yes"


def test_a_yes_is_told_by_name_to_who_leads_it_once_she_taps_there_herself(night: As, session: Session) -> None:
    for who in ("emil", "fay", "gina"):
        say(session, who)
    (found,) = proposed(session)
    session.execute(text("UPDATE proposal SET quorum = 7"))
    say(session, "hugo")  # after it was opened

    def named() -> list[str]:
        (option,) = night("emil").get(f"/api/proposals/{found.id}").json()["options"]
        assert option["can"] == 4
        return list(option["names"])

    assert named() == []
    assert "Gina" not in night("emil").get(f"/proposals/{found.id}").text
    (option,) = proposals.options_of(session, proposal_id=found.id)
    path = f"/api/proposals/{found.id}/commitment"
    assert night("gina").put(path, json={"options": [option.id]}).status_code == 200
    assert named() == ["Gina"]
    say(session, "gina")
    assert named() == ["Gina"]


def test_who_hosted_and_said_yes_leads_it(night: As, session: Session) -> None:
    del night
    came(session, "cleo")
    for who in ("emil", "fay", "cleo"):
        say(session, who)
    assert [one.by_id for one in proposed(session)] == ["cleo"]
    assert told(session, "morning.leads") == []


def test_a_yes_that_is_taken_back_does_not_count_there_either(night: As, session: Session) -> None:
    del night
    for who in ("emil", "fay", "gina"):
        say(session, who)
    say(session, "gina", "no")
    (found,) = proposed(session)
    assert proposals.case_of(session, found).options[0].can == ("emil", "fay")
    say(session, "emil", "no")  # who leads it takes the proposal itself back
    assert proposals.case_of(session, found).options[0].can == ("emil", "fay")


def test_a_house_opens_by_its_hosts_tap_and_others_may_not(as_: As, session: Session, clock: Clock) -> None:
    cleo = as_("cleo")
    make_night(session, shape="house")
    came(session, *GUESTS)
    clock.now = MORNING
    for who in GUESTS[:4]:
        say(session, who)
    assert proposed(session) == []
    assert as_("emil").post(f"{API}/again").json()["code"] == "not_your_event"
    assert cleo.post(f"{API}/again").json()["code"] == "not_your_community", "in a house who decides there proposes"
    roles.give(session, member_id="cleo", kind="community", of_id="readers", called="", by=None, now=NOW)
    assert cleo.post(f"{API}/again").status_code == 200
    assert cleo.post("/mornings/night/again").status_code == 303
    assert [one.by_id for one in proposed(session)] == ["cleo"]


def test_the_next_date_of_a_series_needs_no_proposal(night: As, session: Session) -> None:
    make_welcome(session)
    series.begin(session, event_id="night", rule="FREQ=WEEKLY", now=NOW - 2 * HOUR)
    for who in GUESTS[:4]:
        say(session, who)
    assert proposed(session) == []
    assert night("cleo").post(f"{API}/again").json()["code"] == "next_is_there"
    assert "The next date is there already" in night("emil").get("/mornings/night").text


def test_a_home_is_led_by_who_lives_there_alone(night: As, session: Session) -> None:
    del night
    session.execute(text("UPDATE venue SET kind = 'home', listed = false, owner_id = 'gina' WHERE id = 'cafe'"))
    for who in ("emil", "fay", "hugo"):
        say(session, who)
    assert proposed(session) == []
    say(session, "gina")
    assert [one.by_id for one in proposed(session)] == ["gina"]


def test_a_yes_is_kept_when_nobody_may_lead(night: As, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    del night
    monkeypatch.setattr(proposals, "MOST_OPEN", 0)
    for who in GUESTS[:4]:
        say(session, who)
    assert proposed(session) == []
    monkeypatch.undo()
    say(session, GUESTS[4])
    assert len(proposed(session)) == 1


# -- many, and all at once


def test_a_thousand_cards_cost_as_many_statements_as_ten(night: As, session: Session, engine: Engine) -> None:
    del night
    before = statements(session, engine)
    crowd(session, 1000)
    assert statements(session, engine) <= before + 1
    assert len(told(session)) == 1000 + len(GUESTS)


def statements(session: Session, engine: Engine) -> int:
    seen: list[str] = []

    def count(*given: object) -> None:
        seen.append(str(given[2]))

    session.flush()
    session.expunge_all()
    event.listen(engine, "before_cursor_execute", count)
    try:
        mornings.deal(session, event_id="night", now=MORNING)
    finally:
        event.remove(engine, "before_cursor_execute", count)
    return len(seen)


def test_the_task_deals_each_event_once(committing_database: str, settings: Settings) -> None:
    engine = database.connect(committing_database, pool=2)
    with database.transaction(engine) as session:
        make_members(session)
        make_cafe(session)
        make_night(session)
        came(session, *GUESTS)
    work = Work(engine, settings, lambda: MORNING)
    tasks.deal(work)
    tasks.deal(work)
    with database.transaction(engine) as session:
        assert told(session) == sorted(GUESTS)
        assert opening.YESES == 3
    engine.dispose()

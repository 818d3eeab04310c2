"""The report of a gathering, its page, and the picture for everybody who came."""

import datetime as dt
import io

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from config.settings import Settings
from server import texts
from server.consent import service as consent
from server.erasure import service as erasure
from server.events import service as events
from server.recaps import picture, reading
from tests.server.conftest import As, Clock
from tests.server.places import HOUR, NOW
from tests.server.presence import scene
from tests.server.recaps.scene import ENDS, MINUTE, came, crowd, listens, make_night, sign_up, was_there

REPORT = "/api/events/night/report"


@pytest.fixture
def host(as_: As, session: Session, clock: Clock) -> TestClient:
    """Cléo's browser an hour after her night."""
    client = as_("cleo")
    make_night(session)
    clock.now = ENDS + HOUR
    return client


def test_anonymous_is_refused(host: TestClient, as_: As) -> None:
    del host
    assert as_(None).get(REPORT).json()["code"] == "sign_in_needed"
    assert as_(None).get("/events/night/group.png").status_code == 401
    assert as_("dora").get(REPORT).json()["code"] == "event_not_yours"
    assert as_("dora").get("/events/night/group.png").json()["code"] == "members_only"
    assert as_("ana").get(REPORT).status_code == 200


def test_nobody_came_is_told_calmly(host: TestClient) -> None:
    told = host.get(REPORT).json()
    assert (told["came"]["value"], told["fullest"], told["dwell"]["half"]) == (0, None, None)
    page = host.get("/events/night/report")
    assert page.status_code == 200
    assert "The curve begins with the first arrival." in page.text
    assert host.get("/events/night/group.png").json()["code"] == "too_few_came"


def test_each_figure_says_what_proves_it_and_why_it_may_be_off(host: TestClient, session: Session) -> None:
    sign_up(session, "emil", "gina", "hugo")
    came(session, "emil")
    came(session, "fay", by="poster", after=40)
    was_there(session, "emil", NOW, NOW + HOUR)
    was_there(session, "gina", NOW - 3 * HOUR, NOW - 2 * HOUR)  # her badge, before the doors opened
    listens(session, NOW - 2 * HOUR, NOW + 10 * MINUTE)
    listens(session, NOW + 25 * MINUTE, ENDS + HOUR)
    told = host.get(REPORT).json()
    assert (told["came"]["low"], told["came"]["value"], told["came"]["high"]) == (1, 2, 4)
    assert told["came"]["by"] == {"beacon": 1, "poster": 1}
    reasons = {one["code"]: one for one in told["came"]["reasons"]}
    assert {code: one["count"] for code, one in reasons.items()} == {"weak": 1, "no_badge": 1, "silent": 1}
    assert reasons["silent"]["says"] == "The Pi at front was silent 20:10 to 20:25: up to 1 may have come unseen."
    assert (told["no_shows"]["low"], told["no_shows"]["value"], told["no_shows"]["high"]) == (0, 2, 2)
    assert told["walk_ins"]["value"] == 1
    assert sum(one["count"] for one in told["arrivals"]) == 2
    assert told["dwell"]["observed"] == 1
    chinese = host.get(REPORT, headers={"Accept-Language": "zh"}).json()["came"]["reasons"]
    assert all(one["says"] not in {each["says"] for each in told["came"]["reasons"]} for one in chinese)
    page = host.get("/events/night/report").text
    assert "<svg" in page
    assert "style=" not in page
    assert "20:10 to 20:25" in page


def test_who_came_again_or_was_taken_back_counts_as_often_as_she_came(host: TestClient, session: Session) -> None:
    came(session, "emil", "fay")
    came_back(session, "fay")
    assert host.get(REPORT).json()["came"]["value"] == 2
    undo(session, "fay")
    assert host.get(REPORT).json()["came"]["value"] == 1


def came_back(session: Session, member_id: str) -> None:
    """She was taken back, and checked in once more."""
    undo(session, member_id)
    came(session, member_id, by="manual", after=50)


def undo(session: Session, member_id: str) -> None:
    session.execute(
        text("UPDATE checkin SET undone_at = :at WHERE member_id = :who AND undone_at IS NULL"),
        {"at": NOW + HOUR, "who": member_id},
    )


def test_first_timers_are_new_to_the_community_and_the_erased_are_in_the_bar(
    host: TestClient, session: Session, settings: Settings
) -> None:
    step = events.NewStep("Talk", "cafe", NOW - 48 * HOUR, NOW - 46 * HOUR)
    events.create(session, id="before", name="Before", organizer_id="cleo", steps=[step], community_id="readers")
    scene.arrive(session, "emil", NOW - 47 * HOUR, "before-1")
    came(session, "emil", "fay", "gina")
    assert host.get(REPORT).json()["first_timers"]["value"] == 2
    erasure.erase(session, member_id="gina", now=ENDS, presence=settings.presence)
    told = host.get(REPORT).json()
    assert told["came"]["value"] == 3
    first = told["first_timers"]
    assert (first["low"], first["value"], first["high"]) == (1, 1, 2)
    assert [one["code"] for one in first["reasons"]] == ["erased"]


def test_who_is_hidden_counts_as_having_come_and_in_nothing_else(host: TestClient, session: Session) -> None:
    listens(session, NOW - HOUR, ENDS + HOUR)
    for member_id in ("emil", "fay", "gina", "hugo", "ida"):
        came(session, member_id)
        was_there(session, member_id, NOW, NOW + HOUR)
    front = {"zone": "cafe-front"}
    told = host.get(REPORT).json()
    assert told["dwell"]["observed"] == 5
    assert [one["people"]["value"] for one in told["rooms"] if one["zone"] == front["zone"]] == [5]
    consent.pause(session, member_id="ida", now=NOW)
    told = host.get(REPORT).json()
    assert (told["came"]["value"], told["dwell"]["observed"], told["dwell"]["half"]) == (5, 4, None)
    assert [one["people"] for one in told["rooms"]] == [None, None]


def test_it_is_told_while_it_runs_as_far_as_it_is_known(host: TestClient, session: Session, clock: Clock) -> None:
    clock.now = NOW + 30 * MINUTE
    sign_up(session, "gina")
    came(session, "emil")
    told = host.get(REPORT).json()
    assert told["phase"] == "running"
    assert (told["came"]["value"], told["no_shows"]["value"]) == (1, 1)
    page = host.get("/events/night/report").text
    assert "signed up and still expected" in page
    assert host.get("/events/night/group.png").json()["code"] == "not_over_yet"
    clock.now = NOW - 3 * HOUR
    assert "Nothing to tell yet." in host.get("/events/night/report").text


def test_what_was_called_off_did_not_take_place_and_nobody_is_missing(
    host: TestClient, session: Session, clock: Clock
) -> None:
    sign_up(session, "emil", "fay")
    assert (told := host.get(REPORT).json())["no_shows"]["value"] == 2
    assert told["called_off"] is False
    session.execute(text("UPDATE event SET state = 'cancelled'"))
    told = host.get(REPORT).json()
    assert (told["called_off"], told["signed_up"], told["no_shows"]["value"], told["came"]["high"]) == (True, 2, 0, 0)
    for clock.now in (NOW - 3 * HOUR, ENDS + HOUR):
        page = host.get("/events/night/report").text
        assert "It did not take place, so nobody is missing." in page
        assert "did not come" not in page
    came(session, "gina")
    assert "When they came" in host.get("/events/night/report").text


def test_when_fewer_than_five_were_there_at_once_is_told_nowhere(host: TestClient, session: Session) -> None:
    came(session, "emil", "fay", "gina", "hugo")
    assert host.get(REPORT).json()["fullest"] is None
    came(session, "ida")
    assert host.get(REPORT).json()["fullest"]["count"] == 5


def test_days_are_told_in_words(host: TestClient, session: Session, clock: Clock) -> None:
    clock.now = ENDS + 48 * HOUR
    session.execute(text("UPDATE step SET ends_at = ends_at + interval '2 days'"))
    came(session, "emil")
    page = host.get("/events/night/report").text
    assert "Fri 13 March 2026 19:00" in page
    assert "13.03." not in page


def test_that_a_draft_exists_is_told_to_its_hosts_alone(as_: As, host: TestClient, session: Session) -> None:
    session.execute(text("UPDATE event SET state = 'draft'"))
    dora = as_("dora")
    asked = ("/events/night/group.png", "/api/events/night/morning", "/mornings/night")
    codes = [dora.get(path, headers={"Accept": "application/json"}).json()["code"] for path in asked]
    assert codes == ["event_unknown"] * 3
    assert dora.post("/api/events/night/morning/again").json()["code"] == "event_unknown"
    assert host.get("/api/events/night/morning").status_code == 200


def test_two_steps_count_each_once_and_are_told_one_by_one(host: TestClient, session: Session) -> None:
    steps = [
        events.NewStep("Meet", "cafe", NOW, NOW + HOUR),
        events.NewStep("Dine", "cafe", NOW + 24 * HOUR, NOW + 26 * HOUR),
    ]
    events.create(session, id="trip", name="Trip", organizer_id="cleo", steps=steps)
    came(session, "emil", "fay", step="trip-1")
    came(session, "emil", after=24 * 60, step="trip-2")
    told = host.get("/api/events/trip/report").json()
    assert told["came"]["value"] == 2
    assert [one["came"]["value"] for one in told["steps"]] == [2, 1]
    assert host.get("/events/trip/report").status_code == 200


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_picture_is_for_everybody_who_came(host: TestClient, as_: As, session: Session, lang: str) -> None:
    came(session, "emil", "fay", "gina", "hugo", "ida", by="screen")
    answer = as_("emil").get(f"/events/night/group.png?lang={lang}")
    assert answer.status_code == 200
    assert answer.headers["cache-control"].startswith("private")
    assert Image.open(io.BytesIO(answer.content)).size == (1080, 1440)
    again = host.get(f"/events/night/group.png?lang={lang}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_the_picture_tells_nothing_of_few(session: Session, host: TestClient, settings: Settings) -> None:
    del host
    at = ENDS + HOUR
    came(session, "emil", "fay", "gina", "hugo", by="screen")

    def words() -> list[str]:
        recap = reading.read(session, event_id="night", now=at, presence=settings.presence)
        told = picture.tell(recap, texts.IN_ENGLISH, at, community="Readers")
        return [told.title, *(one.text for one in told.said)]

    with pytest.raises(picture.TooFewCame):
        words()
    came(session, "ida", by="screen", after=45)
    assert words()[0] == "5 came"
    assert "5 for the first time" in words()
    assert "fullest at 20:45" in words()
    step = events.NewStep("Talk", "cafe", NOW - 48 * HOUR, NOW - 46 * HOUR)
    events.create(session, id="before", name="Before", organizer_id="cleo", steps=[step], community_id="readers")
    scene.arrive(session, "emil", NOW - 47 * HOUR, "before-1")
    came(session, "jo", by="poster")
    assert words()[0] == "6 came (5 to 6)"
    assert not any("first time" in one for one in words()), "one of six was there before: the others would know who"


def test_a_thousand_cost_as_many_statements_as_ten(
    host: TestClient, session: Session, engine: Engine, settings: Settings
) -> None:
    del host
    crowd(session, 10)
    before = statements(session, engine, settings, ENDS)
    session.execute(text("DELETE FROM member WHERE id LIKE 'm-%'"))
    crowd(session, 1000)
    assert statements(session, engine, settings, ENDS) == before <= 30


def statements(session: Session, engine: Engine, settings: Settings, at: dt.datetime) -> int:
    seen: list[str] = []

    def count(*given: object) -> None:
        seen.append(str(given[2]))

    session.flush()
    session.expunge_all()
    event.listen(engine, "before_cursor_execute", count)
    try:
        reading.read(session, event_id="night", now=at, presence=settings.presence)
    finally:
        event.remove(engine, "before_cursor_execute", count)
    return len(seen)

"""Reviews: who may say how it was, whose are marked, and what becomes of them."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from server import times
from server.audit import service as audit
from server.checkins.model import CheckIn
from server.consent import service as consent
from server.consent.rules import Kind, Level
from server.erasure import service as erasure
from server.events.model import Event
from server.inbox.model import Notification
from server.people import merging
from server.people import service as people
from server.people.model import Member
from server.reviews.model import Review
from server.venues import service as venues
from tests.server.conftest import As
from tests.server.met import night
from tests.server.met.night import STARTS
from tests.server.places import HOUR, NOW
from tests.server.presence import scene
from tests.server.test_paging import walk

VENUE, EVENT = "/api/venues/cafe", "/api/events/chess"


@pytest.fixture
def by(as_: As, session: Session) -> As:
    """A night of chess at the cafe: Emil was heard for 80 minutes, Fay was let in by hand, Dora did not come."""
    as_(None)
    night.make_night(session)
    night.come(session, "emil", ("front", 0, 80))
    night.come(session, "fay", evidence="manual")
    return as_


def say(by: As, who: str, path: str, stars: int = 4, words: str = "Warm.") -> Any:
    return by(who).put(f"{path}/review", json={"stars": stars, "words": words})


def told(session: Session, member_id: str, kind: str) -> int:
    rows = select(Notification).where(Notification.member_id == member_id, Notification.kind == kind)
    return len(session.scalars(rows).all())


@pytest.mark.parametrize("path", [f"{VENUE}/reviews", f"{EVENT}/reviews", f"{VENUE}/rating"])
def test_anonymous_is_refused(by: As, path: str) -> None:
    assert by(None).get(path).json()["code"] == "sign_in_needed"


def test_who_was_there_is_marked_by_what_proves_it_and_stands_first(by: As) -> None:
    say(by, "dora", VENUE, 1, "I heard it is cold.")
    say(by, "fay", EVENT)
    assert say(by, "emil", EVENT).json() | {"at": "", "id": 0} == {
        "id": 0,
        "stars": 4,
        "words": "Warm.",
        "author": "You",
        "own": True,
        "there": True,
        "mark": "was there: badge heard 1 h 20 min",
        "at": "",
        "edited_at": None,
        "answer": None,
        "answered_at": None,
        "hidden": False,
    }
    marks = [(one["author"], one["mark"]) for one in by("dora").get(f"{EVENT}/reviews").json()]
    assert marks == [
        ("Somebody who was there", "was there: badge heard 1 h 20 min"),
        ("Somebody who was there", "was there: let in by hand"),
    ]
    say(by, "emil", VENUE, 5)
    stood = [(one["mark"], one["stars"]) for one in by("fay").get(f"{VENUE}/reviews").json()]
    assert stood == [("was there: badge heard 1 h 20 min", 5), ("has not been there, as far as we know", 1)]


def test_a_check_in_that_is_taken_back_takes_the_mark_along(by: As, session: Session) -> None:
    say(by, "emil", EVENT)
    session.execute(update(CheckIn).where(CheckIn.member_id == "emil").values(undone_at=NOW))
    (one,) = by("dora").get(f"{EVENT}/reviews").json()
    assert (one["there"], one["author"]) == (False, "Somebody")


def test_at_a_venue_ten_minutes_of_her_badge_are_enough_unless_she_hides_there(by: As, session: Session) -> None:
    badge_id = scene.badge(session, held_by="dora")
    low = times.to_ms(STARTS)
    scene.visit(session, badge_id, "cafe", None, low, low + 9 * 60_000)
    assert say(by, "dora", VENUE).json()["there"] is False
    scene.visit(session, badge_id, "cafe", None, low + 20 * 60_000, low + 22 * 60_000)
    assert by("dora").get(f"{VENUE}/reviews").json()[0]["mark"] == "was there: badge heard 10 min"
    consent.say(
        session, member_id="dora", kind=Kind.VENUE, of_id="cafe", level=Level.HIDDEN, until=None, source="api", now=NOW
    )
    assert by("fay").get(f"{VENUE}/reviews").json()[0]["there"] is False


@pytest.mark.parametrize("path", [EVENT, VENUE])
@pytest.mark.parametrize("ends", [None, NOW])
def test_time_in_a_pause_is_not_told(by: As, session: Session, path: str, ends: dt.datetime | None) -> None:
    say(by, "emil", path)
    paused = {"since": STARTS + HOUR, "ends": ends}
    session.execute(
        text("INSERT INTO consent_pause (member_id, since, ended_at) VALUES ('emil', :since, :ends)"), paused
    )
    told = "was there: badge heard" if ends is None else "was there: badge heard 1 h"
    assert by("dora").get(f"{path}/reviews").json()[0]["mark"] == told


def test_at_a_gathering_who_hides_at_its_place_is_not_told_by_her_badge(by: As, session: Session) -> None:
    say(by, "emil", EVENT)
    consent.say(
        session, member_id="emil", kind=Kind.VENUE, of_id="cafe", level=Level.HIDDEN, until=None, source="api", now=NOW
    )
    assert by("dora").get(f"{EVENT}/reviews").json()[0]["mark"] == "was there: badge heard"


@pytest.mark.parametrize(
    ("who", "path", "code"),
    [
        ("dora", EVENT, "not_of_it"),
        ("cleo", EVENT, "own_thing"),
        ("ben", VENUE, "own_thing"),
        ("emil", "/api/events/gone", "event_unknown"),
        ("emil", "/api/venues/gone", "venue_unknown"),
    ],
)
def test_who_may_not_say_how_it_was(by: As, who: str, path: str, code: str) -> None:
    assert say(by, "emil", EVENT).status_code == 200
    assert say(by, who, path).json()["code"] == code


def test_what_has_not_begun_and_homes_are_not_reviewed(by: As, session: Session) -> None:
    night.make_night(session, "later")
    session.execute(
        text("UPDATE step SET opens_at = :a, starts_at = :a, ends_at = :b WHERE event_id = 'later'"),
        {"a": NOW + HOUR, "b": NOW + 2 * HOUR},
    )
    scene.arrive(session, "emil", NOW, "later-1")
    assert say(by, "emil", "/api/events/later").json()["code"] == "review_too_early"
    session.execute(update(Event).where(Event.id == "chess").values(state="cancelled"))
    assert say(by, "emil", EVENT).json()["code"] == "called_off"
    venues.create(session, id="home", name="Home", owner_id="ben", kind="home", time_zone="UTC")
    assert say(by, "emil", "/api/venues/home").json()["code"] == "not_reviewed"


def test_a_guest_reviews_a_venue_only_if_she_was_there(by: As, session: Session) -> None:
    guest = people.create_guest(session, name="Bo")
    assert say(by, guest.id, VENUE).json()["code"] == "account_needed"
    night.come(session, guest.id, evidence="screen", made=False)
    assert say(by, guest.id, VENUE).json()["mark"] == "was there: by a code at the door"


def test_one_each_edited_and_deleted_and_a_retry_is_as_once(by: As, session: Session) -> None:
    first = say(by, "emil", VENUE).json()
    assert say(by, "emil", VENUE).json() == first
    again = say(by, "emil", VENUE, 2, "Cold by now.").json()
    assert (again["id"], again["stars"], again["edited_at"] is None) == (first["id"], 2, False)
    assert told(session, "ben", "review.said") == 1
    assert by("emil").delete(f"{VENUE}/review").status_code == 204
    assert by("emil").delete(f"{VENUE}/review").json()["code"] == "review_unknown"
    assert by("emil").get(f"{VENUE}/reviews").json() == []


@pytest.mark.parametrize(
    "body", [{"stars": 0}, {"stars": 6}, {"stars": 3.5}, {"words": "?"}, {"stars": 3, "words": "x" * 1001}]
)
def test_what_cannot_be_is_refused(by: As, body: dict[str, Any]) -> None:
    assert by("emil").put(f"{VENUE}/review", json=body).json()["code"] == "invalid"


def test_a_mean_stands_from_five_who_were_there(by: As, session: Session) -> None:
    for number in range(4):
        night.come(session, f"p{number}", evidence="screen")
        say(by, f"p{number}", EVENT, 5)
    say(by, "dora", VENUE, 1)
    assert by("dora").get(f"{EVENT}/rating").json() == {"mean": None, "there": 4, "others": 0}
    say(by, "fay", EVENT, 1)
    assert by("dora").get(f"{EVENT}/rating").json() == {"mean": 4.8, "there": 5, "others": 0}
    assert by("dora").get(f"{VENUE}/rating").json() == {"mean": None, "there": 0, "others": 1}


def test_names_only_as_consent_allows(by: As, session: Session) -> None:
    say(by, "emil", EVENT)

    def author(reader: str = "fay") -> str:
        return str(by(reader).get(f"{EVENT}/reviews").json()[0]["author"])

    assert author() == "Somebody who was there"
    consent.say(
        session,
        member_id="emil",
        kind=Kind.PEOPLE,
        of_id="cafe",
        level=Level.NAME,
        until=NOW + HOUR,
        source="api",
        now=NOW,
    )
    assert author() == "Emil"
    assert author("dora") == "Somebody who was there", "she was not in the same place"
    consent.pause(session, member_id="emil", now=NOW)
    assert author() == "Somebody who was there"


def test_who_keeps_or_hosts_it_answers_once_and_hides_nothing(by: As, session: Session) -> None:
    number = say(by, "emil", EVENT).json()["id"]
    path = f"/api/reviews/{number}"
    assert by("ben").put(f"{path}/answer", json={"words": "Thanks"}).json()["code"] == "not_yours_to_answer"
    assert by("cleo").put(f"{path}/answer", json={"words": "  "}).json()["code"] == "invalid"
    answered = by("cleo").put(f"{path}/answer", json={"words": "Thank you."})
    assert answered.json()["answer"] == "Thank you."
    assert by("cleo").put(f"{path}/answer", json={"words": "Thank you."}).status_code == 200, "a retry"
    assert by("cleo").put(f"{path}/answer", json={"words": "Else"}).json()["code"] == "review_answered"
    assert told(session, "emil", "review.answered") == 1
    assert by("cleo").put(f"{path}/hiding", json={"why": "unkind"}).json()["code"] == "operators_only"
    assert by("cleo").get("/events/chess/reviews").status_code == 200


def test_reported_ones_come_to_operators_who_hide_them_noted(by: As, session: Session) -> None:
    number = say(by, "emil", VENUE).json()["id"]
    path = f"/api/reviews/{number}"
    assert by("emil").put(f"{path}/report", json={"why": "advert"}).json()["code"] == "own_review"
    for who in ("ben", "ben", "dora"):
        assert by(who).put(f"{path}/report", json={"why": "advert"}).status_code == 204
    assert told(session, "ana", "review.reported") == 1
    assert "It advertises." in by("ana").get("/venues/cafe/reviews").text
    assert by("ana").put(f"{path}/hiding", json={"why": "advert"}).json()["hidden"] is True
    assert [note.action for note in audit.read(session, of="venue/cafe")] == ["review.hidden"]
    assert by("dora").get(f"{VENUE}/reviews").json() == []
    assert by("dora").put(f"{path}/report", json={"why": "advert"}).json()["code"] == "review_unknown"
    assert by("dora").get(f"{VENUE}/rating").json()["there"] == 0
    assert [one["hidden"] for one in by("emil").get(f"{VENUE}/reviews").json()] == [True]
    assert "Nobody else reads it" in by("emil").get("/venues/cafe/reviews").text
    assert by("ana").delete(f"{path}/hiding").json()["hidden"] is False
    assert len(by("dora").get(f"{VENUE}/reviews").json()) == 1


def test_what_was_hidden_stays_so_when_it_is_taken_back_and_said_again(by: As) -> None:
    number = say(by, "emil", VENUE, 1, "BUY").json()["id"]
    by("ben").put(f"/api/reviews/{number}/answer", json={"words": "No."})
    by("ana").put(f"/api/reviews/{number}/hiding", json={"why": "advert"})
    assert [by("emil").delete(f"{VENUE}/review").status_code for _ in range(2)] == [204, 204]
    (left,) = by("emil").get(f"{VENUE}/reviews").json()
    assert (left["words"], left["answer"], left["hidden"]) == ("", None, True)
    assert say(by, "emil", VENUE, 1, "BUY").json() | {"at": "", "edited_at": ""} == left | {
        "words": "BUY",
        "at": "",
        "edited_at": "",
    }
    assert by("dora").get(f"{VENUE}/reviews").json() == []


def test_what_was_said_of_a_place_that_became_a_home_is_still_one_s_own_to_delete(by: As, session: Session) -> None:
    say(by, "emil", VENUE)
    say(by, "fay", VENUE)
    session.execute(text("UPDATE venue SET kind = 'home', listed = false WHERE id = 'cafe'"))
    assert by("emil").delete(f"{VENUE}/review").status_code == 204
    assert by("fay").post("/venues/cafe/reviews", data={"act": "delete"}).headers["location"] == "/venues/cafe"
    assert session.scalars(select(Review)).all() == []
    assert say(by, "emil", VENUE).json()["code"] == "not_reviewed"


def test_an_operator_hides_nothing_about_what_is_hers(by: As, session: Session) -> None:
    number = say(by, "emil", VENUE).json()["id"]
    session.execute(text("UPDATE venue SET owner_id = 'ana' WHERE id = 'cafe'"))
    assert by("ana").put(f"/api/reviews/{number}/hiding", json={"why": "unkind"}).json()["code"] == "own_review"


def test_who_was_not_there_says_three_things_a_day_and_ten_say_one(by: As, session: Session) -> None:
    for number in range(5):
        venues.create(session, id=f"v{number}", name=f"V{number}", time_zone="UTC")
    codes = [say(by, "dora", f"/api/venues/v{number}").status_code for number in range(4)]
    assert codes == [200, 200, 200, 429]
    assert say(by, "dora", "/api/venues/v0", 2).status_code == 200, "what she said she may change"
    for number in range(11):
        people.create(session, id=f"bomb{number}", name="Bomb")
    codes = [say(by, f"bomb{number}", VENUE, 1).status_code for number in range(11)]
    assert codes == [200] * 10 + [429]
    assert say(by, "emil", VENUE).status_code == 200, "who was there is heard"


def test_the_list_comes_in_pages(by: As, session: Session) -> None:
    for number in range(5):
        night.come(session, f"p{number}", evidence="screen")
        say(by, f"p{number}", EVENT, 1 + number)
    pages = walk(by("dora"), f"{EVENT}/reviews", 2)
    assert [one["stars"] for page in pages for one in page] == [5, 4, 3, 2, 1]


def test_erased_with_its_author_and_moved_with_a_guest(by: As, session: Session) -> None:
    guest = people.create_guest(session, name="Bo")
    night.come(session, guest.id, evidence="screen", made=False)
    for path in (EVENT, VENUE):
        say(by, guest.id, path, 2)
    say(by, "dora", VENUE, 5)
    merging.merge(session, guest_id=guest.id, into_id="dora", now=NOW)
    kept = session.execute(select(Review.member_id, Review.event_id, Review.stars).order_by(Review.stars)).all()
    assert [tuple(row) for row in kept] == [("dora", "chess", 2), ("dora", None, 5)], "hers stays where both have one"
    erasure.erase(session, member_id="dora", now=NOW)
    assert session.scalars(select(Review)).all() == []


def test_the_page_says_it_changes_it_and_deletes_it(by: As, session: Session) -> None:
    path = "/events/chess/reviews"
    assert by(None).get(path).status_code == 401
    page = by("emil")
    assert "Nobody has said yet." in page.get(path).text
    assert 'action="/events/chess/reviews"' in page.get(path).text
    assert "Beside it stands: was there: badge heard 1 h 20 min." in page.get(path).text
    assert page.post(path, data={"stars": "4", "said": "A warm room."}).headers["location"] == path
    assert "A warm room." in page.get(path).text
    assert "was there: badge heard 1 h 20 min" in by("dora").get(path).text
    assert 'action="/events/chess/reviews"' not in by("dora").get(path).text, "who did not come has no form"
    number = session.scalars(select(Review.id)).one()
    assert by("cleo").post(f"/reviews/{number}", data={"act": "answer", "said": "Come again."}).status_code == 303
    assert "Come again." in by("dora").get("/events/chess").text
    assert by("cleo").post(f"/reviews/{number}", data={"act": "answer", "said": "Twice."}).status_code == 409
    assert by("dora").post(f"/reviews/{number}", data={"act": "report", "why": "other"}).status_code == 303
    assert by("dora").post(f"/reviews/{number}", data={"act": "hide", "why": "other"}).status_code == 403
    assert by("ana").post(f"/reviews/{number}", data={"act": "hide", "why": "other"}).status_code == 303
    assert "A warm room." not in by("dora").get(path).text
    assert by("ana").post(f"/reviews/{number}", data={"act": "put_back"}).status_code == 303
    assert page.post(path, data={"act": "delete"}).status_code == 303
    assert page.post(path, data={"act": "delete"}).status_code == 404
    assert session.get(Member, "emil") is not None


def test_the_venue_page_shows_strangers_what_is_said_without_names(by: As, session: Session) -> None:
    say(by, "emil", VENUE, 4, "A warm room.")
    consent.say(
        session,
        member_id="emil",
        kind=Kind.PEOPLE,
        of_id=None,
        level=Level.NAME,
        until=NOW + HOUR,
        source="api",
        now=NOW,
    )
    assert "Emil" in by("fay").get("/venues/cafe").text
    shown = by(None).get("/venues/cafe").text
    assert "A warm room." in shown
    assert "Emil" not in shown

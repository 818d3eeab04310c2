"""Who met whom is told to both or to neither, and to nobody across a pause, an undoing or a word against it."""

import datetime as dt
import json
import zipfile

import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from server import paging, texts
from server.checkins.model import CheckIn
from server.consent import service as consent
from server.consent.model import ConsentPause
from server.consent.rules import Kind, Level
from server.erasure import export
from server.erasure import service as erasure
from server.met import judging, reading, words
from server.met import service as met
from server.people import merging
from server.people import service as people
from server.people.model import Member
from tests.server.conftest import As
from tests.server.met import night
from tests.server.met.night import ENDS, MINUTE, STARTS
from tests.server.places import HOUR, NOW, make_agent, make_cafe, make_members

DAY = dt.timedelta(days=1)


@pytest.fixture
def chess(session: Session) -> None:
    """Emil and Fay sat in the front for forty minutes, Gina with Fay for five."""
    if session.get(Member, "cleo") is None:
        make_members(session)
        make_cafe(session)
        make_agent(session)
    night.make_night(session)
    night.come(session, "emil", ("front", 0, 40), ("back", 46, 80))
    night.come(session, "fay", ("front", 0, 60))
    night.come(session, "gina", ("front", 55, 60), ("back", 66, 71))


def whom(session: Session, member_id: str, now: dt.datetime = NOW) -> list[str]:
    return [one.member_id for one in reading.meetings(session, member_id=member_id, now=now)]


def test_anonymous_is_refused(as_: As) -> None:
    assert as_(None).get("/api/me/met").json()["code"] == "sign_in_needed"
    assert as_(None).get("/me/met").status_code == 401


@pytest.mark.usefixtures("chess")
def test_stays_of_those_who_are_checked_in_make_a_row_for_each_of_two(session: Session) -> None:
    badge_id = night.come(session, "ida", ("front", 0, 60))
    session.execute(update(CheckIn).where(CheckIn.member_id == "ida").values(undone_at=NOW))
    assert badge_id
    assert night.pairs(session) == {("emil", "fay"): 40, ("fay", "emil"): 40}
    assert judging.judge(session, event_id="chess") is False, "twice is as once"


@pytest.mark.usefixtures("chess")
def test_what_was_heard_late_or_told_for_the_past_is_followed(session: Session) -> None:
    assert len(night.pairs(session)) == 2
    night.stay(session, night.come(session, "hugo"), "front", 10, 30)
    assert night.pairs(session)["hugo", "emil"] == 20
    # The badge was never Hugo's.
    session.execute(text("DELETE FROM pairing WHERE member_id = 'hugo'"))
    assert set(night.pairs(session)) == {("emil", "fay"), ("fay", "emil")}


@pytest.mark.usefixtures("chess")
def test_only_the_time_in_which_she_held_the_badge_is_hers(session: Session) -> None:
    people.create(session, id="hugo", name="Hugo")
    session.execute(
        text("UPDATE pairing SET valid = tstzrange(lower(valid), :at) WHERE member_id = 'emil'"),
        {"at": STARTS + 25 * MINUTE},
    )
    assert night.pairs(session)["emil", "fay"] == 25


@pytest.mark.usefixtures("chess")
def test_time_in_a_pause_never_counts(session: Session) -> None:
    session.add(ConsentPause(member_id="fay", since=STARTS + 5 * MINUTE, ended_at=STARTS + 20 * MINUTE))
    assert night.pairs(session)["emil", "fay"] == 25
    session.add(ConsentPause(member_id="emil", since=STARTS + 22 * MINUTE, ended_at=ENDS))
    assert night.pairs(session) == {}


@pytest.mark.usefixtures("chess")
def test_both_learn_it_at_the_same_moment_or_neither(session: Session) -> None:
    night.pairs(session)
    assert (whom(session, "emil"), whom(session, "fay")) == ([], [])
    met.switch(session, member_id="emil", willing=True, now=NOW)
    assert (whom(session, "emil"), whom(session, "fay")) == ([], [])
    met.switch(session, member_id="fay", willing=True, now=NOW)
    assert (whom(session, "emil"), whom(session, "fay")) == (["fay"], ["emil"])
    met.switch(session, member_id="emil", willing=False, now=NOW)
    assert (whom(session, "emil"), whom(session, "fay")) == ([], [])


@pytest.mark.usefixtures("chess")
@pytest.mark.parametrize("who", ["emil", "fay"])
@pytest.mark.parametrize("what", ["pause", "people", "people there", "undone", "without"])
def test_whatever_one_of_them_says_against_it_hides_it_from_both(session: Session, who: str, what: str) -> None:
    night.pairs(session)
    night.willing(session, "emil", "fay")
    assert (whom(session, "emil"), whom(session, "fay")) == (["fay"], ["emil"])
    if what == "pause":
        consent.pause(session, member_id=who, now=NOW)
    elif what.startswith("people"):
        of_id = "cafe" if what == "people there" else None
        consent.say(
            session, member_id=who, kind=Kind.PEOPLE, of_id=of_id, level=Level.HIDDEN, until=None, source="api", now=NOW
        )
    elif what == "undone":
        session.execute(update(CheckIn).where(CheckIn.member_id == who).values(undone_at=NOW))
    else:
        other = "fay" if who == "emil" else "emil"
        met.forget(session, member_id=who, other_id=other, now=NOW)
        met.forget(session, member_id=who, other_id=other, now=NOW)
    assert (whom(session, "emil"), whom(session, "fay")) == ([], [])


@pytest.mark.usefixtures("chess")
def test_the_switch_is_asked_once_after_what_she_came_to(session: Session) -> None:
    assert not met.is_to_ask(session, member_id="emil", event_id="chess", now=ENDS - MINUTE)
    assert met.is_to_ask(session, member_id="emil", event_id="chess", now=ENDS)
    assert not met.is_to_ask(session, member_id="dora", event_id="chess", now=ENDS)
    met.switch(session, member_id="emil", willing=False, now=NOW)
    assert not met.is_to_ask(session, member_id="emil", event_id="chess", now=NOW)


@pytest.mark.usefixtures("chess")
def test_erasure_takes_all_rows_along(session: Session) -> None:
    night.pairs(session)
    night.willing(session, "emil", "fay")
    met.forget(session, member_id="fay", other_id="emil", now=NOW)
    erasure.erase(session, member_id="emil", now=NOW + 2 * DAY)
    for table in ("met", "met_without"):
        assert session.scalar(text(f"SELECT count(*) FROM {table}")) == 0
    assert night.pairs(session) == {}


@pytest.mark.usefixtures("chess")
def test_a_guest_who_turns_out_to_be_a_member_meets_nobody_twice_and_not_herself(session: Session) -> None:
    guest = people.create_guest(session, name="Bo")
    night.stay(session, night.come(session, guest.id, made=False), "front", 0, 60)
    assert night.pairs(session)[guest.id, "emil"] == 40
    night.willing(session, "emil", "fay", guest.id)
    merging.merge(session, guest_id=guest.id, into_id="fay", now=NOW)
    assert whom(session, "emil") == ["fay"]
    assert whom(session, "fay") == ["emil"]
    assert set(night.pairs(session)) == {("emil", "fay"), ("fay", "emil")}, "nor when it is judged anew"


@pytest.mark.usefixtures("chess")
def test_what_is_known_of_her_names_only_whom_both_know(session: Session) -> None:
    night.pairs(session)

    def told() -> str:
        fay = people.get(session, "fay")
        with export.write(session, member=fay, now=NOW, say=texts.of("en")) as file, zipfile.ZipFile(file) as zipped:
            assert json.loads(zipped.read("met.json")) == []
            assert json.loads(zipped.read("met by other.json")) == []
            return "".join(zipped.read(name).decode() for name in zipped.namelist() if "met" in name)

    assert "emil" not in told()
    night.willing(session, "emil", "fay")
    assert "emil" in told()
    met.forget(session, member_id="emil", other_id="fay", now=NOW)
    assert "emil" not in told(), "nor that he wants nothing more of her"


@pytest.mark.usefixtures("chess")
def test_what_it_is_evidence_of_is_said(session: Session) -> None:
    night.pairs(session)
    night.willing(session, "emil", "fay")
    (one,) = reading.meetings(session, member_id="emil", now=NOW)
    assert words.of_meeting(one, texts.of("en")) == (
        "Your badges were heard in the same zone for 40 minutes at Chess night; radio says nothing about metres or"
        " words."
    )


def test_over_http(as_: As, session: Session, request: pytest.FixtureRequest) -> None:
    as_(None)
    request.getfixturevalue("chess")
    night.pairs(session)
    emil, fay = as_("emil"), as_("fay")
    assert emil.get("/api/me/met/switch").json() == {"willing": None}
    assert "May people you met learn it?" in emil.get("/events/chess").text
    assert emil.put("/api/me/met/switch", json={"willing": True}).json() == {"willing": True}
    assert "May people you met learn it?" not in emil.get("/events/chess").text
    assert emil.get("/api/me/met").json() == []
    assert fay.post("/me/met", data={"willing": "true", "event": "chess"}).headers["location"] == "/me/met"
    (told,) = emil.get("/api/me/met").json()
    assert (told["member"], told["name"], told["minutes"], told["event"]) == ("fay", "Fay", 40, "chess")
    assert told["sentence"] in emil.get("/me/met").text
    assert emil.delete("/api/me/met/gina").json()["code"] == "not_met", "whom he does not know of"
    assert fay.post("/me/met/forget", data={"member": "emil"}).status_code == 303
    assert emil.get("/api/me/met").json() == []
    assert fay.post("/me/met/forget", data={"member": "gina"}).status_code == 404


def test_the_list_comes_in_pages(session: Session) -> None:
    make_members(session)
    make_cafe(session)
    make_agent(session)
    night.make_night(session)
    people_there = [f"p{number}" for number in range(5)]
    for one in people_there:
        night.come(session, one, ("front", 0, 30))
    night.pairs(session)
    night.willing(session, *people_there)
    found: list[str] = []
    cursor: str | None = None
    while True:
        following: list[str] = []
        page = paging.Page(3, cursor, following.append)
        found += [one.member_id for one in reading.meetings(session, member_id="p0", now=NOW, page=page)]
        if not following:
            break
        cursor = following[0]
    assert found == ["p1", "p2", "p3", "p4"]


def test_gatherings_are_judged_by_when_they_ended(session: Session, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("chess")
    assert judging.ended(session, since=ENDS - MINUTE, until=ENDS) == ["chess"]
    assert judging.ended(session, since=ENDS, until=NOW) == []
    assert judging.ended(session, since=ENDS - HOUR, until=ENDS - MINUTE) == []

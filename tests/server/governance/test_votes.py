"""Votes: who opens them, who votes, how they end, and what follows."""

import datetime as dt
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.events import service as events
from server.events import signups
from server.governance import votes
from server.governance.model import Ballot, Vote
from server.inbox import service as inbox
from server.sharing import reading
from server.sharing.gathering import Veiled
from tests.server.conftest import As, Clock
from tests.server.governance import circle
from tests.server.governance.circle import CAME, DAY
from tests.server.places import HOUR, NOW

PATH = "/api/communities/walkers"
REMOVE = {"kind": "remove", "member": "m9", "called": "Nine", "reason": "Shouts."}


@pytest.fixture
def walkers(as_: As, session: Session) -> As:
    circle.make_circle(session)
    return as_


def opened(her: TestClient, wanted: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = her.post(f"{PATH}/votes", json=wanted or {"kind": "dissolve"})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def say(walkers: As, vote: dict[str, Any], *, yes: str = "", no: str = "") -> None:
    for member_id, said in [*((one, True) for one in yes.split()), *((one, False) for one in no.split())]:
        answer = walkers(member_id).put(f"{PATH}/votes/{vote['id']}/ballot", json={"yes": said})
        assert answer.status_code == 200, answer.text


def after(walkers: As, clock: Clock, vote: dict[str, Any], by: str = "m1") -> dict[str, Any]:
    clock.now = NOW + dt.timedelta(hours=72)
    return dict(walkers(by).get(f"{PATH}/votes/{vote['id']}").json())


def test_anonymous_is_refused(walkers: As) -> None:
    stranger = walkers(None)
    for method, path in (
        ("GET", "votes"), ("POST", "votes"), ("GET", "votes/1"), ("PUT", "votes/1/ballot"), ("PUT", "votes/1/words"),
        ("PUT", "keep"), ("POST", "dissolve"), ("DELETE", "members/m1"),
    ):  # fmt: skip
        assert stranger.request(method, f"{PATH}/{path}", json={}).json()["code"] == "sign_in_needed"


def test_who_came_of_late_opens_one_and_a_third_of_them_have_to_vote(walkers: As) -> None:
    vote = opened(walkers("m1"))
    assert (vote["voters"], vote["quorum"], vote["cast"], vote["you"]) == (9, 3, 0, None)
    assert vote["ends_at"] == "2026-03-16T19:00:00Z"
    refused = walkers("dora").post(f"{PATH}/votes", json=REMOVE)
    assert (refused.status_code, refused.json()["code"]) == (403, "no_word")
    assert walkers("ben").post(f"{PATH}/votes", json=REMOVE).json()["code"] == "no_word", "nor the founder"


def test_a_poster_alone_gives_no_word_and_long_ago_neither(walkers: As, session: Session) -> None:
    session.execute(text("UPDATE checkin SET evidence = 'poster' WHERE member_id = 'm1'"))
    session.execute(text("UPDATE checkin SET at = :then WHERE member_id = 'm2'"), {"then": NOW - 91 * DAY})
    for member_id in ("m1", "m2"):
        assert walkers(member_id).get(PATH).json()["has_word"] is False
        assert walkers(member_id).post(f"{PATH}/votes", json={"kind": "dissolve"}).json()["code"] == "no_word"
    assert opened(walkers("m3"))["voters"] == 7


def test_what_a_phone_claims_and_a_gathering_of_one_s_own_give_no_word(walkers: As, session: Session) -> None:
    session.execute(text("UPDATE checkin SET evidence = 'phone' WHERE member_id = 'm1'"))
    circle.gather(session, "own", NOW - 2 * DAY)
    circle.come(session, "own", "cleo", NOW - 2 * DAY, "manual")
    communities.join(session, community_id="walkers", member_id="cleo", now=NOW)
    for member_id in ("m1", "cleo"):
        assert walkers(member_id).get(PATH).json()["has_word"] is False
        assert walkers(member_id).post(f"{PATH}/votes", json={"kind": "dissolve"}).json()["code"] == "no_word"
    assert opened(walkers("m2"))["voters"] == 8
    circle.come(session, "own", "m9", NOW - 2 * DAY)
    assert walkers("cleo").get(PATH).json()["has_word"] is True, "since somebody else came"


def test_nobody_opens_vote_after_vote(walkers: As, clock: Clock) -> None:
    for number in range(5):
        opened(walkers("m1"), REMOVE | {"member": CAME[number + 1]})
    refused = walkers("m1").post(f"{PATH}/votes", json={"kind": "dissolve"})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_votes")
    opened(walkers("m2"), {"kind": "move"})
    clock.now = NOW + DAY
    opened(walkers("m1"))


def test_a_vote_that_fails_its_quorum_says_its_numbers(walkers: As, clock: Clock) -> None:
    vote = opened(walkers("m1"))
    say(walkers, vote, yes="m1 m2")
    done = after(walkers, clock, vote)
    assert (done["outcome"], done["yes"], done["no"]) == ("too_few", 2, 0)
    assert done["sentence"] == "2 of 9 voted; 3 were needed. So all stays as it is."
    assert walkers("m1").get(PATH).json()["state"] == "lively"


def test_a_majority_of_enough_dissolves_it_and_calls_off_what_was_to_come(
    walkers: As, clock: Clock, session: Session
) -> None:
    circle.gather(session, "next", NOW + 10 * DAY)
    signups.sign_up(session, event_id="next", member_id="m5", now=NOW)
    vote = opened(walkers("m1"))
    say(walkers, vote, yes="m1 m2", no="m3")
    assert after(walkers, clock, vote)["sentence"] == "Yes: 2 yes, 1 no. 3 of 9 voted; 3 were needed."
    found = walkers("m1").get(PATH).json()
    assert (found["state"], found["dissolved_at"], found["members"]) == ("dissolved", "2026-03-16T19:00:00Z", 11)
    assert events.get(session, "next").state == "cancelled"
    assert "event.called_off" in {one["kind"] for one in walkers("m5").get("/api/me/notifications").json()}
    assert walkers("m1").get("/api/communities").json() == []
    assert walkers("cleo").put(f"{PATH}/membership").json()["code"] == "community_dissolved"
    assert walkers("m1").patch(PATH, json={"goal": "Again"}).json()["code"] == "community_dissolved"
    assert walkers("m1").post(f"{PATH}/votes", json=REMOVE).json()["code"] == "community_dissolved"
    assert walkers("m1").get(f"{PATH}/changes").status_code == 200
    assert walkers("cleo").get(f"{PATH}/changes").json()["code"] == "for_members"


def test_a_tie_fails(walkers: As, clock: Clock) -> None:
    vote = opened(walkers("m1"))
    say(walkers, vote, yes="m1 m2", no="m3 m4")
    done = after(walkers, clock, vote)
    assert (done["outcome"], done["sentence"]) == (
        "not_more",
        "No: 2 yes, 2 no. 4 of 9 voted; 3 were needed.",
    )


def test_one_ballot_each_changeable_until_the_end_and_nobody_is_told(
    walkers: As, clock: Clock, session: Session
) -> None:
    vote = opened(walkers("m1"))
    say(walkers, vote, yes="m1 m2 m3")
    say(walkers, vote, no="m1 m2")
    seen = walkers("m1").get(f"{PATH}/votes/{vote['id']}").json()
    assert (seen["cast"], seen["you"], seen["yes"], seen["sentence"]) == (
        3, False, None, "3 of 9 have voted. 3 are needed.",
    )  # fmt: skip
    ballot = f"{PATH}/votes/{vote['id']}/ballot"
    clock.now = NOW + dt.timedelta(hours=72) - dt.timedelta(seconds=1)
    assert walkers("m2").put(ballot, json={"yes": False}).status_code == 200
    clock.now = NOW + dt.timedelta(hours=72)
    assert walkers("m2").put(ballot, json={"yes": True}).json()["code"] == "vote_over"
    assert after(walkers, clock, vote)["outcome"] == "not_more"
    assert session.query(Ballot).count() == 0, "how each voted is forgotten"


def test_who_votes_is_settled_when_it_is_opened(walkers: As, session: Session) -> None:
    vote = opened(walkers("m1"))
    circle.gather(session, "rally", NOW)
    circle.come(session, "rally", "dora", NOW - HOUR / 60)
    ballot = f"{PATH}/votes/{vote['id']}/ballot"
    refused = walkers("dora").put(ballot, json={"yes": True})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_in_this_vote")
    assert walkers("m9").put(ballot, json={"yes": True}).json()["voters"] == 9
    assert walkers("dora").get(PATH).json()["has_word"] is True, "in the next one"


def test_votes_are_for_members(walkers: As) -> None:
    vote = opened(walkers("m1"), REMOVE)
    for path in ("votes", f"votes/{vote['id']}"):
        assert walkers("cleo").get(f"{PATH}/{path}").json()["code"] == "for_members"
        assert walkers("dora").get(f"{PATH}/{path}").status_code == 200
    assert walkers("m1").get(f"{PATH}/votes/{vote['id'] + 1}").json()["code"] == "vote_unknown"


def test_not_two_about_the_same_at_once_and_what_failed_waits(walkers: As, clock: Clock) -> None:
    vote = opened(walkers("m1"))
    assert walkers("m2").post(f"{PATH}/votes", json={"kind": "dissolve"}).json()["code"] == "vote_open"
    opened(walkers("m2"), REMOVE)
    assert after(walkers, clock, vote)["outcome"] == "too_few"
    refused = walkers("m2").post(f"{PATH}/votes", json={"kind": "dissolve"}).json()
    assert (refused["code"], refused["detail"]) == (
        "voted_of_late",
        "This was voted on of late; it can be asked again from Wed 15 April 2026 on.",
    )
    clock.now = NOW + dt.timedelta(hours=72) + 30 * DAY
    assert opened(walkers("m2"))["voters"] == 9


def test_she_whom_it_is_about_speaks_votes_and_is_gone_for_a_year(walkers: As, clock: Clock, session: Session) -> None:
    circle.gather(session, "next", NOW + 10 * DAY)
    signups.sign_up(session, event_id="next", member_id="m9", now=NOW)
    vote = opened(walkers("m1"), REMOVE)
    words = f"{PATH}/votes/{vote['id']}/words"
    assert walkers("m9").put(words, json={"words": "I am sorry."}).json()["about_you"] is True
    assert walkers("m9").put(words, json={"words": "a" * 501}).json()["code"] == "invalid"
    assert walkers("m1").put(words, json={"words": "She is not."}).json()["code"] == "not_about_you"
    say(walkers, vote, yes="m1 m2", no="m9")
    shown = walkers("m3").get(f"{PATH}/votes/{vote['id']}").json()
    assert (shown["words"], shown["called"], shown["reason"]) == ("I am sorry.", "Nine", "Shouts.")
    assert "Member 9" not in str(shown)
    assert after(walkers, clock, vote)["outcome"] == "passed"
    assert not communities.belongs(session, community_id="walkers", member_id="m9")
    assert not signups.has_signed_up(session, event_id="next", member_id="m9")
    back = walkers("m9").put(f"{PATH}/membership")
    assert (back.status_code, back.json()["code"]) == (403, "was_removed")
    assert "Tue 16 March 2027" in back.json()["detail"]
    assert walkers("m9").get(f"{PATH}/votes/{vote['id']}").status_code == 200, "she may read how it went"
    clock.now = NOW + dt.timedelta(hours=72) + 365 * DAY
    assert walkers("m9").put(f"{PATH}/membership").status_code == 204


def test_a_vote_lets_her_come_back_sooner(walkers: As, clock: Clock, session: Session) -> None:
    readmit = {"kind": "readmit", "member": "m9", "called": "Nine"}
    assert walkers("m1").post(f"{PATH}/votes", json=readmit).json()["code"] == "invalid"
    communities.remove(session, community_id="walkers", member_id="m9", now=NOW, until=NOW + 365 * DAY)
    vote = opened(walkers("m1"), readmit)
    assert (vote["voters"], vote["quorum"]) == (8, 3)
    say(walkers, vote, yes="m1 m2 m3")
    assert after(walkers, clock, vote)["outcome"] == "passed"
    assert walkers("m9").put(f"{PATH}/membership").status_code == 204


def test_who_founded_it_and_is_removed_changes_nothing_more(walkers: As, clock: Clock, session: Session) -> None:
    circle.come(session, "walk", "ben", NOW - 7 * DAY)
    assert walkers("ben").patch(PATH, json={"goal": "Walk"}).status_code == 200
    vote = opened(walkers("m1"), REMOVE | {"member": "ben"})
    say(walkers, vote, yes="m1 m2 m3 m4")
    assert after(walkers, clock, vote)["outcome"] == "passed"
    assert walkers("ben").patch(PATH, json={"goal": "Mine"}).json()["code"] == "not_come_yet"


def test_a_vote_about_somebody_who_is_erased_goes_with_her(walkers: As, session: Session) -> None:
    opened(walkers("m1"), REMOVE)
    session.execute(text("DELETE FROM member WHERE id = 'm9'"))
    assert session.query(Vote).count() == 0


def test_the_quorum_stays_when_a_voter_is_erased(walkers: As, session: Session) -> None:
    vote = opened(walkers("m1"))
    session.execute(text("DELETE FROM member WHERE id = 'm9'"))
    seen = walkers("m2").get(f"{PATH}/votes/{vote['id']}").json()
    assert (seen["voters"], seen["quorum"]) == (9, 3)


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"kind": "remove"}, "invalid"),
        ({"kind": "remove", "member": "m9"}, "invalid"),
        ({"kind": "remove", "member": "nobody", "called": "N"}, "member_unknown"),
        ({"kind": "remove", "member": "cleo", "called": "C"}, "not_a_member"),
        ({"kind": "dissolve", "member": "m9"}, "invalid"),
        ({"kind": "dissolve", "about": "post/1"}, "invalid"),
        ({"kind": "restore"}, "invalid"),
        ({"kind": "restore", "about": "moon/1"}, "invalid"),
        ({"kind": "dissolve", "reason": "a" * 501}, "invalid"),
        ({"kind": "crown", "member": "m1"}, "invalid"),
    ],
)
def test_what_cannot_be_voted_on_is_said(walkers: As, wanted: dict[str, Any], code: str) -> None:
    assert walkers("m1").post(f"{PATH}/votes", json=wanted).json()["code"] == code
    assert opened(walkers("m1"), {"kind": "dissolve", "reason": "a" * 500})["cast"] == 0


def test_what_was_hidden_is_restored_by_whoever_hid_it(
    walkers: As, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    restored = []
    monkeypatch.setattr(votes, "CARRIES", {})
    monkeypatch.setattr(votes, "CHECKS", {})

    @votes.carries("post", lambda _session, _community_id, _about: None)
    def restore(_session: Session, vote: Vote, now: dt.datetime) -> None:
        restored.append((vote.about, now))

    vote = opened(walkers("m1"), {"kind": "restore", "about": "post/12"})
    other = opened(walkers("m1"), {"kind": "restore", "about": "post/13"})
    say(walkers, vote, yes="m1 m2 m3")
    say(walkers, other, yes="m1", no="m2 m3")
    for one in (vote, vote, other):
        after(walkers, clock, one)
    assert restored == [("post/12", NOW + dt.timedelta(hours=72))]


def test_a_house_is_decided_about_by_its_source(as_: As, session: Session) -> None:
    circle.make_circle(session, shape="house")
    assert as_("m1").post(f"{PATH}/votes", json={"kind": "dissolve"}).json()["code"] == "house_decides"
    for path in ("members/m9", "members/dora"):
        assert as_("m1").delete(f"{PATH}/{path}").json()["code"] == "not_your_community"
        assert as_("ben").delete(f"{PATH}/{path}").status_code == 204
        assert as_("ben").delete(f"{PATH}/{path}").json()["code"] == "not_a_member"
    assert as_("m9").put(f"{PATH}/membership").json()["code"] == "was_removed"
    assert as_("m1").post(f"{PATH}/dissolve").json()["code"] == "not_your_community"
    for _ in range(2):
        assert as_("ben").post(f"{PATH}/dissolve").status_code == 204
    assert as_("m1").get(PATH).json()["state"] == "dissolved"


def test_a_circle_is_nobody_s_to_end_but_hers_who_is_left_alone_in_it(walkers: As, session: Session) -> None:
    assert walkers("ben").post(f"{PATH}/dissolve").json()["code"] == "vote_decides"
    assert walkers("ben").delete(f"{PATH}/members/m9").json()["code"] == "vote_decides"
    for member_id in ("dora", *CAME):
        communities.leave(session, community_id="walkers", member_id=member_id, now=NOW)
    assert walkers("dora").post(f"{PATH}/dissolve").json()["code"] == "vote_decides"
    assert walkers("ben").post(f"{PATH}/dissolve").status_code == 204


def test_a_dissolved_community_leaves_open_votes_moot(walkers: As, clock: Clock, session: Session) -> None:
    vote = opened(walkers("m1"))
    about_her = opened(walkers("m1"), REMOVE)
    say(walkers, vote, yes="m1 m2 m3")
    say(walkers, about_her, yes="m1 m2 m3")
    assert after(walkers, clock, vote)["outcome"] == "passed"
    moot = after(walkers, clock, about_her)
    assert (moot["outcome"], moot["sentence"]) == ("moot", "The community dissolved before this was decided.")
    assert communities.belongs(session, community_id="walkers", member_id="m9")


def test_what_removed_organizes_is_called_off_and_stays_the_circle_s(
    walkers: As, clock: Clock, session: Session
) -> None:
    communities.join(session, community_id="walkers", member_id="cleo", now=NOW)
    circle.gather(session, "hers", NOW + 10 * DAY)
    circle.gather(session, "over", NOW - 2 * HOUR)
    signups.sign_up(session, event_id="hers", member_id="m2", now=NOW)
    vote = opened(walkers("m1"), REMOVE | {"member": "cleo"})
    say(walkers, vote, yes="m1 m2 m3")
    after(walkers, clock, vote)
    session.expire_all()
    hers = events.get(session, "hers")
    assert (hers.community_id, hers.state) == ("walkers", "cancelled")
    assert "event.called_off" in [note.kind for note in inbox.list_of(session, member_id="m2")]
    assert isinstance(reading.see(session, "hers", viewer=None), Veiled)
    assert events.get(session, "over").community_id == "walkers"

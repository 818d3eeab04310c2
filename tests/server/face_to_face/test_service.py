"""Gathering face to face: who is in, who is not, and what stays; each refusal beside its success."""

import datetime as dt
import secrets

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.doors.rules import Evidence
from server.errors import Invalid
from server.face_to_face import digits as four
from server.face_to_face import service as gathers
from server.face_to_face.model import Gather
from server.face_to_face.proof import Proof
from server.governance import ending
from server.people import service as people
from tests.server.face_to_face.scene import gather, join, nonce, north, phone
from tests.server.places import NOW, make_cafe, make_members

MINUTE = dt.timedelta(minutes=1)
END = NOW + 10 * MINUTE


@pytest.fixture(autouse=True)
def _people(session: Session) -> None:
    make_members(session)
    make_cafe(session)


def members(session: Session, found: Gather) -> list[str]:
    return sorted(communities.members_of(session, community_id=found.community_id or ""))


def rows(session: Session, table: str) -> int:
    return int(session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


def test_the_second_who_is_in_founds_the_circle_and_the_third_joins_it(session: Session) -> None:
    made = gather(session, name="Chess in the park")
    assert (made.community_id, gathers.count_in(session, made.id)) == (None, 1)
    assert rows(session, "community") == 0
    assert join(session, made.digits, "dora", 250).gather.id == made.id
    assert members(session, made) == ["cleo", "dora"]
    assert communities.get(session, made.community_id).name == "Chess in the park"
    join(session, made.digits, "ben")
    assert members(session, made) == ["ben", "cleo", "dora"]
    assert [one.by for one in gathers.people_in(session, made.id)] == ["phone"] * 3
    assert rows(session, "founding") == 1


def test_wrong_far_and_over_are_answered_alike(session: Session) -> None:
    made = gather(session)
    wrong = next(one for one in four.GIVEN if one != made.digits)
    answers = []
    for typed, metres, now in (
        (wrong, 0, NOW),
        ("12", 0, NOW),
        (made.digits, 301, NOW),
        (made.digits, 1000, NOW),
        (made.digits, 0, END),
    ):
        with pytest.raises(gathers.DigitsWrong) as refused:
            join(session, typed, "dora", metres, now)
        answers.append((refused.value.code, refused.value.detail))
    assert len(set(answers)) == 1
    assert join(session, made.digits, "dora", 299, END - dt.timedelta(microseconds=1)).gather.id == made.id


def test_again_is_as_once(session: Session) -> None:
    made = gather(session)
    for _ in range(2):
        assert gather(session).id == made.id
        join(session, made.digits, "dora")
    assert gathers.count_in(session, made.id) == 2
    assert rows(session, "community") == 1


def test_who_is_at_the_same_venue_is_in_wherever_it_is(session: Session) -> None:
    session.execute(text("UPDATE venue SET location = NULL"))
    here = Proof(Evidence.BEACON, "cafe", None)
    made = gather(session, proof=here)
    with pytest.raises(gathers.DigitsWrong):
        join(session, made.digits, "dora")
    join(session, made.digits, "dora", proofs=[phone(), Proof(Evidence.SCREEN, "cafe", None)])
    assert [one.by for one in gathers.people_in(session, made.id)] == ["beacon", "screen"]


def test_a_badge_at_the_venue_and_a_phone_outside_it_meet(session: Session) -> None:
    made = gather(session, proof=Proof(Evidence.BEACON, "cafe", north(0)))
    join(session, made.digits, "dora", 200)
    assert members(session, made) == ["cleo", "dora"]


@pytest.mark.parametrize(("lon", "lat"), [(179.9999, -16.5), (0.0, 89.9999)])
def test_it_works_over_the_date_line_and_at_the_pole(session: Session, lon: float, lat: float) -> None:
    def at(east: float) -> Proof:
        moved = lon + east
        return Proof(Evidence.PHONE, None, (moved if moved <= 180 else moved - 360, lat))

    made = gather(session, proof=at(0))
    join(session, made.digits, "dora", proofs=[at(0.0003)])
    assert members(session, made) == ["cleo", "dora"]


def test_two_at_one_place_have_different_digits_and_far_away_the_same_may_be_given(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(four, "GIVEN", ("2468", "1357"))
    found = [gather(session, "cleo"), gather(session, "ben", 999)]
    assert {one.digits for one in found} == {"2468", "1357"}
    with pytest.raises(gathers.DigitsSpent):
        gather(session, "dora", 500)
    far = gather(session, "dora", 2100)
    assert far.digits in ("2468", "1357")
    for one, who in zip(found, ("ana", "dora"), strict=True):
        assert join(session, one.digits, who, 300 if one is found[0] else 750).gather.id == one.id
    gather(session, "ana", 500, END)  # what is over holds nothing


def test_it_takes_any_digits_as_likely(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def choose(found: list[str]) -> str:
        seen.append(found)
        return found[0]

    monkeypatch.setattr(secrets, "choice", choose)
    gather(session)
    assert seen == [list(four.GIVEN)]


def test_who_is_not_known_becomes_a_guest_with_a_name_or_none(session: Session) -> None:
    made = gather(session)
    named = join(session, made.digits, None, name="Mia", nonce=nonce())
    nameless = join(session, made.digits, None, language="zh", nonce=nonce())
    assert (named.sign_in, nameless.sign_in) == (True, True)
    assert people.get(session, named.member_id).name == "Mia"
    assert people.get(session, nameless.member_id).name == "新朋友"
    assert people.get(session, nameless.member_id).guest
    assert members(session, made) == sorted(["cleo", named.member_id, nameless.member_id])
    with pytest.raises(Invalid):
        join(session, made.digits, None, name="x" * 500)


def test_a_guest_whose_answer_was_lost_is_the_same_for_ten_minutes(session: Session) -> None:
    made = gather(session)
    number = nonce()
    first = join(session, made.digits, None, nonce=number)
    again = join(session, made.digits, None, nonce=number, now=NOW + 9 * MINUTE)
    assert (again.member_id, again.sign_in) == (first.member_id, True)
    with pytest.raises(gathers.DigitsWrong):
        join(session, made.digits, None, nonce=number, now=NOW + 11 * MINUTE)
    assert gathers.count_in(session, made.id) == 2


def test_a_stranger_gathers_as_well_and_a_retry_finds_hers(session: Session) -> None:
    number = nonce()
    made = [
        gathers.gather(session, founder=None, proof=phone(), now=NOW, name="Us", guest_name="Mia", nonce=number)
        for _ in range(2)
    ]
    assert made[0] == made[1]
    assert people.get(session, made[0].member_id).guest
    assert rows(session, "gather") == 1


def test_they_join_the_community_for_which_somebody_gathers(session: Session) -> None:
    communities.create(session, id="readers", name="Readers")
    with pytest.raises(gathers.MembersGather):
        gather(session, community_id="readers")
    with pytest.raises(gathers.MembersGather):
        gather(session, None, community_id="readers")
    communities.join(session, community_id="readers", member_id="cleo")
    made = gather(session, community_id="readers")
    assert made.name == "Readers"
    join(session, made.digits, "dora")
    assert members(session, made) == ["cleo", "dora"]
    assert rows(session, "founding") == 0
    with pytest.raises(gathers.GathersAlready):
        gather(session)
    gathers.end(session, gather_id=made.id, by_id="cleo", now=NOW)
    assert gather(session).community_id is None


def test_the_founder_takes_somebody_out_and_she_stays_out(session: Session) -> None:
    made = gather(session)
    for who in ("dora", "ben"):
        join(session, made.digits, who)

    def take_out(who: str, by: str) -> None:
        gathers.take_out(session, gather_id=made.id, member_id=who, by_id=by, now=NOW)

    with pytest.raises(gathers.FounderOnly):
        take_out("dora", "ben")
    for _ in range(2):
        take_out("dora", "cleo")
    assert members(session, made) == ["ben", "cleo"]
    with pytest.raises(gathers.GatherUnknown):
        gathers.look(session, gather_id=made.id, member_id="dora", now=NOW)
    with pytest.raises(gathers.DigitsWrong):
        join(session, made.digits, "dora")
    take_out("ben", "ben")
    assert members(session, made) == ["cleo"]
    with pytest.raises(gathers.GatherUnknown):
        gathers.take_out(session, gather_id=made.id, member_id="ben", by_id="cleo", now=END)


def test_who_belonged_before_belongs_after_she_was_taken_out(session: Session) -> None:
    communities.create(session, id="readers", name="Readers")
    for who in ("cleo", "dora"):
        communities.join(session, community_id="readers", member_id=who)
    made = gather(session, community_id="readers")
    join(session, made.digits, "dora")
    gathers.take_out(session, gather_id=made.id, member_id="dora", by_id="cleo", now=NOW)
    assert members(session, made) == ["cleo", "dora"]


def test_nothing_stays_of_a_founder_who_was_alone(session: Session) -> None:
    made = gather(session)
    gathers.close(session, gather_id=made.id, now=END - dt.timedelta(microseconds=1))
    assert gathers.over(session, END - MINUTE) == []
    assert gathers.over(session, END) == [made.id]
    for _ in range(2):
        gathers.close(session, gather_id=made.id, now=END)
    assert rows(session, "gather") == rows(session, "gather_in") == rows(session, "community") == 0


def test_nothing_stays_when_the_others_were_taken_out(session: Session) -> None:
    made = gather(session)
    join(session, made.digits, "dora")
    gathers.take_out(session, gather_id=made.id, member_id="dora", by_id="cleo", now=NOW)
    with pytest.raises(gathers.GatherUnknown):
        gathers.look(session, gather_id=made.id, member_id="cleo", now=END)
    assert rows(session, "gather") == rows(session, "community") == rows(session, "founding") == 0


def test_a_founder_who_leaves_alone_ends_it_and_among_others_does_not(session: Session) -> None:
    made = gather(session)
    gathers.take_out(session, gather_id=made.id, member_id="cleo", by_id="cleo", now=NOW)
    assert rows(session, "gather") == 0
    made = gather(session)
    join(session, made.digits, "dora")
    gathers.take_out(session, gather_id=made.id, member_id="cleo", by_id="cleo", now=NOW)
    join(session, made.digits, "ben")
    assert members(session, made) == ["ben", "dora"]
    found = gathers.look(session, gather_id=made.id, member_id="ben", now=END)
    assert found.digits is None
    assert members(session, found) == ["ben", "dora"]


def test_once_it_is_over_digits_and_place_are_forgotten_and_an_hour_later_who_was_in(session: Session) -> None:
    made = gather(session)
    join(session, made.digits, "dora")
    found = gathers.look(session, gather_id=made.id, member_id="dora", now=END)
    assert (found.digits, found.location, found.venue_id) == (None, None, None)
    gathers.tidy(session, END + 59 * MINUTE)
    assert rows(session, "gather") == 1
    gathers.tidy(session, END + 60 * MINUTE)
    assert (rows(session, "gather"), rows(session, "community")) == (0, 1)


def test_the_founder_ends_it_before_its_time_and_nobody_else(session: Session) -> None:
    made = gather(session)
    join(session, made.digits, "dora")
    typed = made.digits
    with pytest.raises(gathers.FounderOnly):
        gathers.end(session, gather_id=made.id, by_id="dora", now=NOW + MINUTE)
    for _ in range(2):
        gathers.end(session, gather_id=made.id, by_id="cleo", now=NOW + MINUTE)
    with pytest.raises(gathers.DigitsWrong):
        join(session, typed, "ben", now=NOW + MINUTE)
    assert members(session, gathers.get(session, made.id)) == ["cleo", "dora"]


def test_nobody_looks_who_is_not_in(session: Session) -> None:
    made = gather(session)
    with pytest.raises(gathers.GatherUnknown):
        gathers.look(session, gather_id=made.id, member_id="dora", now=NOW)
    assert gathers.look(session, gather_id=made.id, member_id="cleo", now=NOW).id == made.id


def test_a_guest_who_was_taken_out_stays_out_though_her_phone_tries_again(session: Session) -> None:
    made, number = gather(session), nonce()
    first = join(session, made.digits, None, nonce=number)
    gathers.take_out(session, gather_id=made.id, member_id=first.member_id, by_id="cleo", now=NOW)
    with pytest.raises(gathers.DigitsWrong):
        join(session, made.digits, None, nonce=number)


def test_the_number_of_a_tap_is_free_again_when_no_retry_can_come(session: Session) -> None:
    number = nonce()
    first = join(session, gather(session).digits, None, nonce=number)
    later = NOW + 11 * MINUTE
    second = join(session, gather(session, "ben", now=later).digits, None, nonce=number, now=later)
    assert second.member_id != first.member_id


def test_nobody_is_gathered_for_what_has_dissolved(session: Session) -> None:
    communities.create(session, id="readers", name="Readers")
    communities.join(session, community_id="readers", member_id="cleo")
    ending.dissolve(session, communities.get(session, "readers", to_edit=True), now=NOW)
    with pytest.raises(communities.CommunityDissolved):
        gather(session, community_id="readers")

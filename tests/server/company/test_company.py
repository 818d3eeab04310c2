"""Who is near whom is told to both or to neither, once, and to nobody who did not agree or may not know."""

import datetime as dt
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from config import settings as config
from geo import cells, distances
from server import database
from server.company import matching, words
from server.company import service as company
from server.company.matching import Move
from server.company.model import CompanyCell, Encounter
from server.consent import service as consent
from server.consent.rules import Kind, Level
from server.inbox.model import Notification
from server.people import merging
from server.people import service as people
from server.people.model import Member
from server.positions import service as positions
from server.positions.service import Fix, Source
from tests.server.conftest import As
from tests.server.fences.scene import MINUTE, PARK, east, fix, let, make_circle
from tests.server.places import NOW, make_members

SETTINGS = config.load(environment={})
RULE = SETTINGS.company


def make_two(session: Session) -> None:
    """Dora and Ben want to know of company and belong to a circle; Cleo wants to as well, and belongs to none."""
    if session.get(Member, "dora") is None:
        make_members(session)
    make_circle(session, "dora", "ben", "ana")
    for member_id in ("dora", "ben", "cleo"):
        let(session, member_id, company=True)


def take(session: Session, *fixes: Fix, minute: float | None = None) -> None:
    now = max(one.at for one in fixes) if minute is None else NOW + dt.timedelta(minutes=minute)
    company.take(session, fixes, now=now, settings=SETTINGS)


def near(session: Session, member_id: str, minute: float = 0) -> list[str]:
    now = NOW + dt.timedelta(minutes=minute)
    return [words.of(one) for one in company.near_now(session, member_id=member_id, rule=RULE, now=now)]


def told(session: Session) -> list[str]:
    return sorted(session.scalars(select(Notification.member_id).where(Notification.kind == company.KIND)))


def meet(session: Session, minute: float = 0) -> None:
    take(session, fix(0, minute, member_id="dora"))
    take(session, fix(60, minute, member_id="ben"))


def test_anonymous_is_refused(as_: As) -> None:
    assert as_(None).get("/api/me/company").json()["code"] == "sign_in_needed"
    assert as_(None).get("/company").status_code == 401
    assert as_(None).post("/company", data={"on": "true"}).status_code == 401


def test_two_who_agreed_and_share_a_community_are_both_told_once(session: Session) -> None:
    make_two(session)
    meet(session)
    assert told(session) == ["ben", "dora"]
    assert near(session, "dora") == near(session, "ben") == ["Somebody of Chess Circle"]
    note = session.scalars(select(Notification).where(Notification.kind == company.KIND)).first()
    assert note is not None
    assert note.values.keys() == {"community"}, "no name, no place, no distance"
    for minute in range(1, 20):
        meet(session, minute)
    assert told(session) == ["ben", "dora"], "once for an encounter"


def test_names_are_told_as_far_as_each_shows_hers_to_the_community(session: Session) -> None:
    make_two(session)
    ends = NOW + dt.timedelta(days=30)
    consent.say(
        session,
        member_id="ben",
        kind=Kind.COMMUNITY,
        of_id="chess",
        level=Level.NAME,
        until=ends,
        source="api",
        now=NOW,
    )
    meet(session)
    assert near(session, "dora") == ["Ben Okafor, of Chess Circle"]
    assert near(session, "ben") == ["Somebody of Chess Circle"]
    consent.take_back(session, member_id="ben", kind=Kind.COMMUNITY, of_id="chess", now=NOW)
    assert near(session, "dora") == ["Somebody of Chess Circle"]


def _switch_off(session: Session) -> None:
    let(session, "ben", company=False)


def _pause(session: Session) -> None:
    consent.pause(session, member_id="ben", now=NOW)


def _hide(session: Session) -> None:
    consent.say(
        session,
        member_id="ben",
        kind=Kind.COMMUNITY,
        of_id="chess",
        level=Level.HIDDEN,
        until=None,
        source="api",
        now=NOW,
    )


def _hide_from_people(session: Session) -> None:
    consent.say(
        session, member_id="ben", kind=Kind.PEOPLE, of_id=None, level=Level.HIDDEN, until=None, source="api", now=NOW
    )


def _want_nothing(session: Session) -> None:
    session.execute(text("INSERT INTO met_without VALUES ('ben', 'dora', :at)"), {"at": NOW})


def _leave(session: Session) -> None:
    session.execute(text("DELETE FROM community_member WHERE member_id = 'ben'"))


def _dissolve(session: Session) -> None:
    session.execute(text("UPDATE community SET dissolved_at = :at"), {"at": NOW})


WALLS = [_switch_off, _pause, _hide, _hide_from_people, _want_nothing, _leave, _dissolve]


@pytest.mark.parametrize("wall", WALLS)
@pytest.mark.parametrize("first", ["dora", "ben"])
def test_whatever_stands_between_them_keeps_it_from_both(session: Session, wall, first: str) -> None:  # type: ignore[no-untyped-def]
    make_two(session)
    wall(session)
    session.expire_all()
    order = ["dora", "ben"] if first == "dora" else ["ben", "dora"]
    for member_id in order:
        take(session, fix(30, 0, member_id=member_id))
    assert told(session) == []
    assert near(session, "dora") == near(session, "ben") == []
    assert session.scalars(select(Encounter)).all() == []


@pytest.mark.parametrize("wall", WALLS)
def test_whatever_comes_between_them_later_ends_it_for_both_at_once(session: Session, wall) -> None:  # type: ignore[no-untyped-def]
    make_two(session)
    meet(session)
    assert near(session, "dora") == near(session, "ben") != []
    wall(session)
    session.expire_all()
    assert near(session, "dora") == near(session, "ben") == []
    assert company.tidy(session, now=NOW + MINUTE, rule=RULE) == 1
    assert session.scalars(select(Encounter.ended_at)).all() == [NOW + MINUTE]


def test_they_part_further_away_than_they_meet_and_silence_ends_it_too(session: Session) -> None:
    make_two(session)
    meet(session)
    take(session, fix(650, 5, member_id="ben"))
    assert near(session, "dora", 5) != [], "a walk around the block is no parting"
    take(session, fix(1500, 10, member_id="ben"))
    assert near(session, "dora", 10) == near(session, "ben", 10) == []
    assert session.scalars(select(Encounter.ended_at)).all() == [NOW + 10 * MINUTE]
    take(session, fix(0, 12, member_id="ben"))
    assert near(session, "dora", 12) != []
    assert told(session) == ["ben", "dora"], "they met an hour ago: that is known"
    assert near(session, "dora", 45) == near(session, "ben", 45) == [], "Dora said nothing since the beginning"
    assert company.tidy(session, now=NOW + 45 * MINUTE, rule=RULE) == 1


def test_tomorrow_they_are_told_again(session: Session) -> None:
    make_two(session)
    meet(session)
    take(session, fix(3000, 5, member_id="ben"))
    meet(session, 13 * 60)
    assert told(session) == ["ben", "ben", "dora", "dora"]


def test_nobody_is_told_of_more_than_a_few_in_a_day_and_then_neither_is(session: Session) -> None:
    make_two(session)
    others = [f"guest-{number}" for number in range(8)]
    for member_id in others:
        people.create(session, id=member_id, name=member_id)
        session.execute(text("INSERT INTO community_member VALUES ('chess', :id, :at)"), {"id": member_id, "at": NOW})
        let(session, member_id, company=True)
    take(session, fix(0, 0, member_id="dora"))
    for minute, member_id in enumerate(others):
        # One after the other comes and goes, so that they do not meet each other.
        take(session, fix(30, minute, member_id=member_id))
        take(session, fix(5000 + 2000 * minute, minute + 0.5, member_id=member_id))
    assert told(session).count("dora") == RULE.per_day
    assert sum(told(session).count(member_id) for member_id in others) == RULE.per_day


@pytest.mark.parametrize(
    "other",
    [
        fix(900, 0, member_id="ben"),
        fix(30, 0, member_id="ben", accuracy_m=900),
        fix(30, -50, member_id="ben"),
        fix(30, 20, member_id="ben"),
        fix(30, 0, member_id="ben", source=Source.HOME),
        fix(30, 0, member_id="cleo"),
        fix(30, 0, member_id="ana"),
    ],
    ids=["far", "vague", "old", "of the future", "a home", "of no community of hers", "did not agree"],
)
def test_what_is_not_surely_company_is_none(session: Session, other: Fix) -> None:
    make_two(session)
    take(session, fix(0, 0, member_id="dora"), other, minute=0)
    assert session.scalars(select(Encounter)).all() == []
    take(session, fix(30, 0.5, member_id="ben"))
    assert len(session.scalars(select(Encounter)).all()) == 1, "the same set-up with Ben near"


def test_badges_and_what_else_is_kept_as_positions_are_company_as_well(session: Session) -> None:
    make_two(session)
    visits = [Fix(one, Source.VISIT, "", PARK, 30, NOW) for one in ("dora", "ben")]
    positions.keep(session, visits, now=NOW)
    assert [note.member_ids for note in company.follow_positions(session, now=NOW, rule=RULE)] == [("ben", "dora")]
    assert company.follow_positions(session, now=NOW, rule=RULE) == []


def test_she_reads_it_on_a_page_and_by_the_api(as_: As, session: Session) -> None:
    browser = as_("dora")
    make_two(session)
    let(session, "dora", company=False)
    assert browser.get("/api/me/company").json() == {"on": False, "near": []}
    assert browser.post("/company", data={"on": "true"}).status_code == 303
    assert "not known where you are" in browser.get("/company").text
    meet(session)
    found = browser.get("/api/me/company").json()
    assert [one["sentence"] for one in found["near"]] == ["Somebody of Chess Circle"]
    assert found["near"][0].keys() == {"member", "name", "community", "sentence", "since"}, "nothing of where"
    assert "Somebody of Chess Circle" in browser.get("/company").text
    chinese = browser.get("/company", headers={"Accept-Language": "zh"}).text
    assert "Somebody of" not in chinese
    uses = positions.uses_of(session, member_id="dora")
    assert (uses.company, uses.fences) == (True, False)


def test_it_goes_with_her_and_a_guest_who_is_a_member_after_all_leaves_no_trap(session: Session) -> None:
    make_two(session)
    guest = people.create(session, id="guest", name="Ben?")
    guest.guest = True
    session.execute(text("INSERT INTO community_member VALUES ('chess', 'guest', :at)"), {"at": NOW})
    let(session, "guest", company=True)
    meet(session)
    take(session, fix(20, 1, member_id="guest"))
    assert len(session.scalars(select(Encounter)).all()) == 3
    merging.merge(session, guest_id="guest", into_id="ben", now=NOW)
    assert near(session, "ben", 1) == ["Somebody of Chess Circle"]
    session.execute(text("DELETE FROM member WHERE id = 'dora'"))
    left = session.execute(text("SELECT one_id, other_id FROM encounter")).all()
    assert {one for pair in left for one in pair} <= {"ben"}


def test_what_is_over_is_deleted(session: Session) -> None:
    make_two(session)
    meet(session)
    company.tidy(session, now=NOW + 60 * MINUTE, rule=RULE)
    assert session.scalars(select(CompanyCell)).all() == [], "where they were goes as soon as it is old"
    company.tidy(session, now=NOW + dt.timedelta(days=8), rule=RULE)
    session.expire_all()
    assert session.scalars(select(Encounter)).all() == []


def test_two_who_come_at_the_same_instant_in_two_processes_meet_once(committing_database: str) -> None:
    engine = database.connect(committing_database)
    with database.transaction(engine) as session:
        make_two(session)
    for minute in range(0, 600, 60):
        together = threading.Barrier(2)

        def come(member_id: str, minute: int = minute, together: threading.Barrier = together) -> None:
            with database.transaction(engine) as session:
                together.wait()
                take(session, fix(30, minute, member_id=member_id))

        threads = [threading.Thread(target=come, args=(member_id,)) for member_id in ("dora", "ben")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with database.transaction(engine) as session:
            assert len(session.scalars(select(Encounter).where(Encounter.ended_at.is_(None))).all()) == 1
            assert len(near(session, "dora", minute)) == len(near(session, "ben", minute)) == 1
            company.tidy(session, now=NOW + dt.timedelta(minutes=minute + 50), rule=RULE)
    with database.transaction(engine) as session:
        assert told(session) == ["ben", "dora"], "and once within half a day"
    engine.dispose()


places = st.sampled_from([PARK, (180.0, 0.0), (-179.999, 65.0), (13.0, 89.999), (0.0, -89.9995)])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(
    places,
    st.lists(st.tuples(st.integers(-1500, 1500), st.integers(0, 3), st.booleans()), min_size=2, max_size=12),
    st.data(),
)
def test_who_is_near_whom_equals_brute_force(
    session: Session, middle: tuple[float, float], crowd: list[tuple[int, int, bool]], data: st.DataObject
) -> None:
    inside = session.begin_nested()
    try:
        _compare(session, middle, crowd, data)
    finally:
        inside.rollback()
        session.expunge_all()


def _compare(
    session: Session, middle: tuple[float, float], crowd: list[tuple[int, int, bool]], data: st.DataObject
) -> None:
    for circle in range(3):
        make_circle(session, id=f"circle-{circle}")
    at: dict[str, int] = {}
    of: dict[str, tuple[int, bool]] = {}
    for number, (metres, circle, wants) in enumerate(crowd):
        member_id = f"m{number}"
        people.create(session, id=member_id, name=member_id)
        lon, lat = middle if abs(middle[1]) > 85 else east(metres, middle)
        lat = lat - abs(metres) / 111_195 if middle[1] > 85 else lat + abs(metres) / 111_195 if middle[1] < -85 else lat
        at[member_id] = cells.of(((lon + 540) % 360 - 180, lat), cells.NEAR)
        of[member_id] = (circle, wants)
        if circle < 3:
            given_row = {"of": f"circle-{circle}", "id": member_id, "at": NOW}
            session.execute(text("INSERT INTO community_member VALUES (:of, :id, :at)"), given_row)
        let(session, member_id, company=wants)
    expected = {
        (one, other)
        for one in at
        for other in at
        if one < other
        and of[one] == of[other]
        and of[one][1]
        and of[one][0] < 3
        and distances.between_m(cells.centre(at[one]), cells.centre(at[other])) <= RULE.near_m
    }
    moves = [Move(member_id, at[member_id], NOW) for member_id in at if of[member_id][1]]
    cut = data.draw(st.integers(0, len(moves)))
    for part in (moves[:cut], moves[cut:]):
        company.follow(session, data.draw(st.permutations(part)), now=NOW, rule=RULE)
    rows = session.execute(text("SELECT one_id, other_id FROM encounter WHERE ended_at IS NULL")).all()
    assert {matching.pair_of(*row) for row in rows} == expected
    assert len(rows) == len(expected)

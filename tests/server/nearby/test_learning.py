"""What is learnt from who came: the same as by brute force, of five people at least, and never of what was later."""

import datetime as dt
import itertools
import math
import random
import threading
from collections import defaultdict
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from config import settings as config
from geo import likeness, postgis, ranking
from geo.ranking import FACTORS, Factor
from server import database
from server.jobs.service import Work
from server.nearby import choices, learning, tasks
from server.nearby.choices import Choice
from tests.server.conftest import As
from tests.server.nearby.bygone import Evening, come_to, make_circles, make_evenings, make_people, make_places, visit
from tests.server.places import CAFE, HOUR, NOW, make_members
from tests.server.plans import read_whole

DAY = dt.timedelta(days=1)
PEOPLE = [f"p{number:02}" for number in range(60)]
VENUES = {f"v{number:02}": (CAFE[0] + 0.004 * number, CAFE[1]) for number in range(20)}


@pytest.fixture(autouse=True)
def _people(request: pytest.FixtureRequest, session: Session) -> None:
    if "as_" not in request.fixturenames:  # which makes them itself
        make_members(session)


def town(session: Session) -> None:
    """Sixty people and twenty venues along a street."""
    make_people(session, PEOPLE)
    make_places(session, VENUES)


def pairs(session: Session) -> dict[tuple[str, str], tuple[float, int]]:
    """What is learnt of likeness."""
    rows = session.execute(text("SELECT of, other, share, people FROM likeness")).all()
    return {(of, other): (share, count) for of, other, share, count in rows}


def visits_by_chance(seed: int = 1) -> list[tuple[str, str, dt.datetime]]:
    """Each goes to some venues, mostly to those of her half of the town."""
    draw = random.Random(seed)
    names = list(VENUES)
    found = {}
    for number, member in enumerate(PEOPLE):
        half = names[:10] if number % 2 else names[10:]
        for day in range(12):
            venue = draw.choice(half if draw.random() < 0.8 else names)
            found[member, venue] = NOW - DAY * (2 + day) - HOUR * draw.randrange(5)
    return [(member, venue, at) for (member, venue), at in found.items()]


def by_brute_force(comings: list[tuple[str, str]]) -> dict[tuple[str, str], tuple[float, int]]:
    """The likeness of things, of who came to what."""
    who: dict[str, set[str]] = defaultdict(set)
    for member, key in comings:
        who[key].add(member)
    count = len({member for member, _ in comings})
    found: dict[str, list[tuple[float, str, int]]] = defaultdict(list)
    for one, other in itertools.permutations(who, 2):
        both, product = len(who[one] & who[other]), len(who[one]) * len(who[other])
        share = (both - product / count) / (math.sqrt(product) + likeness.SHRINK)
        if both >= learning.FEWEST and share > 0:
            found[one].append((share, other, both))
    return {
        (one, other): (share, both)
        for one, those in found.items()
        for share, other, both in sorted(those, key=lambda row: -row[0])[: learning.MOST_ALIKE]
    }


# --- Likeness --------------------------------------------------------------------------------------------------------


def test_likeness_is_that_of_brute_force_however_it_is_read(session: Session) -> None:
    town(session)
    visits = visits_by_chance()
    visit(session, visits)
    learning.learn_likeness(session, now=NOW)
    found, expected = pairs(session), by_brute_force([(member, f"venue/{venue}") for member, venue, _ in visits])
    assert len(expected) > 50
    assert found.keys() == expected.keys()
    assert all(found[key] == pytest.approx(expected[key]) for key in expected)
    whole, parts = learning.read(session, until=NOW), learning.read(session, until=NOW, at_once=7)
    assert parts.keys == whole.keys
    assert (parts.person == whole.person).all()
    assert (parts.thing == whole.thing).all()
    assert len(learning.read(session, until=NOW, most=10).at) == 10


def test_what_four_came_to_both_of_is_nobody_s_business(session: Session) -> None:
    town(session)
    at = NOW - DAY
    visit(session, [(member, venue, at) for member in PEOPLE[:4] for venue in ("v00", "v01")])
    visit(session, [(member, "v02", at) for member in PEOPLE[10:30]])
    assert learning.learn_likeness(session, now=NOW) == 0
    visit(session, [(PEOPLE[4], venue, at) for venue in ("v00", "v01")])
    assert learning.learn_likeness(session, now=NOW) == 2
    assert {people for _, people in pairs(session).values()} == {5}


@pytest.mark.parametrize(
    "changed",
    [
        "UPDATE checkin SET undone_at = at WHERE member_id = 'p00'",
        "UPDATE checkin SET member_id = NULL, stranger = 7 WHERE member_id = 'p00'",
        "UPDATE checkin SET at = at - interval '27 weeks' WHERE member_id = 'p00'",
        "UPDATE checkin SET at = at + interval '3 days', recorded_at = at + interval '3 days' WHERE member_id = 'p00'",
    ],
)
def test_what_was_undone_or_is_of_the_erased_the_past_or_the_future_counts_no_more(
    session: Session, changed: str
) -> None:
    town(session)
    visit(session, [(member, venue, NOW - DAY) for member in PEOPLE[:5] for venue in ("v00", "v01")])
    visit(session, [(member, "v02", NOW - DAY) for member in PEOPLE[10:30]])
    assert learning.learn_likeness(session, now=NOW) == 2
    session.execute(text(changed))
    assert learning.learn_likeness(session, now=NOW) == 0
    assert pairs(session) == {}


def test_gatherings_count_as_what_comes_again(session: Session) -> None:
    town(session)
    make_circles(session, {"players": []})
    of_circle, alone = (
        Evening("a", "v00", NOW - 3 * DAY, "players"),
        Evening("b", "v01", NOW - 2 * DAY, organizer="ben"),
    )
    make_evenings(session, [of_circle, alone])
    come_to(session, [(member, one) for member in PEOPLE[:6] for one in (of_circle, alone)])
    visit(session, [(member, "v02", NOW - DAY) for member in PEOPLE[10:30]])
    learning.learn_likeness(session, now=NOW)
    assert set(pairs(session)) == {("community/players", "organizer/ben"), ("organizer/ben", "community/players")}
    session.execute(text("UPDATE community SET dissolved_at = now()"))
    learning.forget_gone(session)
    assert pairs(session) == {}


def test_learning_again_changes_nothing(session: Session) -> None:
    town(session)
    visit(session, visits_by_chance())
    rows = text("SELECT of, other, xmin::text, ctid::text FROM likeness ORDER BY of, other")
    learning.learn_likeness(session, now=NOW)
    first = session.execute(rows).all()
    learning.learn_likeness(session, now=NOW)
    assert session.execute(rows).all() == first


def test_two_at_once_take_turns(committing_database: str) -> None:
    engine = database.connect(committing_database)
    work = Work(engine, config.load(environment={"MUSTER_DATABASE__DSN": committing_database}), lambda: NOW)
    failed: list[BaseException] = []

    def learn() -> None:
        try:
            tasks.learn(work)
        except BaseException as error:
            failed.append(error)

    try:
        with database.transaction(engine) as session:
            town(session)
            visits = visits_by_chance()
            visit(session, visits)
        threads = [threading.Thread(target=learn) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        with database.transaction(engine) as session:
            assert pairs(session).keys() == by_brute_force([(who, f"venue/{at}") for who, at, _ in visits]).keys()
            assert session.scalar(text("SELECT max(came) FROM listing")) >= learning.CROWD_FROM
    finally:
        engine.dispose()


# --- Crowds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("people", "shown"), [(0, 0), (9.9, 0), (10, 10), (14.9, 10), (15, 15), (123, 120)])
def test_crowds_are_round_and_few_are_nobody(people: float, shown: float) -> None:
    assert learning.public(people) == shown


def fill(session: Session, now: dt.datetime = NOW) -> dict[str, float]:
    """Counts and writes; what is said of each listing."""
    crowds, after = learning.count_crowds(session, until=now), 0
    while (last := learning.fill_crowds(session, crowds, after=after, most=3)) is not None:
        after = last
    rows = session.execute(text("SELECT coalesce(step_id, venue_id), came FROM listing"))
    return {row[0]: row[1] for row in rows}


def test_listings_tell_how_many_usually_come(session: Session) -> None:
    town(session)
    make_circles(session, {"players": [], "others": []})
    full = [Evening(f"full{n}", "v00", NOW - (n + 1) * 7 * DAY, "players") for n in range(6)]
    small = [Evening(f"small{n}", "v01", NOW - (n + 1) * 7 * DAY, "others", "ben") for n in range(6)]
    soon = [Evening("next", "v00", NOW + DAY, "players"), Evening("other", "v01", NOW + DAY, "others", "ben")]
    make_evenings(session, [*full, *small, *soon])
    come_to(session, [(member, one) for one in full for member in PEOPLE[:40]])
    come_to(session, [(member, one) for one in small for member in PEOPLE[40:43]])
    came = fill(session)
    assert 35 <= came["next-1"] <= 40
    assert came["other-1"] == 0
    assert 30 <= came["v00"] <= 40, "each counts once, less the longer it is ago"
    assert came["v01"] == came["v02"] == 0
    assert all(much % learning.CROWD_STEP == 0 for much in came.values())
    session.execute(text("UPDATE checkin SET member_id = NULL, stranger = 7 WHERE member_id = 'p00'"))
    assert fill(session) == came, "who was erased still came"
    make_evenings(session, [Evening("late", "v00", NOW + 2 * DAY, "players"), Evening("away", "v05", NOW + 2 * DAY)])
    learning.fill_new(session)
    filled: dict[str, float] = dict(
        session.execute(text("SELECT step_id, came FROM listing WHERE step_id IN ('late-1', 'away-1')")).all()
    )
    assert filled == {"late-1": came["next-1"], "away-1": 0}
    assert fill(session)["late-1"] == came["next-1"]


def test_what_is_over_is_listed_no_more(session: Session) -> None:
    town(session)
    make_evenings(session, [Evening("over", "v00", NOW - 2 * HOUR), Evening("on", "v00", NOW - HOUR)])
    learning.tidy(session, now=NOW)
    left = session.scalars(text("SELECT step_id FROM listing WHERE step_id IS NOT NULL")).all()
    assert left == ["on-1"]
    assert session.scalar(text("SELECT count(*) FROM listing WHERE step_id IS NULL")) == len(VENUES)


# --- Weights ---------------------------------------------------------------------------------------------------------

SPLIT = NOW - choices.OF_LATE


def choose(session: Session, weeks: int = 4, seed: int = 3) -> list[tuple[str, Evening]]:
    """A town where nothing matters but one's circle: each goes to what hers does, wherever and whenever it is."""
    draw = random.Random(seed)
    town(session)
    circles = {f"c{number}": PEOPLE[number::6] for number in range(6)}
    make_circles(session, circles)
    visit(session, [(member, draw.choice(list(VENUES)), SPLIT - DAY * 3) for member in PEOPLE])
    chosen = []
    for week in range(weeks):
        decided = SPLIT + week * 7 * DAY + HOUR
        evenings = [
            Evening(f"{circle}-{week}", draw.choice(list(VENUES)), decided + HOUR * draw.randrange(24, 144), circle)
            for circle in circles
        ]
        make_evenings(session, evenings)
        comings = [(member, one) for one in evenings for member in circles[one.community or ""]]
        come_to(session, comings, decided)
        chosen += comings
    return chosen


def learnt(session: Session) -> dict[Factor, float]:
    """How much each factor weighs."""
    return {row.factor: row.weight for row in choices.weights(session)}


def test_weights_move_towards_what_moves_people_and_stay_in_bounds(session: Session) -> None:
    choose(session)
    assert choices.learn_weights(session, now=NOW) == 240
    weights = learnt(session)
    assert weights[Factor.COMMUNITY] > 1.5 * ranking.DEFAULT[Factor.COMMUNITY]
    assert weights[Factor.DISTANCE] < 0.7 * ranking.DEFAULT[Factor.DISTANCE]
    assert weights[Factor.LIVELY] == ranking.DEFAULT[Factor.LIVELY], "nobody knows how lively it was"
    for factor in FACTORS:
        assert 1 / choices.MOST_TIMES <= weights[factor] / ranking.DEFAULT[factor] <= choices.MOST_TIMES
    choices.learn_weights(session, now=NOW)
    assert learnt(session) == weights
    choices.put_back(session)
    assert learnt(session) == dict(ranking.DEFAULT)


def test_of_few_choices_nothing_is_learnt(session: Session) -> None:
    choose(session, weeks=3)
    assert choices.learn_weights(session, now=NOW) == 0
    assert learnt(session) == dict(ranking.DEFAULT)


def weighed(session: Session, choice: Choice) -> Any:
    """What is known of a choice."""
    crowds = learning.count_crowds(session, until=SPLIT)
    alike = learning.find_likeness(learning.read(session, until=SPLIT))
    found = choices.weigh(session, choice, alike, crowds)
    return None if found is None else (found[0].tolist(), found[1].tolist())


def test_nothing_of_what_came_later_is_known(session: Session) -> None:
    choose(session)
    all_of_them = choices.sample(session, since=SPLIT, until=NOW)
    first = next(one for one in all_of_them if one.decided_at < SPLIT + DAY)
    before = weighed(session, first)
    assert before is not None
    # All that was done after she decided, her own coming among it, and a circle that she joined for it.
    session.execute(text("DELETE FROM checkin WHERE at > :at"), {"at": first.decided_at})
    session.execute(text("DELETE FROM sign_up WHERE at >= :at"), {"at": first.decided_at})
    session.execute(text("DELETE FROM event WHERE id LIKE '%-3'"))
    assert weighed(session, first) == before
    session.execute(text("UPDATE community_member SET joined_at = :at"), {"at": first.decided_at + HOUR})
    column = FACTORS.index(Factor.COMMUNITY)
    assert before[0][0][column] == 1.0
    assert weighed(session, first)[0][0][column] == 0.0


def test_of_whom_nobody_knows_when_she_decided_nothing_is_learnt_of_how_soon_is_good(session: Session) -> None:
    chosen = choose(session)
    session.execute(text("DELETE FROM sign_up"))
    all_of_them = choices.sample(session, since=SPLIT, until=NOW)
    assert len(all_of_them) == len(chosen)
    assert not any(one.signed_up for one in all_of_them)
    values, _ = weighed(session, all_of_them[0])
    assert {row[FACTORS.index(Factor.START)] for row in values} == {0.0}


def test_one_who_goes_out_each_day_does_not_decide_for_all(session: Session) -> None:
    town(session)
    visit(session, [("p00", "v00", NOW - day * DAY - HOUR) for day in range(20)])
    assert len(choices.sample(session, since=SPLIT, until=NOW)) == choices.MOST_EACH


# --- For operators ---------------------------------------------------------------------------------------------------


def test_anonymous_is_refused(as_: As) -> None:
    assert as_(None).get("/api/nearby/weights").status_code == 401
    assert as_(None).delete("/api/nearby/weights").status_code == 401


def test_operators_see_weights_and_put_them_back(as_: As, session: Session) -> None:
    assert as_("dora").get("/api/nearby/weights").json()["code"] == "operators_only"
    choose(session)
    choices.learn_weights(session, now=NOW)
    shown = {row["factor"]: row for row in as_("ana").get("/api/nearby/weights").json()}
    assert shown["community"]["choices"] == 240
    assert shown["community"]["weight"] > shown["community"]["shipped"] == ranking.DEFAULT[Factor.COMMUNITY]
    assert as_("dora").delete("/api/nearby/weights").json()["code"] == "operators_only"
    assert as_("ana").delete("/api/nearby/weights").status_code == 204
    for row in as_("ana").get("/api/nearby/weights").json():
        assert (row["weight"], row["learnt_at"], row["choices"]) == (row["shipped"], None, None)


# --- Plans -----------------------------------------------------------------------------------------------------------


def test_of_years_of_comings_only_half_a_year_is_read(session: Session) -> None:
    town(session)
    session.execute(
        text(
            "INSERT INTO checkin (venue_id, day, member_id, at, recorded_at, evidence, signed_up)"
            " SELECT 'v' || lpad((n % 20)::text, 2, '0'), (:now - n * interval '2 hours')::date,"
            " 'p' || lpad((n % 60)::text, 2, '0'), :now - n * interval '2 hours', :now - n * interval '2 hours',"
            " 'beacon', false FROM generate_series(1, 40000) AS n ON CONFLICT DO NOTHING"
        ),
        {"now": NOW},
    )
    session.execute(text("ANALYZE checkin"))
    within = {"since": NOW - learning.BACK, "until": NOW}
    given = within | {"before": NOW, "before_id": 2**62, "most": 500}
    for statement in (learning._COMINGS, learning._EVENINGS, learning._VISITORS):
        assert "checkin" not in read_whole(session, statement, given)
    of_late = {"since": SPLIT, "until": NOW, "seed": 1, "each": 5, "most": 100}
    assert "checkin" not in read_whole(session, choices._CHOSEN, of_late)


def test_what_there_was_is_found_by_indexes(session: Session) -> None:
    make_places(session, {f"w{n:04}": (13.0 + 0.0007 * n, 52.5) for n in range(3000)})
    evenings = [Evening(f"e{n}", f"w{n:04}", NOW + DAY * (n % 300 - 150)) for n in range(3000)]
    make_evenings(session, evenings)
    session.execute(text("ANALYZE venue, step, event, listing"))
    given = {
        "here": postgis.here((13.4, 52.5)),
        "at": NOW,
        "until": NOW + 14 * DAY,
        "communities": ["c1"],
        "step": "e5-1",
        "chosen": "e/e5",
        "seed": 1,
        "venues": choices.WITHIN_VENUES,
        "rivals": choices.RIVALS,
    }
    assert not read_whole(session, choices._THERE, given) & {"venue", "step", "event", "checkin"}
    assert "listing" not in read_whole(session, learning._LISTED, {"after": 100, "most": 50})
    assert "listing" not in read_whole(session, learning._OVER, {"now": NOW - 149 * DAY})

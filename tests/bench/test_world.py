"""The simulated world: the same seed makes the same, and what moves its people is learnt from what its files tell."""

from pathlib import Path

import pytest

from geo.learning import Learnt
from geo.ranking import FACTORS, Factor
from tests.bench import questions, world, worldfiles
from tests.bench.past import Past

SMALL = world.Plan(people=400, venues=80, cities=1, days=120, outings_a_week=2.0)
NONE_BEFORE = dict.fromkeys(FACTORS, 0.0)
# What is learnt at least where this alone moves people. Ways, friends and scenes are known in part only: files tell
# where somebody was and not where she works, who signed up and not when friends spoke, and nothing of scenes.
LEAST = {
    Factor.DISTANCE: 0.5,
    Factor.WAYS: 0.08,
    Factor.START: 0.4,
    Factor.INTERESTS: 1.5,
    Factor.COMMUNITY: 0.8,
    Factor.KNOWN: 0.25,
    Factor.REGULAR: 0.3,
    Factor.ALIKE: 0.8,
    Factor.POPULAR: 0.3,
    Factor.PLACES: 1.0,
}
# What may stand in for it: who lives near her work goes to what is near her home.
BESIDE = {Factor.WAYS: {Factor.DISTANCE}, Factor.REGULAR: {Factor.ALIKE}, Factor.ALIKE: {Factor.REGULAR, Factor.WAYS}}
CHANCE = 0.3  # that much is learnt of nothing, from 1,700 choices
WIDE = {
    Factor.INTERESTS: 0.6,
    Factor.ALIKE: 0.7,
    Factor.PLACES: 0.5,
}  # the values of these spread less: chance is wider


def learn(folder: Path, plan: world.Plan) -> Learnt:
    world.make(folder, plan)
    told = worldfiles.read(folder)
    parts = questions.split(told)
    past = Past(told, parts.learn_s, questions.possible(told, parts.learn_s, parts.test_s))
    asked, _ = questions.ask(told, past, parts.test_s, plan.people, "moment", 1)
    return questions.learn(past, asked, NONE_BEFORE, 1, lambda all_of_them, _: all_of_them)[0]


def test_the_same_seed_makes_the_same_world_and_another_seed_another(tmp_path: Path) -> None:
    plan = SMALL._replace(people=40, venues=10, days=20)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        world.make(tmp_path / name, plan._replace(seed=seed))
    texts = [(tmp_path / name / "attendance.csv").read_text() for name in "abc"]
    assert texts[0] == texts[1] != texts[2]


def test_what_is_left_out_is_not_told(tmp_path: Path) -> None:
    world.make(tmp_path, SMALL._replace(people=40, venues=10, days=20, leaves_out=frozenset(world.OPTIONAL)))
    assert {path.name for path in tmp_path.iterdir()} == {"people.csv", "things.csv", "attendance.csv"}
    told = worldfiles.read(tmp_path)
    assert not told.tags
    assert not len(told.signed.at)
    assert (told.things.community == worldfiles.NONE).all()


def test_where_nothing_moves_people_nothing_is_learnt(tmp_path: Path) -> None:
    found = learn(tmp_path, SMALL.only()).weights
    assert {factor: weight for factor, weight in found.items() if weight > WIDE.get(factor, CHANCE)} == {}


@pytest.mark.parametrize("factor", LEAST)
def test_a_factor_that_alone_moves_people_is_learnt_and_no_other(tmp_path: Path, factor: Factor) -> None:
    found = learn(tmp_path, SMALL.only(factor)).weights
    assert found[factor] >= LEAST[factor]
    others = set(FACTORS) - {factor} - BESIDE.get(factor, set())
    assert {other: found[other] for other in others if found[other] > WIDE.get(other, CHANCE)} == {}

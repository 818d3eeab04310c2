"""The relevance benchmark: how it judges, that nothing later leaks in, and that our ranking deserves its name."""

import json
from pathlib import Path

import numpy as np
import pytest

from geo import ranking
from geo.ranking import FACTORS, Factor
from tests.bench import judging, questions, relevance, rivals, world, worldfiles
from tests.bench.judging import Tally
from tests.bench.past import Past
from tests.bench.relevance import OURS, SHIPPED, Found
from tests.bench.worldfiles import Pairs, World

PLAN = world.Plan(people=500, venues=150, cities=1, days=120, outings_a_week=1.5, seed=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world that nothing was tuned on."""
    made = tmp_path_factory.mktemp("world")
    world.make(made, PLAN)
    return made


@pytest.fixture(scope="module")
def told(folder: Path) -> World:
    return worldfiles.read(folder)


@pytest.fixture(scope="module", params=["split", "moment"])
def found(request: pytest.FixtureRequest, told: World) -> Found:
    return relevance.run(told, relevance._parse(["--people", "500", "--ask", request.param]))


def recall_of(found: Found, name: str, group: str = "all") -> float:
    return float(found.groups[group].means()[0][found.methods.index(name)])


def _keep(pairs: Pairs, kept: judging.Flags) -> Pairs:
    return Pairs(pairs.person[kept], pairs.other[kept], pairs.at[kept])


def test_recall_and_ndcg_are_as_counted_by_hand() -> None:
    best = np.array([[3, 9], [1, 8], [7, 3]])
    recall, ndcg = judging.judge(best, np.array([1, 3, 5, 6]))
    assert recall.tolist() == [0.5, 0.25]
    ideal = 1 + 1 / np.log2(3) + 1 / 2 + 1 / np.log2(5)
    assert ndcg == pytest.approx([(1 + 1 / np.log2(3)) / ideal, 0.5 / ideal])


def test_the_ten_are_the_best_of_what_is_possible_and_of_equals_the_first() -> None:
    scores = np.stack([np.arange(30.0), np.zeros(30)], axis=1)
    possible = np.arange(30) < 25
    assert judging.top(scores, possible).T.tolist() == [[*range(24, 14, -1)], [*range(10)]]
    few = np.arange(30) < 3
    assert judging.top(scores, few)[:, 0].tolist() == [2, 1, 0]


def test_coverage_is_the_share_of_what_could_be_reached_that_is_in_anybodys_ten() -> None:
    tally, everything = Tally(1, 40), np.ones(40, dtype=bool)
    for person in range(2):
        scores = (np.arange(40) == person).astype(float)[:, None]
        tally.add(person, scores - np.arange(40)[:, None] * 1e-6, everything, np.array([0]))
    assert tally.close(everything).means()[2].tolist() == [10 / 40]


def test_each_person_counts_the_same_however_often_she_asked() -> None:
    person, values = np.array([1, 1, 1, 2]), np.array([[1.0], [1.0], [1.0], [0.0]])
    assert judging.by_person(person, values).mean() == 0.5


def test_bounds_hold_the_difference_and_tell_chance_from_more() -> None:
    rng = np.random.default_rng(0)
    same = rng.random(400)
    low, high = judging.bounds(np.arange(400), same, rng.permutation(same))
    assert low < 0 < high
    better = same + 0.1 + rng.normal(0, 0.1, 400)
    low, high = judging.bounds(np.arange(400), better, same)
    assert 0 < low < float((better - same).mean()) < high


def test_nothing_that_came_later_changes_what_was_known(told: World) -> None:
    parts = questions.split(told)
    there = questions.possible(told, parts.test_s, np.inf)
    cut = int(np.searchsorted(told.attended.at, parts.test_s))
    early = _keep(told.attended, np.arange(len(told.attended.at)) < cut)
    signed = _keep(told.signed, told.signed.at < parts.test_s)
    blind = told._replace(attended=early, decided=told.decided[:cut], signed=signed)
    seeing, not_seeing = (Past(one, parts.test_s, there) for one in (told, blind))
    for person in range(0, 500, 25):
        for one, other in zip(seeing.facts(person, parts.test_s), not_seeing.facts(person, parts.test_s), strict=True):
            np.testing.assert_array_equal(one, other)
        nearness = np.zeros(len(there))
        seen, unseen = (rivals.score(past, person, nearness) for past in (seeing, not_seeing))
        np.testing.assert_array_equal(seen, unseen)


def test_what_is_learnt_and_what_is_tested_do_not_overlap(told: World) -> None:
    parts = questions.split(told)
    assert parts.learn_s < parts.test_s < parts.end_s
    there = questions.possible(told, parts.learn_s, parts.test_s)
    starts = told.things.starts[there][told.things.event[there]]
    assert ((starts >= parts.learn_s) & (starts < parts.test_s)).all()


def test_ours_beats_all_three_in_their_best_form(found: Found) -> None:
    best = relevance.best_forms(found.methods, found.groups["all"])
    recall, ndcg, _ = found.groups["all"].means()
    for place in best.values():
        assert recall[0] > 1.1 * recall[place]
        assert ndcg[0] > 1.1 * ndcg[place]
        assert recall[found.methods.index(SHIPPED)] > recall[place]


@pytest.mark.parametrize("factor", [Factor.DISTANCE, Factor.INTERESTS, Factor.COMMUNITY])
def test_a_factor_that_matters_is_missed_even_when_the_others_are_learnt_anew(found: Found, factor: Factor) -> None:
    ndcg = found.groups["all"].means()[1]
    assert ndcg[found.methods.index(f"without {factor}")] < ndcg[0]


def test_a_shuffled_ranking_finds_no_more_than_chance(
    told: World, found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight, rng = ranking.values, np.random.default_rng(1)
    monkeypatch.setattr(ranking, "values", lambda facts: rng.permutation(straight(facts)))
    shuffled = relevance.run(told, relevance._parse(["--people", "150"]))
    assert recall_of(shuffled, OURS) < 0.3 * recall_of(found, OURS)


def test_the_shipped_weights_are_those_that_are_learnt(tmp_path: Path) -> None:
    # A quarter of the world they were learnt in, of another seed: errors are two to three times as wide.
    world.make(tmp_path, world.PLANS["mixed"]._replace(people=1000, venues=300, cities=1, seed=11))
    told = worldfiles.read(tmp_path)
    parts = questions.split(told)
    past = Past(told, parts.learn_s, questions.possible(told, parts.learn_s, parts.test_s))
    asked, _ = questions.ask(told, past, parts.test_s, 1000, "moment", 1)
    learnt, _ = questions.learn(past, asked, dict.fromkeys(FACTORS, 0.5), 1, lambda all_of_them, _: all_of_them)
    for factor, shipped in ranking.DEFAULT.items():
        assert learnt.weights[factor] == pytest.approx(shipped, abs=0.15 + 0.3 * shipped), factor


def test_it_prints_tables_and_writes_what_the_contract_names(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--data", str(folder), "--people", "100", "--json", str(tmp_path / "found.json")]
    assert relevance.main(options) == 0
    said = capsys.readouterr().out
    assert "100 people of" in said
    assert "| without distance" in said
    found = json.loads((tmp_path / "found.json").read_text())
    keys = {"recall_at_10", "ndcg_at_10", "coverage"}
    assert found["metrics"].keys() == keys
    assert {name: each.keys() for name, each in found["baseline"].items()} == dict.fromkeys(rivals.FORMS, keys)
    assert found["ratio"].keys() == rivals.FORMS.keys()
    assert set(found["more"]["groups"]) >= {"all", "events", "venues", "not been there"}


def test_wrong_files_are_told_and_end_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert relevance.main(["--data", str(tmp_path)]) == 2
    assert "there must be things.csv and attendance.csv" in capsys.readouterr().out


def test_make_writes_a_world(tmp_path: Path) -> None:
    sizes = ["--population", "40", "--venues", "10", "--cities", "1", "--days", "20"]
    assert relevance.main(["--make", str(tmp_path), "--packed", *sizes]) == 0
    assert len(worldfiles.read(tmp_path).people.ids) == 40

"""Weights that make what people chose likeliest: found again, never below 0, and little data changes little."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import learning
from geo.learning import Choices
from geo.ranking import FACTORS, Factor, Floats

WIDE = len(FACTORS)


def choose(weights: Floats, choices: int, others: int, seed: int) -> Choices:
    """Choices of people who choose by these weights, each of so many things of random values."""
    rng = np.random.default_rng(seed)
    sets = []
    for _ in range(choices):
        values = rng.random((others, len(weights)))
        chosen = int(np.argmax(values @ weights + rng.gumbel(size=others)))
        order = [chosen, *(row for row in range(others) if row != chosen)]
        sets.append((values[order], np.ones(others), 1.0))
    return learning.gather(sets)


def test_weights_by_which_people_chose_are_found_again_within_their_errors() -> None:
    truth = np.array([2.0, 0.0, 1.0, 3.0, 0.5, 0.0, 1.5, 0.0, 0.8, 2.5, 0.0])
    found = learning.learn(choose(truth, 4000, 20, seed=5), dict.fromkeys(FACTORS, 1.0))
    for factor, true in zip(FACTORS, truth, strict=True):
        error = found.errors[factor]
        assert abs(found.weights[factor] - true) < 4 * (0.08 if np.isnan(error) else error)
    assert found.choices == 4000


def test_the_same_choices_give_the_same_weights_to_the_last_digit() -> None:
    choices, prior = choose(np.linspace(0, 2, WIDE), 200, 8, seed=1), dict.fromkeys(FACTORS, 0.7)
    assert learning.learn(choices, prior).weights == learning.learn(choices, prior).weights


def test_what_speaks_against_a_thing_gets_no_weight_instead_of_one_below_0() -> None:
    values = np.zeros((2, WIDE))
    values[1, 0] = 1.0  # everybody takes the other one
    found = learning.learn(learning.gather([(values, np.ones(2), 1.0)] * 500), dict.fromkeys(FACTORS, 1.0))
    assert found.weights[Factor.DISTANCE] == 0.0
    assert np.isnan(found.errors[Factor.DISTANCE])


def test_without_choices_the_prior_stays() -> None:
    prior = {factor: 0.1 * place for place, factor in enumerate(FACTORS)}
    assert learning.learn(learning.gather([]), prior).weights == pytest.approx(prior)


def test_a_factor_in_which_all_things_are_alike_keeps_its_prior() -> None:
    choices = choose(np.ones(WIDE), 300, 6, seed=2)
    choices.values[:, 4] = 1.0
    prior = dict.fromkeys(FACTORS, 0.3)
    assert learning.learn(choices, prior).weights[FACTORS[4]] == pytest.approx(0.3, abs=1e-6)


def test_few_choices_change_little_and_many_change_much() -> None:
    prior = dict.fromkeys(FACTORS, 0.0) | {Factor.INTERESTS: 0.2}
    truth = np.zeros(WIDE)
    truth[FACTORS.index(Factor.INTERESTS)] = 3.0
    few, many = (
        learning.learn(choose(truth, count, 10, seed=3), prior).weights[Factor.INTERESTS] for count in (4, 2000)
    )
    assert 0.2 <= few < 1.2
    assert many == pytest.approx(3.0, abs=0.4)


def test_a_row_that_stands_for_many_weighs_as_much_as_all_of_them() -> None:
    rng = np.random.default_rng(4)
    sets, listed = [], []
    for _ in range(100):
        chosen, other = rng.random((1, WIDE)), rng.random((1, WIDE))
        sets.append((np.vstack([chosen, other]), np.array([1.0, 30.0]), 1.0))
        listed.append((np.vstack([chosen, *[other] * 30]), np.ones(31), 1.0))
    prior = dict.fromkeys(FACTORS, 1.0)
    short, long = (learning.learn(learning.gather(each), prior) for each in (sets, listed))
    assert short.weights == pytest.approx(long.weights, abs=1e-4)
    assert short.fit == pytest.approx(long.fit, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.floats(0, 3))
def test_no_weights_nearby_explain_the_choices_better(seed: int, count: int, prior: float) -> None:
    choices = choose(np.linspace(0, 3, WIDE), count, 5, seed)
    at = np.full(WIDE, prior)
    found, _, _ = learning.solve(choices, at, prior_choices=5.0)
    assert (found >= 0).all()
    hold = 5.0 * np.maximum(np.diag(learning._judge(choices, at)[2]) / count, learning.LEAST_VARIANCE)

    def cost(weights: Floats) -> float:
        return learning._judge(choices, weights)[0] + 0.5 * float(hold @ (weights - at) ** 2)

    rng = np.random.default_rng(seed)
    for _ in range(20):
        assert cost(found) <= cost(np.maximum(0, found + rng.normal(0, 0.05, WIDE))) + 1e-6

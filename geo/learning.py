"""Which weights make what people really chose likeliest: a conditional logit, fitted by projected Newton steps; pure.

Somebody who chose one thing of those that there were chose it with the chance exp(score) / sum of exp(scores) of all
(McFadden, 1974). The logarithm of that is concave in the weights, so that there is one best answer, and every run finds
the same one. Two things are asked of it besides: no weight is below 0, since each value is made so that more of it
speaks for a thing, and a reason that speaks against one is none; and weights stay near the prior ones as long as few
choices speak against these.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from geo.ranking import FACTORS, Factor, Floats, Weights

# The prior weighs as much as so many choices: 20 people have to choose otherwise before it is half forgotten.
PRIOR_CHOICES = 20.0
# Of a factor of which nothing can be seen (all things alike in it) the prior stays; this is the least it weighs, in
# units of a value's variance among what could be chosen.
LEAST_VARIANCE = 0.01
MOST_STEPS = 100  # Newton takes five to ten
NEAR_ENOUGH = 1e-7  # of the gradient for each choice: weights are then right to five digits and more
SHORTEST_STEP = 1e-9


class Choices(NamedTuple):
    """What people chose, and of what.

    values: (rows, factors) of all sets, one after the other, the chosen thing first in each. begins: (choices,) the
    row where each set begins. stands_for: (rows,) how many things each row stands for, more than 1 where only a part of
    what there was is listed. counts: (choices,) what each choice counts.
    """

    values: Floats
    begins: np.ndarray[tuple[int], np.dtype[np.int64]]
    stands_for: Floats
    counts: Floats


class Learnt(NamedTuple):
    """Weights, the standard error of each (NaN where a weight is at 0), and the mean ln of the chance of the chosen."""

    weights: dict[Factor, float]
    errors: dict[Factor, float]
    fit: float
    choices: int


def gather(sets: Sequence[tuple[Floats, Floats, float]]) -> Choices:
    """Choices of (values with the chosen row first, what each row stands for, what the choice counts) of each."""
    sizes = [len(values) for values, _, _ in sets]
    width = sets[0][0].shape[1] if sets else len(FACTORS)
    return Choices(
        np.concatenate([values for values, _, _ in sets]) if sets else np.empty((0, width)),
        np.concatenate([[0], np.cumsum(sizes[:-1])]).astype(np.int64) if sets else np.empty(0, np.int64),
        np.concatenate([stands for _, stands, _ in sets]) if sets else np.empty(0),
        np.array([count for _, _, count in sets], dtype=np.float64),
    )


def learn(choices: Choices, prior: Weights, prior_choices: float = PRIOR_CHOICES) -> Learnt:
    """The weights that make the choices likeliest, not below 0, drawn towards the prior ones."""
    at = np.array([prior[factor] for factor in FACTORS])
    found, errors, fit = solve(choices, at, prior_choices)
    return Learnt(_named(found), _named(errors), fit, len(choices.counts))


def solve(choices: Choices, prior: Floats, prior_choices: float) -> tuple[Floats, Floats, float]:
    """The same for plain arrays of any number of columns: weights, their errors, mean ln of the chance."""
    if not len(choices.counts):
        return prior.copy(), np.full_like(prior, np.nan), 0.0
    total = choices.counts.sum()
    _, _, bend = _judge(choices, prior)
    hold = prior_choices * np.maximum(np.diag(bend) / total, LEAST_VARIANCE)

    def cost(weights: Floats) -> tuple[float, Floats, Floats]:
        loss, slope, bend = _judge(choices, weights)
        away = weights - prior
        return loss + 0.5 * float(hold @ away**2), slope + hold * away, bend + np.diag(hold)

    weights = prior.copy()
    loss, slope, bend = cost(weights)
    for _ in range(MOST_STEPS):
        free = (weights > 0) | (slope < 0)
        if not free.any() or np.abs(slope[free]).max() < NEAR_ENOUGH * total:
            break
        step = np.zeros_like(weights)
        step[free] = -np.linalg.solve(bend[np.ix_(free, free)], slope[free])
        size = 1.0
        while size > SHORTEST_STEP:
            tried = np.maximum(0.0, weights + size * step)
            found = cost(tried)
            if found[0] < loss:
                break
            size /= 2
        else:
            break  # no step makes it better: that is the best there is, as far as numbers tell
        weights, (loss, slope, bend) = tried, found
    free = weights > 0
    errors = np.full_like(weights, np.nan)
    if free.any():
        errors[free] = np.sqrt(np.diag(np.linalg.inv(bend[np.ix_(free, free)])))
    return weights, errors, float(-_judge(choices, weights)[0] / total)


def _judge(choices: Choices, weights: Floats) -> tuple[float, Floats, Floats]:
    """-ln of the chance of all that was chosen, its slope and its bend (the matrix of second derivatives)."""
    scores = choices.values @ weights + np.log(choices.stands_for)
    sizes = np.diff(np.append(choices.begins, len(scores)))
    best = np.maximum.reduceat(scores, choices.begins)
    parts = np.exp(scores - np.repeat(best, sizes))
    sums = np.add.reduceat(parts, choices.begins)
    chances = parts / np.repeat(sums, sizes)
    loss = choices.counts @ (best + np.log(sums) - scores[choices.begins])
    means = np.add.reduceat(chances[:, None] * choices.values, choices.begins, axis=0)
    slope = choices.counts @ (means - choices.values[choices.begins])
    weighed = chances * np.repeat(choices.counts, sizes)
    bend = choices.values.T @ (weighed[:, None] * choices.values) - means.T @ (choices.counts[:, None] * means)
    return float(loss), slope, bend


def _named(found: Floats) -> dict[Factor, float]:
    return dict(zip(FACTORS, found.tolist(), strict=True))

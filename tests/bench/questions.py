"""Who is asked for, when, and what she then came to; and what can be learnt of that."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from geo import learning, ranking
from geo.learning import Choices, Learnt
from geo.ranking import FACTORS, Weights
from tests.bench.past import Past
from tests.bench.worldfiles import NONE, Floats, Ints, World

ASKS = ("split", "moment")
TEST_SHARE = 0.2  # of the attendances, by a date
LEARN_SHARE = 0.25  # of those before it: what is learnt from; what came still earlier is the past that it learns with
MOMENTS = 5  # questions of a person at most, where each decision is one
CHOICES = 5  # of a person to learn from: who goes out every day does not decide for all
HARD, EASY = 100, 100  # others beside a chosen thing: the best of the others, and as many of the rest by chance
FIRST_LOOK = 300  # questions that find out which others are hard


class Question(NamedTuple):
    """Somebody asks at a time (seconds since the epoch); relevant: rows of `there` that she then came to."""

    person: int
    at_s: float
    relevant: Ints


class Split(NamedTuple):
    """When the past of learning ends, when that of the test ends, and when everything does; seconds since the epoch."""

    learn_s: float
    test_s: float
    end_s: float


def split(world: World, at_s: float | None = None) -> Split:
    """Three parts by time; at_s: where the test begins, else such that it has its share of the attendances."""
    at = world.attended.at
    test_s = float(np.quantile(at, 1 - TEST_SHARE)) if at_s is None else at_s
    before = at[at < test_s]
    learn_s = float(np.quantile(before, 1 - LEARN_SHARE)) if len(before) else test_s
    return Split(learn_s, test_s, float(at[-1]) + 1.0)


def possible(world: World, from_s: float, until_s: float) -> Ints:
    """Numbers of what one can go to in that time: venues, and events that begin in it."""
    things = world.things
    return np.flatnonzero(~things.event | ((things.starts >= from_s) & (things.starts < until_s)))


def ask(world: World, past: Past, until_s: float, most_people: int, how: str, seed: int) -> tuple[list[Question], int]:
    """The questions of those who came to something before until_s, of so many of them; and how many they were.

    how: split (each asks once, when the past ends, for all that she then came to) or moment (each decision is one).
    """
    low, high = np.searchsorted(world.attended.at, [past.until_s, until_s])
    rows = np.arange(low, high)
    rows = rows[past.row_of[world.attended.other[rows]] != NONE]
    people = np.unique(world.attended.person[rows])
    rng = np.random.default_rng(seed)
    chosen = people if len(people) <= most_people else np.sort(rng.choice(people, most_people, replace=False))
    rows = rows[np.isin(world.attended.person[rows], chosen)]
    rows = rows[np.argsort(world.attended.person[rows], kind="stable")]
    parts = np.split(rows, np.flatnonzero(np.diff(world.attended.person[rows])) + 1) if len(rows) else []
    return [question for part in parts for question in _questions(world, past, part, how, rng)], len(people)


def _questions(world: World, past: Past, rows: Ints, how: str, rng: np.random.Generator) -> Iterator[Question]:
    person, attended = int(world.attended.person[rows[0]]), world.attended
    if how == "split":
        yield Question(person, past.until_s, np.unique(past.row_of[attended.other[rows]]))
        return
    decided = world.decided[rows]
    # Of an event one knows when she decided, or nothing: she may have asked when the past ended. A venue is a matter of
    # the moment. What was decided in the past was not asked afterwards.
    unknown = np.where(world.things.event[attended.other[rows]], past.until_s, attended.at[rows])
    asked = np.where(np.isnan(decided), unknown, np.minimum(decided, attended.at[rows]))
    kept = np.flatnonzero(asked >= past.until_s)
    for place in kept if len(kept) <= MOMENTS else rng.choice(kept, MOMENTS, replace=False):
        row = past.row_of[attended.other[rows[place : place + 1]]]
        starts = past.starts[row[0]]
        at_s = float(asked[place] if np.isnan(starts) else min(asked[place], starts))
        yield Question(person, at_s, row)


def is_open(past: Past, at_s: float) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Which of `there` one can still go to then."""
    return np.asarray(~(past.starts < at_s))


Along = Callable[[Iterable[Question], str], Iterable[Question]]


def learn(past: Past, questions: list[Question], prior: Weights, seed: int, along: Along) -> tuple[Learnt, Choices]:
    """Weights that make likely what people came to; along: shows how far it is."""
    rng = np.random.default_rng(seed)
    some = len(questions) > 2 * FIRST_LOOK
    first = [questions[n] for n in rng.choice(len(questions), FIRST_LOOK, replace=False)] if some else questions
    found = learning.learn(gather(past, along(first, "learning, first look"), prior, rng), prior)
    choices = gather(past, along(questions, "learning"), found.weights, rng)
    return learning.learn(choices, prior), choices


def gather(past: Past, questions: Iterable[Question], weights: Weights, rng: np.random.Generator) -> Choices:
    """What was chosen, each beside the others that these weights like best, and some of the rest."""
    scale = np.array([weights[factor] for factor in FACTORS])
    sets: list[tuple[Floats, Floats, float]] = []
    for question in questions:
        values = ranking.values(past.facts(question.person, question.at_s))
        others = is_open(past, question.at_s)
        others[question.relevant] = False
        rows = np.flatnonzero(others)
        score = values[rows] @ scale
        best = np.argpartition(-score, HARD)[:HARD] if len(rows) > HARD else np.arange(len(rows))
        rest = np.setdiff1d(np.arange(len(rows)), best, assume_unique=True)
        drawn = rng.choice(rest, EASY, replace=False) if len(rest) > EASY else rest
        stands = [np.ones(1 + len(best)), np.full(len(drawn), len(rest) / max(1, len(drawn)))]
        kept = values[rows[np.concatenate([best, drawn])]]
        relevant = question.relevant
        chosen = rng.choice(relevant, CHOICES, replace=False) if len(relevant) > CHOICES else relevant
        sets += [(np.vstack([values[row], kept]), np.concatenate(stands), 1.0) for row in chosen]
    return learning.gather(sets)


def without(choices: Choices, prior: Weights, factor: ranking.Factor) -> dict[ranking.Factor, float]:
    """Weights learnt without a factor, which gets 0."""
    column = FACTORS.index(factor)
    blind = choices.values.copy()
    blind[:, column] = 0.0
    found = learning.learn(choices._replace(values=blind), prior).weights
    return {**found, factor: 0.0}

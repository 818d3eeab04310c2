"""How good a ranking is: recall and NDCG at ten, coverage, and how sure one is that one is better than another."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.bench.worldfiles import Floats, Ints

TEN = 10
DRAWS = 1000  # of a bootstrap: its bounds are then right to about a twentieth of their distance
SURE = (2.5, 97.5)  # percentiles between which 95 of 100 draws lie
DISCOUNT = 1.0 / np.log2(np.arange(TEN) + 2.0)  # of NDCG: the first place counts 1, the tenth 0.29

Flags = NDArray[np.bool_]


class Judged(NamedTuple):
    """What rankings got: (questions, methods) recall and NDCG at ten; shown: (methods, things), in anybody's ten."""

    person: Ints
    recall: Floats
    ndcg: Floats
    shown: Flags

    def means(self) -> tuple[Floats, Floats, Floats]:
        """Recall, NDCG and coverage of each method; every person counts the same."""
        return (
            by_person(self.person, self.recall).mean(axis=0),
            by_person(self.person, self.ndcg).mean(axis=0),
            self.shown.mean(axis=1),
        )


def top(scores: Floats, possible: Flags) -> Ints:
    """The rows (ten or fewer, methods) of the best of each column, best first; of equals the first row."""
    scores = np.where(possible[:, None], scores, -np.inf)
    most = min(TEN, int(possible.sum()))
    kept = np.argpartition(-scores, most - 1, axis=0)[:most] if most < len(scores) else np.argsort(-scores, axis=0)
    kept = np.sort(kept[:most], axis=0)
    order = np.argsort(-np.take_along_axis(scores, kept, axis=0), axis=0, kind="stable")
    return np.take_along_axis(kept, order, axis=0)


def judge(best: Ints, relevant: Ints) -> tuple[Floats, Floats]:
    """Recall and NDCG at ten of each method's best, for what she really came to (at least one thing)."""
    hits = np.isin(best, relevant)
    gained = DISCOUNT[: len(best)] @ hits
    return hits.sum(axis=0) / len(relevant), gained / DISCOUNT[: min(TEN, len(relevant))].sum()


class Tally:
    """Judgements, gathered question by question."""

    def __init__(self, methods: int, things: int) -> None:
        """Nothing yet."""
        self.shown = np.zeros((methods, things), dtype=bool)
        self.rows: list[tuple[int, Floats, Floats]] = []

    def add(self, person: int, scores: Floats, possible: Flags, relevant: Ints) -> None:
        """One question: what each method says of what was possible, and what was chosen (none of it: not counted)."""
        relevant = relevant[possible[relevant]]
        if not len(relevant):
            return
        best = top(scores, possible)
        self.shown[np.arange(best.shape[1])[None], best] = True
        self.rows.append((person, *judge(best, relevant)))

    def close(self, reachable: Flags) -> Judged:
        """All of it; coverage is among what could be reached."""
        width = len(self.shown)
        return Judged(
            np.array([row[0] for row in self.rows], dtype=np.int64),
            np.array([row[1] for row in self.rows]).reshape(-1, width),
            np.array([row[2] for row in self.rows]).reshape(-1, width),
            self.shown[:, reachable],
        )


def by_person(person: Ints, values: Floats) -> Floats:
    """(people, methods) means of each person's questions."""
    _, number, counts = np.unique(person, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), values.shape[1]))
    np.add.at(sums, number, values)
    return sums / counts[:, None]


def bounds(person: Ints, ours: Floats, theirs: Floats, seed: int = 0) -> tuple[float, float]:
    """Where the mean difference of two methods (ours minus theirs) lies, by a bootstrap over the people."""
    apart = by_person(person, (ours - theirs)[:, None])[:, 0]
    rng: Any = np.random.default_rng(seed)
    drawn = [apart[rng.integers(0, len(apart), len(apart))].mean() for _ in range(DRAWS)]
    low, high = np.percentile(drawn, SURE)
    return float(low), float(high)

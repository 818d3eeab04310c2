"""`muster bench relevance`: does our ranking find what people really came to, better than three simple ones?

Reads a world (docs/relevance.md), or makes one; learns the weights from the earlier part; ranks for people of the later
part, which nothing has seen, all that they could have gone to. Beside ours, learnt and shipped: nearest first, most
popular, Mobilizon's related score, and ours without each factor.
"""

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from geo import ranking
from geo.learning import Choices, Learnt
from geo.ranking import FACTORS, Factor, Weights
from tests.bench import figures, judging, questions, rivals, world, worldfiles
from tests.bench.judging import Judged, Tally
from tests.bench.past import Past
from tests.bench.questions import Question
from tests.bench.worldfiles import World, WrongWorld

PEOPLE = 2000  # tested and learnt from at most: the bounds are then about a hundredth wide
LITTLE = 5  # attendances before the split: who has fewer is new here
OURS, SHIPPED = "ours, learnt", "ours, shipped"
BASES = [form for forms in rivals.FORMS.values() for form in forms]


class Found(NamedTuple):
    """What a run found. groups: what was asked of whom -> what each method got. people: tested, of so many."""

    methods: list[str]
    groups: dict[str, Judged]
    learnt: Learnt
    people: int
    of_people: int


def main(argv: list[str]) -> int:
    """Runs the benchmark; 1 when a baseline is as good as ours, 2 when the files are not as they should be."""
    options = _parse(argv)
    plan = _plan(options)
    if options.make is not None:
        with _bar() as bar:
            days = bar.add_task("living", total=plan.days * plan.cities)
            world.make(options.make, plan, lambda count: bar.advance(days, count), packed=options.packed)
        figures.say(f"made {options.make}")
        if options.data is None:
            return 0
    figures.say_machine()
    try:
        with contextlib.ExitStack() as stack:
            folder = options.data
            if folder is None:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                world.make(folder, plan)
                figures.say(f"a simulated world of the kind {plan.kind}, seed {plan.seed}")
            with _bar() as bar:
                lines = bar.add_task("reading", total=None)
                told = worldfiles.read(folder, lambda count: bar.advance(lines, count))
        found = run(told, options)
    except WrongWorld as error:
        figures.say(f"muster bench relevance: {error}")
        return 2
    return _tell(found, options.json)


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="muster bench relevance",
        description="Our ranking beside nearest first, most popular and Mobilizon's related score, by who really came.",
        epilog=(
            "examples:\n  muster bench relevance --data ~/check-ins\n"
            "  muster bench relevance --make /tmp/world --kind events --seed 7"
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data", metavar="DIR", type=Path, help="a world as CSV files (docs/relevance.md); else one is made"
    )
    parser.add_argument(
        "--make", metavar="DIR", type=Path, help="write a simulated world there (and test it with --data)"
    )
    parser.add_argument("--packed", action="store_true", help="write .csv.gz")
    parser.add_argument("--kind", choices=("mixed", "events", "venues"), default="mixed", help="of the simulated world")
    parser.add_argument("--seed", type=int, default=1, help="of the simulated world and of what is drawn (default 1)")
    for name in ("population", "venues", "cities", "days"):
        default = getattr(world.Plan(), "people" if name == "population" else name)
        parser.add_argument(f"--{name}", type=int, default=default, help=f"of the simulated world (default {default})")
    parser.add_argument(
        "--leave-out", default="", help="what it does not tell, with commas: " + ", ".join(world.OPTIONAL)
    )
    parser.add_argument("--people", type=int, default=PEOPLE, help=f"to test, and to learn from (default {PEOPLE})")
    parser.add_argument(
        "--split", metavar="TIME", help="where the test begins (default: its last 20 %% of attendances)"
    )
    parser.add_argument(
        "--ask",
        choices=questions.ASKS,
        default="split",
        help="split: each asks once, at the split, for all she came to later; moment: at each decision, for that one",
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    return parser.parse_args(argv)


def _plan(options: argparse.Namespace) -> world.Plan:
    left_out = frozenset(filter(None, options.leave_out.split(",")))
    plan = world.PLANS[options.kind]
    sizes: dict[str, Any] = {"people": options.population, "cities": options.cities, "days": options.days}
    if options.venues != world.Plan().venues:
        sizes["venues"] = options.venues
    return plan._replace(seed=options.seed, leaves_out=left_out, **sizes)


@contextlib.contextmanager
def _bar() -> Iterator[Progress]:
    """A progress bar on the terminal; nothing where there is none."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns,
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        yield bar


def _along(asked: Iterable[Question], what: str) -> Iterator[Question]:
    """The questions, with a bar that moves."""
    asked = list(asked)
    with _bar() as bar:
        yield from bar.track(asked, description=what)


def run(told: World, options: argparse.Namespace) -> Found:
    """Learns and tests; raises WrongWorld when there is nothing to learn from or to test."""
    if not len(told.attended.at):
        raise WrongWorld("attendance.csv is empty; nothing can be learnt of nobody")
    parts = questions.split(told, worldfiles.read_time(options.split) if options.split else None)
    past = Past(told, parts.learn_s, questions.possible(told, parts.learn_s, parts.test_s))
    asked, _ = questions.ask(told, past, parts.test_s, options.people, options.ask, options.seed)
    learnt, choices = questions.learn(past, asked, ranking.DEFAULT, options.seed, _along)
    past = Past(told, parts.test_s, questions.possible(told, parts.test_s, np.inf))
    asked, people = questions.ask(told, past, parts.end_s, options.people, options.ask, options.seed)
    if not asked:
        raise WrongWorld("nobody came to anything after the split that was there to go to; give another --split")
    return _test(past, asked, learnt, choices, people)


def _weightings(learnt: Learnt, choices: Choices) -> dict[str, Weights]:
    """Ours, learnt and shipped, and learnt anew without each factor that had any weight."""
    found: dict[str, Weights] = {OURS: learnt.weights, SHIPPED: ranking.DEFAULT}
    for factor in FACTORS:
        if learnt.weights[factor] > 0:
            found[f"without {factor}"] = questions.without(choices, ranking.DEFAULT, factor)
    return found


def _test(past: Past, asked: list[Question], learnt: Learnt, choices: Choices, of_people: int) -> Found:
    weightings = _weightings(learnt, choices)
    matrix = np.array([[weights[factor] for factor in FACTORS] for weights in weightings.values()]).T
    methods = [*weightings, *BASES]
    everything = np.ones(len(past.there), dtype=bool)
    kinds = {"events": past.event, "venues": ~past.event}
    reachable = {"all": everything, "new here": everything, "not been there": everything}
    if past.event.any() and not past.event.all():
        reachable |= kinds
    tallies = {name: Tally(len(methods), len(past.there)) for name in reachable}
    person, forms = NOBODY, np.empty((0, 0))
    for question in _along(asked, "testing"):
        values = ranking.values(past.facts(question.person, question.at_s))
        if question.person != person:
            person, forms = question.person, rivals.score(past, question.person, values[:, 0])
        scores = np.hstack([values @ matrix, forms])
        is_open = questions.is_open(past, question.at_s)
        choosing = {name: is_open & possible for name, possible in reachable.items()}
        choosing["not been there"] &= ~past.been_at(person)
        if len(past.visits.of(person)) >= LITTLE:
            del choosing["new here"]
        for name, possible in choosing.items():
            tallies[name].add(person, scores, possible, question.relevant)
    groups = {name: tally.close(reachable[name]) for name, tally in tallies.items() if tally.rows}
    return Found(methods, groups, learnt, len({question.person for question in asked}), of_people)


NOBODY = -1


def best_forms(methods: list[str], judged: Judged) -> dict[str, int]:
    """The column of each baseline in the form that found most."""
    recall = judged.means()[0]
    columns = {name: [methods.index(form) for form in forms] for name, forms in rivals.FORMS.items()}
    return {name: max(places, key=lambda place: float(recall[place])) for name, places in columns.items()}


def _tell(found: Found, path: str | None) -> int:
    """Prints the tables, writes the figures; 1 when a baseline is as good as ours."""
    judged = found.groups["all"]
    figures.say(f"\n{found.people:,} people of {found.of_people:,} who came to something after the split")
    _tell_weights(found)
    recall, ndcg, coverage = judged.means()
    best = best_forms(found.methods, judged)
    columns = {OURS: 0, SHIPPED: 1} | best
    rows: list[list[object]] = []
    between: dict[str, Any] = {}
    for name, place in columns.items():
        row: list[object] = [name, *_floats(recall[place], ndcg[place], coverage[place])]
        if name in best:
            apart = [judging.bounds(judged.person, got[:, 0], got[:, place]) for got in (judged.recall, judged.ndcg)]
            between[name] = {"recall_at_10": apart[0], "ndcg_at_10": apart[1], "form": found.methods[place]}
            row += [f"{low:+.4f} to {high:+.4f}" for low, high in apart]
        rows.append(row + [""] * (6 - len(row)))
    heads = ["ranking", "recall@10", "NDCG@10", "coverage", "ours has more recall by", "and more NDCG by"]
    figures.say("\n" + figures.draw_table(heads, rows))
    figures.say("by: 95 of 100 draws of as many people lie there\n")
    groups = {name: _group(found.methods, judged) for name, judged in found.groups.items()}
    for measure in ("recall_at_10", "ndcg_at_10"):
        rows = [
            [name, group["people"], *(group[measure][column] for column in columns)] for name, group in groups.items()
        ]
        figures.say(figures.draw_table([measure, "people", *columns], rows) + "\n")
    dropped = [place for place, name in enumerate(found.methods) if name.startswith("without ")]
    rows = [[found.methods[n], *_floats(recall[n], ndcg[n], recall[n] - recall[0], ndcg[n] - ndcg[0])] for n in dropped]
    figures.say(figures.draw_table(["learnt anew", "recall@10", "NDCG@10", "recall changes", "NDCG changes"], rows))
    ours = _measures(recall[0], ndcg[0], coverage[0])
    baseline = {name: _measures(recall[n], ndcg[n], coverage[n]) for name, n in best.items()}
    ratio = {name: float(recall[0] / recall[n]) if recall[n] else float("inf") for name, n in best.items()}
    more = {
        "people": found.people,
        "of_people": found.of_people,
        "shipped": _measures(recall[1], ndcg[1], coverage[1]),
        "weights": {factor.value: weight for factor, weight in found.learnt.weights.items()},
        "ours_minus": between,
        "groups": groups,
        "without": {
            found.methods[n].removeprefix("without "): _measures(recall[n], ndcg[n], coverage[n]) for n in dropped
        },
    }
    figures.write_json(path, "relevance", ours, baseline, ratio, more)
    beaten = all(recall[0] > recall[n] and ndcg[0] > ndcg[n] for n in best.values())
    figures.say("\nours beats all three" if beaten else "\nours does NOT beat all three")
    return 0 if beaten else 1


def _tell_weights(found: Found) -> None:
    learnt = found.learnt
    figures.say(f"weights learnt from {learnt.choices:,} choices\n")
    rows = [
        [factor.value, learnt.weights[factor], _error(learnt, factor), ranking.DEFAULT[factor]] for factor in FACTORS
    ]
    figures.say(figures.draw_table(["factor", "learnt", "give or take", "shipped"], rows))


def _error(learnt: Learnt, factor: Factor) -> object:
    error = learnt.errors[factor]
    return "" if np.isnan(error) else error


def _group(methods: list[str], judged: Judged) -> dict[str, Any]:
    recall, ndcg, _ = judged.means()
    columns = {OURS: 0, SHIPPED: 1} | best_forms(methods, judged)
    return {
        "people": len(np.unique(judged.person)),
        "recall_at_10": {name: float(recall[place]) for name, place in columns.items()},
        "ndcg_at_10": {name: float(ndcg[place]) for name, place in columns.items()},
    }


def _measures(recall: Any, ndcg: Any, coverage: Any) -> dict[str, float]:
    return {"recall_at_10": float(recall), "ndcg_at_10": float(ndcg), "coverage": float(coverage)}


def _floats(*values: Any) -> list[float]:
    return [float(value) for value in values]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

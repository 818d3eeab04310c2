"""The baselines that a ranking has to beat, each in the form that does best: nearest, most popular, and related.

Related is Mobilizon's score between two events: the same language 5; tags, organizer, group and within 5 km 2 each; the
same category 1. What somebody came to before stands for what she looks at. A thing's score is the best or the sum of
those to her last visits; a tag in common counts once, or each does. All four are tried.
"""

import numpy as np

from geo import chords
from tests.bench.past import Past
from tests.bench.worldfiles import NONE, Floats, Ints

LAST_VISITS = 20  # of what one came to: those before hardly change which are related
RELATED_M = 5000.0
FORMS = {
    "nearest": ("nearest",),
    "popular": ("popular of late", "popular ever"),
    "related": ("related, best", "related, sum", "related, best, each tag", "related, sum, each tag"),
}
TIE = 1e-6  # of two that are equal the nearer one comes first, in all of them


def score(past: Past, person: int, nearness: Floats) -> Floats:
    """Scores (n, forms) of what there is; nearness: more for what is nearer, which is the first of them."""
    came = [np.log1p(past.came), np.log1p(past.came_ever)]
    columns = np.stack([nearness, *came, *relate(past, person)], axis=1)
    columns[:, 1:] += TIE * nearness[:, None]
    return columns


def relate(past: Past, person: int) -> list[Floats]:
    """The four forms of the related score of everything that there is."""
    things, there = past.world.things, past.there
    visits = np.unique(past.thing[past.visits_of(person)[:LAST_VISITS]])
    best, total, best_each, total_each = (np.zeros(len(there)) for _ in range(4))
    for thing in visits:
        alike = np.zeros(len(there))
        for column, weight in (
            (things.language, 5),
            (things.organizer, 2),
            (things.community, 2),
            (things.category, 1),
        ):
            if column[thing] != NONE:
                alike += weight * (column[there] == column[thing])
        near = chords.metres(past.units[there] @ past.units[thing]) <= RELATED_M
        alike += 2 * near
        tags = things.tags.tag[things.tags.begins[thing] : things.tags.begins[thing + 1]]
        shared = _share_tags(past, tags)
        any_tag, each_tag = alike + 2 * (shared > 0), alike + 2 * shared
        best, total = np.maximum(best, any_tag), total + any_tag
        best_each, total_each = np.maximum(best_each, each_tag), total_each + each_tag
    return [best, total, best_each, total_each]


def _share_tags(past: Past, tags: Ints) -> Floats:
    """How many of these tags each of what there is has."""
    marked = np.zeros(len(past.world.tags))
    marked[tags] = 1.0
    return np.bincount(past.tag_row, weights=marked[past.tag], minlength=len(past.there)).astype(np.float64)

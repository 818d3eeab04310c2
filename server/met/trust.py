"""What a member's word weighs: by the gatherings that she really came to, and by how many she met there. Pure.

Nobody is shown a number about anybody: it orders what people say (reviews), and decides whether a word counts (in
votes, to hide something). She herself reads why hers does (`words.py`). There a host's hand is as good as a badge, or
circles without badges could decide nothing; in reviews it weighs least: five friends are waved through in a minute.
"""

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

from server.turnout import evidence

CAME_WITHIN = dt.timedelta(days=90)  # of late: a monthly gathering, missed twice
# One coming by its evidence: what a radio heard for minutes, what somebody at the door or a changing screen showed, a
# position or a beacon that a phone told of, a code that can be passed on, and a friend's hand.
WEIGHTS = {"beacon": 1.0, "qr": 0.9, "screen": 0.9, "phone": 0.7, "heard": 0.7, "poster": 0.5, "manual": 0.2}
LEAST = 0.2
MOST_GATHERINGS = 5  # who came five times of late knows a place as well as who came fifty
MET_EACH = 0.1  # somebody who met ten people was no doubt there ...
MOST_MET = 10  # ... and more of them say nothing more


class Word(NamedTuple):
    """Whether a member's word counts somewhere, and why. gatherings: how many she came to of late.

    by_meeting: what proves her coming is weak, and counts since she met somebody there.
    """

    counts: bool
    gatherings: int
    by_meeting: bool


def weight(evidence_of_each: Iterable[str], met: int = 0) -> float:
    """What her word weighs, 0 of who came to nothing. evidence_of_each: the strongest of each gathering she came to."""
    came = sorted((WEIGHTS.get(one, LEAST) for one in evidence_of_each), reverse=True)[:MOST_GATHERINGS]
    return sum(came) * (1 + MET_EACH * min(max(met, 0), MOST_MET)) if came else 0.0


def strongest(evidence_: Iterable[str]) -> str | None:
    """The evidence of several that weighs most here; None of nothing."""
    return max(evidence_, key=lambda one: (WEIGHTS.get(one, LEAST), one), default=None)


def word(evidence_of_each: Iterable[str], met: int = 0) -> Word:
    """Whether her word counts, by the evidence of all that she came to of late, and how many she met there."""
    by = list(evidence_of_each)
    alone = evidence.has_word(by)
    counts = alone or evidence.has_word(by, met)
    return Word(counts, len(by), counts and not alone)

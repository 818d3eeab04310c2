"""Numbers of people that nobody's coming can be read from; pure.

What is told is a multiple of STEP that is never more than there are, and nothing below K. Where it steps up is shifted
by an offset from 0 to STEP - 1 that is secret and always the same for one figure: whoever takes away people of her own
one by one until the figure steps finds STEP different numbers of others that would have stepped there, or that there
may be no others at all.
"""

import hashlib
import hmac
from typing import NamedTuple

K = 5  # k-anonymity: fewer are told as nobody
STEP = 5


class Figure(NamedTuple):
    """People: those who are seen by name, and at least so many others; None: too few others to be told, or none."""

    named: int
    others: int | None

    @property
    def least(self) -> int:
        """At least so many people."""
        return self.named + (self.others or 0)


def at_least(people: int, offset: int) -> int | None:
    """What is told of so many people: at least that many; None below K. offset: 0 to STEP - 1."""
    told = STEP * ((people - offset) // STEP)
    return told if told >= K else None


def offset_of(secret: bytes, figure: str) -> int:
    """The offset of a figure, the same whenever it is asked for."""
    return int.from_bytes(hmac.digest(secret, figure.encode(), hashlib.sha256)[:8], "big") % STEP

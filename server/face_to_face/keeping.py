"""Keep or let go: what becomes of a circle that was founded face to face and then fell silent. Pure."""

import datetime as dt
from enum import StrEnum
from typing import NamedTuple

SILENT = dt.timedelta(days=7)  # without a word: no gathering, no proposal, no post, no edit
ANSWERS = dt.timedelta(days=7)  # as long as its members may answer


class Verdict(StrEnum):
    """What is to be done."""

    WAIT = "wait"
    ASK = "ask"
    KEEP = "keep"
    LET_GO = "let_go"


class Circle(NamedTuple):
    """What decides. last_word_at: what is planned is a word of the time for which it is. keep, let_go: answers."""

    last_word_at: dt.datetime
    asked_at: dt.datetime | None
    members: int
    keep: int
    let_go: int


def judge(circle: Circle, now: dt.datetime) -> Verdict:
    """Asked after a week's silence, decided a week later or once all have answered.

    Whatever is said meanwhile keeps it; a tie keeps it; nobody's answer lets it go.
    """
    if circle.asked_at is None:
        return Verdict.ASK if now - circle.last_word_at >= SILENT else Verdict.WAIT
    if circle.last_word_at > circle.asked_at:
        return Verdict.KEEP
    answered = circle.keep + circle.let_go
    if now < circle.asked_at + ANSWERS and answered < circle.members:
        return Verdict.WAIT
    return Verdict.KEEP if answered and circle.keep >= circle.let_go else Verdict.LET_GO

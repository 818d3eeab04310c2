"""What the API takes and says of the morning after."""

from typing import Annotated, Literal

from pydantic import Field

from server.fields import Incoming, Moment, Outgoing
from server.mornings import service as mornings

Word = Literal["yes", "no", "differently"]


class AnswerIn(Incoming):
    """Whether you want it again, and a line about it for the host, who sees it without your name."""

    answer: Word
    line: Annotated[str, Field(max_length=4 * mornings.LONGEST_LINE)] = ""


class LineOut(Outgoing):
    """A line that somebody wrote; answer: what she said, where numbers are told."""

    answer: Word | None
    line: str


class MorningOut(Outgoing):
    """The morning after. open: it can be answered; answer, line: yours; counts: of five answers or more.

    lines: for hosts, of three or more, in no order. proposal: what was opened of it.
    """

    event: str
    begins_at: Moment
    ends_at: Moment
    open: bool
    answer: Word | None
    line: str
    answers: int | None
    counts: dict[Word, int] | None
    lines: list[LineOut]
    proposal: str | None

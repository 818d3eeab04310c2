"""What the API says of lists that came in."""

from server.exports.service import Outcome
from server.fields import Outgoing

SHOWN = 20  # as many as somebody compares with her own list


class ListedOut(Outgoing):
    """Somebody new on the list."""

    line: int
    name: str
    email: str | None


class ListOut(Outgoing):
    """What a list brings, or would bring. preview: nothing was changed.

    new: who was not on the event's list; first: some of them. repeated: lines that say what an earlier one said.
    ignored: columns that were not looked at.
    """

    preview: bool
    new: int
    already: int
    first: list[ListedOut]
    repeated: list[int]
    ignored: list[str]


def show(found: Outcome, preview: bool) -> ListOut:
    """A list as the API tells it."""
    return ListOut(
        preview=preview,
        new=len(found.new),
        already=found.already,
        first=[ListedOut(line=one.line, name=one.name, email=one.email) for one in found.new[:SHOWN]],
        repeated=list(found.read.repeated),
        ignored=list(found.read.ignored),
    )

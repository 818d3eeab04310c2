"""What is said of a gathering beside its name, its steps and its community."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from server import names
from server.errors import Invalid

Kind = Literal["sharing", "dinner", "walk", "class", "exhibition", "trip", "other"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PRICE_MAX_LENGTH = 80  # "12 euros, soup included"
MOST_GUESTS = 20  # whoever brings more is a group of its own, and asks the host


@dataclass(frozen=True, slots=True)
class Details:
    """What a gathering is. guests_max: how many each may bring. needs: how many steps make it complete, None for all.

    price: in words, nobody pays here. open_to_all: a community's gathering, for others too. by_step: one signs up for
    steps, each with its own places (`choosing`). approval: whoever signs up has asked the host.
    """

    kind: Kind = "other"
    about: str = ""
    price: str = ""
    approval: bool = False
    guests_max: int = 0
    open_to_all: bool = False
    needs: int | None = None
    by_step: bool = False
    picture_id: str | None = None


def check(said: Details, steps: int) -> dict[str, Any]:
    """The columns of what is said of a gathering of so many steps; raises Invalid."""
    if said.kind not in KINDS:
        raise Invalid("A gathering is one of these: %(kinds)s.", kinds=", ".join(KINDS))
    price = " ".join(said.price.split())
    if len(price) > PRICE_MAX_LENGTH or not price.isprintable():
        raise Invalid("What it costs is said in one line of at most %(most)s characters.", most=PRICE_MAX_LENGTH)
    if not 0 <= said.guests_max <= MOST_GUESTS:
        raise Invalid("Everybody may bring between 0 and %(most)s others.", most=MOST_GUESTS)
    if said.needs is not None and not 1 <= said.needs <= steps:
        raise Invalid("Between 1 and %(steps)s of its steps make it complete.", steps=steps)
    return {
        "kind": said.kind,
        "about": names.check_text(said.about, "event"),
        "price": price,
        "approval": said.approval,
        "guests_max": said.guests_max,
        "open_to_all": said.open_to_all,
        "needs": said.needs,
        "by_step": said.by_step,
        "picture_id": said.picture_id,
    }

"""What hides something: three members or one host; what was put back, a host alone."""

import datetime as dt

import pytest

from server.posts.hidden_by import Act, Hidden, hidden_by, was_restored
from tests.server.places import NOW

MINUTE = dt.timedelta(minutes=1)


def acts(*said: str) -> list[Act]:
    """`m` a member hides, `h` a host, `-m` a member who took it back, `-h`, `r` hosts restore, `v` a vote does."""
    found = []
    for number, word in enumerate(said):
        sign = word.lstrip("-")
        role = {"m": "member", "h": "host", "r": "host", "v": "vote"}[sign]
        act = "restore" if sign in "rv" else "hide"
        found.append(Act(act, role, f"p{number}", f"why-{number % 2}", NOW + number * MINUTE, "-" not in word))
    return found


@pytest.mark.parametrize(
    ("said", "is_hidden"),
    [
        ("", False),
        ("m m", False),
        ("m m m", True),
        ("h", True),
        ("-h", False),
        ("m -m m", False),
        ("m -m m m", True),
        ("h r", False),
        ("m m m r", False),
        ("m m m r m m m m", False),
        ("m m m r h", True),
        ("m m m r h r", False),
        ("m m m v m m m", False),
        ("m m m v h", True),
        ("m m r m", False),
        ("-h m m m", True),
        ("h -m", True),
    ],
)
def test_what_is_hidden(said: str, is_hidden: bool) -> None:
    assert (hidden_by(acts(*said.split()), members_needed=3) is not None) == is_hidden


def test_it_says_since_when_by_whom_and_why() -> None:
    found = hidden_by(acts("m", "m", "m", "m"), members_needed=3)
    assert found == Hidden(NOW + 2 * MINUTE, False, 4, ("why-0", "why-1"))
    found = hidden_by(acts("m", "h"), members_needed=3)
    assert found == Hidden(NOW + MINUTE, True, 1, ("why-1", "why-0"))


def test_what_was_put_back_is_known() -> None:
    assert was_restored(acts("m", "r"))
    assert not was_restored(acts("m", "h"))

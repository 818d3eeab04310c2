"""Four digits to say aloud: which of them are given, and what somebody typed. Pure."""

import unicodedata
from collections.abc import Collection

LENGTH = 4
TYPED_MOST = 40  # what is longer is no slip of the thumb
_RISING = "01234567890"


def is_obvious(digits: str) -> bool:
    """Whether anybody would try it first: 0000, 1234, 4321, 1212."""
    turned = digits[::-1]
    return digits[:2] == digits[2:] or digits in _RISING or turned in _RISING


GIVEN = tuple(digits for digits in (f"{number:04}" for number in range(10**LENGTH)) if not is_obvious(digits))


def free(taken: Collection[str]) -> list[str]:
    """The digits that can be given where these are taken; each is as likely as another."""
    gone = set(taken)
    return [digits for digits in GIVEN if digits not in gone]


def read(typed: str) -> str | None:
    """The four digits that somebody typed, in any script and with any gaps; None when they are none."""
    signs = [sign for sign in typed if not sign.isspace() and sign not in "-."]
    found = [unicodedata.decimal(sign, None) for sign in signs]
    fits = len(typed) <= TYPED_MOST and len(found) == LENGTH and None not in found
    return "".join(map(str, found)) if fits else None

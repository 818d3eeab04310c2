"""What brought somebody the first time: a post, her community, an invitation's link, or she walked by; pure."""

import datetime as dt
from enum import StrEnum
from typing import NamedTuple


class Way(StrEnum):
    """How somebody came the first time."""

    POST = "post"
    COMMUNITY = "community"
    LINK = "link"
    WALKED_BY = "walked_by"


class Signs(NamedTuple):
    """When she signed up for what she came to first, a post led to it, and she joined its community; None: never."""

    signed_up_at: dt.datetime | None
    posted_at: dt.datetime | None
    joined_at: dt.datetime | None


def way(signs: Signs | None) -> Way:
    """How she came. signs: None for a visit that was no gathering.

    Whoever belonged to the community before she signed up had it from a post there if one stood by then, else from the
    community; whoever did not had the link.
    """
    if signs is None or signs.signed_up_at is None:
        return Way.WALKED_BY
    if signs.joined_at is not None and signs.joined_at <= signs.signed_up_at:
        posted = signs.posted_at is not None and signs.posted_at <= signs.signed_up_at
        return Way.POST if posted else Way.COMMUNITY
    return Way.LINK

"""What notes are about, in groups that a member understands, each with how she is told of it by default.

A new kind of note is a row of KINDS; whoever tells one that has none is stopped there.
"""

from enum import StrEnum
from typing import NamedTuple

from server.texts import later


class Group(StrEnum):
    """What a member chooses by."""

    GATHERINGS = "gatherings"
    COMMUNITIES = "communities"
    PLACES = "places"
    NEAR = "near"
    SHOPS = "shops"
    PEOPLE = "people"
    POP_UPS = "pop_ups"
    SAFETY = "safety"


class Letters(StrEnum):
    """When notes of a group go out by e-mail."""

    AT_ONCE = "at_once"
    DAILY = "daily"
    WEEKLY = "weekly"
    NEVER = "never"


class Wish(NamedTuple):
    """How she wants to be told of a group. push: by her browsers, too. per_day, per_week: so many at most; None: all.

    The last two hold back what she is only offered (`wishes.allowed`); what concerns her is told whatever they are.
    """

    letters: Letters
    push: bool
    per_day: int | None = None
    per_week: int | None = None


class About(NamedTuple):
    """What a kind of note is about. wakes: goes out in quiet hours if it would come too late after them."""

    group: Group
    wakes: bool = False


TITLES = {
    Group.GATHERINGS: later("My gatherings"),
    Group.COMMUNITIES: later("My communities"),
    Group.PLACES: later("My places and cards"),
    Group.NEAR: later("Something new near me"),
    Group.SHOPS: later("Invitations of shops"),
    Group.PEOPLE: later("People near me"),
    Group.POP_UPS: later("Gather here, now"),
    Group.SAFETY: later("What was decided about me"),
}
WHAT = {
    Group.GATHERINGS: later("A place came free, something was called off or moved, a host wrote to you."),
    Group.COMMUNITIES: later("A vote, a new home, an end."),
    Group.PLACES: later("Somebody asks to gather at your place, or said how it was; a card of yours was redeemed."),
    Group.NEAR: later("A gathering, a free place, or one that needs a few more."),
    Group.SHOPS: later("At most one a week of each shop."),
    Group.PEOPLE: later("Somebody is close by whom you both agreed to be told of."),
    Group.POP_UPS: later("Enough people who like the same are where you are."),
    Group.SAFETY: later("Something of yours was hidden, or you were taken out. That is always told."),
}
# Her own gatherings cannot wait; what is merely near can until she reads the news of the day; a shop writes no letters
# unless she wants some; what lasts for an hour is nothing for a letter. Caps: an offer each few days is welcome, a
# third one in a day is noise.
DEFAULTS = {
    Group.GATHERINGS: Wish(Letters.AT_ONCE, True),
    Group.COMMUNITIES: Wish(Letters.DAILY, False),
    Group.PLACES: Wish(Letters.AT_ONCE, True),
    Group.NEAR: Wish(Letters.DAILY, False, 2, 3),
    Group.SHOPS: Wish(Letters.NEVER, False, 1, 3),
    Group.PEOPLE: Wish(Letters.NEVER, True, 3, 10),
    Group.POP_UPS: Wish(Letters.NEVER, True, 2, 7),
    Group.SAFETY: Wish(Letters.AT_ONCE, True),
}
# What she is offered, and may want none of at all (a cap of 0).
OFFERS = frozenset({Group.NEAR, Group.SHOPS, Group.PEOPLE, Group.POP_UPS})

KINDS = {
    "event.promoted": About(Group.GATHERINGS),
    "event.answered": About(Group.GATHERINGS),
    "event.called_off": About(Group.GATHERINGS, wakes=True),
    "event.moved": About(Group.GATHERINGS, wakes=True),
    "event.series_ended": About(Group.GATHERINGS),
    "step_reminder": About(Group.GATHERINGS),
    "message": About(Group.GATHERINGS),
    "morning": About(Group.GATHERINGS),
    "morning.leads": About(Group.GATHERINGS),
    "proposal.counted": About(Group.GATHERINGS),
    "proposal.settled": About(Group.GATHERINGS),
    "pop_up.on": About(Group.GATHERINGS, wakes=True),
    "pop_up.over": About(Group.GATHERINGS),
    "proposal.lapsed": About(Group.GATHERINGS),
    "proposal.withdrawn": About(Group.GATHERINGS),
    "welcome.answered": About(Group.GATHERINGS),
    "circle.keep": About(Group.COMMUNITIES),
    "circle.let_go": About(Group.COMMUNITIES),
    "community_arrived": About(Group.COMMUNITIES),
    "community_dissolved": About(Group.COMMUNITIES),
    "community_moves": About(Group.COMMUNITIES),
    "community_orphaned": About(Group.COMMUNITIES),
    "community_silent": About(Group.COMMUNITIES),
    "vote_opened": About(Group.COMMUNITIES),
    "vote_decided": About(Group.COMMUNITIES),
    "event.repeated": About(Group.PLACES),
    "review.answered": About(Group.PLACES),
    "review.said": About(Group.PLACES),
    "stamps.redeemed": About(Group.PLACES),
    "welcome.asked": About(Group.PLACES),
    "free_place": About(Group.NEAR),
    "near_venue": About(Group.NEAR),
    "nearby_event": About(Group.NEAR),
    "proposal_short": About(Group.NEAR),
    "shop_invitation": About(Group.SHOPS),
    "company_near": About(Group.PEOPLE),
    "gather_here": About(Group.POP_UPS),
    "community_readmitted": About(Group.SAFETY),
    "community_removed": About(Group.SAFETY),
    "post.hidden": About(Group.SAFETY),
    "post.restored": About(Group.SAFETY),
    "post.to_look_at": About(Group.SAFETY),
    "review.hidden": About(Group.SAFETY),
    "review.put_back": About(Group.SAFETY),
    "review.reported": About(Group.SAFETY),
    "shop_invitation.hidden": About(Group.SAFETY),
    "shop_invitation.put_back": About(Group.SAFETY),
    "shop_invitation.reported": About(Group.SAFETY),
}
_OLD = About(Group.GATHERINGS)  # of a kind that is told no more


def about(kind: str) -> About:
    """What a kind of note is about."""
    return KINDS.get(kind, _OLD)


def kinds_of(group: Group) -> list[str]:
    """The kinds of a group."""
    return [kind for kind, found in KINDS.items() if found.group is group]

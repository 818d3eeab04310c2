"""Whether something is hidden, by all that was done about it. Pure."""

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple


class Act(NamedTuple):
    """Somebody hid it or put it back. role: member, host or vote. standing: she did not take it back."""

    act: str
    role: str
    by: str | None
    why: str
    at: dt.datetime
    standing: bool = True


class Hidden(NamedTuple):
    """It is hidden: since when, by a host or by so many members, and for which reasons."""

    since: dt.datetime
    by_host: bool
    members: int
    whys: tuple[str, ...]


def hidden_by(acts: Iterable[Act], *, members_needed: int) -> Hidden | None:
    """Who hides it, None if nobody does. acts: in the order in which they were done.

    One host hides at once, or several members together. What was put back is hidden again by a host alone, so that
    hiding is no weapon for the few who try again and again.
    """
    since_restored: list[Act] = []
    restored = False
    for act in acts:
        if act.act == "restore":
            restored, since_restored = True, []
        elif act.standing:
            since_restored.append(act)
    hosts = [act for act in since_restored if act.role == "host"]
    members = [] if restored else [act for act in since_restored if act.role == "member"]
    enough = members[members_needed - 1 :]
    if not hosts and not enough:
        return None
    since = min(act.at for act in (*hosts[:1], *enough[:1]))
    whys = tuple(dict.fromkeys(act.why for act in (*hosts, *members)))
    return Hidden(since, bool(hosts), len(members), whys)


def was_restored(acts: Iterable[Act]) -> bool:
    """Whether it was ever put back."""
    return any(act.act == "restore" for act in acts)

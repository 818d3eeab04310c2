"""What floats and what sinks: by who turned up to what a post leads to, stayed and came back, and by time. Pure.

Nobody turns up for advertising, so it sinks. Nothing here knows of clicks, and sign-ups alone count nothing.

- **Because of it** came whoever signed up for the gathering after the post had appeared, and then really came. Nobody
  is her own reason, and who came without a sign-up came by herself. Several posts that lead to the same gathering
  share each of these people: first their authors in equal parts, then each author's posts, so that neither repeating
  a gathering nor pointing to a popular one pays.
- Each counts as much as the evidence of her coming (by hand counts little), more if she stayed to the end, more if she
  came again. That halves with the days since the last of them came.
- **A fair start** lets what is new be seen before anybody can have come. It halves within hours, and all the new posts
  of an author share one.

Points are whole tenths, and their parts add up to the sum by which posts are ordered.
"""

import bisect
import datetime as dt
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from config.settings import Posts as Rules

_DAY_S = 86400.0
_HOUR_S = 3600.0
_STRONGER = frozenset(("beacon", "screen", "qr", "phone", "heard", "poster"))  # than a host's hand


class Coming(NamedTuple):
    """Somebody came to a gathering. evidence: the strongest. stayed: to the end; None: not known.

    again: the strongest evidence by which she came to a later gathering of the same community, None if she did not.
    """

    member: str
    signed_up_at: dt.datetime | None
    at: dt.datetime
    evidence: str
    stayed: bool | None = None
    again: str | None = None


class Posted(NamedTuple):
    """A post that is to be seen. leads_to: the gathering that it asks to, or stands at."""

    id: int
    author: str
    at: dt.datetime
    leads_to: str | None = None


class Why(NamedTuple):
    """Why a post stands where it stands: how many, and the tenths of points that each part gives.

    shared: with how many other posts some of these people are shared, at the most. by_hand: of those who came by weak
    evidence. mates: new posts of the same author that share her start, this one included.
    """

    came: int = 0
    stayed: int = 0
    again: int = 0
    by_hand: int = 0
    shared: int = 0
    last_came: dt.datetime | None = None
    mates: int = 0
    for_came: int = 0
    for_stayed: int = 0
    for_again: int = 0
    for_time: int = 0
    for_start: int = 0

    @property
    def tenths(self) -> int:
        """The sum."""
        return self.for_came + self.for_stayed + self.for_again + self.for_time + self.for_start


@dataclass(slots=True)
class _Sum:
    came: list[float] = field(default_factory=list)
    stayed: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    shared: int = 0
    last: dt.datetime | None = None


def rank(
    posts: Iterable[Posted], comings: Mapping[str, Sequence[Coming]], *, rules: Rules, now: dt.datetime
) -> dict[int, Why]:
    """Why each post stands where it does, the first of all first; of equals the newer one.

    comings: who came, by gathering; the people who host it left out.
    """
    known = list(posts)
    sums = _credit(known, comings, rules)
    started = [post for post in known if _age(post.at, now) < rules.start_h * _HOUR_S]
    mates = Counter(post.author for post in started)
    new = {post.id for post in started}
    found = {
        post.id: _explain(post, sums.get(post.id, _Sum()), mates[post.author] if post.id in new else 0, rules, now)
        for post in known
    }
    order = sorted(known, key=lambda post: (-found[post.id].tenths, -post.at.timestamp(), -post.id))
    return {post.id: found[post.id] for post in order}


def weight(evidence: str, rules: Rules) -> float:
    """How much a coming counts by its evidence; what is not known is as weak as a host's hand."""
    weighs: float = getattr(rules, f"{evidence}_weight") if evidence in _STRONGER else rules.manual_weight
    return weighs


def _credit(posts: Sequence[Posted], comings: Mapping[str, Sequence[Coming]], rules: Rules) -> dict[int, _Sum]:
    """What each post is given. Comings that have the same posts before them are summed first and shared at once, so
    that many who came to what many posts lead to cost as much as both together, not as one times the other."""
    leading: dict[str, list[Posted]] = defaultdict(list)
    for post in sorted(posts, key=lambda post: post.at):
        if post.leads_to is not None:
            leading[post.leads_to].append(post)
    sums: dict[int, _Sum] = defaultdict(_Sum)
    for event, there in leading.items():
        moments, authors = [post.at for post in there], {post.author for post in there}
        alike: dict[tuple[int, str | None], _Sum] = defaultdict(_Sum)
        for coming in comings.get(event, ()):
            before = 0 if coming.signed_up_at is None else bisect.bisect_left(moments, coming.signed_up_at)
            if before:
                _add(alike[before, coming.member if coming.member in authors else None], coming, rules)
        for (earlier, own), made in alike.items():
            because = [post for post in there[:earlier] if post.author != own]
            of_author = Counter(post.author for post in because)
            for post in because:
                _share(sums[post.id], made, 1 / len(of_author) / of_author[post.author], len(because) - 1)
    return sums


def _add(into: _Sum, coming: Coming, rules: Rules) -> None:
    weighs = weight(coming.evidence, rules)
    into.came.append(weighs * rules.came)
    into.counts["came"] += 1
    into.counts["by_hand"] += weighs <= rules.manual_weight
    if coming.stayed:
        into.stayed.append(weighs * rules.stayed)
        into.counts["stayed"] += 1
    if coming.again is not None:
        # Who was heard once and twice waved through counts as waved through.
        into.again.append(min(weighs, weight(coming.again, rules)) * rules.came_again)
        into.counts["again"] += 1
    into.last = coming.at if into.last is None else max(into.last, coming.at)


def _share(into: _Sum, made: _Sum, share: float, others: int) -> None:
    """Gives a post its share of what some who came made."""
    # Summed exactly, so that the order in which people came changes nothing.
    into.came.append(share * math.fsum(made.came))
    into.stayed.append(share * math.fsum(made.stayed))
    into.again.append(share * math.fsum(made.again))
    into.counts.update(made.counts)
    into.shared = max(into.shared, others)
    assert made.last is not None
    into.last = made.last if into.last is None else max(into.last, made.last)


def _explain(post: Posted, made: _Sum, mates: int, rules: Rules, now: dt.datetime) -> Why:
    parts = [round(10 * math.fsum(part)) for part in (made.came, made.stayed, made.again)]
    left = 0.0 if made.last is None else 0.5 ** (_age(made.last, now) / _DAY_S / rules.half_days)
    start = 0.0
    if mates:
        start = rules.start / mates * 0.5 ** (_age(post.at, now) / _HOUR_S / rules.start_half_h)
    return Why(
        came=made.counts["came"],
        stayed=made.counts["stayed"],
        again=made.counts["again"],
        by_hand=made.counts["by_hand"],
        shared=made.shared,
        last_came=made.last,
        mates=mates,
        for_came=parts[0],
        for_stayed=parts[1],
        for_again=parts[2],
        for_time=round(sum(parts) * left) - sum(parts),
        for_start=round(10 * start),
    )


def _age(at: dt.datetime, now: dt.datetime) -> float:
    """Seconds since; 0 for what a clock ahead of ours wrote."""
    return max(0.0, (now - at).total_seconds())

"""What floats and what sinks, told in stories; the parts of a post's points add up to what it is ordered by."""

import dataclasses
import datetime as dt
from collections.abc import Sequence

from hypothesis import given
from hypothesis import settings as at_most
from hypothesis import strategies as st

from config import settings as config
from server.posts import ranking
from server.posts.ranking import Coming, Posted, Why
from tests.server.places import HOUR, NOW

RULES = config.load(environment={}).posts
DAY = dt.timedelta(days=1)


def people(
    count: int,
    *,
    signed_up: dt.datetime,
    at: dt.datetime,
    evidence: str = "beacon",
    stayed: bool | None = True,
    again: str | None = None,
    first: int = 0,
) -> tuple[Coming, ...]:
    """So many who came in the same way."""
    return tuple(Coming(f"p{first + n}", signed_up, at, evidence, stayed, again) for n in range(count))


def order(
    posts: Sequence[Posted], comings: dict[str, tuple[Coming, ...]] | None = None, now: dt.datetime = NOW
) -> list[int]:
    return list(ranking.rank(posts, comings or {}, rules=RULES, now=now))


def whys(
    posts: Sequence[Posted], comings: dict[str, tuple[Coming, ...]] | None = None, now: dt.datetime = NOW
) -> dict[int, Why]:
    return ranking.rank(posts, comings or {}, rules=RULES, now=now)


def test_nothing_is_ranked_as_nothing() -> None:
    assert order([]) == []
    assert order([Posted(1, "ana", NOW)], {"elsewhere": people(9, signed_up=NOW, at=NOW)}) == [1]


def test_the_walk_that_four_came_to_stayed_at_and_come_again_to_floats_above_all_talk() -> None:
    walk = Posted(1, "dora", NOW - 6 * DAY, "walk")
    talk = [Posted(2 + n, f"talker-{n}", NOW - n * HOUR) for n in range(5)]
    came = people(4, signed_up=NOW - 5 * DAY, at=NOW - 2 * DAY, again="beacon")
    assert order([*talk, walk], {"walk": came})[0] == 1


def test_an_honest_quiet_post_is_seen_on_its_first_day_and_then_makes_room() -> None:
    quiet = Posted(1, "new", NOW - 2 * HOUR)
    old_success = Posted(2, "dora", NOW - 60 * DAY, "walk")
    came = people(5, signed_up=NOW - 59 * DAY, at=NOW - 50 * DAY)
    assert order([quiet, old_success], {"walk": came}) == [1, 2]
    fresh_success = people(5, signed_up=NOW - 59 * DAY, at=NOW - 2 * DAY)
    assert order([quiet, old_success], {"walk": fresh_success}) == [2, 1]
    assert whys([quiet], now=NOW + 10 * DAY)[1].tenths == 0


def test_an_advert_that_nobody_turns_up_for_sinks_below_a_small_dinner() -> None:
    advert = Posted(1, "shop", NOW - 4 * DAY, "sale")
    dinner = Posted(2, "dora", NOW - 20 * DAY, "dinner")
    came = {"dinner": people(2, signed_up=NOW - 10 * DAY, at=NOW - 8 * DAY)}
    assert order([advert, dinner], came) == [2, 1]
    assert whys([advert, dinner], came)[1].tenths == 0


def test_a_clickbait_that_many_come_to_and_leave_counts_less_than_half_of_what_they_stay_for() -> None:
    bait = Posted(1, "bait", NOW - 5 * DAY, "party")
    concert = Posted(2, "dora", NOW - 5 * DAY, "concert")
    came = {
        "party": people(10, signed_up=NOW - 4 * DAY, at=NOW - DAY, stayed=False),
        "concert": people(6, signed_up=NOW - 4 * DAY, at=NOW - DAY, stayed=True, again="beacon", first=50),
    }
    assert order([bait, concert], came) == [2, 1]
    found = whys([bait, concert], came)
    assert (found[1].came, found[1].stayed, found[1].again) == (10, 0, 0)


def test_sign_ups_of_who_never_comes_count_nothing() -> None:
    post = Posted(1, "dora", NOW - 5 * DAY, "party")
    assert whys([post], {"party": ()})[1].tenths == 0


def test_a_spammer_s_many_posts_share_one_start() -> None:
    spam = [Posted(n, "spammer", NOW - n * HOUR / 60) for n in range(1, 31)]
    honest = Posted(99, "new", NOW - 20 * HOUR)
    assert order([*spam, honest])[0] == 99
    found = whys([*spam, honest])
    assert sum(found[post.id].for_start for post in spam) <= 10 * RULES.start + len(spam)
    assert {found[post.id].mates for post in spam} == {30}


def test_pointing_to_a_popular_gathering_takes_only_a_share_of_it() -> None:
    host = Posted(1, "dora", NOW - 9 * DAY, "feast")
    came = {"feast": people(12, signed_up=NOW - 7 * DAY, at=NOW - DAY)}
    alone = whys([host], came)[1]
    leeches = [Posted(2 + n, "leech", NOW - 8 * DAY, "feast") for n in range(20)]
    found = whys([host, *leeches], came)
    assert found[1].for_came == alone.for_came // 2, "one other author takes one half, however often she repeats it"
    assert sum(found[post.id].for_came for post in leeches) <= alone.for_came // 2 + len(leeches)
    assert next(iter(found)) == 1
    assert (alone.shared, found[1].shared) == (0, 20)


def test_who_had_signed_up_before_it_appeared_did_not_come_because_of_it() -> None:
    late = Posted(1, "leech", NOW - 2 * DAY, "feast")
    came = {"feast": people(30, signed_up=NOW - 3 * DAY, at=NOW - DAY)}
    assert whys([late], came)[1].came == 0
    walked_by: dict[str, tuple[Coming, ...]] = {"feast": (Coming("p", None, NOW - DAY, "beacon"),)}
    assert whys([late], walked_by)[1].came == 0


def test_nobody_is_her_own_reason() -> None:
    post = Posted(1, "p0", NOW - 5 * DAY, "walk")
    assert whys([post], {"walk": people(1, signed_up=NOW - 4 * DAY, at=NOW - DAY)})[1].came == 0


def test_a_small_regular_walk_stays_above_a_single_crowd_of_long_ago() -> None:
    walks = [Posted(n, "dora", NOW - (7 * n + 3) * DAY, f"walk-{n}") for n in range(1, 5)]
    came = {
        f"walk-{n}": people(4, signed_up=NOW - (7 * n + 1) * DAY, at=NOW - 7 * n * DAY, again="screen")
        for n in range(1, 5)
    }
    crowd = Posted(50, "stage", NOW - 90 * DAY, "festival")
    came["festival"] = people(60, signed_up=NOW - 80 * DAY, at=NOW - 70 * DAY, stayed=None, first=100)
    assert order([crowd, *walks], came) == [1, 2, 3, 4, 50]


def test_a_host_who_waves_friends_through_gains_little() -> None:
    cheat = Posted(1, "cheat", NOW - 5 * DAY, "nothing")
    honest = Posted(2, "dora", NOW - 5 * DAY, "walk")
    came = {
        "nothing": people(9, signed_up=NOW - 4 * DAY, at=NOW - DAY, evidence="manual", stayed=None, again="manual"),
        "walk": people(3, signed_up=NOW - 4 * DAY, at=NOW - DAY, again="beacon", first=50),
    }
    assert order([cheat, honest], came) == [2, 1]
    found = whys([cheat, honest], came)
    assert (found[1].by_hand, found[2].by_hand) == (9, 0)
    waved_again = {"nothing": people(3, signed_up=NOW - 4 * DAY, at=NOW - DAY, again="manual")}
    assert whys([cheat], waved_again)[1].for_again == round(10 * 3 * RULES.manual_weight * RULES.came_again)


def test_of_equals_the_newer_stands_first_and_then_the_later_written() -> None:
    old = [Posted(n, f"m{n}", NOW - (50 + n) * DAY) for n in range(3)]
    assert order(old) == [0, 1, 2]
    same = [Posted(n, f"m{n}", NOW - 50 * DAY) for n in range(3)]
    assert order(same) == order(same[::-1]) == [2, 1, 0]


def test_everything_halves_with_the_time_since_somebody_came() -> None:
    post = Posted(1, "dora", NOW - 30 * DAY, "walk")
    came = {"walk": people(4, signed_up=NOW - 29 * DAY, at=NOW - RULES.half_days * DAY, stayed=None)}
    found = whys([post], came)[1]
    assert (found.for_came, found.for_time, found.tenths) == (40, -20, 20)


def test_a_clock_ahead_of_ours_gains_nothing() -> None:
    ahead, now = Posted(1, "a", NOW + 400 * DAY), Posted(2, "b", NOW)
    found = whys([ahead, now])
    assert found[1].tenths == found[2].tenths == round(10 * RULES.start)


MOMENTS = st.integers(-90 * 24, 24).map(lambda hours: NOW + hours * HOUR)
POSTS = st.lists(
    st.builds(
        Posted,
        st.integers(1, 1000),
        st.sampled_from("abc"),
        MOMENTS,
        st.sampled_from([None, "e", "f"]),
    ),
    max_size=12,
    unique_by=lambda post: post.id,
)
COMINGS = st.lists(
    st.builds(
        Coming,
        st.sampled_from("abcdefgh"),
        st.none() | MOMENTS,
        MOMENTS,
        st.sampled_from(["beacon", "poster", "manual", "unheard of"]),
        st.sampled_from([None, True, False]),
        st.sampled_from([None, "beacon", "manual"]),
    ),
    max_size=12,
).map(tuple)


@at_most(max_examples=40)
@given(POSTS, COMINGS, COMINGS, st.randoms(use_true_random=False))
def test_parts_add_up_order_is_by_their_sum_and_hangs_on_nothing_else(
    posts: list[Posted], first: tuple[Coming, ...], second: tuple[Coming, ...], shuffle: object
) -> None:
    comings = {"e": first, "f": second}
    found = whys(posts, comings)
    assert set(found) == {post.id for post in posts}
    for why in found.values():
        parts = (why.for_came, why.for_stayed, why.for_again, why.for_time, why.for_start)
        assert sum(parts) == why.tenths >= 0
        assert why.for_time <= 0 <= min(parts[:3] + parts[4:])
        assert why.stayed <= why.came >= max(why.again, why.by_hand)
    tenths = [why.tenths for why in found.values()]
    assert tenths == sorted(tenths, reverse=True)
    mixed = list(posts)
    shuffle.shuffle(mixed)  # type: ignore[attr-defined]
    assert list(whys(mixed, {event: comings[event][::-1] for event in comings})) == list(found)


@at_most(max_examples=40)
@given(POSTS, COMINGS)
def test_one_more_who_comes_never_sinks_a_post_that_leads_there_alone(
    posts: list[Posted], came: tuple[Coming, ...]
) -> None:
    alone = [Posted(0, "z", NOW - 30 * DAY, "e"), *(post._replace(leads_to=None) for post in posts)]
    more = (*came, Coming("new", NOW - 29 * DAY, max((one.at for one in came), default=NOW - DAY), "beacon", True))
    before = whys(alone, {"e": came})[0]
    after = whys(alone, {"e": more})[0]
    assert after.tenths >= before.tenths


def test_weights_order_evidence_as_it_proves() -> None:
    weights = [ranking.weight(kind, RULES) for kind in ("beacon", "screen", "phone", "poster", "manual")]
    assert weights == sorted(weights, reverse=True)
    assert ranking.weight("never heard of", RULES) == ranking.weight("manual", RULES)
    flat = dataclasses.replace(RULES, manual_weight=1.0)
    assert ranking.weight("manual", flat) == 1.0


@at_most(max_examples=40)
@given(POSTS, COMINGS)
def test_each_who_came_is_shared_by_the_posts_that_stood_before_she_signed_up(
    posts: list[Posted], comings: tuple[Coming, ...]
) -> None:
    given: dict[int, float] = {post.id: 0.0 for post in posts}
    counted = dict.fromkeys(given, 0)
    leading = [post for post in posts if post.leads_to == "e"]
    for coming in comings:
        signed_up = coming.signed_up_at
        before = [p for p in leading if signed_up is not None and p.at < signed_up and p.author != coming.member]
        for post in before:
            authors = {one.author for one in before}
            mates = sum(one.author == post.author for one in before)
            given[post.id] += ranking.weight(coming.evidence, RULES) * RULES.came / len(authors) / mates
            counted[post.id] += 1
    found = whys(posts, {"e": comings})
    assert {post_id: why.came for post_id, why in found.items()} == counted
    assert all(abs(why.for_came - 10 * given[post_id]) <= 0.5 + 1e-9 for post_id, why in found.items())

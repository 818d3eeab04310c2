"""The rule, for whatever somebody said: the most specific wins, ends are exact, nobody sees more than was given."""

import itertools

from hypothesis import example, given
from hypothesis import strategies as st

from server.consent import rules
from server.consent.rules import DAY_MS, EVER_MS, Grant, Kind, Level, Viewer, Window

T = 2_000_000_000_000
OFS = ("a", "b", None)

moments = st.integers(T - 5, T + 5)
grants = st.lists(
    st.builds(
        Grant,
        st.sampled_from(Kind),
        st.sampled_from(OFS),
        st.sampled_from(Level),
        st.one_of(moments, st.just(EVER_MS)),
    ),
    max_size=6,
    unique_by=lambda grant: (grant.kind, grant.of_id),
)
viewers = st.builds(
    Viewer,
    st.sampled_from(Kind),
    st.sampled_from(("a", "b", "c")),
    mine=st.booleans(),
    ends_ms=st.integers(T - 5 - DAY_MS, T + 5 - DAY_MS),
)


@given(grants, st.booleans(), viewers, st.one_of(moments, st.sampled_from([0, EVER_MS - 1])))
def test_the_windows_say_at_every_moment_what_the_rule_says(
    said: list[Grant], paused: bool, viewer: Viewer, now_ms: int
) -> None:
    found = rules.windows(said, paused, viewer)
    assert rules.level_at(found, now_ms) is rules.level(said, paused, viewer, now_ms)
    assert found[0].from_ms == 0
    assert found[-1].to_ms == EVER_MS
    for one, other in itertools.pairwise(found):
        assert one.to_ms == other.from_ms
        assert one.level is not other.level


@given(grants, viewers, moments)
def test_the_most_specific_that_stands_wins(said: list[Grant], viewer: Viewer, now_ms: int) -> None:
    own = [grant for grant in said if (grant.kind, grant.of_id) == (viewer.kind, viewer.of_id)]
    wide = [grant for grant in said if (grant.kind, grant.of_id) == (viewer.kind, None) and viewer.mine]
    stands = [grant for grant in (*own, *wide) if now_ms < grant.until_ms]
    wanted = stands[0].level if stands else rules.level_at(rules.default(viewer), now_ms)
    assert rules.level(said, False, viewer, now_ms) is wanted


@given(grants, viewers, moments)
def test_nobody_sees_more_than_the_highest_that_was_given(said: list[Grant], viewer: Viewer, now_ms: int) -> None:
    most = max([grant.level for grant in said if grant.kind is viewer.kind], default=Level.HIDDEN)
    assert rules.level(said, False, viewer, now_ms) <= max(most, rules.level_at(rules.default(viewer), now_ms))
    assert rules.level(said, True, viewer, now_ms) is Level.HIDDEN


@given(grants, viewers, moments, st.integers(0, 5))
def test_saying_less_never_shows_more(said: list[Grant], viewer: Viewer, now_ms: int, place: int) -> None:
    before = rules.level(said, False, viewer, now_ms)
    less = [
        grant._replace(level=Level(max(0, grant.level - 1))) if number == place else grant
        for number, grant in enumerate(said)
    ]
    assert rules.level(less, False, viewer, now_ms) <= before


@given(moments)
@example(T)
def test_an_end_is_honoured_at_the_very_moment(end_ms: int) -> None:
    shop = Viewer(Kind.VENUE, "a")
    said = [Grant(Kind.VENUE, "a", Level.NAME, end_ms)]
    assert rules.level(said, False, shop, end_ms - 1) is Level.NAME
    assert rules.level(said, False, shop, end_ms) is Level.COUNTED


def test_the_defaults_are_those_of_the_table() -> None:
    event = Viewer(Kind.ORGANIZER, "a", ends_ms=T)
    assert rules.default(event) == (
        Window(0, T + DAY_MS, Level.NAME),
        Window(T + DAY_MS, EVER_MS, Level.COUNTED),
    )
    assert rules.default(event._replace(mine=False)) == rules.HIDDEN
    assert rules.default(Viewer(Kind.VENUE, "a")) == rules.COUNTED
    for kind in (Kind.COMMUNITY, Kind.PEOPLE):
        assert rules.default(Viewer(kind, "a")) == rules.HIDDEN


def test_what_is_said_of_all_organizers_is_not_said_of_who_runs_an_event_that_is_not_hers() -> None:
    walked_in = Viewer(Kind.ORGANIZER, "a", mine=False)
    wide = Grant(Kind.ORGANIZER, None, Level.NAME)
    assert rules.level([wide], False, walked_in, T) is Level.HIDDEN
    assert rules.level([wide, Grant(Kind.ORGANIZER, "a", Level.COUNTED)], False, walked_in, T) is Level.COUNTED


def test_who_is_counted_for_the_venue_is_counted_for_an_organizer_there_but_never_named() -> None:
    assert rules.organizer_at_venue(Level.HIDDEN, Level.NAME) is Level.COUNTED
    assert rules.organizer_at_venue(Level.NAME, Level.HIDDEN) is Level.NAME
    assert rules.organizer_at_venue(Level.HIDDEN, Level.HIDDEN) is Level.HIDDEN

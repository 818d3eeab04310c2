"""Windows: readings say exactly what was heard, and the radio's state is honest."""

from hypothesis import given
from hypothesis import strategies as st

from beacon_agent import ibeacon, window, wire
from beacon_agent.window import Coverage, Interest, Window

BADGE = bytes.fromhex("daf246cef20111e4b116123b93f75cba000e0001")
OTHER = BADGE[:19] + b"\x02"
EVERYTHING = Interest([(0, b"\xda")])


def make_window(interest: Interest = EVERYTHING, rssi_floor: int = -128) -> Window:
    return Window(10_000, 12_000, interest, rssi_floor)


def test_a_reading_is_first_last_count_mean_and_maximum() -> None:
    open_window = make_window()
    for at_ms, rssi in ((10_500, -70), (10_100, -60), (11_900, -71)):
        open_window.hear(at_ms, ibeacon.compose(BADGE, -59), rssi)
    assert open_window.readings() == (wire.Reading(BADGE, 100, 1900, 3, -67.0, -60, -59),)


@given(st.lists(st.tuples(st.integers(10_000, 11_999), st.integers(-128, 20)), min_size=1), st.randoms())
def test_the_order_of_adverts_does_not_matter(adverts: list[tuple[int, int]], chance: object) -> None:
    shuffled = list(adverts)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    results = []
    for order in (adverts, shuffled):
        open_window = make_window()
        for at_ms, rssi in order:
            open_window.hear(at_ms, ibeacon.compose(BADGE, -59), rssi)
        results.append(open_window.readings())
    assert results[0] == results[1]
    report = wire.Report("a", "0" * 8, 1, 10_000, 12_000, wire.Radio.OK, wire.Clock.SYNCED, results[0])
    assert wire.decode(wire.encode(report)) == report, "what a window says can be sent"


def test_strangers_and_what_is_no_beacon_stay_out_and_are_counted() -> None:
    open_window = make_window(Interest([(0, BADGE[:16]), (0, OTHER)]))
    for _ in range(2):
        open_window.hear(10_000, ibeacon.compose(bytes(20), -59), -60)
        open_window.hear(10_000, b"\x4c\x00\x10\x05", -60)
    assert open_window.readings() == ()
    assert open_window.counts["strangers"] == 4


def test_an_rssi_that_is_not_available_is_no_reading() -> None:
    open_window = make_window()
    open_window.hear(10_000, ibeacon.compose(BADGE, -59), 127)
    assert open_window.readings() == ()
    assert open_window.counts["without_rssi"] == 1


def test_what_is_never_louder_than_the_floor_is_not_reported() -> None:
    open_window = make_window(rssi_floor=-80)
    open_window.hear(10_000, ibeacon.compose(BADGE, -59), -81)
    open_window.hear(10_000, ibeacon.compose(OTHER, -59), -90)
    open_window.hear(10_001, ibeacon.compose(OTHER, -59), -80)
    assert [reading.identity for reading in open_window.readings()] == [OTHER]


def test_one_identity_with_two_powers_is_one_reading() -> None:
    open_window = make_window()
    open_window.hear(10_000, ibeacon.compose(BADGE, -59), -60)
    open_window.hear(10_500, ibeacon.compose(BADGE, -40), -70)
    open_window.hear(10_700, ibeacon.compose(BADGE, -40), -80)
    assert open_window.readings() == (wire.Reading(BADGE, 0, 700, 3, -70.0, -60, -40),)


def test_a_flood_of_identities_ends_at_a_bound_and_is_counted() -> None:
    open_window = make_window()
    for index in range(window.MOST_IDENTITIES + 5):
        open_window.hear(10_000, ibeacon.compose(BADGE[:16] + index.to_bytes(4, "big"), -59), -60)
    assert len(open_window.readings()) == window.MOST_IDENTITIES
    assert open_window.counts["flooded"] == 5


@given(
    st.lists(st.tuples(st.integers(0, 17), st.binary(min_size=1, max_size=3)), max_size=4),
    st.binary(min_size=20, max_size=20),
)
def test_interest_agrees_with_the_wire(patterns: list[tuple[int, bytes]], identity: bytes) -> None:
    assert Interest(patterns).wants(identity) == wire.matches(patterns, identity)
    known = [*patterns, (4, identity[4:6])]
    assert Interest(known).wants(identity)
    assert wire.matches(known, identity)


def test_only_a_window_listened_to_throughout_is_ok() -> None:
    coverage = Coverage()
    coverage.tell(1000, wire.Radio.OK)
    coverage.tell(5000, wire.Radio.DEAF)
    coverage.tell(7000, wire.Radio.OK)
    assert coverage.over(0, 2000) is wire.Radio.OFF, "it began in between"
    assert coverage.over(1000, 3000) is wire.Radio.OK
    assert coverage.over(3000, 5000) is wire.Radio.OK
    assert coverage.over(4000, 6000) is wire.Radio.DEAF
    assert coverage.over(5000, 7000) is wire.Radio.DEAF
    assert coverage.over(6000, 8000) is wire.Radio.DEAF
    assert coverage.over(7000, 9000) is wire.Radio.OK


def test_the_worse_state_of_a_window_is_told() -> None:
    coverage = Coverage()
    coverage.tell(0, wire.Radio.DEAF)
    coverage.tell(500, wire.Radio.OFF)
    coverage.tell(900, wire.Radio.OK)
    assert coverage.over(0, 1000) is wire.Radio.OFF
    assert coverage.over(0, 500) is wire.Radio.DEAF


def test_forgetting_the_past_changes_nothing_later() -> None:
    coverage = Coverage()
    coverage.tell(1000, wire.Radio.OK)
    coverage.tell(5500, wire.Radio.OFF)
    coverage.forget(4000)
    assert coverage.over(4000, 5000) is wire.Radio.OK
    assert coverage.over(5000, 6000) is wire.Radio.OFF
    assert coverage.now is wire.Radio.OFF

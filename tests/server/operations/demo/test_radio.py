"""Tests of the laws of the demonstration's radio."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.operations.demo import radio

POWER_DBM = -59.0
LINK = ("badge", "pi")


def listen(
    distance_m: float, walls_db: float = 0.0, *, packets: int = 4000, seed: int = 1, apart_s: float = 60.0
) -> list[int | None]:
    """Packets over one link; a minute apart each finds a shadow of its own."""
    air = radio.Air(seed)
    return [
        air.carry(LINK, power_dbm=POWER_DBM, distance_m=distance_m, walls_db=walls_db, now_s=number * apart_s)
        for number in range(packets)
    ]


def mean(packets: list[int | None]) -> float:
    return statistics.fmean(rssi for rssi in packets if rssi is not None)


def lost(packets: list[int | None]) -> float:
    return packets.count(None) / len(packets)


def test_farther_is_quieter_on_average() -> None:
    means = [mean(listen(distance_m)) for distance_m in (1, 2, 4, 8, 16)]
    assert means == sorted(means, reverse=True)
    # Doubling the distance takes 10 n log10(2) decibels where nothing is lost.
    assert means[0] - means[2] == pytest.approx(20 * radio.PATH_LOSS_EXPONENT * math.log10(2), abs=0.5)


def test_at_one_metre_it_is_heard_with_its_power() -> None:
    # A little below: the mean of decibels of a fading signal is less than the decibels of its mean.
    assert -1.5 < mean(listen(1)) - POWER_DBM < 0


@given(st.floats(0, 1000), st.floats(0, 1000))
def test_path_loss_never_falls_with_distance(first: float, second: float) -> None:
    near, far = sorted((first, second))
    assert radio.path_loss_db(near) <= radio.path_loss_db(far)


def test_a_wall_takes_what_it_is_said_to_take() -> None:
    assert mean(listen(2)) - mean(listen(2, radio.OUTER_WALL_DB)) == pytest.approx(radio.OUTER_WALL_DB, abs=0.5)


def test_more_packets_are_lost_the_farther_it_is() -> None:
    shares = [lost(listen(distance_m)) for distance_m in (2, 20, 30, 45, 70)]
    assert shares == sorted(shares)
    assert shares[0] == pytest.approx(1 - radio.DELIVERED, abs=0.02)
    assert shares[-1] > 0.9


def test_half_of_what_could_arrive_arrives_at_the_sensitivity() -> None:
    assert radio.delivery_rate(radio.SENSITIVITY_DBM) == radio.DELIVERED / 2


def test_nothing_is_heard_from_the_other_end_of_the_town() -> None:
    assert listen(500, radio.OUTER_WALL_DB, packets=100) == [None] * 100


def test_packets_of_one_moment_share_a_shadow_and_those_of_another_hour_do_not() -> None:
    def correlation(lag_s: float) -> float:
        pairs = []
        for seed in range(3000):
            air = radio.Air(seed)
            first, second = (
                air.carry(LINK, power_dbm=-30, distance_m=1, walls_db=0, now_s=now_s) for now_s in (0.0, lag_s)
            )
            if first is not None and second is not None:
                pairs.append((first, second))
        return statistics.correlation(*zip(*pairs, strict=True))

    assert abs(correlation(1000)) < 0.06
    assert correlation(0.1) > 0.25
    assert correlation(0.1) > correlation(10) + 0.1


def test_a_still_badge_varies_as_real_ones_do() -> None:
    spread = statistics.pstdev(rssi for rssi in listen(4, seed=5) if rssi is not None)
    assert 3 < spread < 6


def test_the_same_seed_gives_the_same_packets_and_another_gives_others() -> None:
    assert listen(10, packets=200, seed=3) == listen(10, packets=200, seed=3)
    assert listen(10, packets=200, seed=3) != listen(10, packets=200, seed=4)


@given(st.floats(0, 200), st.floats(-120, 60), st.integers(0, 1000))
def test_whatever_is_heard_is_a_possible_rssi(distance_m: float, power_dbm: float, seed: int) -> None:
    rssi = radio.Air(seed).carry(LINK, power_dbm=power_dbm, distance_m=distance_m, walls_db=0, now_s=0)
    assert rssi is None or -127 <= rssi <= 20

import pytest

from tests.bench.sender import Sent


def make(sending_s: int, held_s: int) -> Sent:
    """100 reports of 30 readings a second, each settled held_s after it was sent."""
    settled = [(float(s), 100 * max(0, s - held_s), 3000 * max(0, s - held_s)) for s in range(sending_s + held_s + 1)]
    sent = Sent(reports=100 * sending_s, readings=3000 * sending_s, seconds=sending_s + held_s, sending_s=sending_s)
    sent.at_s = settled
    return sent


@pytest.mark.parametrize("held_s", [0, 5, 20])
def test_the_rate_of_a_long_run_does_not_depend_on_how_long_acknowledgements_are_held_back(held_s: int) -> None:
    assert make(60, held_s).rates(20) == pytest.approx((100, 3000))


def test_a_short_run_counts_everything_by_the_time_to_the_last() -> None:
    assert make(30, 20).rates(20) == pytest.approx((60, 1800))

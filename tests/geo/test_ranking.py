"""Facts become values of which more is better, and values points that add up to the score."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo import ranking
from geo.ranking import DEFAULT, FACTORS, Factor, Facts

UNKNOWN = (
    dict.fromkeys(Facts._fields, 0.0) | dict.fromkeys(("distance_m", "way_m", "hours_until"), np.nan) | {"full": 1.0}
)
# One step for the better of each fact: from -> to.
BETTER = {
    Factor.DISTANCE: ("distance_m", 5000.0, 500.0),
    Factor.WAYS: ("way_m", 5000.0, 500.0),
    Factor.START: ("hours_until", 100.0, 2.0),
    Factor.INTERESTS: ("interests", 0.1, 0.7),
    Factor.COMMUNITY: ("community", 0.0, 1.0),
    Factor.KNOWN: ("known", 0.0, 2.0),
    Factor.REGULAR: ("regular", 0.2, 3.0),
    Factor.ALIKE: ("alike", 0.0, 0.2),
    Factor.POPULAR: ("came", 4.0, 30.0),
    Factor.PLACES: ("full", 1.0, 0.0),
    Factor.LIVELY: ("lively", 0.0, 1.0),
}


def known(*rows: dict[str, float]) -> Facts:
    """Facts of things of which only this is known."""
    return Facts(**{name: np.array([{**UNKNOWN, **row}[name] for row in rows]) for name in Facts._fields})


def test_what_is_unknown_has_no_value() -> None:
    assert not ranking.values(known({})).any()


@pytest.mark.parametrize("factor", FACTORS)
def test_each_factor_puts_the_better_thing_first_by_itself(factor: Factor) -> None:
    name, worse, better = BETTER[factor]
    points = ranking.points(ranking.values(known({name: worse}, {name: better})), DEFAULT)
    assert points[1].sum() > points[0].sum()
    gained = points[1] - points[0]
    assert gained[FACTORS.index(factor)] == pytest.approx(gained.sum())


@given(
    st.fixed_dictionaries(
        {name: st.floats(0, 1e6) | st.just(np.nan) for name in ("distance_m", "way_m", "hours_until")}
    ),
    st.fixed_dictionaries({name: st.floats(0, 1) for name in ("interests", "community", "alike", "full", "lively")}),
    st.fixed_dictionaries({name: st.floats(0, 1e5) for name in ("known", "regular", "came")}),
)
def test_values_are_never_negative_and_points_add_up(
    some: dict[str, float], shares: dict[str, float], counts: dict[str, float]
) -> None:
    values = ranking.values(known({**some, **shares, **counts}))
    assert (values >= 0).all()
    assert np.isfinite(values).all()
    weights = np.array([DEFAULT[factor] for factor in FACTORS])
    assert ranking.points(values, DEFAULT).sum() == pytest.approx(float(values[0] @ weights))

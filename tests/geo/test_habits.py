"""Habits fade, tastes show, and what is unknown is like what it is of."""

import numpy as np
import pytest

from geo import chords, distances, habits


def test_a_visit_counts_half_after_the_half_life_and_never_more_than_one() -> None:
    assert habits.fade(np.array([-5.0, 0.0, 60 * habits.DAY_S, 120 * habits.DAY_S])).tolist() == [1.0, 1.0, 0.5, 0.25]


def test_coming_to_the_same_says_more_than_coming_to_what_is_of_the_same_hosts() -> None:
    assert habits.regular(1.0, 0.0) > habits.regular(0.0, 4.0) > habits.regular(0.0, 1.0) > 0


def test_near_to_one_place_that_she_often_goes_to_is_near() -> None:
    metres = np.array([[0.0, 9000.0], [9000.0, 0.0], [9000.0, 9000.0]])
    often, seldom, neither = habits.way_m(metres, np.array([3.0, 1.0]))
    assert 0 < often < seldom < neither == pytest.approx(9000.0)
    assert habits.way_m(metres[:, :1], np.array([2.0])) == pytest.approx(metres[:, 0])


def test_a_series_of_few_evenings_is_expected_to_be_like_what_its_hosts_do() -> None:
    assert habits.usual_crowd(0.0, 0.0, 12.0) == 12.0
    assert 12 < habits.usual_crowd(30.0, 1.0, 12.0) < 30
    assert habits.usual_crowd(3000.0, 100.0, 12.0) == pytest.approx(30, abs=0.5)


def test_rare_tags_tell_more_and_what_everything_has_tells_nothing() -> None:
    rarity = habits.rarity(np.array([1, 10, 99]), 99)
    assert rarity[0] > rarity[1] > rarity[2] == 0.0


def test_taste_is_what_one_told_until_visits_show_it() -> None:
    told, shown = np.array([1.0, 0.0]), np.array([0.0, 2.0])
    assert habits.taste(told, shown, 0.0).tolist() == [1.0, 0.0]
    assert habits.taste(told, shown, habits.VISITS_TO_KNOW) == pytest.approx([0.5**0.5] * 2)
    assert habits.taste(np.zeros(2), shown, 1.0).tolist() == [0.0, 1.0]
    assert habits.taste(np.zeros(2), np.zeros(2), 0.0).tolist() == [0.0, 0.0]


def test_metres_by_chords_are_those_by_the_haversine_formula_and_unknown_places_are_nowhere() -> None:
    some = np.array([[179.99, 10.0], [0.0, 90.0], [7.42, 43.73], [np.nan, np.nan]])
    others = np.array([[-179.99, 10.0], [7.4201, 43.7301]])
    found = chords.nearest_m(chords.units(some), chords.units(others))
    wanted = [min(distances.between_m(tuple(a), tuple(b)) for b in others.tolist()) for a in some[:3].tolist()]
    assert found[:3] == pytest.approx(wanted, rel=1e-6, abs=0.2)
    assert np.isnan(found[3])
    assert np.isnan(chords.nearest_m(chords.units(some), np.empty((0, 3)))).all()

from tests.bench import recorded


def test_rows_are_compared_as_often_as_they_are_there() -> None:
    wanted: dict[str, list[recorded.Row]] = {"visit": [("a", 1, 2), ("b", 1, 2)], "stay": [("a", 1)]}
    found: dict[str, list[recorded.Row]] = {"visit": [("b", 1, 2), ("b", 1, 2), ("a", 1, 3)], "stay": [("a", 1)]}
    difference = recorded.compare(wanted, found)
    assert difference.lost == {"visit": [("a", 1, 2)], "stay": []}
    assert difference.doubled == {"visit": [("a", 1, 3), ("b", 1, 2)], "stay": []}
    assert (difference.lost_rows, difference.doubled_rows) == (1, 2)


def test_what_is_the_same_in_another_order_has_no_difference() -> None:
    rows: list[recorded.Row] = [("a", 1), ("b", 2)]
    difference = recorded.compare({"visit": rows}, {"visit": rows[::-1]})
    assert (difference.lost_rows, difference.doubled_rows) == (0, 0)


def test_a_table_that_is_missing_as_a_whole_is_lost() -> None:
    assert recorded.compare({"checkin": [("a",)]}, {}).lost_rows == 1

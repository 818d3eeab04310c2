"""Tests of the scorer, on cases small enough to be counted by hand."""

import gzip
from pathlib import Path

from tests.journeys import score
from tests.journeys.score import Found, Score, Stay, Visit

# Room A for a minute, half a minute on the way, room B for a minute.
TRUTH = [Stay(0, 60_000, "A"), Stay(60_000, 90_000, "transit:A>B"), Stay(90_000, 150_000, "B")]
RIGHT = [Stay(0, 75_000, "A"), Stay(75_001, 150_000, "B")]
WHOLE = [Visit(0, 150_000)]
HEARD = range(0, 150_000, 1000)
NOW_MS, JOIN_GAP_MS = 1_000_000, 300_000


def judge(
    stays: list[Stay], visits: list[Visit] | None = None, heard: range | list[int] = HEARD, now_ms: int = NOW_MS
) -> Score:
    found = Found(stays, WHOLE if visits is None else visits)
    return score.score_badge(TRUTH, heard, found, now_ms=now_ms, join_gap_ms=JOIN_GAP_MS)


def test_what_matches_the_truth_is_perfect() -> None:
    assert judge(RIGHT, [Visit(0, 150_000)]) == Score(24, 24, 1, 1, 0, 0)


def test_only_windows_in_which_the_badge_was_heard_count() -> None:
    assert judge(RIGHT, heard=[2_000, 3_000, 101_000]).windows == 2


def test_windows_on_the_way_or_across_the_edge_of_a_stay_do_not_count() -> None:
    truth = [Stay(1_000, 14_000, "A")]
    found = Found([Stay(0, 20_000, "B")])
    scored = score.score_badge(truth, range(0, 20_000, 1000), found, now_ms=NOW_MS, join_gap_ms=JOIN_GAP_MS)
    assert (scored.windows, scored.right) == (1, 0)


def test_a_window_in_the_wrong_room_is_wrong() -> None:
    scored = judge([Stay(0, 75_000, "A"), Stay(75_001, 110_000, "C"), Stay(110_001, 150_000, "B")])
    assert (scored.windows, scored.right) == (24, 20)


def test_a_heard_window_that_no_stay_holds_is_wrong() -> None:
    scored = judge([Stay(0, 75_000, "A"), Stay(120_000, 150_000, "B")])
    assert scored.right == 12 + 6


def test_a_window_belongs_to_the_room_that_holds_most_of_it() -> None:
    early = [Stay(0, 91_999, "A"), Stay(92_000, 150_000, "B")]
    late = [Stay(0, 92_999, "A"), Stay(93_000, 150_000, "B")]
    assert (judge(early).right, judge(late).right) == (24, 23)


def test_a_stay_of_one_moment_holds_its_window() -> None:
    assert judge([Stay(30_000, 30_000, "A")], heard=[30_000]).right == 1


def test_a_destination_counts_when_it_is_the_last_room_before_the_stays_end() -> None:
    assert judge([Stay(0, 75_000, "A"), Stay(149_000, 149_000, "B")]).named == 1
    assert judge([Stay(0, 75_000, "A"), Stay(80_000, 100_000, "B"), Stay(100_001, 150_000, "A")]).named == 0
    assert judge([Stay(0, 75_000, "A"), Stay(151_000, 160_000, "B")]).named == 0
    assert judge([]).named == 0


def test_a_destination_named_on_the_way_and_kept_in_silence_counts() -> None:
    assert judge([Stay(0, 60_000, "A"), Stay(85_000, 86_000, "B")]).named == 1


def test_every_move_of_the_truth_is_counted_whether_named_or_not() -> None:
    assert judge([]).moves == 1


def test_a_change_to_another_room_inside_a_stay_is_false() -> None:
    stays = [Stay(0, 20_000, "A"), Stay(20_001, 30_000, "C"), Stay(30_001, 75_000, "A"), Stay(75_001, 150_000, "B")]
    assert judge(stays).false_changes == 1


def test_a_late_change_to_the_right_room_is_not_false() -> None:
    assert judge([Stay(0, 110_000, "A"), Stay(110_001, 150_000, "B")]).false_changes == 0


def test_a_room_passed_in_transit_is_not_judged() -> None:
    assert judge([Stay(0, 65_000, "A"), Stay(65_001, 80_000, "C"), Stay(80_001, 150_000, "B")]).false_changes == 0


def test_a_visit_that_ends_inside_a_stay_is_a_false_departure() -> None:
    assert judge(RIGHT, [Visit(0, 30_000), Visit(400_000, 500_000)]).false_departures == 1


def test_a_visit_that_ends_on_the_way_or_after_everything_is_none() -> None:
    assert judge(RIGHT, [Visit(0, 70_000)]).false_departures == 0
    assert judge(RIGHT, [Visit(0, 150_000)]).false_departures == 0


def test_a_visit_that_may_still_go_on_when_the_recording_ends_has_not_ended() -> None:
    assert judge(RIGHT, [Visit(0, 148_000)], now_ms=150_000).false_departures == 0
    assert judge(RIGHT, [Visit(0, 148_000)], now_ms=148_000 + JOIN_GAP_MS + 1).false_departures == 1


def test_scores_of_badges_add_up() -> None:
    assert Score(2, 1, 1, 0, 3, 0) + Score(1, 1, 2, 2, 0, 1) == Score(3, 2, 3, 2, 3, 1)
    assert Score(4, 3).right_share == 0.75
    assert Score().right_share == 0


def test_both_forms_of_the_truth_are_read(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("run,beacon,start_ms,end_ms,room\nrun-1,7,60,90,transit:A>B\nrun-1,7,0,60,A\nrun-1,8,0,9,B\n")
    assert score.read_truth(path) == (
        "run-1",
        {7: [Stay(0, 60, "A"), Stay(60, 90, "transit:A>B")], 8: [Stay(0, 9, "B")]},
    )
    path.write_text("run,beacon_minor,start_ms,end_ms,room\nrun-2,2,0,60,A\n")
    assert score.read_truth(path) == ("run-2", {2: [Stay(0, 60, "A")]})


def test_the_recording_says_when_each_badge_was_heard_and_not_the_scanners_beacons(tmp_path: Path) -> None:
    path = tmp_path / "run.csv.gz"
    uuid = "DAF246CE836311E4B116123B93F75CBA"
    with gzip.open(path, "wt") as file:
        file.write("time_ms,scanner,uuid,major,minor,rssi,calibrated_power,heartbeat\n")
        file.write(f"1000,A,{uuid},1,5,-70,-62,\n2000,B,{uuid},1,5,-70,-62,0\n3000,A,{uuid},1,9,-70,0,1\n")
    assert score.read_recording(path) == {5: (bytes.fromhex(uuid) + bytes([0, 1, 0, 5]), [1000, 2000])}


def test_the_table_shows_every_badge_and_all_together() -> None:
    table = score.draw_table({1: Score(10, 10, 2, 2, 0, 0), 5: Score(10, 9, 2, 1, 1, 2)})
    last = table.splitlines()[-1].split()
    assert last == ["all", "0.95", "(19", "of", "20)", "3", "of", "4", "1", "2"]
    assert len(table.splitlines()) == 4

"""What waits to be recorded, and what cannot wait."""

from config.settings import Settings
from gateway.facts import Placed, Venue
from gateway.identify import Accepted
from gateway.memory import NEVER_MS, Memory, Present
from gateway.waiting import Gathering, Number, Portion, intervals_of, peaks_of
from tests.gateway import plant

SETTINGS = plant.load()
SLOT_MS = SETTINGS.presence.slot_s * 1000
T0 = 1_773_424_800_000
BADGE = 7
VENUES = {"hall": Venue(300_000, False), "film": Venue(300_000, True)}


def placed(zone: str = "door", venue: str = "hall") -> Placed:
    return Placed(0, NEVER_MS, {"door": 1, "stage": 2}[zone], f"{venue}-{zone}", venue, zone, -90, 3)


def report(at_s: float, *heard: tuple[int, int], seq: int = 1, zone: str = "door", venue: str = "hall") -> Accepted:
    """A window of 2 s in which these badges (and how loud) were heard from its first to its last moment."""
    from_ms = T0 + round(at_s * 1000)
    found = [(badge, from_ms, from_ms + 2000, rssi) for badge, rssi in heard]
    place = placed(zone, venue)
    return Accepted(place.agent_id, "00000001", seq, b"", from_ms, from_ms + 2000, True, place, found, [], 0, 0)


def remember(memory: Memory, to_s: float, *, peak: int = -60, venue: str = "hall") -> Present:
    """The badge has been at the door since long, and was heard until to_s."""
    to_ms = T0 + round(to_s * 1000)
    present = memory.at(venue, 3).presents[BADGE] = Present(1, T0 - 600_000, to_ms)
    present.settle("door", T0 - 600_000, SLOT_MS)
    present.slot, present.peak, present.due_ms = to_ms // SLOT_MS, peak, NEVER_MS
    for placement_id in (1, 2):
        memory.at(venue, 3).coverage[placement_id,] = (T0 - 600_000, to_ms)
    return present


class Hall:
    """A gathering with one remembered badge."""

    def __init__(self, settings: Settings = SETTINGS, venue: str = "hall") -> None:
        """It was heard until T0."""
        self.memory = Memory(SLOT_MS)
        self.present = remember(self.memory, 0, venue=venue)
        self.gathering = Gathering(settings)

    def take(self, found: Accepted, now_s: float = 0.0) -> None:
        """Takes a report in."""
        self.gathering.take(found, self.memory, now_s)

    def due(self, now_s: float = 0.0) -> list[Portion]:
        """What is due then."""
        return self.gathering.due(now_s, VENUES)


def test_a_badge_that_goes_on_being_present_waits_until_it_is_time() -> None:
    hall = Hall()
    for step in range(7):
        hall.take(report(step * 2, (BADGE, -60), seq=step + 1), now_s=step * 2.0)
    assert [(portion.whole, set(portion.badges)) for portion in hall.due(13.9)] == [(False, set())]  # coverage alone
    (portion,) = hall.due(15.0)
    assert portion.whole
    (piece,) = portion.waiting.badges[BADGE]
    assert intervals_of([piece]) == [(T0, T0 + 14_000)]
    assert hall.gathering.recorded(portion) == [Number("hall-door", "00000001", seq) for seq in range(1, 8)]
    assert hall.due(100.0) == []


def test_a_report_in_which_no_badge_was_heard_is_settled_with_the_coverage() -> None:
    hall = Hall()
    hall.take(report(0, seq=1))
    hall.take(report(2, (BADGE, -60), seq=2))
    assert hall.due(3.9) == []
    (portion,) = hall.due(4.0)
    assert (portion.coverage, portion.whole) == (True, False)
    assert hall.gathering.recorded(portion) == [Number("hall-door", "00000001", 1)]
    (later,) = hall.due(15.0)
    assert hall.gathering.recorded(later) == [Number("hall-door", "00000001", 2)]


def test_what_spans_much_event_time_does_not_wait_for_the_clock() -> None:
    hall = Hall()
    for step in range(8):
        assert hall.due() == []
        hall.take(report(step * 2, (BADGE, -60), seq=step + 1))
    (portion,) = hall.due()
    assert portion.whole


def test_a_replayed_venue_waits_for_a_second_at_most() -> None:
    hall = Hall(venue="film")
    hall.take(report(0, (BADGE, -60), venue="film"))
    assert hall.due(0.9) == []
    assert [portion.whole for portion in hall.due(1.0)] == [True]


def urgent(hall: Hall) -> set[int]:
    return set(hall.gathering.venues["hall"].urgent)


def test_a_badge_that_comes_or_comes_back_cannot_wait() -> None:
    hall = Hall()
    hall.take(report(2, (99, -60)))
    assert urgent(hall) == {99}
    back = Hall()
    back.take(report(14, (BADGE, -60)))
    assert urgent(back) == set()
    back.take(report(14 + 2 + 16, (BADGE, -60)))
    assert urgent(back) == {BADGE}


def test_an_agent_that_listens_again_cannot_wait() -> None:
    hall = Hall()
    hall.take(report(60))
    assert [(portion.coverage, portion.whole) for portion in hall.due()] == [(True, False)]


def test_a_dwell_that_is_reached_cannot_wait() -> None:
    hall = Hall()
    hall.present.due_ms = T0 + 5000
    hall.take(report(2, (BADGE, -60)))
    assert urgent(hall) == set()
    hall.take(report(4, (BADGE, -60)))
    assert urgent(hall) == {BADGE}


def test_another_zone_cannot_wait_when_it_is_louder_in_two_slots_in_a_row() -> None:
    hall = Hall()
    for at_s in range(0, 14, 2):
        hall.take(report(at_s, (BADGE, -60)))
        hall.take(report(at_s, (BADGE, -70), zone="stage"))
    hall.take(report(12, (BADGE, -50), zone="stage"))
    assert (urgent(hall), hall.present.refold_ms) == (set(), NEVER_MS)
    hall.take(report(16, (BADGE, -50), zone="stage"))
    assert urgent(hall) == {BADGE}
    assert hall.present.refold_ms <= T0 + 10_000


def test_windows_of_another_zone_that_come_first_are_no_reason_to_hurry() -> None:
    """A window over two slots is told by every agent; whose comes first is chance."""
    hall = Hall()
    for step in range(0, 60, 2):
        hall.take(report(step, (BADGE, -75), zone="stage"))
        hall.take(report(step, (BADGE, -60)))
    assert (urgent(hall), hall.present.refold_ms) == (set(), NEVER_MS)


def test_a_zone_that_lost_the_badge_lets_any_other_take_over() -> None:
    hall = Hall()
    hall.take(report(20, (BADGE, -80), zone="stage"))
    assert hall.present.refold_ms == NEVER_MS
    hall.take(report(32, (BADGE, -80), zone="stage"))
    assert hall.present.refold_ms <= T0 + 32_000


def test_late_readings_are_computed_again_and_asked_about() -> None:
    hall = Hall()
    hall.present.late_ms = T0 - 400_000
    hall.take(report(-300, (BADGE, -60)))
    assert hall.present.due_ms == NEVER_MS  # not late for when its check-ins were asked about last
    hall.take(report(-700, (BADGE, -60)))
    assert hall.present.refold_ms == T0 - 700_000
    assert hall.present.due_ms == 0


def test_repeated_and_shuffled_readings_are_one_piece_with_its_peaks_in_order() -> None:
    hall = Hall()
    for at_s, rssi in ((20, -60), (0, -71), (10, -65), (0, -70), (10, -66)):
        hall.take(report(at_s, (BADGE, rssi)))
    (piece,) = hall.gathering.venues["hall"].badges[BADGE]
    slots = [T0 // SLOT_MS + at for at in (0, 2, 4)]
    assert list(piece[:3]) == [1, T0, T0 + 22_000]
    assert peaks_of(piece) == list(zip(slots, (-70, -65, -60), strict=True))


def test_shards_that_are_given_up_leave_nothing_behind() -> None:
    hall = Hall()
    hall.take(report(0, (BADGE, -60)))
    hall.gathering.drop([4])
    assert set(hall.gathering.venues) == {"hall"}
    hall.gathering.drop([3])
    hall.memory.forget([3])
    assert (hall.gathering.venues, hall.memory.venues) == ({}, {})

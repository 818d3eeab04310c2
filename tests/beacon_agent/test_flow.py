"""The flow: newest first, never more than the bound in flight, nothing forgotten."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from beacon_agent.flow import PARKED_UNHEARD, PATIENCE, Flow


def make_flow(waiting: int = 0, in_flight: int = 4, per_s: float = 1000.0) -> Flow:
    flow = Flow(in_flight, resend_s=60.0, per_s=per_s)
    flow.add(range(1, waiting + 1))
    flow.connect(0.0)
    return flow


def test_nothing_is_sent_without_a_connection() -> None:
    flow = Flow(4, 60.0, 1000.0)
    flow.add([1])
    assert flow.take(0.0) == []
    assert flow.next_due_s(0.0) is None
    flow.connect(0.0)
    assert flow.take(0.0) == [1]


def test_the_newest_window_goes_first_and_the_backlog_follows_with_what_is_left() -> None:
    flow = make_flow(waiting=10)
    assert flow.take(0.0) == [10, 9, 8, 7]
    flow.add([11])
    assert flow.take(0.1) == [], "four are in flight"
    flow.remove([9, 8])
    assert flow.take(0.2) == [11, 6]


def test_what_is_not_settled_is_sent_again_after_a_while() -> None:
    flow = make_flow(waiting=2)
    assert flow.take(0.0) == [2, 1]
    assert flow.next_due_s(1.0) == 60.0
    assert flow.take(59.0) == []
    flow.remove([2])
    assert flow.take(60.0) == [1]


def test_everything_in_flight_is_sent_again_on_reconnect() -> None:
    flow = make_flow(waiting=3)
    flow.take(0.0)
    flow.disconnect()
    assert flow.take(100.0) == []
    flow.connect(5.0)
    assert flow.take(5.0) == [3, 2, 1]


def test_another_epoch_makes_it_due_sooner_never_later() -> None:
    flow = make_flow(waiting=1)
    flow.take(0.0)
    flow.resend(3.0)
    flow.resend(50.0)
    assert flow.take(2.9) == []
    assert flow.take(3.0) == [1]


def test_a_settled_or_dropped_report_is_never_sent() -> None:
    flow = make_flow(waiting=3)
    flow.remove([3, 1])
    assert flow.take(0.0) == [2]
    assert len(flow) == 1


def test_a_backlog_is_sent_no_faster_than_the_rate() -> None:
    flow = make_flow(waiting=1000, in_flight=10, per_s=5.0)
    sent = 0
    now_s = 0.0
    while now_s < 10.0:
        for row_id in flow.take(now_s):
            flow.remove([row_id])
            sent += 1
        now_s += 0.01
    assert 10 + 48 <= sent <= 10 + 50


def test_reports_that_are_never_answered_make_room_for_others_and_are_tried_again_at_the_end() -> None:
    flow = make_flow(waiting=6, in_flight=2)
    now_s = 0.0
    answered: list[int] = []
    for _ in range(PATIENCE * 3):
        for row_id in flow.take(now_s):
            if row_id < 5:
                answered.append(row_id)
                flow.remove([row_id])
        for row_id in flow.take(now_s):
            answered.append(row_id)
            flow.remove([row_id])
        now_s += 60.0
    assert sorted({row_id for row_id in answered if row_id < 5}) == [1, 2, 3, 4]


def test_a_gateway_that_is_away_for_long_is_not_sent_everything_in_vain() -> None:
    flow = make_flow(waiting=1000, in_flight=10)
    now_s, sent = 0.0, set()
    for _ in range(PATIENCE + 20):
        sent |= set(flow.take(now_s))
        now_s += 60.0
    assert len(sent) == 10 + 20 * PARKED_UNHEARD
    flow.remove([flow.take(now_s)[0]])  # it is back: what it does not answer makes room at once
    now_s += 60.0
    assert len(set(flow.take(now_s)) - sent) > PARKED_UNHEARD


def test_older_reports_that_come_later_wait_behind_newer_ones() -> None:
    flow = make_flow(waiting=0, in_flight=2)
    flow.add([8, 9])
    flow.add([3, 4])  # dated only now
    flow.add([10])
    assert flow.take(0.0) == [10, 9]
    flow.remove([9, 10])
    assert flow.take(1.0) == [8, 4]


def test_there_is_room_while_fewer_than_the_bound_are_in_flight() -> None:
    flow = Flow(2, 60.0, 1000.0)
    flow.add([1, 2, 3])
    rooms = [flow.has_room]
    flow.connect(0.0)
    rooms.append(flow.has_room)
    flow.take(0.0)
    rooms.append(flow.has_room)
    flow.remove([3])
    rooms.append(flow.has_room)
    assert rooms == [False, True, False, True]


class FlowMachine(RuleBasedStateMachine):
    """Any sequence of events: the bound holds, nothing is lost, nothing comes back."""

    @initialize()
    def begin(self) -> None:
        self.flow = Flow(3, 10.0, 100.0)
        self.now_s = 0.0
        self.highest = 0
        self.kept: set[int] = set()

    @rule(count=st.integers(1, 4))
    def add(self, count: int) -> None:
        new = range(self.highest + 1, self.highest + 1 + count)
        self.highest += count
        self.flow.add(new)
        self.kept.update(new)

    @rule(which=st.integers(0, 100))
    def remove(self, which: int) -> None:
        if self.kept:
            row_id = sorted(self.kept)[which % len(self.kept)]
            self.flow.remove([row_id])
            self.kept.discard(row_id)

    @rule(connected=st.booleans())
    def connect(self, connected: bool) -> None:
        if connected:
            self.flow.connect(self.now_s)
        else:
            self.flow.disconnect()

    @rule(passed_s=st.floats(0, 15))
    def take(self, passed_s: float) -> None:
        self.now_s += passed_s
        sent = self.flow.take(self.now_s)
        assert set(sent) <= self.kept
        assert sent == sorted(set(sent), reverse=True)

    @invariant()
    def nothing_is_forgotten(self) -> None:
        if hasattr(self, "flow"):
            assert len(self.flow) == len(self.kept)
            assert self.flow.in_flight <= 3

    def teardown(self) -> None:
        if not hasattr(self, "flow"):
            return
        self.flow.connect(self.now_s)
        for _ in range(len(self.kept) + 50):
            self.now_s += 10.0
            sent = self.flow.take(self.now_s)
            self.flow.remove(sent)
            self.kept.difference_update(sent)
        assert not self.kept, "everything is sent in the end"


TestFlowMachine = FlowMachine.TestCase
TestFlowMachine.settings = settings(max_examples=60)

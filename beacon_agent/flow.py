"""Decides what to send now: pure, knows nothing of MQTT or SQLite."""

import dataclasses
from collections.abc import Iterable

PATIENCE = 5  # sendings without an answer before a report makes room for others: never the gateway's restart, always a
#               report that it will not answer; it is tried again when nothing else waits
PARKED_UNHEARD = (
    1  # while nothing at all is answered, so many make room at a time: a gateway that is away for a day must
)
#                     not have everything published to it, since what was published cannot be merged


@dataclasses.dataclass(slots=True)
class _Sent:
    due_s: float
    times: int
    answers: int  # how many were settled before it was first sent


class Flow:
    """Which reports are waiting and which are in flight; ids grow with age, the highest is the newest.

    At most `in_flight` are sent and unsettled. The newest goes first, the backlog follows with what is left. A report
    stays in flight until it is settled, and is due again after `resend_s`. Times are monotonic seconds.
    """

    def __init__(self, in_flight: int, resend_s: float, per_s: float) -> None:
        """per_s: how many sendings a second on average; a burst may be as large as `in_flight`."""
        self._in_flight = in_flight
        self._resend_s = resend_s
        self._per_s = per_s
        self._allowance = float(in_flight)
        self._allowance_at_s: float | None = None
        self._waiting: set[int] = set()
        self._stack: list[int] = []  # what waits, the newest on top; ids removed meanwhile are passed over
        self._sent: dict[int, _Sent] = {}
        self._parked: dict[int, float] = {}  # id -> due
        self._connected = False
        self._answers = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._sent) + len(self._parked)

    @property
    def in_flight(self) -> int:
        """How many are sent and unsettled."""
        return len(self._sent)

    @property
    def has_room(self) -> bool:
        """Whether a new report would be sent at once."""
        return self._connected and len(self._sent) < self._in_flight

    def allow(self, per_s: float) -> None:
        """Changes the rate."""
        self._per_s = per_s

    def add(self, ids: Iterable[int]) -> None:
        """More reports; most often newer ones than all before."""
        new = list(ids)
        self._waiting.update(new)
        is_newer = not self._stack or not new or min(new) > self._stack[-1]
        if is_newer:
            self._stack.extend(new)
        else:
            self._stack = sorted(self._waiting)

    def remove(self, ids: Iterable[int]) -> None:
        """Settled, dropped or merged ones."""
        for row_id in ids:
            self._waiting.discard(row_id)
            self._answers += self._sent.pop(row_id, None) is not None
            self._parked.pop(row_id, None)

    def connect(self, now_s: float) -> None:
        """The broker is there (again): what was in flight is due at once, since its answers may be lost."""
        self._connected = True
        self.resend(now_s)

    def disconnect(self) -> None:
        """The broker is gone: nothing is due."""
        self._connected = False

    def resend(self, at_s: float) -> None:
        """What is in flight is due at this time, unless it is sooner."""
        for sent in self._sent.values():
            sent.due_s = min(sent.due_s, at_s)

    def take(self, now_s: float) -> list[int]:
        """What to send now, the newest first; counted as sent."""
        if not self._connected:
            return []
        allowed = self._refill(now_s)
        again = sorted((row_id for row_id, sent in self._sent.items() if sent.due_s <= now_s), reverse=True)
        unheard = 0
        for row_id in again:
            sent = self._sent[row_id]
            is_heard = self._answers > sent.answers
            if sent.times >= PATIENCE and self._waiting and (is_heard or unheard < PARKED_UNHEARD):
                unheard += not is_heard
                del self._sent[row_id]
                self._parked[row_id] = now_s + self._resend_s
        chosen = [row_id for row_id in again if row_id in self._sent]
        room = self._in_flight - len(self._sent)
        chosen += self._choose_fresh(min(room, allowed), now_s)
        chosen.sort(reverse=True)
        self._stack.extend(row_id for row_id in reversed(chosen[allowed:]) if row_id in self._waiting)
        del chosen[allowed:]
        for row_id in chosen:
            self._waiting.discard(row_id)
            self._parked.pop(row_id, None)
            sent = self._sent.get(row_id) or _Sent(0.0, 0, self._answers)
            self._sent[row_id] = _Sent(now_s + self._resend_s, sent.times + 1, sent.answers)
        self._allowance -= len(chosen)
        return chosen

    def _choose_fresh(self, room: int, now_s: float) -> list[int]:
        fresh: list[int] = []
        while len(fresh) < room and self._stack:
            row_id = self._stack.pop()
            if row_id in self._waiting:
                fresh.append(row_id)
        if not self._waiting and room > 0:
            due = [row_id for row_id, due_s in self._parked.items() if due_s <= now_s]
            fresh += sorted(due, reverse=True)[:room]
        return fresh

    def next_due_s(self, now_s: float) -> float | None:
        """When `take` may have something, None when only a new report or a settled one can change that."""
        if not self._connected:
            return None
        soonest = min((sent.due_s for sent in self._sent.values()), default=None)
        if len(self._sent) < self._in_flight:
            if self._waiting:
                soonest = now_s
            elif self._parked:
                soonest = min(min(self._parked.values()), soonest if soonest is not None else float("inf"))
        if soonest is None:
            return None
        lacking = 1 - self._allowance
        return max(soonest, (self._allowance_at_s or now_s) + lacking / self._per_s if lacking > 0 else now_s)

    def _refill(self, now_s: float) -> int:
        if self._allowance_at_s is not None:
            gained = (now_s - self._allowance_at_s) * self._per_s
            self._allowance = min(float(self._in_flight), self._allowance + gained)
        self._allowance_at_s = now_s
        return int(self._allowance)

"""A gateway's memory of rows, by venue: the newest of each, good while the fence says that nobody else touched them.

It is a cache: what is not here is read, and all of it is thrown away when in doubt.
"""

from array import array
from collections.abc import Iterable
from typing import Any

from server.presence.joining import Interval
from server.presence.trace import SILENT, Forgotten

NEVER_MS = 1 << 62


class Present:
    """The newest visit of a badge at a venue."""

    __slots__ = (
        "before",
        "doubt_slot",
        "due_ms",
        "from_ms",
        "heard_ms",
        "is_whole",
        "late_ms",
        "peak",
        "refold_ms",
        "since_ms",
        "since_slot",
        "slot",
        "spans",
        "to_ms",
        "visit_id",
        "zone_id",
    )

    def __init__(self, visit_id: int, from_ms: int, to_ms: int) -> None:
        """A visit of which the zone is not known yet: whatever is heard next computes it."""
        self.visit_id, self.from_ms, self.to_ms = visit_id, from_ms, to_ms
        self.heard_ms = to_ms  # what waits to be recorded included
        self.zone_id, self.since_ms, self.since_slot = "", from_ms, NEVER_MS
        self.slot, self.peak, self.before = (
            -1,
            SILENT,
            SILENT,
        )  # its zone's newest slot, its loudest packet, the one before
        self.doubt_slot = -1  # the newest slot in which another zone was louder
        self.refold_ms = NEVER_MS  # from when on stays are to be computed again
        self.due_ms = 0  # when a check-in may be reached: 0 at the next recording, NEVER_MS never
        self.late_ms = 0  # what begins before it may change a check-in however long that was to wait
        self.spans = array("q")  # placement, from, to of the newest span at each placement, in turn
        self.is_whole = False  # whether none that reaches into the visit is missing there: it was begun by this memory

    def settle(self, zone_id: str, since_ms: int, slot_ms: int) -> None:
        """Learns the zone and since when."""
        self.zone_id, self.since_ms, self.since_slot = zone_id, since_ms, since_ms // slot_ms
        # In what was heard so far another zone may have been louder already: the next slot in which one is counts.
        self.doubt_slot = max(self.doubt_slot, self.to_ms // slot_ms)


class AtVenue:
    """What is remembered of one venue."""

    __slots__ = ("beacons", "coverage", "forgotten", "presents", "shard", "used_s")

    def __init__(self, shard: int) -> None:
        """Nothing yet."""
        self.shard = shard
        self.presents: dict[int, Present] = {}
        self.coverage: dict[tuple[Any, ...], Interval] = {}  # (placement,) -> newest run
        self.beacons: dict[tuple[Any, ...], Interval] = {}  # (whose beacon, placement) -> newest run
        self.used_s = 0.0  # when something was last taken for it (monotonic)
        self.forgotten: Forgotten | None = None  # times of which the trace is gone; None: not read yet


class Memory:
    """What is remembered of all venues."""

    def __init__(self, slot_ms: int) -> None:
        """Nothing yet. slot_ms: the length of a slot of the trace."""
        self.slot_ms = slot_ms
        self.venues: dict[str, AtVenue] = {}

    def at(self, venue_id: str, shard: int) -> AtVenue:
        """The memory of one venue, empty at first."""
        found = self.venues.get(venue_id)
        if found is None:
            found = self.venues[venue_id] = AtVenue(shard)
        return found

    def known(self, venue_id: str, badge_id: int) -> Present | None:
        """What is remembered of a badge at a venue."""
        at = self.venues.get(venue_id)
        return at.presents.get(badge_id) if at else None

    def forget(self, shards: Iterable[int]) -> None:
        """Throws away what is remembered of these shards."""
        lost = set(shards)
        self.venues = {venue_id: at for venue_id, at in self.venues.items() if at.shard not in lost}

    def forget_absent(self, silent_ms: int, now_s: float) -> None:
        """Throws away badges that were silent for so long, compared with the newest heard at their venue.

        Of a venue for which nothing came for so long all is thrown away. now_s: monotonic.
        """
        self.venues = {venue_id: at for venue_id, at in self.venues.items() if now_s - at.used_s < silent_ms / 1000}
        for at in self.venues.values():
            newest_ms = max((present.heard_ms for present in at.presents.values()), default=0)
            at.presents = {
                badge_id: present
                for badge_id, present in at.presents.items()
                if present.heard_ms >= newest_ms - silent_ms
            }

    def reconsider(self) -> None:
        """Who is expected changed: every badge's check-ins are looked at when it is recorded next."""
        for at in self.venues.values():
            for present in at.presents.values():
                present.due_ms = 0

"""What was heard and is not recorded yet, by venue: unions and maxima, whatever the order and repetition.

A present badge would otherwise cost a row a reading. What somebody may be waiting for - a badge that comes, comes back
or changes its zone, a dwell that is over, an agent that listens again - is recorded at once; a badge that merely goes
on being present within `coalesce_s`; coverage within `coverage_s`. A report is acknowledged when all of it is recorded.
"""

import sys
from array import array
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from config.settings import Settings
from gateway.facts import Venue
from gateway.identify import Accepted
from gateway.memory import AtVenue, Memory, Present
from server.presence.joining import Interval
from server.presence.trace import SILENT

# One badge at one placement, joined over heard_gap_s: placement, interval, then the slots with their peaks, each as one
# number: slot * 256 + dBm + 128. An array, since a hundred thousand of them would take a quarter of a gigabyte as
# objects.
Piece: TypeAlias = "array[int]"
PLACEMENT, FROM, TO, PEAKS = 0, 1, 2, 3


class Number(NamedTuple):
    """What an acknowledgement names."""

    agent: str
    boot: str
    seq: int


class Waiting:
    """What waits of one venue."""

    __slots__ = (
        "badges",
        "beacons",
        "coverage",
        "coverage_since_s",
        "first_ms",
        "last_ms",
        "light",
        "news",
        "placed",
        "reports",
        "shard",
        "since_s",
        "urgent",
        "venue_id",
    )

    def __init__(self, venue_id: str, shard: int) -> None:
        """Nothing yet."""
        self.venue_id, self.shard = venue_id, shard
        self.badges: dict[int, list[Piece]] = {}
        self.coverage: dict[int, list[Interval]] = {}  # by placement
        self.beacons: dict[tuple[str, int], list[Interval]] = {}  # by whose beacon it is and the placement
        self.placed: dict[int, tuple[str, str]] = {}  # placement -> agent, zone
        self.reports: list[Number] = []  # settled when all is recorded
        self.light: list[Number] = []  # settled with the coverage: no badge was heard
        self.urgent: set[int] = set()
        self.news = False  # an agent listens again
        self.since_s = self.coverage_since_s = 0.0
        self.first_ms, self.last_ms = 1 << 62, 0

    def due(self, now_s: float, settings: Settings, *, replayed: bool) -> "Portion | None":
        """What of it is to be recorded now. now_s: monotonic."""
        limits = settings.gateway
        coalesce_s = min(limits.coalesce_s, 1.0) if replayed else limits.coalesce_s
        if self.reports and (
            now_s - self.since_s >= coalesce_s or self.last_ms - self.first_ms >= limits.coalesce_s * 1000
        ):
            return Portion(self, self.badges, coverage=True, whole=True)
        told = bool(self.coverage or self.light) and (
            self.news or now_s - self.coverage_since_s >= min(limits.coverage_s, coalesce_s)
        )
        if self.urgent or told:
            return Portion(self, self.urgent, coverage=told, whole=False)
        return None


class Portion(NamedTuple):
    """What of a venue is recorded in one transaction: these badges, the coverage, or the whole."""

    waiting: Waiting
    badges: Iterable[int]
    coverage: bool
    whole: bool


class Gathering:
    """Takes accepted reports in, and says at once what cannot wait."""

    def __init__(self, settings: Settings) -> None:
        """presence and gateway of the settings count."""
        rule = settings.presence
        self._settings = settings
        self._slot_ms = rule.slot_s * 1000
        self._gap_ms = round(rule.heard_gap_s * 1000)
        self._comeback_ms = round(settings.gateway.comeback_s * 1000)
        self._margin_db = rule.switch_margin_db
        self._smooth, self._settle, self._lost = rule.smooth_slots, rule.settle_slots, rule.lost_slots
        self.venues: dict[str, Waiting] = {}

    def take(self, report: Accepted, memory: Memory, now_s: float) -> None:
        """Takes one report in. memory: what is known of the venue. now_s: monotonic."""
        placed = report.placed
        waiting = self.venues.get(placed.venue_id)
        if waiting is None:
            waiting = self.venues[placed.venue_id] = Waiting(placed.venue_id, placed.shard)
        at_venue = memory.at(placed.venue_id, placed.shard)
        at_venue.used_s = now_s
        waiting.placed[placed.id] = (placed.agent_id, placed.zone_id)
        if not (waiting.coverage or waiting.light):
            waiting.coverage_since_s = now_s
        if report.listened:
            self._listen(waiting, at_venue, placed.id, report.from_ms, report.to_ms)
        for beacon_of, from_ms, to_ms in report.beacons:
            waiting.beacons.setdefault((beacon_of, placed.id), []).append((from_ms, to_ms))
        # Tens of thousands wait at a time, of few agents: one text for all of them.
        number = Number(placed.agent_id, sys.intern(report.boot), report.seq)
        if not report.heard:
            waiting.light.append(number)
            return
        if not waiting.reports:
            waiting.since_s = now_s
        waiting.reports.append(number)
        waiting.first_ms = min(waiting.first_ms, report.from_ms)
        waiting.last_ms = max(waiting.last_ms, report.to_ms)
        self._hear(waiting, at_venue, placed.id, placed.zone_id, report)

    def _listen(self, waiting: Waiting, at_venue: AtVenue, placement_id: int, from_ms: int, to_ms: int) -> None:
        runs = waiting.coverage.setdefault(placement_id, [])
        if runs and runs[-1][1] == from_ms:
            runs[-1] = (runs[-1][0], to_ms)
            return
        runs.append((from_ms, to_ms))
        newest = at_venue.coverage.get((placement_id,))
        if newest is None or from_ms > newest[1]:
            waiting.news = True

    def _hear(self, waiting: Waiting, at_venue: AtVenue, placement_id: int, zone_id: str, report: Accepted) -> None:
        # The hot path: a hundred thousand readings a second pass here, so nothing is called that can be spared.
        slot_ms, gap_ms, comeback_ms = self._slot_ms, self._gap_ms, self._comeback_ms
        smooth, margin_db = self._smooth, self._margin_db
        badges, presents, urgent = waiting.badges, at_venue.presents, waiting.urgent
        for badge_id, from_ms, to_ms, rssi in report.heard:
            pieces = badges.get(badge_id)
            if pieces is None:
                pieces = badges[badge_id] = []
            slot, last_slot, level = from_ms // slot_ms, to_ms // slot_ms, rssi + 128
            for piece in pieces:
                if piece[0] == placement_id and piece[1] - gap_ms <= to_ms and from_ms <= piece[2] + gap_ms:
                    if from_ms < piece[1]:
                        piece[1] = from_ms
                    if to_ms > piece[2]:
                        piece[2] = to_ms
                    at = slot
                    while at <= last_slot:
                        peak, newest = at << 8 | level, piece[-1]
                        if newest >> 8 == at:
                            if peak > newest:
                                piece[-1] = peak
                        elif peak > newest:
                            piece.append(peak)
                        else:
                            _raise_older(piece, peak)
                        at += 1
                    break
            else:
                piece = array("q", (placement_id, from_ms, to_ms, packed(slot, rssi)))
                for at in range(slot + 1, last_slot + 1):
                    piece.append(at << 8 | level)
                pieces.append(piece)
            present = presents.get(badge_id)
            if present is None:
                urgent.add(badge_id)
                continue
            heard_ms = present.heard_ms
            if from_ms > heard_ms + comeback_ms or 0 < present.due_ms <= to_ms:
                urgent.add(badge_id)
            elif from_ms < present.late_ms:
                present.due_ms = 0
            if to_ms > heard_ms:
                present.heard_ms = to_ms
            # May it change the zone? The first slot that does is enough: stays are computed again from there.
            if slot > present.since_slot:
                if zone_id == present.zone_id:
                    if last_slot == present.slot:
                        if rssi > present.peak:
                            present.peak = rssi
                    elif last_slot > present.slot:
                        present.before = present.peak if last_slot == present.slot + 1 else SILENT
                        present.slot, present.peak = last_slot, rssi
                    continue
                if slot == last_slot and 0 <= slot - present.slot < smooth and rssi < present.peak + margin_db:
                    continue
                at = slot
                while at <= last_slot and not self._doubts(present, at, rssi):
                    at += 1
                if at > last_slot:
                    continue
            if from_ms < present.refold_ms:
                present.refold_ms = from_ms
            if last_slot >= present.slot:
                urgent.add(badge_id)

    def _doubts(self, present: Present, slot: int, rssi: int) -> bool:
        """Whether a packet in another zone may let that zone take over: louder than its own in two slots in a row.

        Louder in one slot is only noted. What is not known of its own zone counts as silence, so that this never errs
        the other way.
        """
        ago = slot - present.slot
        if ago == -1 and present.before > SILENT and rssi < present.before + self._margin_db:
            return False
        if 0 <= ago < self._lost:
            known = present.peak if ago < self._smooth else SILENT
            if ago == 0 and self._smooth > 1 and present.before > known:
                known = present.before
            if rssi < known + self._margin_db:
                return False
            before, present.doubt_slot = present.doubt_slot, max(present.doubt_slot, slot)
            if self._settle > 1 and before < slot - 1:
                return False
        present.refold_ms = min(present.refold_ms, (slot - self._settle) * self._slot_ms)
        return True

    def due(self, now_s: float, venues: dict[str, Venue]) -> list[Portion]:
        """What is to be recorded now, what waits longest first."""
        found = [
            portion
            for venue_id, waiting in self.venues.items()
            if (portion := waiting.due(now_s, self._settings, replayed=venues[venue_id].replayed))
        ]
        return sorted(found, key=lambda portion: portion.waiting.since_s)

    def recorded(self, portion: Portion) -> list[Number]:
        """Forgets what is recorded now; returns the reports that are settled with it."""
        waiting = portion.waiting
        settled: list[Number] = []
        if portion.whole:
            del self.venues[waiting.venue_id]
            return [*waiting.light, *waiting.reports]
        waiting.urgent = set()
        if portion.coverage:
            settled, waiting.light = waiting.light, []
            waiting.coverage, waiting.beacons, waiting.news = {}, {}, False
        if not waiting.reports and not waiting.light and not waiting.coverage:
            del self.venues[waiting.venue_id]
        return settled

    def drop(self, shards: Iterable[int]) -> None:
        """Forgets what waits of these shards, unacknowledged: their agents send it again, to whoever owns them now."""
        lost = set(shards)
        self.venues = {venue_id: waiting for venue_id, waiting in self.venues.items() if waiting.shard not in lost}


def intervals_of(pieces: Iterable[Piece]) -> list[Interval]:
    """When a badge was heard, by any placement."""
    return [(piece[FROM], piece[TO]) for piece in pieces]


def peaks_of(piece: Piece) -> list[tuple[int, int]]:
    """The slots of a piece with their loudest packets."""
    return [(peak >> 8, (peak & 255) - 128) for peak in piece[PEAKS:]]


def packed(slot: int, rssi: int) -> int:
    """A slot with its peak as it stands in a piece: whatever is later or louder is the greater number."""
    return slot << 8 | (rssi + 128)


def first_slot(piece: Piece) -> int:
    """The oldest slot of a piece."""
    return piece[PEAKS] >> 8


def known_zone(present: Present, peaks: Iterable[tuple[int, int]]) -> None:
    """Notes how loud a badge's zone heard it last. peaks: slots with the zone's loudest packets."""
    loudest = dict(peaks)
    present.slot = max(loudest, default=-1)
    present.peak = loudest.get(present.slot, SILENT)
    present.before = loudest.get(present.slot - 1, SILENT)


def _raise_older(piece: Piece, peak: int) -> None:
    """A slot before the newest of a piece, kept in order."""
    at = len(piece) - 1
    while at >= PEAKS and piece[at] >> 8 > peak >> 8:
        at -= 1
    if at >= PEAKS and piece[at] >> 8 == peak >> 8:
        piece[at] = max(piece[at], peak)
    else:
        piece.insert(at + 1, peak)

"""The agent: the ear that sources talk to; closes windows, spools their reports and tells the publisher."""

import asyncio
import concurrent.futures
import fcntl
import functools
import importlib.metadata
import json
import logging
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from beacon_agent import clock as agent_clock
from beacon_agent import wire
from beacon_agent.clock import Clock, Dating
from beacon_agent.flow import Flow
from beacon_agent.link import Login
from beacon_agent.packing import Draft
from beacon_agent.publisher import Publisher
from beacon_agent.source import STALL_MS, Source
from beacon_agent.spool import Spool
from beacon_agent.store import SpoolError
from beacon_agent.window import Coverage, Interest, Window
from config import settings as config_settings

log = logging.getLogger(__name__)

DEFAULT_FOLDER = "/var/lib/muster-agent"
GOODBYE_S = 5.0  # how long the last reports may take when stopped; systemd kills after 90 s, `muster up` after 10
AHEAD_WINDOWS = 4  # adverts of so many windows beyond the open one are kept apart; further ahead is a fault
GAP_MS = 60_000  # a source that lets more time pass at once between two calls did not listen in between


PLAYED = "played"  # the spool remembers under this name which recording was played until when


class Agent:
    """One agent with its spool, its clock and its connection. Times are ms by what dates them at the moment."""

    def __init__(
        self,
        settings: config_settings.Settings,
        *,
        hold_reports: int | None = None,
        recording: str | None = None,
        kernel: str | None = None,
        make_clock: Callable[[str, Dating | None], Clock] | None = None,
        on_progress: Callable[[int], None] = lambda _at_ms: None,
    ) -> None:
        """Opens the spool; raises SettingsError or SpoolError, one line.

        hold_reports: how many may be unsettled before `reach` holds the source back; None for live radio, which
        cannot wait. recording: what is played, so that the machine's clock says nothing about its time and a later run
        goes on where this one ended. kernel, make_clock: seams for this boot of the kernel and its clock.
        """
        self._settings = settings.agent
        key = check_identity(settings)
        folder = Path(settings.agent.folder or DEFAULT_FOLDER)
        self._lock_file = lock_folder(folder)
        kernel = kernel or agent_clock.read_kernel_boot()
        self._spool = Spool(
            folder / "spool.db",
            settings.agent.spool_mb * 1024 * 1024,
            agent=settings.agent.id,
            kernel=kernel,
            max_age_ms=None if recording else round(settings.agent.spool_max_age_s * 1000),
            merge_ms=(round(settings.agent.merge_s * 1000), round(settings.agent.merge_more_s * 1000)),
        )
        self._hold_reports = hold_reports
        self._recording = recording
        self.clock = (make_clock or functools.partial(open_clock, settings.agent))(kernel, self._spool.find_dating())
        if recording:
            self.clock.leave_to_recording()
        self._dating = self.clock.dating
        self._on_progress = on_progress
        self._loop = asyncio.get_running_loop()
        self._commits = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._settled = asyncio.Event()
        self._config_known = asyncio.Event()
        self._config: wire.Config | None = None
        self._interest = Interest(())
        self._windows: dict[int, Window] = {}
        self._current: Window | None = None
        self._next_from_ms: int | None = None
        self._length_ms = round(settings.agent.window_s * 1000)
        self._coverage = Coverage()
        self.counts: Counter[str] = Counter()
        broker = settings.broker
        self.publisher = Publisher(
            Login(broker.host, broker.port, broker.keepalive_s, settings.agent.id, key),
            self._spool,
            Flow(settings.agent.in_flight, settings.agent.resend_s, 200.0),
            clock=self.clock,
            on_config=lambda taken: self._call_soon(self._take_config, taken),
            on_settled=lambda: self._call_soon(self._settled.set),
            version=version(),
        )

    async def run(self, source: Source, stop: asyncio.Event, *, until_settled: bool = False) -> None:
        """Listens until the source ends or `stop` is set, then closes what is open, sends what can be sent and ends.

        until_settled: when the source has ended, wait until everything is settled (or `stop`).
        """
        if self.publisher.config and not self._recording:
            self._take_config(self.publisher.config)
        self.publisher.start()
        try:
            listening = asyncio.create_task(self._listen(source))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({listening, stopping}, return_when=asyncio.FIRST_COMPLETED)
            is_whole = listening.done() or not self._recording
            listening.cancel()
            results = await asyncio.gather(listening, return_exceptions=True)
            if is_whole:  # else the window that is open is played again, whole, by the run that goes on
                await self._close_open()
            for result in results:
                if isinstance(result, Exception):
                    raise result
            while until_settled and self._spool.reports and not stop.is_set():
                await self._wait_for_settling(stopping)
                self._on_progress(self._next_from_ms or 0)
            if until_settled and is_whole and not self._spool.reports:
                self._spool.remember(PLAYED, b"")
            stopping.cancel()
        finally:
            await asyncio.to_thread(self.publisher.stop, GOODBYE_S)
            self._commits.shutdown()
            self._spool.close()
            os.close(self._lock_file)

    @property
    def played_until_ms(self) -> int | None:
        """Until when a run that did not end has spooled this recording; None: it is to be played from its start."""
        try:
            mark = json.loads(self._spool.recall(PLAYED) or b"{}")
            is_same, until_ms = bool(mark["recording"] == self._recording), int(mark["until_ms"])
        except (ValueError, KeyError, TypeError):
            return None
        return until_ms if is_same else None

    @property
    def unsettled(self) -> int:
        """How many reports the spool holds."""
        return self._spool.reports

    async def _listen(self, source: Source) -> None:
        while not self._config_known.is_set():
            try:
                async with asyncio.timeout(self._settings.unknown_config_wait_s):
                    await self._config_known.wait()
            except TimeoutError:
                log.warning("agent %s waits for its config: is it enrolled and placed?", self._settings.id)
        await source.listen(self)

    # --- what sources call -----------------------------------------------------------------------------------------

    def hear(self, at_ms: int, data: bytes, rssi: int) -> None:
        """Takes one advert: manufacturer data with its company id, RSSI in dBm."""
        window = self._current
        if window is None or not window.from_ms <= at_ms < window.to_ms:
            window = self._find_window(at_ms)
            if window is None:
                self.counts["late"] += 1
                return
        window.hear(at_ms, data, rssi)

    def tell(self, at_ms: int, radio: wire.Radio) -> None:
        """Learns that the radio is in this state from now on."""
        if radio is not self._coverage.now:
            log.info("the radio is %s", radio)
        self._coverage.tell(at_ms, radio)
        self._tell_publisher()

    async def reach(self, now_ms: int) -> int:
        """Closes every window that ended by now, and holds the caller back while too much is unsettled."""
        wanted_ms = round(self._config.window_s * 1000) if self._config else self._length_ms
        if self._next_from_ms is None or wanted_ms != self._length_ms:
            await self._close_open()
            self._length_ms = wanted_ms
            self._next_from_ms = now_ms - now_ms % wanted_ms
            self._dating = self.clock.dating
        if now_ms - self._next_from_ms > GAP_MS + wanted_ms and not self._recording:
            await self.jump(now_ms)
        while self._next_from_ms + self._length_ms <= now_ms:
            from_ms = self._next_from_ms
            self._next_from_ms = from_ms + self._length_ms
            await self._close(from_ms)
            while self._hold_reports is not None and self._spool.reports > self._hold_reports:
                await self._wait_for_settling()
                self._on_progress(self._next_from_ms)
        return self._next_from_ms + self._length_ms

    async def jump(self, now_ms: int) -> None:
        """Closes what is open as listened to in part and begins anew at this time, with the same radio."""
        log.warning("time made a jump: a new window begins")
        radio = self._coverage.now
        await self._close_open()
        self._coverage = Coverage()
        self._coverage.tell(now_ms, radio)
        self._dating = self.clock.dating
        self._next_from_ms = now_ms - now_ms % self._length_ms

    # --- windows ---------------------------------------------------------------------------------------------------

    def _find_window(self, at_ms: int) -> Window | None:
        length_ms = self._length_ms
        from_ms = at_ms - at_ms % length_ms
        # A commit may take until a stall would be noticed: what is heard meanwhile belongs to windows that will be ok.
        ahead_ms = max(AHEAD_WINDOWS * length_ms, STALL_MS + length_ms)
        if self._next_from_ms is None or not 0 <= from_ms - self._next_from_ms <= ahead_ms:
            return None
        window = self._windows.get(from_ms)
        if window is None:
            window = self._windows[from_ms] = self._open(from_ms, from_ms + length_ms)
        self._current = window
        return window

    async def _close_open(self) -> None:
        """Reports what is open, although its time is not over: counts as not listened, its readings count."""
        for from_ms in sorted(self._windows):
            await self._close(from_ms, partial=True)

    async def _close(self, from_ms: int, *, partial: bool = False) -> None:
        to_ms = from_ms + self._length_ms
        window = self._windows.pop(from_ms, None)
        if window is not None and window is self._current:
            self._current = None
        if self._config is None:
            return
        window = window or self._open(from_ms, to_ms)
        self.counts.update(window.counts)
        radio = wire.Radio.OFF if partial else self._coverage.over(from_ms, to_ms)
        self._coverage.forget(to_ms)
        draft = Draft(self._config.shard, from_ms, to_ms, radio, window.rev, window.rssi_floor, window.readings())
        await self._loop.run_in_executor(self._commits, self._commit, draft)
        self.counts["windows"] += 1
        self._tell_publisher()
        self._on_progress(to_ms)

    def _open(self, from_ms: int, to_ms: int) -> Window:
        floor, rev = (self._config.rssi_floor, self._config.rev) if self._config else (wire.RSSI_DBM[0], 0)
        return Window(from_ms, to_ms, self._interest, floor, rev)

    def _commit(self, draft: Draft) -> None:
        mark = None
        if self._recording:
            mark = (PLAYED, json.dumps({"recording": self._recording, "until_ms": draft.to_ms}).encode())
        publishing = self.publisher.is_free
        self.publisher.change(self._spool.add(self._dating, draft, publishing=publishing, remembering=mark))

    # --- news ------------------------------------------------------------------------------------------------------

    def _take_config(self, taken: wire.Config) -> None:
        # Windows that are open keep the patterns they began with: a reading tells of a whole window.
        if taken is not self._config:
            self._config = taken
            self._interest = Interest(taken.patterns)
        self._config_known.set()

    def _tell_publisher(self) -> None:
        self.publisher.tell(self._coverage.now, self._dating.clock, self.counts.copy())

    async def _wait_for_settling(self, *also: "asyncio.Task[bool]") -> None:
        self._settled.clear()
        waiting = asyncio.create_task(self._settled.wait())
        await asyncio.wait({waiting, *also}, timeout=1, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()

    def _call_soon(self, function: Callable[..., object], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:  # the loop has ended before the thread
            log.debug("news after the end")


def open_clock(settings: config_settings.Agent, kernel: str, known: Dating | None) -> Clock:
    """The clock that the settings want. known: what dated the newest windows of this boot of the kernel."""
    trusting = settings.clock == "system"
    return Clock(kernel, known, ask_system=agent_clock.read_system_ms if trusting else agent_clock.read_synchronised_ms)


def check_identity(settings: config_settings.Settings) -> bytes:
    """The agent's key; raises SettingsError when the agent has no id or key."""
    if not wire.is_id(settings.agent.id):
        raise config_settings.SettingsError(
            f"agent.id is {settings.agent.id!r}: set it (MUSTER_AGENT__ID) to the id given at enrolment,"
            " lower-case letters, digits and -"
        )
    if not settings.agent.key:
        raise config_settings.SettingsError(
            "agent.key is not set: set it (MUSTER_AGENT__KEY) to the 64 hex digits given at enrolment"
        )
    return bytes.fromhex(settings.agent.key)


def lock_folder(folder: Path) -> int:
    """Makes sure that one agent alone works in the folder; returns the lock's file descriptor."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "agent.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SpoolError(
            f"the folder {folder} cannot be used ({error}): make it writable or set MUSTER_AGENT__FOLDER"
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise SpoolError(
            f"another muster-agent works in {folder}: stop it, or set MUSTER_AGENT__FOLDER to another folder"
        ) from None
    return descriptor


def read_config(settings: config_settings.Settings) -> wire.Config:
    """The config that the agent in the settings' folder last had; raises SpoolError when there is none.

    Takes the folder's lock, so that it is known that no agent runs.
    """
    folder = Path(settings.agent.folder or DEFAULT_FOLDER)
    descriptor = lock_folder(folder)
    spool = Spool(folder / "spool.db", settings.agent.spool_mb * 1024 * 1024)
    payload = spool.recall("config")
    spool.close()
    os.close(descriptor)
    try:
        return wire.decode_config(payload or b"")
    except wire.Unacceptable:
        raise SpoolError(
            f"no agent in {folder} was ever told what to report: run one first, or record everything with --all"
        ) from None


def version() -> str:
    """The installed version of muster."""
    try:
        return importlib.metadata.version("muster")
    except importlib.metadata.PackageNotFoundError:
        return ""

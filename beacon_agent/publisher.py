"""Brings spooled reports to the broker and takes back what is settled: one thread, one link after the other."""

import dataclasses
import json
import logging
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as mqtt

from beacon_agent import wire
from beacon_agent.clock import Clock
from beacon_agent.flow import Flow
from beacon_agent.link import Link, Login
from beacon_agent.spool import Change, Spool

log = logging.getLogger(__name__)

BACKOFF_S = (0.5, 30.0)  # first and longest pause before another connection; doubled each time, times 0.5 to 1.0
EPOCH_JITTER_S = 5.0  # a gateway that takes a shard must not get all its agents in one moment
HEALTH_S = 30.0  # the status is renewed this often: its figures are for people, liveness comes from reports
_REASONS = frozenset(wire.Reason)  # others, of later versions, are counted together
TICK_S = 1.0  # the longest wait without looking at the clock


class Publisher:
    """Runs in a thread of its own, since neither MQTT nor a commit may hold up the radio.

    `on_config` and `on_settled` are called in that thread.
    """

    def __init__(
        self,
        login: Login,
        spool: Spool,
        flow: Flow,
        *,
        clock: Clock | None = None,
        on_config: Callable[[wire.Config], None],
        on_settled: Callable[[], None] = lambda: None,
        version: str = "",
        epoch_jitter_s: float = EPOCH_JITTER_S,
        backoff_s: tuple[float, float] = BACKOFF_S,
    ) -> None:
        """Takes over what the spool holds, the config in it included. clock: learns from answers; None: needs none."""
        self._login = login
        self._clock = clock
        self._probes: dict[int, float] = {}  # seq -> when it was sent, by the clock's count
        self._spool = spool
        self._flow = flow
        self._on_config = on_config
        self._on_settled = on_settled
        self._epoch_jitter_s = epoch_jitter_s
        self._backoff_s = backoff_s
        self._events: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._link: Link | None = None
        self._ready = False
        self._epochs: dict[str, int] = {}
        self._stop_by_s: float | None = None
        self._told: Counter[str] = Counter()
        self._said = ""
        self.counts: Counter[str] = Counter()
        self.config = self._recall_config()
        rejected = spool.recall("rejected_rev")
        self._status = wire.Status(
            online=True,
            boot=spool.boot,
            conn=0,
            rev=self.config.rev if self.config else 0,
            rejected_rev=int(rejected) if rejected else None,
            version=version,
        )
        if self.config:
            flow.allow(self.config.reports_per_s)
        flow.add(spool.waiting())

    def start(self) -> None:
        """Begins to connect; what can be sent is sent."""
        self._thread.start()

    @property
    def is_free(self) -> bool:
        """Whether a new report would be sent at once."""
        return self._ready and self._flow.has_room

    def change(self, change: Change) -> None:
        """Learns what may be published by now and what is gone."""
        self._events.put(("change", change))

    def tell(self, radio: wire.Radio, clock: wire.Clock, counters: Counter[str]) -> None:
        """Learns what the status should say."""
        self._events.put(("tell", radio, clock, counters))

    def stop(self, within_s: float) -> None:
        """Sends what can be sent and settled within this time, says goodbye and returns."""
        self._events.put(("stop", time.monotonic() + within_s))
        if self._thread.is_alive():
            self._thread.join()

    # --- the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        pause_s = self._backoff_s[0]
        while not self._finished():
            try:
                if self._connect():
                    pause_s = self._backoff_s[0] if self._serve() else pause_s
                    self._hang_up()
            except Exception:  # a fault in one message must not end the only way out of the spool
                log.exception("the publisher failed and begins anew")
                self.counts["faults"] += 1
                self._drop_connection()
            if self._stop_by_s is None:
                self._wait(random.uniform(0.5, 1.0) * pause_s)  # noqa: S311 -- jitter, not a secret
                pause_s = min(pause_s * 2, self._backoff_s[1])
            else:
                self._wait(0.1)

    def _finished(self) -> bool:
        return self._stop_by_s is not None and (time.monotonic() >= self._stop_by_s or not len(self._flow))

    def _wait(self, for_s: float) -> None:
        until_s = time.monotonic() + for_s
        while (left_s := until_s - time.monotonic()) > 0 and not self._finished():
            stopping = self._stop_by_s is not None
            self._handle_next(left_s)
            if self._stop_by_s is not None and not stopping:
                return

    def _connect(self) -> bool:
        self._status = dataclasses.replace(self._status, conn=self._status.conn + 1)
        will = dataclasses.replace(self._status, online=False, radio=wire.Radio.OFF)
        try:
            self._link = Link(self._login, will, self._events, self._count_ms)
        except (OSError, ValueError) as error:
            self._say_once(f"the broker {self._login.host}:{self._login.port} cannot be reached: {error}")
            return False
        self._ready = False
        return True

    def _serve(self) -> bool:
        """Works until the connection ends; True when it was of use."""
        was_ready = False
        health_at_s = 0.0
        while self._link is not None and not self._finished():
            now_s = time.monotonic()
            if self._ready:
                was_ready = True
                self._send(now_s)
                self._probe()
                if now_s >= health_at_s:
                    self._publish_status()
                    health_at_s = now_s + HEALTH_S
            due_s = self._flow.next_due_s(now_s)
            wait_s = TICK_S if due_s is None else min(TICK_S, max(0.0, due_s - now_s))
            if self._stop_by_s is not None:
                wait_s = min(wait_s, max(0.0, self._stop_by_s - now_s))
            if self._handle_next(wait_s) and self._ready:
                health_at_s = 0.0
        return was_ready

    def _hang_up(self) -> None:
        link, self._link, ready, self._ready = self._link, None, self._ready, False
        self._flow.disconnect()
        if link is not None:
            goodbye = dataclasses.replace(self._figures(), online=False, radio=wire.Radio.OFF)
            link.hang_up(goodbye if ready else None)

    def _drop_connection(self) -> None:
        link, self._link, self._ready = self._link, None, False
        self._flow.disconnect()
        if link is not None:
            link.drop()

    def _send(self, now_s: float) -> None:
        taken = self._flow.take(now_s)
        found = self._spool.publish(taken) if taken else {}
        if found is None:  # it cannot be read now: due again after resend_s
            return
        self._flow.remove(row_id for row_id in taken if row_id not in found)
        for stored in found.values():
            self._publish_report(stored.shard, stored.body)
            self.counts["sent"] += 1

    def _publish_report(self, shard: int, body: bytes) -> None:
        if self._link is not None:
            self._link.publish(wire.report_topic(shard, self._login.agent), wire.sign(self._login.key, body))

    def _probe(self) -> None:
        if self._clock is None or self.config is None or not self._clock.wants_probe():
            return
        probe = wire.make_probe(self._login.agent, self._spool.boot, self._spool.take_seq())
        self._probes = {probe.seq: self._clock.count_ms()}
        self._publish_report(self.config.shard, wire.encode(probe))
        self.counts["probes"] += 1

    def _figures(self) -> wire.Status:
        counters = self._told + self.counts + self._spool.counts
        counters.update(self._spool.dropped)
        return dataclasses.replace(
            self._status,
            spooled_reports=self._spool.reports,
            spooled_bytes=max(0, self._spool.bytes),
            counters=dict(counters),
        )

    def _publish_status(self) -> None:
        if self._link is not None:
            self._link.publish_status(self._figures())

    # --- what happens to it ----------------------------------------------------------------------------------------

    def _handle_next(self, wait_s: float) -> bool:
        """Handles one event, waiting this long for it; True when the status should be told anew."""
        try:
            event = self._events.get(timeout=wait_s) if wait_s > 0 else self._events.get_nowait()
        except queue.Empty:
            return False
        kind, *rest = event
        if kind == "change":
            self._flow.add(rest[0].added)
            self._flow.remove(rest[0].gone)
        elif kind == "stop":
            self._stop_by_s = rest[0]
        elif kind == "tell":
            changed = (rest[0], rest[1]) != (self._status.radio, self._status.clock)
            self._status = dataclasses.replace(self._status, radio=rest[0], clock=rest[1])
            self._told = rest[2]
            return changed
        elif rest[0] is self._link:  # not of an earlier connection
            return self._handle_broker(kind, *rest)
        return False

    def _handle_broker(self, kind: str, link: Link, *rest: Any) -> bool:
        if kind == "connected":
            if rest[0].is_failure:
                self._say_once(f"the broker refuses {self._login.agent}: {rest[0]}; is agent.key the enrolled one?")
                self._drop_connection()
            else:
                link.subscribe([wire.ack_topic(self._login.agent), wire.config_topic(self._login.agent)], vital=True)
                if self.config:
                    link.subscribe([wire.epoch_topic(self.config.shard)], vital=False)
        elif kind == "disconnected":
            log.warning("the connection to the broker is lost: %s", rest[0])
            self._drop_connection()
        elif kind == "subscribed":
            vital = link.answered(rest[0])
            if any(code.is_failure for code in rest[1]):
                self._say_once(f"the broker does not let {self._login.agent} read what it needs: check its rights")
                if vital:
                    self._drop_connection()
            elif vital:
                log.info("connected to the broker, %d reports wait", len(self._flow))
                self._ready = True
                self._flow.connect(time.monotonic())
                return True
        elif kind == "message":
            return self._take(rest[0], rest[1])
        return False

    def _count_ms(self) -> float:
        return self._clock.count_ms() if self._clock is not None else 0.0

    def _take(self, message: mqtt.MQTTMessage, at_ms: float) -> bool:
        topic, payload = message.topic, bytes(message.payload)
        try:
            if topic == wire.ack_topic(self._login.agent):
                ack = wire.decode_ack(payload)
                self._settle(self._hear_time(ack, at_ms))
            elif topic == wire.config_topic(self._login.agent):
                return self._take_config(payload)
            else:
                self._take_epoch(topic, payload, retained=message.retain)
        except wire.Unacceptable as error:
            self.counts["bad_messages"] += 1
            log.warning("a message on %s cannot be taken: %s", topic, error)
        return False

    def _hear_time(self, ack: wire.Ack, at_ms: float) -> wire.Ack:
        """Gives the clock what the acknowledgement knows of time; returns it without the probe that it answers."""
        named = {seq for seq in self._probes if seq in ack.refused or any(low <= seq <= high for low, high in ack.done)}
        answered = named if ack.boot == self._spool.boot else set()
        probed_at_ms = self._probes.pop(answered.pop()) if answered else None
        if self._clock is not None:
            self._clock.hear(ack.now_ms, at_ms=at_ms, probed_at_ms=probed_at_ms)
        refused = {seq: reason for seq, reason in ack.refused.items() if probed_at_ms is None or seq not in named}
        return dataclasses.replace(ack, refused=refused)

    def _settle(self, ack: wire.Ack) -> None:
        ids = self._spool.settle(ack)
        self._flow.remove(ids)
        self.counts["settled"] += len(ids)
        for seq, reason in ack.refused.items():
            self.counts["refused"] += 1
            if reason in _REASONS:
                self.counts[f"refused_{reason}"] += 1
            log.warning("report %s-%d was refused: %.40s", ack.boot, seq, reason)
        if ids:
            self._on_settled()

    def _take_config(self, payload: bytes) -> bool:
        if not payload:  # a retained message that was cleared
            return False
        try:
            config = wire.decode_config(payload)
        except wire.Unacceptable:
            self._reject(payload)
            raise
        if self.config and config.rev == self.config.rev:
            self._on_config(self.config)  # confirmed: what was remembered is still in force
            return False
        if config.rev <= max(self._status.rev, self._status.rejected_rev or 0):
            log.info("config %d is not newer than what is in force", config.rev)
            return False
        old_shard = self.config.shard if self.config else None
        self.config = config
        self._status = dataclasses.replace(self._status, rev=config.rev)
        self._spool.remember("config", payload)
        self._flow.allow(config.reports_per_s)
        if config.shard != old_shard and self._link is not None:
            self._link.subscribe([wire.epoch_topic(config.shard)], vital=False)
            if old_shard is not None:
                self._link.unsubscribe(wire.epoch_topic(old_shard))
        log.info("config %d is in force", config.rev)
        self._on_config(config)
        return True

    def _reject(self, payload: bytes) -> None:
        try:
            rev = json.loads(payload)["rev"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return
        if type(rev) is int and max(self._status.rev, self._status.rejected_rev or 0) < rev <= wire.MAX_SEQ:
            self._status = dataclasses.replace(self._status, rejected_rev=rev)
            self._spool.remember("rejected_rev", str(rev).encode())
            self._publish_status()

    def _take_epoch(self, topic: str, payload: bytes, *, retained: bool) -> None:
        try:
            epoch = json.loads(payload)["epoch"]
        except (ValueError, TypeError, KeyError, RecursionError):
            raise wire.Unacceptable(wire.Reason.BAD_MESSAGE, "epoch") from None
        if type(epoch) is not int:
            raise wire.Unacceptable(wire.Reason.BAD_MESSAGE, "epoch")
        # The first that is heard of is news too, unless the broker had kept it: what was sent before found nobody.
        known = self._epochs.get(topic, epoch if retained else None)
        self._epochs[topic] = epoch
        if known != epoch:
            jitter_s = random.uniform(0, self._epoch_jitter_s)  # noqa: S311 -- jitter, not a secret
            log.info("another gateway has taken the shard: sending again in %.1f s", jitter_s)
            self._flow.resend(time.monotonic() + jitter_s)

    def _recall_config(self) -> wire.Config | None:
        payload = self._spool.recall("config")
        try:
            return wire.decode_config(payload) if payload else None
        except wire.Unacceptable:
            return None

    def _say_once(self, line: str) -> None:
        if line != self._said:
            self._said = line
            log.warning("%s (it goes on trying)", line)

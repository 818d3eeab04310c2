"""Brings spooled reports to the broker and takes back what is settled: one thread, one paho client per connection."""

import dataclasses
import json
import logging
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from beacon_agent import wire
from beacon_agent.clock import Clock
from beacon_agent.flow import Flow
from beacon_agent.spool import Change, Spool

log = logging.getLogger(__name__)

BACKOFF_S = (0.5, 30.0)  # first and longest pause before another connection; doubled each time, times 0.5 to 1.0
EPOCH_JITTER_S = 5.0  # a gateway that takes a shard must not get all its agents in one moment
HEALTH_S = 30.0  # the status is renewed this often: its figures are for people, liveness comes from reports
CONNECT_S = 5.0  # a broker that does not even answer in this time is as good as away
_REASONS = frozenset(wire.Reason)  # others, of later versions, are counted together
TICK_S = 1.0  # the longest wait without looking at the clock


@dataclasses.dataclass(frozen=True, slots=True)
class Login:
    """Where the broker is, and who this agent is there."""

    host: str
    port: int
    keepalive_s: int
    agent: str
    key: bytes


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
        self._client: mqtt.Client | None = None
        self._subscribing: dict[int, bool] = {}  # mid -> nothing can be done without it
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
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"muster-agent-{self._login.agent}",
            clean_session=True,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_S
        client.max_inflight_messages_set(1000)  # the flow is ours, exact; paho's own bound would only add a queue
        client.username_pw_set(self._login.agent, wire.broker_password(self._login.key))
        will = dataclasses.replace(self._status, online=False, radio=wire.Radio.OFF)
        client.will_set(wire.status_topic(self._login.agent), wire.encode_status(will), qos=1, retain=True)
        put = self._events.put
        client.on_connect = lambda client, _data, _flags, code, _properties: put(("connected", client, code))
        client.on_disconnect = lambda client, _data, _flags, code, _properties: put(("disconnected", client, code))
        client.on_subscribe = lambda client, _data, mid, codes, _properties: put(("subscribed", client, mid, codes))
        client.on_message = lambda client, _data, message: put(("message", client, message, self._count_ms()))
        try:
            client.connect(self._login.host, self._login.port, self._login.keepalive_s)
        except (OSError, ValueError) as error:
            self._say_once(f"the broker {self._login.host}:{self._login.port} cannot be reached: {error}")
            return False
        self._client, self._ready, self._subscribing = client, False, {}
        client.loop_start()
        return True

    def _serve(self) -> bool:
        """Works until the connection ends; True when it was of use."""
        was_ready = False
        health_at_s = 0.0
        while self._client is not None and not self._finished():
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
        client, self._client, ready, self._ready = self._client, None, self._ready, False
        self._flow.disconnect()
        if client is None:
            return
        if ready:  # a goodbye of our own: the broker sends no will after a proper disconnect
            goodbye = dataclasses.replace(self._figures(), online=False, radio=wire.Radio.OFF)
            topic = wire.status_topic(self._login.agent)
            sent = client.publish(topic, wire.encode_status(goodbye), qos=1, retain=True)
            if sent.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
                sent.wait_for_publish(1.0)
        client.disconnect()
        client.loop_stop()

    def _drop_connection(self) -> None:
        client, self._client, self._ready = self._client, None, False
        self._flow.disconnect()
        if client is not None:
            client.loop_stop()

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
        if self._client is not None:
            topic = wire.report_topic(shard, self._login.agent)
            self._client.publish(topic, wire.sign(self._login.key, body), qos=1)

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
        if self._client is not None:
            payload = wire.encode_status(self._figures())
            self._client.publish(wire.status_topic(self._login.agent), payload, qos=1, retain=True)

    def _subscribe(self, topics: Iterable[str], *, vital: bool) -> None:
        if self._client is not None:
            code, mid = self._client.subscribe([(topic, 1) for topic in topics])
            if code == MQTTErrorCode.MQTT_ERR_SUCCESS and mid is not None:
                self._subscribing[mid] = vital

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
        elif rest[0] is self._client:  # not of an earlier connection
            return self._handle_broker(kind, *rest[1:])
        return False

    def _handle_broker(self, kind: str, *rest: Any) -> bool:
        if kind == "connected":
            if rest[0].is_failure:
                self._say_once(f"the broker refuses {self._login.agent}: {rest[0]}; is agent.key the enrolled one?")
                self._drop_connection()
            else:
                self._subscribe([wire.ack_topic(self._login.agent), wire.config_topic(self._login.agent)], vital=True)
                if self.config:
                    self._subscribe([wire.epoch_topic(self.config.shard)], vital=False)
        elif kind == "disconnected":
            log.warning("the connection to the broker is lost: %s", rest[0])
            self._drop_connection()
        elif kind == "subscribed":
            vital = self._subscribing.pop(rest[0], False)
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
        if config.shard != old_shard:
            self._subscribe([wire.epoch_topic(config.shard)], vital=False)
            if old_shard is not None and self._client is not None:
                self._client.unsubscribe(wire.epoch_topic(old_shard))
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

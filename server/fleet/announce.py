"""Keeps the broker in step with the tables: every agent has its login there, and its newest config retained."""

import datetime as dt
import hashlib
import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Protocol

from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from beacon_agent import wire
from server import database, topics
from server.fleet import admission, logins
from server.fleet import service as fleet
from server.fleet.model import Agent

log = logging.getLogger(__name__)

Patterns = Callable[[Session, dt.datetime], tuple[tuple[int, bytes], ...]]
Administer = Callable[[], AbstractContextManager[logins.Logins]]


class Publishes(Protocol):
    """What this needs of a connection to the broker."""

    def publish(self, topic: str, payload: bytes, qos: int, retain: bool) -> Any:
        """Publishes."""


class Announcer:
    """Compares tables and broker when the facts have moved, and sends what changed; any process may move them."""

    def __init__(
        self,
        engine: Engine,
        client: Publishes,
        patterns: Patterns,
        window_s: float,
        administer: Administer | None,
    ) -> None:
        """patterns: what agents are to report; administer: the broker's logins, None where others look after them."""
        self._engine = engine
        self._client = client
        self._patterns = patterns
        self._window_s = window_s
        self._administer = administer
        self._lock = threading.Lock()
        self._facts: int | None = None
        self._published: dict[str, tuple[bytes, wire.Config]] = {}
        self._admitted: dict[str, logins.AgentLogin] = {}
        self._again = False

    def forget(self) -> None:
        """Sends every config once more at the next step: the broker may have lost what it kept."""
        self._again = True

    def step(self, now: dt.datetime) -> int:
        """Brings the broker up to date and returns how many configs it sent; nothing moved costs one small query.

        Raises LoginsError, and what the database raises; the next step tries again.
        """
        with self._lock:
            with Session(self._engine) as session:
                facts = topics.revisions(session, [topics.FACTS])[topics.FACTS]
            again = self._again
            if facts == self._facts and not again:
                return 0
            self._again = False
            try:
                self._admit()
                sent = self._publish(now, again)
            except Exception:
                self._again = self._again or again  # `forget` may have been called meanwhile
                raise
            self._facts = facts
            return sent

    def _admit(self) -> None:
        if self._administer is None:
            return
        with Session(self._engine) as session:
            wanted = {login.agent_id: login for login in admission.logins_of(session)}
        changed = [login for agent_id, login in wanted.items() if self._admitted.get(agent_id) != login]
        gone = self._admitted.keys() - wanted.keys()
        if changed or gone:
            with self._administer() as found:
                found.add_agents(changed)
                for agent_id in gone:
                    found.remove_agent(agent_id)
        self._admitted = wanted

    def _publish(self, now: dt.datetime, again: bool) -> int:
        with database.transaction(self._engine) as session:
            configs, highest = self._read(session, now)
            digests = {config_id: _digest(config) for config_id, config in configs.items()}
            changed = [
                agent_id
                for agent_id, digest in digests.items()
                if agent_id not in self._published
                or self._published[agent_id][0] != digest
                or self._published[agent_id][1].rev < highest[agent_id]  # it would not take what was published
            ]
            # An agent takes only a higher rev than its own, so that what changed must have one.
            revs = _raise_revs(session, changed)
        for agent_id, rev in revs.items():
            self._published[agent_id] = (digests[agent_id], replace(configs[agent_id], rev=rev))
        sent = sorted(self._published.keys() & configs.keys()) if again else sorted(revs)
        for agent_id in sent:
            payload = wire.encode_config(self._published[agent_id][1])
            if len(payload) > wire.MAX_PAYLOAD_BYTES:
                log.error(
                    "the config of %s has %d bytes, more than an agent takes: name the uuids of your badges in"
                    " server.own_uuids, so that one pattern covers them",
                    agent_id,
                    len(payload),
                )
                continue
            self._client.publish(wire.config_topic(agent_id), payload, qos=1, retain=True)
        return len(sent)

    def _read(self, session: Session, now: dt.datetime) -> tuple[dict[str, wire.Config], dict[str, int]]:
        """The configs by agent, and the highest rev that each agent knows."""
        patterns = self._patterns(session, now)
        places = fleet.newest_places(session)
        placed = [agent for agent in fleet.list_all(session) if agent.id in places]
        configs = {agent.id: fleet.make_config(agent, places[agent.id], patterns, self._window_s) for agent in placed}
        return configs, {agent.id: fleet.highest_rev(agent) for agent in placed}


def _digest(config: wire.Config) -> bytes:
    return hashlib.sha256(wire.encode_config(replace(config, rev=1))).digest()


def _raise_revs(session: Session, agent_ids: list[str]) -> dict[str, int]:
    # In the order of their ids, so that two processes that do this at once never wait in a ring.
    return {
        agent_id: session.execute(
            update(Agent)
            .where(Agent.id == agent_id)
            .values(config_rev=Agent.config_rev + 1)
            .returning(Agent.config_rev)
            .execution_options(synchronize_session=False)
        ).scalar_one()
        for agent_id in sorted(agent_ids)
    }

"""An evening in the hall for tests that disturb gateways, and what an undisturbed gateway makes of its reports."""

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import text

from gateway.ingest import Arrived
from server import database
from tests import processes
from tests.gateway import plant, scene
from tests.gateway.house import House

DOOR, STAGE = scene.AGENTS
LASTS_S = 120
Rows = dict[str, list[tuple[Any, ...]]]


class Evening:
    """Two minutes of both agents: ana walks from the door to the stage, ben comes later, a third badge goes."""

    def __init__(self, house: House) -> None:
        """Adds an event that ana signed up for, and both agents' clients."""
        self.house = house
        with database.transaction(house.engine) as session:
            badges = house.world.badges
            scene.add_event(session, [(badges[0], "ana"), (badges[1], "ben")], dwell_s=15)
            session.execute(text("INSERT INTO sign_up (event_id, member_id) VALUES ('night', 'ana')"))
            session.execute(
                text(
                    "UPDATE step SET opens_at = now() - interval '1 hour', starts_at = now(),"
                    " ends_at = now() + interval '1 hour'"
                )
            )
            session.execute(text("UPDATE pairing SET valid = tstzrange('2020-01-01', NULL)"))
        self.boxes = {agent: house.agent(agent) for agent in scene.AGENTS}
        self.sent: list[Arrived] = []

    def report(self, agent: str, at_s: int) -> bytes:
        """What the agent heard in the window at at_s; its number is that time."""
        near, far = (-55, -75) if (agent == DOOR) == (at_s < 60) else (-75, -55)
        heard = [(0, near)] if agent == DOOR or at_s > 20 else []
        if at_s >= 30:
            heard.append((1, far))
        if agent == DOOR and at_s < 50:
            heard.append((2, -60))
        return self.house.report(at_s + 1, at_s, heard, agent)

    def send(self, from_s: int, to_s: int, agents: Iterable[str] = scene.AGENTS) -> None:
        """Publishes the windows of this time."""
        for at_s in range(from_s, to_s, 2):
            for agent in agents:
                payload = self.report(agent, at_s)
                self.sent.append(Arrived(agent, payload))
                self.boxes[agent].send(payload, agent=agent)

    @property
    def settled(self) -> bool:
        """Whether everything sent was acknowledged as committed."""
        return all(box.done() >= box.sent.keys() for box in self.boxes.values())

    def await_settled(self, timeout_s: float = 30) -> None:
        """Waits until everything sent is acknowledged."""
        processes.wait_until(lambda: self.settled, "everything is acknowledged", timeout_s)

    def tables(self) -> Rows:
        """What is recorded."""
        return plant.tables(self.house.engine)

    def undisturbed(self) -> Rows:
        """What one gateway that nothing happens to records of all that was sent, in order. Ends with empty tables."""
        plant.empty(self.house.conninfo)
        gateway = plant.Gateway(self.house.engine, plant.Wire(), "undisturbed", dt.datetime.now(dt.UTC))
        gateway.take(self.sent)
        gateway.worker.flush(everything=True)
        found = self.tables()
        plant.empty(self.house.conninfo)
        return found

    def close(self) -> None:
        """Disconnects the agents."""
        for box in self.boxes.values():
            box.close()


def open_in(house: House) -> Iterator[Evening]:
    """For fixtures: an evening whose clients are disconnected at the end."""
    evening = Evening(house)
    yield evening
    evening.close()

"""The shop's Pi at the house's time: what it hears goes the gateway's way into the tables, and the clock goes on."""

import datetime as dt

from beacon_agent import wire
from gateway.ingest import Arrived
from server import database, times
from server.badges import service as badges
from server.fleet import service as fleet
from tests.gateway import plant, scene
from tests.journeys.conftest import House

AGENT = "shop-counter"
WINDOW_S = 30
BOOT = "51ac70de"


class Pi:
    """An agent at the counter of the shop, and the badges that members carry."""

    def __init__(self, house: House) -> None:
        """Enrols it, with a gateway for it."""
        self._house, self._seq, self._carried = house, 0, dict[str, bytes]()
        since = house.clock() - dt.timedelta(minutes=5)
        with database.transaction(house.engine) as session:
            self._key = fleet.enrol(session, agent_id=AGENT)
            fleet.place(session, agent_id=AGENT, venue_id="shop", zone_id="shop-everywhere", since=since)
        self._wire = plant.Wire()
        self._gateway = plant.Gateway(house.engine, self._wire, "journey", house.clock())

    def give(self, member_id: str) -> None:
        """Gives somebody a badge."""
        identity, now = scene.identity(len(self._carried) + 1), self._house.clock()
        with database.transaction(self._house.engine) as session:
            badge_id = badges.register(session, identity=identity, since=now)
            badges.pair(session, badge_id=badge_id, member_id=member_id, since=now)
        self._carried[member_id] = identity

    def hear(self, *who: str, minutes: float) -> None:
        """For so long it hears the badges of these and of nobody else."""
        begin_ms = times.to_ms(self._house.clock())
        begin_ms -= begin_ms % (WINDOW_S * 1000)
        self._house.clock.by += dt.timedelta(minutes=minutes)
        end_ms = times.to_ms(self._house.clock()) - WINDOW_S * 1000
        sent = [self._report(from_ms, who) for from_ms in range(begin_ms, end_ms, WINDOW_S * 1000)]
        self._gateway.now = self._house.clock()
        self._gateway.take([Arrived(AGENT, wire.sign(self._key, wire.encode(report))) for report in sent])
        self._gateway.worker.flush(everything=True)
        assert {(AGENT, report.seq) for report in sent} <= self._wire.done, self._wire.refused

    def _report(self, from_ms: int, who: tuple[str, ...]) -> wire.Report:
        self._seq += 1
        length_ms = WINDOW_S * 1000
        heard = tuple(wire.Reading(self._carried[one], 0, length_ms - 1000, 25, -62.5, -58, -59) for one in who)
        return wire.Report(
            AGENT, BOOT, self._seq, from_ms, from_ms + length_ms, wire.Radio.OK, wire.Clock.SYNCED, heard
        )

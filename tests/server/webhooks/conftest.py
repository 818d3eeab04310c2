"""The cafe with Cleo's supper on a database of its own, a receiver on loopback, and somebody who does the work."""

import datetime as dt
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine, text

from config import settings as config
from server import database
from server.events import service as events
from server.jobs.service import Work
from server.people import service as people
from server.webhooks import collecting, service, tasks
from server.webhooks.model import Delivery, Webhook
from server.webhooks.rules import Kind
from tests.server.conftest import Clock
from tests.server.places import HOUR, NOW, make_agent, make_cafe, make_members
from tests.server.webhooks.receiver import Receiver, listening

ALL = ("check_in", "check_in_undone", "full", "asked", "event_opened", "event_ended", "people_wanted", "venue_unheard")


@dataclass
class Evening:
    """Who comes to the supper, and what is told of it."""

    work: Work
    clock: Clock
    receiver: Receiver

    @property
    def engine(self) -> Engine:
        """Of the database."""
        return self.work.engine

    def later(self, by: dt.timedelta) -> None:
        """Lets time pass."""
        self.clock.now += by

    def make(self, *, kind: Kind = Kind.PLAIN, names: bool = False, of: str = "event", by: str = "cleo") -> int:
        """A webhook of the supper, of the cafe or of a community."""
        with database.transaction(self.engine) as session:
            made = service.make(
                session,
                viewer=people.get(session, by),
                kind=kind,
                url=self.receiver.url,
                happenings=ALL,
                names=names,
                event_id="supper" if of == "event" else None,
                venue_id="cafe" if of == "venue" else None,
                allow_private=True,
                now=self.clock(),
            )
            return made.id

    def come(self, name: str, *, signed_up: bool = True) -> int:
        """Somebody checks in now; the check-in's id."""
        with database.transaction(self.engine) as session:
            guest = f"guest-{secrets.token_hex(10)}"
            how = "qr" if signed_up else "beacon"  # who walks in is heard: it is no event of hers
            values = {"id": guest, "name": name, "now": self.clock(), "signed_up": signed_up, "how": how}
            session.execute(text("INSERT INTO member (id, name, guest) VALUES (:id, :name, true)"), values)
            if signed_up:
                session.execute(text("INSERT INTO sign_up (event_id, member_id) VALUES ('supper', :id)"), values)
            return int(
                session.execute(
                    text(
                        "INSERT INTO checkin (member_id, step_id, at, recorded_at, evidence, signed_up)"
                        " VALUES (:id, 'supper-1', :now, :now, CASE WHEN :signed_up THEN 'qr' ELSE 'beacon' END,"
                        " :signed_up) RETURNING id"
                    ),
                    values,
                ).scalar_one()
            )

    def leave(self, checkin_id: int) -> None:
        """Who came by this goes, and a door hears of it."""
        with database.transaction(self.engine) as session:
            session.execute(
                text(
                    "INSERT INTO passage (checkin_id, member_id, direction, at, recorded_at, evidence, nonce)"
                    " SELECT id, member_id, 'out', :now, :now, 'manual', :nonce FROM checkin WHERE id = :id"
                ),
                {"id": checkin_id, "now": self.clock(), "nonce": secrets.token_bytes(32)},
            )

    def collect(self) -> None:
        """Looks for news."""
        tasks.collect(self.work)

    def send(self, webhook_id: int) -> None:
        """Sends what waits and is due."""
        tasks.send(self.work, webhook_id=webhook_id)

    def tell(self, webhook_id: int) -> None:
        """Both."""
        self.collect()
        self.send(webhook_id)

    def webhook(self, webhook_id: int) -> Webhook:
        """As it is."""
        with database.transaction(self.engine) as session:
            return session.get_one(Webhook, webhook_id)

    def deliveries(self, webhook_id: int, happening: str | None = None) -> list[Delivery]:
        """The oldest first, of one kind or of all."""
        with database.transaction(self.engine) as session:
            webhook = session.get_one(Webhook, webhook_id)
            found = service.deliveries_of(session, webhook=webhook)[::-1]
            return [one for one in found if happening in (None, one.happening)]

    def test(self, webhook_id: int) -> int:
        """Asks for a test; the delivery's id."""
        with database.transaction(self.engine) as session:
            webhook = session.get_one(Webhook, webhook_id)
            return collecting.test(session, webhook=webhook, now=self.clock()).id

    def queued(self) -> list[tuple[str, dt.datetime | None]]:
        """The tasks that wait, and from when on."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                text("SELECT task_name, scheduled_at FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id")
            )
            return [(row.task_name, row.scheduled_at) for row in rows]


@pytest.fixture
def evening(committing_database: str) -> Iterator[Evening]:
    engine = database.connect(committing_database, pool=4)
    with database.transaction(engine) as session:
        make_members(session)
        make_cafe(session)
        make_agent(session)
        steps = [events.NewStep("Supper", "cafe", NOW + HOUR / 2, NOW + 2 * HOUR, opens_at=NOW + HOUR / 2, capacity=3)]
        events.create(session, id="supper", name="Friday supper", organizer_id="cleo", steps=steps)
    environment = {"MUSTER_DATABASE__DSN": committing_database, "MUSTER_WEBHOOKS__ALLOW_PRIVATE": "true"}
    clock = Clock()
    with listening() as receiver:
        yield Evening(Work(engine, config.load(environment=environment), clock), clock, receiver)
    engine.dispose()

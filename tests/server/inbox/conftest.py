"""Members with addresses on a database of their own, a push service on loopback, and somebody who does the work."""

import base64
import dataclasses
import datetime as dt
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Engine, select, text

from config import settings as config
from server import database
from server.inbox import browsers, log, push, tasks, wishes
from server.inbox import service as inbox
from server.inbox.groups import DEFAULTS, Group, Letters
from server.inbox.model import Delivery, Notification
from server.jobs.service import Work
from server.mail.model import Letter
from server.texts import IN_ENGLISH
from tests.server.conftest import Clock
from tests.server.places import NOW, make_members
from tests.server.webhooks.receiver import Came, Receiver, listening

SENTENCE = "%(event)s was called off: %(reason)s"


@dataclasses.dataclass
class Phone:
    """A browser: its keys, as it makes them when it subscribes."""

    key: ec.EllipticCurvePrivateKey = dataclasses.field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    secret: bytes = dataclasses.field(default_factory=lambda: os.urandom(16))

    def keys(self) -> dict[str, str]:
        """What it tells of its keys."""
        point = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return {"p256dh": _text(point), "auth": _text(self.secret)}

    def open(self, came: Came) -> Any:
        """What a push service brought, decrypted."""
        return json.loads(http_ece.decrypt(came.body, private_key=self.key, auth_secret=self.secret))


@dataclasses.dataclass
class Told:
    """What members are told, and by whom."""

    work: Work
    clock: Clock
    service: Receiver

    @property
    def engine(self) -> Engine:
        """Of the database."""
        return self.work.engine

    def tell(
        self,
        *member_ids: str,
        kind: str = "event.called_off",
        nonce: str = "",
        event: str = "Tea",
        due_by: dt.datetime | None = None,
    ) -> None:
        """Something happened."""
        with database.transaction(self.engine) as session:
            inbox.tell(
                session,
                member_ids,
                kind=kind,
                of="event/tea",
                sentence=SENTENCE,
                values={"event": event, "reason": "rain"},
                link="/events/tea",
                now=self.clock(),
                nonce=nonce,
                due_by=due_by,
            )

    def wish(self, member_id: str, group: Group, *, letters: Letters | None = None, push: bool | None = None) -> None:
        """She chooses."""
        wish = DEFAULTS[group]
        wish = wish._replace(letters=letters or wish.letters, push=wish.push if push is None else push)
        with database.transaction(self.engine) as session:
            wishes.choose(session, member_id=member_id, group=group, wish=wish)

    def subscribe(self, member_id: str, phone: Phone, path: str = "1") -> int:
        """A browser of hers is told from now on; its number."""
        keys = phone.keys()
        with database.transaction(self.engine) as session:
            made = browsers.take_in(
                session,
                member_id=member_id,
                session_number=None,
                endpoint=f"{self.service.url}/{path}",
                public_key=keys["p256dh"],
                secret=keys["auth"],
                called="Firefox on Android",
                language="en",
                allow_private=True,
                now=self.clock(),
            )
            return made.id

    def do(self) -> None:
        """Does what a server does each minute."""
        tasks.look(self.work)
        push.send_due(self.work)

    def at(self, moment: dt.datetime) -> None:
        """It is then, and work is done."""
        self.clock.now = moment
        self.do()

    def letters(self) -> list[Letter]:
        """The letters that were written, the oldest first."""
        with database.transaction(self.engine) as session:
            return list(session.scalars(select(Letter).order_by(Letter.id)))

    def deliveries(self, member_id: str, channel: str | None = None) -> Sequence[Delivery]:
        """What went out to her."""
        with database.transaction(self.engine) as session:
            wanted = select(Delivery).where(Delivery.member_id == member_id).order_by(Delivery.id)
            return [one for one in session.scalars(wanted) if channel in (None, one.channel)]

    def said(self, member_id: str) -> list[str]:
        """What her page says of it."""
        with database.transaction(self.engine) as session:
            notes = session.scalars(select(Notification.id).where(Notification.member_id == member_id)).all()
            found = log.of_notes(session, notes, now=self.clock())
            return [log.tell(one, IN_ENGLISH, "UTC") for rows in found.values() for one in rows]


@pytest.fixture
def told(committing_database: str) -> Iterator[Told]:
    """Ana, Ben, Cleo and Dora in Berlin at 20:00, all but Cleo with an address."""
    engine = database.connect(committing_database, pool=4)
    with database.transaction(engine) as session:
        make_members(session)
        session.execute(text("UPDATE member SET email = id || '@example.org' WHERE id <> 'cleo'"))
        session.execute(text("UPDATE member SET time_zone = 'Europe/Berlin'"))
    environment = {
        "MUSTER_DATABASE__DSN": committing_database,
        "MUSTER_PUSH__ALLOW_PRIVATE": "true",
        "MUSTER_SERVER__PUBLIC_URL": "https://muster.example.org",
    }
    clock = Clock(NOW)
    with listening() as service:
        yield Told(Work(engine, config.load(environment=environment), clock), clock, service)
    engine.dispose()


def _text(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()

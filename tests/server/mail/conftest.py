"""A real mail server that tests can make refuse, stall and go away."""

import dataclasses
import email
import email.policy
from collections.abc import Callable, Iterator
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from config import settings as config
from server import database as server_database
from server.jobs.service import Work
from server.mail import tasks
from server.operations import ports
from tests.server.places import NOW

assert tasks  # naming it is what makes its tasks known to the worker


@dataclasses.dataclass
class PostOffice:
    """What arrived, and what the mail server answers (None: it takes the letter)."""

    port: int
    arrived: list[EmailMessage] = dataclasses.field(default_factory=list)
    answer: str | None = None
    on_taken: Callable[[], None] = lambda: None
    _controller: Controller | None = None

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 -- aiosmtpd's
        """Takes a letter, or answers as the test wishes."""
        if self.answer is not None:
            return self.answer
        content = envelope.content
        assert isinstance(content, bytes)
        self.arrived.append(email.message_from_bytes(content, policy=email.policy.default))
        self.on_taken()
        return "250 taken"

    def open(self) -> None:
        """Starts it."""
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def close(self) -> None:
        """Stops it."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None


@pytest.fixture
def post_office() -> Iterator[PostOffice]:
    """A mail server on this machine; closed, for the test to open."""
    made = PostOffice(ports.find_free())
    yield made
    made.close()


@pytest.fixture
def work(fresh_database: str, post_office: PostOffice) -> Iterator[Work]:
    """A database of this test's own, and settings with the mail server."""
    environment = {
        "MUSTER_DATABASE__DSN": fresh_database,
        "MUSTER_MAIL__HOST": "127.0.0.1",
        "MUSTER_MAIL__PORT": str(post_office.port),
        "MUSTER_MAIL__SECURITY": "none",
        "MUSTER_MAIL__SENDER": "Muster im Café <muster@example.org>",
    }
    engine = server_database.connect(fresh_database, pool=3)
    yield Work(engine, config.load(environment=environment), lambda: NOW)
    engine.dispose()

"""Lets phones in at the broker, where it has logins that we administer, and takes away those that are no phone's."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from sqlalchemy.orm import Session

from config.settings import Settings
from server import constraints
from server.fleet import logins
from server.phones import service as phones
from server.phones.model import Phone

log = logging.getLogger(__name__)

ANSWER_S = 3.0  # whoever adds a phone waits for it; a broker that is slower is away, and HTTP works without it
_TURN = "phones at the broker"

Administer = Callable[[], AbstractContextManager[logins.Logins]]


def administers(settings: Settings) -> Administer | None:
    """How to come at the broker's logins; None where others look after them."""
    broker = settings.broker
    if not broker.admin_user:
        return None
    return partial(
        logins.administer, broker.host, broker.port, broker.admin_user, broker.admin_password, timeout_s=ANSWER_S
    )


def admit(session: Session, phone: Phone, password: str, administer: Administer | None) -> None:
    """Makes a phone's login at the broker; where that fails the phone speaks over HTTP alone."""
    if administer is None:
        return
    # Nobody sweeps between the login's being made and the row's being committed.
    constraints.take_turn(session, _TURN)
    try:
        with administer() as found:
            found.add_phone(phones.login_of(phone), password)
    except logins.LoginsError as error:
        log.warning("a phone has no login at the broker: %s", error)
        return
    phone.at_broker = True
    session.flush()


def sweep(session: Session, administer: Administer | None) -> int:
    """Removes logins at the broker of phones, or members, that are gone; how many. Raises LoginsError."""
    if administer is None:
        return 0
    constraints.take_turn(session, _TURN)
    with administer() as found:
        gone = found.list_phones() - phones.logins_at_broker(session)
        for login in sorted(gone):
            found.remove_phone(login)
    return len(gone)

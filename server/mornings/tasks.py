"""Deals the cards of mornings that have come, each event in a transaction of its own."""

import logging

from server import database
from server.jobs import service as jobs
from server.jobs.service import Work
from server.mornings import service as mornings

_log = logging.getLogger(__name__)


@jobs.periodic("mornings.deal", cron="*/5 * * * *")
def deal(work: Work) -> None:
    """Deals what is due; twice is as once, and an event of which it cannot be done holds up no other."""
    now = work.clock()
    with database.transaction(work.engine) as session:
        due = mornings.due(session, now)
    for event_id in due:
        try:
            with database.transaction(work.engine) as session:
                mornings.deal(session, event_id=event_id, now=now)
        except Exception as error:
            _log.warning("the morning after %s waits: %s", event_id, type(error).__name__)

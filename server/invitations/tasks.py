"""Invitations by the clock: how many came, and forgetting."""

import logging

from server import database
from server.invitations import counting
from server.invitations import service as invitations
from server.jobs import service as jobs
from server.jobs.service import Work

_log = logging.getLogger(__name__)


@jobs.periodic("invitations.count", cron="*/10 * * * *")
def count(work: Work) -> None:
    """Counts who came to what is over, each in a transaction, and forgets who was invited."""
    now = work.clock()
    with database.transaction(work.engine) as session:
        due = counting.due(session, now=now)
    for invitation_id in due:
        try:
            with database.transaction(work.engine) as session:
                counting.count(session, invitation_id, now=now)
        except Exception as error:  # one that fails holds up no other
            _log.warning("who came to invitation %d was not counted: %s", invitation_id, type(error).__name__)
    with database.transaction(work.engine) as session:
        invitations.tidy(session, now=now)

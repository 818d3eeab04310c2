"""Decides proposals when their time has come, each in a transaction of its own."""

import logging

from server import database
from server.jobs import service as jobs
from server.jobs.service import Work
from server.proposals import service as proposals

_log = logging.getLogger(__name__)


@jobs.periodic("proposals.decide", cron="* * * * *")
def decide(work: Work) -> None:
    """Decides what is due; twice is as once, and one that cannot be decided holds up no other."""
    now = work.clock()
    with database.transaction(work.engine) as session:
        due = proposals.due(session, now)
    for proposal_id in due:
        try:
            with database.transaction(work.engine) as session:
                proposals.look(session, proposal_id=proposal_id, now=now)
        except Exception as error:
            _log.warning("%s could not be decided yet: %s", proposal_id, type(error).__name__)

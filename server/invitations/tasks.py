"""Invitations by the clock: how many came, and forgetting."""

from server import database
from server.invitations import counting
from server.invitations import service as invitations
from server.jobs import service as jobs
from server.jobs.service import Work


@jobs.periodic("invitations.count", cron="*/10 * * * *")
def count(work: Work) -> None:
    """Counts who came to what is over, each in a transaction, and forgets who was invited."""
    now = work.clock()
    while True:
        with database.transaction(work.engine) as session:
            if not counting.count_next(session, now=now):
                break
    with database.transaction(work.engine) as session:
        invitations.tidy(session, now=now)

"""What positions do by themselves: from visits each minute, and gone when their end has come."""

from server import database
from server.jobs import service as jobs
from server.positions import service as positions
from server.positions import visits


@jobs.periodic("positions.tidy", cron="*/10 * * * *")
def tidy(work: jobs.Work) -> None:
    """Deletes what says nothing any more."""
    with database.transaction(work.engine) as session:
        positions.tidy(session, now=work.clock())


@jobs.periodic("positions.visits", cron="* * * * *")
def take_visits(work: jobs.Work) -> None:
    """Says of who is heard at a venue that she is there."""
    with database.transaction(work.engine) as session:
        visits.take(session, now=work.clock())

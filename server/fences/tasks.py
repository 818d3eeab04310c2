"""What is over at fences goes by the clock."""

from server import database
from server.fences import service as fences
from server.jobs import service as jobs
from server.jobs.service import Work


@jobs.periodic("fences.tidy", cron="*/10 * * * *")
def tidy(work: Work) -> None:
    """Deletes what is known of phones that were silent for long, or may not be used any more."""
    with database.transaction(work.engine) as session:
        fences.tidy(session, now=work.clock())

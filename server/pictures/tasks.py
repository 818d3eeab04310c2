"""What pictures do by themselves: forgetting those that nothing refers to."""

from server import database
from server.jobs import service as jobs
from server.pictures import service as pictures


@jobs.periodic("pictures.tidy", cron="37 * * * *")
def tidy(work: jobs.Work) -> None:
    """Forgets what was chosen in forms that were never sent, and what its post took along."""
    gone = pictures.AT_ONCE
    while gone == pictures.AT_ONCE:
        with database.transaction(work.engine) as session:
            gone = pictures.tidy(session, now=work.clock())

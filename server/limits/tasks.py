"""What limits do by themselves: forgetting the buckets that are full again."""

from server import database
from server.jobs import service as jobs
from server.limits import service as limits


@jobs.periodic("limits.tidy", cron="17 * * * *")
def tidy(work: jobs.Work) -> None:
    """Forgets what no longer limits anybody."""
    with database.transaction(work.engine) as session:
        limits.tidy(session, now=work.clock())

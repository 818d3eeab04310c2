"""Company by the clock: who is known to be somewhere by a badge, and what does not hold any more."""

from server import database, topics
from server.company import service as company
from server.inbox import service as inbox
from server.jobs import service as jobs
from server.jobs.service import Work


@jobs.periodic("company.follow", cron="* * * * *")
def follow(work: Work) -> None:
    """Ends what does not hold any more, and follows positions that no phone told."""
    now, rule = work.clock(), work.settings.company
    with database.transaction(work.engine) as session:
        company.tidy(session, now=now, rule=rule)
    with database.transaction(work.engine) as session:
        with topics.together(session):
            notes = company.follow_positions(session, now=now, rule=rule)
        inbox.tell_all(session, notes, now=now)

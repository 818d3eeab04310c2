"""What is known of venues by the clock: how lively each is, and at night what is usual there."""

from server import database
from server.jobs import service as jobs
from server.jobs.service import Work
from server.nearby import liveliness, usual


@jobs.periodic("nearby.moments", cron="*/5 * * * *")
def tell_moments(work: Work) -> None:
    """Writes how lively each venue is; twice is as once."""
    with database.transaction(work.engine) as session:
        liveliness.write(session, now=work.clock(), presence=work.settings.presence)


@jobs.periodic("nearby.usual", cron="37 3 * * *")
def learn_usual(work: Work) -> None:
    """Learns what is usual at each venue in each hour of the week, some venues in a transaction."""
    now, after = work.clock(), ""
    while True:
        with database.transaction(work.engine) as session:
            last = usual.learn(session, after=after, now=now)
        if last is None:
            return
        after = last

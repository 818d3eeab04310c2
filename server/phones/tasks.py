"""What phones' logins do by themselves: those of phones that are gone go at the broker, too."""

import logging

from server import database
from server.fleet.logins import LoginsError
from server.jobs import service as jobs
from server.phones import at_broker, hearing

log = logging.getLogger(__name__)


@jobs.task("phones.sweep")
def sweep_soon(work: jobs.Work) -> None:
    """Takes logins away at the broker, tried again while it is away."""
    with database.transaction(work.engine) as session:
        at_broker.sweep(session, at_broker.administers(work.settings))


@jobs.periodic("phones.tidy", cron="*/10 * * * *")
def tidy(work: jobs.Work) -> None:
    """Forgets what was heard days ago, and logins of members who are gone."""
    with database.transaction(work.engine) as session:
        hearing.tidy(session, now=work.clock())
    try:
        sweep_soon(work)
    except LoginsError as error:
        log.warning("logins of phones that are gone wait: %s", error)

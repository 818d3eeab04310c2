"""What nearby does by itself."""

import datetime as dt
import logging

from server import database
from server.jobs import service as jobs
from server.nearby import choices, learning

_log = logging.getLogger(__name__)

# --- Learning: at night, when few wait for the database --------------------------------------------------------------


@jobs.periodic("nearby.learn", cron="17 3 * * *")
def learn(work: jobs.Work) -> None:
    """Learns from who came; each part by itself, so that one that fails takes nothing from the others."""
    now = work.clock()
    with database.transaction(work.engine) as session:
        pairs = learning.learn_likeness(session, now=now)
    _log.info("nearby learnt of %d pairs what the same people come to", pairs)
    with database.transaction(work.engine) as session:
        crowds = learning.count_crowds(session, until=now)
    after: int | None = 0
    while after is not None:
        with database.transaction(work.engine) as session:
            after = learning.fill_crowds(session, crowds, after=after)
    with database.transaction(work.engine) as session:
        choices.learn_weights(session, now=now)


@jobs.periodic("nearby.fill", cron="29 * * * *")
def fill(work: jobs.Work) -> None:
    """Says of what is new how many usually come, and forgets what was learnt of what is gone."""
    with database.transaction(work.engine) as session:
        learning.fill_new(session)
    with database.transaction(work.engine) as session:
        learning.forget_gone(session)


@jobs.periodic("nearby.tidy", cron="*/15 * * * *")
def tidy(work: jobs.Work) -> None:
    """Takes out what is over."""
    now: dt.datetime = work.clock()
    with database.transaction(work.engine) as session:
        learning.tidy(session, now=now)

"""What nearby does by the clock: how lively venues are, what is over, and at night what is usual and what is learnt."""

import logging

from server import database
from server.jobs import service as jobs
from server.jobs.service import Work
from server.nearby import choices, learning, liveliness, usual

_log = logging.getLogger(__name__)


@jobs.periodic("nearby.moments", cron="*/5 * * * *")
def tell_moments(work: Work) -> None:
    """Writes how lively each venue is; twice is as once."""
    with database.transaction(work.engine) as session:
        liveliness.write(session, now=work.clock(), presence=work.settings.presence)


@jobs.periodic("nearby.tidy", cron="*/15 * * * *")
def tidy(work: Work) -> None:
    """Takes out what is over."""
    with database.transaction(work.engine) as session:
        learning.tidy(session, now=work.clock())


@jobs.periodic("nearby.fill", cron="29 * * * *")
def fill(work: Work) -> None:
    """Says of what is new how many usually come, and forgets what was learnt of what is gone."""
    with database.transaction(work.engine) as session:
        learning.fill_new(session)
    with database.transaction(work.engine) as session:
        learning.forget_gone(session)


# At night, when few wait for the database.
@jobs.periodic("nearby.learn", cron="17 3 * * *")
def learn(work: Work) -> None:
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

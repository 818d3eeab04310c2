"""Who met whom, by the clock: soon after a gathering, and again while what was heard of it may still change."""

import datetime as dt
import logging

from sqlalchemy.exc import DBAPIError

from server import database
from server.jobs import service as jobs
from server.jobs.service import Work
from server.met import judging

_log = logging.getLogger(__name__)
# Told late: a Pi without a network in the evening delivers the next day.
SOON = dt.timedelta(hours=2)
OF_LATE = dt.timedelta(days=2)


@jobs.periodic("met.judge", cron="*/10 * * * *")
def judge(work: Work) -> None:
    """Judges what ended just now."""
    _judge(work, SOON)


@jobs.periodic("met.follow", cron="41 * * * *")
def follow(work: Work) -> None:
    """Judges anew what ended of late."""
    _judge(work, OF_LATE)


@jobs.periodic("met.follow_long", cron="51 3 * * *")
def follow_long(work: Work) -> None:
    """Judges anew whatever facts told for the past may still change."""
    _judge(work, judging.FOLLOWED)


def _judge(work: Work, back: dt.timedelta) -> None:
    """One transaction for each: one that meets an erasure waits for the next time, and holds up no other."""
    now = work.clock()
    with database.transaction(work.engine) as session:
        due = judging.ended(session, since=now - back, until=now)
    for event_id in due:
        try:
            with database.transaction(work.engine) as session:
                judging.judge(session, event_id=event_id)
        except DBAPIError as error:
            _log.warning("who met at a gathering waits: %s", type(error.orig).__name__)

"""Goes on when the database cannot: what passes is tried again, with pauses that grow."""

import logging
import random
import threading
from collections.abc import Callable

import psycopg
from sqlalchemy.exc import DBAPIError

log = logging.getLogger(__name__)

# The first pause and the longest, doubled each time and spread by a random factor.
FIRST_S, MOST_S = 0.2, 5.0
# What PostgreSQL says of itself (away, a deadlock, a full disk, read-only, not migrated yet), never of a report.
PASSING = (
    psycopg.OperationalError,
    psycopg.InternalError,
    psycopg.InterfaceError,
    psycopg.ProgrammingError,
    psycopg.NotSupportedError,
)


def persist(
    stop: threading.Event, work: Callable[[], None], on_failure: Callable[[], None], tries: int | None = None
) -> None:
    """Does the work, again and again while the database is away or cannot do it; tries: how often at most."""
    pause_s = FIRST_S
    while not stop.is_set():
        try:
            work()
            return
        except (DBAPIError, psycopg.Error) as error:
            found = cause(error)
            if not isinstance(found, PASSING):
                raise
            on_failure()
            what = str(found).strip().partition("\n")[0] or type(found).__name__
            log.warning("the database is away: %s", what)
            tries = None if tries is None else tries - 1
            if tries == 0:
                return
            stop.wait(pause_s * random.uniform(0.7, 1.3))  # noqa: S311 -- spreads retries, guards nothing
            pause_s = min(pause_s * 2, MOST_S)


def cause(error: BaseException) -> BaseException | None:
    """The database's own error: statements on the hot path raise it bare, those of a session wrapped."""
    return error.orig if isinstance(error, DBAPIError) else error

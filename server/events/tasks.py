"""What comes by itself: dates of series are made ahead, and spots that nothing needs are removed."""

import logging

from server import database
from server.errors import MusterError
from server.events import series, spots
from server.jobs import service as jobs
from server.jobs.service import Work

_log = logging.getLogger(__name__)


@jobs.periodic("events.extend_series", cron="23 2 * * *")
def extend_series(work: Work) -> None:
    """Makes the dates of the next weeks, each series in a transaction of its own; twice is as once."""
    now = work.clock()
    with database.transaction(work.engine) as session:
        lasting = series.list_lasting(session, now)
    for series_id in lasting:
        try:
            with database.transaction(work.engine) as session:
                series.extend(session, series.get(session, series_id, to_edit=True), now)
        except MusterError as error:
            _log.warning("a series waits for its next dates: %s", error.code)


@jobs.periodic("events.tidy_spots", cron="53 3 * * *")
def tidy_spots(work: Work) -> None:
    """Removes places that no gathering needs any more."""
    with database.transaction(work.engine) as session:
        spots.tidy(session, work.clock())

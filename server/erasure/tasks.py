"""Forgets guests when their time is over, each in a transaction of her own."""

import datetime as dt
import logging

from server import database
from server.erasure import service as erasure
from server.errors import MusterError
from server.jobs import service as jobs
from server.jobs.service import Work
from server.people import service as people

_log = logging.getLogger(__name__)


@jobs.periodic("erasure.forget_guests", cron="17 3 * * *")
def forget_guests(work: Work) -> None:
    """Erases the guests whose time is over; twice is as once, and one that cannot be erased holds up no other."""
    now = work.clock()
    with database.transaction(work.engine) as session:
        over = people.guests_to_forget(session, now, dt.timedelta(days=work.settings.people.guest_days))
    for member_id in over:
        try:
            with database.transaction(work.engine) as session:
                erasure.erase(session, member_id=member_id, now=now, presence=work.settings.presence)
        except erasure.AlreadyErased:
            continue
        except MusterError as error:
            _log.warning("a guest could not be forgotten yet: %s", error.code)

"""Pop-ups by the clock, each minute: what lapsed, who left, whom to ask."""

import logging
from collections.abc import Callable

from sqlalchemy.orm import Session

from server import database
from server.jobs import service as jobs
from server.jobs.service import Work
from server.popups import happening
from server.popups import service as popups

_log = logging.getLogger(__name__)


@jobs.periodic("popups.follow", cron="* * * * *")
def follow(work: Work) -> None:
    """Ends what is to end, one by one, then asks new groups; killed at any moment, the next minute goes on."""
    now, settings = work.clock(), work.settings

    def lapse(session: Session, pop_up_id: str) -> None:
        popups.lapse(session, pop_up_id=pop_up_id, now=now)

    def look(session: Session, pop_up_id: str) -> None:
        happening.follow(session, pop_up_id=pop_up_id, now=now, settings=settings)

    _each(work, "offered", lapse)
    _each(work, "on", look)
    with database.transaction(work.engine) as session:
        popups.tidy(session, now=now, rule=settings.pop_ups)
    with database.transaction(work.engine) as session:
        popups.find_groups(session, now=now, rule=settings.pop_ups)


def _each(work: Work, state: str, act: Callable[[Session, str], None]) -> None:
    with database.transaction(work.engine) as session:
        found = popups.lasting(session, state=state)
    for pop_up_id in found:
        try:
            with database.transaction(work.engine) as session:
                act(session, pop_up_id)
        except Exception as error:  # one that fails holds up no other
            _log.warning("%s could not be followed: %s", pop_up_id, type(error).__name__)

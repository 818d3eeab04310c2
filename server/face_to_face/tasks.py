"""What is done face to face by the clock: forgetting digits and places, and asking circles that fell silent."""

import logging
from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from server import database
from server.face_to_face import asking
from server.face_to_face import service as gathers
from server.jobs import service as jobs
from server.jobs.service import Work

_log = logging.getLogger(__name__)


@jobs.periodic("face_to_face.forget", cron="* * * * *")
def forget(work: Work) -> None:
    """Forgets what is over; twice is as once."""
    now = work.clock()
    with database.transaction(work.engine) as session:
        over = gathers.over(session, now)
        gathers.tidy(session, now)
    _each(work, over, lambda session, gather_id: gathers.close(session, gather_id=gather_id, now=now))


@jobs.periodic("face_to_face.keep_or_let_go", cron="23 * * * *")
def keep_or_let_go(work: Work) -> None:
    """Asks circles that fell silent, and does what they say; twice is as once."""
    now = work.clock()
    with database.transaction(work.engine) as session:
        due = asking.due(session, now)
    _each(work, due, lambda session, community_id: asking.look(session, community_id=community_id, now=now))


def _each(work: Work, ids: Sequence[str], act: Callable[[Session, str], None]) -> None:
    """Each in a transaction of its own; one that fails holds up no other."""
    for each in ids:
        try:
            with database.transaction(work.engine) as session:
                act(session, each)
        except Exception as error:
            _log.warning("%s has to wait: %s", each, type(error).__name__)

"""What happens in communities by the clock: votes are decided, silent ones dissolve, names go; each in its own turn."""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from sqlalchemy.orm import Session

from server import database
from server.communities import service as communities
from server.errors import MusterError
from server.governance import ending, living, votes
from server.jobs import service as jobs
from server.jobs.service import Work

T = TypeVar("T")
_log = logging.getLogger(__name__)


@jobs.periodic("governance.decide", cron="* * * * *")
def decide(work: Work) -> None:
    """Decides the votes whose time is over."""
    now = work.clock()
    with database.transaction(work.engine) as session:
        due = votes.due(session, now)
    _each(work, due, lambda session, of: votes.get(session, community_id=of[0], vote_id=of[1], now=now))


@jobs.periodic("governance.live", cron="23 * * * *")
def live(work: Work) -> None:
    """Tells of silent communities and dissolves them, dissolves those that everybody left, and lets names go."""
    now, life = work.clock(), work.settings.life
    with database.transaction(work.engine) as session:
        silent = living.looked_after(session, life, now)
        left = ending.left_by_all(session, now)
        ending.forget_names(session, names_days=life.names_days, now=now)
    _each(work, silent, lambda session, of: living.settle(session, communities.get(session, of), life, now))
    _each(work, left, lambda session, of: ending.dissolve(session, communities.get(session, of, to_edit=True), now=now))


def _each(work: Work, things: Iterable[T], act: Callable[[Session, T], object]) -> None:
    """One transaction for each: one that cannot be done yet holds up no other."""
    for thing in things:
        try:
            with database.transaction(work.engine) as session:
                act(session, thing)
        except MusterError as error:
            _log.warning("a community waits: %s", error.code)

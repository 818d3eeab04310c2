"""Reads whose the badges at a watched venue are, and by which revisions it is noticed that this may have changed."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from server import topics
from server.presence import service as presence

# What concerns all that is watched: where agents stand, whose badges are whose, and who may see whom.
CONCERN_ALL = (topics.FACTS, topics.EXPECTED, topics.CONSENTS)


def revisions(session: Session) -> dict[str, int]:
    """The revisions of what concerns all that is watched."""
    return topics.revisions(session, CONCERN_ALL)


def read(session: Session, asked: Sequence[presence.Unknown]) -> tuple[dict[str, int], list[presence.Holders]]:
    """Whose these badges are and who may see them, and what `revisions` says of the moment."""
    return revisions(session), presence.read_holders(session, asked)

"""Tells every server process what this one changed, after the commit."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import event
from sqlalchemy.orm import Session

from server import topics
from server.live import news

Publish = Callable[[str, bytes], object]


@contextmanager
def after_commits(publish: Publish) -> Iterator[None]:
    """Publishes the revisions that any session raised, once it has committed, for as long as the block runs.

    publish: takes an MQTT topic and a payload; called in the thread that committed. What it raises is the committer's.
    """

    def committed(session: Session) -> None:
        if session.in_nested_transaction():
            return
        for name, rev in session.info.pop(topics.RAISED, {}).items():
            if news.is_topic(name):
                publish(news.mqtt_topic(name), news.encode(rev))

    def rolled_back(session: Session) -> None:
        if not session.in_nested_transaction():
            session.info.pop(topics.RAISED, None)

    event.listen(Session, "after_commit", committed)
    event.listen(Session, "after_rollback", rolled_back)
    try:
        yield
    finally:
        event.remove(Session, "after_commit", committed)
        event.remove(Session, "after_rollback", rolled_back)

"""Counts the changes of all that somebody may watch: a revision a topic, raised in the transaction that changed it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import BigInteger, Text, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from server.database import Base

# Raised by whatever changes what readings are judged by: identities, placements, agents' keys, venues.
FACTS = "facts"
# Raised by whatever changes who is expected where: pairings, sign-ups, steps, undoings. Gateways then ask anew about
# badges whose readings could change nothing before.
EXPECTED = "expected"
# Raised by whatever changes who may see whom: streams that show anybody look again.
CONSENTS = "consents"
# Where a session notes which topics its transaction raised, and which it is to raise at the end of `together`.
RAISED = "topics_raised"
_GATHERED = "topics_gathered"

# Thousands at once where many arrive: one array costs a tenth of what as many rows of VALUES do.
_BUMP = text("""
    INSERT INTO topic (name, rev) SELECT name, 1 FROM unnest(:names ::text[]) AS raised (name)
    ON CONFLICT (name) DO UPDATE SET rev = topic.rev + 1 RETURNING name, rev
""")


class Topic(Base):
    """One topic (`venue/<id>`, `event/<id>`, `member/<id>`, `facts` ...) and how often it changed."""

    __tablename__ = "topic"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    rev: Mapped[int] = mapped_column(BigInteger, server_default="0")


def bump(session: Session, names: Iterable[str]) -> dict[str, int]:
    """Raises the topics' revisions by one within the session's transaction and returns the new ones.

    One statement takes the rows in the order of their names, so that two that raise several never wait in a ring.
    What was raised is noted in `session.info[RAISED]`, for whoever announces it after the commit. Within `together`
    nothing is raised yet, and nothing returned.
    """
    gathered: set[str] | None = session.info.get(_GATHERED)
    if gathered is not None:
        gathered.update(names)
        return {}
    wanted = sorted(set(names))
    if not wanted:
        return {}
    raised: dict[str, int] = dict(session.execute(_BUMP, {"names": wanted}).all())
    session.info.setdefault(RAISED, {}).update(raised)
    return raised


@contextmanager
def together(session: Session) -> Iterator[None]:
    """Raises what the block raises in one statement at its end, each topic once.

    For whoever calls several services in one transaction: two such that take topics one after the other, in different
    orders, would wait for each other for ever.
    """
    if _GATHERED in session.info:
        yield
        return
    session.info[_GATHERED] = set()
    try:
        yield
    except BaseException:
        del session.info[_GATHERED]
        raise
    bump(session, session.info.pop(_GATHERED))


def revisions(session: Session, names: Iterable[str]) -> dict[str, int]:
    """The revisions of these topics; 0 for one that never changed."""
    wanted = list(names)
    rows = session.execute(select(Topic.name, Topic.rev).where(Topic.name.in_(wanted)))
    found: dict[str, int] = dict(rows.all())
    return {name: found.get(name, 0) for name in wanted}

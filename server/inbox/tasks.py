"""What the inbox does in the background: planning, letters, digests, browsers, forgetting.

Each step is a transaction that takes what nobody else holds, so that any number of servers do it together, and one that
was killed is taken over by the next. Each minute somebody looks for what has become due.
"""

from collections.abc import Callable

from sqlalchemy.orm import Session

from server import database
from server.inbox import letters, planning, push
from server.inbox import service as inbox
from server.jobs import service as jobs

AT_ONCE = 200  # notes of one transaction
PUSH = "inbox.push"


@jobs.task(inbox.POST)
def post(work: jobs.Work) -> None:
    """Plans new notes and sends what is due."""
    now, url = work.clock(), work.settings.server.url
    _until_done(work, lambda session: planning.plan(session, limit=AT_ONCE, now=now) == AT_ONCE)
    _until_done(work, lambda session: letters.write_due(session, url=url, limit=AT_ONCE, now=now) == AT_ONCE)
    _until_done(work, lambda session: letters.write_digests(session, url=url, now=now) > 0)
    with database.transaction(work.engine) as session:
        push.give_up_lost(session, now=now)
        letters.settle(session, now=now)
        if planning.has_due(session, now=now):
            jobs.defer(session, PUSH, only_one=PUSH)


@jobs.task(PUSH)
def tell_browsers(work: jobs.Work) -> None:
    """Sends to browsers what is due, apart from letters: a push service may be slow."""
    if push.send_due(work):
        with database.transaction(work.engine) as session:
            jobs.defer(session, PUSH, only_one=PUSH)


@jobs.periodic("inbox.look", cron="* * * * *")
def look(work: jobs.Work) -> None:
    """Sends what has become due: quiet hours that ended, digests, second tries, and what a stopped server left."""
    post(work)


@jobs.periodic("inbox.tidy", cron="25 3 * * *")
def tidy(work: jobs.Work) -> None:
    """Forgets old notes."""
    with database.transaction(work.engine) as session:
        inbox.tidy(session, now=work.clock())
    post(work)


def _until_done(work: jobs.Work, act: Callable[[Session], bool]) -> None:
    more = True
    while more:
        with database.transaction(work.engine) as session:
            more = act(session)

"""Each minute: what members near are to be told of, wave by wave."""

import logging

from server import database
from server.audience import opening
from server.audience import service as audience
from server.jobs import service as jobs
from server.jobs.service import Work

MOST_WAVES = 200  # of one look: a minute's; the rest is the next one's
_log = logging.getLogger(__name__)


@jobs.periodic("audience.look", cron="* * * * *")
def look(work: Work) -> None:
    """Finds what is new and tells what is due: each wave a transaction, so that one that fails takes nothing along."""
    now, rule = work.clock(), work.settings.audience
    with database.transaction(work.engine) as session:
        opening.open_calls(session, rule=rule, now=now)
    failed: set[int] = set()
    for _ in range(MOST_WAVES):
        call_id: int | None = None
        try:
            with database.transaction(work.engine) as session:
                call_id = audience.next_due(session, now=now, without=failed)
                if call_id is None:
                    return
                audience.tell_wave(session, call_id=call_id, rule=rule, now=now)
        except Exception as error:
            if call_id is None:
                raise
            _log.warning("members near were not told by call %d: %s", call_id, type(error).__name__)
            failed.add(call_id)
            with database.transaction(work.engine) as session:
                audience.put_off(session, call_id=call_id, now=now)

"""What follows in the background: who got a place while they waited is judged by what was heard of them."""

from server import database
from server.corrections import service as corrections
from server.events import service as events
from server.events import signups
from server.jobs import service as jobs


@jobs.task(signups.JUDGE)
def judge_promoted(work: jobs.Work, *, event_id: str, member_ids: list[str]) -> None:
    """Judges what was heard of them by the rule for those who go; an event may be gone meanwhile."""
    with database.transaction(work.engine) as session:
        try:
            corrections.judge_promoted(
                session, event_id=event_id, member_ids=member_ids, presence=work.settings.presence, now=work.clock()
            )
        except events.EventUnknown:
            return

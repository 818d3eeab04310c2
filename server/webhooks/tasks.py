"""The background work of webhooks: looking for news, sending, and each minute whatever a missed word left lying."""

from sqlalchemy import select

from server import database
from server.jobs import service as jobs
from server.jobs.service import Work
from server.webhooks import collecting, sending
from server.webhooks.model import WAITING, Delivery


@jobs.task("webhooks.collect")
def collect(work: Work) -> None:
    """Gives webhooks what is new, and comes again where a group's bot waits for its pace."""
    with database.transaction(work.engine) as session:
        again = collecting.collect(session, now=work.clock(), settings=work.settings)
        if again is not None:
            jobs.defer(session, "webhooks.collect", at=again, only_one="webhooks again")


@jobs.task("webhooks.send")
def send(work: Work, *, webhook_id: int) -> None:
    """Sends what waits for a webhook."""
    sending.send_waiting(work, webhook_id)


@jobs.task("webhooks.test")
def test(work: Work, *, delivery_id: int) -> None:
    """Sends a test."""
    sending.send_one(work, delivery_id)


@jobs.periodic("webhooks.look", cron="* * * * *")
def look(work: Work) -> None:
    """What opened or ended by the clock, what no word was heard of, and what waits though nothing sends it."""
    collect(work)
    with database.transaction(work.engine) as session:
        waiting = select(Delivery.webhook_id).where(Delivery.status == WAITING).distinct()
        for webhook_id in session.scalars(waiting).all():
            collecting.queue(session, webhook_id)


@jobs.periodic("webhooks.forget", cron="17 4 * * *")
def forget(work: Work) -> None:
    """Deletes what was sent long ago."""
    with database.transaction(work.engine) as session:
        collecting.forget(session, now=work.clock())

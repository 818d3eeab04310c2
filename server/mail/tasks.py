"""What mail does in the background: sending letters, forgetting old ones."""

import datetime as dt

from server import database
from server.jobs import service as jobs
from server.mail import service as mail
from server.mail import smtp
from server.mail.model import Letter


@jobs.task(mail.DELIVER)
def deliver(work: jobs.Work, *, letter_id: int) -> None:
    """Sends a letter, unless it was sent already. Killed between sending and noting, it sends it once more.

    Without a mail server it stays where the operator sees it. Raises Later, so that it is tried again.
    """
    if not work.settings.mail.host:
        return
    with database.transaction(work.engine) as session:
        letter = session.get(Letter, letter_id)
        if letter is None or letter.sent_at is not None or letter.refused is not None:
            return
        letter.tries += 1
        if letter.expires_at <= work.clock():
            letter.refused, letter.text = f"too late: {letter.said or 'nobody sent it in time'}", ""
            return
    try:
        smtp.send(letter, work.settings.mail)
    except smtp.Never as refusal:
        _note(work, letter_id, refused=str(refusal), text="")
    except smtp.Later as reason:
        _note(work, letter_id, said=str(reason)[:500])
        raise
    else:
        _note(work, letter_id, sent_at=work.clock(), text="", said=None)


@jobs.periodic("mail.tidy", cron="*/10 * * * *")
def tidy(work: jobs.Work) -> None:
    """Empties letters that are too late, and forgets old ones."""
    with database.transaction(work.engine) as session:
        mail.tidy(session, now=work.clock(), keep=dt.timedelta(days=work.settings.mail.keep_days))


def _note(work: jobs.Work, letter_id: int, **values: object) -> None:
    with database.transaction(work.engine) as session:
        letter = session.get(Letter, letter_id)
        if letter is not None:
            for name, value in values.items():
                setattr(letter, name, value)

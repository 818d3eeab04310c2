"""What the inbox does in the background: letters of notes, forgetting old ones."""

import datetime as dt

from server import database, texts
from server.inbox import service as inbox
from server.inbox import words
from server.jobs import service as jobs
from server.mail import service as mail
from server.mail.addresses import AddressInvalid
from server.people import service as people

AT_ONCE = 200
# A note is worth a letter while it is news: what a stopped server finds is read on the page.
NEWS = dt.timedelta(days=1)
MOST_SUBJECT = 78  # RFC 5322 2.1.1

_LETTER = texts.later("%(sentence)s\n\n%(link)s\n\nYou want such letters no more? Say so here: %(inbox)s\n")


@jobs.task(inbox.POST)
def post(work: jobs.Work) -> None:
    """Writes the letters of notes that have none yet; killed in between, it goes on where it was."""
    while _post_some(work):
        pass


def _post_some(work: jobs.Work) -> bool:
    now, url = work.clock(), work.settings.server.url
    with database.transaction(work.engine) as session:
        notes = inbox.unposted(session, limit=AT_ONCE)
        for note in notes:
            note.letter_at = now
            member = people.get(session, note.member_id)
            wanted = member.email and note.read_at is None and note.at > now - NEWS and not member.simulated
            if not wanted or not inbox.wants_letters(session, member_id=member.id):
                continue
            say = texts.of(member.language)
            sentence = words.fill(note.sentence, note.values, say)
            text = say.gettext(_LETTER, sentence=sentence, link=url + (note.link or "/inbox"), inbox=f"{url}/inbox")
            subject = sentence if len(sentence) <= MOST_SUBJECT else f"{sentence[: MOST_SUBJECT - 1]}…"
            try:
                mail.post(session, to=member.email or "", subject=subject, text=text, now=now)
            except AddressInvalid:
                continue  # kept from a time with other rules: she reads it on the page
    return len(notes) == AT_ONCE


@jobs.periodic("inbox.tidy", cron="25 3 * * *")
def tidy(work: jobs.Work) -> None:
    """Forgets old notes, and writes letters that a stopped server left."""
    with database.transaction(work.engine) as session:
        inbox.tidy(session, now=work.clock())
    post(work)

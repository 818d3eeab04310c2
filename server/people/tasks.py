"""What people need done by itself: forgetting what proves nothing any more."""

from sqlalchemy import delete

from server import database
from server.jobs import service as jobs
from server.people import codes
from server.people.model import ApiToken, Challenge, SignInLink, SignInSession


@jobs.periodic("people.tidy", cron="*/10 * * * *")
def tidy(work: jobs.Work) -> None:
    """Forgets codes, links, challenges, sessions and tokens that have ended."""
    now = work.clock()
    with database.transaction(work.engine) as session:
        codes.tidy(session, now=now)
        for model, end in (
            (Challenge, Challenge.expires_at),
            (SignInLink, SignInLink.expires_at),
            (SignInSession, SignInSession.expires_at),
            (ApiToken, ApiToken.ends_at),
        ):
            session.execute(delete(model).where(end <= now))

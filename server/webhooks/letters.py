"""The letter to who made a webhook that stopped by itself: nobody else would notice that a group hears nothing."""

import datetime as dt

from sqlalchemy.orm import Session

from server import texts
from server.mail import service as mail
from server.people import service as people
from server.texts import later
from server.webhooks import service
from server.webhooks.model import Webhook

WORTH = dt.timedelta(days=7)  # a mail server's long weekend: it still says why a group has heard nothing
_SUBJECT = later("%(name)s: news to %(host)s have stopped")
_PAUSED = later("""Hello,

%(name)s tells nothing to %(host)s any more: it is paused.

%(why)s

What happened meanwhile is not sent afterwards. When it is mended, open this page and tap
"Go on":

%(link)s
""")
_ENDED = later("""Hello,

%(name)s tells nothing to %(host)s any more: that has ended.

%(why)s

If you want it back, make a new one here:

%(link)s
""")


def tell_maker(session: Session, webhook: Webhook, now: dt.datetime, own_url: str) -> None:
    """Posts a letter in her language, within the transaction that stopped it; who left no address reads it on its page.

    own_url: of this server.
    """
    maker = people.get(session, webhook.made_by)
    if maker.email is None:
        return
    say = texts.of(maker.language)
    values = {
        "name": service.name_of(session, webhook),
        "host": service.host_of(webhook),
        "why": say.look_up(webhook.why or ""),
        "link": f"{own_url}/webhooks" if webhook.ended_at is not None else f"{own_url}/webhooks/{webhook.id}",
    }
    body = say.gettext(_ENDED if webhook.ended_at is not None else _PAUSED, **values)
    subject = say.gettext(_SUBJECT, **values)
    mail.post(session, to=maker.email, subject=subject, text=body, now=now, expires_at=now + WORTH)

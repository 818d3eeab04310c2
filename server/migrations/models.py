"""Names every module with tables, so that migrations know them all."""

from server import topics
from server.audit import model as audit
from server.badges import model as badges
from server.checkins import model as checkins
from server.communities import model as communities
from server.consent import model as consent
from server.demo import model as demo
from server.doors import model as doors
from server.erasure import model as erasure
from server.events import model as events
from server.exports import model as exports
from server.fleet import model as fleet
from server.limits import model as limits
from server.mail import model as mail
from server.people import model as people
from server.presence import model as presence
from server.venues import model as venues
from server.webhooks import model as webhooks

ALL = (
    topics,
    mail,
    limits,
    audit,
    people,
    venues,
    fleet,
    badges,
    communities,
    events,
    consent,
    presence,
    checkins,
    doors,
    erasure,
    exports,
    webhooks,
    demo,
)

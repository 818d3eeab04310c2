"""Names every module with tables, so that migrations know them all."""

from server import topics
from server.audience import model as audience
from server.audit import model as audit
from server.badges import model as badges
from server.calendars import model as calendars
from server.checkins import model as checkins
from server.communities import model as communities
from server.company import model as company
from server.consent import model as consent
from server.demo import model as demo
from server.doors import model as doors
from server.erasure import model as erasure
from server.events import model as events
from server.exports import model as exports
from server.face_to_face import model as face_to_face
from server.fans import model as fans
from server.fences import model as fences
from server.fleet import model as fleet
from server.governance import model as governance
from server.inbox import model as inbox
from server.interests import model as interests
from server.invitations import model as invitations
from server.limits import model as limits
from server.mail import model as mail
from server.messages import model as messages
from server.met import model as met
from server.mornings import model as mornings
from server.moving import model as moving
from server.nearby import model as nearby
from server.people import model as people
from server.phones import model as phones
from server.pictures import model as pictures
from server.popups import model as popups
from server.positions import model as positions
from server.posts import model as posts
from server.presence import model as presence
from server.proposals import model as proposals
from server.pulse import model as pulse
from server.reviews import model as reviews
from server.stamps import model as stamps
from server.venues import model as venues
from server.webhooks import model as webhooks

ALL = (
    topics,
    mail,
    limits,
    audit,
    people,
    inbox,
    interests,
    pictures,
    venues,
    fleet,
    badges,
    communities,
    events,
    consent,
    presence,
    checkins,
    positions,
    doors,
    fences,
    phones,
    calendars,
    met,
    nearby,
    popups,
    audience,
    invitations,
    company,
    governance,
    proposals,
    face_to_face,
    posts,
    pulse,
    mornings,
    messages,
    reviews,
    fans,
    stamps,
    moving,
    erasure,
    exports,
    webhooks,
    demo,
)

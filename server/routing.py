"""What the server is made of: its routes, by who may reach them, and its tasks."""

from server import health
from server.audience import routes as audience_routes
from server.audience import tasks as audience_tasks
from server.badges import routes as badges_routes
from server.calendars import routes as calendars_routes
from server.checkins import routes as checkins_routes
from server.communities import routes as communities_routes
from server.company import routes as company_routes
from server.company import tasks as company_tasks
from server.consent import routes as consent_routes
from server.corrections import routes as corrections_routes
from server.corrections import tasks as corrections_tasks
from server.demo import routes as demo_routes
from server.doors import routes as doors_routes
from server.erasure import routes as erasure_routes
from server.erasure import tasks as _erasure_tasks  # noqa: F401  # they register themselves
from server.events import routes as events_routes
from server.events import tasks as events_tasks
from server.events import venue_routes
from server.exports import routes as exports_routes
from server.face_to_face import routes as face_to_face_routes
from server.face_to_face import tasks as face_to_face_tasks
from server.fans import routes as fans_routes
from server.fences import routes as fences_routes
from server.fences import tasks as fences_tasks
from server.fleet import routes as fleet_routes
from server.governance import routes as governance_routes
from server.governance import tasks as governance_tasks
from server.inbox import routes as inbox_routes
from server.inbox import tasks as inbox_tasks
from server.interests import routes as interests_routes
from server.invitations import routes as invitations_routes
from server.invitations import tasks as invitations_tasks
from server.limits import tasks as limits_tasks
from server.live import routes as live_routes
from server.mail import tasks as mail_tasks
from server.messages import routes as messages_routes
from server.met import routes as met_routes
from server.met import tasks as met_tasks
from server.mornings import routes as mornings_routes
from server.mornings import tasks as mornings_tasks
from server.moving import routes as moving_routes
from server.nearby import routes as nearby_routes
from server.nearby import tasks as nearby_tasks
from server.pages import (
    account,
    api_docs,
    communities,
    community_edits,
    community_followers,
    community_votes,
    crew,
    dates,
    files,
    floor_plans,
    following_page,
    gathering,
    hosting,
    invitation,
    letters,
    notice,
    operator,
    planning,
    qr_codes,
    repeating,
    roles,
    sign_in,
    step_edits,
    topics,
    trust,
    volunteer,
)
from server.pages import calendars as calendars_page
from server.pages import company as company_page
from server.pages import consent as consent_page
from server.pages import doors as door_pages
from server.pages import face_to_face as face_to_face_pages
from server.pages import fans as fans_page
from server.pages import fences as fences_page
from server.pages import imports as imports_page
from server.pages import inbox as inbox_page
from server.pages import interests as interests_page
from server.pages import messages as messages_page
from server.pages import met as met_page
from server.pages import mornings as mornings_page
from server.pages import moving as moving_pages
from server.pages import nearby as nearby_page
from server.pages import phones as phones_page
from server.pages import popups as popups_page
from server.pages import posts as post_page
from server.pages import proposals as proposals_pages
from server.pages import proposing as proposing_page
from server.pages import pulse as pulse_page
from server.pages import recaps as recaps_page
from server.pages import reviews as reviews_pages
from server.pages import routes as pages_routes
from server.pages import shop_invitations as shop_pages
from server.pages import stamps as stamps_page
from server.pages import steps as steps_page
from server.pages import telling as telling_pages
from server.pages import venues as venues_pages
from server.pages import webhooks as webhooks_pages
from server.pages import welcome as welcome_page
from server.people import entering, oneself
from server.people import routes as people_routes
from server.people import tasks as people_tasks
from server.phones import routes as phones_routes
from server.phones import tasks as phones_tasks
from server.pictures import routes as pictures_routes
from server.pictures import tasks as pictures_tasks
from server.popups import routes as popups_routes
from server.popups import tasks as popups_tasks
from server.positions import routes as positions_routes
from server.positions import tasks as positions_tasks
from server.posts import routes as posts_routes
from server.presence import routes as presence_routes
from server.proposals import routes as proposals_routes
from server.proposals import tasks as proposals_tasks
from server.pulse import routes as pulse_routes
from server.recaps import routes as recaps_routes
from server.reviews import routes as reviews_routes
from server.sharing import routes as sharing_routes
from server.stamps import routes as stamps_routes
from server.venues import routes as venues_routes
from server.webhooks import routes as webhooks_routes
from server.webhooks import tasks as webhooks_tasks

# Naming them is what makes their tasks known to the worker.
TASKS = (
    mail_tasks,
    limits_tasks,
    people_tasks,
    inbox_tasks,
    webhooks_tasks,
    proposals_tasks,
    face_to_face_tasks,
    events_tasks,
    corrections_tasks,
    positions_tasks,
    phones_tasks,
    pictures_tasks,
    governance_tasks,
    met_tasks,
    fences_tasks,
    company_tasks,
    mornings_tasks,
    nearby_tasks,
    popups_tasks,
    audience_tasks,
    invitations_tasks,
)

# For whoever comes.
STRANGERS = (
    health.router,
    people_routes.strangers,
    entering.strangers,
    pictures_routes.strangers,
    sign_in.strangers,
    doors_routes.strangers,
    phones_routes.strangers,
    face_to_face_routes.strangers,
    pages_routes.strangers,
    notice.strangers,
    door_pages.strangers,
    face_to_face_pages.strangers,
    volunteer.strangers,
    roles.strangers,
    trust.strangers,
    invitation.strangers,
    sharing_routes.strangers,
    telling_pages.strangers,
    calendars_routes.strangers,
)

# For who has signed in: whatever a router forgets, nobody else reaches it.
MEMBERS = (
    people_routes.router,
    oneself.router,
    venue_routes.router,
    inbox_routes.router,
    interests_routes.router,
    pictures_routes.router,
    venues_routes.router,
    fleet_routes.router,
    badges_routes.router,
    moving_routes.router,
    communities_routes.router,
    events_routes.router,
    events_routes.series_router,
    consent_routes.router,
    presence_routes.router,
    checkins_routes.router,
    doors_routes.router,
    corrections_routes.router,
    fences_routes.router,
    positions_routes.router,
    phones_routes.router,
    met_routes.router,
    company_routes.router,
    reviews_routes.router,
    governance_routes.router,
    proposals_routes.router,
    face_to_face_routes.router,
    posts_routes.router,
    pulse_routes.router,
    recaps_routes.router,
    recaps_routes.pictures,
    mornings_routes.router,
    messages_routes.router,
    fans_routes.router,
    stamps_routes.router,
    nearby_routes.router,
    popups_routes.router,
    audience_routes.router,
    invitations_routes.router,
    exports_routes.router,
    webhooks_routes.router,
    erasure_routes.router,
    live_routes.router,
    demo_routes.router,
    qr_codes.router,
    pages_routes.router,
    met_page.router,
    nearby_page.router,
    company_page.router,
    popups_page.router,
    fences_page.router,
    reviews_pages.router,
    files.router,
    topics.router,
    post_page.router,
    inbox_page.router,
    telling_pages.router,
    pulse_page.router,
    fans_page.router,
    stamps_page.router,
    shop_pages.router,
    interests_page.router,
    steps_page.router,
    step_edits.router,
    welcome_page.router,
    recaps_page.router,
    mornings_page.router,
    messages_page.router,
    webhooks_pages.router,
    door_pages.router,
    proposals_pages.router,
    proposing_page.router,
    face_to_face_pages.router,
    gathering.router,
    planning.router,
    dates.router,
    repeating.router,
    following_page.router,
    hosting.router,
    operator.router,
    imports_page.router,
    account.router,
    crew.router,
    moving_pages.router,
    communities.router,
    community_edits.router,
    community_followers.router,
    community_votes.router,
    letters.router,
    consent_page.router,
    phones_page.router,
    notice.router,
    venues_pages.router,
    floor_plans.router,
    calendars_page.router,
    calendars_routes.router,
    api_docs.router,
)

# For whoever comes, behind the others: /venues/new is no venue.
LAST = (venues_pages.strangers,)

"""The server as an ASGI application: all routes, what they need, and what runs beside them."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from fastapi import Depends, FastAPI
from sqlalchemy.exc import SQLAlchemyError

from config.settings import Settings
from server import database, health, openapi, problems, texts
from server.audience import routes as audience_routes
from server.audience import tasks as audience_tasks
from server.badges import routes as badges_routes
from server.badges import service as badges
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
from server.fleet import announce as fleet_announce
from server.fleet import logins, statuses
from server.fleet import routes as fleet_routes
from server.governance import routes as governance_routes
from server.governance import tasks as governance_tasks
from server.inbox import routes as inbox_routes
from server.inbox import tasks as inbox_tasks
from server.interests import routes as interests_routes
from server.invitations import routes as invitations_routes
from server.invitations import tasks as invitations_tasks
from server.jobs import worker as jobs
from server.jobs.service import Work
from server.limits import tasks as limits_tasks
from server.live import announce as live_announce
from server.live import news
from server.live import routes as live_routes
from server.live.hub import Hub
from server.live.work import THREADS
from server.mail import tasks as mail_tasks
from server.messages import routes as messages_routes
from server.met import routes as met_routes
from server.met import tasks as met_tasks
from server.mornings import routes as mornings_routes
from server.mornings import tasks as mornings_tasks
from server.moving import routes as moving_routes
from server.mqtt import Connection
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
    render,
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
from server.people import access, entering, oneself
from server.people import routes as people_routes
from server.people import tasks as people_tasks
from server.phones import routes as phones_routes
from server.phones import tasks as phones_tasks
from server.phones.listener import PATTERN as PHONES_PATTERN
from server.phones.listener import Listener
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
from server.protection import Protection
from server.pulse import routes as pulse_routes
from server.recaps import routes as recaps_routes
from server.requests import Clock, Context, utc_now
from server.reviews import routes as reviews_routes
from server.sharing import routes as sharing_routes
from server.sharing.studio import Studio
from server.stamps import routes as stamps_routes
from server.venues import routes as venues_routes
from server.webhooks import routes as webhooks_routes
from server.webhooks import tasks as webhooks_tasks
from server.webhooks.waking import Waking

log = logging.getLogger(__name__)

# An agent that was enrolled or moved hears of it within this; the question is one row of the database.
STEP_S = 1.0
VERSION = "1"
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
    inbox_tasks,
    governance_tasks,
    met_tasks,
    fences_tasks,
    company_tasks,
    webhooks_tasks,
    mornings_tasks,
    nearby_tasks,
    popups_tasks,
    audience_tasks,
    invitations_tasks,
)


def create_app(settings: Settings, clock: Clock = utc_now) -> FastAPI:
    """Makes the app; it connects to database and broker when it starts.

    clock: the time that all rules go by, UTC.
    """
    for language in texts.TAGS:
        texts.of(language)  # read before the first who asks waits for it
    app = FastAPI(
        title="muster",
        version=VERSION,
        summary="Who has come: venues, agents, badges, communities, events and check-ins.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=partial(_live, settings=settings, clock=clock),
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.answers = Counter[tuple[str, str, str]]()
    app.state.studio = Studio()
    app.add_middleware(Protection, own_url=settings.server.public_url, upload_mb=settings.server.upload_mb)
    app.add_middleware(health.RequestCounter, counts=app.state.answers)
    problems.install(app)
    app.openapi = partial(openapi.describe, app)  # type: ignore[method-assign]
    for router in (
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
    ):
        app.include_router(router)
    for router in (
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
    ):
        # Whatever a router forgets, nobody reaches it who has not signed in.
        app.include_router(router, dependencies=[Depends(access.check_signed_in)])
    app.include_router(venues_pages.strangers)  # after /venues/new
    app.mount(render.STATIC_PATH, render.static_files())
    return app


@contextlib.asynccontextmanager
async def _live(app: FastAPI, settings: Settings, clock: Clock) -> AsyncIterator[None]:
    """What the app holds while it runs."""
    engine = database.connect(settings.database.conninfo, pool=settings.database.pool)
    broker = Connection(settings.broker)
    # Streams read with connections of their own: a request that opens one must not wait for what other requests hold.
    streams_engine = database.connect(settings.database.conninfo, pool=THREADS)
    hub = Hub(streams_engine, settings.presence, clock)
    heard = statuses.Statuses(engine, clock)
    told = Listener(engine, clock, settings)
    announcer = fleet_announce.Announcer(
        engine,
        broker,
        lambda session, now: badges.report_patterns(session, now=now, own_uuids=settings.server.own_uuid_prefixes),
        settings.agent.window_s,
        _administers(settings),
    )
    app.state.context = Context(settings, engine, clock)
    app.state.broker = broker
    app.state.hub = hub
    app.state.metrics = health.make_registry(
        health.Metrics(
            engine,
            clock,
            app.state.answers,
            heard.counters,
            told.counters,
            lambda: hub.viewers,
            lambda: broker.is_connected,
        )
    )
    broker.subscribe(news.SUBSCRIPTION, lambda topic, payload, _retained: hub.take(topic, payload))
    waking = Waking(engine)
    broker.subscribe(news.SUBSCRIPTION, lambda topic, _payload, _retained: waking.take(news.topic_name(topic) or ""))
    broker.subscribe(statuses.PATTERN, heard.take, qos=1)
    broker.subscribe(PHONES_PATTERN, told.take, qos=1)
    broker.on_connect(hub.doubt)
    broker.on_connect(announcer.forget)
    heard.start()
    told.start()
    await hub.start()
    with live_announce.after_commits(broker.publish):
        broker.start()
        stopping = asyncio.Event()
        keeping = asyncio.create_task(_keep_in_step(announcer, broker, clock, stopping), name="configs")
        looking = asyncio.create_task(waking.run(), name="webhooks")
        try:
            async with jobs.running(Work(engine, settings, clock)):
                yield
        finally:
            stopping.set()
            looking.cancel()
            await asyncio.gather(keeping, looking, return_exceptions=True)
            await hub.stop()
            await asyncio.to_thread(broker.stop)
            await asyncio.to_thread(heard.stop)
            await asyncio.to_thread(told.stop)
            streams_engine.dispose()
            engine.dispose()


def _administers(settings: Settings) -> fleet_announce.Administer | None:
    broker = settings.broker
    if not broker.admin_user:
        return None
    return partial(logins.administer, broker.host, broker.port, broker.admin_user, broker.admin_password)


async def _keep_in_step(
    announcer: fleet_announce.Announcer, broker: Connection, clock: Clock, stopping: asyncio.Event
) -> None:
    """Keeps agents' logins and configs at the broker as the tables say, until it is told to stop."""
    said = ""
    while not stopping.is_set():
        if broker.is_connected:
            try:
                await asyncio.to_thread(announcer.step, clock())
                said = ""
            except Exception as error:  # whatever it is, agents must be told once it is over
                # Away for a while is nothing new each second.
                if str(error) != said:
                    known = isinstance(error, (SQLAlchemyError, logins.LoginsError))
                    first_line = str(error).partition("\n")[0]
                    log.error("agents' logins and configs wait: %s", first_line, exc_info=None if known else error)
                said = str(error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), STEP_S)


def end_streams(app: FastAPI) -> None:
    """Ends all live streams, so that a server that is told to stop need not wait for them; from any thread."""
    hub: Any = getattr(app.state, "hub", None)
    if hub is not None:
        hub.close()

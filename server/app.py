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
from server import database, health, openapi, problems, routing, texts
from server.badges import service as badges
from server.fleet import announce as fleet_announce
from server.fleet import logins, statuses
from server.jobs import worker as jobs
from server.jobs.service import Work
from server.live import announce as live_announce
from server.live import news
from server.live.hub import Hub
from server.live.work import THREADS
from server.mqtt import Connection
from server.pages import render
from server.people import access
from server.phones.listener import PATTERN as PHONES_PATTERN
from server.phones.listener import Listener
from server.protection import Protection
from server.requests import Clock, Context, utc_now
from server.sharing.studio import Studio
from server.webhooks.waking import Waking

log = logging.getLogger(__name__)

# An agent that was enrolled or moved hears of it within this; the question is one row of the database.
STEP_S = 1.0
VERSION = "1"


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
    for router in routing.STRANGERS:
        app.include_router(router)
    for router in routing.MEMBERS:
        app.include_router(router, dependencies=[Depends(access.check_signed_in)])
    for router in routing.LAST:
        app.include_router(router)
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

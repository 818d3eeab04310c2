"""`muster doctor`: looks at every part and says what to do about what is wrong."""

import datetime as dt
import ipaddress
import smtplib
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from rich.markup import escape

from config.settings import Settings
from server import certificates
from server.operations import accounts, disk, networks, progress, restarts, up

CONNECT_S = 3
# The gateway writes its counters every gateway.health_s; three times that without one is not a slow moment.
MISSED_WRITES = 3
# A part that ended by itself within the last hour is something to look at; what happened before is told, no more.
RECENT_S = 3600
VENDOR = Path(__file__).parents[1] / "pages" / "static" / "vendor"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one part; advice only when it is not well."""

    part: str
    well: bool
    found: str
    advice: str = ""


def run(settings: Settings) -> int:
    """Prints a line for each part; returns 0 when all are well, 1 otherwise."""
    terminal = progress.console()
    findings = list(examine(settings, dt.datetime.now(dt.UTC)))
    for finding in findings:
        terminal.print(f"{'[green]✓' if finding.well else '[bold red]✗'}[/] {finding.part}: {escape(finding.found)}")
        if finding.advice:
            terminal.print(f"  [bold]→ {escape(finding.advice)}[/]")
    return 0 if all(finding.well for finding in findings) else 1


def examine(settings: Settings, now: dt.datetime) -> Iterator[Finding]:
    """Looks at the parts in the order in which they need each other; what stands on a broken one is left out."""
    yield _look_at_browser_libraries()
    yield from _look_at_disks(settings)
    yield from _look_for_restarts(settings, now)
    yield _look_at_broker(settings)
    with _connected(settings) as (connection, reason):
        if connection is None:
            advice = "start it (muster up), or set database.host, port, user and password"
            yield Finding("database", False, reason, advice)
        else:
            yield Finding("database", True, "reachable")
            yield from _look_into_database(connection, settings, now)
    yield _look_at_mail(settings)
    yield _look_at_server(settings)
    if settings.server.tls_file:
        yield look_at_https(settings, networks.addresses(), now)


@contextmanager
def _connected(settings: Settings) -> Iterator[tuple[psycopg.Connection[tuple[object, ...]] | None, str]]:
    try:
        connection = psycopg.connect(settings.database.conninfo, connect_timeout=CONNECT_S, autocommit=True)
    except psycopg.Error as error:
        yield None, str(error).strip().splitlines()[0].strip()
        return
    with connection:
        yield connection, ""


def _look_into_database(
    connection: psycopg.Connection[tuple[object, ...]], settings: Settings, now: dt.datetime
) -> Iterator[Finding]:
    version = _one(connection, "SELECT extversion FROM pg_extension WHERE extname = 'postgis'")
    if version is None:
        advice = "as its superuser: CREATE EXTENSION postgis (the package is postgresql-NN-postgis-3)"
        yield Finding("PostGIS", False, "not in this database", advice)
    else:
        yield Finding("PostGIS", True, str(version))
    wanted, there = _newest_migration(), None
    if _one(connection, "SELECT to_regclass('alembic_version')") is not None:
        there = _one(connection, "SELECT version_num FROM alembic_version")
    if there != wanted:
        yield Finding("migrations", False, f"at {there or 'none'}, not at {wanted}", "run muster db migrate")
        return
    yield Finding("migrations", True, f"at {wanted}, the newest")

    newest = _one(connection, "SELECT max(at) FROM gateway_health")
    silent_s = (now - newest).total_seconds() if isinstance(newest, dt.datetime) else None
    if silent_s is None or silent_s > MISSED_WRITES * settings.gateway.health_s:
        found = "none has run yet" if silent_s is None else f"silent for {silent_s:.0f} s"
        yield Finding("gateway", False, found, "start one (muster-gateway) and read its log")
    else:
        yield Finding("gateway", True, "alive")

    enrolled = _one(connection, "SELECT count(*) FROM agent")
    heard = _one(
        connection,
        "SELECT count(DISTINCT agent_id) FROM coverage WHERE to_ms > %s",
        [(now.timestamp() - settings.presence.given_up_after_s) * 1000],
    )
    if enrolled and not heard:
        advice = "look at muster-agent on the Pis: is it running, does it reach the broker, is its clock right?"
        yield Finding("agents", False, f"{enrolled} enrolled, none heard of late", advice)
    else:
        yield Finding("agents", True, f"{enrolled} enrolled, {heard} heard of late")
    yield from _look_for_refused_letters(connection)
    yield from _look_for_venues_of_nobody(connection)
    yield from _look_for_full_agents(connection)
    yield from _look_for_deaf_agents(settings, now)


def _look_for_venues_of_nobody(connection: psycopg.Connection[tuple[object, ...]]) -> Iterator[Finding]:
    """One finding for each place that listens though nobody answers for it: made before that was asked for."""
    rows = connection.execute(
        "SELECT id FROM venue WHERE NOT replayed AND (owner_id IS NULL OR contact = '') AND EXISTS"
        " (SELECT FROM placement WHERE placement.venue_id = venue.id AND placement.valid @> now()) ORDER BY id"
    )
    for (venue_id,) in rows:
        found = f"{venue_id} listens, and it is not said who owns it or how to reach them"
        yield Finding("venue", False, found, f"say both at /venues/{venue_id}/settings")


def _look_for_full_agents(connection: psycopg.Connection[tuple[object, ...]]) -> Iterator[Finding]:
    """One finding for each agent whose last status says that it could not keep windows."""
    rows = connection.execute(
        "SELECT id, status -> 'counters' ->> 'unspooled' FROM agent"
        " WHERE jsonb_typeof(status -> 'counters' -> 'unspooled') = 'number' ORDER BY id"
    )
    for agent_id, windows in rows:
        found = f"{agent_id} could not keep {windows} windows since it was started"
        advice = "make room on that Pi, or look at its SD card: what it cannot keep is lost"
        yield Finding("agent's disk", False, found, advice)


def _look_for_deaf_agents(settings: Settings, now: dt.datetime) -> Iterator[Finding]:
    """One finding for each agent that says it listens and no longer hears the beacons it is known to hear."""
    from sqlalchemy.orm import Session

    from server import database
    from server.presence import explain

    engine = database.connect(settings.database.conninfo, pool=1)
    try:
        with Session(engine) as session:
            for sentence in explain.deaf_agents(session, now=now, presence=settings.presence):
                advice = "look after that Pi: its adapter, its antenna, what stands in front of it; or is a beacon off?"
                yield Finding("deaf agent", False, sentence, advice)
    finally:
        engine.dispose()


def _look_at_browser_libraries() -> Finding:
    if any(VENDOR.glob("*/*.mjs")) or any(VENDOR.glob("*/*.js")):
        return Finding("browser libraries", True, "in place")
    return Finding("browser libraries", False, f"none in {VENDOR}", "run make setup: maps and curves need them")


def _look_at_disks(settings: Settings) -> Iterator[Finding]:
    """The disk of `up.folder`, and that of the data which had to be put elsewhere."""
    folder = Path(settings.up.folder).resolve()
    folders = [folder, *([accounts.ELSEWHERE] if (folder / "postgres.txt").exists() else [])]
    days = settings.agent.spool_max_age_s / 86400
    advice = (
        "make room there: without it nothing is recorded, and agents keep what they hear"
        f" for {days:g} days at the most (agent.spool_max_age_s) and send it when there is room again"
    )
    for room in map(disk.look, folders):
        yield Finding("disk", not room.is_low, str(room), advice if room.is_low else "")


def _look_for_restarts(settings: Settings, now: dt.datetime) -> Iterator[Finding]:
    """One finding for each part of a running `muster up` that ended by itself and was started again."""
    folder = Path(settings.up.folder).resolve()
    for name, found in restarts.read(folder).items():
        ago_s = max(0.0, now.timestamp() - found.last_s)
        times = "once" if found.times == 1 else f"{found.times} times"
        said = f"{name} was restarted {times}, last {_in_words(ago_s)} ago: it {found.how}"
        is_old = ago_s > RECENT_S
        yield Finding("restarts", is_old, said, "" if is_old else f"read the end of {folder / 'log' / name}.log")


def _in_words(duration_s: float) -> str:
    if duration_s < 120:
        return f"{duration_s:.0f} s"
    return f"{duration_s / 60:.0f} min" if duration_s < 2 * 3600 else f"{duration_s / 3600:.0f} h"


def _look_at_broker(settings: Settings) -> Finding:
    broker = settings.broker
    where = f"{broker.host}:{broker.port}"
    advice = "start it (muster up), or set broker.host and broker.port"
    try:
        socket.create_connection((broker.host, broker.port), timeout=CONNECT_S).close()
    except OSError as error:
        return Finding("broker", False, f"not reachable at {where} ({error.strerror or error})", advice)
    if not broker.admin_user:
        advice = "set broker.admin_user and admin_password: without them no agent can be enrolled"
        return Finding("broker", False, f"reachable at {where}, without an administrator", advice)
    from server.fleet import logins

    try:
        with logins.administer(broker.host, broker.port, broker.admin_user, broker.admin_password) as administration:
            agents = len(administration.list_agents())
    except logins.LoginsError as error:
        return Finding("broker", False, str(error), "check broker.admin_user and broker.admin_password")
    return Finding("broker", True, f"reachable at {where}, {agents} agents may connect")


def _look_at_server(settings: Settings) -> Finding:
    status = up.ask_ready(settings.server.host, settings.server.port)
    if status == 200:
        return Finding("server", True, f"ready at {settings.server.url}")
    found = f"does not answer at {settings.server.url}" if status == 0 else f"not ready (HTTP {status})"
    return Finding("server", False, found, "start it (muster-server) and read its log")


def _look_at_mail(settings: Settings) -> Finding:
    """Whether somebody who signs in gets a letter: the mail server greets, takes the login, and names no fault."""
    from server.mail import smtp

    mail = settings.mail
    if not mail.host:
        # Nothing is broken: a house without a mail server is meant to work like this.
        return Finding(
            "mail", True, "no mail server (mail.host): codes show on /operator/letters and by muster-server codes"
        )
    where = f"{mail.host}:{mail.port} ({mail.security})"
    try:
        with smtp.connect(mail) as server:
            server.noop()
    except smtplib.SMTPAuthenticationError:
        return Finding("mail", False, f"{where} does not take the login", "check mail.user and mail.password")
    except (smtplib.SMTPException, OSError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        return Finding("mail", False, f"{where} is not reachable: {reason}", "check mail.host, port and security")
    return Finding("mail", True, f"{where} takes letters from {mail.sender}")


def _look_for_refused_letters(connection: psycopg.Connection[tuple[object, ...]]) -> Iterator[Finding]:
    """One finding when letters were refused: which answer came most often."""
    row = connection.execute(
        "SELECT refused, count(*) FROM letter WHERE refused IS NOT NULL GROUP BY refused ORDER BY count(*) DESC LIMIT 1"
    ).fetchone()
    if row is not None:
        found = f"{row[1]} letters were refused, most with: {row[0]}"
        yield Finding("mail", False, found, "look at /operator/letters: a mistyped address, or this server's own?")


def look_at_https(settings: Settings, here: Sequence[ipaddress.IPv4Address], now: dt.datetime) -> Finding:
    """Whether the certificate is good, and for where this machine is now; here: its addresses."""
    try:
        served = certificates.read(Path(settings.server.tls_file))
    except certificates.CertificateError as error:
        return Finding("https", False, str(error), "start muster up --lan again, or set server.tls_file")
    if now >= served.until:
        return Finding(
            "https", False, f"the certificate ended on {served.until:%d %B %Y}", "start muster up --lan again"
        )
    if here and not set(map(str, here)) & set(served.hosts):
        found = f"the certificate is for {', '.join(served.hosts)}, and this machine is now at {here[0]}"
        return Finding("https", False, found, "start muster up --lan again")
    return Finding("https", True, f"for {', '.join(served.hosts)} until {served.until:%d %B %Y}")


def _newest_migration() -> str | None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    from server import database

    config = Config()
    config.set_main_option("script_location", str(database.MIGRATIONS))
    return ScriptDirectory.from_config(config).get_current_head()


def _one(
    connection: psycopg.Connection[tuple[object, ...]], query: str, parameters: list[object] | None = None
) -> object:
    row = connection.execute(query.encode(), parameters).fetchone()
    return row[0] if row else None

"""The command `muster-server`: serves HTTP, and makes one-time links for signing in."""

import argparse
import asyncio
import datetime as dt
import faulthandler
import gc
import logging
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any, NamedTuple

import psycopg
import uvicorn
from alembic.script import ScriptDirectory

from config import settings as config
from config.settings import Settings, SettingsError
from server import database, names
from server.errors import MusterError
from server.mail import service as mail
from server.people import service as people
from server.requests import utc_now

EXAMPLES = """examples:
  muster-server run                            serve on the address of the settings (127.0.0.1:8080)
  MUSTER_SERVER__PORT=9000 muster-server run   the same on another port
  muster-server codes                          print the codes that people wait for, without a mail server
  muster-server signin "Ana Moreno"            print a link that signs her in once
  muster-server signin ana --new "Ana Moreno" --operator   make her known first, as one who runs this server
"""
# Streams are ended at once when the server is told to stop; a request that still runs after this is cut off, so that
# everything is over within 3 s also on a busy Raspberry Pi.
STOP_S = 1
# All the rest, background work above all, ends within this, or is ended: nothing is lost by it.
LAST_S = 12
HANDSHAKE_S = 15  # who says nothing for so long on a connection for HTTPS is no browser
BACKLOG = 2048  # connections that wait while a rush of browsers reconnects

log = logging.getLogger("muster.server")


class Unusable(Exception):
    """The server cannot start: the message is one line that says what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "codes":
            return tell_codes(config.load(options.config or config.file_of_up()))
        if options.command == "signin":
            # Typed beside a `muster up`, it is meant for that one.
            settings = config.load(options.config or config.file_of_up())
            return sign_in(settings, options.name, options.new, options.operator)
        return run(config.load(options.config))
    except (SettingsError, Unusable, MusterError) as error:
        print(f"muster-server: {error}", file=sys.stderr)
        return 1


def run(settings: Settings) -> int:
    """Serves until SIGINT or SIGTERM; raises Unusable."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    check_database(settings)
    with ExitStack() as stack:
        listening = stack.enter_context(listen(settings.server.host, settings.server.port))
        secured = None
        if settings.server.tls_file:
            at = listen(settings.server.host, settings.server.https_port, "MUSTER_SERVER__HTTPS_PORT")
            secured = Secured(stack.enter_context(at), secure(settings.server.tls_file))
        from server.app import create_app, end_streams

        app = create_app(settings)
        # A large page makes tens of thousands of objects and lets go of them at its end. At the default of 700 the
        # search for cycles went through all modules and tables again and again: two thirds of a large calendar's time.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000)
        server = Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=STOP_S,
                lifespan="on",
                server_header=False,
                proxy_headers=False,  # whom to believe about X-Forwarded-For is server.trusted_proxies' to say
                ws="none",
            ),
            lambda: end_streams(app),
            secured,
        )
        log.info("serving %s", settings.server.url)
        asyncio.run(server.serve(sockets=[listening]))
        faulthandler.cancel_dump_traceback_later()
    return 0 if server.started else 1


def sign_in(settings: Settings, name: str, new: str | None, operator: bool) -> int:
    """Prints a link that signs the member of this id or name in once; raises Unusable, MusterError."""
    check_database(settings)
    engine = database.connect(settings.database.conninfo, pool=1)
    lifetime = dt.timedelta(minutes=settings.server.sign_in_link_minutes)
    try:
        with database.transaction(engine) as session:
            if new is None:
                member = people.find(session, name)
            else:
                names.check_id(name, "member")
                member = people.create(session, id=name, name=new, operator=operator)
            token = people.make_link(session, member_id=member.id, now=utc_now(), lifetime=lifetime)
    finally:
        engine.dispose()
    print(f"{settings.server.url}/sign-in/{token}")
    minutes = settings.server.sign_in_link_minutes
    print(f"It signs {member.name} in once, within {minutes} minutes.", file=sys.stderr)
    return 0


def tell_codes(settings: Settings) -> int:
    """Prints the codes that wait for want of a mail server, the newest first; raises Unusable."""
    check_database(settings)
    if settings.mail.host:
        raise Unusable(f"the mail server {settings.mail.host} sends the codes; without mail.host they would show here")
    engine = database.connect(settings.database.conninfo, pool=1)
    now = utc_now()
    try:
        with database.transaction(engine) as session:
            waiting = mail.waiting(session, now=now)
    finally:
        engine.dispose()
    for letter in waiting:
        left = max(1, round((letter.expires_at - now).total_seconds() / 60))
        print(f"{letter.address}: {letter.subject} (good for {left} min)")
    if not waiting:
        print("Nobody waits for a code at the moment.", file=sys.stderr)
    return 0


def check_database(settings: Settings) -> None:
    """Raises Unusable unless the database is reachable and has the newest tables."""
    where = f"{settings.database.host}:{settings.database.port}"
    newest = ScriptDirectory(str(database.MIGRATIONS)).get_current_head()
    try:
        with psycopg.connect(settings.database.conninfo, connect_timeout=5) as connection:
            found = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
            assert found is not None
            version = connection.execute("SELECT version_num FROM alembic_version").fetchone() if found[0] else None
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        at = "by its dsn" if settings.database.dsn else f"at {where}"
        raise Unusable(
            f"the database is not reachable {at}: start it, or set database.host and database.port ({reason})"
        ) from None
    if version is None or version[0] != newest:
        raise Unusable("the database has not the newest tables: run `muster db migrate`")


def secure(file: str) -> ssl.SSLContext:
    """What HTTPS needs, of server.tls_file; raises Unusable."""
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        made.load_cert_chain(file)
    except OSError as error:  # what is wrong with the file's content is one, too
        reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
        raise Unusable(f"server.tls_file {file!r} cannot be used ({reason}): name another, or none") from None
    return made


@contextmanager
def listen(host: str, port: int, variable: str = "MUSTER_SERVER__PORT") -> Iterator[socket.socket]:
    """A socket that listens there; raises Unusable when that address cannot be had, naming the variable."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise Unusable(f"server.host {host!r} is no address of this machine: {error}") from None
    with listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(address)
            listening.listen(BACKLOG)
        except OSError as error:
            raise Unusable(
                f"{host}:{port} cannot be listened on ({error.strerror}):"
                f" stop what uses it, or set {variable} to another port"
            ) from None
        listening.setblocking(False)
        yield listening


class Secured(NamedTuple):
    """Where HTTPS is served besides, and with what."""

    listening: socket.socket
    context: ssl.SSLContext


class Server(uvicorn.Server):
    """uvicorn, which ends its live streams when it is told to stop, and then ends with 0; HTTPS beside HTTP."""

    def __init__(self, config: uvicorn.Config, end_streams: Callable[[], None], secured: Secured | None) -> None:
        """end_streams: called from a signal handler."""
        super().__init__(config)
        self._end_streams = end_streams
        self._secured = secured

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Serves the same app, in the same process, over HTTPS as well."""
        await super().startup(sockets)
        if self._secured is None or not self.started:
            return
        # uvicorn knows HTTP or HTTPS; a connection here is made as its own are.
        config: Any = self.config
        self.servers.append(
            await asyncio.get_running_loop().create_server(
                lambda: config.http_protocol_class(
                    config=config, server_state=self.server_state, app_state=self.lifespan.state
                ),
                sock=self._secured.listening,
                ssl=self._secured.context,
                ssl_handshake_timeout=HANDSHAKE_S,
                backlog=BACKLOG,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handles SIGINT and SIGTERM, also where they were inherited as ignored, and does not raise them again."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stops; told twice by SIGINT, at once."""
        faulthandler.dump_traceback_later(LAST_S, exit=True)
        super().handle_exit(sig, frame)
        self._end_streams()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="muster-server",
        description="Serves muster's pages, API and live streams.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", metavar="FILE", help="a settings file; wins over MUSTER_CONFIG")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser(
        "run",
        help="serve HTTP",
        description="Serves HTTP on server.host and server.port until it is told to stop.",
        epilog="example:\n  muster-server run",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands.add_parser(
        "codes",
        help="print the codes that people wait for",
        description="Prints the codes for signing in that nobody sends, since there is no mail server (mail.host).",
        epilog="example:\n  muster-server codes",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    signin = commands.add_parser(
        "signin",
        help="print a link that signs somebody in once",
        description="Prints a link that signs a member in once.",
        epilog='example:\n  muster-server signin "Ana Moreno"',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    signin.add_argument("name", metavar="NAME", help="the id or name of a member")
    signin.add_argument("--new", metavar="FULLNAME", help="make a member with the id NAME and this name first")
    signin.add_argument("--operator", action="store_true", help="with --new: one who runs this server")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())

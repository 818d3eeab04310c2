"""The command `muster-gateway`: MQTT in, presence out."""

import argparse
import contextlib
import datetime as dt
import faulthandler
import gc
import logging
import signal
import sys
import threading

from config import settings as config

# What is begun is recorded within this, or comes again from the agents: nobody waits for a gateway that hangs.
STOP_S = 12

EXAMPLE = """example:
  MUSTER_CONFIG=.muster/muster.toml muster-gateway run
"""


def main(argv: list[str] | None = None) -> int:
    """Runs the gateway until SIGTERM or SIGINT; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="muster-gateway",
        description="Turns agents' reports into visits and check-ins, and acknowledges exactly what it has committed.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", nargs="?", choices=["run"], default="run", help="the only one there is")
    parser.add_argument("--config", metavar="FILE", help="settings (default: the file named by MUSTER_CONFIG)")
    arguments = parser.parse_args(argv)
    try:
        settings = config.load(arguments.config)
    except config.SettingsError as error:
        print(f"muster-gateway: {error}", file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    return run(settings)


def run(settings: config.Settings) -> int:
    """Runs until a signal asks to stop."""
    from gateway.health import Health
    from gateway.ingest import Inbox
    from gateway.link import Link
    from gateway.worker import Worker
    from server import database

    # A batch makes a hundred thousand rows and keeps most of them until it is written. At the default of 700 the search
    # for cycles, of which there are hardly any, took a third of the gateway's time; this many rows are a few megabytes.
    gc.set_threshold(50_000)
    stop = threading.Event()

    def tell(*_: object) -> None:
        # In a thread of its own: the one that is interrupted here may hold the lock that set() takes.
        threading.Thread(target=stop.set, name="stop").start()
        faulthandler.dump_traceback_later(STOP_S, exit=True)

    # Handled explicitly, also when whoever started us had told us to ignore them.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, tell)
    counters = Health()
    inbox = Inbox(settings.gateway, counters)
    link = Link(settings.broker, settings.gateway, inbox, counters)
    # A paused gateway must not hold the fence's rows: PostgreSQL ends its transaction after five seconds.
    engine = database.connect(settings.database.conninfo, pool=2, idle_in_transaction_s=5)
    worker = Worker(settings, engine, inbox, link, counters, lambda: dt.datetime.now(dt.UTC))
    link.on_connected = worker.reconnected.set
    link.start()
    try:
        worker.run(stop)
    finally:
        link.stop()
        with contextlib.suppress(Exception):
            engine.dispose()
        faulthandler.cancel_dump_traceback_later()
    return 0


if __name__ == "__main__":
    sys.exit(main())

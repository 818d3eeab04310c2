"""`muster bench chaos`: a recording at high speed while everything is killed; afterwards all is as if nothing had been.

Agents, broker, gateway and PostgreSQL are killed with SIGKILL at random moments (from a seed) and started again, and
the link between agents and broker is cut or goes silent. Visits, stays, spans and check-ins are then compared with
those of an undisturbed run, row by row.
"""

import argparse
import contextlib
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from config import settings as config
from server import database
from server.fleet import logins
from server.operations import accounts, agents, recording
from tests import processes
from tests.bench import figures, havoc, recorded, stage
from tests.bench.havoc import Havoc, Part
from tests.bench.proxy import Proxy
from tests.bench.recorded import Difference, Row
from tests.bench.stage import Stage

RECORDING = Path(__file__).parents[3] / "shared/data/summit2015/FourScannersRun1-2015-03-07.csv.gz"
SPEED = 30.0  # 13 minutes in 27 s, so that blows fall in the middle of traffic
EVERY_S = 1.5
LASTING_S = 45.0
# Agents wait up to 30 s before they connect again, and a minute before they send again.
SETTLE_S = 240.0


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one run."""

    rows: dict[str, list[Row]]
    listened_ms: int
    kills: Counter[str]
    crashes: int
    reports: int
    redelivered: int
    seconds: float


def main(argv: list[str]) -> int:
    """Runs rounds until the minutes are over, at least one; returns 1 when anything was lost or doubled."""
    options = _parse(argv)
    if not options.recording.exists():
        figures.say(f"there is no recording at {options.recording}: name one with --recording")
        return 2
    figures.say_machine()
    total = Counter[str]()
    kills = Counter[str]()
    rows: list[list[object]] = []
    with stage.running() as scene:
        calm = run(scene, options.recording, "calm", speed=None)
        figures.say(f"undisturbed: {_count(calm.rows)}, {calm.reports:,} reports in {calm.seconds:.0f} s")
        ends_s = time.monotonic() + options.minutes * 60
        seed = options.seed
        while True:
            plan = havoc.plan(seed, options.every, options.lasting)
            told = run(scene, options.recording, f"chaos_{seed}", speed=options.speed, plan=plan)
            found = recorded.compare(calm.rows, told.rows)
            rows.append(_line(seed, told, found, calm.listened_ms - told.listened_ms))
            show_difference(found)
            kills += told.kills
            total.update(
                reports_sent=told.reports,
                redelivered=told.redelivered,
                lost=found.lost_rows,
                doubled=found.doubled_rows,
                crashes=told.crashes,
            )
            figures.say(f"seed {seed}: {dict(told.kills)}, lost {found.lost_rows}, doubled {found.doubled_rows}")
            seed += 1
            if time.monotonic() >= ends_s:
                break
    heads = ["seed", *havoc.KINDS, "crashed", "reports sent", "redelivered", "not listened s", "lost", "doubled", "s"]
    figures.say("\n" + figures.draw_table(heads, rows))
    metrics = {"kills": kills.total(), "kills_by_part": dict(kills), "rounds": len(rows), **total}
    figures.write_json(options.json, "chaos", metrics)
    return int(bool(total["lost"] or total["doubled"]))


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="muster bench chaos",
        description="A recording while everything is killed: nothing lost, nothing twice.",
        epilog="example:\n  muster bench chaos --minutes 10 --seed 7",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=2, help="begin further rounds for so long (default 2)")
    parser.add_argument("--seed", type=int, default=1, help="of the first round; the next takes the next (default 1)")
    parser.add_argument("--speed", type=float, default=SPEED, help=f"recorded seconds a second (default {SPEED:g})")
    parser.add_argument("--every", type=float, default=EVERY_S, help=f"seconds between blows (default {EVERY_S:g})")
    parser.add_argument("--lasting", type=float, default=LASTING_S, help=f"of blows, s (default {LASTING_S:g})")
    parser.add_argument("--recording", type=Path, default=RECORDING, help="default: the Summit of 03-07")
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    return parser.parse_args(argv)


def run(
    scene: Stage,
    file: Path,
    name: str,
    *,
    speed: float | None,
    plan: list[havoc.Blow] | None = None,
    resend_s: float | None = None,
    timeout_s: float = SETTLE_S,
) -> Told:
    """Plays the recording into a database of its own and returns what came of it.

    name: of the database and the agents' folder. speed: None for as fast as it goes. resend_s: of the agents, their
    default unless given. Raises AssertionError when not everything is settled in time after the last blow.
    """
    conninfo = scene.make_database(name)
    scanners = recorded.prepare(conninfo, file)
    _admit(scene, conninfo, scanners)
    started_s = time.monotonic()
    with contextlib.ExitStack() as stack:
        link = Proxy(scene.broker.host, scene.broker.port)
        stack.callback(link.close)
        stack.enter_context(scene.server(conninfo))
        players = [_agent(scene, file, name, scanner, link, speed, resend_s) for scanner in scanners]
        found = Havoc(_gateway(scene, conninfo), *_engines(scene), players, link)
        for part in (found.gateway, *players):
            stack.callback(part.stop)
        # What agents send before a gateway has subscribed nobody hears, and they send it again after a minute only.
        found.gateway.keep(0.0)
        assert found.gateway.process is not None
        scene.await_gateway(found.gateway.process)
        try:
            found.run(plan or [], timeout_s + (plan[-1].at_s if plan else 0))
        finally:
            # Whichever run now: the stage ends them.
            scene.mosquitto = found.broker.process or scene.mosquitto
            scene.postgres = found.postgres.process or scene.postgres
        processes.wait_until(scene.cluster.is_ready, "PostgreSQL is ready")
        return Told(
            recorded.read(conninfo),
            recorded.read_listened_ms(conninfo),
            found.kills,
            sum(part.crashes for part in found.parts),
            link.reports,
            link.redelivered,
            time.monotonic() - started_s,
        )


def _admit(scene: Stage, conninfo: str, scanners: list[recording.Scanner]) -> None:
    broker = scene.broker
    engine = database.connect(conninfo, pool=1)
    try:
        with logins.administer(broker.host, broker.port, broker.admin_user, broker.admin_password) as found:
            found.add_agents(recording.logins_of(engine, scanners))
    finally:
        engine.dispose()


def _agent(
    scene: Stage,
    file: Path,
    name: str,
    scanner: recording.Scanner,
    link: Proxy,
    speed: float | None,
    resend_s: float | None,
) -> Part:
    """An agent that plays one scanner through the link; started again, it finds its folder as it left it."""
    home = agents.make_home(scene.folder / name, scanner.agent_id)
    broker = config.load(environment={"MUSTER_BROKER__PORT": str(link.port)}).broker
    environment = agents.environment_of(scanner.agent_id, scanner.key, home, broker)
    if resend_s is not None:
        environment["MUSTER_AGENT__RESEND_S"] = f"{resend_s:g}"
    command = [agents.program(), "replay", str(file), "--scanner", scanner.name]
    command += ["--speed", "max" if speed is None else f"{speed:g}"]
    log = home / "log"
    return Part(scanner.agent_id, lambda: processes.start(accounts.with_parent(command), log, environment), ends=True)


def _gateway(scene: Stage, conninfo: str) -> Part:
    command = accounts.with_parent([sys.executable, "-m", "gateway.main", "run"])
    environment = scene.environment("gateway", conninfo)
    scene.gateway_log.unlink(missing_ok=True)
    return Part("gateway", lambda: processes.start(command, scene.gateway_log, environment))


def _engines(scene: Stage) -> tuple[Part, Part]:
    """Broker and PostgreSQL, which run already; the same folders, so they find what they kept."""
    broker = Part("broker", lambda: processes.start(scene.broker.command, scene.folder / "mosquitto.log"))
    postgres = Part("postgres", lambda: processes.start(scene.cluster.command, scene.folder / "postgres.log"))
    broker.process, postgres.process = scene.mosquitto, scene.postgres
    return broker, postgres


def show_difference(found: Difference, most: int = 10) -> None:
    """Prints rows that are missing or too many."""
    for word, tables in (("lost", found.lost), ("doubled", found.doubled)):
        for name, rows in tables.items():
            for row in rows[:most]:
                figures.say(f"  {word} {name}: {row}")


def _line(seed: int, told: Told, found: Difference, missed_ms: int) -> list[object]:
    kills = [told.kills[kind] for kind in havoc.KINDS]
    return [
        seed,
        *kills,
        told.crashes,
        told.reports,
        told.redelivered,
        missed_ms / 1000,
        found.lost_rows,
        found.doubled_rows,
        round(told.seconds),
    ]


def _count(rows: dict[str, list[Row]]) -> str:
    return ", ".join(f"{len(found)} {name}s" for name, found in rows.items())

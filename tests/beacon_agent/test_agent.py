"""The agent as an ear: windows follow time, whatever time does, and the config that is in force."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from beacon_agent import ibeacon, wire
from beacon_agent.agent import Agent
from beacon_agent.source import Ear
from beacon_agent.spool import Spool
from config import settings as config_settings
from tests.beacon_agent.conftest import AGENT, KEY, SHARD

BASE_MS = 1_763_805_600_000
BADGE = bytes.fromhex("daf246cef20111e4b116123b93f75cba000e0001")
DATA = ibeacon.compose(BADGE, -59)
CONFIG = wire.Config(1, SHARD, ((0, BADGE[:16]),))


class Script:
    """A source that does what a test says."""

    def __init__(self, play: Callable[[Ear], Awaitable[None]]) -> None:
        self._play = play

    async def listen(self, ear: Ear) -> None:
        ear.tell(BASE_MS, wire.Radio.OK)
        await ear.reach(BASE_MS)
        await self._play(ear)


def run(
    tmp_path: Path, play: Callable[[Agent], Awaitable[None]], *, recording: str | None = None, **settings: str
) -> list[wire.Report]:
    """Plays the script with no broker at all; returns what the spool holds then."""
    folder = tmp_path / "agent"
    spool = Spool(folder / "spool.db", 1 << 20)
    spool.remember("config", wire.encode_config(CONFIG))
    spool.close()
    chosen = config_settings.load(
        environment={
            "MUSTER_AGENT__ID": AGENT,
            "MUSTER_AGENT__KEY": KEY.hex(),
            "MUSTER_AGENT__FOLDER": str(folder),
            "MUSTER_AGENT__CLOCK": "system",
            "MUSTER_BROKER__PORT": "1",
            **settings,
        }
    )

    async def go() -> None:
        agent = Agent(chosen, recording=recording)
        agent._take_config(CONFIG)
        await agent.run(Script(lambda _ear: play(agent)), asyncio.Event())

    asyncio.run(go())
    return read_spool(folder)


def read_spool(folder: Path) -> list[wire.Report]:
    spool = Spool(folder / "spool.db", 1 << 20, agent=AGENT)
    stored = spool.publish(spool.waiting()) or {}
    spool.close()
    return [wire.decode(found.body) for found in stored.values()]


@pytest.fixture(autouse=True)
def _short_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beacon_agent.agent.GOODBYE_S", 0.0)


def summary(reports: list[wire.Report]) -> list[tuple[int, int, wire.Radio, int]]:
    return [
        (report.from_ms - BASE_MS, report.to_ms - BASE_MS, report.radio, sum(r.count for r in report.readings))
        for report in reports
    ]


def test_every_window_is_reported_also_where_nothing_was_heard(tmp_path: Path) -> None:
    async def play(agent: Agent) -> None:
        agent.hear(BASE_MS + 100, DATA, -60)
        await agent.reach(BASE_MS + 4000)
        agent.hear(BASE_MS + 4100, DATA, -60)
        agent.hear(BASE_MS + 6100, DATA, -60)  # of the next window, before time is said to have come there
        agent.hear(BASE_MS + 3999, DATA, -60)  # too late: its window is reported
        await agent.reach(BASE_MS + 6500)
        assert agent.counts["late"] == 1

    assert summary(run(tmp_path, play)) == [
        (0, 2000, wire.Radio.OK, 1),
        (2000, 4000, wire.Radio.OK, 0),
        (4000, 6000, wire.Radio.OK, 1),
        (6000, 8000, wire.Radio.OFF, 1),
    ]


def test_a_window_in_which_the_radio_failed_says_so(tmp_path: Path) -> None:
    async def play(agent: Agent) -> None:
        agent.hear(BASE_MS + 100, DATA, -60)
        agent.tell(BASE_MS + 1500, wire.Radio.DEAF)
        await agent.reach(BASE_MS + 4000)
        agent.tell(BASE_MS + 4500, wire.Radio.OK)
        await agent.reach(BASE_MS + 8000)

    assert summary(run(tmp_path, play)) == [
        (0, 2000, wire.Radio.DEAF, 1),
        (2000, 4000, wire.Radio.DEAF, 0),
        (4000, 6000, wire.Radio.DEAF, 0),
        (6000, 8000, wire.Radio.OK, 0),
    ]


@pytest.mark.parametrize("by_ms", [7_200_000, -7_200_000])
def test_a_clock_that_is_set_begins_anew_and_claims_nothing(tmp_path: Path, by_ms: int) -> None:
    async def play(agent: Agent) -> None:
        agent.hear(BASE_MS + 100, DATA, -60)
        await agent.jump(BASE_MS + by_ms + 700)
        agent.hear(BASE_MS + by_ms + 800, DATA, -60)
        await agent.reach(BASE_MS + by_ms + 4000)

    assert summary(run(tmp_path, play)) == [
        (0, 2000, wire.Radio.OFF, 1),
        (by_ms, by_ms + 2000, wire.Radio.OFF, 1),
        (by_ms + 2000, by_ms + 4000, wire.Radio.OK, 0),
    ]


def test_a_long_silence_of_the_clock_is_a_gap_of_a_live_agent_alone(tmp_path: Path) -> None:
    async def play(agent: Agent) -> None:
        await agent.reach(BASE_MS + 120_500)
        await agent.reach(BASE_MS + 124_000)

    assert summary(run(tmp_path / "live", play)) == [
        (120_000, 122_000, wire.Radio.OFF, 0),
        (122_000, 124_000, wire.Radio.OK, 0),
    ]
    assert len(run(tmp_path / "recorded", play, recording="walk")) == 62


def test_another_window_length_is_taken_at_once_and_aligned(tmp_path: Path) -> None:
    async def play(agent: Agent) -> None:
        await agent.reach(BASE_MS + 2000)
        agent._take_config(wire.Config(2, SHARD, CONFIG.patterns, window_s=5.0))
        agent.hear(BASE_MS + 2500, DATA, -60)
        await agent.reach(BASE_MS + 3000)
        agent.hear(BASE_MS + 3100, DATA, -60)
        await agent.reach(BASE_MS + 5000)

    assert summary(run(tmp_path, play)) == [
        (0, 2000, wire.Radio.OK, 0),
        (2000, 4000, wire.Radio.OFF, 1),
        (0, 5000, wire.Radio.OK, 1),
    ]


def test_what_is_heard_while_a_commit_is_slow_is_kept_with_short_windows_too(tmp_path: Path) -> None:
    async def play(agent: Agent) -> None:
        agent._take_config(replace(CONFIG, rev=2, window_s=0.5))
        await agent.reach(BASE_MS)
        agent.hear(BASE_MS + 5000, DATA, -60)  # no stall yet, so that its window will count as listened to
        await agent.reach(BASE_MS + 5500)
        assert agent.counts["late"] == 0

    assert (5000, 5500, wire.Radio.OK, 1) in summary(run(tmp_path, play))


def test_other_patterns_are_for_the_next_window(tmp_path: Path) -> None:
    async def play(agent: Agent) -> None:
        agent.hear(BASE_MS + 100, DATA, -60)
        agent._take_config(wire.Config(2, SHARD, ()))
        agent.hear(BASE_MS + 200, DATA, -60)
        agent.hear(BASE_MS + 2100, DATA, -60)
        await agent.reach(BASE_MS + 4000)

    assert [counted for *_, counted in summary(run(tmp_path, play))] == [2, 0]


def test_a_source_that_fails_is_not_hidden(tmp_path: Path) -> None:
    async def play(_agent: Agent) -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        run(tmp_path, play)

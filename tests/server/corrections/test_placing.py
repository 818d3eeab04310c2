"""An agent's place told for the past: the tables are those of a world in which it had always been so."""

import datetime as dt
import random

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from beacon_agent import wire
from server import times, topics
from server.corrections import placing
from server.corrections.service import NotYet
from server.fleet import fence
from server.fleet import service as fleet
from server.fleet.placements import FloorOnlyFromNowOn, Wanted
from tests.server import places
from tests.server.corrections import town
from tests.server.corrections.town import BEGIN, NOW, PRESENCE, Town

ZONES = ("cafe-front", "cafe-back", "bar-all")


@pytest.fixture
def world(session: Session) -> Town:
    return Town(session)


def _place(
    world: Town, agent: str, zone: str, since: dt.datetime, until: dt.datetime | None = None, floor: int | None = None
) -> None:
    wanted = Wanted(agent, zone.split("-")[0], zone, since, until, None, floor)
    placing.place(world.session, wanted=wanted, presence=PRESENCE, now=NOW)


def _at(chance: random.Random) -> dt.datetime:
    return BEGIN + dt.timedelta(milliseconds=chance.randrange(-100_000, 3_700_000))


@pytest.mark.parametrize("seed", range(12))
def test_the_tables_are_as_if_it_had_always_been_so(world: Town, seed: int) -> None:
    chance = random.Random(seed)
    heard = town.evening(chance)
    world.fill(heard)
    for _ in range(chance.choice([1, 1, 2])):
        since = _at(chance)
        until = chance.choice([None, since + dt.timedelta(milliseconds=chance.randrange(1, 2_000_000))])
        agent, zone = chance.choice(list(town.AGENTS)), chance.choice(ZONES)
        _place(world, agent, zone, since, until)
        found = world.tables()
        _place(world, agent, zone, since, until)
        assert world.tables() == found, "twice is as once"
        # What was cut stays cut: what came after is judged by the pieces.
        pieces = town.Heard({}, heard.loud)
        for badge_id, agent_id, _, _, from_ms, to_ms in found["span"]:
            pieces.spans.setdefault((agent_id, world.badges.index(badge_id)), []).append((from_ms, to_ms))
        with world.session.begin_nested() as reference:
            world.fill(pieces)
            expected = world.tables()
            reference.rollback()
        for name, rows in expected.items():
            assert found[name] == rows, name


def test_what_a_moved_agent_heard_goes_to_the_other_venue(world: Town) -> None:
    start = town.T0 + 1_500_000
    spans = {("cafe-door", 0): [(start, start + 600_000)]}
    loud = {("cafe-door", 0): dict.fromkeys(range(start // 5000, (start + 600_000) // 5000 + 1), -60)}
    world.fill(town.Heard(spans, loud))
    assert [row[:2] for row in world.tables()["checkin"]] == [("night-1", "dora")]
    moved_at = BEGIN + dt.timedelta(milliseconds=1_500_000 + 5_000)
    _place(world, "cafe-door", "bar-all", moved_at)
    found = world.tables()
    assert [(row[1], row[2] - start, row[3] - start) for row in found["visit"]] == [
        ("bar", 5_000, 600_000),
        ("cafe", 0, 4_999),
    ]
    assert [(row[1], row[3]) for row in found["stay"]] == [("bar", "bar-all"), ("cafe", "cafe-front")]
    # Not long enough at the cafe any more, and long enough at the bar.
    assert [(row[:2], row[3]) for row in found["checkin"]] == [
        (("party-1", "dora"), moved_at + dt.timedelta(seconds=15))
    ]


def test_where_the_trace_is_gone_spans_alone_tell_of_stays(world: Town) -> None:
    start = town.T0 + 60_000
    spans = {
        ("cafe-door", 0): [(start, start + 300_000)],
        ("cafe-rear", 0): [(start + 290_000, start + 700_000)],
    }
    world.fill(town.Heard(spans, {key: {found[0][0] // 5000: -60} for key, found in spans.items()}))
    world.session.execute(text("DELETE FROM trace"))
    kept = town.T0 + 3_000_000
    world.session.execute(text("INSERT INTO trace_forgotten VALUES ('cafe', 0, :kept)"), {"kept": kept})
    _place(world, "cafe-rear", "bar-all", BEGIN - places.HOUR)
    assert [row[1:4:2] for row in world.tables()["stay"]] == [("bar", "bar-all"), ("cafe", "cafe-front")]
    _place(world, "cafe-rear", "cafe-back", BEGIN - places.HOUR)
    assert [(row[1], row[2] - start, row[3]) for row in world.tables()["stay"]] == [
        ("cafe", 0, "cafe-front"),
        ("cafe", 315_000, "cafe-back"),  # three slots after the front heard it last
    ]
    # The bar has forgotten what the cafe has, where its blocks came from: since the agent is said to have been there.
    assert [tuple(row) for row in world.session.execute(text("SELECT * FROM trace_forgotten ORDER BY 1"))] == [
        ("bar", times.to_ms(BEGIN - places.HOUR), kept),
        ("cafe", 0, kept),
    ]


def test_stays_in_a_time_that_was_forgotten_later_than_the_change_stay(world: Town) -> None:
    """The trace of minutes 5 to 12 is gone, in which she went to the back: correcting minute 2 moves nothing there."""
    start, went = town.T0 + 60_000, (town.T0 + 400_000) // 5000
    slots = range(start // 5000, (start + 900_000) // 5000)
    spans = {(agent, 0): [(start, start + 900_000)] for agent in ("cafe-door", "cafe-rear")}
    loud = {
        ("cafe-door", 0): {slot: -50 if slot < went else -80 for slot in slots},
        ("cafe-rear", 0): {slot: -80 if slot < went else -50 for slot in slots},
    }
    world.fill(town.Heard(spans, loud))

    def correct() -> list[tuple[object, ...]]:
        _place(world, "cafe-door", "bar-all", BEGIN - places.HOUR, BEGIN + dt.timedelta(seconds=150))
        return [row[1:] for row in world.tables()["stay"]]

    with world.session.begin_nested() as whole:
        expected = correct()
        whole.rollback()
    gone = {"low": town.T0 + 300_000, "high": town.T0 + 720_000}
    world.session.execute(text("DELETE FROM trace WHERE block_ms >= :low AND block_ms < :high"), gone)
    world.session.execute(text("INSERT INTO trace_forgotten VALUES ('cafe', :low, :high)"), gone)
    assert correct() == expected
    assert [row[2] for row in expected] == ["bar-all", "cafe-back", "cafe-front", "cafe-back"]


def test_it_passes_the_fence_and_tells_gateways_and_viewers(world: Town) -> None:
    before = {shard: held.touched for shard, held in fence.hold(world.session, range(64)).items()}
    revs = topics.revisions(world.session, [topics.FACTS, "venue/cafe", "venue/bar"])
    _place(world, "cafe-door", "bar-all", BEGIN)
    after = {shard: held.touched for shard, held in fence.hold(world.session, range(64)).items()}
    assert {shard for shard in after if after[shard] != before[shard]} == {
        wire.shard_of("cafe"),
        wire.shard_of("bar"),
    }
    assert topics.revisions(world.session, revs) == {name: rev + 1 for name, rev in revs.items()}


def test_what_was_too_faint_in_the_past_was_never_kept(world: Town) -> None:
    with pytest.raises(FloorOnlyFromNowOn):
        _place(world, "cafe-door", "cafe-back", BEGIN, floor=-70)
    _place(world, "cafe-door", "cafe-back", NOW, floor=-70)
    _place(world, "cafe-door", "bar-all", BEGIN)
    rows = [(p.zone_id, p.rssi_floor) for p in fleet.placements_of(world.session, agent_id="cafe-door")]
    assert rows == [("cafe-back", -70), ("bar-all", -128), ("cafe-front", -128)]


def test_times_to_come_are_refused(world: Town) -> None:
    with pytest.raises(NotYet):
        _place(world, "cafe-door", "cafe-back", NOW + dt.timedelta(seconds=1))

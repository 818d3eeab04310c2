"""The journey of an evening on which everything is killed again and again: nothing is lost, nothing is there twice."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bench import chaos, figures, havoc, recorded, stage

# 13 minutes in 10 s; with what starts again and what plays again it takes about half a minute.
SPEED = 80.0
EVERY_S, LASTING_S = 0.75, 10.0
SEED = 20150307
RESEND_S = 10.0  # a minute would only be waited for
SETTLE_S = 60.0


@pytest.fixture
def scene(shared_data: Path) -> Iterator[stage.Stage]:
    assert shared_data
    with stage.running() as found:
        yield found


def test_what_was_heard_survives_the_killing_of_everything(scene: stage.Stage, show: Callable[[str], None]) -> None:
    calm = chaos.run(scene, chaos.RECORDING, "calm", speed=None)
    assert all(calm.rows.values())
    assert calm.redelivered == 0

    plan = havoc.plan(SEED, EVERY_S, LASTING_S)
    told = chaos.run(scene, chaos.RECORDING, "chaos", speed=SPEED, plan=plan, resend_s=RESEND_S, timeout_s=SETTLE_S)
    found = recorded.compare(calm.rows, told.rows)
    heads = ["kind", "killed or cut"]
    rows = [[kind, told.kills[kind]] for kind in havoc.KINDS]
    show(
        f"chaos: {told.reports} reports, {told.redelivered} sent again,"
        f" lost {found.lost_rows}, doubled {found.doubled_rows}\n{figures.draw_table(heads, rows)}"
    )
    assert all(told.kills[kind] >= 2 for kind in havoc.KINDS)
    assert told.redelivered > 0
    assert found.lost_rows == 0, found.lost
    assert found.doubled_rows == 0, found.doubled
    assert told.listened_ms == calm.listened_ms

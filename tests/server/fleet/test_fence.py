"""The fence: one owner a shard, known by its epoch; guests are noticed."""

import threading

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from server import database
from server.fleet import fence


def test_taking_a_shard_raises_its_epoch_each_time(session: Session) -> None:
    first = fence.take(session, "gateway-1", [3, 4])
    again = fence.take(session, "gateway-2", [4])
    assert again == {4: first[4] + 1}
    held = fence.hold(session, [3, 4])
    assert (held[3].gateway, held[4].gateway) == ("gateway-1", "gateway-2")
    assert held[3].epoch == first[3]


def test_a_guest_is_noticed_by_what_it_touched(session: Session) -> None:
    before = fence.hold(session, [7, 8])
    fence.touch(session, [7])
    after = fence.hold(session, [7, 8])
    assert after[7].touched == before[7].touched + 1
    assert after[8] == before[8]


def test_taking_and_touching_wait_for_a_batch_that_holds_the_shard(engine: Engine) -> None:
    order: list[str] = []
    started = threading.Barrier(3)

    def work(name: str) -> None:
        started.wait(10)
        with database.transaction(engine) as other:
            if name == "guest":
                fence.touch(other, [11])
            else:
                fence.take(other, "gateway-9", [11])
            order.append(name)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("guest", "taker")]
    with database.transaction(engine) as batch:
        epoch = fence.hold(batch, [11])[11].epoch
        for thread in threads:
            thread.start()
        started.wait(10)
        threads[0].join(0.3)
        order.append("batch")
        assert fence.hold(batch, [11])[11].epoch == epoch
    for thread in threads:
        thread.join(10)
    assert order[0] == "batch"
    assert sorted(order[1:]) == ["guest", "taker"]


def test_two_batches_hold_a_shard_side_by_side(engine: Engine) -> None:
    with database.transaction(engine) as one, database.transaction(engine) as other:
        assert fence.hold(one, [12]) == fence.hold(other, [12])

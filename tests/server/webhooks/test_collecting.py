"""What is new is told, once, in its order."""

import datetime as dt
import threading

from sqlalchemy import text

from server import database
from server.checkins import service as checkins
from server.webhooks import collecting, service, tasks
from server.webhooks.model import Webhook
from server.webhooks.rules import Kind
from tests.server.places import HOUR
from tests.server.webhooks.conftest import Evening

SECOND = dt.timedelta(seconds=1)


def test_who_comes_together_is_told_together_and_once(evening: Evening) -> None:
    hook = evening.make()
    first = [evening.come("Li Wei"), evening.come("Kim")]
    evening.collect()
    evening.collect()
    evening.later(SECOND)
    second = evening.come("Ada")
    evening.collect()
    told = [delivery.content for delivery in evening.deliveries(hook, "check_in")]
    assert [[one["id"] for one in content["check_ins"]] for content in told] == [first, [second]]
    assert [content["came"] for content in told] == [2, 3]


def test_what_was_known_before_it_was_made_is_not_told(evening: Evening) -> None:
    evening.come("Li Wei")
    evening.later(SECOND)
    hook = evening.make()
    evening.collect()
    assert evening.deliveries(hook) == []


def test_what_commits_after_a_later_one_was_told_is_told_too(evening: Evening) -> None:
    hook = evening.make()
    evening.later(SECOND)
    evening.come("Quick")
    with database.transaction(evening.engine) as slow:
        slow.execute(text("INSERT INTO member (id, name) VALUES ('slow', 'Slow')"))
        slow.execute(
            text(
                "INSERT INTO checkin (member_id, step_id, at, recorded_at, evidence, signed_up)"
                " VALUES ('slow', 'supper-1', :now, :now, 'qr', false)"
            ),
            {"now": evening.clock()},
        )
        evening.later(HOUR / 12)
        evening.collect()  # it is not committed yet
    evening.later(SECOND)
    evening.collect()
    assert [delivery.happening for delivery in evening.deliveries(hook)] == ["check_in", "check_in"]


def test_two_that_look_at_once_tell_once(evening: Evening) -> None:
    hook = evening.make()
    for number in range(5):
        evening.come(f"Guest {number}")
    together = threading.Barrier(4)

    def look() -> None:
        together.wait()
        evening.collect()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(len(delivery.content["check_ins"]) for delivery in evening.deliveries(hook, "check_in")) == 5


def test_a_bus_that_arrives_is_several_messages(evening: Evening) -> None:
    hook = evening.make()
    with database.transaction(evening.engine) as session:
        session.execute(text("UPDATE step SET capacity = NULL"))
    for number in range(130):
        evening.come(f"Guest {number}")
    evening.collect()
    assert [len(delivery.content["check_ins"]) for delivery in evening.deliveries(hook)] == [100, 30]


def test_a_full_house_opening_and_ending_are_told_once(evening: Evening) -> None:
    hook = evening.make()
    evening.later(HOUR)
    for number in range(3):
        evening.come(f"Guest {number}")
    evening.collect()
    evening.come("One more")
    evening.later(2 * HOUR)
    evening.collect()
    evening.collect()
    kinds = [delivery.happening for delivery in evening.deliveries(hook)]
    assert sorted(kinds) == ["check_in", "check_in", "event_ended", "event_opened", "full"]
    ended = next(delivery for delivery in evening.deliveries(hook) if delivery.happening == "event_ended")
    assert ended.content["came"] == 4


def test_a_house_that_some_have_left_is_not_full(evening: Evening) -> None:
    hook = evening.make()
    came = [evening.come(f"Guest {number}") for number in range(3)]
    evening.leave(came[0])
    evening.collect()
    assert evening.deliveries(hook, "full") == []
    evening.come("One more")
    evening.collect()
    assert len(evening.deliveries(hook, "full")) == 1


def test_one_that_was_taken_back_is_told(evening: Evening) -> None:
    hook = evening.make()
    came = evening.come("Li Wei")
    evening.collect()
    with database.transaction(evening.engine) as session:
        checkins.undo(session, checkin_id=came, now=evening.clock(), by="cleo")
    evening.collect()
    told = evening.deliveries(hook)
    assert [delivery.happening for delivery in told] == ["check_in", "check_in_undone"]
    assert (told[1].content["check_in"], told[1].content["came"]) == (came, 0)


def test_a_venue_hears_of_everybody_who_comes_there(evening: Evening) -> None:
    hook = evening.make(of="venue", by="ben")
    evening.come("Li Wei")
    evening.collect()
    assert [delivery.content["venue"]["name"] for delivery in evening.deliveries(hook, "check_in")] == ["Café Lumen"]


def test_a_venue_that_nobody_hears_is_told_and_so_is_its_return(evening: Evening) -> None:
    hook = evening.make(of="venue", by="ben")

    def listen() -> None:
        to_ms = round(evening.clock().timestamp() * 1000)
        with database.transaction(evening.engine) as session:
            session.execute(
                text(
                    "INSERT INTO coverage (placement_id, agent_id, from_ms, to_ms)"
                    " SELECT id, agent_id, CAST(:to_ms AS bigint) - 60000, :to_ms FROM placement"
                ),
                {"to_ms": to_ms},
            )

    listen()
    evening.collect()
    evening.later(dt.timedelta(minutes=4))
    evening.collect()
    assert evening.deliveries(hook) == []  # a Pi may just start anew
    evening.later(dt.timedelta(minutes=2))
    evening.collect()
    evening.collect()
    assert [delivery.happening for delivery in evening.deliveries(hook)] == ["venue_unheard"]
    evening.later(dt.timedelta(minutes=5))
    listen()
    evening.collect()
    evening.collect()
    assert [delivery.happening for delivery in evening.deliveries(hook)][:2] == ["venue_unheard", "venue_heard"]
    assert len([one for one in evening.deliveries(hook) if one.happening == "venue_heard"]) == 1


def test_a_group_s_bot_speaks_at_its_pace(evening: Evening) -> None:
    hook = evening.make(kind=Kind.WECOM)
    evening.come("Li Wei")
    evening.collect()
    evening.later(SECOND)
    evening.come("Kim")
    evening.come("Ada")
    evening.collect()
    assert len(evening.deliveries(hook, "check_in")) == 1
    assert ("webhooks.collect", evening.clock() + 14 * SECOND) in evening.queued()
    evening.later(14 * SECOND)
    evening.collect()
    assert [delivery.content["came"] for delivery in evening.deliveries(hook, "check_in")] == [1, 3]


def test_one_whose_maker_hosts_no_longer_ends(evening: Evening) -> None:
    hook = evening.make()
    with database.transaction(evening.engine) as session:
        session.execute(text("UPDATE event SET organizer_id = 'dora'"))
    evening.come("Li Wei")
    evening.collect()
    assert evening.deliveries(hook) == []
    assert evening.webhook(hook).ended_at is not None


def test_paused_ones_are_told_nothing_and_go_on_from_then(evening: Evening) -> None:
    hook = evening.make()
    with database.transaction(evening.engine) as session:
        service.pause_now(session, session.get_one(Webhook, hook), "no", evening.clock())
    evening.come("Missed")
    evening.collect()
    evening.later(SECOND)
    with database.transaction(evening.engine) as session:
        service.resume(session, webhook=session.get_one(Webhook, hook), now=evening.clock(), by="cleo")
    evening.come("Told")
    evening.collect()
    assert [delivery.content["came"] for delivery in evening.deliveries(hook)] == [2]
    assert len(evening.deliveries(hook)[0].content["check_ins"]) == 1


def test_what_is_long_sent_is_forgotten(evening: Evening) -> None:
    hook = evening.make()
    evening.come("Li Wei")
    evening.tell(hook)
    evening.later(collecting.KEPT + SECOND)
    tasks.forget(evening.work)
    assert evening.deliveries(hook) == []


def test_a_visit_that_a_venue_remembers_for_a_member_is_hers_alone(evening: Evening) -> None:
    hook = evening.make(of="venue", by="ben", names=True)
    evening.later(SECOND)
    with evening.engine.begin() as connection:
        connection.execute(text("INSERT INTO member (id, name) VALUES ('quiet', 'Quiet')"))
        connection.execute(
            text(
                "INSERT INTO checkin (member_id, venue_id, day, at, recorded_at, evidence, signed_up)"
                " VALUES ('quiet', 'cafe', '2026-03-13', :now, :now, 'poster', false)"
            ),
            {"now": evening.clock()},
        )
    evening.collect()
    assert evening.deliveries(hook, "check_in") == []
    evening.come("Li Wei")  # to the event there
    evening.collect()
    assert [len(delivery.content["check_ins"]) for delivery in evening.deliveries(hook, "check_in")] == [1]

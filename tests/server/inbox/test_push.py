"""Browsers are told by a real push service on loopback, which hands on what only they can open."""

import datetime as dt
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from py_vapid import Vapid02
from sqlalchemy import text
from sqlalchemy.orm import Session

from config import settings as config
from server import database
from server.inbox import browsers, deciding, push, tasks
from server.inbox.groups import Group
from server.inbox.model import ToldBrowser
from server.outward.addresses import AddressPrivate
from server.people import profile, sessions
from server.people import service as people
from tests.server.inbox.conftest import Phone, Told
from tests.server.places import HOUR, NOW, make_members

MINUTE = dt.timedelta(minutes=1)
KILLED = """
import os, signal, sys
import datetime as dt
from config import settings as config
from server import database
from server.inbox import push, tasks
from server.jobs.service import Work
from server.outward import post

real = post.post
def killed(*given, **named):
    if sys.argv[2] == "after":
        real(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)
post.post = killed
settings = config.load(environment={"MUSTER_DATABASE__DSN": sys.argv[1], "MUSTER_PUSH__ALLOW_PRIVATE": "true"})
now = dt.datetime.fromisoformat(sys.argv[3])
push.send_due(Work(database.connect(sys.argv[1], pool=2), settings, lambda: now))
"""


def states(told: Told, member_id: str = "dora") -> list[str]:
    return [one.state for one in told.deliveries(member_id, "push")]


def test_a_browser_is_told_in_its_member_s_language_and_nobody_between_reads_it(told: Told) -> None:
    phone, other = Phone(), Phone()
    told.subscribe("dora", phone)
    told.subscribe("ben", other, "2")
    with database.transaction(told.engine) as session:
        profile.change(session, "ben", language="zh")
    told.tell("dora", "ben", "cleo")
    told.do()
    came = {one.path: one for one in told.service.came}
    assert set(came) == {"/hook/1", "/hook/2"}
    found = phone.open(came["/hook/1"])
    assert (found["title"], found["body"]) == ("My gatherings", "Tea was called off: rain")
    assert found["link"] == "/events/tea"
    assert found["language"] == "en"
    assert other.open(came["/hook/2"])["language"] == "zh-CN"
    assert b"Tea" not in came["/hook/1"].body
    headers = came["/hook/1"].headers
    assert (headers["content-encoding"], headers["ttl"], headers["urgency"]) == ("aes128gcm", "43200", "high")
    assert Vapid02.verify(headers["authorization"].replace(", ", ","))
    assert told.said("dora")[1] == "On a browser of yours: sent Fri 13 March 2026, 19:00."
    told.do()
    assert len(told.service.came) == 2


def test_the_key_is_made_once_and_another_of_the_settings_is_taken(told: Told) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: _key(told), range(4)))
    assert len(set(made)) == 1
    own = Vapid02()
    own.generate_keys()
    settings = config.load(environment={"MUSTER_PUSH__KEY": own.private_pem().decode()})
    with database.transaction(told.engine) as session:
        assert browsers.public_key(browsers.key(session, settings.push, NOW)) == browsers.public_key(own)


def _key(told: Told) -> str:
    with database.transaction(told.engine) as session:
        return browsers.public_key(browsers.key(session, told.work.settings.push, NOW))


def test_who_wants_none_on_her_browsers_or_sleeps_is_not_rung(told: Told) -> None:
    told.subscribe("dora", Phone())
    told.wish("dora", Group.GATHERINGS, push=False)
    told.tell("dora")
    told.do()
    assert told.said("dora")[1] == "On a browser of yours: You want none of this on your browsers."
    told.wish("dora", Group.GATHERINGS, push=True)
    told.clock.now = NOW + 3 * HOUR
    told.tell("dora", nonce="night")
    told.do()
    assert (states(told), told.service.came) == (["suppressed", "waiting"], [])
    told.at(NOW + 12 * HOUR)
    assert (states(told), len(told.service.came)) == (["suppressed", "sent"], 1)


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_forgotten(told: Told, status: int) -> None:
    told.subscribe("dora", Phone())
    told.service.says(status)
    told.tell("dora")
    told.do()
    with database.transaction(told.engine) as session:
        assert browsers.list_of(session, member_id="dora") == []
    assert told.said("dora")[1] == "On a browser of yours: That browser is told no longer."
    told.tell("dora", nonce="2")
    told.do()
    assert len(told.service.came) == 1


def test_what_does_not_arrive_is_tried_again_later_and_later_until_it_is_no_news(told: Told) -> None:
    told.subscribe("dora", Phone())
    with database.transaction(told.engine) as session:
        session.execute(text("INSERT INTO telling_hours VALUES ('dora', '08:00', '08:00', '08:00')"))
    told.service.says(503)
    told.tell("dora")
    told.do()
    assert "tried again at Fri 13 March 2026, 20:01" in told.said("dora")[1].replace("19:01", "20:01")
    for wait_s in push.WAITS_S:
        due_at = told.deliveries("dora", "push")[0].due_at
        assert due_at == told.clock.now + dt.timedelta(seconds=wait_s)
        told.at(due_at - dt.timedelta(seconds=1))
        before = len(told.service.came)
        told.at(due_at)
        assert len(told.service.came) == before + 1
    told.at(NOW + 25 * HOUR)
    assert told.said("dora")[1] == "On a browser of yours: It was no news any more when its turn came."


def test_a_service_that_asks_to_wait_is_listened_to_and_takes_it_then(told: Told) -> None:
    phone = Phone()
    told.subscribe("dora", phone)
    told.service.says(429, Retry_After="600")
    told.tell("dora")
    told.do()
    told.tell("dora", nonce="2")
    told.at(NOW + 5 * MINUTE)
    assert len(told.service.came) == 1
    told.service.says(201)
    told.at(NOW + 10 * MINUTE)
    assert states(told) == ["sent", "sent"]
    assert all(phone.open(one)["body"] for one in told.service.came[1:])


def test_what_a_service_refuses_is_not_sent_again(told: Told) -> None:
    told.subscribe("dora", Phone())
    told.service.says(413)
    told.tell("dora")
    told.do()
    assert told.said("dora")[1].endswith("The answer was: 413")
    told.at(NOW + HOUR)
    assert len(told.service.came) == 1


@pytest.mark.parametrize(("when", "arrived"), [("before", 0), ("after", 1)])
def test_who_is_killed_while_sending_sends_nothing_twice_and_says_so(
    told: Told, committing_database: str, when: str, arrived: int
) -> None:
    told.subscribe("dora", Phone())
    told.tell("dora")
    tasks.look(told.work)
    command = [sys.executable, "-c", KILLED, committing_database, when, NOW.isoformat()]
    assert subprocess.run(command, env={"PATH": os.environ["PATH"]}, check=False).returncode == -signal.SIGKILL
    assert (states(told), len(told.service.came)) == (["trying"], arrived)
    told.at(NOW + MINUTE)
    assert states(told) == ["trying"]
    told.at(NOW + push.LOST_AFTER)
    told.at(NOW + HOUR)
    assert (states(told), len(told.service.came)) == (["failed"], arrived)
    assert told.said("dora")[1].endswith(deciding.LOST)
    told.tell("dora", nonce="2")
    told.do()
    assert states(told) == ["failed", "sent"]


def test_two_workers_at_once_ring_once(told: Told) -> None:
    told.subscribe("dora", Phone())
    for number in range(12):
        told.tell("dora", nonce=str(number))
    tasks.post(told.work)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(push.send_due, [told.work] * 3))
    assert len(told.service.came) == 12
    assert set(states(told)) == {"sent"}


def test_a_push_service_in_a_private_network_is_refused_when_told_and_when_sent_to(told: Told) -> None:
    told.subscribe("dora", Phone())
    with database.transaction(told.engine) as session, pytest.raises(AddressPrivate):
        browsers.take_in(
            session, member_id="dora", session_number=None, endpoint=told.service.url, public_key="", secret="",
            called="", language=None, allow_private=False, now=NOW,
        )  # fmt: skip
    settings = config.load(environment={"MUSTER_DATABASE__DSN": told.work.settings.database.dsn})
    told.work = type(told.work)(told.engine, settings, told.clock)
    told.tell("dora")
    told.do()
    assert (told.service.came, states(told)) == ([], ["waiting"])


def test_a_redirect_is_followed_by_nobody(told: Told) -> None:
    told.subscribe("dora", Phone())
    told.service.says(302, Location=f"{told.service.url}/other")
    told.tell("dora")
    told.do()
    assert [one.path for one in told.service.came] == ["/hook/1"]


def test_a_browser_that_another_signs_in_with_is_hers_alone(told: Told) -> None:
    first = told.subscribe("dora", Phone())
    told.tell("dora")
    tasks.post(told.work)
    assert told.subscribe("ben", Phone()) != first
    push.send_due(told.work)
    assert told.service.came == []
    assert states(told) == ["suppressed"]


def test_signing_out_ends_what_a_browser_is_told(session: Session) -> None:
    make_members(session)
    token = people.sign_in(session, member_id="dora", now=NOW)
    keys = Phone().keys()
    browsers.take_in(
        session, member_id="dora", session_number=sessions.number_of(session, token=token),
        endpoint="https://push.example.org/1", public_key=keys["p256dh"], secret=keys["auth"], called="Firefox",
        language="en", allow_private=False, now=NOW,
    )  # fmt: skip
    assert session.query(ToldBrowser).count() == 1
    people.sign_out(session, token=token)
    session.expire_all()
    assert session.query(ToldBrowser).count() == 0


def test_there_are_no_more_browsers_than_ten_and_no_keys_that_are_none(told: Told) -> None:
    for number in range(browsers.MOST_BROWSERS):
        told.subscribe("dora", Phone(), str(number))
    told.subscribe("dora", Phone(), "3")
    with pytest.raises(browsers.TooManyBrowsers):
        told.subscribe("dora", Phone(), "one-more")
    good = Phone().keys()
    for wrong in ({"p256dh": "AAAA"}, {"auth": "AAAA"}, {"p256dh": "B" + "A" * 86}, {"auth": "!" * 22}):
        with database.transaction(told.engine) as session, pytest.raises(browsers.BrowserKeysWrong):
            browsers.take_in(
                session, member_id="ben", session_number=None, endpoint="https://push.example.org/1",
                public_key={**good, **wrong}["p256dh"], secret={**good, **wrong}["auth"], called="", language=None,
                allow_private=False, now=NOW,
            )  # fmt: skip

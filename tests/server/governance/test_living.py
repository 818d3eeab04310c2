"""What the clock does to communities: told once, kept, dissolved, woken; names go; each once, whoever looks."""

import dataclasses
import datetime as dt
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from config import settings as config
from server import database
from server.communities import service as communities
from server.communities.model import Community, CommunityMember
from server.governance import ending, living, tasks, votes
from server.governance.model import CommunityChange, Vote
from server.governance.rules import Kind
from server.inbox.model import Notification
from server.jobs.service import Work
from server.people import service as people
from tests.server.conftest import As, Clock
from tests.server.governance import circle
from tests.server.governance.circle import DAY
from tests.server.places import HOUR, NOW, make_cafe, make_members

LIFE = config.load(environment={}).life
LAST = NOW - 7 * DAY + HOUR  # the end of the walk
PATH = "/api/communities/walkers"


@pytest.fixture
def walkers(as_: As, session: Session) -> As:
    circle.make_circle(session)
    return as_


def settle(session: Session, now: dt.datetime) -> str:
    return living.settle(session, communities.get(session, "walkers"), LIFE, now).value


def told(session: Session, kind: str) -> list[str]:
    wanted = select(Notification.member_id).where(Notification.kind == kind).order_by(Notification.member_id)
    return list(session.scalars(wanted))


@pytest.mark.usefixtures("walkers")
def test_its_members_are_told_once_and_two_weeks_later_it_dissolves(session: Session) -> None:
    everybody = sorted(["ben", "dora", *circle.CAME])
    assert settle(session, LAST + 350 * DAY) == "asleep"
    assert told(session, "community_silent") == []
    for _ in range(2):
        assert settle(session, LAST + 352 * DAY) == "asleep"
    assert told(session, "community_silent") == everybody
    assert settle(session, LAST + 365 * DAY) == "asleep", "a day too late told, a day later gone"
    assert settle(session, LAST + 366 * DAY) == "dissolved"
    assert told(session, "community_dissolved") == everybody


def test_whoever_reads_it_first_does_what_is_due(walkers: As, clock: Clock) -> None:
    clock.now = LAST + 352 * DAY
    read = walkers("dora").get(PATH).json()
    assert (read["state"], read["dissolves_at"]) == ("asleep", "2027-03-07T20:00:00Z")
    clock.now = LAST + 366 * DAY
    assert walkers("cleo").get(PATH).json()["state"] == "dissolved"


def test_one_tap_of_a_member_keeps_it(walkers: As, clock: Clock, session: Session) -> None:
    clock.now = LAST + 352 * DAY
    assert walkers("cleo").put(f"{PATH}/keep").json()["code"] == "not_a_member"
    walkers("dora").get(PATH)
    assert walkers("dora").put(f"{PATH}/keep").status_code == 204
    assert walkers("dora").get(PATH).json()["dissolves_at"] is None
    assert settle(session, LAST + 400 * DAY) == "asleep"
    clock.now = LAST + 1000 * DAY
    settle(session, clock.now)
    settle(session, clock.now + 14 * DAY)
    assert walkers("dora").put(f"{PATH}/keep").json()["code"] == "community_dissolved"


def test_a_gathering_wakes_it_and_it_rises_from_the_end_of_the_list(
    walkers: As, clock: Clock, session: Session
) -> None:
    communities.create(session, id="zebras", name="Zebras")
    session.execute(text("UPDATE community SET created_at = :at WHERE id = 'zebras'"), {"at": LAST + 100 * DAY})
    clock.now = LAST + 200 * DAY
    assert [one["id"] for one in walkers("dora").get("/api/communities").json()] == ["zebras", "walkers"]
    assert walkers("dora").get(PATH).json()["state"] == "asleep"
    circle.gather(session, "spring", clock.now + 5 * DAY)
    assert walkers("dora").get(PATH).json()["state"] == "lively"
    pages = walkers("dora").get("/api/communities?limit=1")
    assert [one["id"] for one in pages.json()] == ["walkers"]
    assert [one["id"] for one in walkers("dora").get(pages.links["next"]["url"]).json()] == ["zebras"]


def test_lists_are_mine_or_the_others(walkers: As, session: Session) -> None:
    communities.create(session, id="zebras", name="Zebras")
    dora = walkers("dora")
    assert [one["id"] for one in dora.get("/api/communities?mine=true").json()] == ["walkers"]
    assert [one["id"] for one in dora.get("/api/communities?mine=false").json()] == ["zebras"]


def test_what_was_stays_for_members_ninety_days_then_names_go(walkers: As, clock: Clock, session: Session) -> None:
    walkers("m1").patch(PATH, json={"goal": "Walk"})
    ending.dissolve(session, communities.get(session, "walkers", to_edit=True), now=NOW)
    assert ending.forget_names(session, names_days=LIFE.names_days, now=NOW + 89 * DAY) == 0
    clock.now = NOW + 89 * DAY
    assert walkers("m2").get(f"{PATH}/changes").json()[0]["became"] == "Walk"
    assert ending.forget_names(session, names_days=LIFE.names_days, now=NOW + 90 * DAY) == 1
    assert ending.forget_names(session, names_days=LIFE.names_days, now=NOW + 90 * DAY) == 0
    assert session.query(CommunityMember).count() == 0
    assert [change.by for change in session.query(CommunityChange)] == [None]
    assert walkers("m2").get(f"{PATH}/changes").json()["code"] == "for_members"
    assert walkers("ben").get(f"{PATH}/hosts").json()["code"] == "not_your_community"


def test_the_circles_of_a_house_go_on_without_it(as_: As, session: Session) -> None:
    circle.make_circle(session, shape="house")
    under = as_("m1").post("/api/communities", json={"name": "Readers", "under": "walkers"}).json()
    as_("ben").post(f"{PATH}/dissolve")
    left = as_("m1").get(f"/api/communities/{under['id']}").json()
    assert (left["under"], left["state"], left["members"]) == (None, "lively", 1)


def test_who_is_asked_to_vote_hears_of_it_once_and_how_it_went(walkers: As, clock: Clock, session: Session) -> None:
    remove = {"kind": "remove", "member": "m9", "called": "Nine"}
    vote = walkers("m1").post(f"{PATH}/votes", json=remove).json()
    assert told(session, "vote_opened") == list(circle.CAME)
    her = walkers("m9").get("/api/me/notifications").json()[0]
    assert her["sentence"].startswith("Walkers votes on whether you are to be removed")
    assert her["link"] == f"/communities/walkers/votes#vote-{vote['id']}"
    clock.now = NOW + dt.timedelta(hours=72)
    for _ in range(2):
        walkers("m1").get(f"{PATH}/votes")
    went = walkers("m1").get("/api/me/notifications").json()[0]["sentence"]
    assert went == "Shall Nine be removed from Walkers? 0 of 9 voted; 3 were needed. So all stays as it is."
    assert told(session, "vote_decided") == list(circle.CAME)


@pytest.fixture
def work(committing_database: str, clock: Clock) -> Iterator[Work]:
    """The worker's own database, with the circle in it."""
    engine = database.connect(committing_database)
    with database.transaction(engine) as session:
        make_members(session)
        make_cafe(session)
        circle.make_circle(session)
    yield Work(engine, config.load(environment={"MUSTER_DATABASE__DSN": committing_database}), clock)
    engine.dispose()


def _open(engine: Engine, kind: Kind, **whom: str) -> int:
    with database.transaction(engine) as session:
        m1 = people.get(session, "m1")
        return votes.open_vote(session, viewer=m1, community_id="walkers", kind=kind, now=NOW, **whom).id


def _cast(engine: Engine, vote_id: int, *members: str) -> None:
    with database.transaction(engine) as session:
        for member_id in members:
            votes.cast(
                session,
                viewer=people.get(session, member_id),
                community_id="walkers",
                vote_id=vote_id,
                yes=True,
                now=NOW,
            )


def test_the_clock_decides_what_is_due_and_once(work: Work, clock: Clock) -> None:
    vote_id = _open(work.engine, Kind.REMOVE, member_id="m9", called="Nine")
    _cast(work.engine, vote_id, "m1", "m2", "m3")
    clock.now = NOW + dt.timedelta(hours=71)
    tasks.decide(work)
    with database.transaction(work.engine) as session:
        assert session.get_one(Vote, vote_id).outcome is None
    for hours in (72, 80):
        clock.now = NOW + dt.timedelta(hours=hours)
        tasks.decide(work)
    with database.transaction(work.engine) as session:
        vote = session.get_one(Vote, vote_id)
        assert (vote.outcome, vote.decided_at) == ("passed", NOW + dt.timedelta(hours=72))
        assert not communities.belongs(session, community_id="walkers", member_id="m9")


def test_many_who_look_at_once_decide_it_once(work: Work) -> None:
    vote_id = _open(work.engine, Kind.DISSOLVE)
    _cast(work.engine, vote_id, "m1", "m2", "m3")
    start = threading.Barrier(4)
    outcomes: list[str | None] = []

    def look(seconds: int) -> None:
        start.wait()
        with database.transaction(work.engine) as session:
            now = NOW + dt.timedelta(hours=72, seconds=seconds)
            outcomes.append(votes.get(session, community_id="walkers", vote_id=vote_id, now=now).outcome)

    lookers = [threading.Thread(target=look, args=(number,)) for number in range(4)]
    for looker in lookers:
        looker.start()
    for looker in lookers:
        looker.join()
    assert outcomes == ["passed"] * 4
    with database.transaction(work.engine) as session:
        noted = session.execute(text("SELECT count(*) FROM audit WHERE action = 'community.dissolved'")).scalar_one()
        assert noted == 1
        assert len(told(session, "community_dissolved")) == 11


def test_two_who_open_the_same_at_once_open_one(work: Work) -> None:
    start = threading.Barrier(2)
    outcomes: list[str] = []

    def ask() -> None:
        start.wait()
        try:
            _open(work.engine, Kind.DISSOLVE)
            outcomes.append("opened")
        except votes.VoteOpen:
            outcomes.append("open already")

    askers = [threading.Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert sorted(outcomes) == ["open already", "opened"]


def test_the_clock_tells_of_silence_dissolves_and_lets_names_go(work: Work, clock: Clock) -> None:
    kept = dataclasses.replace(work.settings.life, dissolve_days=365)
    assert kept == LIFE
    for day, dissolved, members in (
        (352, False, 11),
        (365, False, 11),
        (366, True, 11),
        (455, True, 11),
        (456, True, 0),
    ):
        clock.now = LAST + day * DAY
        tasks.live(work)
        with database.transaction(work.engine) as session:
            community = session.get_one(Community, "walkers")
            assert (community.dissolved_at is not None, session.query(CommunityMember).count()) == (dissolved, members)


def test_what_everybody_left_dissolves(work: Work, clock: Clock) -> None:
    with database.transaction(work.engine) as session:
        for member_id in ("ben", "dora", *circle.CAME):
            communities.leave(session, community_id="walkers", member_id=member_id, now=NOW)
    tasks.live(work)
    with database.transaction(work.engine) as session:
        assert session.get_one(Community, "walkers").dissolved_at == clock.now

"""Being erased: what goes, what stays a number, what has to be handed over first."""

import datetime as dt
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from config import settings
from server import database
from server.audit import service as audit
from server.badges import service as badges
from server.consent.model import Consent
from server.database import Base
from server.erasure import personal, tasks
from server.erasure import service as erasure
from server.erasure.model import Erasure
from server.events import service as events
from server.events import signups
from server.jobs.service import Work
from server.live import gatherings
from server.live.rights import Audience
from server.people import roles
from server.people import service as people
from server.people.model import Member
from server.presence import trace
from tests.server.conftest import As
from tests.server.places import HOUR, NOW, make_badge
from tests.server.presence import scene

DAY = dt.timedelta(days=1)
SLOTS = trace.BLOCK_MS // scene.SLOT_MS


def before(seconds: float) -> int:
    return scene.at(seconds, NOW)


def placement(session: Session) -> int:
    return int(session.execute(text("SELECT id FROM placement WHERE agent_id = 'cafe-door'")).scalar_one())


def hear(session: Session, badge_id: int, low: float, high: float) -> None:
    """Spans, a visit, its stay and the trace of a badge in the front of the cafe, seconds before NOW."""
    scene.span(session, badge_id, placement(session), before(low), before(high))
    scene.visit(session, badge_id, "cafe", "cafe-front", before(low), before(high))
    session.execute(text("UPDATE visit SET reach_ms = to_ms - to_ms % 300000 + 300000"))


@pytest.fixture
def badge(as_: As, session: Session) -> int:
    """Dora held this badge for an hour, came to Cleo's party, and was there before; and is known in many ways."""
    del as_  # makes the members and the cafe
    made = make_badge(session)
    badges.pair(session, badge_id=made, member_id="dora", since=NOW - HOUR)
    hear(session, made, 900, 3)
    scene.heard_in_slots(session, placement(session), made, [before(900 - 5 * place) for place in range(100)])
    steps = [
        events.NewStep(name="Doors", venue_id="cafe", starts_at=NOW, ends_at=NOW + 2 * HOUR),
        events.NewStep(name="Talk", venue_id="cafe", starts_at=NOW, ends_at=NOW + 2 * HOUR),
    ]
    events.create(session, id="party", name="Party", organizer_id="cleo", steps=steps)
    signups.sign_up(session, event_id="party", member_id="dora", now=NOW - HOUR)
    for step in ("party-1", "party-2"):
        scene.arrive(session, "dora", NOW, step, badge_id=made)
    scene.arrive(session, "ben", NOW)
    session.add(Consent(member_id="dora", kind="venue", level="hidden", since=NOW, source="api"))
    people.make_link(session, member_id="dora", now=NOW)
    session.flush()
    return made


def erase(session: Session, member_id: str = "dora", now: dt.datetime = NOW) -> erasure.Receipt:
    return erasure.erase(session, member_id=member_id, now=now)


def rows_naming(session: Session, member_id: str) -> list[str]:
    """Every text of every table that holds her id, as a person with the database in hand would look for it."""
    found = []
    for table in Base.metadata.sorted_tables:
        for row in session.execute(table.select()).all():
            found += [table.name for value in row if member_id in str(value)]
    return found


def test_nothing_names_her_any_more_and_the_receipt_says_what_went(session: Session, badge: int) -> None:
    assert rows_naming(session, "dora") != []
    receipt = erase(session)
    session.expire_all()
    assert rows_naming(session, "dora") == []
    assert receipt.counts == {"member": 1, "sign_up": 1, "consent": 1, "pairing": 1, "sign_in_link": 1, "topic": 1}
    assert receipt.stays == {"check-ins": 2, "visits": 1, "events": 0}
    kept = session.get(Erasure, receipt.number)
    assert kept is not None
    assert kept.at == NOW
    assert badges.holder_of(session, badge_id=badge, at=NOW) is None


def test_neither_her_address_nor_what_was_noted_of_her_tells_that_she_was_here(as_: As, session: Session) -> None:
    as_(None)
    people.set_address(session, people.get(session, "dora"), "dora@example.org")
    as_(None).post("/api/sign-in/codes", json={"email": "Dora@example.org"})
    assert as_("dora").post("/api/me/email", json={"email": "dora.l@example.org"}).status_code == 202
    roles.give(session, member_id="dora", kind="venue", of_id="cafe", called="Dora L.", by="ben", now=NOW)
    as_("ana").post("/api/members/dora/sign-in-link")
    for part in ("dora", "Dora L."):
        assert rows_naming(session, part) != []
    noted = [(note.action, note.details) for note in audit.read(session, of="venue/cafe")]
    assert noted == [("role.given", {"member": "dora"})]
    receipt = erase(session)
    session.expire_all()
    assert (receipt.counts["letter"], receipt.counts["proof"], receipt.counts["proof by for"]) == (2, 1, 1)
    for part in ("dora", "Dora L."):
        assert rows_naming(session, part) == []
    assert [(note.action, note.details) for note in audit.read(session, of="venue/cafe")] == [("role.given", {})]


def test_her_check_ins_stay_and_count_her_once(as_: As, session: Session, badge: int) -> None:
    del badge
    known = as_("cleo").get("/api/events/party/check-ins").json()
    erase(session)
    rows = as_("cleo").get("/api/events/party/check-ins").json()
    assert len(rows) == len(known) == 3
    assert "Lindqvist" in str(known)
    assert "Lindqvist" not in str(rows)
    assert {(row["member"], row["badge"]) for row in rows if row["name"] is None} == {(None, None)}
    strangers = session.execute(text("SELECT stranger FROM checkin WHERE member_id IS NULL")).scalars().all()
    assert len(set(strangers)) == 1
    figures = gatherings.draw(gatherings.load(session, event_id="party"), before(0), Audience.ORGANIZER, {})["figures"]
    assert (figures["arrived"], figures["signed_up"]) == (2, 0)


def test_her_visits_become_a_fresh_badges_with_spans_stays_and_trace(as_: As, session: Session, badge: int) -> None:
    told = as_("ben").get("/api/venues/cafe/visits").json()
    assert told == []  # she was hidden from the shop
    erase(session)
    (row,) = session.execute(text("SELECT badge_id, from_ms, to_ms FROM visit")).all()
    assert (row.from_ms, row.to_ms) == (before(900), before(3))
    assert row.badge_id != badge
    assert session.execute(text("SELECT DISTINCT badge_id FROM span")).scalars().all() == [row.badge_id]
    assert session.execute(text("SELECT badge_id, zone_id FROM stay")).all() == [(row.badge_id, "cafe-front")]
    for peaks in session.execute(text("SELECT peaks FROM trace")).scalars():
        assert set(trace.unpack(bytes(peaks), SLOTS)) == {row.badge_id}
    assert badges.identities_of(session, badge_id=row.badge_id) == []


def test_each_venue_and_day_is_another_stranger(session: Session, badge: int) -> None:
    session.execute(text("UPDATE pairing SET valid = tstzrange(NULL, NULL)"))
    hear(session, badge, 3 * 86_400, 3 * 86_400 - 60)
    hear(session, badge, 3 * 86_400 - 3600, 3 * 86_400 - 3660)
    erase(session)
    found = session.execute(text("SELECT badge_id, from_ms FROM visit ORDER BY from_ms")).all()
    assert len({row.badge_id for row in found}) == 2
    assert found[0].badge_id == found[1].badge_id != found[2].badge_id


def test_what_others_did_with_the_badge_stays_the_badges_and_a_visit_is_cut_where_it_changed_hands(
    session: Session, badge: int
) -> None:
    handed = NOW - dt.timedelta(seconds=400)
    badges.give_back(session, badge_id=badge, at=handed)
    badges.pair(session, badge_id=badge, member_id="ben", since=handed)
    erase(session)
    found = {row.badge_id: (row.from_ms, row.to_ms) for row in session.execute(text("SELECT * FROM visit"))}
    fresh = next(badge_id for badge_id in found if badge_id != badge)
    assert found == {fresh: (before(900), before(400) - 1), badge: (before(400), before(3))}
    spans = {row.badge_id: (row.from_ms, row.to_ms) for row in session.execute(text("SELECT * FROM span"))}
    assert spans == found
    assert {row[0] for row in session.execute(text("SELECT badge_id FROM stay"))} == {fresh, badge}
    assert badges.holder_of(session, badge_id=badge, at=NOW) == "ben"


def test_a_visit_around_her_holding_goes_on_as_one(session: Session, badge: int) -> None:
    """Somebody had it before and after: within the join gap that is one visit, as its spans say."""
    session.execute(
        text("UPDATE pairing SET valid = tstzrange(:low, :high)"),
        {"low": NOW - dt.timedelta(seconds=500), "high": NOW - dt.timedelta(seconds=400)},
    )
    erase(session)
    found = {row.badge_id: (row.from_ms, row.to_ms) for row in session.execute(text("SELECT * FROM visit"))}
    assert found.pop(badge) == (before(900), before(3))
    assert list(found.values()) == [(before(500), before(400) - 1)]


def test_who_is_gone_is_gone(session: Session, badge: int) -> None:
    del badge
    erase(session)
    with pytest.raises(erasure.AlreadyErased):
        erase(session)


def test_a_venue_has_to_be_handed_over_first_and_an_event_while_somebody_relies_on_it(
    session: Session, badge: int
) -> None:
    del badge
    with pytest.raises(erasure.HandOverFirst, match="Café Lumen"):
        erase(session, "ben")
    for now in (NOW, NOW + 2 * HOUR + DAY - dt.timedelta(seconds=1)):
        with pytest.raises(erasure.HandOverFirst, match="Party"):
            erase(session, "cleo", now)
    receipt = erase(session, "cleo", NOW + 2 * HOUR + DAY)
    assert receipt.stays["events"] == 1
    assert events.get(session, "party").organizer_id == erasure.LEFT_ID
    assert rows_naming(session, "cleo") == []


def test_an_event_is_handed_over_by_its_organizer(as_: As, badge: int) -> None:
    del badge
    path = "/api/events/party/hand-over"
    assert as_(None).post(path, json={"to": "ben"}).json()["code"] == "sign_in_needed"
    assert as_("dora").post(path, json={"to": "ben"}).json()["code"] == "not_your_event"
    assert as_("cleo").post(path, json={"to": "nobody"}).json()["code"] == "member_unknown"
    assert as_("cleo").post(path, json={"to": "ben"}).status_code == 204
    assert as_("ben").get("/api/events/party/check-ins").status_code == 200
    assert as_("cleo").get("/api/events/party/check-ins").status_code == 403


@pytest.mark.usefixtures("badge")
def test_the_last_operator_stays(session: Session) -> None:
    with pytest.raises(erasure.LastOperator):
        erase(session, "ana")
    session.get_one(Member, "dora").operator = True
    session.flush()
    erase(session, "ana")
    with pytest.raises(erasure.LastOperator):
        erase(session, "dora")


def test_erasing_over_http_is_typed_shown_once_and_signs_out(as_: As, session: Session, badge: int) -> None:
    del badge
    assert as_(None).request("DELETE", "/api/me", json={"name": "x"}).json()["code"] == "sign_in_needed"
    dora = as_("dora")
    assert dora.request("DELETE", "/api/me", json={"name": "Dora"}).json()["code"] == "name_differs"
    answer = dora.request("DELETE", "/api/me", json={"name": " dora  LINDQVIST "})
    assert answer.status_code == 200, answer.text
    assert answer.json()["erased"]["session"] == 1
    assert "muster_session=" in answer.headers["set-cookie"]
    assert "Dora" not in answer.text
    assert dora.get("/api/me").json()["code"] == "sign_in_needed"
    assert session.get(Erasure, answer.json()["number"]) is not None


def test_every_column_that_may_name_a_member_is_known(session: Session) -> None:
    """A new table with a member in it is exported and erased by itself; one that hides her in a text is found here."""
    known = {(place.table.name, place.column.name) for place in personal.places()}
    words = ("member", "owner", "organizer", "actor", "holder", "person", "made_by", "given_by")
    suspects = {
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if (any(f"_{word}" in f"_{column.name}" for word in words) or column.name == "by")
        and column.type.python_type is str
    }
    assert suspects <= known
    del session


# -- for real: transactions that commit


@pytest.fixture
def engine_of_its_own(fresh_database: str) -> Engine:
    return database.connect(fresh_database, pool=4)


def test_two_at_once_erase_once(engine_of_its_own: Engine) -> None:
    engine = engine_of_its_own
    with database.transaction(engine) as session:
        scene.member(session, "dora")
        scene.badge(session, held_by="dora")
    told: list[object] = []

    def act() -> None:
        try:
            with database.transaction(engine) as session:
                told.append(erasure.erase(session, member_id="dora", now=NOW).number)
        except erasure.AlreadyErased as error:
            told.append(error.code)

    _together([act, act])
    assert len([one for one in told if one == "already_erased"]) == 1
    with database.transaction(engine) as session:
        assert session.query(Erasure).count() == 1
    engine.dispose()


def test_of_the_last_two_operators_one_stays(engine_of_its_own: Engine) -> None:
    engine = engine_of_its_own
    with database.transaction(engine) as session:
        for name in ("ana", "ben"):
            scene.member(session, name, operator=True)
    told: list[str] = []

    def act(name: str) -> None:
        try:
            with database.transaction(engine) as session:
                erasure.erase(session, member_id=name, now=NOW)
            told.append("erased")
        except erasure.LastOperator as error:
            told.append(error.code)

    _together([lambda: act("ana"), lambda: act("ben")])
    assert sorted(told) == ["erased", "last_operator"]
    engine.dispose()


def test_guests_are_forgotten_a_month_after_their_last_event(fresh_database: str) -> None:
    engine = database.connect(fresh_database, pool=2)
    with database.transaction(engine) as session:
        scene.member(session, "olga")
        scene.venue(session, "cafe")
        scene.event(session, "party", scene.NOW)
        for name in ("came", "greeted", "claimed", "fresh", "listed"):
            scene.member(session, name).guest = True
        scene.member(session, "account")
        scene.arrive(session, "came", scene.NOW)
        signups.sign_up(session, event_id="party", member_id="listed", now=scene.NOW - DAY)
        session.execute(text("UPDATE member SET created_at = :at WHERE id <> 'fresh'"), {"at": scene.NOW - DAY})
        session.execute(text("UPDATE member SET created_at = :at WHERE id = 'fresh'"), {"at": scene.NOW + 20 * DAY})
        people.set_address(session, people.get(session, "claimed"), "c@example.org")
        people.get(session, "listed").email = "l@example.org"  # a list said so; she never proved it
        consent = Consent(
            member_id="greeted", kind="venue", of_id="cafe", level="name", since=scene.NOW, source="counter"
        )
        consent.until = scene.NOW + 90 * DAY
        session.add(consent)
    loaded = settings.load(environment={"MUSTER_DATABASE__DSN": fresh_database})
    end = scene.NOW + 2 * HOUR + 30 * DAY
    for now, left in (
        (end - dt.timedelta(seconds=1), {"came", "greeted", "claimed", "fresh", "listed", "account", "olga"}),
        (end, {"greeted", "claimed", "fresh", "account", "olga"}),
        (scene.NOW + 90 * DAY, {"claimed", "account", "olga"}),
    ):
        tasks.forget_guests(Work(engine, loaded, lambda now=now: now))  # type: ignore[misc]
        with database.transaction(engine) as session:
            assert {member.id for member in people.list_all(session)} == left
            assert session.execute(text("SELECT count(*) FROM checkin")).scalar() == 1
    engine.dispose()


def _together(acts: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

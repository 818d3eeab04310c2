"""Logins of phones, and what they say taken together."""

import datetime as dt
import random

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from config import settings as config
from geo import cells
from server.checkins import service as checkins
from server.consent import service as consent
from server.errors import Invalid
from server.people import service as people
from server.phones import beacons, hearing, owntracks
from server.phones import service as phones
from server.phones.service import Told
from server.positions import service as positions
from tests.server.phones import scene
from tests.server.phones.scene import MINUTE
from tests.server.places import CAFE, HOUR, NOW, make_badge, make_cafe, make_members

SETTINGS = config.load(environment={})


@pytest.fixture(autouse=True)
def _world(session: Session) -> None:
    make_members(session)
    make_cafe(session)


def tell(session: Session, *messages: dict[str, object], now: dt.datetime = NOW) -> dict[str, int]:
    (phone, *_) = phones.list_of(session, member_id="dora")
    told = [
        Told(phone.number, "dora", phone.device, owntracks.read(scene.body(one), has_topic=True)) for one in messages
    ]
    counts = phones.take_told(session, told, now=now, settings=SETTINGS)
    session.expire_all()
    return dict(counts)


def test_a_login_opens_with_its_own_password_alone(session: Session) -> None:
    phone, password = scene.make_phone(session)
    other, others = scene.make_phone(session, "ben")
    login = phones.login_of(phone)
    assert login == "dora/pixel"
    assert phones.sign_in(session, login=login, password=password).number == phone.number
    assert password.encode() not in phone.password_hash
    for wrong in ((login, others), (login, ""), (phones.login_of(other), password), ("dora", password), ("", "")):
        with pytest.raises(phones.PhoneUnknown):
            phones.sign_in(session, login=wrong[0], password=wrong[1])
    phones.remove(session, member_id="dora", number=phone.number)
    with pytest.raises(phones.PhoneUnknown):
        phones.sign_in(session, login=login, password=password)


def test_two_phones_of_one_name_have_two_logins_and_there_is_an_end(session: Session) -> None:
    devices = [scene.make_phone(session)[0].device for _ in range(phones.MOST_PHONES)]
    assert devices[:3] == ["pixel", "pixel-2", "pixel-3"]
    with pytest.raises(phones.TooManyPhones):
        scene.make_phone(session)
    with pytest.raises(phones.PhoneGone):
        phones.remove(session, member_id="ben", number=phones.list_of(session, member_id="dora")[0].number)


def test_a_phone_that_goes_takes_where_it_was_along(session: Session) -> None:
    first, _ = scene.make_phone(session)
    tell(session, scene.location())
    scene.make_phone(session)
    tell(session, scene.location())
    phones.remove(session, member_id="dora", number=first.number)
    assert [device for _, device in positions.list_of(session, member_id="dora", now=NOW)] == ["pixel-2"]


def test_the_newest_place_stays_however_the_messages_come(session: Session) -> None:
    scene.make_phone(session)
    said = [scene.location(NOW - MINUTE * number, east=number / 50) for number in range(30)]
    random.Random(6).shuffle(said)
    assert tell(session, *said)["location"] == 30
    tell(session, *said[:7])
    ((found, _),) = positions.list_of(session, member_id="dora", now=NOW)
    assert (found.at, found.cell) == (NOW, cells.of(CAFE, cells.NEAR))


def test_what_was_wrong_is_told_until_something_right_comes(session: Session) -> None:
    scene.make_phone(session)
    assert tell(session, {"_type": "encrypted", "data": "x"}) == {"encrypted": 1}
    (phone,) = phones.list_of(session, member_id="dora")
    assert (phone.trouble, phone.trouble_at, phone.heard_at) == ("encrypted", NOW, NOW)
    assert tell(session, {"_type": "lwt", "tst": 1}, {"_type": "new"}, now=NOW + MINUTE) == {
        "passed_over": 1,
        "unknown": 1,
    }
    (phone,) = phones.list_of(session, member_id="dora")
    assert (phone.trouble, phone.trouble_at, phone.heard_at) == (None, None, NOW + MINUTE)


def test_a_paused_member_s_phone_tells_nothing(session: Session) -> None:
    scene.make_phone(session)
    scene.let_use(session)
    scene.make_beacon(session)
    scene.make_night(session)
    consent.pause(session, member_id="dora", now=NOW)
    counts = tell(session, scene.location(), scene.transition("enter"))
    assert counts["beacon_unused"] == 1
    assert (scene.check_ins(session), session.scalar(text("SELECT count(*) FROM position"))) == ([], 0)
    consent.resume(session, member_id="dora", now=NOW)
    tell(session, scene.location(), scene.transition("enter"))
    assert len(scene.check_ins(session)) == session.scalar(text("SELECT count(*) FROM position")) == 1


def test_who_signed_up_is_checked_in_by_the_beacon_once(session: Session) -> None:
    scene.make_phone(session)
    scene.make_beacon(session)
    scene.make_night(session)
    enter = scene.transition("enter", NOW - 5 * MINUTE)
    assert tell(session, enter) == {"beacon": 1, "beacon_unused": 1}
    scene.let_use(session)
    assert tell(session, enter, enter)["heard_in"] == 1
    assert "heard_in" not in tell(session, enter)
    assert scene.check_ins(session) == [("night-1", NOW - 5 * MINUTE, "heard")]


def test_later_words_never_move_a_check_in_and_earlier_ones_do(session: Session) -> None:
    scene.make_phone(session)
    scene.let_use(session)
    scene.make_beacon(session)
    scene.make_night(session)
    tell(session, scene.transition("enter", NOW - 5 * MINUTE))
    tell(session, scene.transition("leave", NOW - 2 * MINUTE))
    tell(session, scene.transition("enter", NOW - MINUTE))
    assert [at for _, at, _ in scene.check_ins(session)] == [NOW - 5 * MINUTE]


def test_what_was_taken_back_stays_so(session: Session) -> None:
    scene.make_phone(session)
    scene.let_use(session)
    scene.make_beacon(session)
    scene.make_night(session)
    enter = scene.transition("enter", NOW - 5 * MINUTE)
    tell(session, enter)
    number = session.execute(text("SELECT id FROM checkin")).scalar_one()
    checkins.undo(session, checkin_id=number, by="cleo", now=NOW)
    tell(session, enter)
    tell(session, scene.location(NOW + MINUTE, inregions=[enter["desc"]]), now=NOW + MINUTE)
    assert scene.check_ins(session) == []


def test_who_did_not_sign_up_has_to_stay(session: Session) -> None:
    scene.make_phone(session)
    scene.let_use(session)
    scene.make_beacon(session)
    scene.make_night(session, going=None, dwell_walk_in_s=600)
    enter = scene.transition("enter", NOW - 30 * MINUTE)
    tell(session, enter)
    assert scene.check_ins(session) == []
    tell(session, scene.location(NOW - 5 * MINUTE, inregions=["home", enter["desc"]]))
    assert scene.check_ins(session) == [("night-1", NOW - 20 * MINUTE, "heard")]


def test_where_the_host_decides_nobody_walks_in_by_a_beacon(session: Session) -> None:
    scene.make_phone(session)
    scene.let_use(session)
    scene.make_beacon(session)
    scene.make_night(session, going=None, dwell_walk_in_s=60)
    session.execute(text("UPDATE event SET approval = true"))
    tell(session, scene.transition("enter", NOW - 30 * MINUTE), scene.transition("leave", NOW))
    assert (scene.check_ins(session), session.scalar(text("SELECT count(*) FROM ask"))) == ([], 0)


def test_a_venue_that_remembers_her_visits_counts_the_day(session: Session) -> None:
    scene.make_phone(session)
    scene.let_use(session)
    scene.make_beacon(session)
    checkins.remember(session, member_id="dora", venue_id="cafe", now=NOW - HOUR)
    tell(session, scene.transition("enter", NOW - 5 * MINUTE), scene.transition("leave", NOW))
    assert scene.check_ins(session) == [("cafe", NOW - 5 * MINUTE + dt.timedelta(seconds=90), "heard")]


def test_a_region_that_we_gave_is_known_by_its_mark(session: Session) -> None:
    scene.make_phone(session)
    scene.let_use(session)
    number = scene.make_beacon(session)
    scene.make_night(session)
    ((region),) = beacons.regions(session, member_id="dora", now=NOW)
    assert (region["tst"], region["uuid"], region["major"]) == (beacons.MARK + number, scene.UUID.upper(), scene.MAJOR)
    tell(session, scene.transition("enter", desc="Café Lumen", wtst=region["tst"]))
    assert len(scene.check_ins(session)) == 1
    assert beacons.regions(session, member_id="ben", now=NOW) == []


def test_beacons_that_nobody_registered_are_forgotten(session: Session) -> None:
    scene.make_phone(session)
    scene.let_use(session)
    assert tell(session, scene.transition("enter"))["beacon_unknown"] == 1
    scene.make_beacon(session)
    assert tell(session, scene.transition("enter", NOW - dt.timedelta(days=2)))["beacon_old"] == 1
    tell(session, scene.transition("enter"))
    assert session.scalar(text("SELECT count(*) FROM hearing")) == 1
    hearing.tidy(session, now=NOW + dt.timedelta(days=2))
    assert session.scalar(text("SELECT count(*) FROM hearing")) == 0


def test_a_beacon_is_one_venue_s_and_no_badge(session: Session) -> None:
    scene.make_beacon(session)
    with pytest.raises(beacons.BeaconTaken):
        scene.make_beacon(session)
    make_badge(session)
    badge = bytes.fromhex("daf246cef20111e4b116123b93f75cba000e0001")
    with pytest.raises(beacons.BeaconIsBadge):
        beacons.add(session, venue_id="cafe", identity=badge, by="ben", now=NOW)
    for wrong in (None, bytes(20)):
        with pytest.raises(Invalid):
            beacons.add(session, venue_id="cafe", identity=wrong, by="ben", now=NOW)


def test_phones_go_with_their_member(session: Session) -> None:
    scene.make_phone(session)
    scene.make_phone(session, "ben")
    session.delete(people.get(session, "dora"))
    session.flush()
    assert session.scalars(text("SELECT member_id FROM phone")).all() == ["ben"]

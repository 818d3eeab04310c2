"""Two at the counter at once, on a real PostgreSQL."""

import datetime as dt
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from server import database
from server.erasure import service as erasure
from server.errors import MusterError
from server.people import service as people
from server.stamps import counter
from server.stamps import service as stamps
from server.stamps.model import StampCode
from tests.server.doors.test_at_once import count, together
from tests.server.places import HOUR, NOW, make_cafe, make_members
from tests.server.stamps.scene import come, make_card

REDEEMED = "SELECT count(*) FROM stamp_redemption"


@pytest.fixture
def engine(fresh_database: str) -> Iterator[Engine]:
    """Ben's card, full in Dora's hands, in a database of its own."""
    found = database.connect(fresh_database, pool=8)
    with database.transaction(found) as session:
        make_members(session)
        make_cafe(session)
        card = make_card(session, renews=True)
        stamps.take(session, card_id=card.id, member_id="dora", remember=True, now=NOW)
        come(session, "dora", 4, 3, 2)
        for code in ("ABC234", "DEF567"):
            session.add(StampCode(code=code, card_id=card.id, member_id="dora", until=NOW + HOUR))
    yield found
    found.dispose()


def redeem(session: Session, code: str) -> dt.datetime | None:
    return counter.redeem(session, code=code, viewer=people.get(session, "ben"), now=NOW).redeemed_at


def test_two_taps_at_once_redeem_once(engine: Engine) -> None:
    found = together(engine, *[lambda session: redeem(session, "ABC234")] * 6)
    assert found == [NOW] * 6
    assert count(engine, REDEEMED) == 1


def test_two_codes_of_one_card_redeem_once(engine: Engine) -> None:
    found = together(engine, *[lambda session, code=code: redeem(session, code) for code in ("ABC234", "DEF567") * 2])
    refused = [one for one in found if isinstance(one, MusterError)]
    assert {one.code for one in refused} == {"card_not_full"}
    assert len(refused) == 2
    assert count(engine, REDEEMED) == 1


def test_two_phones_show_one_code(engine: Engine) -> None:
    with database.transaction(engine) as session:
        session.execute(text("DELETE FROM stamp_code"))
        card_id = session.execute(text("SELECT id FROM stamp_card")).scalar_one()

    def show(session: Session) -> str:
        return counter.show(session, card_id=card_id, member_id="dora", now=NOW).code

    assert len(set(together(engine, *[show] * 4))) == 1


def test_who_is_erased_while_it_is_redeemed_is_waited_for(engine: Engine) -> None:
    found = together(
        engine,
        lambda session: redeem(session, "ABC234"),
        lambda session: erasure.erase(session, member_id="dora", now=NOW).number,
        lambda session: redeem(session, "ABC234"),
    )
    assert isinstance(found[1], str)
    assert all(one == NOW or isinstance(one, counter.CodeUnknown) for one in (found[0], found[2]))
    assert count(engine, "SELECT count(*) FROM stamp_redemption WHERE member_id IS NOT NULL") == 0

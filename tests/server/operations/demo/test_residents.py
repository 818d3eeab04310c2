"""Tests of who lives in the demonstration."""

import re

from server.operations.demo import residents
from server.operations.demo.residents import RESIDENTS


def test_everybody_has_an_id_of_her_own_and_a_badge_of_her_own() -> None:
    assert len({resident.id for resident in RESIDENTS}) == len(RESIDENTS)
    assert all(re.fullmatch(r"[a-z0-9-]{1,64}", resident.id) for resident in RESIDENTS)
    assert len({residents.identity_of(resident) for resident in RESIDENTS}) == len(RESIDENTS)
    assert all(len(residents.identity_of(resident)) == 20 for resident in RESIDENTS)


def test_about_forty_signed_up_and_the_first_to_choose_is_you() -> None:
    assert 36 <= sum(resident.signed_up for resident in RESIDENTS) <= 42
    shown = [resident for resident in RESIDENTS if resident.demo_order is not None]
    assert min(shown, key=lambda resident: resident.demo_order or 0) is residents.YOU
    assert sorted(resident.demo_order or 0 for resident in shown) == [1, 2, 3, 4]


def test_strangers_show_what_nobody_registered() -> None:
    registered = {residents.identity_of(resident) for resident in RESIDENTS}
    assert not registered & set(residents.STRANGERS.values())
    assert not any(identity.startswith(residents.UUID) for identity in residents.STRANGERS.values())


def test_a_frame_is_an_ibeacon_with_company_and_power() -> None:
    frame = residents.frame_of(residents.identity_of(residents.YOU))
    assert len(frame) == 25
    assert frame[:4] == b"\x4c\x00\x02\x15"
    assert int.from_bytes(frame[-1:], signed=True) == residents.POWER_DBM

"""Ids and names."""

import pytest
from sqlalchemy.orm import Session

from server import names
from server.people import service as people
from server.people.model import Member


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("Café Lumen", "cafe-lumen"),
        ("  Rock & Roll, 2026! ", "rock-roll-2026"),
        ("Smørrebrød Łódź Straße", "smorrebrod-lodz-strasse"),
        ("2026", "2026"),
        ("Lisbon 咖啡", "lisbon"),
        ("x" * 100, "x" * 64),
    ],
)
def test_an_id_reads_like_its_name(name: str, id: str) -> None:
    assert names.suggest_id(name, "venue") == id
    assert names.check_id(id, "venue") == id


@pytest.mark.parametrize("name", ["咖啡馆", "Кафе", "咖啡馆 A", "🌿", "—"])
def test_a_name_in_another_script_gets_an_id_that_stays_the_same(name: str) -> None:
    made = names.suggest_id(name, "venue")
    assert made.startswith("venue-")
    assert made == names.suggest_id(name, "venue")
    assert made != names.suggest_id(name + "x", "venue")
    assert names.check_id(made, "venue") == made


def test_the_second_of_a_name_gets_a_number(session: Session) -> None:
    for expected in ("ana-moreno", "ana-moreno-2", "ana-moreno-3"):
        made = names.free_id(session, Member.id, "Ana Moreno", "member")
        assert made == expected
        people.create(session, id=made, name="Ana Moreno")


def test_an_ending_fits_within_the_bound() -> None:
    assert names.append("cafe", "2") == "cafe-2"
    assert len(names.append("c" * 64, "everywhere")) == 64

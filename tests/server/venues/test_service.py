"""Venues and zones."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from server import topics
from server.errors import Invalid
from server.people import service as people
from server.venues import service as venues
from tests.server.places import CAFE, make_cafe, make_members, square


@pytest.fixture(autouse=True)
def _members(session: Session) -> None:
    make_members(session)


def make(session: Session, **changes: Any) -> None:
    """A venue that is all right but for the changes."""
    fields: dict[str, Any] = {"id": "bar", "name": "Bar", "time_zone": "Europe/Berlin", "location": CAFE, **changes}
    venues.create(session, **fields)


def test_a_venue_without_a_plan_has_one_zone_everywhere(session: Session) -> None:
    make(session)
    (zone,) = venues.zones_of(session, venue_id="bar")
    assert (zone.id, zone.name, zone.area) == ("bar-everywhere", "everywhere", None)


def test_a_long_id_leaves_room_for_its_zone(session: Session) -> None:
    make(session, id="b" * 64)
    (zone,) = venues.zones_of(session, venue_id="b" * 64)
    assert len(zone.id) == 64
    assert zone.id.endswith("-everywhere")


def test_zones_and_places_are_read_as_they_were_written(session: Session) -> None:
    make_cafe(session)
    session.expire_all()
    back, front = venues.zones_of(session, venue_id="cafe")
    assert (back.name, front.name) == ("back", "front")
    assert venues.area_of(front) == square(*CAFE)
    assert venues.location_of(venues.get(session, "cafe")) == CAFE


def test_a_new_venue_is_a_new_fact(session: Session) -> None:
    before = topics.revisions(session, [topics.FACTS])[topics.FACTS]
    make(session)
    assert topics.revisions(session, [topics.FACTS, "venue/bar"]) == {topics.FACTS: before + 1, "venue/bar": 1}


def test_a_taken_id_is_a_conflict_and_leaves_the_transaction_usable(session: Session) -> None:
    make_cafe(session)
    with pytest.raises(venues.VenueExists, match="cafe"):
        make(session, id="cafe")
    with pytest.raises(venues.ZoneExists, match="cafe-front"):
        make(session, zones=[venues.NewZone("cafe-front", "front")])
    with pytest.raises(venues.VenueUnknown):
        venues.get(session, "bar")
    assert len(venues.zones_of(session, venue_id="cafe")) == 2
    make(session)


def test_an_owner_must_be_known(session: Session) -> None:
    with pytest.raises(people.MemberUnknown):
        make(session, owner_id="nobody")


BOWTIE = {
    "type": "Polygon",
    "coordinates": [[[13.4, 52.5], [13.401, 52.501], [13.401, 52.5], [13.4, 52.501], [13.4, 52.5]]],
}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"id": "Bar"}, "id of a venue"),
        ({"name": " "}, "needs a name"),
        ({"time_zone": "Berlin"}, "time zone is an IANA name"),
        ({"time_zone": "../../etc/passwd"}, "time zone is an IANA name"),
        ({"join_gap_s": 60}, "join_gap_s"),
        ({"location": (13.4, 95)}, "latitude"),
        ({"location": (float("nan"), 1)}, "two numbers"),
        ({"zones": [venues.NewZone("a", "A"), venues.NewZone("a", "B")]}, "told apart"),
        ({"zones": [venues.NewZone("a", "A"), venues.NewZone("b", "A ")]}, "told apart"),
        ({"zones": [venues.NewZone("a", "A", level=1000)]}, "level"),
        ({"zones": [venues.NewZone("a", "A", area=BOWTIE)]}, "crosses itself"),
        ({"zones": [venues.NewZone("a", "A", area=square(CAFE[1], CAFE[0]))]}, "axes swapped"),
    ],
)
def test_what_cannot_be_right_is_refused_with_a_sentence(
    session: Session, changes: dict[str, Any], sentence: str
) -> None:
    make(session)
    with pytest.raises(Invalid, match=sentence):
        make(session, **{"id": "other", **changes})


def test_a_zone_belongs_to_its_venue(session: Session) -> None:
    make_cafe(session)
    make(session)
    assert venues.get_zone(session, venue_id="cafe", zone_id="cafe-back").name == "back"
    with pytest.raises(venues.ZoneUnknown):
        venues.get_zone(session, venue_id="bar", zone_id="cafe-back")
    with pytest.raises(venues.VenueUnknown):
        venues.get_zone(session, venue_id="nowhere", zone_id="cafe-back")


def test_an_owner_s_venues_are_hers_alone(session: Session) -> None:
    make_cafe(session)
    make(session)
    assert [venue.id for venue in venues.owned_by(session, member_id="ben")] == ["cafe"]
    assert [venue.id for venue in venues.list_all(session)] == ["bar", "cafe"]

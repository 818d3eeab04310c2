"""What OwnTracks says is read from the apps' own messages, and whatever else arrives is an answer and no exception."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.phones import owntracks
from server.phones.owntracks import Beacon, Crossed, Located, Passed, Reason, Wrong

UUID = "daf246ce-f201-11e4-b116-123b93f75cba"
IDENTITY = bytes.fromhex("daf246cef20111e4b116123b93f75cba000e0001")
TST = 1_773_428_400
AT = dt.datetime.fromtimestamp(TST, dt.UTC)


def read(message: Any, *, has_topic: bool = False) -> owntracks.Read:
    return owntracks.read(json.dumps(message).encode(), has_topic=has_topic)


@pytest.fixture
def real(shared_data: Path) -> Path:
    folder = shared_data / "owntracks"
    if not folder.exists():
        pytest.skip("../shared/data/owntracks is not there")
    return folder


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("valid_location_message", [(0.0, 0.0, 15.0)]),
        ("valid_location_message_with_topic", [(0.0, 0.0, 15.0)]),
        ("location_beacon_trigger", [(126.074502, -25.762245, 5.0)]),
        ("location_timer_trigger", [(126.074502, -25.762245, 5.0)]),
        ("location_with_created_at", [(0.0, 51.0, 5.0)]),
        ("location_deserialize_extended", [(5.0408462, 52.3153748, 1600.0)]),
        ("location_multiple_messages", [(5.0408462, 52.3153748, 1600.0), (15.0408462, 12.3153748, 95.0)]),
        ("transition_message", [(-1.61234123, 52.71234, 3.0)]),
    ],
)
def test_real_places_are_read(real: Path, name: str, places: list[tuple[float, float, float]]) -> None:
    found = owntracks.read((real / f"{name}.json").read_bytes(), has_topic=False)
    located = [said for said in found.said if isinstance(said, Located)]
    assert [(*said.place, said.accuracy_m) for said in located] == places
    assert len(located) == len(found.said)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("encrypted_message", Wrong(Reason.ENCRYPTED)),
        ("invalid_location_message_missing_tid_and_topic", Wrong(Reason.NO_SENDER)),
        ("invalid_location_message_zero_timestamp", Wrong(Reason.NO_TIME)),
        ("location_empty", Wrong(Reason.NO_TIME)),
        ("card_message_with_face", Passed("card", True)),
        ("cmd_invalid_action", Passed("cmd", True)),
        ("cmd_set_waypoints", Passed("cmd", True)),
        ("configuration_message", Passed("configuration", True)),
        ("waypoint_message", Passed("waypoint", True)),
        ("unknown_message", Passed("", False)),
    ],
)
def test_real_messages_that_tell_no_place_are_told_apart(real: Path, name: str, said: object) -> None:
    assert owntracks.read((real / f"{name}.json").read_bytes(), has_topic=False).said == (said,)


def test_none_of_the_real_ones_was_forgotten(real: Path) -> None:
    for file in real.glob("*.json"):
        found = owntracks.read(file.read_bytes(), has_topic=True)
        assert found.said, file.name
        assert not any(said == Passed("", True) for said in found.said)


def test_topics_that_messages_name_are_told() -> None:
    message = {"_type": "location", "lat": 1, "lon": 2, "tst": TST, "topic": "owntracks/dora/pixel"}
    assert read(message).topics == ("owntracks/dora/pixel",)
    assert read([message, {**message, "topic": 7}]).topics == ("owntracks/dora/pixel",)


def test_an_accuracy_that_is_not_said_is_a_poor_one() -> None:
    place = {"_type": "location", "lat": 1, "lon": 2, "tst": TST, "tid": "dl"}
    for told in ({}, {"acc": -1}, {"acc": 0}, {"acc": "5"}, {"acc": None}):
        (said,) = read({**place, **told}).said
        assert isinstance(said, Located)
        assert said.accuracy_m == owntracks.ACCURACY_UNKNOWN_M


@pytest.mark.parametrize(
    "wrong",
    [{"lat": 91}, {"lon": 181}, {"lat": "1"}, {"lat": True}, {"lon": None}, {"lat": 10**400}, {"lat": float("nan")}],
)
def test_impossible_places_are_none(wrong: dict[str, Any]) -> None:
    place = {"_type": "location", "lat": 1, "lon": 2, "tst": TST, "tid": "dl"}
    assert isinstance(read(place).said[0], Located)
    assert read({**place, **wrong}).said == (Wrong(Reason.NO_PLACE),)


@pytest.mark.parametrize("wrong", [0, -1, TST * 1000, "1", None, True, 1e400, [TST]])
def test_impossible_times_are_none(wrong: object) -> None:
    assert read({"_type": "location", "lat": 1, "lon": 2, "tst": wrong, "tid": "dl"}).said == (Wrong(Reason.NO_TIME),)


@pytest.mark.parametrize(
    "told",
    [
        {"desc": "Lumen", "uuid": UUID, "major": 14, "minor": 1},
        {"desc": "Lumen", "uuid": UUID.upper(), "major": "14", "minor": "1"},
        {"desc": f"Lumen:{UUID}:14:1"},
        {"desc": f"Lumen:{UUID.replace('-', '')}:14:1"},
    ],
)
def test_a_beacon_is_known_by_its_fields_or_its_name(told: dict[str, Any]) -> None:
    message = {"_type": "transition", "event": "enter", "t": "b", "tst": TST, "wtst": 5, **told}
    assert read(message).said == (Crossed("enter", Beacon(IDENTITY, told["desc"], 5), AT),)


def test_a_circle_is_no_beacon_and_its_place_is_one() -> None:
    circle = {"_type": "transition", "event": "leave", "t": "c", "tst": TST, "desc": "home"}
    assert read(circle).said == (Passed("transition", True),)
    assert read({**circle, "lat": 1, "lon": 2, "acc": 3}).said == (Located((2, 1), 3, AT),)
    assert read({**circle, "event": "dance"}).said == (Wrong(Reason.WRONG),)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"", ()),
        (b" \n", ()),
        (b"{", (Wrong(Reason.NO_JSON),)),
        (b"\xff\xfe", (Wrong(Reason.NO_JSON),)),
        (b"[" * 60_000, (Wrong(Reason.NO_JSON),)),
        (b'{"tst":' + b"9" * 5000 + b"}", (Wrong(Reason.NO_JSON),)),
        (b"7", (Wrong(Reason.WRONG),)),
        (b"[[]]", (Wrong(Reason.WRONG),)),
        (b" " * 65_537, (Wrong(Reason.TOO_LARGE),)),
        (b'{"_type": {"a": 1}}', (Passed("", False),)),
    ],
)
def test_what_is_no_message_is_said_to_be_none(payload: bytes, said: tuple[object, ...]) -> None:
    assert owntracks.read(payload, has_topic=True).said == said


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(TST) | st.just(UUID),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
_KEYS = ("_type", "lat", "lon", "acc", "tst", "tid", "topic", "event", "t", "desc", "wtst", "uuid", "major", "minor")


@given(
    st.lists(
        st.dictionaries(st.sampled_from((*_KEYS, "inregions")), _VALUES).flatmap(
            lambda found: st.sampled_from(["location", "transition", "beacon", "encrypted", "lwt"]).map(
                lambda kind: {"_type": kind, **found}
            )
        ),
        max_size=4,
    ),
    st.booleans(),
)
def test_whatever_arrives_is_answered(messages: list[dict[str, Any]], has_topic: bool) -> None:
    found = read(messages, has_topic=has_topic)
    assert len(found.said) >= len(messages)
    for said in found.said:
        if isinstance(said, Located):
            assert -180 <= said.place[0] <= 180
            assert -90 <= said.place[1] <= 90
            assert 0 < said.accuracy_m <= owntracks.ACCURACY_MAX_M


@given(st.binary(max_size=300))
def test_any_bytes_are_answered(payload: bytes) -> None:
    owntracks.read(payload, has_topic=True)

"""What is announced is read strictly, and never crashes the reader."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.live import news

GOOD: dict[str, Any] = {
    "rev": 7,
    "badges": [
        {"badge": 3, "from": 10, "to": 20, "stays": [[10, "door"], [15, "hall"]]},
        {"badge": 4, "from": 10, "to": 10, "stays": []},
    ],
    "coverage": [{"agent": "door", "from": 5, "to": 20}],
    "beacons": [["door", "stage", 5, 20]],
    "later": "fields of another version",
}


def test_a_venues_news_are_read() -> None:
    found = news.read(orjson.dumps(GOOD))
    assert found.rev == 7
    assert found.badges == [(3, 10, 20, ((10, "door"), (15, "hall"))), (4, 10, 10, ())]
    assert found.coverage == [("door", (5, 20))]
    assert found.beacons == (("door", "stage", (5, 21)),)  # the moment of the last hearing is in it
    assert news.read(orjson.dumps({"rev": 1, "badges": [], "coverage": []})).beacons == ()


def test_a_bare_revision_means_read_again() -> None:
    assert news.read(news.encode(3)) == news.News(3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rev": 0},
        {"rev": True},
        {"rev": 1.5},
        {"rev": 1 << 63},
        {"badges": []},
        {"rev": 1, "badges": []},
        {"rev": 1, "badges": {}, "coverage": []},
        {"rev": 1, "badges": [7], "coverage": []},
        {"rev": 1, "badges": [{**GOOD["badges"][0], "to": 9}], "coverage": []},
        {"rev": 1, "badges": [{**GOOD["badges"][0], "stays": 5}], "coverage": []},
        {"rev": 1, "badges": [{**GOOD["badges"][0], "stays": [[10, 5]]}], "coverage": []},
        {"rev": 1, "badges": [{**GOOD["badges"][0], "stays": [[10, "hall", 3]]}], "coverage": []},
        {"rev": 1, "badges": [{**GOOD["badges"][0], "badge": "3"}], "coverage": []},
        {"rev": 1, "badges": [], "coverage": [{"agent": None, "from": 1, "to": 2}]},
        {"rev": 1, "badges": [], "coverage": [{"agent": "door", "from": 3, "to": 2}]},
        {"rev": 1, "badges": [], "coverage": [5]},
        {"rev": 1, "badges": [], "coverage": [], "beacons": {}},
        {"rev": 1, "badges": [], "coverage": [], "beacons": [["door", "stage", 5]]},
        {"rev": 1, "badges": [], "coverage": [], "beacons": [["door", "stage", 5, 4]]},
        {"rev": 1, "badges": [], "coverage": [], "beacons": [["door", 7, 5, 6]]},
    ],
)
def test_what_is_wrong_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(news.Unreadable):
        news.read(orjson.dumps(wrong))


def test_too_much_is_refused() -> None:
    with pytest.raises(news.Unreadable):
        news.read(b" " * (news.MAX_BYTES + 1))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    try:
        news.read(payload)
    except news.Unreadable:
        return


@pytest.mark.parametrize(
    ("topic", "name"),
    [
        ("muster/v1/live/venue/cafe", "venue/cafe"),
        ("muster/v1/live/member/ana", "member/ana"),
        ("muster/v1/live/weather/cafe", None),
        ("muster/v1/live/venue/cafe/x", None),
        ("muster/v1/live/venue/", None),
        ("venue/cafe", None),
    ],
)
def test_only_live_topics_have_names(topic: str, name: str | None) -> None:
    assert news.topic_name(topic) == name

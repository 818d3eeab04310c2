"""What is told after a commit, and in which order."""

import orjson

from gateway.announce import announcements
from gateway.record import BadgeNow, Recorded
from server.presence.joining import Stay


def test_venues_are_told_before_the_members_and_events_that_changed_with_them() -> None:
    recorded = Recorded(
        {"event/party": 3, "member/ana": 1, "venue/bar": 7, "venue/cafe": 8},
        {"cafe": [BadgeNow(5, [Stay(100, "hall")], 100, 900)]},
        {"cafe": [("pi", 0, 1000)]},
        {},
        {"bar"},
    )
    told = [
        (topic.removeprefix("muster/v1/live/"), orjson.loads(payload)) for topic, payload in announcements(recorded)
    ]
    assert told == [
        ("venue/bar", {"rev": 7}),
        (
            "venue/cafe",
            {
                "rev": 8,
                "badges": [{"badge": 5, "from": 100, "to": 900, "stays": [[100, "hall"]]}],
                "coverage": [{"agent": "pi", "from": 0, "to": 1000}],
                "beacons": [],
            },
        ),
        ("event/party", {"rev": 3}),
        ("member/ana", {"rev": 1}),
    ]

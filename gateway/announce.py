"""After the commit: tells every server process what changed, by internal ids only."""

from collections.abc import Iterator

import orjson

from beacon_agent import wire
from gateway.record import Recorded


def announcements(recorded: Recorded) -> Iterator[tuple[str, bytes]]:
    """Topics and payloads for the live streams.

    A venue's payload carries its changed badges and coverage; where something older than a newest visit changed, and
    for events and members, it carries the revision alone, which means: read again. Venues come first: their news are
    what a viewer sees move, and at the doors of an event those of hundreds of members would stand before them.
    """
    for topic, rev in sorted(recorded.revisions.items(), key=lambda item: not item[0].startswith("venue/")):
        kind, _, key = topic.partition("/")
        payload: dict[str, object] = {"rev": rev}
        if kind == "venue" and key not in recorded.rewritten:
            payload["badges"] = [
                {
                    "badge": badge.badge_id,
                    "from": badge.from_ms,
                    "to": badge.to_ms,
                    "stays": [[stay.from_ms, stay.zone_id] for stay in badge.stays],
                }
                for badge in recorded.badges.get(key, ())
            ]
            payload["coverage"] = [
                {"agent": agent, "from": from_ms, "to": to_ms}
                for agent, from_ms, to_ms in recorded.coverage.get(key, ())
            ]
            payload["beacons"] = [list(run) for run in recorded.beacons.get(key, ())]
        yield wire.live_topic(kind, key), orjson.dumps(payload)

"""However many members and positions there are, a minute's look reads by index what concerns those who agreed."""

import datetime as dt
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from geo import postgis
from server import times
from server.popups import candidates, happening, places
from tests.server.fences.many import fill
from tests.server.places import NOW
from tests.server.plans import read_whole

MEMBERS = [f"many-{number}" for number in range(10, 500, 10)]
# Empty here, or a handful of rows.
SMALL = {"consent_pause", "met_without", "interest", "pop_up", "pop_up_asked", "placement", "coverage", "pairing"}


def test_no_table_is_scanned_in_a_minute(session: Session) -> None:
    fill(session, members=20_000, venues=5_000, now=NOW)
    session.execute(text("UPDATE position_use SET pop_ups = member_id = ANY(:ids)"), {"ids": MEMBERS})
    session.execute(
        text(
            "INSERT INTO position (member_id, source, device, cell, area, accuracy_m, at, until)"
            " SELECT id, 'phone', '', 617700169958293503, 604189371075133439, 281,"
            " CAST(:now AS timestamptz) - interval '1 minute', CAST(:now AS timestamptz) + interval '2 hours'"
            " FROM member"
        ),
        {"now": NOW},
    )
    session.execute(
        text("INSERT INTO member_interest SELECT id, 'chess' FROM member ON CONFLICT DO NOTHING"), {"now": NOW}
    )
    session.execute(
        text(
            "INSERT INTO checkin (venue_id, day, member_id, at, evidence, signed_up)"
            " SELECT 'place-1', '2026-01-01', id, '2026-01-01', 'beacon', false FROM member"
        )
    )
    for table in ("position", "position_use", "member_interest", "checkin"):
        session.execute(text(f"ANALYZE {table}"))
    since_ms = times.to_ms(NOW - dt.timedelta(minutes=5))
    asked: list[tuple[TextClause, dict[str, Any]]] = [
        (
            candidates._HERE,
            {"fresh": NOW - dt.timedelta(minutes=15), "accuracy_m": 300, "most": 50_000, "now": NOW, "turn": 1},
        ),
        (candidates._HEARD, {"members": MEMBERS, "since_ms": since_ms, "now": NOW}),
        (candidates._INTERESTS, {"members": MEMBERS}),
        (candidates._ASKED, {"members": MEMBERS, "since": NOW - dt.timedelta(days=7)}),
        (candidates._WILLING, {"members": MEMBERS}),
        (places._NEAREST, {"here": postgis.here((13.25, 52.45)), "reach_m": 400, "simulated": False}),
        (
            happening._SEEN,
            {
                "pop_up": "popup-1",
                "venue": "venue-1",
                "members": MEMBERS[:5],
                "now": NOW,
                "since_ms": since_ms,
                "accuracy_m": 300,
                "heard_gap_ms": 60_000,
            },
        ),
    ]
    for statement, given in asked:
        assert read_whole(session, statement, given) - SMALL == set(), statement.text
    found = session.execute(candidates._HERE, asked[0][1]).all()
    assert len(found) == len(MEMBERS), "of 20,000 only those who agreed"

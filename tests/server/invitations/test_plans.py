"""Invitations are read by indexes: no statement goes through a table, however large the world is."""

import pytest
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from server import times
from server.invitations import audience, counting
from server.invitations import service as invitations
from tests.server.places import HOUR, NOW, make_cafe, make_members
from tests.server.plans import read_whole

MANY = """
    INSERT INTO member (id, name) SELECT 'm-' || n, 'M' FROM generate_series(1, 20000) AS n;
    INSERT INTO position_use (member_id, shops, changed_at) SELECT 'm-' || n, n % 2 = 0, now()
        FROM generate_series(1, 20000) AS n;
    INSERT INTO venue (id, name, time_zone, owner_id) SELECT 'v-' || n, 'V', 'UTC', 'm-' || n
        FROM generate_series(1, 20000) AS n;
    INSERT INTO role (kind, of_id, member_id, given_at) SELECT 'venue', 'v-' || n, 'm-' || (n + 1), now()
        FROM generate_series(1, 16000) AS n;
    INSERT INTO consent (member_id, kind, of_id, level, since, source) SELECT 'm-' || n, 'venue', 'v-' || n, 'hidden',
        now(), 'page' FROM generate_series(1, 16000) AS n;
    INSERT INTO consent_pause (member_id, since) SELECT 'm-' || n, now() FROM generate_series(1, 16000) AS n;
    INSERT INTO shop_refusal (member_id, venue_id, at) SELECT 'm-' || n, 'v-' || n, now()
        FROM generate_series(1, 20000) AS n;
    INSERT INTO shop_invited_lately (member_id, venue_id, at) SELECT 'm-' || n, 'v-' || n, now()
        FROM generate_series(1, 20000) AS n;
    INSERT INTO shop_invitation (venue_id, text, at, until, nonce) SELECT 'v-' || n, 'T', now(),
        now() + interval '1 hour', decode(lpad(to_hex(n), 8, '0'), 'hex') FROM generate_series(1, 20000) AS n;
    INSERT INTO shop_invited (invitation_id, member_id, away_m)
        SELECT shop_invitation.id, 'm-' || n, 100 FROM shop_invitation, generate_series(1, 4) AS n;
    INSERT INTO badge (id, label) SELECT 100000 + n, 'B' || n FROM generate_series(1, 20000) AS n;
    INSERT INTO pairing (badge_id, member_id, valid) SELECT 100000 + n, 'm-' || n, tstzrange(now(), NULL)
        FROM generate_series(1, 20000) AS n;
    INSERT INTO visit (badge_id, venue_id, from_ms, to_ms, reach_ms) SELECT 100000 + n, 'v-' || n, n, n + 1, n + 1
        FROM generate_series(1, 20000) AS n;
    INSERT INTO checkin (venue_id, day, member_id, at, evidence, signed_up) SELECT 'v-' || n, now()::date, 'm-' || n,
        now(), 'phone', false FROM generate_series(1, 20000) AS n;
    INSERT INTO notification (member_id, kind, subject, sentence, at) SELECT 'm-' || n, 'shop_invitation',
        'shop_invitation/' || n / 10, '-', now() FROM generate_series(1, 20000) AS n;
    ANALYZE
"""
EMPTY = {"step"}  # looked up by its key where a check-in has one; here none has
GIVEN = {
    "ids": [f"m-{number}" for number in range(1, 30)],
    "away": [100] * 29,
    "simulated": False,
    "now": NOW,
    "since": NOW,
    "venue": "v-1",
    "invitation": 1,
    "from": NOW,
    "to": NOW + HOUR,
    "from_ms": times.to_ms(NOW),
    "to_ms": times.to_ms(NOW + HOUR),
    "shortest_ms": 90_000,
}


@pytest.fixture
def large(session: Session) -> Session:
    make_members(session)
    make_cafe(session)
    for statement in MANY.split(";"):
        session.execute(text(statement))
    return session


def test_no_statement_reads_a_table_whole(large: Session) -> None:
    statements: list[TextClause] = [
        audience._COUNTED,
        audience._NOBODY,
        invitations._INVITE,
        invitations._INVITED,
        invitations._REMEMBER,
        invitations._LATELY,
        counting._CAME,
        text("SELECT * FROM shop_invitation WHERE counted_at IS NULL AND until <= :now ORDER BY until LIMIT 1"),
        text("SELECT at FROM shop_invitation WHERE venue_id = :venue AND at > :since"),
        text("SELECT id FROM shop_invitation WHERE venue_id = :venue AND hidden_at > :since"),
        text("SELECT id FROM notification WHERE kind = 'shop_invitation' AND subject = 'shop_invitation/7'"),
    ]
    assert {statement.text: read_whole(large, statement, GIVEN) - EMPTY for statement in statements} == {
        statement.text: set() for statement in statements
    }

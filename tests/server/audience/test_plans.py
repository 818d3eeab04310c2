"""No question of whom to tell reads a table whole, at some thousands of rows."""

import datetime as dt

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.audience import choosing
from tests.server.places import NOW, make_cafe, make_members
from tests.server.plans import read_whole, read_whole_unseen

DAY = dt.timedelta(days=1)
LARGE = {
    "call",
    "called",
    "checkin",
    "event",
    "member",
    "member_interest",
    "notification",
    "position",
    "position_use",
    "sign_up",
    "step",
}


def fill(session: Session) -> None:
    """Twenty thousand members of whom each likes something and signed up for something of two thousand gatherings."""
    make_members(session)
    make_cafe(session)
    many, events = "generate_series(1, 20000) AS n", "generate_series(1, 2000) AS n"
    for statement in (
        f"INSERT INTO member (id, name) SELECT 'm' || n, 'M' FROM {many}",
        f"INSERT INTO position_use (member_id, told, changed_at) SELECT 'm' || n, n % 2 = 0, :now FROM {many}",
        "INSERT INTO interest (id, name_en, name_zh) SELECT 'i' || n, 'I', '兴' FROM generate_series(0, 99) AS n",
        f"INSERT INTO member_interest (member_id, interest_id) SELECT 'm' || n, 'i' || n % 100 FROM {many}",
        f"INSERT INTO venue (id, name, time_zone) SELECT 'v' || n, 'V', 'UTC' FROM {events}",
        "INSERT INTO event (id, name, organizer_id, state_at) SELECT 'e' || n, 'E', 'm' || n % 500 + 1,"
        f" :now - n * interval '1 hour' FROM {events}",
        "INSERT INTO step (id, event_id, position, name, venue_id, opens_at, starts_at, ends_at, dwell_signed_up_s,"
        " dwell_walk_in_s) SELECT 's' || n, 'e' || n, 0, 'all', 'v' || n % 500 + 1, at, at, at + interval '1 h', 15, 90"
        f" FROM {events}, LATERAL (SELECT :now - n * interval '1 hour' AS at) AS moment",
        f"INSERT INTO sign_up (event_id, member_id) SELECT 'e' || n % 2000 + 1, 'm' || n FROM {many}",
        "INSERT INTO checkin (step_id, member_id, at, evidence, signed_up)"
        f" SELECT 's' || n % 2000 + 1, 'm' || n, :now - interval '1 day', 'beacon', true FROM {many}",
        f"INSERT INTO call (reason, event_id, opened_at) SELECT 'new_event', 'e' || n, :now FROM {events}",
        "INSERT INTO called (call_id, member_id, at) SELECT call.id, 'm' || n, :now"
        f" FROM {many} JOIN call ON call.event_id = 'e' || (n % 2000 + 1)",
    ):
        session.execute(text(statement), {"now": NOW})
    session.execute(text("ANALYZE"))


def test_no_table_is_read_whole(session: Session) -> None:
    fill(session)
    ids = [f"m{number}" for number in range(1, 646)]  # as many as are asked about at once
    wanted = {
        "ids": ids,
        "now": NOW,
        "event": "e7",
        "proposal": None,
        "organizer": "m8",
        "community": None,
        "for_all": True,
        "simulated": False,
        "starts": NOW,
        "ends": NOW + DAY,
    }
    came = {
        "venue": "v9",
        "organizer": "m8",
        "community": "c1",
        "series": None,
        "since": NOW - choosing.SINCE,
        "now": NOW,
        "steps": choosing.STEPS,
        "comings": choosing.COMINGS,
    }
    liked = {"ids": ids, "interests": ["i1", "i2"], "community": ""}
    for statement, given in (
        (choosing.STANDS, wanted),
        (choosing._HOLD, wanted),
        (choosing._CAME, came),
        (choosing._LIKES, liked),
        (choosing._WILLING, {"ids": ids}),
        (choosing._GOING, {"event": "e7", "most": choosing.MOST_GOING}),
    ):
        assert read_whole(session, statement, given) & LARGE == set(), statement.text
        assert read_whole_unseen(session, statement) & LARGE == set(), statement.text

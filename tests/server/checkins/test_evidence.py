"""What check-ins depend on, read for many at once."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.checkins import evidence
from server.checkins.rows import read
from server.events import service as events
from server.people import service as people
from tests.server.places import HOUR, NOW, make_cafe, make_members

STATES = ("asked", "going", "waiting", "declined", "withdrawn")


def test_who_signed_up_for_a_step_is_as_the_view_says(session: Session) -> None:
    make_members(session)
    make_cafe(session)
    steps = [events.NewStep(f"Part {number}", "cafe", NOW, NOW + HOUR) for number in range(2)]
    events.create(session, id="day", name="Day", organizer_id="cleo", steps=steps)
    pairs = []
    for number, (whole, *chosen) in enumerate(
        (a, b, c) for a in STATES for b in (None, *STATES) for c in (None, "going")
    ):
        member = people.create(session, id=f"m-{number}", name="Member").id
        session.execute(
            text("INSERT INTO sign_up (event_id, member_id, state) VALUES ('day', :m, :s)"), {"m": member, "s": whole}
        )
        for step, state in zip(("day-1", "day-2"), chosen, strict=True):
            pairs.append((member, step))
            if state is not None:
                row = (
                    "INSERT INTO sign_up_step (step_id, member_id, event_id, state, turn) VALUES (:t, :m, 'day', :s, 0)"
                )
                session.execute(text(row), {"t": step, "m": member, "s": state})
    pairs += [("dora", "day-1"), ("dora", "cafe@2026-03-13")]
    members, of = [who for who, _ in pairs], [step for _, step in pairs]
    found = read(session, evidence._SIGN_UPS, members=members, events=["day"] * (len(pairs) - 1) + [""], steps=of)
    wanted = session.execute(text("SELECT member_id, step_id FROM going_to WHERE event_id = 'day'"))
    assert sorted(map(tuple, found)) == sorted(map(tuple, wanted)) != []

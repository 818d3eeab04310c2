"""Why somebody is or is not checked in: one code and one sentence for each cause."""

import dataclasses
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from config import settings
from server import times
from server.checkins import explain, rules
from server.checkins.explain import Asked, BadgeHeard, CheckedIn, Explanation, Facts
from server.events import life
from server.events.model import SignUp
from server.events.states import State
from server.fleet.model import Placement
from server.presence.joining import Interval
from tests.server.presence import scene
from tests.server.presence.scene import NOW, at

PRESENCE = settings.load(environment={}).presence
OPENS, ENDS, GAP = 1_000_000, 5_000_000, 60_000
EVER = ((0, rules.EVER_MS),)
ASKED = Asked("step", "event", "Cafe", "UTC", None, OPENS, ENDS, 15_000, True)
ASKED_OFF = dataclasses.replace(ASKED, state=State.CANCELLED, reason="The oven broke.")
LISTENED = ((0, ENDS),)


def why(
    *heard: Interval,
    now_ms: int = OPENS + 100_000,
    asked: Asked = ASKED,
    held: tuple[Interval, ...] = EVER,
    anywhere: tuple[Interval, ...] = (),
    listened: tuple[Interval, ...] = LISTENED,
    undone_ms: int | None = None,
    checked_in: CheckedIn | None = None,
) -> Explanation:
    badges = (BadgeHeard(7, "seven", held, heard, anywhere or heard),) if held else ()
    return explain.answer(Facts(asked, badges, listened, undone_ms, checked_in, ()), now_ms, GAP)


def zone(name: str) -> Asked:
    return Asked("step", "event", "Cafe", "UTC", name, OPENS, ENDS, 15_000, True)


@pytest.mark.parametrize(
    ("found", "code", "sentence"),
    [
        (why(checked_in=CheckedIn(NOW, "beacon")), "checked_in", "Checked in: 19:00 · by your badge."),
        (
            why(checked_in=CheckedIn(NOW, "beacon", "recorded 2 h later", True)),
            "checked_in",
            "Checked in: 19:00 · by your badge · recorded 2 h later, when all places were taken.",
        ),
        (
            why((OPENS, OPENS + 60_000), asked=ASKED_OFF),
            "called_off",
            "It was called off, so nobody is checked in. The oven broke.",
        ),
        (why(held=(), asked=ASKED_OFF), "called_off", "It was called off, so nobody is checked in. The oven broke."),
        (why(asked=ASKED_OFF, checked_in=CheckedIn(NOW, "beacon")), "checked_in", "Checked in: 19:00 · by your badge."),
        (
            why((OPENS, OPENS + 60_000), asked=dataclasses.replace(ASKED, state=State.DRAFT)),
            "not_announced",
            "It is not announced, so nobody is checked in.",
        ),
        (
            why((OPENS, OPENS + 60_000), held=((OPENS + 70_000, ENDS),)),
            "not_yours_then",
            "The badge was heard at Cafe from 00:16 to 00:17, when it was not yours. Stay at Cafe with it.",
        ),
        (
            why(now_ms=OPENS - 600_000),
            "not_open_yet",
            "Check-in opens in 10 minutes. Stay near, your badge does the rest.",
        ),
        (why(held=()), "no_badge", "No badge was yours while check-in was open. Ask the host to check you in."),
        (
            why((OPENS, OPENS + 8_500)),
            "not_long_enough",
            "The badge was heard for 8 of 15 seconds. Stay at Cafe for 7 more seconds.",
        ),
        (
            why((OPENS, OPENS + 8_500), now_ms=ENDS),
            "not_long_enough",
            "The badge was heard for 8 of 15 seconds before it ended. Ask the host to check you in.",
        ),
        (
            why((OPENS, OPENS + 15_000)),
            "due",
            "The badge was heard long enough; the check-in comes with the next report.",
        ),
        (
            why(asked=zone("bar"), anywhere=((OPENS, OPENS + 60_000),)),
            "elsewhere",
            "The badge was heard at Cafe, but not at the bar, where this takes place."
            " Go there, your badge does the rest.",
        ),
        (
            why(listened=((0, OPENS - 1),)),
            "nobody_listened",
            "Nothing at Cafe listened while check-in was open. Ask the host to check you in.",
        ),
        (
            why((OPENS - 200_000, OPENS - 100_000)),
            "too_early",
            "The badge was heard until 00:15, before check-in opened at 00:16. Come near Cafe again.",
        ),
        (
            why((ENDS + 100_000, ENDS + 200_000), now_ms=ENDS + 300_000),
            "too_late",
            "The badge was heard from 01:25, after check-in ended at 01:23. Ask the host to check you in.",
        ),
        (
            why(),
            "not_heard",
            "The agents at Cafe listened and did not hear the badge."
            " Take the badge out of the bag, look after its battery, or ask the host.",
        ),
        (
            why((OPENS, OPENS + 50_000), undone_ms=OPENS + 46_000),
            "undone",
            "The check-in was taken back at 00:17; what was heard before does not count,"
            " and since then the badge was heard for 3 of 15 seconds. Stay at Cafe.",
        ),
    ],
)
def test_each_cause_has_a_code_and_a_sentence(found: Explanation, code: str, sentence: str) -> None:
    assert (found.code, found.sentence) == (code, sentence)


def test_time_counts_as_the_rule_counts_it() -> None:
    # Joined over a gap of 60 s first, then cut to the doors and to the time she held it.
    found = why((OPENS - 20_000, OPENS - 10_000), (OPENS + 5_000, OPENS + 9_000), held=((OPENS + 2_000, ENDS),))
    assert (found.heard_s, found.needed_s, found.heard_s_by_badge) == (7.0, 15.0, {7: 7.0})


intervals = st.lists(
    st.tuples(st.integers(OPENS - 100_000, ENDS + 100_000), st.integers(0, 100_000)).map(
        lambda pair: (pair[0], pair[0] + pair[1])
    ),
    max_size=4,
)


@given(intervals, st.integers(OPENS - 200_000, ENDS + 200_000))
def test_it_says_due_exactly_when_the_rule_would_check_in(heard: list[Interval], now_ms: int) -> None:
    found = why(*heard, now_ms=max(now_ms, OPENS))
    arrival = rules.arrival([rules.Held(7, tuple(heard), EVER)], GAP, (OPENS, ENDS), 15_000)
    assert (found.code == "due") == (arrival is not None)


def test_the_answer_comes_from_the_tables(session: Session) -> None:
    for name in ("olga", "ana"):
        scene.member(session, name)
    scene.venue(session, "cafe", zones=("bar", "hall"))
    scene.event(session, "party", NOW)
    scene.listens(session, "cafe-bar-pi", at(600), at(0))
    badge = scene.badge(session, held_by="ana", since=times.from_ms(at(7000)))
    placement = session.query(Placement).filter_by(agent_id="cafe-bar-pi").one()
    scene.span(session, badge, placement.id, at(100), at(50))

    def ask(now: dt.datetime = NOW) -> Explanation:
        return explain.explain(session, member_id="ana", step_id="party-1", now=now, presence=PRESENCE)

    walk_in = ask()
    assert (walk_in.code, walk_in.heard_s, walk_in.needed_s) == ("not_long_enough", 50.0, 90.0)
    assert [badge.badge_id for badge in walk_in.facts.badges] == [badge]
    session.add(SignUp(event_id="party", member_id="ana"))
    session.flush()
    assert (ask().code, ask().needed_s) == ("due", 15.0)
    with session.begin_nested() as off:
        life.cancel(session, event_id="party", reason="The oven broke.", now=NOW)
        assert (ask().code, ask().sentence.endswith("The oven broke.")) == ("called_off", True)
        off.rollback()
    scene.arrive(session, "ana", NOW)
    assert ask().code == "checked_in"
    assert ask().sentence == "Checked in: 20:00 · by your badge."


def test_a_step_bound_to_a_zone_asks_for_that_zone(session: Session) -> None:
    for name in ("olga", "ana"):
        scene.member(session, name)
    scene.venue(session, "cafe", zones=("bar", "hall"))
    scene.event(session, "party", NOW, zone_id="cafe-hall")
    badge = scene.badge(session, held_by="ana")
    placement = session.query(Placement).filter_by(agent_id="cafe-bar-pi").one()
    scene.span(session, badge, placement.id, at(100), at(50))
    found = explain.explain(session, member_id="ana", step_id="party-1", now=NOW, presence=PRESENCE)
    assert (found.code, found.facts.asked.zone_name) == ("elsewhere", "hall")


def test_a_step_nobody_knows_is_not_found(session: Session) -> None:
    with pytest.raises(explain.StepUnknown):
        explain.explain(session, member_id="ana", step_id="nothing", now=NOW, presence=PRESENCE)

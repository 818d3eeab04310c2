"""This date and all that follow: who takes it over, who stays as they are, and who is told."""

import dataclasses
import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from config import settings
from server import times
from server.badges import service as badges
from server.corrections import following
from server.corrections import service as corrections
from server.corrections import steps as changes
from server.errors import MusterError
from server.events import copies, life, parts, recurrence, series, signups
from server.events import service as events
from server.events.model import Event, Series
from server.fleet import service as fleet
from server.people import access
from server.venues import service as venues
from tests.server.conftest import As
from tests.server.events.gathering import make_dinner, make_event, told
from tests.server.places import CAFE, HOUR, NOW, make_agent, make_badge
from tests.server.presence import scene

WEEK = dt.timedelta(days=7)
DAY = dt.timedelta(days=1)
PRESENCE = settings.load(environment={}).presence
wall = dt.datetime.fromisoformat
SATURDAY = wall("2026-03-14 20:00")  # Berlin's clock; it is turned on 29 March


def begin(session: Session, rule: str = "FREQ=WEEKLY", *capacities: int) -> list[Event]:
    """The events of Cleo's dinner that comes again, one a week."""
    make_dinner(session, *(capacities or (8,)))
    return series.events_of(session, series.begin(session, event_id="dinner", rule=rule, now=NOW))


def starts(session: Session, event: Event) -> str:
    steps = events.steps_of(session, event_id=event.id)
    return f"{copies.starts_at(steps, copies.zone_of(session, steps)):%m-%d %H:%M}"


def move(session: Session, event: Event, to: dt.datetime, venue_id: str | None = None) -> None:
    corrections.move_event(session, event_id=event.id, wall=to, venue_id=venue_id, presence=PRESENCE, now=NOW)


def follow(session: Session, event: Event, *, times: bool = True) -> Series:
    found = following.change(session, event_id=event.id, times=times, presence=PRESENCE, now=NOW)
    return series.get(session, found.series_id or "")


def test_another_time_is_taken_over_by_all_that_follow_across_a_change_of_clocks(session: Session) -> None:
    dates = begin(session)
    first, second, third, fourth = dates[:4]
    for one in (third, fourth):
        signups.sign_up(session, event_id=one.id, member_id="dora", now=NOW)
    move(session, second, SATURDAY + WEEK - HOUR)
    for _ in range(2):  # twice is as once
        part = follow(session, second)
    assert [starts(session, one) for one in dates[:5]] == [
        "03-14 20:00", "03-21 19:00", "03-28 19:00", "04-04 19:00", "04-11 19:00",
    ]  # fmt: skip
    before, after = (events.steps_of(session, event_id=one.id)[0].starts_at for one in (third, fourth))
    assert after - before == WEEK - HOUR
    assert told(session, "dora") == ["event.moved", "event.moved"]
    old = series.get(session, first.series_id or "")
    assert (series.events_of(session, old), old.ends_before) == ([first], SATURDAY + WEEK)
    assert (part.starts_at, part.rule, part.ends_before) == (SATURDAY + WEEK - HOUR, "FREQ=WEEKLY", None)
    assert series.events_of(session, part)[: len(dates) - 1] == dates[1:]
    new = series.extend(session, part, NOW + 3 * WEEK)
    assert {starts(session, one)[-5:] for one in new} == {"19:00"}
    assert all(one.state == "published" for one in dates)


def test_what_is_said_of_it_is_taken_over_and_what_is_made_later_says_so_too(session: Session) -> None:
    dates = begin(session)
    second = dates[1]
    about = dataclasses.replace(events.details_of(second), about="Bring a bowl", price="5 euros")
    events.edit(session, second, name="Soup", community_id=None, about=about)
    signups.set_entry(session, event_id=second.id, capacities={f"{second.id}-1": 3}, now=NOW)
    part = follow(session, second)
    for one in dates[1:] + series.extend(session, part, NOW + 2 * WEEK):
        assert (one.name, one.about, one.price) == ("Soup", "Bring a bowl", "5 euros")
        assert [step.capacity for step in events.steps_of(session, event_id=one.id)] == [3]
    assert (dates[0].name, dates[0].about) == ("Dinner", "")
    assert told(session, "dora") == []


def test_the_names_of_its_steps_and_their_check_in_rules_are_taken_over(session: Session) -> None:
    dates = begin(session, "FREQ=WEEKLY", 8, 4)
    first, second, third = dates[:3]
    steps = events.steps_of(session, event_id=second.id)
    rule = settings.load(environment={}).checkin
    wanted = dataclasses.replace(
        copies.move_to(steps, "Europe/Berlin", SATURDAY + WEEK)[1],
        name="Cheese",
        dwell_signed_up_s=7,
        dwell_walk_in_s=90,
    )
    with following.changing(session, event_id=second.id, presence=PRESENCE, now=NOW):
        held = changes.hold(session, event_id=second.id, step_id=steps[1].id, venue_ids=[])
        changes.change(session, *held, wanted, presence=PRESENCE, now=NOW)
    part = series.get(session, second.series_id or "")
    for one in [*dates[1:], *series.extend(session, part, NOW + 2 * WEEK)]:
        assert [
            (step.name, step.dwell_signed_up_s, step.dwell_walk_in_s)
            for step in events.steps_of(session, event_id=one.id)
        ] == [("Part 1", rule.dwell_signed_up_s, rule.dwell_walk_in_s), ("Cheese", 7, 90)]
    assert events.steps_of(session, event_id=first.id)[1].name == "Part 2"
    versions = [step.version for one in dates for step in events.steps_of(session, event_id=one.id)]
    follow(session, second)
    assert [step.version for one in dates for step in events.steps_of(session, event_id=one.id)] == versions
    events.steps_of(session, event_id=third.id)[0].name = "Wine"
    events.steps_of(session, event_id=third.id)[0].version += 1
    session.flush()
    assert following.find(session, second, NOW).stays == [third]


def test_who_was_heard_at_a_date_that_takes_over_a_rule_is_judged_by_it(session: Session) -> None:
    make_dinner(session, 8)
    events.steps_of(session, event_id="dinner")[0].ends_at += DAY  # so that two dates are on at once
    begun = series.begin(session, event_id="dinner", rule="FREQ=DAILY", now=NOW)
    steps = [events.steps_of(session, event_id=one.id)[0] for one in series.events_of(session, begun)[:2]]
    make_agent(session)
    badge_id = make_badge(session)
    badges.pair(session, badge_id=badge_id, member_id="dora", since=NOW - HOUR)
    (placement,) = fleet.placements_of(session, agent_id="cafe-door")
    low = times.to_ms(steps[1].starts_at) + 60_000
    scene.span(session, badge_id, placement.id, low, low + 60_000)
    scene.visit(session, badge_id, "cafe", "cafe-front", low, low + 60_000)
    for dwell_s in (90, 30):
        steps[0].dwell_walk_in_s = dwell_s
        session.flush()
        following.change(session, event_id="dinner", presence=PRESENCE, now=steps[1].starts_at + HOUR / 4)
        came = session.scalars(text("SELECT member_id FROM checkin WHERE step_id = :step"), {"step": steps[1].id}).all()
        assert came == (["dora"] if dwell_s == 30 else [])


def test_a_date_that_was_changed_by_itself_stays_so_where_it_was_called_off_and_put_back(session: Session) -> None:
    dates = begin(session)
    events.edit(session, dates[4], name="Opening night", community_id=None)
    dates[4].version += 1
    for one in dates[4:6]:
        wall = one.recurrence_at
        assert wall is not None
        life.cancel(session, event_id=one.id, now=NOW)
        series.put_back(session, series_id="dinner", wall=wall, now=NOW)
    events.edit(session, dates[1], name="Soup", community_id=None)
    part = follow(session, dates[1])
    assert [one.name for one in series.events_of(session, part)][:6] == ["Soup"] * 3 + ["Opening night"] + ["Soup"] * 2


def test_a_date_that_was_changed_by_itself_stays_and_is_not_made_again(session: Session) -> None:
    dates = begin(session)
    move(session, dates[3], SATURDAY + 3 * WEEK + DAY)
    events.edit(session, dates[4], name="Opening night", community_id=None)
    dates[4].version += 1
    move(session, dates[1], SATURDAY + WEEK - HOUR)
    found = following.find(session, dates[1], NOW)
    assert (found.stays, len(found.takes)) == ([dates[3], dates[4]], 8)
    part = follow(session, dates[1])
    assert [starts(session, one) for one in dates[2:6]] == ["03-28 19:00", "04-05 20:00", "04-11 20:00", "04-18 19:00"]
    assert dates[4].name == "Opening night"
    assert series.extend(session, part, NOW) == []


def test_a_title_that_this_date_alone_had_keeps_nobody_from_following(session: Session) -> None:
    dates = begin(session)
    events.edit(session, dates[0], name="Opening night", community_id=None)
    dates[0].version += 1
    with following.changing(session, event_id="dinner", presence=PRESENCE, now=NOW):
        move(session, dates[0], SATURDAY - HOUR)
    assert {starts(session, one)[-5:] for one in dates} == {"19:00"}
    assert dates[0].series_id == dates[5].series_id


def test_of_two_dates_the_one_that_was_changed_stays(session: Session) -> None:
    dates = begin(session, "FREQ=WEEKLY;COUNT=2")
    move(session, dates[1], SATURDAY + WEEK + DAY)
    with following.changing(session, event_id="dinner", presence=PRESENCE, now=NOW):
        move(session, dates[0], SATURDAY - HOUR)
    assert starts(session, dates[1]) == "03-22 20:00"


def test_one_that_was_moved_alone_may_tell_the_others_everything_but_its_time(session: Session) -> None:
    dates = begin(session)
    move(session, dates[1], SATURDAY + WEEK + DAY)
    events.edit(session, dates[1], name="Soup", community_id=None)
    part = follow(session, dates[1], times=False)
    assert [starts(session, one) for one in dates[1:3]] == ["03-22 20:00", "03-28 20:00"]
    assert (dates[2].name, part.starts_at) == ("Soup", SATURDAY + WEEK)


@pytest.mark.parametrize(
    ("rule", "to", "became", "coming"),
    [
        ("FREQ=WEEKLY;COUNT=5", "03-22 18:00", "FREQ=WEEKLY;COUNT=4", ["03-22 18:00", "03-29 18:00", "04-05 18:00"]),
        ("FREQ=WEEKLY;BYDAY=SA;UNTIL=20260404", "03-22 20:00", "FREQ=WEEKLY;BYDAY=SU;UNTIL=20260405",
         ["03-22 20:00", "03-29 20:00", "04-05 20:00"]),
        ("FREQ=MONTHLY;BYDAY=2SA", "04-02 20:00", "FREQ=MONTHLY;BYDAY=1TH", ["04-02 20:00", "05-07 20:00"]),
        ("FREQ=MONTHLY;BYMONTHDAY=14", "04-20 20:00", "FREQ=MONTHLY;BYMONTHDAY=20", ["04-20 20:00", "05-20 20:00"]),
        ("FREQ=DAILY", "03-16 09:00", "FREQ=DAILY", ["03-16 09:00", "03-17 09:00", "03-18 09:00"]),
    ],
)  # fmt: skip
def test_another_day_moves_the_rule_along(session: Session, rule: str, to: str, became: str, coming: list[str]) -> None:
    dates = begin(session, rule)
    move(session, dates[1], wall(f"2026-{to}"))
    part = follow(session, dates[1])
    assert part.rule == became
    found = series.events_of(session, part)
    assert [starts(session, one) for one in found][: len(coming)] == coming
    assert set(dates[1:]) <= set(found)


def test_a_rule_that_does_not_have_that_day_is_refused_and_nothing_is_changed(session: Session) -> None:
    dates = begin(session, "FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=4")
    at = session.begin_nested()
    move(session, dates[1], SATURDAY + 33 * DAY)
    with pytest.raises(recurrence.RuleMissesStart):
        follow(session, dates[1])
    at.rollback()
    session.expire_all()
    assert {one.series_id for one in dates} == {dates[0].series_id}


def test_what_was_left_out_or_ends_stays_so(session: Session) -> None:
    dates = begin(session)
    of = dates[0].series_id or ""
    series.leave_out(session, series_id=of, wall=SATURDAY + 3 * WEEK, now=NOW)
    series.leave_out(session, series_id=of, wall=SATURDAY + 14 * WEEK, now=NOW)
    life.cancel(session, event_id=dates[4].id, now=NOW)
    series.end(session, series_id=of, wall=SATURDAY + 16 * WEEK + HOUR, now=NOW)
    move(session, dates[1], SATURDAY + WEEK - HOUR)
    part = follow(session, dates[1])
    assert part.exdates == [SATURDAY + 3 * WEEK - HOUR, SATURDAY + 14 * WEEK - HOUR]
    assert part.ends_before == SATURDAY + 16 * WEEK
    series.extend(session, part, NOW + 8 * WEEK)
    found = {starts(session, one): one.state for one in series.events_of(session, part)}
    assert (found["04-04 20:00"], found["04-11 20:00"]) == ("cancelled", "cancelled")
    assert "04-04 19:00" not in found
    assert "06-20 19:00" not in found
    assert max(found) == "07-04 19:00"


def test_another_place_is_taken_over_by_its_clock_where_she_may_gather(session: Session) -> None:
    dates = begin(session)
    for venue_id, time_zone, owner_id in (("hall", "Europe/Lisbon", "cleo"), ("bar", "Europe/Berlin", "dora")):
        venues.create(
            session,
            id=venue_id,
            name=venue_id,
            time_zone=time_zone,
            owner_id=owner_id,
            contact="By the door",
            location=CAFE,
        )
    signups.sign_up(session, event_id=dates[5].id, member_id="dora", now=NOW)
    with following.changing(session, event_id=dates[2].id, venue_ids=["hall"], presence=PRESENCE, now=NOW):
        move(session, dates[2], SATURDAY + 2 * WEEK, "hall")
    part = series.get(session, dates[2].series_id or "")
    assert part.time_zone == "Europe/Lisbon"
    for one in (dates[2], dates[5]):
        (step,) = events.steps_of(session, event_id=one.id)
        assert (step.venue_id, starts(session, one)[-5:]) == ("hall", "20:00")
    assert events.steps_of(session, event_id=dates[1].id)[0].venue_id == "cafe"
    assert told(session, "dora") == ["event.moved"]
    move(session, dates[3], SATURDAY + 3 * WEEK, "bar")
    with pytest.raises(access.NotYourVenue):
        follow(session, dates[3])


def test_all_parts_of_each_date_follow(session: Session) -> None:
    dates = begin(session, "FREQ=WEEKLY", 8, 4)
    move(session, dates[1], SATURDAY + WEEK - HOUR)
    follow(session, dates[1])
    found = events.steps_of(session, event_id=dates[4].id)
    assert [f"{recurrence.wall(step.starts_at, 'Europe/Berlin'):%H:%M}" for step in found] == ["19:00", "20:00"]
    session.delete(events.steps_of(session, event_id=dates[2].id)[1])
    session.flush()
    with pytest.raises(following.StepsDiffer):
        follow(session, dates[2])


def test_one_of_no_series_one_called_off_and_one_whose_host_may_not_gather_are_refused(session: Session) -> None:
    dates = begin(session)
    make_event(session, "alone", NOW + DAY, None)
    life.cancel(session, event_id=dates[2].id, now=NOW)
    codes = []
    for event_id in ("alone", dates[2].id):
        with pytest.raises(MusterError) as refused:
            following.change(session, event_id=event_id, presence=PRESENCE, now=NOW)
        codes.append(refused.value.code)
    assert codes == [parts.NotInSeries.code, "called_off"]
    session.execute(text("UPDATE venue_welcome SET welcome = false"))
    session.expire_all()
    with pytest.raises(access.NotYourVenue):
        follow(session, dates[1])


def test_after_the_last_date_nothing_follows(session: Session) -> None:
    dates = begin(session, "FREQ=WEEKLY;COUNT=3")
    move(session, dates[2], SATURDAY + 2 * WEEK + HOUR)
    assert follow(session, dates[2]).starts_at == SATURDAY


def test_over_http_its_organizer_lets_the_others_follow_and_puts_a_date_back(as_: As, session: Session) -> None:
    dates = [one.id for one in begin(session)]
    cleo = as_("cleo")
    step = events.steps_of(session, event_id=dates[1])[0]
    moved = {"starts_at": "2026-03-21T18:00:00Z", "opens_at": "2026-03-21T17:30:00Z"}
    assert cleo.patch(f"/api/events/{dates[1]}/steps/{step.id}", json=moved).status_code == 200
    assert as_("dora").post(f"/api/events/{dates[1]}/following").json()["code"] == "not_your_event"
    found = [cleo.post(f"/api/events/{dates[1]}/following").json() for _ in range(2)]
    assert found[0] == found[1]
    part = found[0]["id"]
    assert [one["date"] for one in found[0]["dates"]][:2] == ["2026-03-21T19:00:00", "2026-03-28T19:00:00"]
    assert cleo.get("/api/series/dinner").json()["ends_before"] == "2026-03-21T20:00:00"
    out = {"date": "2026-03-28T19:00:00"}
    cleo.post(f"/api/series/{part}/leave-out", json=out)
    back = cleo.post(f"/api/series/{part}/put-back", json=out).json()["dates"][1]
    assert (back["state"], back["left_out"], back["event"] == dates[2]) == ("published", False, False)
    assert cleo.post("/api/events/nothing/following").json()["code"] == "event_unknown"

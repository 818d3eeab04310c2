"""Series and copies: dates made ahead, left out, ended; and the next free date."""

import dataclasses
import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.communities import rights
from server.communities import service as communities
from server.errors import MusterError
from server.events import copies, life, recurrence, series, signups, spots, states
from server.events import service as events
from server.events.model import Series
from server.people import access, roles
from server.people import service as people
from server.sharing import reading
from server.venues import service as venues
from server.venues.model import Venue
from tests.server.events.gathering import TOMORROW, make_dinner, make_event, told
from tests.server.places import CAFE, HOUR, NOW

WEEK = dt.timedelta(days=7)
wall = dt.datetime.fromisoformat
SATURDAY = wall("2026-03-14 20:00")  # Berlin's clock at TOMORROW


def begin(session: Session, rule: str = "FREQ=WEEKLY", **said: object) -> Series:
    make_dinner(session, 8, 4, **said)
    return series.begin(session, event_id="dinner", rule=rule, now=NOW)


def made(session: Session, found: Series) -> list[str]:
    return [f"{event.recurrence_at:%m-%d %H:%M}" for event in series.events_of(session, found)]


def test_twelve_weeks_are_made_ahead_each_like_the_first_and_twice_is_as_once(session: Session) -> None:
    found = begin(session, guests_max=2)
    assert len(made(session, found)) == 12
    again = series.begin(session, event_id="dinner", rule="FREQ=WEEKLY", now=NOW)
    assert (again.id, series.extend(session, found, NOW)) == (found.id, [])
    third = series.events_of(session, found)[2]
    steps = events.steps_of(session, event_id=third.id)
    assert [step.capacity for step in steps] == [8, 4]
    # The clocks were turned in between: 20:00 is 20:00, and it lasts as long.
    assert copies.starts_at(steps, "Europe/Berlin") == SATURDAY + 2 * WEEK
    assert steps[0].starts_at == TOMORROW + 2 * WEEK
    fourth = events.steps_of(session, event_id=series.events_of(session, found)[3].id)
    assert fourth[0].starts_at == TOMORROW + 3 * WEEK - HOUR
    assert [step.ends_at - step.starts_at for step in fourth] == [HOUR, HOUR]
    assert third.guests_max == 2
    assert len(series.extend(session, found, NOW + 4 * WEEK)) == 4


def test_a_daily_rule_of_a_million_dates_makes_twenty_six_at_most(session: Session) -> None:
    found = begin(session, "FREQ=DAILY;COUNT=1000000")
    assert len(made(session, found)) == 26
    assert len(series.dates_of(session, found, NOW)) == 26


def test_a_date_that_moved_is_not_made_again(session: Session) -> None:
    found = begin(session)
    second = series.events_of(session, found)[1]
    step = events.steps_of(session, event_id=second.id)[0]
    events.move_step(
        session, event_id=second.id, step_id=step.id, venue_id="cafe", zone_id=None,
        opens_at=step.opens_at + 30 * HOUR, starts_at=step.starts_at + 30 * HOUR, ends_at=step.ends_at + 30 * HOUR,
    )  # fmt: skip
    assert series.extend(session, found, NOW) == []
    assert series.dates_of(session, found, NOW)[1].event is second


def test_what_was_changed_at_the_first_date_alone_is_not_of_those_made_later(session: Session) -> None:
    found = begin(session)
    communities.create(session, id="readers", name="Readers")
    communities.join(session, community_id="readers", member_id="cleo", now=NOW)
    dates = series.events_of(session, found)
    for one in dates:
        one.community_id = "readers"
    about = dataclasses.replace(events.details_of(dates[0]), about="An open evening", open_to_all=True)
    events.edit(session, dates[0], name="Opening night", community_id="readers", about=about)
    dates[0].version += 1
    step = events.steps_of(session, event_id="dinner")[0]
    venues.create(session, id="bar", name="Bar", time_zone="Europe/Berlin", owner_id="dora", contact="x", location=CAFE)
    events.move_step(
        session, event_id="dinner", step_id=step.id, venue_id="bar", zone_id=None,
        opens_at=step.opens_at, starts_at=step.starts_at, ends_at=step.ends_at,
    )  # fmt: skip
    new = series.extend(session, found, NOW + 4 * WEEK)
    assert [(one.name, one.about, one.open_to_all) for one in new] == [("Dinner", "", False)] * 4
    assert {step.venue_id for one in new for step in events.steps_of(session, event_id=one.id)} == {"cafe"}
    assert (found.ends_before, told(session, "cleo")) == (None, [])


def test_dates_are_made_as_most_are_whatever_was_called_off(session: Session) -> None:
    found = begin(session)
    dates = series.events_of(session, found)
    for one in dates[3:]:
        life.cancel(session, event_id=one.id, now=NOW)
    for one in dates[:2]:
        events.edit(session, one, name="Soup", community_id=None)
        one.version += 1
    assert {one.name for one in series.extend(session, found, NOW + 2 * WEEK)} == {"Soup"}


def test_one_date_is_left_out_twice_as_once_made_or_not(session: Session) -> None:
    found = begin(session)
    second = series.events_of(session, found)[1]
    signups.sign_up(session, event_id=second.id, member_id="dora", now=NOW)
    for _ in range(2):
        series.leave_out(session, series_id=found.id, wall=SATURDAY + WEEK, now=NOW)
        series.leave_out(session, series_id=found.id, wall=SATURDAY + 15 * WEEK, now=NOW)
    assert (second.state, told(session, "dora")) == ("cancelled", ["event.called_off"])
    assert found.exdates == [SATURDAY + WEEK, SATURDAY + 15 * WEEK]
    series.extend(session, found, NOW + 8 * WEEK)
    assert "06-27 20:00" not in made(session, found)
    assert "07-04 20:00" in made(session, found)
    with pytest.raises(MusterError) as refused:
        series.leave_out(session, series_id=found.id, wall=SATURDAY + dt.timedelta(days=1), now=NOW)
    assert refused.value.code == "date_unknown"


def test_a_date_that_was_left_out_is_put_back_twice_as_once(session: Session) -> None:
    found = begin(session, guests_max=2)
    second, third = series.events_of(session, found)[1:3]
    for weeks in (1, 3, 14):
        series.leave_out(session, series_id=found.id, wall=SATURDAY + weeks * WEEK, now=NOW)
    life.cancel(session, event_id=third.id, now=NOW)
    for _ in range(2):
        for weeks in (1, 2, 14):
            series.put_back(session, series_id=found.id, wall=SATURDAY + weeks * WEEK, now=NOW)
    assert found.exdates == [SATURDAY + 3 * WEEK]
    assert made(session, found)[:4] == ["03-14 20:00", "03-21 20:00", "03-28 20:00", "04-04 20:00"]
    again = series.events_of(session, found)[1]
    assert (again.state, again.guests_max, again.id == second.id) == ("published", 2, False)
    assert (second.state, second.series_id) == ("cancelled", None)
    assert "06-20 20:00" in [
        f"{event.recurrence_at:%m-%d %H:%M}" for event in series.extend(session, found, NOW + 4 * WEEK)
    ]
    for wall in (SATURDAY + dt.timedelta(days=1), SATURDAY + 3 * WEEK):
        with pytest.raises(MusterError) as refused:
            series.put_back(session, series_id=found.id, wall=wall, now=NOW + 5 * WEEK)
        assert refused.value.code == "date_unknown"


def test_one_whose_host_may_not_gather_there_any_more_is_not_put_back(session: Session) -> None:
    found = begin(session)
    series.leave_out(session, series_id=found.id, wall=SATURDAY + WEEK, now=NOW)
    session.execute(text("UPDATE venue_welcome SET welcome = false"))
    session.expire_all()
    with pytest.raises(access.NotYourVenue):
        series.put_back(session, series_id=found.id, wall=SATURDAY + WEEK, now=NOW)


def test_this_and_what_follows_ends_one_series_and_begins_another(session: Session) -> None:
    found = begin(session)
    third = series.events_of(session, found)[2]
    with pytest.raises(series.InSeries):
        series.begin(session, event_id=third.id, rule="FREQ=WEEKLY;INTERVAL=2", now=NOW)
    for _ in range(2):
        series.end(session, series_id=found.id, wall=SATURDAY + 2 * WEEK, now=NOW)
    assert made(session, found)[:2] == ["03-14 20:00", "03-21 20:00"]
    states_left = {event.state for event in series.events_of(session, found)[2:]}
    assert (states_left, third.state, third.series_id) == ({"cancelled"}, "published", None)
    assert series.extend(session, found, NOW + 8 * WEEK) == []
    other = series.begin(session, event_id=third.id, rule="FREQ=WEEKLY;INTERVAL=2", now=NOW)
    assert made(session, other)[:3] == ["03-28 20:00", "04-11 20:00", "04-25 20:00"]
    assert series.list_lasting(session, NOW) == sorted({found.id, other.id})
    assert series.list_lasting(session, NOW + 4 * WEEK) == [other.id]


def test_what_its_place_no_longer_welcomes_is_not_repeated_and_its_series_ends(session: Session) -> None:
    found = begin(session)
    session.execute(text("UPDATE venue_welcome SET welcome = false"))
    session.expire_all()
    for _ in range(2):
        assert series.extend(session, found, NOW + 4 * WEEK) == []
    assert (len(made(session, found)), series.list_lasting(session, NOW + 6 * WEEK)) == (12, [])
    assert told(session, "cleo") == ["event.series_ended"]
    make_event(session, "other", TOMORROW, None)
    with pytest.raises(access.NotYourVenue):
        copies.again(session, event_id="other", by="cleo", now=NOW)
    with pytest.raises(access.NotYourVenue):
        series.begin(session, event_id="other", rule="FREQ=WEEKLY", now=NOW)
    assert copies.again(session, event_id="other", by="ana", now=NOW).organizer_id == "ana"


def test_who_keeps_a_home_no_longer_does_not_repeat_what_was_there(session: Session) -> None:
    make_dinner(session, 1)
    session.execute(text("UPDATE venue SET kind = 'home', listed = false"))
    session.expire_all()
    for by in ("cleo", "ana"):
        with pytest.raises(access.NotYourVenue):
            copies.again(session, event_id="dinner", by=by, now=NOW)
    roles.give(session, member_id="cleo", kind="venue", of_id="cafe", called="", by="ben", now=NOW)
    assert copies.again(session, event_id="dinner", by="cleo", now=NOW).organizer_id == "cleo"


def test_a_spot_needs_nobody_s_yes_whoever_has_it_now(session: Session) -> None:
    make_dinner(session, 1)
    oak = spots.make(session, spots.Spot("Oak", (13.4, 52.5), "Europe/Berlin"), by=people.get(session, "dora"))
    step = events.NewStep("Walk", oak.id, TOMORROW, TOMORROW + HOUR)
    events.create(session, id="walk", name="Walk", organizer_id="cleo", steps=[step])
    assert copies.again(session, event_id="walk", by="cleo", now=NOW).organizer_id == "cleo"


def test_one_that_was_called_off_begins_no_series(session: Session) -> None:
    make_dinner(session, 1)
    events.get(session, "dinner").state = states.State.CANCELLED
    with pytest.raises(states.CalledOff):
        series.begin(session, event_id="dinner", rule="FREQ=WEEKLY", now=NOW)


def test_the_dates_of_a_draft_are_drafts_until_one_is_announced_with_those_after_it(session: Session) -> None:
    found = begin(session, state=states.State.DRAFT)
    series.extend(session, found, NOW + 2 * WEEK)
    dates = series.events_of(session, found)
    ana, dora = people.get(session, "ana"), people.get(session, "dora")
    assert {event.state for event in dates} == {"draft"}
    assert (events.list_seen(session, dora), len(events.list_seen(session, ana))) == ([], len(dates))
    assert told(session, "ben") == []
    for _ in range(2):
        series.announce(session, event_id=dates[1].id, now=NOW)
    assert [event.state for event in dates] == ["draft", *["published"] * (len(dates) - 1)]
    assert told(session, "ben") == ["event.repeated"]
    assert {event.state for event in series.extend(session, found, NOW + 4 * WEEK)} == {"published"}
    series.announce(session, event_id="dinner", now=NOW)
    assert dates[0].state == "published"


def test_a_draft_that_was_called_off_stays_its_hosts_alone_and_so_do_the_dates_after_it(session: Session) -> None:
    found = begin(session, "FREQ=MONTHLY", state=states.State.DRAFT)
    dora, cleo = people.get(session, "dora"), people.get(session, "cleo")
    for event in series.events_of(session, found):
        life.cancel(session, event_id=event.id, now=NOW)
    assert {event.state for event in series.extend(session, found, NOW + 8 * WEEK)} == {"draft"}
    assert events.list_seen(session, dora) == []
    assert len(events.list_seen(session, cleo)) == len(series.events_of(session, found))
    with pytest.raises(events.EventUnknown):
        events.get_seen(session, "dinner", dora)
    with pytest.raises(events.EventUnknown):
        reading.see(session, "dinner", viewer=cleo)


def test_whoever_may_not_gather_in_a_community_repeats_nothing_of_it(session: Session) -> None:
    make_dinner(session, 8)
    communities.create(session, id="readers", name="Readers")
    events.get(session, "dinner").community_id = "readers"
    for again in (
        lambda: copies.again(session, event_id="dinner", by="cleo", now=NOW),
        lambda: series.begin(session, event_id="dinner", rule="FREQ=WEEKLY", now=NOW),
    ):
        with pytest.raises(rights.JoinFirst):
            again()
    communities.join(session, community_id="readers", member_id="cleo", now=NOW)
    assert copies.again(session, event_id="dinner", by="cleo", now=NOW).community_id == "readers"


def test_a_series_ends_when_its_organizer_leaves_the_community_and_she_is_told_once(session: Session) -> None:
    make_dinner(session, 8)
    communities.create(session, id="readers", name="Readers")
    communities.join(session, community_id="readers", member_id="cleo", now=NOW)
    events.get(session, "dinner").community_id = "readers"
    found = series.begin(session, event_id="dinner", rule="FREQ=WEEKLY", now=NOW)
    communities.leave(session, community_id="readers", member_id="cleo", now=NOW)
    for _ in range(2):
        assert series.extend(session, found, NOW + 4 * WEEK) == []
    assert told(session, "cleo") == ["event.series_ended"]
    assert series.list_lasting(session, NOW + 5 * WEEK) == []
    assert len(made(session, found)) == 12


def test_a_date_that_was_moved_earlier_and_is_over_does_not_keep_a_series_from_ending(session: Session) -> None:
    found = begin(session)
    second = series.events_of(session, found)[1]
    for step in events.steps_of(session, event_id=second.id):
        events.move_step(
            session, event_id=second.id, step_id=step.id, venue_id="cafe", zone_id=None,
            opens_at=step.opens_at - WEEK, starts_at=step.starts_at - WEEK, ends_at=step.ends_at - WEEK,
        )  # fmt: skip
    now = NOW + dt.timedelta(days=4)
    gone = series.end(session, series_id=found.id, wall=recurrence.wall(now, "Europe/Berlin"), now=now)
    assert (len(gone), second.state) == (10, "published")


def test_again_is_the_next_same_weekday_and_hour_that_is_free(session: Session) -> None:
    make_dinner(session, 8)
    make_event(session, "other", TOMORROW + WEEK + HOUR / 2, None)
    make_event(session, "free", TOMORROW + 2 * WEEK + HOUR, None)
    copied = copies.again(session, event_id="dinner", by="cleo", now=NOW)
    (step,) = events.steps_of(session, event_id=copied.id)
    assert step.starts_at == TOMORROW + 2 * WEEK
    assert (copied.organizer_id, copied.state, step.capacity) == ("cleo", "published", 8)
    assert copies.starts_at([step], "Europe/Berlin").hour == 20
    later = copies.again(session, event_id="dinner", by="cleo", now=NOW + 10 * WEEK)
    (step,) = events.steps_of(session, event_id=later.id)
    assert step.starts_at == TOMORROW + 10 * WEEK - HOUR  # summer time: eight in the evening
    assert told(session, "ben") == ["event.repeated", "event.repeated"]


def test_one_that_was_called_off_leaves_its_date_free(session: Session) -> None:
    make_dinner(session, 8)
    make_event(session, "other", TOMORROW + WEEK, None).state = states.State.CANCELLED
    copied = copies.again(session, event_id="dinner", by="cleo", now=NOW)
    assert events.steps_of(session, event_id=copied.id)[0].starts_at == TOMORROW + WEEK


def test_a_spot_is_a_place_on_no_list_and_goes_when_nothing_needs_it(session: Session) -> None:
    make_dinner(session, 1)
    dora = people.get(session, "dora")
    with pytest.raises(spots.ZoneNeeded):
        spots.make(session, spots.Spot("The old oak"), by=dora)
    assert spots.make(session, spots.Spot("A beach", (-8.6, 41.1)), by=dora).time_zone == "Europe/Lisbon"
    oak, elm = (spots.make(session, spots.Spot(name, (13.4, 52.5), "Europe/Berlin"), by=dora).id for name in ("A", "B"))
    venue = session.get_one(Venue, oak)
    assert (venue.kind, venue.listed, venue.contact) == ("spot", False, "Dora Lindqvist")
    step = events.NewStep("Walk", oak, TOMORROW, TOMORROW + HOUR)
    events.create(session, id="walk", name="Walk", organizer_id="dora", steps=[step])
    session.execute(text("UPDATE venue SET created_at = :at"), {"at": NOW})
    assert [spots.tidy(session, NOW + hours * HOUR) for hours in (1, 25, 26)] == [0, 2, 0]
    session.expire_all()
    assert (session.get(Venue, oak) is None, session.get(Venue, elm) is None) == (False, True)

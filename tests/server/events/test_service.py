"""Events, steps and sign-ups."""

import dataclasses
import datetime as dt
from typing import Any

import pytest
from sqlalchemy.orm import Session

from config import settings
from server import topics
from server.communities import service as communities
from server.errors import Invalid
from server.events import service as events
from server.events import signups, states
from server.people import service as people
from server.venues import service as venues
from tests.server.places import HOUR, NOW, make_cafe, make_members

TALK = events.NewStep("Talk", "cafe", NOW, NOW + 2 * HOUR)


@pytest.fixture(autouse=True)
def _cafe(session: Session) -> None:
    make_members(session)
    make_cafe(session)


def make(session: Session, *steps: events.NewStep, **changes: Any) -> None:
    """An event of Cleo's that is all right but for the changes."""
    fields: dict[str, Any] = {"id": "night", "name": "Night of ideas", "organizer_id": "cleo", **changes}
    events.create(session, steps=steps or [TALK], **fields)


def test_a_step_that_says_nothing_takes_the_defaults(session: Session) -> None:
    make(session)
    rule = settings.load(environment={}).checkin
    (step,) = events.steps_of(session, event_id="night")
    assert step.id == "night-1"
    assert step.opens_at == NOW - dt.timedelta(seconds=rule.opens_before_s)
    assert (step.dwell_signed_up_s, step.dwell_walk_in_s) == (rule.dwell_signed_up_s, rule.dwell_walk_in_s)
    assert (step.zone_id, step.capacity) == (None, None)


def test_a_step_keeps_what_it_says(session: Session) -> None:
    said = dataclasses.replace(
        TALK, id="keynote", zone_id="cafe-back", opens_at=NOW, dwell_signed_up_s=0, dwell_walk_in_s=5, capacity=30
    )
    make(session, TALK, said)
    _, step = events.steps_of(session, event_id="night")
    assert (step.id, step.zone_id, step.opens_at, step.dwell_signed_up_s, step.dwell_walk_in_s, step.capacity) == (
        "keynote",
        "cafe-back",
        NOW,
        0,
        5,
        30,
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": ""}, "needs a name"),
        ({"ends_at": NOW}, "opens, then starts"),
        ({"opens_at": NOW + HOUR}, "opens, then starts"),
        ({"ends_at": NOW + dt.timedelta(days=40)}, "longer than"),
        ({"dwell_walk_in_s": -1}, "to be heard"),
        ({"dwell_signed_up_s": float("nan")}, "to be heard"),
        ({"capacity": 0}, "capacity"),
        ({"id": "Key note"}, "id of a step"),
        ({"id": "night-1"}, "id of its own"),
    ],
)
def test_a_step_that_cannot_be_right_is_refused(session: Session, change: dict[str, Any], sentence: str) -> None:
    make(session, TALK, TALK)
    with pytest.raises(Invalid, match=sentence):
        make(session, TALK, dataclasses.replace(TALK, **change), id="night" if "id" in change else "other")


def test_an_event_has_steps(session: Session) -> None:
    with pytest.raises(Invalid, match="between one and"):
        events.create(session, id="night", name="Night", organizer_id="cleo", steps=[])


def test_everything_that_an_event_names_must_exist(session: Session) -> None:
    with pytest.raises(people.MemberUnknown):
        make(session, organizer_id="nobody")
    with pytest.raises(communities.CommunityUnknown):
        make(session, community_id="nowhere")
    with pytest.raises(venues.VenueUnknown):
        make(session, dataclasses.replace(TALK, venue_id="nowhere"))
    with pytest.raises(venues.ZoneUnknown):
        make(session, dataclasses.replace(TALK, zone_id="kitchen"))
    make(session)


def test_taken_ids_are_conflicts_and_leave_nothing_behind(session: Session) -> None:
    make(session)
    with pytest.raises(events.EventExists):
        make(session)
    with pytest.raises(events.StepExists, match="night-1"):
        make(session, dataclasses.replace(TALK, id="night-1"), id="other")
    with pytest.raises(events.EventUnknown):
        events.get(session, "other")


def test_steps_are_open_from_their_opening_until_their_end(session: Session) -> None:
    make(session)

    def open_at(at: dt.datetime, venue_id: str | None = None) -> list[str]:
        return [step.id for step in events.steps_open_at(session, at=at, venue_id=venue_id)]

    assert open_at(NOW - HOUR) == ["night-1"]
    assert open_at(NOW - HOUR, "cafe") == ["night-1"]
    assert open_at(NOW - HOUR, "elsewhere") == []
    assert open_at(NOW - HOUR - dt.timedelta(seconds=1)) == []
    assert open_at(NOW + 2 * HOUR) == []
    assert events.is_running(session, event_id="night", at=NOW)
    assert not events.is_running(session, event_id="night", at=NOW + 2 * HOUR)
    assert events.running_there(session, organizer_id="cleo", venue_id="cafe", at=NOW) == ["night"]
    assert events.running_there(session, organizer_id="dora", venue_id="cafe", at=NOW) == []
    assert events.running_there(session, organizer_id="cleo", venue_id="cafe", at=NOW + 2 * HOUR) == []


def test_signing_up_twice_is_as_once_and_the_streams_hear_of_it(session: Session) -> None:
    make(session)
    before = topics.revisions(session, ["event/night", "member/dora"])
    for _ in range(2):
        signups.sign_up(session, event_id="night", member_id="dora", now=NOW)
    after = topics.revisions(session, ["event/night", "member/dora"])
    assert all(after[topic] > before[topic] for topic in after)
    assert signups.count_sign_ups(session, event_id="night") == 1
    assert signups.has_signed_up(session, event_id="night", member_id="dora")
    assert signups.signed_up_for(session, member_id="dora") == ["night"]


def test_a_sign_up_can_be_withdrawn_once(session: Session) -> None:
    make(session)
    signups.sign_up(session, event_id="night", member_id="dora", now=NOW)
    signups.withdraw(session, event_id="night", member_id="dora", now=NOW)
    assert not signups.has_signed_up(session, event_id="night", member_id="dora")
    with pytest.raises(states.NotSignedUp):
        signups.withdraw(session, event_id="night", member_id="dora", now=NOW)


def test_what_is_over_takes_no_sign_ups(session: Session) -> None:
    make(session)
    signups.sign_up(session, event_id="night", member_id="dora", now=NOW)
    with pytest.raises(states.EventOver, match="Night of ideas is over"):
        signups.sign_up(session, event_id="night", member_id="ben", now=NOW + 2 * HOUR)
    with pytest.raises(states.EventOver):
        signups.withdraw(session, event_id="night", member_id="dora", now=NOW + 2 * HOUR)


def test_an_event_of_a_community_is_for_its_members(session: Session) -> None:
    communities.create(session, id="swifts", name="Swift watchers")
    make(session, community_id="swifts")
    with pytest.raises(events.MembersOnly, match="Swift watchers"):
        signups.sign_up(session, event_id="night", member_id="dora", now=NOW)
    communities.join(session, community_id="swifts", member_id="dora")
    signups.sign_up(session, event_id="night", member_id="dora", now=NOW)


def test_events_are_listed_the_latest_first(session: Session) -> None:
    make(session)
    make(session, dataclasses.replace(TALK, starts_at=NOW + HOUR, ends_at=NOW + 3 * HOUR), id="later")
    assert [event.id for event in events.list_all(session)] == ["later", "night"]
    assert [event.id for event in events.organized_by(session, member_id="cleo")] == ["later", "night"]
    assert events.organized_by(session, member_id="dora") == []

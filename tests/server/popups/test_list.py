"""A pop-up's event is for its list alone, and who is asked was really seen somewhere once."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from server.checkins import evidence
from server.consent import service as consent
from server.doors import places
from server.events import copies, seeing
from server.events import service as events
from server.events.details import Details
from server.events.model import Event, Step
from server.phones import hearing
from server.popups.model import PopUp
from tests.server.popups.scene import FOUR, at, come, look, make_four, offer, say, see


def _on(session: Session) -> Event:
    """The event of a pop-up of three."""
    return session.get_one(Event, say(session, offer(session), "p1", "p2", "p3").event_id)


def test_its_host_cannot_open_it_to_others(session: Session) -> None:
    event = _on(session)
    for about, community in ((Details(open_to_all=True), None), (None, "chess-club")):
        if community:
            session.execute(text("INSERT INTO community (id, name) VALUES ('chess-club', 'Chess')"))
        with pytest.raises(events.ListOnly):
            events.edit(session, event, name="For all", community_id=community, about=about)
    with pytest.raises(events.ListOnly):
        copies.check_may_gather(session, event, event.organizer_id)
    events.edit(session, event, name="Chess, by the pond", community_id=None)
    assert not seeing.is_for_everybody(event)
    assert session.scalar(text("SELECT for_all FROM listing WHERE event_id = :id"), {"id": event.id}) is False


def test_who_is_not_on_its_list_does_not_walk_in(session: Session) -> None:
    event = _on(session)
    step = session.scalars(select(Step).where(Step.event_id == event.id)).one()
    for member_id, walks_in in (("p4", False), ("p1", False)):
        given = {"member": member_id, "venue": step.venue_id, "since": at(0), "until": at(60)}
        assert [row.walk_in for row in session.execute(hearing._STEPS, given)] == [walks_in]
    known = evidence.steps(session, [step.id])
    pairs = [(one, step.id) for one in FOUR]
    judged = evidence.cases(session, pairs, known, {}, 60_000)
    assert [case.member_id for case in judged] == ["p1", "p2", "p3"]
    assert places.behind(session, event.id).approval


def test_only_who_was_really_seen_once_is_asked(session: Session) -> None:
    make_four(session)
    session.execute(text("DELETE FROM checkin WHERE member_id = 'p4'"))
    come(session)
    assert look(session) == []
    see(session, "p4", "phone")
    assert look(session) == []
    session.execute(text("UPDATE checkin SET evidence = 'qr' WHERE member_id = 'p4'"))
    assert len(look(session)) == 1


def test_a_yes_that_did_not_count_counts_when_it_is_said_again(session: Session) -> None:
    pop_up_id = offer(session)
    say(session, pop_up_id, "p1", "p2")
    consent.pause(session, member_id="p1", now=at(1))
    say(session, pop_up_id, "p3")
    consent.resume(session, member_id="p1", now=at(2))
    assert session.get_one(PopUp, pop_up_id).state == "offered"
    assert say(session, pop_up_id, "p1", minute=3).state == "on"

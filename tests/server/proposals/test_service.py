"""Proposals from opening to what comes of them, each refusal beside its success."""

import datetime as dt

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.errors import Invalid
from server.events import service as events
from server.governance import ending
from server.inbox.model import Notification
from server.people import merging, roles
from server.people import service as people
from server.proposals import service as proposals
from server.proposals.model import Proposal
from server.proposals.service import NewOption
from server.proposals.states import ProposalLapsed, ProposalSettled, ProposalWithdrawn
from server.venues import service as venues
from tests.server.places import HOUR, NOW
from tests.server.proposals.scene import DECIDE, at, commit, going, ids, make_readers, nonce, propose, told

MICRO = dt.timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def _readers(session: Session) -> None:
    make_readers(session)


def look(session: Session, proposal: Proposal, now: dt.datetime) -> Proposal:
    return proposals.look(session, proposal_id=proposal.id, now=now)


def test_the_last_commitment_makes_it_a_gathering(session: Session) -> None:
    proposal = propose(session)
    commit(session, proposal, "r1")
    assert proposal.state == "open"
    commit(session, proposal, "r2")
    assert (proposal.state, proposal.decided_at) == ("settled", NOW)
    event = events.get(session, proposal.event_id or "")
    (step,) = events.steps_of(session, event_id=event.id)
    assert (event.name, event.organizer_id, event.community_id) == ("Dinner", "r0", "readers")
    assert (step.starts_at, step.capacity) == (NOW + 72 * HOUR, None)
    assert going(session, event.id) == {"r0", "r1", "r2"}
    found = told(session, "proposal.settled")
    assert set(found) == {"r0", "r1", "r2"}
    assert found["r1"][1:] == ({"title": "Dinner", "count": 3}, f"/events/{event.id}")
    assert "organizer" in found["r0"][0]


def test_an_organizer_gets_no_look_into_a_place_that_is_somebody_elses(session: Session) -> None:
    proposal = propose(session, quorum=2)
    commit(session, proposal, "r1")
    (step,) = events.steps_of(session, event_id=proposal.event_id or "")
    spot = venues.get(session, step.venue_id)
    assert spot.id != "cafe"
    assert (spot.name, spot.owner_id) == ("Café Lumen", "r0")
    assert venues.location_of(spot) == venues.location_of(venues.get(session, "cafe"))
    communities.join(session, community_id="readers", member_id="ben")
    hers = propose(session, at(72, zone_id="cafe-back"), quorum=2, by_id="ben")
    commit(session, hers, "r1")
    (step,) = events.steps_of(session, event_id=hers.event_id or "")
    assert (step.venue_id, step.zone_id) == ("cafe", "cafe-back")


def test_any_place_with_a_name_will_do(session: Session) -> None:
    hill = at(72, venue_id=None, place="The hill", time_zone="Asia/Shanghai", location=(116.39, 39.9))
    proposal = propose(session, hill, quorum=2)
    commit(session, proposal, "r1")
    (step,) = events.steps_of(session, event_id=proposal.event_id or "")
    spot = venues.get(session, step.venue_id)
    assert (spot.name, spot.time_zone) == ("The hill", "Asia/Shanghai")
    assert not spot.simulated


def test_what_a_simulated_community_settles_on_is_marked_as_such(session: Session) -> None:
    communities.get(session, "readers").simulated = True
    proposal = propose(session, at(72, venue_id=None, place="The hill", time_zone="Asia/Shanghai"), quorum=2)
    commit(session, proposal, "r1")
    event = events.get(session, proposal.event_id or "")
    (step,) = events.steps_of(session, event_id=event.id)
    assert event.simulated
    assert venues.get(session, step.venue_id).simulated


def test_it_opens_no_sooner_than_it_is_settled(session: Session) -> None:
    proposal = propose(session, at(1.5), quorum=2, decide_by=NOW + HOUR)
    now = NOW + 0.9 * HOUR
    commit(session, proposal, "r1", now=now)
    (step,) = events.steps_of(session, event_id=proposal.event_id or "")
    assert step.opens_at == now


def test_a_commitment_is_taken_back_until_it_is_settled_and_again_is_as_once(session: Session) -> None:
    proposal = propose(session)
    for _ in range(2):
        commit(session, proposal, "r1")
    for _ in range(2):
        proposals.commit(session, proposal_id=proposal.id, member_id="r1", option_ids=(), now=NOW)
    assert [option.can for option in proposals.case_of(session, proposal).options] == [("r0",)]
    for who in ("r1", "r2"):
        commit(session, proposal, who)
    with pytest.raises(ProposalSettled):
        proposals.commit(session, proposal_id=proposal.id, member_id="r1", option_ids=(), now=NOW)


def test_who_proposes_comes(session: Session) -> None:
    proposal = propose(session, at(72), at(96))
    with pytest.raises(proposals.ProposerComes):
        commit(session, proposal, "r0", 0)
    commit(session, proposal, "r0", 0, 1)


def test_who_does_not_belong_neither_proposes_nor_commits(session: Session) -> None:
    with pytest.raises(proposals.MembersPropose):
        propose(session, by_id="dora")
    proposal = propose(session)
    with pytest.raises(proposals.MembersPropose):
        commit(session, proposal, "dora")
    communities.join(session, community_id="readers", member_id="dora")
    commit(session, proposal, "dora")
    assert propose(session, by_id="dora").by_id == "dora"


def test_whoever_leaves_the_community_counts_no_more(session: Session) -> None:
    proposal = propose(session)
    commit(session, proposal, "r1")
    communities.leave(session, community_id="readers", member_id="r1", now=NOW)
    commit(session, proposal, "r2")
    assert proposal.state == "open"
    commit(session, proposal, "r3")
    assert going(session, proposal.event_id) == {"r0", "r2", "r3"}


def test_one_that_is_open_to_all_takes_everybody(session: Session) -> None:
    proposal = propose(session, community_id=None, quorum=2)
    commit(session, proposal, "dora")
    assert going(session, proposal.event_id) == {"r0", "dora"}


def test_of_several_the_best_happens_at_the_deadline_and_the_others_are_told(session: Session) -> None:
    proposal = propose(session, at(72), at(96), at(120))
    for who, places in (("r1", (0,)), ("r2", (0, 1)), ("r3", (1,)), ("r4", (2,)), ("r5", (1,))):
        commit(session, proposal, who, *places)
    assert look(session, proposal, DECIDE - MICRO).state == "open"
    assert look(session, proposal, DECIDE).state == "settled"
    (step,) = events.steps_of(session, event_id=proposal.event_id or "")
    assert step.starts_at == NOW + 96 * HOUR
    assert going(session, proposal.event_id) == {"r0", "r2", "r3", "r5"}
    found = told(session, "proposal.settled")
    assert set(found) == {"r0", "r1", "r2", "r3", "r4", "r5"}
    assert found["r1"][0] == found["r4"][0] != found["r2"][0]


def test_the_proposer_lets_it_happen_once_the_quorum_is_there_and_nobody_else(session: Session) -> None:
    proposal = propose(session, at(72), at(96))
    commit(session, proposal, "r1", 1)

    def settle(who: str) -> Proposal:
        return proposals.settle(session, proposal_id=proposal.id, by_id=who, now=NOW)

    with pytest.raises(proposals.QuorumNotThere):
        settle("r0")
    commit(session, proposal, "r2", 1)
    with pytest.raises(proposals.ProposerOnly):
        settle("r1")
    event_id = settle("r0").event_id
    assert settle("r0").event_id == event_id is not None


def test_with_room_for_some_the_first_come_and_the_others_wait(session: Session) -> None:
    proposal = propose(session, at(72), at(96), most=3)
    for who in ("r4", "r2", "r1"):
        commit(session, proposal, who, 0)
    look(session, proposal, DECIDE)
    assert going(session, proposal.event_id) == {"r0", "r4", "r2"}
    assert going(session, proposal.event_id, "waiting") == {"r1"}
    (step,) = events.steps_of(session, event_id=proposal.event_id or "")
    assert step.capacity == 3
    assert "faster" in told(session, "proposal.settled")["r1"][0]


def test_too_few_and_it_lapses_and_everybody_is_told_once(session: Session) -> None:
    proposal = propose(session)
    commit(session, proposal, "r1")
    for _ in range(2):
        assert look(session, proposal, DECIDE).state == "lapsed"
    assert proposal.why == "too_few"
    found = told(session, "proposal.lapsed")
    assert set(found) == {"r0", "r1"}
    assert found["r1"][1] == {"title": "Dinner", "count": 2, "quorum": 3}
    with pytest.raises(ProposalLapsed):
        commit(session, proposal, "r2", now=DECIDE)


def test_whoever_commits_after_the_deadline_comes_too_late_though_nobody_looked(session: Session) -> None:
    proposal = propose(session)
    commit(session, proposal, "r1", now=DECIDE - MICRO)
    with pytest.raises(ProposalLapsed):
        commit(session, proposal, "r2", now=DECIDE)
    assert proposal.state == "lapsed"


def test_it_is_taken_back_by_who_proposed_it_and_everybody_is_told(session: Session) -> None:
    proposal = propose(session)
    commit(session, proposal, "r1")
    with pytest.raises(proposals.ProposerOnly):
        proposals.withdraw(session, proposal_id=proposal.id, by_id="r1", now=NOW)
    for _ in range(2):
        proposals.withdraw(session, proposal_id=proposal.id, by_id="r0", now=NOW)
    assert set(told(session, "proposal.withdrawn")) == {"r1"}
    with pytest.raises(ProposalWithdrawn):
        commit(session, proposal, "r2")
    settled = propose(session, quorum=2)
    commit(session, settled, "r1")
    with pytest.raises(ProposalSettled):
        proposals.withdraw(session, proposal_id=settled.id, by_id="r0", now=NOW)


def test_when_its_proposer_is_gone_it_is_withdrawn(session: Session) -> None:
    proposal = propose(session)
    commit(session, proposal, "r1")
    session.execute(text("DELETE FROM member WHERE id = 'r0'"))
    session.expire_all()
    assert proposals.due(session, NOW) == [proposal.id]
    assert look(session, proposal, NOW).state == "withdrawn"
    assert set(told(session, "proposal.withdrawn")) == {"r1"}


@pytest.mark.parametrize("became", [True, False])
def test_a_home_that_who_proposed_it_does_not_keep_falls_out(session: Session, became: bool) -> None:
    if not became:
        session.execute(text("UPDATE venue SET kind = 'home', listed = false"))
        session.expire_all()
        roles.give(session, member_id="r0", kind="venue", of_id="cafe", called="", by="ben", now=NOW)
    park = at(96, venue_id=None, place="The park", time_zone="Europe/Berlin")
    both, one = propose(session, at(72), park, quorum=2), propose(session, quorum=2)
    commit(session, both, "r1", 0, 1)
    if became:
        session.execute(text("UPDATE venue SET kind = 'home', listed = false"))
    else:
        roles.take_back(session, member_id="r0", kind="venue", of_id="cafe", by="ben", now=NOW)
    session.expire_all()
    with pytest.raises(ProposalLapsed):
        commit(session, one, "r1")
    proposals.settle(session, proposal_id=both.id, by_id="r0", now=NOW)
    (step,) = events.steps_of(session, event_id=both.event_id or "")
    assert venues.get(session, step.venue_id).name == "The park"
    assert session.scalars(text("SELECT name FROM venue WHERE kind = 'spot'")).all() == ["The park"]


def test_a_place_that_closes_falls_out_and_with_the_last_one_it_lapses(session: Session) -> None:
    park = at(96, venue_id=None, place="The park", time_zone="Europe/Berlin")
    both, one = propose(session, at(72), park, quorum=4), propose(session)
    for who in ("r1", "r2"):
        commit(session, both, who, 0, 1)
    commit(session, one, "r1")
    session.execute(text("UPDATE venue SET owner_id = NULL WHERE id = 'cafe'"))
    session.expire_all()
    with pytest.raises(proposals.OptionGone):
        commit(session, both, "r3", 0)
    commit(session, both, "r3", 1)
    assert (look(session, both, NOW).state, look(session, one, NOW).why) == ("settled", "nothing_left")
    (step,) = events.steps_of(session, event_id=both.event_id or "")
    assert step.name == "Dinner"
    assert step.starts_at == NOW + 96 * HOUR


def test_a_place_that_is_deleted_falls_out(session: Session) -> None:
    proposal = propose(session)
    session.execute(text("DELETE FROM venue WHERE id = 'cafe'"))
    session.expire_all()
    assert look(session, proposal, NOW).why == "nothing_left"


def test_an_option_that_has_started_when_somebody_looks_at_last_falls_out(session: Session) -> None:
    proposal = propose(session, at(49), at(96))
    for who in ("r1", "r2"):
        commit(session, proposal, who, 0, 1)
    commit(session, proposal, "r3", 0)
    look(session, proposal, NOW + 50 * HOUR)
    assert going(session, proposal.event_id) == {"r0", "r1", "r2"}


def test_votes_that_were_given_already_are_counted_in_their_order(session: Session) -> None:
    votes = ["r5", "r3", "r3", "r0", "dora", "nobody-here"]
    proposal = propose(session, at(72), at(96), quorum=4, votes=votes)
    case = proposals.case_of(session, proposal)
    assert [option.can for option in case.options] == [("r0", "r5", "r3")] * 2
    assert set(told(session, "proposal.counted")) == {"r5", "r3"}
    proposals.commit(session, proposal_id=proposal.id, member_id="r5", option_ids=(), now=NOW)
    for who in ("r1", "r2"):
        commit(session, proposal, who, 0)
    assert look(session, proposal, DECIDE).state == "settled"


def test_with_enough_votes_one_option_happens_at_once(session: Session) -> None:
    proposal = propose(session, votes=["r1", "r2"])
    assert proposal.state == "settled"
    assert going(session, proposal.event_id) == {"r0", "r1", "r2"}


def test_a_retry_finds_what_the_first_made(session: Session) -> None:
    number = nonce()
    first = propose(session, nonce=number)
    assert propose(session, nonce=number).id == first.id != propose(session, nonce=nonce()).id
    with pytest.raises(Invalid):
        propose(session, nonce=number, by_id="r1")


def test_a_guest_who_becomes_somebody_keeps_her_commitment_once(session: Session) -> None:
    proposal = propose(session, at(72), at(96))
    guest = people.create_guest(session, name="Bo")
    communities.join(session, community_id="readers", member_id=guest.id)
    commit(session, proposal, guest.id, 0, 1)
    commit(session, proposal, "r1", 0)
    merging.merge(session, guest_id=guest.id, into_id="r1", now=NOW)
    assert [option.can for option in proposals.case_of(session, proposal).options] == [("r0", "r1"), ("r0", "r1")]


def test_ten_are_open_at_once_and_no_more(session: Session) -> None:
    made = [propose(session) for _ in range(proposals.MOST_OPEN)]
    with pytest.raises(proposals.TooManyProposals):
        propose(session)
    proposals.withdraw(session, proposal_id=made[0].id, by_id="r0", now=NOW)
    propose(session)


def test_an_option_of_another_proposal_is_none_of_this_one(session: Session) -> None:
    proposal, other = propose(session), propose(session)
    with pytest.raises(proposals.OptionGone):
        proposals.commit(session, proposal_id=proposal.id, member_id="r1", option_ids=ids(session, other), now=NOW)


@pytest.mark.parametrize(
    "more",
    [
        {"quorum": 1},
        {"quorum": 501},
        {"quorum": 5, "most": 4},
        {"decide_by": NOW},
        {"decide_by": NOW + 72 * HOUR},
        {"options": []},
        {"options": [at(72 + number) for number in range(7)]},
        {"options": [at(72), at(72)]},
        {"options": [at(24 * 400)]},
        {"options": [NewOption(NOW + 72 * HOUR, NOW + 72 * HOUR, "cafe")]},
        {"options": [NewOption(NOW + 72 * HOUR, NOW + 32 * 24 * HOUR, "cafe")] * 1, "decide_by": NOW},
        {"options": [at(72, venue_id=None, place="", time_zone="UTC")]},
        {"options": [at(72, venue_id=None, place="Hill", time_zone="Mars/Olympus")]},
        {"options": [at(72, venue_id=None, place="Hill", time_zone="UTC", location=(200.0, 0.0))]},
        {"title": " "},
        {"kind": "party"},
        {"nonce": "short"},
    ],
)
def test_what_cannot_be_proposed_is_refused_with_a_sentence(session: Session, more: dict[str, object]) -> None:
    with pytest.raises(Invalid) as refused:
        propose(session, **more)
    assert len(refused.value.detail) > 20


def test_somebodys_home_is_no_place_for_what_others_propose(session: Session) -> None:
    venues.get(session, "cafe").kind = "home"
    communities.join(session, community_id="readers", member_id="ben")
    with pytest.raises(venues.VenueUnknown):
        propose(session)
    assert propose(session, by_id="ben").by_id == "ben"


def test_the_bounds_themselves_can_be_proposed(session: Session) -> None:
    propose(session, *[at(72 + number) for number in range(6)], quorum=2, most=2)
    propose(session, quorum=500, most=500)
    with pytest.raises(venues.VenueUnknown):
        propose(session, at(72, venue_id="nowhere"))


def dissolve(session: Session) -> None:
    ending.dissolve(session, communities.get(session, "readers", to_edit=True), now=NOW)


def test_a_proposal_ends_with_its_community_and_everybody_is_told(session: Session) -> None:
    by_clock, by_look = propose(session), propose(session, quorum=2)
    commit(session, by_clock, "r1")
    dissolve(session)
    assert set(proposals.due(session, NOW)) == {by_clock.id, by_look.id}
    with pytest.raises(ProposalWithdrawn):
        commit(session, by_look, "r2")  # a second yes, which would have settled it
    proposals.look(session, proposal_id=by_clock.id, now=NOW)
    for proposal in (by_clock, by_look):
        assert (proposal.state, proposal.why, proposal.event_id) == ("withdrawn", "dissolved", None)
    assert proposals.due(session, NOW) == []
    notes = session.scalars(select(Notification).where(Notification.kind == "proposal.withdrawn"))
    links = [("r0", by_clock.id), ("r1", by_clock.id), ("r0", by_look.id)]
    assert sorted((note.member_id, note.link) for note in notes) == sorted(
        (one, f"/proposals/{of}") for one, of in links
    )


def test_a_home_that_the_proposer_keeps_no_more_falls_out(session: Session) -> None:
    venues.get(session, "cafe").kind = "home"
    roles.give(session, member_id="r0", kind="venue", of_id="cafe", called="", by=None, now=NOW)
    proposal = propose(session, quorum=2)
    roles.take_back(session, member_id="r0", kind="venue", of_id="cafe", by=None, now=NOW)
    assert proposals.look(session, proposal_id=proposal.id, now=NOW).why == "nothing_left"

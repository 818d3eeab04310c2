"""Opens proposals, takes commitments, and decides them: whoever looks first once their time has come, under a lock."""

import datetime as dt
import zoneinfo
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from geo import areas, postgis
from server import constraints, names, nonces, paging
from server.communities import rights
from server.communities import service as communities
from server.errors import Conflict, Invalid, NotFound, Refused
from server.events import details
from server.events import service as events
from server.people import service as people
from server.people.model import Member
from server.proposals import reading, rules, settling, states, telling
from server.proposals.model import Commitment, Proposal, ProposalOption
from server.proposals.states import State, Verb
from server.venues import service as venues

MOST_OPEN = 10  # of one proposer: who wants more to happen lets some of it happen first
_NEWEST = (paging.down(Proposal.opened_at), paging.up(Proposal.id))


class ProposalUnknown(NotFound):
    """There is no such proposal."""

    code = "proposal_unknown"


class TooManyProposals(Conflict):
    """Ten proposals of yours are open already. Let some of them happen first."""

    code = "too_many_proposals"


class MembersPropose(Refused):
    """Whoever belongs to a community proposes and commits there: join it first."""

    code = "members_propose"


class ProposerOnly(Refused):
    """Only who proposed this may do that."""

    code = "proposer_only"


class ProposerComes(Refused):
    """You propose this, so you are counted. If you cannot come, take the proposal back."""

    code = "proposer_comes"


class QuorumNotThere(Conflict):
    """Not enough have committed to one of its times yet."""

    code = "quorum_not_there"


class OptionGone(Conflict):
    """This place and time is no longer to be had. Choose another."""

    code = "option_gone"


@dataclass(frozen=True, slots=True)
class NewOption:
    """A place and time: a venue (and a zone of it), or any place by its name, its IANA zone of time, perhaps a pin."""

    starts_at: dt.datetime
    ends_at: dt.datetime
    venue_id: str | None = None
    zone_id: str | None = None
    place: str = ""
    location: tuple[float, float] | None = None
    time_zone: str = ""


def open(  # noqa: A001 -- read as proposals.open
    session: Session,
    *,
    by_id: str,
    title: str,
    options: Sequence[NewOption],
    quorum: int,
    decide_by: dt.datetime,
    now: dt.datetime,
    community_id: str | None = None,
    about: str = "",
    kind: str = "other",
    most: int | None = None,
    votes: Collection[str] = (),
    nonce: str | None = None,
) -> Proposal:
    """Proposes a gathering: it happens if `quorum` commit by `decide_by`; who proposes it is the first of them.

    most: how many there is room for. votes: ids of members who said already that they can, counted at every option in
    this order; whoever is gone since, or does not belong to the community, is not. nonce: a retry with the same one
    finds what the first made. Raises MembersPropose, TooManyProposals, CommunityUnknown, CommunityDissolved,
    NotYourCommunity, MemberUnknown, VenueUnknown, ZoneUnknown, VenueNotReady, Invalid.
    """
    hashed = nonces.read(nonce)
    # One at a time of hers, so that neither a retry at the same moment nor a flood gets past what is counted here.
    constraints.take_turn(session, f"proposer {by_id}")
    if hashed is not None and (there := session.scalar(select(Proposal).where(Proposal.nonce == hashed))) is not None:
        if there.by_id != by_id:
            raise Invalid("This number of a request was used by somebody else; make a new one.")
        return there
    proposer = people.get(session, by_id)
    if community_id is not None:
        communities.get_living(session, community_id)
        if not communities.belongs(session, community_id=community_id, member_id=by_id):
            raise MembersPropose
        rights.check_may_gather(session, proposer, community_id)  # in a house its source publishes
    open_ones = select(Proposal.id).where(Proposal.by_id == by_id, Proposal.state == State.OPEN).limit(MOST_OPEN)
    if len(session.scalars(open_ones).all()) >= MOST_OPEN:
        raise TooManyProposals
    if not 1 <= len(options) <= rules.MOST_OPTIONS:
        raise Invalid("Propose between one and %(most)s places and times.", most=rules.MOST_OPTIONS)
    if kind not in details.KINDS:
        raise Invalid("A gathering is one of these: %(kinds)s.", kinds=", ".join(details.KINDS))
    _check_numbers(quorum, most)
    made = [_make_option(session, by_id, position, option) for position, option in enumerate(options)]
    _check_times(made, decide_by, now)
    proposal = Proposal(
        id=people.new_id("proposal"),
        community_id=community_id,
        by_id=by_id,
        title=names.check_name(title, "proposal"),
        about=names.check_text(about, "proposal"),
        kind=kind,
        quorum=quorum,
        most=most,
        decide_by=decide_by,
        state=State.OPEN,
        opened_at=now,
        nonce=hashed,
    )
    session.add(proposal)
    session.flush()
    for option in made:
        option.proposal_id = proposal.id
    session.add_all(made)
    session.flush()
    counted = [one for one in dict.fromkeys(votes) if one != by_id and _may_commit(session, proposal, one)]
    for member_id in [by_id, *counted]:
        counts = member_id != by_id
        session.add_all(Commitment(option_id=one.id, member_id=member_id, at=now, counted=counts) for one in made)
        session.flush()  # their numbers follow this order
    telling.counted(session, proposal, counted, now)
    _decide(session, proposal, now)
    return proposal


def get(session: Session, id: str, *, to_edit: bool = False) -> Proposal:
    """The proposal of this id, locked if it is read to be edited; raises ProposalUnknown."""
    found = constraints.read(session, Proposal, id, to_edit=to_edit) if names.is_id(id) else None
    if found is None:
        raise ProposalUnknown("There is no proposal %(id)r.", id=id[: names.ID_MAX_LENGTH])
    return found


def look(session: Session, *, proposal_id: str, now: dt.datetime) -> Proposal:
    """The proposal as it stands at `now`: what the clock decides is decided. Raises ProposalUnknown."""
    proposal = get(session, proposal_id)
    if proposal.state == State.OPEN and not isinstance(rules.judge(case_of(session, proposal), now), rules.Wait):
        proposal = get(session, proposal_id, to_edit=True)
        _decide(session, proposal, now)
    return proposal


def commit(
    session: Session,
    *,
    proposal_id: str,
    member_id: str,
    option_ids: Collection[int],
    now: dt.datetime,
    elsewhere: bool = False,
) -> Proposal:
    """Says that she comes if it is at one of exactly these options; none takes it back. Again is as once.

    elsewhere: she did not say so here, and who proposes it is not told her name for it. Raises ProposalUnknown,
    MemberUnknown, MembersPropose, ProposerComes, OptionGone, ProposalSettled, ProposalLapsed, ProposalWithdrawn.
    """
    proposal = get(session, proposal_id, to_edit=True)
    people.get(session, member_id)
    _decide(session, proposal, now)
    states.after(State(proposal.state), Verb.COMMIT if option_ids else Verb.TAKE_BACK)
    if not _may_commit(session, proposal, member_id):
        raise MembersPropose
    case = case_of(session, proposal)
    hers = {option.id for option in case.options if member_id in option.can}
    wanted = set(option_ids)
    if member_id == proposal.by_id and not hers <= wanted:
        raise ProposerComes
    if not wanted - hers <= {option.id for option in rules.live(case, now)}:
        raise OptionGone
    session.execute(
        delete(Commitment).where(Commitment.member_id == member_id, Commitment.option_id.in_(hers - wanted))
    )
    if not elsewhere:
        said = update(Commitment).where(Commitment.member_id == member_id, Commitment.option_id.in_(hers))
        session.execute(said.values(counted=False))
    session.add_all(
        Commitment(option_id=each, member_id=member_id, at=now, counted=elsewhere) for each in sorted(wanted - hers)
    )
    session.flush()
    _decide(session, proposal, now)
    return proposal


def settle(session: Session, *, proposal_id: str, by_id: str, now: dt.datetime) -> Proposal:
    """Lets the best option happen now, since it has its quorum; for who proposed it. Twice is as once.

    Raises ProposalUnknown, ProposerOnly, QuorumNotThere, ProposalLapsed, ProposalWithdrawn.
    """
    proposal = get(session, proposal_id, to_edit=True)
    if proposal.by_id != by_id:
        raise ProposerOnly
    _decide(session, proposal, now, tapped=True)
    if proposal.state == State.OPEN:
        raise QuorumNotThere
    states.after(State(proposal.state), Verb.SETTLE)
    return proposal


def withdraw(session: Session, *, proposal_id: str, by_id: str, now: dt.datetime) -> Proposal:
    """Takes a proposal back, and tells who committed; for who proposed it. Twice is as once.

    Raises ProposalUnknown, ProposerOnly, ProposalSettled, ProposalLapsed.
    """
    proposal = get(session, proposal_id, to_edit=True)
    if proposal.by_id != by_id:
        raise ProposerOnly
    _decide(session, proposal, now)
    states.after(State(proposal.state), Verb.WITHDRAW)
    if proposal.state == State.OPEN:
        _apply(session, proposal, rules.Withdraw(), case_of(session, proposal), now)
    return proposal


def due(session: Session, now: dt.datetime) -> list[str]:
    """The ids of proposals whose time has come, whose proposer is gone, or whose community has dissolved."""
    return list(session.scalars(_DUE, {"now": now}))


def of_community(
    session: Session, *, community_id: str | None, now: dt.datetime, page: paging.Page = paging.EVERYTHING
) -> list[Proposal]:
    """The proposals of a community, None: those that are open to all, the newest first, each as it stands at `now`."""
    of = Proposal.community_id.is_(None) if community_id is None else Proposal.community_id == community_id
    found = page.read(session, select(Proposal).where(of), *_NEWEST)
    read = reading.read(session, [one for one in found if one.state == State.OPEN])
    due = {of_id for of_id, one in read.items() if not isinstance(rules.judge(one.case, now), rules.Wait)}
    return [look(session, proposal_id=one.id, now=now) if one.id in due else one for one in found]


def options_of(session: Session, *, proposal_id: str) -> list[ProposalOption]:
    """The options of a proposal in their order."""
    wanted = select(ProposalOption).where(ProposalOption.proposal_id == proposal_id)
    return list(session.scalars(wanted.order_by(ProposalOption.position)))


def case_of(session: Session, proposal: Proposal) -> rules.Case:
    """What decides about a proposal."""
    return reading.read(session, [proposal])[proposal.id].case


def _decide(session: Session, proposal: Proposal, now: dt.datetime, *, tapped: bool = False) -> None:
    """Decides an open proposal, whose row is locked, if its time has come; exactly once, since its state says so."""
    if proposal.state != State.OPEN:
        return
    case = case_of(session, proposal)
    verdict = rules.judge(case, now, tapped=tapped)
    if isinstance(verdict, rules.Settle) and proposal.community_id is not None:
        # From here on it does not dissolve before there is a gathering, which dissolving would call off.
        communities.get(session, proposal.community_id, to_edit=True)
        case = case_of(session, proposal)
        verdict = rules.judge(case, now, tapped=tapped)
    _apply(session, proposal, verdict, case, now)


def _apply(session: Session, proposal: Proposal, verdict: rules.Verdict, case: rules.Case, now: dt.datetime) -> None:
    state = State(proposal.state)
    match verdict:
        case rules.Wait():
            return
        case rules.Settle(option_id, going, waiting):
            assert case.proposer is not None
            proposal.state = states.after(state, Verb.SETTLE)
            option = next(one for one in options_of(session, proposal_id=proposal.id) if one.id == option_id)
            proposal.event_id = settling.publish(
                session, proposal, option, organizer_id=case.proposer, coming=going + waiting, now=now
            )
            telling.settled(session, proposal, verdict, now)
        case rules.Lapse(why):
            proposal.state, proposal.why = states.after(state, Verb.LAPSE), why
            found = rules.best(case, now)
            telling.lapsed(session, proposal, rules.everybody(case), 0 if found is None else len(found.can), now)
        case rules.Withdraw(why):
            proposal.state, proposal.why = states.after(state, Verb.WITHDRAW), why
            if why == "dissolved":
                telling.dissolved(session, proposal, rules.everybody(case), now)
            else:
                others = [one for one in rules.everybody(case) if one != proposal.by_id]
                telling.withdrawn(session, proposal, others, now)
    proposal.decided_at = now
    session.flush()


def _may_commit(session: Session, proposal: Proposal, member_id: str) -> bool:
    if proposal.community_id is None:
        return session.get(Member, member_id) is not None
    return communities.belongs(session, community_id=proposal.community_id, member_id=member_id)


def _make_option(session: Session, by_id: str, position: int, wanted: NewOption) -> ProposalOption:
    place, location, time_zone = "", None, wanted.time_zone
    if wanted.venue_id is not None:
        venue = venues.get(session, wanted.venue_id)
        if not reading.may_use(session, people.get(session, by_id), venue):
            raise venues.VenueUnknown
        if wanted.zone_id is not None:
            venues.get_zone(session, venue_id=venue.id, zone_id=wanted.zone_id)
        venues.check_ready(venue)
        if venue.replayed:
            raise Invalid("%(place)s is a recording: nobody can meet there now.", place=venue.name)
        time_zone = venue.time_zone
    else:
        place = names.check_name(wanted.place, "place")
        if time_zone not in zoneinfo.available_timezones():
            raise Invalid(
                "The time zone is an IANA name such as Europe/Berlin; %(time_zone)r is not known.",
                time_zone=time_zone[:80],
            )
        try:
            location = None if wanted.location is None else areas.check_position(wanted.location)
        except areas.PlaceError as error:
            raise Invalid("The place's pin: %(why)s", why=error) from None
    return ProposalOption(
        position=position,
        starts_at=wanted.starts_at,
        ends_at=wanted.ends_at,
        venue_id=wanted.venue_id,
        zone_id=wanted.zone_id,
        place=place,
        location=postgis.from_position(location),
        time_zone=time_zone,
    )


def _check_numbers(quorum: int, most: int | None) -> None:
    if not rules.QUORUM[0] <= quorum <= rules.QUORUM[1]:
        raise Invalid("It takes between %(least)s and %(most)s people.", least=rules.QUORUM[0], most=rules.QUORUM[1])
    if most is not None and not quorum <= most <= events.MAX_CAPACITY:
        raise Invalid("There is room for at least the %(quorum)s that it takes.", quorum=quorum)


def _check_times(options: Sequence[ProposalOption], decide_by: dt.datetime, now: dt.datetime) -> None:
    for option in options:
        if option.starts_at >= option.ends_at:
            raise Invalid("Each of its times starts before it ends.")
        if option.ends_at - option.starts_at > events.MAX_LENGTH - dt.timedelta(hours=1):
            raise Invalid("Each of its times is shorter than %(days)s days.", days=events.MAX_LENGTH.days)
        if option.starts_at > now + rules.AHEAD:
            raise Invalid("Propose something within the next year.")
    if len({(each.starts_at, each.venue_id, each.place) for each in options}) < len(options):
        raise Invalid("Two of its options are the same.")
    if decide_by <= now:
        raise Invalid("People need some time to commit: decide later than now.")
    if decide_by >= min(option.starts_at for option in options):
        raise Invalid("It is decided before the first of its times starts.")


_DUE = text("""
    SELECT id FROM proposal
    WHERE state = 'open' AND (decide_by <= :now OR by_id IS NULL OR EXISTS (
        SELECT FROM community WHERE community.id = proposal.community_id AND community.dissolved_at IS NOT NULL))
    ORDER BY decide_by, id
""")

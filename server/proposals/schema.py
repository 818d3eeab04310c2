"""What the API takes and says of proposals: names only of those who let the viewer know."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from sqlalchemy.orm import Session

from geo import postgis
from server import nonces
from server.events import service as events
from server.events.details import Kind
from server.fields import Incoming, Moment, Name, OfId, Outgoing, Position, Text
from server.people.model import Member
from server.proposals import reading, rules, seeing
from server.proposals import service as proposals
from server.proposals.model import Proposal

OptionId = Annotated[int, Field(ge=1, le=2**31 - 1)]


class OptionIn(Incoming):
    """A place and time: a venue (and a zone of it), or any place by its name and its IANA zone of time."""

    starts_at: Moment
    ends_at: Moment
    venue: OfId | None = None
    zone: OfId | None = None
    place: Name = ""
    position: Position | None = None
    time_zone: Annotated[str, Field(max_length=64)] = ""


class NewProposal(Incoming):
    """A gathering that happens if `quorum` commit by `decide_by`. most: how many there is room for.

    community: null for one that is open to all. nonce: made anew for each, so that a retry makes no second one.
    """

    title: Name
    about: Text = ""
    kind: Kind = "other"
    community: OfId | None = None
    quorum: Annotated[int, Field(ge=rules.QUORUM[0], le=rules.QUORUM[1])]
    most: Annotated[int, Field(ge=rules.QUORUM[0], le=events.MAX_CAPACITY)] | None = None
    decide_by: Moment
    options: Annotated[list[OptionIn], Field(min_length=1, max_length=rules.MOST_OPTIONS)]
    nonce: Annotated[str, Field(min_length=nonces.SIGNS[0], max_length=nonces.SIGNS[1])] | None = None


class CommitmentIn(Incoming):
    """The options at which you can; whichever of them it is, you come."""

    options: Annotated[list[OptionId], Field(min_length=1, max_length=rules.MOST_OPTIONS)]


class OptionOut(Outgoing):
    """An option. place: its name; can: how many; yours: whether you can; names: of those who let you know.

    stands: it can still happen: it has not started, and its place is there.
    """

    id: int
    starts_at: Moment
    ends_at: Moment
    venue: str | None
    zone: str | None
    place: str
    position: Position | None
    time_zone: str
    stands: bool
    can: int
    yours: bool
    names: list[str]


class ProposalOut(Outgoing):
    """A proposal. state: open, settled (event says as what), lapsed (why: too_few, nothing_left) or withdrawn
    (why: dissolved, where its community has).

    can: how many can at the option that most can at.
    """

    id: str
    community: str | None
    title: str
    about: str
    kind: str
    yours: bool
    quorum: int
    most: int | None
    decide_by: Moment
    state: str
    why: str | None
    event: str | None
    can: int
    options: list[OptionOut]


def read(wanted: NewProposal) -> list[proposals.NewOption]:
    """The options of a request."""
    return [
        proposals.NewOption(one.starts_at, one.ends_at, one.venue, one.zone, one.place, one.position, one.time_zone)
        for one in wanted.options
    ]


def show(session: Session, proposal: Proposal, viewer: Member, now: dt.datetime) -> ProposalOut:
    """A proposal as the API shows it to a viewer."""
    return show_all(session, [proposal], viewer, now)[0]


def show_all(session: Session, found: Sequence[Proposal], viewer: Member, now: dt.datetime) -> list[ProposalOut]:
    """The same of several, in as many statements as of one."""
    read = reading.read(session, found)
    who = seeing.who_can(session, {one: read[one.id].case for one in found}, viewer=viewer, now=now)
    return [_show(one, read[one.id], who, viewer, now) for one in found]


def _show(
    proposal: Proposal, read: reading.Read, who: dict[int, seeing.Who], viewer: Member, now: dt.datetime
) -> ProposalOut:
    live = {option.id for option in rules.live(read.case, now)}
    return ProposalOut(
        id=proposal.id,
        community=proposal.community_id,
        title=proposal.title,
        about=proposal.about,
        kind=proposal.kind,
        yours=proposal.by_id == viewer.id,
        quorum=proposal.quorum,
        most=proposal.most,
        decide_by=proposal.decide_by,
        state=proposal.state,
        why=proposal.why,
        event=proposal.event_id,
        can=max((who[option.id].total for option in read.options), default=0),
        options=[
            OptionOut(
                id=option.id,
                starts_at=option.starts_at,
                ends_at=option.ends_at,
                venue=option.venue_id,
                zone=option.zone_id,
                place=read.places[option.id],
                position=postgis.to_position(option.location),
                time_zone=option.time_zone,
                stands=option.id in live,
                can=who[option.id].total,
                yours=who[option.id].mine,
                names=list(who[option.id].names),
            )
            for option in read.options
        ],
    )

"""What members report of an invitation, and what operators hide; a hidden one goes from the inboxes of its readers."""

import datetime as dt
from typing import Literal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server import constraints
from server.audit import service as audit
from server.errors import Refused
from server.inbox import service as inbox
from server.inbox import words as inbox_words
from server.invitations import service as invitations
from server.invitations.model import ShopInvitation, ShopInvitationReport
from server.invitations.service import KIND, InvitationUnknown
from server.limits import service as limits
from server.limits.service import Caller, Rate
from server.people import access, roles
from server.people.model import Member
from server.texts import later
from server.venues import service as venues
from server.venues.model import Venue

Why = Literal["advert", "unkind", "untrue", "other"]
REPORTS_PER_DAY = 5


class OwnInvitation(Refused):
    """This is of a place that you keep: somebody else judges it."""

    code = "own_invitation"


def report(session: Session, caller: Caller, invitation_id: int, *, why: Why, viewer: Member) -> None:
    """Asks the operators to look at it; twice is as once. Raises InvitationUnknown, OwnInvitation, TooMany."""
    invitation = invitations.get(session, invitation_id, viewer)
    venue = _venue_of_others(session, invitation, viewer)
    if session.get(ShopInvitationReport, (invitation_id, viewer.id)) is not None:
        return
    rate = Rate(REPORTS_PER_DAY, REPORTS_PER_DAY / 24)
    limits.take(caller.engine, "invitation reports of", viewer.id, now=caller.now, rate=rate)
    row = insert(ShopInvitationReport).values(invitation_id=invitation_id, member_id=viewer.id, why=why, at=caller.now)
    session.execute(row.on_conflict_do_nothing())
    inbox.tell(
        session,
        [operator.id for operator in roles.operators(session)],
        kind="shop_invitation.reported",
        of=f"{KIND}/{invitation_id}",
        sentence=later("Somebody asks you to look at an invitation of %(venue)s."),
        values={"venue": inbox_words.named(venue.name, venue.simulated)},
        link=f"/invitations/{invitation_id}",
        now=caller.now,
    )


def reports_of(session: Session, invitation_id: int) -> list[str]:
    """Why it was reported, each reason once, for operators."""
    wanted = select(ShopInvitationReport.why).where(ShopInvitationReport.invitation_id == invitation_id)
    return sorted(set(session.scalars(wanted)))


def hide(session: Session, invitation_id: int, *, why: Why, viewer: Member, now: dt.datetime) -> ShopInvitation:
    """Hides it, noted, takes the notes of it back, and the shop sends none for a month; twice is as once.

    Raises OperatorsOnly, InvitationUnknown, OwnInvitation.
    """
    invitation, venue = _to_judge(session, invitation_id, viewer)
    if invitation.hidden_at is None:
        invitation.hidden_at, invitation.hidden_by, invitation.hidden_why = now, viewer.id, why
        inbox.take_back(session, kind=KIND, of=f"{KIND}/{invitation_id}")
        _note(session, invitation, venue, "hidden", viewer, now)
        sentence = later(
            "An invitation of %(venue)s is hidden by who runs this server, and the place sends none for 30 days."
            " Look why."
        )
        _tell_keeper(session, invitation, venue, "shop_invitation.hidden", sentence, now)
    return invitation


def put_back(session: Session, invitation_id: int, *, viewer: Member, now: dt.datetime) -> ShopInvitation:
    """Shows it again, noted; the shop may send again. Raises OperatorsOnly, InvitationUnknown, OwnInvitation."""
    invitation, venue = _to_judge(session, invitation_id, viewer)
    if invitation.hidden_at is not None:
        invitation.hidden_at, invitation.hidden_by, invitation.hidden_why = None, None, ""
        _note(session, invitation, venue, "put_back", viewer, now)
        sentence = later("An invitation of %(venue)s is shown again, and the place may send others.")
        _tell_keeper(session, invitation, venue, "shop_invitation.put_back", sentence, now)
    return invitation


def _to_judge(session: Session, invitation_id: int, viewer: Member) -> tuple[ShopInvitation, Venue]:
    access.check_operator(viewer)
    invitation = constraints.read(session, ShopInvitation, invitation_id, to_edit=True)
    if invitation is None:
        raise InvitationUnknown
    return invitation, _venue_of_others(session, invitation, viewer)


def _venue_of_others(session: Session, invitation: ShopInvitation, viewer: Member) -> Venue:
    venue = venues.get(session, invitation.venue_id)
    if access.keeps(session, viewer, venue):
        raise OwnInvitation
    return venue


def _note(
    session: Session, invitation: ShopInvitation, venue: Venue, what: str, viewer: Member, now: dt.datetime
) -> None:
    session.flush()
    action = f"shop_invitation.{what}"
    audit.note(session, action, of=f"venue/{venue.id}", by=viewer.id, now=now, invitation=invitation.id)


def _tell_keeper(
    session: Session, invitation: ShopInvitation, venue: Venue, kind: str, sentence: str, now: dt.datetime
) -> None:
    if venue.owner_id is None:
        return
    inbox.tell(
        session,
        [venue.owner_id],
        kind=kind,
        of=f"{KIND}/{invitation.id}",
        nonce=now.isoformat(),
        sentence=sentence,
        values={"venue": inbox_words.named(venue.name, venue.simulated)},
        link=f"/invitations/{invitation.id}",
        now=now,
    )

"""Invitations over HTTP: for who keeps a shop, for who was invited, and for operators who judge."""

from fastapi import APIRouter

from server.invitations import judging, refusals, schema
from server.invitations import service as invitations
from server.limits.callers import InCaller
from server.people import access
from server.requests import Id, InPage, InSettings, InTransaction, Now, Number
from server.venues import service as venues

router = APIRouter(prefix="/api", tags=["invitations"])


@router.get("/venues/{venue_id}/invitations/audience")
def get_reach(
    venue_id: Id, viewer: access.Viewer, session: InTransaction, settings: InSettings, now: Now
) -> schema.AudienceOut:
    """How many are near a shop and want to hear from it, rounded; the same for a quarter of an hour."""
    venue = invitations.kept(session, viewer, venue_id)
    return schema.show_audience(invitations.audience_of(session, venue, rules=settings.invitations, now=now))


@router.post("/venues/{venue_id}/invitations/preview")
def preview_invitation(
    venue_id: Id,
    wanted: schema.DraftIn,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
) -> schema.PreviewOut:
    """What would go out, and about to how many; nothing is sent."""
    venue = invitations.kept(session, viewer, venue_id)
    rules = settings.invitations
    return schema.show_preview(invitations.preview(session, venue, wanted.draft(), rules=rules, say=say, now=now))


@router.post("/venues/{venue_id}/invitations", status_code=201)
def send_invitation(
    venue_id: Id,
    wanted: schema.InvitationIn,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
) -> schema.InvitationOut:
    """Invites who is near and wants to hear from the shop, once for each nonce; you never learn who."""
    venue = invitations.kept(session, viewer, venue_id)
    sent = invitations.send(
        session, venue, wanted.draft(), by=viewer, nonce=wanted.nonce, rules=settings.invitations, now=now
    )
    return schema.show_sent(sent)


@router.get("/venues/{venue_id}/invitations")
def list_invitations(
    venue_id: Id, viewer: access.Viewer, session: InTransaction, page: InPage
) -> list[schema.InvitationOut]:
    """What a shop sent, the newest first, with how many were invited and came."""
    venue = invitations.kept(session, viewer, venue_id)
    return [schema.show_sent(row) for row in invitations.list_of(session, venue, page=page)]


@router.put("/venues/{venue_id}/invitations/refusal", status_code=204)
def refuse_shop(venue_id: Id, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Not from this shop again."""
    refusals.refuse(session, venue_id=venue_id, viewer=viewer, now=now)


@router.delete("/venues/{venue_id}/invitations/refusal", status_code=204)
def hear_from_shop_again(venue_id: Id, viewer: access.Viewer, session: InTransaction) -> None:
    """This shop may invite you again."""
    refusals.take_back(session, venue_id=venue_id, viewer=viewer)


@router.get("/me/refused-shops")
def list_refused_shops(
    viewer: access.Viewer, session: InTransaction, page: InPage, say: access.Say
) -> list[schema.RefusedOut]:
    """The shops of which you want no invitations."""
    return [schema.show_refused(one, say) for one in refusals.list_of(session, member_id=viewer.id, page=page)]


@router.get("/invitations/{invitation_id}")
def get_invitation(
    invitation_id: Number, viewer: access.Viewer, session: InTransaction, say: access.Say
) -> schema.InvitedOut:
    """An invitation, for who got it while it lasts, for who keeps the shop, and for operators."""
    found = invitations.get(session, invitation_id, viewer)
    venue = venues.get(session, found.venue_id)
    refused = refusals.refuses(session, venue_id=venue.id, viewer=viewer)
    return schema.show_invited(found, venue, invitations.away_m(session, found, viewer), refused, say)


@router.put("/invitations/{invitation_id}/report", status_code=204)
def report_invitation(
    invitation_id: Number, wanted: schema.Judgement, viewer: access.Viewer, session: InTransaction, caller: InCaller
) -> None:
    """Asks the operators to look at an invitation that you got."""
    judging.report(session, caller, invitation_id, why=wanted.why, viewer=viewer)


@router.put("/invitations/{invitation_id}/hiding")
def hide_invitation(
    invitation_id: Number, wanted: schema.Judgement, viewer: access.Operator, session: InTransaction, now: Now
) -> schema.InvitationOut:
    """Hides an invitation, noted; the shop sends none for 30 days. For operators, and not for whom it is of."""
    return schema.show_sent(judging.hide(session, invitation_id, why=wanted.why, viewer=viewer, now=now))


@router.delete("/invitations/{invitation_id}/hiding")
def put_back_invitation(
    invitation_id: Number, viewer: access.Operator, session: InTransaction, now: Now
) -> schema.InvitationOut:
    """Shows a hidden invitation again, noted; for operators."""
    return schema.show_sent(judging.put_back(session, invitation_id, viewer=viewer, now=now))

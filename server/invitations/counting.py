"""How many of those who were invited came, counted once by event time; then nobody knows any more who was invited."""

import datetime as dt

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from server import times
from server.fans import rounding
from server.fans import service as fans
from server.fans.coming import SHORTEST_MS
from server.invitations.model import ShopInvitation, ShopInvited

AFTER = dt.timedelta(hours=2)  # who comes so long after the end still came because of it
LATE = dt.timedelta(hours=1)  # what agents and phones say later is of another day

# Whoever was in the shop already when it was sent did not come because of it: her visit begins after it. Who is hidden
# from the shop, or paused, is in no number.
_CAME = text("""
    SELECT count(*) FROM shop_invited AS invited
    WHERE invited.invitation_id = :invitation
      AND NOT EXISTS (SELECT FROM consent_pause WHERE consent_pause.member_id = invited.member_id AND ended_at IS NULL)
      AND NOT EXISTS (SELECT FROM consent WHERE consent.member_id = invited.member_id AND consent.kind = 'venue'
                      AND consent.level = 'hidden' AND (consent.of_id IS NULL OR consent.of_id = :venue)
                      AND consent.ended_at IS NULL AND (consent.until IS NULL OR consent.until > :now))
      AND (EXISTS (SELECT FROM pairing JOIN visit ON visit.badge_id = pairing.badge_id AND visit.venue_id = :venue
                        AND pairing.valid @> to_timestamp(visit.to_ms / 1000.0)
                   WHERE pairing.member_id = invited.member_id AND visit.reach_ms >= :from_ms
                     AND visit.from_ms > :from_ms AND visit.from_ms <= :to_ms
                     AND visit.to_ms - visit.from_ms >= :shortest_ms)
        OR EXISTS (SELECT FROM checkin LEFT JOIN step ON step.id = checkin.step_id
                   WHERE checkin.member_id = invited.member_id AND checkin.undone_at IS NULL
                     AND checkin.at > :from AND checkin.at <= :to
                     AND coalesce(checkin.venue_id, step.venue_id) = :venue))
""")


def due(session: Session, *, now: dt.datetime) -> list[int]:
    """The invitations whose comings are to be counted, those that ended first first."""
    wanted = select(ShopInvitation.id).where(
        ShopInvitation.counted_at.is_(None), ShopInvitation.until <= now - AFTER - LATE
    )
    return list(session.scalars(wanted.order_by(ShopInvitation.until, ShopInvitation.id)))


def count(session: Session, invitation_id: int, *, now: dt.datetime) -> bool:
    """Counts who came to an invitation; False if another counts it, or it is counted.

    Killed in between, it is counted by the next look.
    """
    wanted = select(ShopInvitation).where(ShopInvitation.id == invitation_id, ShopInvitation.counted_at.is_(None))
    invitation = session.scalar(wanted.with_for_update(skip_locked=True, key_share=True))
    if invitation is None:
        return False
    came = session.execute(_CAME, given(invitation, now)).scalar_one()
    invitation.came = rounding.at_least(came, fans.offsets(session, "came")(f"shop invitation/{invitation.id}"))
    invitation.counted_at = now
    session.execute(delete(ShopInvited).where(ShopInvited.invitation_id == invitation.id))
    session.flush()
    return True


def given(invitation: ShopInvitation, now: dt.datetime) -> dict[str, object]:
    """What the statement that counts is asked with."""
    ends = invitation.until + AFTER
    return {
        "invitation": invitation.id,
        "venue": invitation.venue_id,
        "now": now,
        "from": invitation.at,
        "to": ends,
        "from_ms": times.to_ms(invitation.at),
        "to_ms": times.to_ms(ends),
        "shortest_ms": SHORTEST_MS,
    }

"""Badges: registering them, and reading whose they are."""

import datetime as dt

from fastapi import APIRouter
from sqlalchemy.orm import Session

from server.badges import schema
from server.badges import service as badges
from server.badges.model import Badge
from server.people import access
from server.requests import InPage, InTransaction, Now, Number

router = APIRouter(prefix="/api", tags=["badges"])


@router.get("/me/badges")
def list_my_badges(viewer: access.Viewer, session: InTransaction, page: InPage, now: Now) -> list[schema.PairingOut]:
    """The badges that you hold now."""
    return [schema.show_pairing(held) for held in badges.held_by(session, member_id=viewer.id, at=now, page=page)]


@router.get("/badges")
def list_badges(_operator: access.Operator, session: InTransaction, page: InPage, now: Now) -> list[schema.BadgeOut]:
    """All badges; for operators."""
    return [_show(session, badge, now) for badge in badges.list_all(session, page)]


@router.post("/badges", status_code=201)
def register_badge(
    wanted: schema.NewBadge, _operator: access.Operator, session: InTransaction, now: Now
) -> schema.BadgeOut:
    """Registers a badge by what it shows on the air; for operators."""
    badge_id = badges.register(session, identity=wanted.identity, label=wanted.label, since=wanted.since or now)
    return _show(session, badges.get(session, badge_id), now)


@router.get("/badges/{badge_id}")
def get_badge(badge_id: Number, viewer: access.Viewer, session: InTransaction, now: Now) -> schema.BadgeOut:
    """A badge; for operators and who holds it."""
    access.check_holds(viewer, badges.holder_of(session, badge_id=badge_id, at=now))
    return _show(session, badges.get(session, badge_id), now)


def _show(session: Session, badge: Badge, now: dt.datetime) -> schema.BadgeOut:
    identities = badges.identities_of(session, badge_id=badge.id)
    return schema.show(badge, identities, badges.holder_of(session, badge_id=badge.id, at=now))

"""Who may see you: what you said, saying something else, and the pause."""

from typing import Annotated

from fastapi import APIRouter, Query

from server import names
from server.consent import schema
from server.consent import service as consent
from server.consent.rules import LEVELS, Kind
from server.people import access
from server.requests import InTransaction, Now

router = APIRouter(prefix="/api/me", tags=["consent"])


@router.get("/consents")
def list_consents(viewer: access.Viewer, session: InTransaction, now: Now) -> schema.ConsentsOut:
    """What you said about who may see you, as far as it stands, the newest first; where you said nothing, see docs."""
    return schema.ConsentsOut(
        paused=schema.show_pause(consent.pause_of(session, member_id=viewer.id)).paused,
        consents=[schema.show(said) for said in consent.standing(session, member_id=viewer.id, now=now)],
    )


@router.put("/consents")
def say_consent(wanted: schema.ConsentIn, viewer: access.Viewer, session: InTransaction, now: Now) -> schema.ConsentOut:
    """Says what a viewer may see of you from now on: `hidden`, `counted`, or by `name` until a time."""
    said = consent.say(
        session,
        member_id=viewer.id,
        kind=wanted.kind,
        of_id=wanted.of,
        level=LEVELS[wanted.level],
        until=wanted.until,
        source="api",
        now=now,
    )
    return schema.show(said)


@router.delete("/consents", status_code=204)
def take_back_consent(
    kind: Kind,
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    of: Annotated[str | None, Query(max_length=names.ID_MAX_LENGTH, description="none: what was said of all")] = None,
) -> None:
    """Takes back what you said about a viewer: what holds for everybody who said nothing holds again."""
    consent.take_back(session, member_id=viewer.id, kind=kind, of_id=of, now=now)


@router.put("/pause")
def start_pause(viewer: access.Viewer, session: InTransaction, now: Now) -> schema.PauseOut:
    """Nobody sees you from now on, not even as a number in a room; twice is as once."""
    return schema.show_pause(consent.pause(session, member_id=viewer.id, now=now))


@router.delete("/pause")
def end_pause(viewer: access.Viewer, session: InTransaction, now: Now) -> schema.PauseOut:
    """What you said holds again."""
    consent.resume(session, member_id=viewer.id, now=now)
    return schema.PauseOut(paused=None)

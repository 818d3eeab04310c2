"""Pop-up gatherings over HTTP: what one is asked now, and one's answer."""

from fastapi import APIRouter

from server.people import access
from server.popups import candidates, schema
from server.popups import service as popups
from server.requests import Id, InSettings, InTransaction, Now

router = APIRouter(prefix="/api/me", tags=["pop-ups"])


@router.get("/pop-ups")
def list_pop_ups(viewer: access.Viewer, session: InTransaction, now: Now, say: access.Say) -> schema.PopUpsOut:
    """What you are asked now, and what is on that you may join: why, where, and until when you may answer."""
    on = viewer.id in candidates.willing(session, [viewer.id])
    found = popups.of_member(session, member_id=viewer.id, now=now)
    return schema.PopUpsOut(on=on, pop_ups=[schema.show(one, say) for one in found])


@router.post("/pop-ups/{pop_up_id}/answer")
def answer_pop_up(
    pop_up_id: Id,
    wanted: schema.PopUpAnswerIn,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
) -> schema.PopUpOut:
    """Says yes or no; you may say otherwise while it lasts. The yes that is needed makes it a gathering, at once."""
    popups.answer(session, pop_up_id=pop_up_id, member_id=viewer.id, yes=wanted.yes, now=now, rule=settings.pop_ups)
    return schema.show(popups.get_asked(session, pop_up_id=pop_up_id, member_id=viewer.id), say)

"""Company over HTTP: who is near oneself now, of those who want to know as well."""

from fastapi import APIRouter

from server.company import schema
from server.company import service as company
from server.people import access
from server.positions import service as positions
from server.requests import InSettings, InTransaction, Now

router = APIRouter(prefix="/api", tags=["company"])


@router.get("/me/company")
def get_company(
    viewer: access.Viewer, session: InTransaction, settings: InSettings, now: Now, say: access.Say
) -> schema.CompanyOut:
    """Who of your communities is near you now: of those who, like you, said that they want to know. Both or neither."""
    on = positions.uses_of(session, member_id=viewer.id).company
    near = company.near_now(session, member_id=viewer.id, rule=settings.company, now=now) if on else []
    return schema.show(on, near, say)

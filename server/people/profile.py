"""What a member says of herself: her name, her language, her time zone."""

import zoneinfo

from sqlalchemy.orm import Session

from server import names, topics, versions
from server.errors import Invalid
from server.people import service as people
from server.people.model import Member


def change(session: Session, id: str, *, if_match: str | None = None, **wanted: str | None) -> Member:
    """Changes name, about, language or time_zone of a member; None makes the last two as her browser says.

    Raises MemberUnknown, Invalid, EditedMeanwhile.
    """
    member = session.get(Member, id, with_for_update=True, populate_existing=True)
    if member is None:
        raise people.MemberUnknown
    versions.edit(member, if_match)
    time_zone = wanted.get("time_zone")
    if time_zone is not None and time_zone not in zoneinfo.available_timezones():
        raise Invalid(
            "%(time_zone)s is no time zone; they are called Europe/Berlin or Asia/Shanghai.", time_zone=time_zone
        )
    if wanted.get("name") is not None:
        member.name = names.check_name(str(wanted["name"]), "member")
    if wanted.get("about") is not None:
        member.about = names.check_text(str(wanted["about"]), "member")
    for field in ("language", "time_zone"):
        if field in wanted:
            setattr(member, field, wanted[field])
    session.flush()
    topics.bump(session, [f"member/{id}"])
    return member

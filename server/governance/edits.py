"""Changes what a community says of itself, keeps what it said before, and puts that back with one tap."""

import datetime as dt
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo import areas, postgis
from server import names, paging, versions
from server.communities import rights as community_rights
from server.communities import service as communities
from server.communities.model import Community, CommunityInterest
from server.errors import Conflict, Invalid, NotFound, Refused
from server.governance.model import CommunityChange
from server.interests import service as interests
from server.people.model import Member
from server.pictures import service as pictures
from server.texts import TAGS
from server.turnout import service as turnout

# What can be changed, in the order in which it is told. A home: {"name", "location": [lon, lat] or None, "radius_km"}.
FIELDS = ("name", "goal", "picture", "interests", "home", "language", "charter")
GOAL_MAX_LENGTH = 300  # a goal is a sentence or two; rules and stories belong into the charter
CHARTER_MAX_LENGTH = 5000  # two pages: what is longer nobody reads before joining
RADIUS_KM = (0.1, 500.0)  # from a street to a country


class NotComeYet(Refused):
    """Whoever came to one of its gatherings may change this: come to the next one."""

    code = "not_come_yet"


class ChangeUnknown(NotFound):
    """There is no such change of this community."""

    code = "change_unknown"


class ChangedSince(Conflict):
    """This was changed again since then: putting it back takes the newer change back as well."""

    code = "changed_since"


def may_edit(session: Session, *, viewer: Member, community: Community, now: dt.datetime) -> bool:
    """Whether she may change it: of a circle whoever came to something of it, of a house who decides.

    Until anybody came to something, a circle is changed by who belongs to it: somebody has to say what it is for.
    """
    if viewer.operator or community_rights.decides(session, viewer, community):
        return True
    if community.shape == "house":
        return False
    if communities.is_barred(session, community_id=community.id, member_id=viewer.id, now=now):
        return False
    if turnout.has_come(session, community_id=community.id, member_id=viewer.id):
        return True
    belongs = communities.belongs(session, community_id=community.id, member_id=viewer.id)
    return belongs and not turnout.anybody_came(session, community_id=community.id)


def check_may_edit(session: Session, *, viewer: Member, community: Community, now: dt.datetime) -> None:
    """Raises CommunityDissolved, NotYourCommunity of a house, NotComeYet of a circle, with what would let her."""
    if community.dissolved_at is not None:
        raise communities.CommunityDissolved("%(community)s has dissolved.", community=community.name)
    if may_edit(session, viewer=viewer, community=community, now=now):
        return
    if community.shape == "house":
        community_rights.check_decides(session, viewer, community)
    raise NotComeYet(
        "Whoever came to a gathering of %(community)s may change this: come to the next one, then it is yours as well.",
        community=community.name,
    )


def shown(session: Session, community: Community) -> dict[str, Any]:
    """What a community says of itself, by field, as changes keep it."""
    return {field: _read(session, community, field) for field in FIELDS}


def change(
    session: Session,
    *,
    viewer: Member,
    community_id: str,
    wanted: dict[str, Any],
    if_match: str | None = None,
    now: dt.datetime,
) -> Community:
    """Changes these fields, a row for each that is another than before; what is not named stays.

    Raises CommunityUnknown, CommunityDissolved, NotComeYet, NotYourCommunity, EditedMeanwhile, InterestUnknown,
    InterestsMany, PictureUnknown, Invalid.
    """
    community = communities.get(session, community_id, to_edit=True)
    check_may_edit(session, viewer=viewer, community=community, now=now)
    versions.edit(community, if_match)
    for field in FIELDS:
        if field in wanted:
            _change(session, community, field, _check(field, wanted[field]), by=viewer.id, now=now)
    session.flush()
    return community


def put_back(
    session: Session,
    *,
    viewer: Member,
    community_id: str,
    change_id: int,
    over: bool = False,
    if_match: str | None = None,
    now: dt.datetime,
) -> Community:
    """Makes a field what it was before a change; that is a change as well, and twice is as once.

    over: she knows that it was changed again since, and means it. Raises ChangeUnknown, ChangedSince, and what
    `change` raises.
    """
    community = communities.get(session, community_id, to_edit=True)
    check_may_edit(session, viewer=viewer, community=community, now=now)
    of = session.get(CommunityChange, change_id)
    if of is None or of.community_id != community.id:
        raise ChangeUnknown
    is_now = _read(session, community, of.field)
    was = _still_there(session, of.field, of.was, is_now)
    if is_now == was:
        return community
    if is_now != of.became and not over:
        raise ChangedSince
    versions.edit(community, if_match)
    _change(session, community, of.field, was, by=viewer.id, now=now, put_back_of=of.id)
    session.flush()
    return community


def history(session: Session, community_id: str, page: paging.Page = paging.EVERYTHING) -> list[CommunityChange]:
    """What was changed, the newest first."""
    rows = select(CommunityChange).where(CommunityChange.community_id == community_id)
    return page.read(session, rows, paging.down(CommunityChange.id))


def _change(
    session: Session,
    community: Community,
    field: str,
    value: Any,
    *,
    by: str,
    now: dt.datetime,
    put_back_of: int | None = None,
) -> None:
    was = _read(session, community, field)
    if value == was:
        return
    _write(session, community, field, value)
    session.add(
        CommunityChange(
            community_id=community.id,
            field=field,
            was=was,
            became=value,
            picture_id=was if field == "picture" else None,
            by=by,
            at=now,
            put_back_of=put_back_of,
        )
    )


def _read(session: Session, community: Community, field: str) -> Any:
    if field == "interests":
        return list(interests.ids_of(session, CommunityInterest, {"community_id": community.id}))
    if field == "picture":
        return community.picture_id
    if field != "home":
        return getattr(community, field)
    if not community.home_name:
        return None
    place = postgis.to_position(community.home)
    return {
        "name": community.home_name,
        "location": None if place is None else [round(degrees, 6) for degrees in place],
        "radius_km": community.home_radius_km,
    }


def _write(session: Session, community: Community, field: str, value: Any) -> None:
    if field == "interests":
        interests.choose(session, CommunityInterest, {"community_id": community.id}, value)
        return
    if field == "picture":
        community.picture_id = None if value is None else pictures.get(session, value).id
        return
    if field != "home":
        setattr(community, field, value)
        return
    home = value or {"name": "", "location": None, "radius_km": None}
    place = home["location"]
    community.home_name = home["name"]
    community.home = None if place is None else postgis.from_position((place[0], place[1]))
    community.home_radius_km = home["radius_km"]


def _still_there(session: Session, field: str, was: Any, is_now: Any) -> Any:
    """What a field was, without interests that are offered no more."""
    if field != "interests":
        return was
    offered = {interest.id for interest in interests.list_all(session)} | set(is_now)
    return [one for one in was if one in offered]


def _check(field: str, value: Any) -> Any:
    """The value as it is kept; raises Invalid."""
    if field == "name":
        return names.check_name(value, "community")
    if field == "goal":
        return names.check_text(value, "goal", GOAL_MAX_LENGTH)
    if field == "charter":
        return names.check_text(value, "charter", CHARTER_MAX_LENGTH)
    if field == "language":
        if value is not None and value not in TAGS:
            raise Invalid("A community speaks one of these languages: %(languages)s.", languages=", ".join(TAGS))
        return value
    if field == "interests":
        return sorted(set(value))
    if field == "picture":
        return value
    return None if value is None else _check_home(**value)


def _check_home(name: str, location: tuple[float, float] | list[float] | None, radius_km: float | None) -> Any:
    """A home area as it is kept: a name, and a point with a radius if there is one."""
    called = names.check_name(name, "home area")
    if location is None:
        return {"name": called, "location": None, "radius_km": None}
    try:
        lon, lat = areas.check_position((location[0], location[1]))
    except areas.PlaceError as error:
        raise Invalid("The middle of the home area: %(why)s", why=error) from None
    reach_km = 5.0 if radius_km is None else radius_km
    if not RADIUS_KM[0] <= reach_km <= RADIUS_KM[1]:
        raise Invalid("A home area reaches between %(low)s and %(high)s km.", low=RADIUS_KM[0], high=RADIUS_KM[1])
    return {"name": called, "location": [round(lon, 6), round(lat, 6)], "radius_km": float(reach_km)}

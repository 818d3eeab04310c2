"""Opens a community that left another server: all of its archive or nothing, the same again is as once.

What it brings is known again by where it comes from (`ArrivedThing`, `ArrivedPerson`): a newer archive adds what is new
and says again what the community, its gatherings and posts are; what was deleted here stays deleted.
"""

import datetime as dt
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from geo import postgis
from server import constraints, names, topics
from server.audit import service as audit
from server.communities import service as communities
from server.communities.model import Community, CommunityInterest, CommunityMember
from server.errors import Conflict, Invalid
from server.governance.model import CommunityChange, Vote
from server.inbox import service as inbox
from server.inbox import words
from server.interests import service as interests
from server.interests.model import Interest
from server.moving import checking, reviewed, stamped
from server.moving.archive import Archive, ArchiveBroken
from server.moving.gathered import Gathered
from server.moving.model import Arrived, ArrivedPerson
from server.moving.rows import ChangeRow, CommunityRow, PersonRow, PictureRow, VoteRow
from server.moving.things import Things
from server.moving.written import Written
from server.people import service as people
from server.people.model import Role
from server.pictures import service as pictures
from server.texts import later

Tell = Callable[[str], None]
_ARRIVED = later(
    "%(community)s has come here from %(origin)s, and you with it, as you agreed. Sign in with this e-mail address and"
    " all of yours is there."
)


class ExportOlder(Conflict):
    """A newer file of this community was imported already."""

    code = "export_older"


class HostNeeded(Invalid):
    """Nobody comes along with this community: say which member here hosts it."""

    code = "host_needed"


class Taken(NamedTuple):
    """What an import did, or would do. state: made, updated or unchanged."""

    community_id: str
    name: str
    state: str
    people: int = 0
    new_people: int = 0
    gatherings: int = 0
    posts: int = 0


def take(
    session: Session,
    archive: Archive,
    *,
    host_id: str | None = None,
    by: str | None = None,
    now: dt.datetime,
    tell: Tell = lambda _what: None,
) -> Taken:
    """Takes a community in. host_id: who hosts what nobody hosts who comes along. by: who imports.

    Raises ArchiveBroken, ExportOlder, HostNeeded, CommunityDissolved, MemberUnknown, and what `pictures.take` raises;
    then nothing is kept.
    """
    row = checking.check(archive)
    try:
        with session.begin_nested(), topics.together(session):
            return _take(session, archive, row, host_id, by, now, tell)
    except (IntegrityError, DataError) as error:
        raise ArchiveBroken("Nothing was imported: what this file says contradicts itself.") from error


def _take(
    session: Session,
    archive: Archive,
    row: CommunityRow,
    host_id: str | None,
    by: str | None,
    now: dt.datetime,
    tell: Tell,
) -> Taken:
    constraints.take_turn(session, "community import")
    manifest = archive.manifest
    origin = manifest.origin
    known = session.scalar(select(Arrived).where(Arrived.origin == origin.url, Arrived.origin_id == origin.id))
    if known is not None:
        community = communities.get_living(session, known.community_id, to_edit=True)
        if known.export == manifest.export:
            return Taken(community.id, community.name, "unchanged")
        if manifest.made_at <= known.made_at:
            raise ExportOlder
    if host_id is not None:
        people.get(session, host_id)
    if host_id is None and known is None and not archive.rows(PersonRow):
        raise HostNeeded
    community = _community(session, row) if known is None else community
    if known is None:
        known = Arrived(community_id=community.id, origin=origin.url, origin_id=origin.id, arrived_at=now)
        session.add(known)
        is_new = True
    else:
        is_new = False
    known.export, known.made_at = manifest.export, manifest.made_at
    session.flush()
    tell("people")
    came, new = _people(session, archive, community, now)
    hosts = [came[one.ref] for one in archive.rows(PersonRow) if one.host and came[one.ref]]
    first = next((one for one in (*hosts, *came.values()) if one is not None), None)
    host = host_id or first or _host(session, community)
    if host is None:
        raise HostNeeded
    _roles(session, community, [one for one in hosts if one is not None] or [host], now)
    things = Things(session, community.id)
    tell("pictures")
    for one in archive.rows(PictureRow):
        if things.find("picture", one.sha256) is None:
            kept = pictures.take(session, archive.picture(one.sha256), by=None, now=now)
            things.keep("picture", one.sha256, kept.id)
    _say(session, community, row, things, source=came.get(row.source or "") or host)
    tell("gatherings")
    gathered = Gathered(session, archive, things, came, host=host, now=now)
    gathered.keep()
    stamped.arrive(session, archive, things, came, now=now)
    reviewed.arrive(session, archive, things, came)
    tell("posts")
    posts = Written(session, archive, things, came).keep()
    _history(session, archive, community, things, came)
    things.save()
    audit.note(session, "community.imported", of=f"community/{community.id}", by=by, now=now, file=manifest.export)
    inbox.tell(
        session,
        [member for member in came.values() if member is not None],
        kind="community_arrived",
        of=f"community/{community.id}",
        sentence=_ARRIVED,
        values={"community": words.named(community.name, community.simulated), "origin": origin.url},
        link=f"/communities/{community.id}",
        now=now,
    )
    state = "made" if is_new else "updated"
    return Taken(community.id, community.name, state, len(came), new, gathered.count, posts)


def _community(session: Session, row: CommunityRow) -> Community:
    free = session.get(Community, row.id) is None
    made = communities.create(
        session,
        id=row.id if free else names.free_id(session, Community.id, row.name, "community"),
        name=row.name,
        shape=row.shape,
    )
    made.created_at = row.created_at
    session.flush()
    return made


def _people(
    session: Session, archive: Archive, community: Community, now: dt.datetime
) -> tuple[dict[str, str | None], int]:
    """Who is who here, by ref, None of who was erased here; and how many are new.

    Somebody whom nobody knows here is a guest until she proves that the address is hers.
    """
    rows = archive.rows(PersonRow)
    there = session.scalars(select(ArrivedPerson).where(ArrivedPerson.community_id == community.id))
    came: dict[str, str | None] = {one.was: one.member_id for one in there}
    new = 0
    for row in rows:
        if row.ref in came:
            continue
        member = people.by_address(session, row.email)
        if member is None:
            member = people.create_guest(session, name=row.name, language=row.language)
            member.email = row.email
            new += 1
        came[row.ref] = member.id
        session.add(ArrivedPerson(community_id=community.id, was=row.ref, member_id=member.id))
        session.flush()
        barred = communities.is_barred(session, community_id=community.id, member_id=member.id, now=now)
        if not barred:
            belongs = {"community_id": community.id, "member_id": member.id, "joined_at": row.joined_at}
            session.execute(insert(CommunityMember).values(belongs).on_conflict_do_nothing())
    session.flush()
    refs = {row.ref for row in rows}
    return {ref: member_id for ref, member_id in came.items() if ref in refs}, new


def _host(session: Session, community: Community) -> str | None:
    """Who hosts a house that is here already; of a circle, which is nobody's, who belongs to it the longest."""
    if community.shape == "circle":
        return next(iter(communities.members_of(session, community_id=community.id)), None)
    wanted = select(Role.member_id).where(Role.kind == "community", Role.of_id == community.id)
    return session.scalar(wanted.order_by(Role.given_at, Role.member_id).limit(1))


def _roles(session: Session, community: Community, hosts: list[str], now: dt.datetime) -> None:
    """Who hosted a house there hosts it here; who has not claimed her address yet does so once she has."""
    if community.shape == "circle" or _host(session, community) is not None:
        return  # they say themselves by now
    for member_id in hosts:
        role = {"kind": "community", "of_id": community.id, "member_id": member_id, "given_at": now}
        session.execute(insert(Role).values(role | {"called": member_id}).on_conflict_do_nothing())
        audit.note(session, "role.given", of=f"community/{community.id}", now=now, member=member_id)
    session.flush()


def _say(session: Session, community: Community, row: CommunityRow, things: Things, *, source: str) -> None:
    """What the community says of itself."""
    home = row.home
    community.name, community.goal, community.charter = row.name, row.goal, row.charter
    community.language = row.language
    community.home_name = "" if home is None else home.name
    community.home = None if home is None else postgis.from_position(home.location)
    community.home_radius_km = None if home is None else home.radius_km
    community.picture_id = things.find("picture", row.picture)
    if community.shape == "house" and community.source_venue_id is None and community.source_member_id is None:
        community.source_member_id = source
    community.version += 1
    session.flush()
    offered = set(session.scalars(select(Interest.id).where(Interest.retired_at.is_(None))))
    interests.choose(session, CommunityInterest, {"community_id": community.id}, set(row.interests) & offered)


def _history(
    session: Session, archive: Archive, community: Community, things: Things, came: dict[str, str | None]
) -> None:
    """What was changed and voted on."""
    for change in archive.rows(ChangeRow):
        if things.find("change", change.id) is not None:
            continue
        was, became = change.was, change.became
        if change.field == "picture":
            was, became = things.find("picture", was), things.find("picture", became)
        of = things.find("change", change.put_back_of)
        made = CommunityChange(
            community_id=community.id,
            field=change.field,
            was=was,
            became=became,
            picture_id=was if change.field == "picture" else None,
            by=came.get(change.by or ""),
            at=change.at,
            put_back_of=None if of is None else int(of),
        )
        session.add(made)
        session.flush()
        things.keep("change", change.id, made.id)
    for vote in archive.rows(VoteRow):
        if things.find("vote", vote.id) is not None:
            continue
        kept = Vote(community_id=community.id, **vote.model_dump(exclude={"id"}))
        session.add(kept)
        session.flush()
        things.keep("vote", vote.id, kept.id)

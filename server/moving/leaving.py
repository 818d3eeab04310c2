"""Writes a community into an archive: its history, what its people wrote, and of whom only who agreed."""

import datetime as dt
import hashlib
import secrets
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from config.settings import Settings
from geo import postgis
from server import fields
from server.audit import service as audit
from server.checkins.model import CheckIn
from server.communities import service as communities
from server.communities.model import Community, CommunityInterest, CommunityMember
from server.events import seeing
from server.events.model import Event, EventInterest, Step
from server.governance import edits
from server.governance.model import CommunityChange, Vote
from server.interests import service as interests
from server.moving import archive, asking, reviewed, stamped
from server.moving.rows import (
    TABLES,
    ChangeRow,
    ComingRow,
    CommunityRow,
    EventRow,
    HomeRow,
    Language,
    PersonRow,
    PictureRow,
    PostRow,
    Row,
    StepRow,
    TopicRow,
    TurnoutRow,
    VenueRow,
    VoteRow,
)
from server.people import roles
from server.pictures.model import Picture
from server.posts import hiding
from server.posts.model import Post, Topic
from server.posts.places import Where
from server.venues import service as venues
from server.venues.model import Venue

IN_MEMORY_BYTES = 10_000_000  # rows of years; pictures go to the disk
SOMEBODYS_HOME = "Somebody's home"
EXPORT_BYTES = 16
CHUNK_BYTES = 64 * 1024
Tell = Callable[[str, int], None]


class Written(NamedTuple):
    """An archive, open at its beginning, and what is in it: rows by file."""

    file: IO[bytes]
    export: str
    rows: dict[str, int]


def write(
    session: Session,
    *,
    community_id: str,
    settings: Settings,
    now: dt.datetime,
    by: str | None = None,
    tell: Tell = lambda _what, _count: None,
) -> Written:
    """The archive of a community; whoever reads it closes it. by: who takes it along, None for the command line.

    Raises CommunityUnknown, CommunityDissolved.
    """
    community = communities.get_living(session, community_id)
    found = _Leaving(session, community, settings)
    tables = found.tables()
    export = secrets.token_hex(EXPORT_BYTES)
    head = {
        "export": export,
        "made_at": fields.write_moment(now),
        "origin": {"url": settings.server.url, "id": community.id, "name": community.name},
    }
    target = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 -- it is read after this returns
    facts = archive.write(target, head, tables, found.picture, tell)
    target.seek(0)
    rows = {name: facts[f"{name}.jsonl"].rows or 0 for name in TABLES}
    of = f"community/{community_id}"
    audit.note(session, "community.exported", of=of, by=by, now=now, people=rows["people"], file=export)
    return Written(target, export, rows)


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    """The bytes of an archive, bit by bit; it is closed at the end."""
    with file:
        while found := file.read(CHUNK_BYTES):
            yield found


class _Leaving:
    """The rows of one community, read in one transaction; whom and what they name is named by digests of its own."""

    def __init__(self, session: Session, community: Community, settings: Settings) -> None:
        """Reads who comes along."""
        self._session = session
        self._community = community
        self._rules = settings.posts
        self._people = asking.people_of(session, community.id)
        self._refs = {member.id: self._ref("member", member.id) for member in self._people}
        self._pictures: dict[str, str] = {}  # digest -> id

    def tables(self) -> dict[str, list[Row]]:
        """Everything, by file."""
        events = self._all(select(Event).where(Event.community_id == self._community.id, seeing.announced()))
        steps = self._all(
            select(Step).where(Step.event_id.in_([event.id for event in events])).order_by(Step.event_id, Step.position)
        )
        event_ids = {event.id for event in events}
        topics, posts = self._topics_and_posts(event_ids)
        found: dict[str, list[Row]] = {
            "community": [self._community_row()],
            "people": self._people_rows(),
            "changes": self._changes(),
            "votes": self._votes(),
            "venues": self._venues({step.venue_id for step in steps}),
            "events": [self._event(event) for event in events],
            "steps": [self._step(step) for step in steps],
            **self._turnout([step.id for step in steps]),
            **stamped.leave(
                self._session,
                self._community.id,
                event_ids=event_ids,
                step_ids={step.id for step in steps},
                ref_of=self._of,
            ),
            "reviews": reviewed.leave(self._session, event_ids, self._of),
            "topics": topics,
            "posts": posts,
        }
        found["pictures"] = [PictureRow(sha256=digest) for digest in sorted(self._pictures)]
        return found

    def picture(self, digest: str) -> bytes:
        """A picture, by its digest."""
        return self._session.scalars(select(Picture.data).where(Picture.id == self._pictures[digest])).one()

    def _all(self, wanted: Any) -> list[Any]:
        return list(self._session.scalars(wanted))

    def _ref(self, kind: str, id: str) -> str:
        """What somebody or a place is called in the file: the same in the next file of this community, and nowhere."""
        return hashlib.sha256(f"{kind} {id} of {self._community.id}".encode()).hexdigest()[:16]

    def _of(self, member_id: str | None) -> str | None:
        return self._refs.get(member_id or "")

    def _digest(self, picture_id: str | None) -> str | None:
        """The digest of a picture that travels; None where it is gone."""
        if picture_id is None:
            return None
        found = self._session.scalar(select(Picture.sha256).where(Picture.id == picture_id))
        if found is None:
            return None
        self._pictures[found.hex()] = picture_id
        return found.hex()

    def _community_row(self) -> CommunityRow:
        of = self._community
        home = edits.shown(self._session, of)["home"]
        return CommunityRow(
            id=of.id,
            name=of.name,
            shape="house" if of.shape == "house" else "circle",
            goal=of.goal,
            charter=of.charter,
            language=_language(of.language),
            home=None if home is None else HomeRow.model_validate(home),
            picture=self._digest(of.picture_id),
            interests=list(interests.ids_of(self._session, CommunityInterest, {"community_id": of.id})),
            source=self._of(of.source_member_id),
            created_at=of.created_at,
            members=len(communities.members_of(self._session, community_id=of.id)),
        )

    def _people_rows(self) -> list[Row]:
        joined: dict[str, dt.datetime] = dict(
            self._session.execute(
                select(CommunityMember.member_id, CommunityMember.joined_at).where(
                    CommunityMember.community_id == self._community.id
                )
            ).all()
        )
        hosts = {one.member_id for one in roles.helpers_of(self._session, kind="community", of_id=self._community.id)}
        return [
            PersonRow(
                ref=self._refs[member.id],
                name=member.name,
                email=(member.email or "").lower(),
                language=_language(member.language),
                joined_at=joined[member.id],
                host=member.id in hosts,
            )
            for member in self._people
        ]

    def _changes(self) -> list[Row]:
        rows = self._all(
            select(CommunityChange)
            .where(CommunityChange.community_id == self._community.id)
            .order_by(CommunityChange.id)
        )
        found: list[Row] = []
        kept: set[int] = set()
        for row in rows:
            was, became = row.was, row.became
            if row.field == "picture":
                was, became = self._digest(was), self._digest(became)
            found.append(
                ChangeRow(
                    id=row.id,
                    field=row.field,
                    was=was,
                    became=became,
                    by=self._of(row.by),
                    at=row.at,
                    put_back_of=row.put_back_of if row.put_back_of in kept else None,
                )
            )
            kept.add(row.id)
        return found

    def _votes(self) -> list[Row]:
        decided = select(Vote).where(Vote.community_id == self._community.id, Vote.decided_at.is_not(None))
        return [
            VoteRow(**{name: getattr(vote, name) for name in VoteRow.model_fields})
            for vote in self._all(decided.order_by(Vote.id))
        ]

    def _venues(self, ids: set[str]) -> list[Row]:
        found: list[Row] = []
        for venue in self._all(select(Venue).where(Venue.id.in_(ids)).order_by(Venue.id)):
            home = venue.kind == venues.HOME
            found.append(
                VenueRow(
                    ref=self._ref("venue", venue.id),
                    name=(venue.district or SOMEBODYS_HOME) if home else venue.name,
                    kind=venue.kind,
                    time_zone=venue.time_zone,
                    location=None if home else postgis.to_position(venue.location),
                    district=venue.district,
                    category="" if home else venue.category,
                )
            )
        return found

    def _event(self, event: Event) -> EventRow:
        same = {
            name: getattr(event, name)
            for name in EventRow.model_fields
            if name not in ("organizer", "picture", "interests")
        }
        return EventRow(
            **same,
            organizer=self._of(event.organizer_id),
            picture=self._digest(event.picture_id),
            interests=list(interests.ids_of(self._session, EventInterest, {"event_id": event.id})),
        )

    def _step(self, step: Step) -> StepRow:
        same = {name: getattr(step, name) for name in StepRow.model_fields if name not in ("event", "venue")}
        return StepRow(**same, event=step.event_id, venue=self._ref("venue", step.venue_id))

    def _turnout(self, step_ids: Iterable[str]) -> dict[str, list[Row]]:
        """Who was there: of who comes along each, of the others how many."""
        comings: list[Row] = []
        others: Counter[tuple[str, str, bool]] = Counter()
        stand = select(CheckIn).where(CheckIn.step_id.in_(list(step_ids)), CheckIn.undone_at.is_(None))
        for one in self._all(stand.order_by(CheckIn.step_id, CheckIn.at, CheckIn.id)):
            ref = self._of(one.member_id)
            if ref is None:
                others[one.step_id, one.evidence, one.signed_up] += 1
            else:
                comings.append(
                    ComingRow(step=one.step_id, person=ref, at=one.at, evidence=one.evidence, signed_up=one.signed_up)
                )
        counted: list[Row] = [
            TurnoutRow(step=step, evidence=evidence, signed_up=signed_up, came=came)
            for (step, evidence, signed_up), came in sorted(others.items())
        ]
        return {"comings": comings, "turnout": counted}

    def _topics_and_posts(self, event_ids: set[str]) -> tuple[list[Row], list[Row]]:
        """What stands to be read: nothing deleted, nothing hidden, and no topic that is empty then."""
        of = self._community.id
        where = Where(of, None)
        hidden = hiding.hidden_posts(self._session, where, rules=self._rules)
        newcomers = hiding.hidden_newcomers(self._session, of, rules=self._rules)
        topics = {topic.id: topic for topic in self._all(select(Topic).where(Topic.community_id == of))}
        inside = select(Post).where(or_(Post.topic_id.in_(topics), Post.event_id.in_(event_ids)))
        kept: dict[int, Post] = {}
        posts: list[Row] = []
        for post in self._all(inside.where(Post.deleted_at.is_(None)).order_by(Post.id)):
            if post.id in hidden or post.member_id in newcomers:
                continue
            kept[post.id] = post
            posts.append(
                PostRow(
                    id=post.id,
                    topic=post.topic_id,
                    event=post.event_id,
                    by=self._of(post.member_id),
                    text=post.text,
                    picture=self._digest(post.picture_id),
                    leads_to=post.leads_to if post.leads_to in event_ids else None,
                    answer_to=post.answer_to if post.answer_to in kept else None,
                    newcomer=post.newcomer,
                    at=post.at,
                    edited_at=post.edited_at,
                )
            )
        used = {post.topic_id for post in kept.values()}
        named: list[Row] = [
            TopicRow(id=topic.id, title=topic.title, by=self._of(topic.made_by), made_at=topic.made_at)
            for topic_id, topic in sorted(topics.items())
            if topic_id in used
        ]
        return named, posts


def _language(said: str | None) -> Language | None:
    found: dict[str, Language] = {"en": "en", "zh": "zh"}
    return found.get(said or "")

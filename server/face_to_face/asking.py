"""Asks the members of a circle that fell silent whether to keep it, takes their answers, and does what they say."""

import datetime as dt
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server import constraints, names
from server.communities import service as communities
from server.communities.model import Community
from server.errors import NotFound, Refused
from server.face_to_face import dissolving, keeping
from server.face_to_face.keeping import Verdict
from server.face_to_face.model import Founding, Keeping
from server.inbox import service as inbox
from server.texts import later


class NothingAsked(NotFound):
    """Nobody asks whether to keep this: it is kept, or it is gone."""

    code = "nothing_asked"
    kept = True  # it may have been decided just now


class MembersAnswer(Refused):
    """Whether to keep a circle is its members' to say."""

    code = "members_answer"


class Question(NamedTuple):
    """Keep or let go? until: when it is decided at the latest; mine: her answer, None if she gave none."""

    name: str
    until: dt.datetime
    members: int
    keep: int
    let_go: int
    mine: bool | None


def look(session: Session, *, community_id: str, now: dt.datetime) -> None:
    """Asks or decides if its time has come; whoever looks first, once. A community founded otherwise is left alone."""
    if not names.is_id(community_id):
        return
    found = session.get(Founding, community_id)
    if found is None or found.kept_at is not None:
        return
    community = session.get(Community, community_id)
    if community is None or community.dissolved_at is not None:
        return  # what was stays readable, and goes as everything dissolved does
    if keeping.judge(_circle(session, found), now) is Verdict.WAIT:
        return
    community, found = _lock(session, community_id)
    if community is None or found is None or found.kept_at is not None or community.dissolved_at is not None:
        return
    name, members = community.name, communities.members_of(session, community_id=community_id)
    verdict = keeping.judge(_circle(session, found), now)
    if verdict is Verdict.ASK and members:
        found.asked_at = now
        session.flush()
        sentence = later("%(name)s has been silent for a week. Keep it, or let it go?")
        _tell(session, community_id, members, "circle.keep", sentence, name, f"/communities/{community_id}/keep", now)
    elif verdict is Verdict.KEEP:
        found.kept_at = now
        session.flush()
    elif verdict is not Verdict.WAIT:
        dissolving.dissolve(session, community_id=community_id)
        sentence = later("%(name)s was let go, and nothing of it is kept. Gather again whenever you like.")
        _tell(session, community_id, members, "circle.let_go", sentence, name, "/gather", now)


def question(session: Session, *, community_id: str, member_id: str, now: dt.datetime) -> Question:
    """What is asked of her; raises CommunityUnknown, NothingAsked, MembersAnswer."""
    look(session, community_id=community_id, now=now)
    found = session.get(Founding, community_id) if names.is_id(community_id) else None
    if found is None or found.asked_at is None or found.kept_at is not None:
        raise NothingAsked
    if communities.get(session, community_id).dissolved_at is not None:
        raise NothingAsked
    if not communities.belongs(session, community_id=community_id, member_id=member_id):
        raise MembersAnswer
    circle = _circle(session, found)
    mine = session.get(Keeping, (community_id, member_id), populate_existing=True)
    return Question(
        communities.get(session, community_id).name,
        found.asked_at + keeping.ANSWERS,
        circle.members,
        circle.keep,
        circle.let_go,
        None if mine is None else mine.keep,
    )


def answer(session: Session, *, community_id: str, member_id: str, keep: bool, now: dt.datetime) -> None:
    """Takes a member's answer, the last one counts; with the last member's it is decided.

    Raises NothingAsked, MembersAnswer.
    """
    # Answers take turns, so that of the last two one sees both.
    if names.is_id(community_id):
        _lock(session, community_id)
    question(session, community_id=community_id, member_id=member_id, now=now)
    row = {"community_id": community_id, "member_id": member_id, "keep": keep, "at": now}
    made = insert(Keeping).values(row)
    session.execute(made.on_conflict_do_update(index_elements=["community_id", "member_id"], set_=row))
    look(session, community_id=community_id, now=now)


def due(session: Session, now: dt.datetime) -> list[str]:
    """The ids of circles founded face to face at which somebody should look."""
    given = {"founded": now - keeping.SILENT, "asked": now - keeping.ANSWERS}
    return list(session.scalars(_DUE, given))


def _lock(session: Session, community_id: str) -> tuple[Community | None, Founding | None]:
    """Read anew: they may have been looked at before. The community is locked first, as who dissolves it does."""
    community = constraints.read(session, Community, community_id, to_edit=True)
    return community, constraints.read(session, Founding, community_id, to_edit=True)


def _circle(session: Session, found: Founding) -> keeping.Circle:
    row: Any = session.execute(_CIRCLE, {"community": found.community_id}).one()
    words = [
        found.founded_at,
        *(word for word in (row.event_at, row.proposal_at, row.post_at, row.change_at) if word is not None),
    ]
    return keeping.Circle(max(words), found.asked_at, row.members, row.keep, row.let_go)


def _tell(
    session: Session,
    community_id: str,
    member_ids: list[str],
    kind: str,
    sentence: str,
    name: str,
    link: str,
    now: dt.datetime,
) -> None:
    of = f"community/{community_id}"
    values = {"name": name}
    inbox.tell(session, member_ids, kind=kind, of=of, sentence=sentence, values=values, link=link, now=now, nonce="")


_DUE = text("""
    SELECT founding.community_id FROM founding JOIN community ON community.id = founding.community_id
    WHERE founding.kept_at IS NULL AND founding.founded_at <= :founded AND community.dissolved_at IS NULL
    ORDER BY founding.founded_at, founding.community_id
""")
# A word is a gathering (of the time of its end), a proposal (of the time when it is decided), a post and a change.
_CIRCLE = text("""
    SELECT (SELECT max(step.ends_at) FROM step JOIN event ON event.id = step.event_id
            WHERE event.community_id = :community AND event.state = 'published') AS event_at,
           (SELECT max(coalesce(decided_at, decide_by)) FROM proposal WHERE community_id = :community) AS proposal_at,
           (SELECT max(post.at) FROM post JOIN post_topic AS said_in ON said_in.id = post.topic_id
            WHERE said_in.community_id = :community) AS post_at,
           (SELECT max(at) FROM community_change WHERE community_id = :community) AS change_at,
           (SELECT count(*) FROM community_member WHERE community_id = :community) AS members,
           count(*) FILTER (WHERE keeping.keep) AS keep,
           count(*) FILTER (WHERE NOT keeping.keep) AS let_go
    FROM keeping JOIN community_member USING (community_id, member_id) WHERE community_id = :community
""")

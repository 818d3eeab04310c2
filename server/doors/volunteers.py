"""What a volunteer's phone may do without an account: find who is expected, see whom it let in, take that back."""

import datetime as dt
import unicodedata
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.checkins import service as checkins
from server.consent import reading
from server.doors import refusals
from server.doors import service as doors
from server.doors.model import Door
from server.errors import Invalid, NotFound

LETTERS = 2  # before a name is shown: fewer would list everybody
HITS = 8  # a thumb's choice; whoever has more of that name types one letter more
UNDO_WITHIN = dt.timedelta(minutes=10)  # a slip at the door; later it is the host's matter


class TwoLetters(Invalid):
    """Type the first two letters of the name."""

    code = "two_letters"


class NotByThisDoor(NotFound):
    """This door did not let them in, or more than ten minutes ago. The host can take it back."""

    code = "not_by_this_door"


class Hit(NamedTuple):
    """Somebody of this event whose name begins so. in_at: when she came; left: she is out again."""

    member_id: str
    name: str
    in_at: dt.datetime | None
    left: bool


class Recent(NamedTuple):
    """Somebody whom this door has just let in; may_undo: it was by this that she is checked in."""

    checkin_id: int
    name: str
    at: dt.datetime
    direction: str
    flags: tuple[str, ...]
    undone: bool
    may_undo: bool


# A word of the name begins with what was typed.
_SEARCH = text(r"""
    SELECT id, name, in_at, moved = 'out' AS left FROM (
    SELECT member.id, member.name,
           (SELECT passage.direction FROM passage JOIN checkin ON checkin.id = passage.checkin_id
            JOIN step ON step.id = checkin.step_id
            WHERE step.event_id = :event AND passage.member_id = member.id AND checkin.undone_at IS NULL
            ORDER BY passage.at DESC, passage.id DESC LIMIT 1) AS moved,
           (SELECT min(checkin.at) FROM checkin JOIN step ON step.id = checkin.step_id
            WHERE step.event_id = :event AND checkin.member_id = member.id AND checkin.undone_at IS NULL) AS in_at
    FROM member
    WHERE (lower(member.name) LIKE :typed || '%' ESCAPE '\' OR lower(member.name) LIKE '% ' || :typed || '%' ESCAPE '\')
      AND (EXISTS (SELECT FROM going WHERE event_id = :event AND member_id = member.id)
           OR member.guest AND EXISTS (
               SELECT FROM checkin JOIN step ON step.id = checkin.step_id
               WHERE step.event_id = :event AND checkin.member_id = member.id))) AS found
    ORDER BY in_at IS NOT NULL, lower(name), id LIMIT :hits
""")

_RECENT = text("""
    SELECT passage.checkin_id, member.name, passage.at, passage.direction, passage.flags,
           checkin.undone_at IS NOT NULL AS undone,
           passage.direction = 'in' AND checkin.undone_at IS NULL AND checkin.recorded_at = passage.recorded_at
               AS may_undo
    FROM passage JOIN checkin ON checkin.id = passage.checkin_id JOIN member ON member.id = passage.member_id
    WHERE passage.door_id = :door AND passage.recorded_at > :since
    ORDER BY passage.recorded_at DESC, passage.id DESC LIMIT 20
""")


def open_link(session: Session, token: str, now: dt.datetime) -> doors.Seen:
    """The volunteer's door of a link that is open now; raises DoorUnknown, DoorRevoked, DoorOver."""
    door = doors.by_token(session, token)
    if door.kind != "volunteer":
        raise refusals.DoorUnknown
    seen = doors.see(session, door)
    if (closed := doors.closed(seen, now)) is not None:
        raise closed
    return seen


def search(session: Session, event_id: str | None, typed: str, now: dt.datetime) -> list[Hit]:
    """Who of this event has a name that begins so, those who have not come yet first, as far as the host may see it.

    Raises TwoLetters.
    """
    wanted = " ".join(typed.casefold().split())[:100]
    if sum(unicodedata.category(sign)[0] in "LN" for sign in wanted) < LETTERS:
        raise TwoLetters
    if event_id is None or "\0" in wanted:
        return []
    escaped = wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows = session.execute(_SEARCH, {"event": event_id, "typed": escaped, "hits": HITS}).all()
    named = reading.named_to_host(session, event_id=event_id, member_ids={row.id for row in rows}, now=now)
    return [Hit(row.id, row.name, row.in_at, bool(row.left)) for row in rows if row.id in named]


def recent(session: Session, door: Door, now: dt.datetime) -> list[Recent]:
    """Whom this door let in within the last ten minutes, the latest first."""
    rows = session.execute(_RECENT, {"door": door.id, "since": now - UNDO_WITHIN})
    return [
        Recent(row.checkin_id, row.name, row.at, row.direction, tuple(row.flags), row.undone, row.may_undo)
        for row in rows
    ]


def undo(session: Session, door: Door, checkin_id: int, now: dt.datetime) -> None:
    """Takes back what this door itself did a moment ago; raises NotByThisDoor."""
    if checkin_id not in {one.checkin_id for one in recent(session, door, now) if one.may_undo}:
        raise NotByThisDoor
    checkins.undo(session, checkin_id=checkin_id, now=now, by=None, door_id=door.id)

"""Keeps the logins of members' phones, and takes what they say: where they are, and what they heard."""

import datetime as dt
import secrets
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from config.settings import Settings
from server import constraints, names
from server.company import service as company
from server.errors import Conflict, Invalid, NotFound, Refused, SignInNeeded
from server.people.hashing import hash_token
from server.phones import hearing
from server.phones.model import Phone
from server.phones.owntracks import Crossed, Located, Passed, Read, Reason, Wrong
from server.positions import service as positions
from server.positions.service import Fix, Source

MOST_PHONES = 10  # of one member: a phone, an old one, a tablet, and slips
# Nobody guesses 98 bits, and who has to type them on a phone sees no sign that looks like another.
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 4, 5
PREFIX = "owntracks"  # the first part of the topics


class PhoneUnknown(SignInNeeded):
    """This login is no phone's. In OwnTracks, open the link of your page "Your phones" once more."""

    code = "phone_unknown"


class PhoneGone(NotFound):
    """You have no such phone here."""

    code = "phone_gone"


class TooManyPhones(Conflict):
    """You have as many phones as one can have; remove one first."""

    code = "too_many_phones"


class MessageEncrypted(Invalid):
    """Your phone encrypts what it says, and nobody here can read it. In OwnTracks, empty the field "Encryption key"."""

    code = "message_encrypted"
    kept = True  # her page says so as well


class MessageUnclear(Invalid):
    """OwnTracks says nothing like this, or its place or time cannot be right."""

    code = "message_unclear"
    kept = True


class OtherTopic(Refused):
    """This login may speak for one phone alone, and this was sent for another."""

    code = "other_topic"


class Told(NamedTuple):
    """What a phone said at once."""

    number: int
    member_id: str
    device: str
    read: Read


_HEARD = text("""
    UPDATE phone SET heard_at = greatest(heard_at, CAST(:now AS timestamptz)), trouble = said.trouble,
           trouble_at = CASE WHEN said.trouble IS NULL THEN NULL ELSE CAST(:now AS timestamptz) END
    FROM (SELECT * FROM unnest(CAST(:numbers AS bigint[]), CAST(:troubles AS text[])) AS t (number, trouble)) AS said
    WHERE phone.number = said.number
      AND (heard_at IS NULL OR heard_at <= :stale OR phone.trouble IS DISTINCT FROM said.trouble)
""")
SEEN_EVERY = dt.timedelta(minutes=1)  # a phone may speak each few seconds; its row is written once a minute


def login_of(phone: Phone) -> str:
    """The name with which a phone signs in, and below which it speaks over MQTT."""
    return f"{phone.member_id}/{phone.device}"


def add(session: Session, *, member_id: str, name: str, now: dt.datetime) -> tuple[Phone, str]:
    """Makes a login for a phone and returns it with its password, this once; raises Invalid, TooManyPhones."""
    name = names.check_name(name, "phone")
    constraints.take_turn(session, f"phones of {member_id}")
    mine = set(session.scalars(select(Phone.device).where(Phone.member_id == member_id)))
    if len(mine) >= MOST_PHONES:
        raise TooManyPhones
    device = wanted = names.suggest_id(name, "phone")[:40]
    number = 1
    while device in mine:
        number += 1
        device = f"{wanted}-{number}"
    password = "-".join("".join(secrets.choice(_SIGNS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    phone = Phone(member_id=member_id, device=device, name=name, password_hash=hash_token(password), made_at=now)
    session.add(phone)
    session.flush()
    return phone, password


def list_of(session: Session, *, member_id: str) -> list[Phone]:
    """A member's phones, the newest first."""
    return list(session.scalars(select(Phone).where(Phone.member_id == member_id).order_by(Phone.number.desc())))


def remove(session: Session, *, member_id: str, number: int) -> str:
    """Takes a phone's login away, and forgets where it was; returns the login. Raises PhoneGone."""
    found = session.scalar(select(Phone).where(Phone.number == number, Phone.member_id == member_id))
    if found is None:
        raise PhoneGone
    login = login_of(found)
    positions.forget(session, member_id=member_id, source=Source.PHONE, device=found.device)
    session.execute(delete(Phone).where(Phone.number == number))
    return login


def sign_in(session: Session, *, login: str, password: str) -> Phone:
    """The phone of this login; raises PhoneUnknown."""
    member_id, _, device = login.partition("/")
    row = session.scalar(select(Phone).where(Phone.member_id == member_id, Phone.device == device))
    if row is None or not secrets.compare_digest(row.password_hash, hash_token(password)):
        raise PhoneUnknown
    return row


def known(session: Session, logins: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The numbers of phones by member and device, of those that there are."""
    members = sorted({member_id for member_id, _ in logins})
    rows = session.execute(select(Phone.member_id, Phone.device, Phone.number).where(Phone.member_id.in_(members)))
    wanted = set(logins)
    return {(row.member_id, row.device): row.number for row in rows if (row.member_id, row.device) in wanted}


def logins_at_broker(session: Session) -> set[str]:
    """The logins that the broker has to have."""
    rows = session.execute(select(func.concat(Phone.member_id, "/", Phone.device)).where(Phone.at_broker))
    return set(rows.scalars())


def take(session: Session, fixes: Sequence[Fix], *, now: dt.datetime, settings: Settings) -> list[Fix]:
    """Takes where members are: keeps cells of it, and shows the fixes themselves to fences and company, who keep none.

    Returns what was news. A fix that is over, of the future or of somebody who is paused is used for nothing. The last
    thing that a transaction does.
    """
    timely = [fix for fix in fixes if positions.is_timely(fix, now=now)]
    resting = positions.paused(session, {fix.member_id for fix in timely})
    usable = [fix for fix in timely if fix.member_id not in resting]
    news = positions.keep(session, usable, now=now)
    company.take(session, usable, now=now, settings=settings)
    return news


def take_told(session: Session, told: Sequence[Told], *, now: dt.datetime, settings: Settings) -> Counter[str]:
    """Takes what phones said, in the order in which it came, and returns how many of each kind there were.

    The last thing that a transaction does.
    """
    gap = dt.timedelta(seconds=settings.phones.heard_gap_s)
    counts: Counter[str] = Counter()
    fixes: list[Fix] = []
    heard: list[hearing.Said] = []
    troubles: dict[int, str | None] = {}
    for one in told:
        troubles[one.number] = None
        for said in one.read.said:
            if isinstance(said, Located):
                fixes.append(Fix(one.member_id, Source.PHONE, one.device, said.place, said.accuracy_m, said.at))
                heard += [hearing.within(one.member_id, region, said.at) for region in said.regions]
                counts["location"] += 1
            elif isinstance(said, Crossed):
                heard.append(hearing.Said(one.member_id, said.beacon, said.event, said.at))
                counts["beacon"] += 1
            elif isinstance(said, Passed):
                counts["passed_over" if said.known else "unknown"] += 1
            elif isinstance(said, Wrong):
                counts[said.reason] += 1
                troubles[one.number] = said.reason
    note(session, troubles, now=now)
    if heard:
        counts += hearing.take(session, heard, now=now, gap=gap)
    if fixes:
        counts["news"] += len(take(session, fixes, now=now, settings=settings))
    return counts


def note(session: Session, troubles: dict[int, str | None], *, now: dt.datetime) -> None:
    """Keeps when phones were heard last, and what was wrong with it. troubles: by the phone's number."""
    numbers = sorted(troubles)  # in one order, so that two processes that take the same do not wait in a ring
    if not numbers:
        return
    session.execute(select(Phone.number).where(Phone.number.in_(numbers)).order_by(Phone.number).with_for_update())
    given = {"numbers": numbers, "troubles": [troubles[number] for number in numbers]}
    session.execute(_HEARD, {**given, "now": now, "stale": now - SEEN_EVERY})


def check_topics(read: Read, phone: Phone) -> None:
    """Raises OtherTopic where a message says that it was sent for another phone."""
    own = f"{PREFIX}/{phone.member_id}/"
    if any(not f"{topic}/".startswith(own) for topic in read.topics):
        raise OtherTopic


def check(read: Read) -> None:
    """Raises what an app is told over HTTP of what could not be taken: MessageEncrypted, MessageUnclear."""
    reasons = [said.reason for said in read.said if isinstance(said, Wrong)]
    if Reason.ENCRYPTED in reasons:
        raise MessageEncrypted
    if reasons:
        raise MessageUnclear

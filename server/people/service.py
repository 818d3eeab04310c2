"""Knows members, signs them in and out, and makes one-time links."""

import datetime as dt
import difflib
import secrets
from collections.abc import Iterable

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from server import constraints, names, paging
from server.errors import Conflict, NotFound, Refused
from server.mail import addresses
from server.people import tokens
from server.people.hashing import hash_token, new_token
from server.people.model import Member, SignInLink, SignInSession

# The defaults of server.session_days and server.sign_in_link_minutes; reasons in config/defaults.toml.
SESSION_LIFETIME = dt.timedelta(days=30)
LINK_LIFETIME = dt.timedelta(minutes=15)
RANDOM_ID_BYTES = 10  # 80 bits: two never meet
NEAR_NAMES = 3  # as many as one line shows


_TO_FORGET = text("""
    SELECT id FROM member
    WHERE guest AND created_at <= :since
      AND NOT EXISTS (SELECT FROM sign_up JOIN step USING (event_id)
                      WHERE sign_up.member_id = member.id AND sign_up.state IN ('asked', 'going', 'waiting')
                      AND step.ends_at > :since)
      AND NOT EXISTS (SELECT FROM checkin LEFT JOIN step ON step.id = checkin.step_id
                      WHERE checkin.member_id = member.id AND coalesce(step.ends_at, checkin.at) > :since)
      AND NOT EXISTS (SELECT FROM consent WHERE consent.member_id = member.id AND ended_at IS NULL
                      AND level = 'name' AND until > :now)
    ORDER BY id
""")


class MemberUnknown(NotFound):
    """Nobody here has that name."""

    code = "member_unknown"


class MemberExists(Conflict):
    """Somebody has this id already."""

    code = "member_exists"


class AddressTaken(Conflict):
    """This e-mail address belongs to somebody here already."""

    code = "address_taken"


class LinkUnknown(NotFound):
    """This sign-in link is not one of ours. Please ask for a new one."""

    code = "link_unknown"


class LinkUsed(Refused):
    """This sign-in link was used already; each works once. Please ask for a new one."""

    code = "link_used"


class LinkExpired(Refused):
    """This sign-in link is too old. Please ask for a new one."""

    code = "link_expired"


def new_id(what: str = "member") -> str:
    """An id that is random: it travels in topics, where neither a name nor an address must."""
    return f"{what}-{secrets.token_hex(RANDOM_ID_BYTES)}"


def create(
    session: Session,
    *,
    id: str,
    name: str,
    about: str = "",
    operator: bool = False,
    simulated: bool = False,
    demo_order: int | None = None,
) -> Member:
    """Makes a member known; raises MemberExists, Invalid."""
    member = Member(
        id=names.check_id(id, "member"),
        name=names.check_name(name, "member"),
        about=names.check_text(about, "member"),
        operator=operator,
        simulated=simulated,
        demo_order=demo_order,
    )
    constraints.add_new(session, member, MemberExists("There is a member %(id)s already.", id=id))
    return member


def create_guest(session: Session, *, name: str, language: str | None = None) -> Member:
    """Makes somebody known who has no account, by the name that she wants shown; raises Invalid."""
    shown = names.check_name(name, "guest")
    guest = Member(id=new_id("guest"), name=shown, guest=True, language=language)
    session.add(guest)
    session.flush()
    return guest


def by_address(session: Session, address: str) -> Member | None:
    """Whose e-mail address this is, as server/mail/addresses.py spells it."""
    return session.scalar(select(Member).where(func.lower(Member.email) == address))


def create_by_address(session: Session, *, address: str, name: str, language: str | None) -> Member:
    """Makes somebody known who has proved that an e-mail address is hers; raises AddressTaken."""
    member = Member(id=new_id(), name=name, email=address, language=language)
    with constraints.explain(session, {"uq_member_email": AddressTaken()}):
        session.add(member)
    return member


def set_address(session: Session, member: Member, address: str) -> None:
    """Makes a proved address a member's; a guest is none any more. Raises AddressTaken."""
    with constraints.explain(session, {"uq_member_email": AddressTaken()}):
        member.email, member.guest = address, False
        member.version += 1


def get(session: Session, id: str) -> Member:
    """The member of this id; raises MemberUnknown."""
    member = session.get(Member, id) if names.is_id(id) else None
    if member is None:
        raise MemberUnknown("There is no member %(id)r.", id=id[: names.ID_MAX_LENGTH])
    return member


def list_one(session: Session, said: str) -> list[Member]:
    """Who has exactly this id or e-mail address: she alone, or nobody; raises AddressInvalid."""
    if "@" in said:
        found = by_address(session, addresses.normalise(said))
    else:
        found = session.get(Member, said) if names.is_id(said) else None
    return [] if found is None else [found]


def find(session: Session, said: str) -> Member:
    """The member of this id or name, in any case of letters; raises MemberUnknown that lists near ones."""
    wanted = said.strip().casefold()
    members = list_all(session)
    found = [member for member in members if member.id == wanted]
    found = found or [member for member in members if member.name.casefold() == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        raise MemberUnknown("Several have the name %(text)r: say which, %(found)s.", text=said, found=_list(found))
    known = {word: member for member in members for word in (member.id, member.name.casefold())}
    near = {known[word].id: known[word] for word in difflib.get_close_matches(wanted, known, n=NEAR_NAMES)}
    hint = f"did you mean {_list(near.values())}?" if near else "no name here is like it."
    raise MemberUnknown("Nobody here is called %(text)r: %(hint)s", text=said, hint=hint)


def list_all(session: Session, page: paging.Page = paging.EVERYTHING) -> list[Member]:
    """All members by id."""
    return page.read(session, select(Member), paging.up(Member.id))


def demo_members(session: Session) -> list[Member]:
    """Those whom a visitor of the demonstration may be, in the order of the sign-in page."""
    rows = select(Member).where(Member.demo_order.is_not(None)).order_by(Member.demo_order, Member.id)
    return list(session.scalars(rows))


def sign_in(
    session: Session,
    *,
    member_id: str,
    now: dt.datetime,
    lifetime: dt.timedelta = SESSION_LIFETIME,
    browser: str = "",
    how: str = "",
) -> str:
    """Signs a member in and returns the token that her browser keeps; raises MemberUnknown.

    browser: a few words on it; how: link, code, passkey, password, name, ...
    """
    get(session, member_id)
    session.execute(delete(SignInSession).where(SignInSession.member_id == member_id, SignInSession.expires_at <= now))
    token = new_token()
    session.add(
        SignInSession(
            token_hash=hash_token(token),
            member_id=member_id,
            created_at=now,
            expires_at=now + lifetime,
            seen_at=_to_the_hour(now),
            browser=browser,
            how=how,
        )
    )
    session.flush()
    return token


def member_of(session: Session, *, token: str, now: dt.datetime, seen: bool = False) -> Member | None:
    """Whose session, or whose API token, this is at `now`; None when it is nobody's or has ended.

    seen: notes that it was used, once an hour.
    """
    if tokens.is_token(token):
        return tokens.member_of(session, token=token, now=now, seen=seen)
    found = session.execute(
        select(Member, SignInSession.seen_at)
        .join(SignInSession, SignInSession.member_id == Member.id)
        .where(SignInSession.token_hash == hash_token(token), SignInSession.expires_at > now)
    ).one_or_none()
    if found is None:
        return None
    member, seen_at = found
    if seen and seen_at < _to_the_hour(now):
        session.execute(
            update(SignInSession)
            .where(SignInSession.token_hash == hash_token(token))
            .values(seen_at=_to_the_hour(now))
            .execution_options(synchronize_session=False)
        )
    return member


def sign_out(session: Session, *, token: str) -> None:
    """Ends a session; one that is nobody's is fine."""
    session.execute(delete(SignInSession).where(SignInSession.token_hash == hash_token(token)))


def make_link(session: Session, *, member_id: str, now: dt.datetime, lifetime: dt.timedelta = LINK_LIFETIME) -> str:
    """The token of a link that signs this member in once; raises MemberUnknown."""
    get(session, member_id)
    session.execute(delete(SignInLink).where(SignInLink.member_id == member_id, SignInLink.expires_at <= now))
    token = new_token()
    session.add(SignInLink(token_hash=hash_token(token), member_id=member_id, expires_at=now + lifetime))
    session.flush()
    return token


def look_at_link(session: Session, *, token: str, now: dt.datetime) -> Member:
    """Whom a link would sign in, without using it; raises LinkUnknown, LinkUsed, LinkExpired."""
    link = session.get(SignInLink, hash_token(token), populate_existing=True)
    if link is None:
        raise LinkUnknown
    if link.used_at is not None:
        raise LinkUsed
    if link.expires_at <= now:
        raise LinkExpired
    return get(session, link.member_id)


def use_link(session: Session, *, token: str, now: dt.datetime) -> str:
    """Uses a link up and returns the id of its member; raises LinkUnknown, LinkUsed, LinkExpired.

    Of two at the same moment one wins: the second waits for the first's row and finds it used.
    """
    used = session.execute(
        update(SignInLink)
        .where(
            SignInLink.token_hash == hash_token(token),
            SignInLink.used_at.is_(None),
            SignInLink.expires_at > now,
        )
        .values(used_at=now)
        .returning(SignInLink.member_id)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if used is not None:
        return used
    look_at_link(session, token=token, now=now)
    raise LinkUsed  # taken back between the two statements; nobody may sign in with a link in doubt


def guests_to_forget(session: Session, now: dt.datetime, keep: dt.timedelta) -> list[str]:
    """The ids of guests whose last event ended, or who came last, `keep` ago.

    Who proved an e-mail address is no guest; an address on a list that nobody came to claim keeps nobody.
    A guest who let a shop greet her until some day is remembered until then.
    """
    return list(session.execute(_TO_FORGET, {"now": now, "since": now - keep}).scalars())


def _to_the_hour(moment: dt.datetime) -> dt.datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _list(members: Iterable[Member]) -> str:
    return ", ".join(f"{member.id} ({member.name})" for member in members)

"""One request to gather or to come in, whether by API or by page: counted, proven, done."""

import zoneinfo

from sqlalchemy.orm import Session

from server.doors import refusals
from server.face_to_face import proof
from server.face_to_face import service as gathers
from server.face_to_face.proof import Said
from server.limits import service as limits
from server.limits.service import Bucket, Caller, Rate
from server.people.model import Member
from server.texts import Texts
from server.venues import service as venues


def gather(
    session: Session,
    caller: Caller,
    *,
    said: Said,
    member: Member | None,
    name: str,
    community_id: str | None,
    guest_name: str,
    nonce: str | None,
    say: Texts,
) -> gathers.Joined:
    """Gathers people where somebody is; who is not known on this phone becomes a guest.

    Raises what gathers.gather and proof.find raise, and TooMany.
    """
    rate = Rate(caller.rates.asks_at_once, caller.rates.asks_per_h)
    limits.take(caller.engine, "gathers from", caller.network, now=caller.now, rate=rate)
    here = _prove(session, caller, said, member)[0]
    zone = "UTC" if here.venue_id is None else venues.get(session, here.venue_id).time_zone
    today = caller.now.astimezone(zoneinfo.ZoneInfo(zone)).date()
    return gathers.gather(
        session,
        founder=member,
        proof=here,
        now=caller.now,
        name=name.strip() or say.gettext("Met on %(day)s", day=today),
        community_id=community_id,
        guest_name=guest_name,
        language=say.language,
        nonce=nonce,
    )


def join(
    session: Session,
    caller: Caller,
    *,
    typed: str,
    said: Said,
    member: Member | None,
    name: str,
    nonce: str | None,
    language: str,
) -> gathers.Joined:
    """Lets in who types digits where she is: she says where first, and what she types wrong is counted.

    Raises what gathers.join and proof.find raise, and TooMany.
    """
    proofs = _prove(session, caller, said, member)
    rates = caller.rates
    hers = None
    if member is not None:
        hers = Bucket("gather digits of", member.id, Rate(rates.digits_tries_at_once, rates.digits_tries_per_h))
    with limits.guessing(session, caller, "gather digits", gathers.DigitsWrong, hers=hers):
        return gathers.join(
            session,
            typed=typed,
            proofs=proofs,
            now=caller.now,
            member=member,
            name=name,
            language=language,
            nonce=nonce,
        )


def _prove(session: Session, caller: Caller, said: Said, member: Member | None) -> list[proof.Proof]:
    with limits.guessing(session, caller, "door code", refusals.CodeUnknown):
        return proof.find(session, said, member_id=None if member is None else member.id, now=caller.now)

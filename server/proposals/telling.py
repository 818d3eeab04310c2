"""What those who committed find in their inbox: it happens, it does not, it was taken back."""

import datetime as dt
from collections.abc import Iterable

from sqlalchemy.orm import Session

from server.inbox import service as inbox
from server.proposals.model import Proposal
from server.proposals.rules import Settle
from server.texts import later


def counted(session: Session, proposal: Proposal, member_ids: Iterable[str], now: dt.datetime) -> None:
    """Tells those whose votes were counted without a tap of theirs."""
    sentence = later("%(title)s may happen again, and your yes is counted. Have a look whether the time suits you.")
    _tell(session, proposal, member_ids, "proposal.counted", sentence, now)


def settled(session: Session, proposal: Proposal, found: Settle, now: dt.datetime) -> None:
    """Tells everybody who committed that it happens, each what it means for her."""
    going = [one for one in found.going if one != proposal.by_id]
    link = f"/events/{proposal.event_id}"
    if proposal.by_id is not None:
        sentence = later("%(title)s happens: %(count)s are coming, and you are its organizer.")
        _tell(session, proposal, [proposal.by_id], "proposal.settled", sentence, now, len(found.going), link)
    sentence = later("%(title)s happens: %(count)s are coming, you too. You are signed up.")
    _tell(session, proposal, going, "proposal.settled", sentence, now, len(found.going), link)
    sentence = later("%(title)s happens, and %(count)s were faster than you. If a place gets free, it may be yours.")
    _tell(session, proposal, found.waiting, "proposal.settled", sentence, now, len(found.going), link)
    sentence = later("%(title)s happens, but not when you said you can. Look whether you can come all the same.")
    _tell(session, proposal, found.others, "proposal.settled", sentence, now, len(found.going), link)


def lapsed(session: Session, proposal: Proposal, member_ids: Iterable[str], count: int, now: dt.datetime) -> None:
    """Tells everybody that it does not happen. count: how many could at the best option."""
    if proposal.why == "too_few":
        sentence = later("%(title)s does not happen: %(count)s of %(quorum)s committed in time.")
    else:
        sentence = later("%(title)s does not happen: nothing is left of its times and places.")
    _tell(session, proposal, member_ids, "proposal.lapsed", sentence, now, count)


def withdrawn(session: Session, proposal: Proposal, member_ids: Iterable[str], now: dt.datetime) -> None:
    """Tells everybody that it was taken back."""
    sentence = later("%(title)s was taken back by who proposed it. You are free again.")
    _tell(session, proposal, member_ids, "proposal.withdrawn", sentence, now)


def dissolved(session: Session, proposal: Proposal, member_ids: Iterable[str], now: dt.datetime) -> None:
    """Tells everybody, who proposed it as well, that the community has dissolved."""
    sentence = later("%(title)s does not happen: the community has dissolved. You are free again.")
    _tell(session, proposal, member_ids, "proposal.withdrawn", sentence, now)


def _tell(
    session: Session,
    proposal: Proposal,
    member_ids: Iterable[str],
    kind: str,
    sentence: str,
    now: dt.datetime,
    count: int = 0,
    link: str | None = None,
) -> None:
    values = {"title": proposal.title, "count": count, "quorum": proposal.quorum}
    inbox.tell(
        session,
        list(member_ids),
        kind=kind,
        of=f"proposal/{proposal.id}",
        sentence=sentence,
        values={name: value for name, value in values.items() if f"%({name})s" in sentence},
        link=link or f"/proposals/{proposal.id}",
        now=now,
        nonce="",
    )

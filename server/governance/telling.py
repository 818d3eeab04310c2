"""What members are told of a vote, in sentences: that it is open, and what came of it."""

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from server.communities.model import Community
from server.governance.model import Vote
from server.governance.rules import Kind, Outcome
from server.inbox import service as inbox
from server.inbox import words
from server.texts import later

_QUESTION = {
    Kind.DISSOLVE: later("Shall %(community)s dissolve?"),
    Kind.REMOVE: later("Shall %(called)s be removed from %(community)s?"),
    Kind.READMIT: later("Shall %(called)s come back to %(community)s?"),
    Kind.MOVE: later("Shall %(community)s move to another server?"),
    Kind.RESTORE: later("Shall what was hidden in %(community)s be shown again?"),
}
_OPENED = later("%(question)s Your word counts, for three days.")
_ABOUT_HER = {
    Kind.REMOVE: later(
        "%(community)s votes on whether you are to be removed, for three days. You may say something to those who vote."
    ),
    Kind.READMIT: later("%(community)s votes on whether you may come back, for three days."),
}
_DECIDED = {
    Outcome.PASSED: later("%(question)s Yes: %(yes)s yes, %(no)s no."),
    Outcome.NOT_MORE: later("%(question)s No: %(yes)s yes, %(no)s no."),
    Outcome.TOO_FEW: later("%(question)s %(cast)s of %(voters)s voted; %(quorum)s were needed. So all stays as it is."),
    Outcome.MOOT: later("%(question)s The community dissolved before this was decided."),
}


def opened(session: Session, vote: Vote, community: Community, voters: list[str], now: dt.datetime) -> None:
    """Tells those who vote that it is open, and whom it is about."""
    kind = Kind(vote.kind)
    asked = [(voters, _OPENED), *([([vote.member_id], _ABOUT_HER[kind])] if vote.member_id is not None else [])]
    for member_ids, sentence in asked:
        inbox.tell(
            session,
            member_ids,
            kind="vote_opened",
            of=f"community/{community.id}",
            sentence=sentence,
            values={"question": _question(vote, community), "community": _named(community)},
            link=link(vote),
            now=now,
            nonce=str(vote.id),
        )


def decided(
    session: Session, vote: Vote, community: Community, voters: list[str], *, cast: int, now: dt.datetime
) -> None:
    """Tells them, and whom it was about, what came of it. cast: how many voted."""
    assert vote.outcome is not None
    whom = sorted({*voters, *([] if vote.member_id is None else [vote.member_id])})
    values = {
        "question": _question(vote, community),
        "yes": vote.yes,
        "no": vote.no,
        "cast": cast,
        "voters": vote.voters,
        "quorum": vote.quorum,
    }
    inbox.tell(
        session,
        whom,
        kind="vote_decided",
        of=f"community/{community.id}",
        sentence=_DECIDED[Outcome(vote.outcome)],
        values=values,
        link=link(vote),
        now=now,
        nonce=str(vote.id),
    )


def _question(vote: Vote, community: Community) -> dict[str, Any]:
    # A vote that is not about a member calls nobody by name.
    called = "" if vote.member_id is None else words.person(vote.member_id, vote.called, simulated=False)
    return words.said(_QUESTION[Kind(vote.kind)], community=_named(community), called=called)


def _named(community: Community) -> dict[str, Any]:
    return words.named(community.name, community.simulated)


def link(vote: Vote) -> str:
    """The page of a vote."""
    return f"/communities/{vote.community_id}/votes#vote-{vote.id}"

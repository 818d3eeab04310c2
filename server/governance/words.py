"""What is said of votes and changes, in the reader's language."""

from server.governance.model import Vote
from server.governance.rules import Outcome
from server.texts import Texts, later

_WENT = {
    Outcome.PASSED: later("Yes: %(yes)s yes, %(no)s no. %(cast)s of %(voters)s voted; %(quorum)s were needed."),
    Outcome.NOT_MORE: later("No: %(yes)s yes, %(no)s no. %(cast)s of %(voters)s voted; %(quorum)s were needed."),
    Outcome.TOO_FEW: later("%(cast)s of %(voters)s voted; %(quorum)s were needed. So all stays as it is."),
    Outcome.MOOT: later("The community dissolved before this was decided."),
}


def of_vote(vote: Vote, cast: int, say: Texts) -> str:
    """How a vote stands or went, with its numbers."""
    if vote.outcome is None:
        return say.sentences(
            say.ngettext(
                "%(num)s of %(voters)s has voted.", "%(num)s of %(voters)s have voted.", cast, voters=vote.voters
            ),
            say.gettext("%(quorum)s are needed.", quorum=vote.quorum),
        )
    numbers = {"yes": vote.yes, "no": vote.no, "cast": cast, "voters": vote.voters, "quorum": vote.quorum}
    return say.gettext(_WENT[Outcome(vote.outcome)], **numbers)

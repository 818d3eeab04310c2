"""Who is near somebody, in a sentence that says no more than she may know."""

from server.company.service import Somebody
from server.texts import IN_ENGLISH, Texts


def of(one: Somebody, say: Texts = IN_ENGLISH) -> str:
    """`Ben, of Chess Circle`, or `Somebody of Chess Circle`."""
    community = say.name(one.community_name, one.community_simulated)
    if one.name is None:
        return say.gettext("Somebody of %(community)s", community=community)
    return say.gettext("%(name)s, of %(community)s", name=say.name(one.name, one.simulated), community=community)

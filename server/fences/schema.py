"""What fences take and give over HTTP."""

from typing import Annotated

from pydantic import Field

from config.settings import Fences
from server.fences import own, words
from server.fences.model import VenueFence
from server.fences.service import Standing
from server.fields import Incoming, Moment, Outgoing
from server.texts import Texts


class FenceIn(Incoming):
    """How near to a venue one is there, and from when on one has left."""

    enter_m: Annotated[float, Field(ge=own.ENTER_M[0], le=own.ENTER_M[1])]
    exit_m: Annotated[float, Field(gt=own.ENTER_M[0], le=own.EXIT_M)]
    dwell_s: Annotated[float, Field(ge=own.DWELL_S[0], le=own.DWELL_S[1])]


class FenceOut(Outgoing):
    """A venue's fence. own: set for this venue; otherwise as everywhere."""

    own: bool
    enter_m: float = Field(description="surely within: there")
    exit_m: float = Field(description="surely beyond: left")
    dwell_s: float = Field(description="who is there for so long has come, and did not pass by")


class StandingOut(Outgoing):
    """How it stands with you at a place that matters to you: one you go to, or that remembers your visits."""

    venue: str
    venue_name: str
    steps: list[str] = Field(description="where you are going there")
    remembered: bool
    device: str | None = Field(description="which of your phones; null where none was near")
    inside: bool | None = Field(description="null: not known")
    since: Moment | None
    last_at: Moment | None = Field(description="when the phone said last where it is")
    code: str = Field(description="inside, stay, edge, vague, outside or unknown")
    sentence: str
    outside_m: float = Field(description="how far outside it was, in steps of 10 m")
    off_m: float = Field(description="how far off that may be")
    more_s: float = Field(description="how much longer you have to be there, once you are")


def show_fence(row: VenueFence | None, rule: Fences) -> FenceOut:
    """A venue's fence as the API shows it."""
    if row is None:
        return FenceOut(own=False, enter_m=rule.enter_m, exit_m=rule.exit_m, dwell_s=rule.dwell_s)
    return FenceOut(own=True, enter_m=row.enter_m, exit_m=row.exit_m, dwell_s=row.dwell_s)


def show(standing: Standing, say: Texts) -> StandingOut:
    """How it stands at a place, as the API shows it."""
    where, explained = standing.where, standing.explained
    return StandingOut(
        venue=where.venue_id,
        venue_name=say.name(where.venue_name, where.simulated),
        steps=[one.step_id for one in where.gatherings],
        remembered=where.remembered_since is not None,
        device=standing.device,
        inside=standing.inside,
        since=standing.since,
        last_at=standing.last_at,
        code=explained.code.value,
        sentence=words.stands(explained, say),
        outside_m=explained.outside_m,
        off_m=explained.off_m,
        more_s=explained.more_s,
    )

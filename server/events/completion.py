"""When somebody has completed a gathering of several steps: all of them, or as many as it needs; pure."""

from collections.abc import Collection, Sequence
from typing import NamedTuple


class Progress(NamedTuple):
    """How far somebody is. done: her steps, in the gathering's order; needs: how many make it complete."""

    done: tuple[str, ...]
    needs: int

    @property
    def complete(self) -> bool:
        """Whether that is enough."""
        return len(self.done) >= self.needs


def progress(steps: Sequence[str], needs: int | None, checked_in: Collection[str]) -> Progress:
    """How far who is checked in there is; needs: None for all steps, never more than there are."""
    done = tuple(step for step in steps if step in checked_in)
    return Progress(done, len(steps) if needs is None else min(needs, len(steps)))

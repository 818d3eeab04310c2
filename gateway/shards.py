"""Which shards are this gateway's, and whether what it remembers of their rows may be trusted."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from beacon_agent import wire
from server.fleet import fence


class NotOwner(Exception):
    """Another gateway has taken shards of this transaction since."""

    def __init__(self, shards: Iterable[int]) -> None:
        """shards: which."""
        self.shards = frozenset(shards)
        super().__init__(f"shards {', '.join(map(wire.shard_name, sorted(self.shards)))} are another gateway's now")


class Shards:
    """The shards that are this gateway's as far as it knows; the fence's rows have the last word."""

    def __init__(self, gateway: str) -> None:
        """gateway: its id. None is its own yet."""
        self._gateway = gateway
        self.epochs: dict[int, int] = {}
        self._touched: dict[int, int] = {}

    def __contains__(self, shard: int) -> bool:
        """Whether it is ours."""
        return shard in self.epochs

    def gain(self, epochs: dict[int, int]) -> None:
        """These are ours now, by these epochs."""
        self.lose(epochs)
        self.epochs |= epochs

    def lose(self, shards: Iterable[int]) -> None:
        """These are not, or not as they were."""
        for shard in shards:
            self.epochs.pop(shard, None)
            self._touched.pop(shard, None)

    def hold(self, session: Session, shards: Iterable[int]) -> set[int]:
        """Keeps these ours until the session's transaction ends; returns those whose rows somebody else touched.

        Raises NotOwner when some are another gateway's.
        """
        held = fence.hold(session, shards)
        lost = {
            shard for shard, row in held.items() if row.gateway != self._gateway or row.epoch != self.epochs.get(shard)
        }
        if lost:
            raise NotOwner(lost)
        moved = {shard for shard, row in held.items() if self._touched.get(shard, row.touched) != row.touched}
        self._touched |= {shard: row.touched for shard, row in held.items()}
        return moved

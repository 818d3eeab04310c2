"""The constants that presence is judged by, in milliseconds: those of the settings, and the venue's own."""

import dataclasses

from config.settings import Presence


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """The constants of the states, and the venue's own: after which silence somebody has left."""

    away_after_ms: int
    given_up_after_ms: int
    unjudged_ms: int
    join_gap_ms: int
    rhythm_max_ms: int
    beacon_learn_ms: int
    beacon_gap_ms: int
    heard_gap_ms: int
    slot_ms: int


def make(presence: Presence, join_gap_s: float) -> Rule:
    """The rule of a venue with this join gap (s)."""
    join_gap_ms = round(join_gap_s * 1000)
    return Rule(
        away_after_ms=round(presence.away_after_s * 1000),
        given_up_after_ms=round(presence.given_up_after_s * 1000),
        unjudged_ms=round(presence.unjudged_s * 1000),
        join_gap_ms=join_gap_ms,
        # A venue's own join gap may be shorter than the default: who has left is not away any more, and nobody leaves
        # a venue whose agents are deaf.
        rhythm_max_ms=min(round(presence.rhythm_max_s * 1000), join_gap_ms),
        beacon_learn_ms=round(presence.beacon_learn_s * 1000),
        beacon_gap_ms=min(round(presence.beacon_gap_s * 1000), join_gap_ms - 1),
        heard_gap_ms=round(presence.heard_gap_s * 1000),
        slot_ms=presence.slot_s * 1000,
    )

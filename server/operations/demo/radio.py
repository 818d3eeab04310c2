"""How loud a Pi hears a badge in the demonstration: path loss, walls, shadowing, fading and missed packets.

    RSSI = power at 1 m - 10 n log10(d) - walls + shadowing + fading

The form is the log-distance model with log-normal shadowing (Rappaport, Wireless Communications, 2nd ed., section 4.9)
and a loss for each wall (COST 231 multi-wall). Numbers marked "summit" were measured in real recordings: Raspberry Pis
of 2015 in meeting rooms, badges that people carried.
"""

import math
import random

# How fast it gets quieter with distance. 2 is free space, 3 an office floor (ITU-R P.1238 at 2.4 GHz): a room between.
PATH_LOSS_EXPONENT = 2.2
# The antenna's near field and a body's own size make shorter distances meaningless.
SHORTEST_M = 0.5
# Brick between the rooms of an old house (COST 231: 6.9 dB for a heavy wall, 3.4 dB for a light one; with shelves).
INNER_WALL_DB = 8.0
# A brick front with coated glazing (published measurements at 2.4 GHz lie between 10 and 25 dB).
OUTER_WALL_DB = 18.0
# How far bodies and furniture lift or sink a link for a while (summit: 10 s means of a still badge vary by 1 to 4 dB).
SHADOWING_DB = 3.0
# How long such a shadow lasts: people turn and pass within seconds, sit for longer.
SHADOWING_S = 10.0
# Power of the direct path over that of all echoes. 5 makes packets vary by 3 dB (summit: 1 to 4 dB around a 10 s mean).
# Drawn anew for each packet, since a receiver hears it on one of three channels.
RICIAN_K = 5.0
# Half of the packets of this strength are lost (summit: 99 % of what is heard is over -96, nothing is under -101).
SENSITIVITY_DBM = -93.0
# How many dB take the loss from 50 % to 27 %.
SENSITIVITY_SLOPE_DB = 1.5
# Of the loud packets so many arrive: the others collide, or fall into the receiver's change of channel.
DELIVERED = 0.92
# A link whose mean is weaker than the sensitivity by this is never heard: six times shadowing and fading together.
HOPELESS_DB = 25.0


def path_loss_db(distance_m: float) -> float:
    """How much quieter it is at a distance than at 1 m, in free sight."""
    return 10 * PATH_LOSS_EXPONENT * math.log10(max(distance_m, SHORTEST_M))


def delivery_rate(rssi_dbm: float) -> float:
    """The share of packets of a strength that a Pi takes: a logistic curve around its sensitivity."""
    return DELIVERED / (1 + math.exp((SENSITIVITY_DBM - rssi_dbm) / SENSITIVITY_SLOPE_DB))


class Air:
    """The air between badges and Pis; remembers each link's shadow. The same seed and calls give the same packets."""

    def __init__(self, seed: int) -> None:
        """seed: of all its chance."""
        self._random = random.Random(seed)  # noqa: S311 -- a simulation
        self._shadows: dict[tuple[str, str], tuple[float, float]] = {}

    def carry(
        self, link: tuple[str, str], *, power_dbm: float, distance_m: float, walls_db: float, now_s: float
    ) -> int | None:
        """One packet over a link (sender, receiver): the RSSI it is heard with in dBm, or None if it is missed.

        power_dbm: at 1 m. now_s: must not run backwards.
        """
        mean = power_dbm - path_loss_db(distance_m) - walls_db
        if mean < SENSITIVITY_DBM - HOPELESS_DB:
            return None
        rssi = mean + self._shadow_db(link, now_s) + self._fading_db()
        if self._random.random() >= delivery_rate(rssi):
            return None
        return max(-127, min(round(rssi), 20))

    def _shadow_db(self, link: tuple[str, str], now_s: float) -> float:
        """A stationary Gauss-Markov process: normal at any time, correlation falls by 1/e in SHADOWING_S."""
        fresh = self._random.gauss(0, SHADOWING_DB)
        before = self._shadows.get(link)
        if before is None:
            value = fresh
        else:
            kept = math.exp(-max(0.0, now_s - before[1]) / SHADOWING_S)
            value = kept * before[0] + math.sqrt(1 - kept * kept) * fresh
        self._shadows[link] = (value, now_s)
        return value

    def _fading_db(self) -> float:
        """A Rician amplitude of unit mean power, in dB."""
        direct, echoes = math.sqrt(RICIAN_K / (RICIAN_K + 1)), math.sqrt(0.5 / (RICIAN_K + 1))
        real, imaginary = direct + self._random.gauss(0, echoes), self._random.gauss(0, echoes)
        return 10 * math.log10(max(real * real + imaginary * imaginary, 1e-6))

"""How lively venues are now, as far as everybody may know it."""

import datetime as dt
from enum import StrEnum

FRESH = dt.timedelta(minutes=15)  # what is older was another moment


class Mood(StrEnum):
    """How much is on at a venue, beside what is usual there at this hour."""

    QUIET = "quiet"
    NORMAL = "normal"
    LIVELY = "lively"


LEVELS = {Mood.QUIET: 0.0, Mood.NORMAL: 0.5, Mood.LIVELY: 1.0}

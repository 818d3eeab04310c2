"""Messages as they would look, for who chooses a kind."""

import json
from collections.abc import Mapping
from typing import Any

from server.webhooks import bodies
from server.webhooks.rules import Kind

_AT = "2026-03-13T18:28:05Z"
_EVENT = {"id": "friday-supper", "name": "Friday supper"}
_VENUE = {"id": "cafe", "name": "Café Lumen"}
_CHECK_IN = {
    "id": 4711,
    "step": "friday-supper-1",
    "at": "2026-03-13T18:28:01Z",
    "recorded_at": _AT,
    "evidence": "beacon",
    "signed_up": True,
}
_CONTENTS: Mapping[str, dict[str, Any]] = {
    "check_in": {"event": _EVENT, "venue": _VENUE, "came": 23, "check_ins": [_CHECK_IN]},
    "check_in_undone": {"event": _EVENT, "venue": _VENUE, "came": 22, "check_in": 4711},
    "full": {"event": _EVENT, "venue": _VENUE, "step": "friday-supper-1", "capacity": 40},
    "asked": {
        "event": _EVENT,
        "venue": _VENUE,
        "waiting": 2,
        "asks": [{"id": 17, "step": "friday-supper-1", "at": _AT, "reason": "full"}],
    },
    "event_opened": {"event": _EVENT},
    "event_ended": {"event": _EVENT, "came": 38},
    "people_wanted": {"reason": "free_place", "event": _EVENT, "begins_at": "2026-03-14T18:30:00Z"},
    "venue_unheard": {"venue": _VENUE},
}


def body(kind: Kind, happening: str) -> str:
    """A message, laid out to be read."""
    made = bodies.make(kind, happening=happening, at=_AT, content=_CONTENTS[happening], names={})
    return json.dumps(json.loads(made), ensure_ascii=False, indent=2)

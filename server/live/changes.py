"""What of a topic changed between two moments: the smallest delta that brings a browser from one to the other; pure."""

from typing import Any

Topic = dict[str, Any]

# These lists come keyed by id: a delta holds only the entries that changed. Everything else comes whole.
KEYED = ("zones", "agents", "badges", "arrivals")


class CannotTell(Exception):
    """Something is gone that a delta has no word for: only a new snapshot says so."""


def changes(before: Topic, after: Topic) -> Topic | None:
    """The delta, None when a browser would see no difference; raises CannotTell.

    A badge that is gone without having left (its visit was taken back) is said to have left, so that it fades.
    """
    delta: Topic = {}
    for key, value in after.items():
        if key == "rev":
            continue
        if key in KEYED:
            if value is not before[key] and (changed := _changed(key, before[key], value)):
                delta[key] = changed
        elif key == "venue":
            if _seen(value) != _seen(before[key]):
                delta[key] = value
        elif value != before[key]:
            delta[key] = value
    return {"rev": after["rev"], **delta} if delta else None


def _changed(key: str, before: list[Topic], after: list[Topic]) -> list[Topic]:
    known = {entry["id"]: entry for entry in before}
    changed = []
    for entry in after:
        old = known.pop(entry["id"], None)
        if old is not entry and old != entry:  # most are the same object
            changed.append(entry)
    if key == "badges":
        changed += [{**entry, "state": "left"} for entry in known.values() if entry["state"] != "left"]
    elif key != "arrivals" and known:
        raise CannotTell(key)
    return changed


def _seen(venue: Topic) -> Topic:
    # Everybody has a clock but a replayed venue: only its own now is news.
    return venue if venue["replayed"] else {key: value for key, value in venue.items() if key != "now"}

"""What members near read: what it is, and why it is they who are told."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.audience.choosing import Chosen
from server.inbox import service as inbox
from server.inbox import words
from server.inbox.service import Note
from server.interests.model import Interest
from server.positions.service import Source
from server.texts import later

KINDS = {"new_event": "nearby_event", "free_place": "free_place", "proposal_short": "proposal_short"}
_SENTENCES = {
    "new_event": later("New near you: %(event)s, %(when)s. You read this because %(why)s."),
    "free_place": later("There is a free place at %(event)s, %(when)s. You read this because %(why)s."),
    "proposal_short": later("%(event)s, %(when)s, happens if a few more come. You read this because %(why)s."),
}
_LEFT = later("Places left at %(event)s, %(when)s: %(count)s. You read this because %(why)s.")
_MISSING = later("%(event)s, %(when)s, happens if %(count)s more come. You read this because %(why)s.")
_TWO = later("%(one)s, and %(other)s")
_LIKED = later("it is about %(interest)s, which you like")
_BELONGS = later("it is of a community of yours")
_CAME = later("you came to the like before")
_KNOWS = later("somebody whom you met goes there")
_FROM_HOME = later("it is within %(km)s km of your home area")
_FROM_HERE = later("it is within %(km)s km of where you are")
# Coarse, so that many read the same words; and nobody needs to know it better to decide.
STEPS_KM = (1, 2, 3, 5, 10, 15, 25, 50, 100)


def tell(
    session: Session,
    chosen: Iterable[Chosen],
    *,
    reason: str,
    of: str,
    link: str,
    named: tuple[str, bool],
    starts_at: dt.datetime,
    time_zone: str,
    count: int,
    due_by: dt.datetime,
    now: dt.datetime,
) -> None:
    """Tells the chosen, those together to whom the same words are said. count: places left, or how many are missing."""
    together: dict[tuple[object, ...], list[Chosen]] = defaultdict(list)
    for one in chosen:
        hers = one.liked[0] if one.liked else None
        together[_km(one), one.candidate.source is Source.HOME, hers, None if hers else _else(one)].append(one)
    ids = {one.liked[0] for some in together.values() for one in some[:1] if one.liked}
    liked = {one.id: one for one in session.scalars(select(Interest).where(Interest.id.in_(sorted(ids))))}
    sentence = _SENTENCES[reason]
    if count > 0 and reason != "new_event":
        sentence = _LEFT if reason == "free_place" else _MISSING
    notes = []
    for some in together.values():
        values: dict[str, Any] = {
            "event": words.named(*named),
            "when": words.moment(starts_at, time_zone),
            "why": why(some[0], liked),
        }
        if "%(count)s" in sentence:
            values["count"] = count
        ids_of_some = tuple(one.candidate.member_id for one in some)
        notes.append(Note(ids_of_some, KINDS[reason], of, sentence, values, link, due_by=due_by))
    inbox.tell_all(session, notes, now=now)


def why(one: Chosen, interests: Mapping[str, Interest]) -> dict[str, Any]:
    """Why somebody is told, as a value of a note: what she likes or does, and how near it is to hers."""
    found = []
    interest = interests.get(one.liked[0]) if one.liked else None
    if interest is not None:
        found.append(words.said(_LIKED, interest=words.either(interest.name_en, interest.name_zh)))
    else:
        found.append(words.said(_else(one)))
    near_km = _km(one)
    if near_km is not None:
        found.append(words.said(_FROM_HOME if one.candidate.source is Source.HOME else _FROM_HERE, km=near_km))
    return words.said(_TWO, one=found[0], other=found[1]) if len(found) == 2 else found[0]


def _km(one: Chosen) -> int | None:
    if one.candidate.away_m is None:
        return None
    return next((km for km in STEPS_KM if one.candidate.away_m <= km * 1000), STEPS_KM[-1])


def _else(one: Chosen) -> str:
    """What speaks for it to her beside interests."""
    if one.belongs:
        return _BELONGS
    return _CAME if one.came else _KNOWS

"""Whether the rows of an archive hang together: what they refer to is there, once, and before them. Pure."""

from collections.abc import Hashable, Iterable
from typing import Any

from server.moving.archive import Archive, ArchiveBroken
from server.moving.rows import (
    CardRow,
    ChangeRow,
    ComingRow,
    CommunityRow,
    EventRow,
    HolderRow,
    PersonRow,
    PictureRow,
    PostRow,
    RedeemedRow,
    ReviewRow,
    StepRow,
    TopicRow,
    TurnoutRow,
    VenueRow,
    VoteRow,
)
from server.stamps import cards


def check(archive: Archive) -> CommunityRow:
    """The row of the community; raises ArchiveBroken."""
    found = archive.rows(CommunityRow)
    if len(found) != 1 or found[0].id != archive.manifest.origin.id:
        raise ArchiveBroken("Nothing was imported: a file holds one community, the one that its manifest names.")
    community = found[0]
    people = _once("people", (row.ref for row in archive.rows(PersonRow)))
    _once("people", (row.email for row in archive.rows(PersonRow)))
    pictures = _once("pictures", (row.sha256 for row in archive.rows(PictureRow)))
    files = {name for name in archive.manifest.files if name.startswith("pictures/")}
    if {f"pictures/{digest}.webp" for digest in pictures} != files:
        raise ArchiveBroken("Nothing was imported: its pictures are not those that it names.")
    venues = _once("venues", (row.ref for row in archive.rows(VenueRow)))
    events = _once("events", (row.id for row in archive.rows(EventRow)))
    steps = _once("steps", (row.id for row in archive.rows(StepRow)))
    topics = _once("topics", (row.id for row in archive.rows(TopicRow)))
    _once("votes", (row.id for row in archive.rows(VoteRow)))
    _there("community", [community.source], people)
    _there("community", [community.picture], pictures)
    for event in archive.rows(EventRow):
        _there("events", [event.organizer], people)
        _there("events", [event.picture], pictures)
    for step in archive.rows(StepRow):
        _there("steps", [step.event], events)
        _there("steps", [step.venue], venues)
    _once("steps", ((row.event, row.position) for row in archive.rows(StepRow)))
    counted: dict[str, int] = {}
    for step in archive.rows(StepRow):
        counted[step.event] = counted.get(step.event, 0) + 1
    for event in archive.rows(EventRow):
        if not 1 <= counted.get(event.id, 0) <= 50 or (event.needs or 0) > counted[event.id]:
            raise ArchiveBroken("Nothing was imported: %(what)s has no steps, or too many.", what=event.id)
    for coming in archive.rows(ComingRow):
        _there("comings", [coming.step], steps)
        _there("comings", [coming.person], people)
    _once("comings", ((row.step, row.person) for row in archive.rows(ComingRow)))
    _there("turnout", (row.step for row in archive.rows(TurnoutRow)), steps)
    _once("turnout", ((row.step, row.evidence, row.signed_up) for row in archive.rows(TurnoutRow)))
    _check_cards(archive, people, counted, steps, is_house=community.shape == "house")
    _once("reviews", (row.id for row in archive.rows(ReviewRow)))
    _once("reviews", ((row.event, row.person) for row in archive.rows(ReviewRow)))
    for review in archive.rows(ReviewRow):
        _there("reviews", [review.event], events)
        _there("reviews", [review.person, review.answered_by], people)
    _there("topics", (row.by for row in archive.rows(TopicRow)), people)
    _check_posts(archive, people, pictures, events, topics)
    _check_changes(archive, people, pictures)
    return community


def _check_cards(
    archive: Archive, people: set[Any], counted: dict[str, int], steps: set[Any], *, is_house: bool
) -> None:
    """One card of a thing is given at a time: of a house, or of a gathering of several steps."""
    known = _once("cards", (row.id for row in archive.rows(CardRow)))
    _once("cards", (row.event for row in archive.rows(CardRow) if row.ended_at is None))
    for card in archive.rows(CardRow):
        _there("cards", [card.event], {event for event, number in counted.items() if number >= cards.FEWEST})
        _there("cards", [card.by], people)
        if card.event is None and not is_house:
            raise ArchiveBroken("Nothing was imported: a circle has no stamp card.")
    _once("holders", ((row.card, row.person) for row in archive.rows(HolderRow)))
    for holder in archive.rows(HolderRow):
        _there("holders", [holder.card], known)
        _there("holders", [holder.person], people)
    _once("redeemed", (row.id for row in archive.rows(RedeemedRow)))
    for redeemed in archive.rows(RedeemedRow):
        _there("redeemed", [redeemed.card], known)
        _there("redeemed", [redeemed.person, redeemed.by], people)
        _there("redeemed", redeemed.stamps, {*counted, *steps})


def _check_posts(archive: Archive, people: set[Any], pictures: set[Any], events: set[Any], topics: set[Any]) -> None:
    """Answers stand under a post that is no answer itself, in the same place: so they never run in a circle."""
    heads: dict[int, tuple[int | None, str | None]] = {}
    _once("posts", (row.id for row in archive.rows(PostRow)))
    for post in archive.rows(PostRow):
        _there("posts", [post.by], people)
        _there("posts", [post.picture], pictures)
        _there("posts", [post.event, post.leads_to], events)
        _there("posts", [post.topic], topics)
        if post.answer_to is None:
            heads[post.id] = (post.topic, post.event)
        elif heads.get(post.answer_to) != (post.topic, post.event):
            raise ArchiveBroken("Nothing was imported: in posts, %(what)s answers what is not there.", what=post.id)


def _check_changes(archive: Archive, people: set[Any], pictures: set[Any]) -> None:
    before: set[Any] = set()
    _once("changes", (row.id for row in archive.rows(ChangeRow)))
    for change in archive.rows(ChangeRow):
        _there("changes", [change.by], people)
        _there("changes", [change.put_back_of], before)
        if change.field == "picture":
            _there("changes", [change.was, change.became], pictures)
        before.add(change.id)


def _once(name: str, keys: Iterable[Hashable]) -> set[Any]:
    found: set[Any] = set()
    for key in keys:
        if key in found:
            raise ArchiveBroken("Nothing was imported: in %(name)s, %(what)s is there twice.", name=name, what=str(key))
        found.add(key)
    return found


def _there(name: str, refs: Iterable[Any], known: set[Any]) -> None:
    for ref in refs:
        if ref is not None and ref not in known:
            raise ArchiveBroken(
                "Nothing was imported: %(name)s speak of %(what)s, which is not there.", name=name, what=str(ref)[:80]
            )

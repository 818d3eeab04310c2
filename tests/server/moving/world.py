"""A world in which a community lives that moves, with secrets that must stay: for tests of both ends."""

import datetime as dt
import io
import json
import zipfile
from typing import Any, NamedTuple

from PIL import Image
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from config.settings import Settings
from server import database
from server.badges import service as badges
from server.checkins.model import CheckIn
from server.communities import founding
from server.communities import service as communities
from server.communities.model import Community, CommunityInterest
from server.events import service as events
from server.events.details import Details
from server.governance import edits
from server.governance.model import Vote
from server.interests import service as interests
from server.moving import archive, arriving, leaving
from server.moving.model import ComingAlong, Move
from server.people import service as people
from server.people import tokens
from server.pictures import service as pictures
from server.posts.model import Hiding, Post, Topic
from server.reviews.model import Review
from server.stamps.model import StampCard, StampRedemption
from server.venues import service as venues
from tests.server.places import HOUR, IDENTITY, NOW

DAY = dt.timedelta(days=1)
AGREED = ("ann", "bob", "cai")
OTHERS = ("dan", "eva", "fred")
HOME_ADDRESS = "7 Rope Walk, second bell"
HOME_AT = (11.512345, 48.123456)


class Secrets(NamedTuple):
    """What must never be in a file."""

    texts: tuple[str, ...]


def picture(colour: str) -> bytes:
    """A small picture."""
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "PNG")
    return out.getvalue()


def make(session: Session) -> Secrets:
    """The circle `walkers` with three who come along and three who do not."""
    for number, id_ in enumerate((*AGREED, *OTHERS, "zoe")):
        member = people.create(session, id=id_, name=f"{id_.capitalize()} Example")
        member.email = f"{id_}@example.org"
        member.about = f"secret about of {number}"
    ann = people.get(session, "ann")
    founding.found(session, name="Walkers", by=ann, now=NOW - 90 * DAY)
    for id_ in (*AGREED[1:], *OTHERS):
        communities.join(session, community_id="walkers", member_id=id_, now=NOW - 80 * DAY)
    _make_places(session)
    walk = events.NewStep("Along the river", "cafe", NOW - 8 * DAY, NOW - 8 * DAY + 2 * HOUR, capacity=30)
    supper = events.NewStep("Supper", "home", NOW - 8 * DAY + 3 * HOUR, NOW - 8 * DAY + 5 * HOUR)
    cover = pictures.take(session, picture("red"), by="ann", now=NOW)
    about = Details(kind="walk", about="Bring shoes.", price="nothing", guests_max=2, picture_id=cover.id)
    events.create(
        session,
        id="walk",
        name="River walk",
        organizer_id="ann",
        steps=[walk, supper],
        community_id="walkers",
        about=about,
    )
    events.choose_interests(session, events.get(session, "walk"), ["walking"])
    dans = events.NewStep("Again", "cafe", NOW + 8 * DAY, NOW + 8 * DAY + 2 * HOUR)
    events.create(session, id="again", name="Dan's walk", organizer_id="dan", steps=[dans], community_id="walkers")
    for step, who, evidence in (
        ("walk-1", "ann", "beacon"),
        ("walk-1", "bob", "screen"),
        ("walk-1", "dan", "beacon"),
        ("walk-1", "eva", "beacon"),
        ("walk-1", "fred", "manual"),
        ("walk-2", "ann", "beacon"),
        ("walk-2", "eva", "poster"),
    ):
        at = NOW - 8 * DAY + HOUR / 4
        session.add(CheckIn(step_id=step, member_id=who, at=at, evidence=evidence, signed_up=who != "fred"))
    interests.choose(session, CommunityInterest, {"community_id": "walkers"}, ["walking"])
    _make_history(session)
    _make_posts(session)
    _make_earned(session)
    session.add(Move(community_id="walkers", asked_by="ann", asked_at=NOW - DAY, until=NOW + 13 * DAY))
    session.flush()
    for id_ in (*AGREED, "eva"):
        session.add(ComingAlong(community_id="walkers", member_id=id_, agreed=id_ != "eva", at=NOW))
    session.flush()
    return Secrets(_make_secrets(session))


def _make_places(session: Session) -> None:
    venues.create(
        session, id="cafe", name="Café Amsel", time_zone="Europe/Berlin", owner_id="zoe", contact="secret@cafe.example",
        location=(11.5, 48.1), category="cafe", address="1 Secret Street",
    )  # fmt: skip
    venues.create(
        session, id="home", name="Eva's secret flat", time_zone="Europe/Berlin", owner_id="eva", location=HOME_AT,
        contact="call 0170 555 secret", kind="home", district="Altstadt", address=HOME_ADDRESS,
    )  # fmt: skip


def _make_history(session: Session) -> None:
    ann, dan = people.get(session, "ann"), people.get(session, "dan")
    blue = pictures.take(session, picture("blue"), by="ann", now=NOW)
    edits.change(session, viewer=ann, community_id="walkers", wanted={"goal": "Walk."}, now=NOW - 7 * DAY)
    home = {"name": "Munich", "location": [11.57, 48.13], "radius_km": 20.0}
    wanted = {"picture": blue.id, "home": home, "charter": "Nobody is left behind."}
    edits.change(session, viewer=ann, community_id="walkers", wanted=wanted, now=NOW - 6 * DAY)
    session.add(CheckIn(step_id="walk-2", member_id="dan", at=NOW - 8 * DAY + HOUR, evidence="beacon", signed_up=True))
    session.flush()
    changed = edits.change(session, viewer=dan, community_id="walkers", wanted={"goal": "Run."}, now=NOW - 5 * DAY)
    last = edits.history(session, changed.id)[0]
    edits.put_back(session, viewer=ann, community_id="walkers", change_id=last.id, now=NOW - 4 * DAY)
    session.add(
        Vote(
            community_id="walkers", kind="remove", member_id="fred", called="Secret Fred", reason="secret reason",
            words="secret words", opened_by="ann", opened_at=NOW - 20 * DAY, ends_at=NOW - 17 * DAY, voters=5, quorum=2,
            decided_at=NOW - 17 * DAY, outcome="not_more", yes=1, no=2,
        )
    )  # fmt: skip
    session.flush()


def _make_posts(session: Session) -> None:
    topic = Topic(community_id="walkers", title="Where to?", made_by="dan", made_at=NOW - 3 * DAY)
    sunk = Topic(community_id="walkers", title="secret advert", made_by="fred", made_at=NOW - 3 * DAY)
    session.add_all([topic, sunk])
    session.flush()
    green = pictures.take(session, picture("green"), by="bob", now=NOW)
    first = Post(
        topic_id=topic.id, member_id="bob", text="The lake.\nAll around.", picture_id=green.id, leads_to="walk",
        newcomer=False, at=NOW - 3 * DAY,
    )  # fmt: skip
    session.add(first)
    session.flush()
    answer = Post(topic_id=topic.id, member_id="eva", text="Yes!", answer_to=first.id, newcomer=True, at=NOW - 2 * DAY)
    at_walk = Post(event_id="walk", member_id="cai", text="水边见", newcomer=False, at=NOW - 8 * DAY)
    advert = Post(topic_id=sunk.id, member_id="fred", text="secret: buy lamps", newcomer=True, at=NOW - 2 * DAY)
    session.add_all([answer, at_walk, advert])
    session.flush()
    session.add(Hiding(post_id=advert.id, act="hide", role="host", by="ann", why="advert", at=NOW - DAY))
    session.flush()


def _make_earned(session: Session) -> None:
    """What was stamped and said of the walk."""
    card = StampCard(event_id="walk", reward="A cup of tea", renews=False, made_by="ann", made_at=NOW - 9 * DAY)
    session.add(card)
    session.flush()
    steps = ["walk-1", "walk-2"]
    session.add_all(
        StampRedemption(card_id=card.id, member_id=who, stamps=steps, by="dan", at=NOW - 7 * DAY)
        for who in ("ann", "dan")
    )
    session.add_all(
        [
            Review(
                event_id="walk", member_id="bob", stars=5, words="Slow and good.", at=NOW - 7 * DAY,
                answer="Come again!", answered_at=NOW - 6 * DAY, answered_by="ann",
            ),
            Review(event_id="walk", member_id="dan", stars=1, words="secret words", at=NOW - 7 * DAY),
            Review(
                event_id="walk", member_id="cai", stars=2, words="secret, hidden", at=NOW - 7 * DAY,
                hidden_at=NOW - 6 * DAY, hidden_why="unkind",
            ),
            Review(venue_id="cafe", member_id="ann", stars=4, words="secret: of a venue", at=NOW - 7 * DAY),
        ]
    )  # fmt: skip
    session.flush()


def _make_secrets(session: Session) -> tuple[str, ...]:
    badge_id = badges.register(session, identity=IDENTITY, label="M-secret", since=NOW - DAY)
    badges.pair(session, badge_id=badge_id, member_id="ann", since=NOW - DAY)
    _, token = tokens.make(session, member_id="ann", name="secret token", ends_at=NOW + DAY, now=NOW)
    signed_in = people.sign_in(session, member_id="ann", now=NOW)
    session.flush()
    hashes = [row[0].hex() for row in session.execute(text("SELECT token_hash FROM session"))]
    return (
        *(word for id_ in (*OTHERS, "zoe") for word in (f"{id_}@example.org", f"{id_.capitalize()} Example")),
        *(HOME_ADDRESS, "Rope Walk", "11.512345", "48.123456", "Eva's", "0170 555", "secret", "Secret"),
        *(IDENTITY.hex(), IDENTITY.hex().upper(), token, signed_in, *hashes),
    )


def count_members(session: Session) -> int:
    """How many belong to it."""
    return len(communities.members_of(session, community_id=session.get_one(Community, "walkers").id))


def leave(engine: Engine, settings: Settings, now: dt.datetime = NOW) -> bytes:
    with (
        database.transaction(engine) as session,
        leaving.write(session, community_id="walkers", settings=settings, now=now).file as file,
    ):
        return file.read()


def arrive(session: Session, data: bytes, **more: Any) -> arriving.Taken:
    return arriving.take(session, archive.read(io.BytesIO(data)), now=NOW + HOUR, **more)


def rows_of(data: bytes) -> dict[str, list[dict[str, Any]]]:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        names = [name for name in file.namelist() if name.endswith(".jsonl")]
        return {name: [json.loads(line) for line in file.read(name).splitlines()] for name in names}

"""A community leaves one database and opens in another: what is in the file, what comes of it, row by row."""

import datetime as dt
import io
import zipfile
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from config.settings import Settings
from server import database
from server.checkins.model import CheckIn
from server.communities.model import Community
from server.events.model import Event, Step
from server.governance.model import CommunityChange
from server.moving import arriving
from server.moving.model import ArrivedPerson, ComingAlong
from server.people import service as people
from server.people.model import Member
from server.posts.model import Post
from server.turnout import service as turnout
from server.venues import service as venues
from server.venues.model import Venue
from tests.server.moving import world
from tests.server.places import NOW


def everything(data: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return "\n".join(
            name + file.read(name).decode("utf-8", "replace") for name in file.namelist() if name.endswith(("l", "n"))
        )


@pytest.fixture
def left(there: Engine, origin: Settings) -> tuple[bytes, world.Secrets]:
    with database.transaction(there) as session:
        secrets = world.make(session)
    return world.leave(there, origin), secrets


def test_nothing_secret_and_nobody_who_did_not_agree_is_in_the_file(left: tuple[bytes, world.Secrets]) -> None:
    data, secrets = left
    said = everything(data)
    assert "Ann Example" in said
    assert "ann@example.org" in said
    assert "Altstadt" in said
    assert [secret for secret in secrets.texts if secret in said] == []
    assert [secret for secret in secrets.texts if secret.encode() in data] == []
    assert [row["name"] for row in world.rows_of(data)["people.jsonl"]] == ["Ann Example", "Bob Example", "Cai Example"]


def test_the_others_are_numbers(left: tuple[bytes, world.Secrets]) -> None:
    rows = world.rows_of(left[0])
    counted = {(row["step"], row["evidence"], row["signed_up"]): row["came"] for row in rows["turnout.jsonl"]}
    assert counted == {
        ("walk-1", "beacon", True): 2,
        ("walk-1", "manual", False): 1,
        ("walk-2", "beacon", True): 1,
        ("walk-2", "poster", True): 1,
    }
    assert len(rows["comings.jsonl"]) == 3
    assert rows["community.jsonl"][0]["members"] == 6
    assert {row["by"] is None for row in rows["posts.jsonl"] if row["text"] == "Yes!"} == {True}


def test_what_was_there_is_here(there: Engine, here: Engine, left: tuple[bytes, world.Secrets]) -> None:
    with database.transaction(here) as session:
        taken = world.arrive(session, left[0])
    assert (taken.community_id, taken.state, taken.people, taken.new_people) == ("walkers", "made", 3, 3)
    assert (taken.gatherings, taken.posts) == (2, 3)
    for query in COMPARED:
        assert read(here, query) == read(there, query), query
    with database.transaction(here) as session:
        guests = session.scalars(select(Member).order_by(Member.email)).all()
        assert [(one.name, one.email, one.guest) for one in guests] == [
            (f"{id_.capitalize()} Example", f"{id_}@example.org", True) for id_ in world.AGREED
        ]
        mixes = {
            step: turnout.mix(coming for coming in turnout.came(session, event_ids=["walk"]) if coming.step_id == step)
            for step in ("walk-1", "walk-2")
        }
    with database.transaction(there) as session:
        for step, mix in mixes.items():
            same = (coming for coming in turnout.came(session, event_ids=["walk"]) if coming.step_id == step)
            assert turnout.mix(same) == mix


# Of what comes along as it was: the same question to both.
_KNOWN = "(SELECT email FROM member WHERE member.id = {} AND email ~ '^(ann|bob|cai)@')"
COMPARED = (
    "SELECT name, shape, goal, charter, language, home_name, ST_AsText(home), home_radius_km, created_at"
    " FROM community",
    "SELECT interest_id FROM community_interest ORDER BY 1",
    f"SELECT {_KNOWN.format('member_id')}, joined_at FROM community_member"
    f" WHERE {_KNOWN.format('member_id')} IS NOT NULL ORDER BY 1",
    f"SELECT field, at, {_KNOWN.format('by')}, put_back_of IS NULL, CASE field WHEN 'picture' THEN 'null' ELSE was END,"
    " CASE field WHEN 'picture' THEN 'null' ELSE became END FROM community_change ORDER BY id",
    "SELECT kind, opened_at, ends_at, voters, quorum, decided_at, outcome, yes, no FROM vote ORDER BY id",
    "SELECT id, name, state, kind, about, price, guests_max, open_to_all, needs, by_step, approval, created_at"
    " FROM event ORDER BY id",
    "SELECT event_id, interest_id FROM event_interest ORDER BY 1, 2",
    "SELECT id, event_id, position, name, opens_at, starts_at, ends_at, dwell_signed_up_s, dwell_walk_in_s, capacity"
    " FROM step ORDER BY id",
    f"SELECT step_id, {_KNOWN.format('member_id')}, evidence, signed_up, count(*) FROM checkin GROUP BY 1, 2, 3, 4"
    " ORDER BY 1, 2, 3, 4",
    f"SELECT step_id, at FROM checkin WHERE {_KNOWN.format('member_id')} IS NOT NULL ORDER BY 1, 2",
    "SELECT title, made_at FROM post_topic WHERE title !~ 'secret' ORDER BY id",
    f"SELECT text, at, {_KNOWN.format('member_id')}, newcomer, leads_to, event_id, answer_to IS NULL,"
    " picture_id IS NULL FROM post WHERE text !~ 'secret' ORDER BY at, text",
    "SELECT width, height FROM picture WHERE EXISTS (SELECT FROM community WHERE picture_id = picture.id)",
    "SELECT kind, time_zone, ST_AsText(location) FROM venue WHERE kind = 'place'",
)


def read(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_a_home_comes_as_its_district_and_nobody_owns_what_comes(
    here: Engine, left: tuple[bytes, world.Secrets]
) -> None:
    with database.transaction(here) as session:
        world.arrive(session, left[0])
        home = session.scalars(select(Venue).where(Venue.kind == "home")).one()
        assert (home.name, home.district, home.location, home.address, home.contact) == (
            "Altstadt",
            "Altstadt",
            None,
            "",
            "",
        )
        assert session.scalars(select(Venue.listed)).all() == [False, False]
        assert session.scalars(select(Venue.owner_id)).all() == [None, None]


def test_again_changes_nothing(here: Engine, left: tuple[bytes, world.Secrets]) -> None:
    with database.transaction(here) as session:
        world.arrive(session, left[0])
    before = counts(here)
    with database.transaction(here) as session:
        taken = world.arrive(session, left[0])
    assert taken.state == "unchanged"
    assert counts(here) == before


def test_a_newer_file_updates_and_an_older_one_is_refused(
    there: Engine, here: Engine, origin: Settings, left: tuple[bytes, world.Secrets]
) -> None:
    with database.transaction(here) as session:
        world.arrive(session, left[0])
    with database.transaction(there) as session:
        session.get_one(Event, "walk").about = "Bring boots."
        eva = session.get_one(ComingAlong, ("walkers", "eva"))
        eva.agreed = True
        post = session.scalars(select(Post).where(Post.text == "水边见")).one()
        post.text = "水边再见"
    newer = world.leave(there, origin, NOW + dt.timedelta(minutes=5))
    with database.transaction(here) as session:
        taken = world.arrive(session, newer)
    assert (taken.state, taken.people, taken.new_people, taken.gatherings, taken.posts) == ("updated", 4, 1, 0, 0)
    with database.transaction(here) as session:
        assert session.get_one(Event, "walk").about == "Bring boots."
        assert len(session.scalars(select(Post).where(Post.text == "水边再见")).all()) == 1
        at_walk = session.scalars(select(CheckIn).where(CheckIn.step_id == "walk-1")).all()
        assert len(at_walk) == 5
        assert sum(one.member_id is None for one in at_walk) == 2
        with pytest.raises(arriving.ExportOlder):
            world.arrive(session, left[0])


def test_ids_that_are_taken_get_others_and_places_are_known_again(
    here: Engine, left: tuple[bytes, world.Secrets]
) -> None:
    with database.transaction(here) as session:
        own = people.create(session, id="own", name="Own")
        own.email = "bob@example.org"
        session.add(Community(id="walkers", name="Others"))
        venues.create(
            session, id="amsel", name="café amsel", time_zone="Europe/Berlin", owner_id="own", contact="x",
            location=(11.5003, 48.1),
        )  # fmt: skip
        session.flush()
        taken = world.arrive(session, left[0])
        assert taken.community_id == "walkers-2"
        assert taken.new_people == 2
        step = session.scalars(select(Step).where(Step.event_id == "walk").order_by(Step.position)).first()
        assert step is not None
        assert step.venue_id == "amsel"
        bobs = session.scalars(select(Post).where(Post.member_id == "own")).one()
        assert bobs.text.startswith("The lake.")


def test_who_was_erased_and_what_was_deleted_here_does_not_come_back(
    there: Engine, here: Engine, origin: Settings, left: tuple[bytes, world.Secrets]
) -> None:
    with database.transaction(here) as session:
        world.arrive(session, left[0])
        cai = people.by_address(session, "cai@example.org")
        assert cai is not None
        session.delete(cai)
        session.delete(session.scalars(select(Post).where(Post.text == "Yes!")).one())
    newer = world.leave(there, origin, NOW + dt.timedelta(minutes=5))
    with database.transaction(here) as session:
        world.arrive(session, newer)
        assert people.by_address(session, "cai@example.org") is None
        assert {post.text for post in session.scalars(select(Post))} == {"The lake.\nAll around."}
        assert session.scalars(select(ArrivedPerson.member_id).where(ArrivedPerson.member_id.is_(None))).all() == [None]


def test_without_people_somebody_here_has_to_host(there: Engine, here: Engine, origin: Settings) -> None:
    with database.transaction(there) as session:
        world.make(session)
        session.execute(text("DELETE FROM coming_along"))
    data = world.leave(there, origin)
    assert world.rows_of(data)["people.jsonl"] == []
    with database.transaction(here) as session:
        people.create(session, id="own", name="Own")
        with pytest.raises(arriving.HostNeeded):
            world.arrive(session, data)
        assert session.scalars(select(Community)).all() == []
        taken = world.arrive(session, data, host_id="own")
        assert taken.people == 0
        assert session.get_one(Event, "walk").organizer_id == "own"
        assert session.scalars(select(CommunityChange.by)).all().count(None) == 6
        assert {post.member_id for post in session.scalars(select(Post))} == {None}


def counts(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        names = connection.scalars(
            text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        ).all()
        return {name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one() for name in names}

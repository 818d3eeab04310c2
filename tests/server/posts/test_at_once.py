"""Several at once: a form tapped twice, the third word, and an answer to what is just being deleted."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from config import settings as config
from server import database
from server.errors import MusterError
from server.inbox import service as inbox
from server.limits.service import Caller
from server.people import service as people
from server.posts import hiding
from server.posts import service as posts
from server.posts.model import Post, Topic
from server.posts.service import Draft
from tests.server.places import NOW, make_cafe, make_members
from tests.server.posts.world import make_readers

SETTINGS = config.load(environment={})
RULES = SETTINGS.posts


@pytest.fixture
def many(committing_database: str) -> Iterator[Engine]:
    """An engine for many at once, with the readers."""
    engine = database.connect(committing_database, pool=16)
    with database.transaction(engine) as session:
        make_members(session)
        make_cafe(session)
        make_readers(session)
    yield engine
    engine.dispose()


def caller(engine: Engine) -> Caller:
    return Caller(engine, SETTINGS.limits, "192.0.2.1", NOW)


def open_topic(engine: Engine, member_id: str, nonce: str | None = None) -> tuple[int, int]:
    """Her topic and its post."""
    with database.transaction(engine) as session:
        post = posts.open_topic(
            session,
            caller(engine),
            community_id="readers",
            title="Walks",
            draft=Draft("Sunday?", nonce=nonce),
            viewer=people.get(session, member_id),
            rules=RULES,
        )
        return post.topic_id or 0, post.id


def count(engine: Engine, kind: type[Post] | type[Topic]) -> int:
    with Session(engine) as session:
        return session.scalar(select(func.count()).select_from(kind)) or 0


def test_a_form_tapped_twice_writes_once(many: Engine) -> None:
    with ThreadPoolExecutor(2) as pool:
        found = set(pool.map(lambda _: open_topic(many, "dora", "12345678"), range(2)))
    assert len(found) == 1
    assert (count(many, Post), count(many, Topic)) == (1, 1)


def test_newcomers_write_three_times_a_day_however_many_taps(many: Engine) -> None:
    def write(_: int) -> bool:
        try:
            open_topic(many, "dora")
        except MusterError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(write, range(8))) == 3
    assert (count(many, Post), count(many, Topic)) == (3, 3)


def test_three_words_at_once_hide_it_and_its_author_is_told_once(many: Engine) -> None:
    _, post_id = open_topic(many, "dora")

    def hide(member_id: str) -> bool:
        with database.transaction(many) as session:
            post = session.get_one(Post, post_id)
            viewer = people.get(session, member_id)
            found = hiding.hide(session, caller(many), post, what="post", why="advert", viewer=viewer, rules=RULES)
            return found is not None

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(hide, ["emil", "fay", "hugo", "ida"]))
    assert sorted(said) == [False, False, True, True]
    with Session(many) as session:
        assert inbox.count_unread(session, member_id="dora") == 1
        assert inbox.count_unread(session, member_id="gina") == 1


def test_an_answer_and_a_deletion_at_once_lose_no_answer(many: Engine) -> None:
    for _ in range(3):
        before = count(many, Post)
        topic_id, post_id = open_topic(many, "dora")

        def answer(topic_id: int = topic_id, post_id: int = post_id) -> bool:
            try:
                with database.transaction(many) as session:
                    draft = Draft("Me!", answer_to=post_id)
                    viewer = people.get(session, "fay")
                    posts.write_in_topic(
                        session, caller(many), topic_id=topic_id, draft=draft, viewer=viewer, rules=RULES
                    )
            except MusterError:
                return False
            return True

        def delete(post_id: int = post_id) -> None:
            with database.transaction(many) as session:
                posts.delete(session, post_id, by=people.get(session, "dora"), now=NOW)

        with ThreadPoolExecutor(2) as pool:
            answered = pool.submit(answer)
            pool.submit(delete).result(timeout=20)
            stands = answered.result(timeout=20)
        assert count(many, Post) - before == (2 if stands else 0), "the answer stands with an empty place above it"

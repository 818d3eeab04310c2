"""A watched venue in memory follows the news as the tables do."""

from config import settings
from server.live import news
from server.live.watch import Watch
from server.presence import states
from server.presence.service import Record, VenueFacts
from server.presence.states import Heard

RULE = states.rule(settings.load(environment={}).presence, 300)
FACTS = VenueFacts("cafe", "Café", "Europe/Paris", False, False, None, (), {}, RULE)


def _watch() -> Watch:
    watch = Watch("venue/cafe")
    watch.loaded(Record(4, FACTS, {7: Heard(7, 100, 500, ((100, "bar"), (300, "hall")))}, {}))
    return watch


def _stays(watch: Watch) -> tuple[tuple[int, str], ...]:
    assert isinstance(watch.record, Record)
    return watch.record.heard[7].stays


def test_news_of_a_badge_replace_its_stays_from_the_first_that_may_have_changed() -> None:
    watch = _watch()
    assert watch.take(news.News(5, [Heard(7, 100, 900, ((300, "hall"), (700, "yard")))], []))
    assert _stays(watch) == ((100, "bar"), (300, "hall"), (700, "yard"))
    assert watch.take(news.News(6, [Heard(7, 100, 900, ((100, "yard"),))], []))
    assert _stays(watch) == ((100, "yard"),)


def test_news_of_a_new_visit_forget_the_stays_of_the_last() -> None:
    watch = _watch()
    assert watch.take(news.News(5, [Heard(7, 900_000, 900_500, ((900_000, "yard"),))], []))
    assert _stays(watch) == ((900_000, "yard"),)


def test_news_that_are_not_newer_are_dropped_and_a_hole_asks_for_the_tables() -> None:
    watch = _watch()
    assert watch.take(news.News(4, [Heard(7, 1, 2, ((1, "yard"),))], []))
    assert _stays(watch) == ((100, "bar"), (300, "hall"))
    assert not watch.take(news.News(6, [], []))

"""A watched venue in memory follows the news as the tables do."""

from config import settings
from server.live import news
from server.live.watch import Watch
from server.presence import ears, rule, service
from server.presence.ears import Beacon, Placed
from server.presence.intervals import EVER_MS
from server.presence.listening import AgentKind
from server.presence.service import Record, VenueFacts
from server.presence.states import Heard, Kind

RULE = rule.make(settings.load(environment={}).presence, 300)
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


T = 1_000_000_000


def _with_agents() -> Watch:
    placed = (Placed("hall", 0, EVER_MS),)
    known = {
        "door": ears.make(
            "door", placed, [(T, T + 600_000)], [Beacon("stage", 0, [(T, T + 590_000)])], learn_ms=300_000
        ),
        "stage": ears.make("stage", placed, [(T, T + 600_000)]),
    }
    watch = Watch("venue/cafe")
    watch.loaded(Record(4, FACTS, {7: Heard(7, T, T + 100_000)}, known))
    return watch


def _agent(watch: Watch, now_ms: int) -> AgentKind:
    assert isinstance(watch.record, Record)
    return service.draw(watch.record, now_ms).picture.agents["door"].kind


def test_news_of_coverage_and_of_beacons_tell_who_is_deaf_in_fact() -> None:
    watch = _with_agents()
    assert _agent(watch, T + 600_000) is AgentKind.LISTENING
    both = [("door", (T, T + 700_000)), ("stage", (T, T + 700_000))]
    assert watch.take(news.News(5, [], both))
    assert _agent(watch, T + 700_000) is AgentKind.DEAF
    assert watch.take(news.News(6, [], [], (("door", "stage", (T, T + 699_000)),)))
    assert _agent(watch, T + 700_000) is AgentKind.LISTENING


def test_news_of_agents_that_are_not_known_here_ask_for_the_tables() -> None:
    assert not _with_agents().take(news.News(5, [], [("bar", (T, T + 1))]))
    assert not _with_agents().take(news.News(5, [], [], (("bar", "stage", (T, T + 1)),)))
    assert _with_agents().take(news.News(5, [], [], (("door", "van", (T, T + 1)),)))


def test_who_left_long_ago_is_forgotten_until_heard_again_or_the_past_changes() -> None:
    watch = _with_agents()
    both = [("door", (T, T + 2_000_000)), ("stage", (T, T + 2_000_000))]
    assert watch.take(news.News(5, [], both, (("door", "stage", (T, T + 2_000_000)),)))
    record = watch.record
    assert isinstance(record, Record)
    assert service.draw(record, T + 2_000_000).picture.badges == {}
    assert record.memory.gone == {7}
    assert watch.take(news.News(6, [Heard(7, T + 1_999_000, T + 1_999_000)], []))
    record = watch.record
    assert isinstance(record, Record)
    assert service.draw(record, T + 2_000_000).picture.badges[7].kind is Kind.PRESENT
    record.memory.gone.add(7)
    assert watch.take(news.News(7, [], [("door", (T - 5_000, T - 1_000))]))
    assert record.memory.gone == set()

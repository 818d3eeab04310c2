"""The page of what is near: whence it is known where she is, what the address asks for, why each is there."""

import datetime as dt
import re
from urllib.parse import quote

import pytest
from sqlalchemy.orm import Session

from server.consent import service as consent
from server.positions import service as positions
from server.positions.service import Fix, Source
from tests.server.conftest import As
from tests.server.nearby.town import TOMORROW, come, gathering, place
from tests.server.places import CAFE, HOUR, NOW

HERE = "/nearby"
AROUND = f"{HERE}?lon={CAFE[0]:.3f}&lat={CAFE[1]:.3f}"


@pytest.fixture(autouse=True)
def _town(as_: As, session: Session) -> None:
    assert as_("dora")  # who makes everybody
    place(session, "library", (CAFE[0] + 0.003, CAFE[1]))
    gathering(session, "walk", "library", open_to_all=True, interests=[], capacity=3)
    gathering(session, "now", "cafe", at=NOW - HOUR / 2, open_to_all=True)
    session.flush()


def names(html: str) -> list[str]:
    """The cards in their order."""
    return re.findall(r'<h2><a href="[^"]+" dir="auto">([^<]+)</a></h2>', html)


def test_anonymous_is_refused(as_: As) -> None:
    assert as_(None).get(HERE).status_code == 401
    assert as_("dora").get(HERE).status_code == 200


def test_who_is_nowhere_is_told_how_to_say_where(as_: As, session: Session) -> None:
    dora = as_("dora")
    shown = dora.get(HERE).text
    assert "Nobody knows where you are." in shown
    assert 'href="/me/positions#home"' in shown
    assert "You are paused" not in shown
    positions.set_home(session, member_id="dora", place=CAFE, now=NOW)
    assert "From your home area" in dora.get(HERE).text
    consent.pause(session, member_id="dora", now=NOW)
    assert "You are paused" in dora.get(HERE).text


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Source.PHONE, "From your phone, 12 minutes ago"),
        (Source.BROWSER, "From your browser, 12 minutes ago"),
        (Source.VISIT, "Where your badge was heard 12 minutes ago"),
    ],
)
def test_it_says_whence_it_knows_where_she_is(as_: As, session: Session, source: Source, words: str) -> None:
    at = NOW - dt.timedelta(minutes=12)
    positions.keep(session, [Fix("dora", source, "", CAFE, 20.0, at)], now=NOW)
    shown = as_("dora").get(HERE).text
    assert words in shown
    assert "Gathering walk" in names(shown)


def test_what_she_says_comes_before_what_is_known_and_is_told_no_finer_than_a_street(as_: As, session: Session) -> None:
    positions.set_home(session, member_id="dora", place=(0.0, 0.0), now=NOW)
    shown = as_("dora").get(f"{HERE}?pin={quote(f'{CAFE[1]:.6f}, {CAFE[0]:.6f}')}").text
    assert "Around the place that you said" in shown
    assert f"{CAFE[1]:.3f}, {CAFE[0]:.3f}" in shown
    assert f"{CAFE[1]:.6f}" not in shown
    assert positions.list_of(session, member_id="dora", now=NOW)[0][0].source is Source.HOME  # nothing else is kept


@pytest.mark.parametrize(
    "asked", ["pin=somewhere", "pin=95,200", "lon=3", "lat=3", "when=day&day=yesterday&lon=2&lat=48"]
)
def test_what_cannot_be_read_is_said_in_the_page(as_: As, asked: str) -> None:
    answer = as_("dora").get(f"{HERE}?{asked}")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_a_day_that_is_over_is_refused(as_: As) -> None:
    day = (NOW - dt.timedelta(days=2)).date()
    assert as_("dora").get(f"{AROUND}&when=day&day={day}").status_code == 422
    assert as_("dora").get(f"{AROUND}&when=day&day=9999-12-31").status_code == 422


def test_the_points_of_its_reasons_add_up_to_what_is_told(as_: As, session: Session) -> None:
    come(session, "walk", "dora")
    shown = as_("dora").get(AROUND).text
    assert "You go" in shown
    cards = re.findall(r'<li class="card hit.*?</details>', shown, re.DOTALL)
    assert len(cards) == len(names(shown)) >= 4
    for card in cards:
        *parts, whole = (round(100 * float(one)) for one in re.findall(r'<td class="num">(-?[\d.]+)</td>', card))
        assert sum(parts) == whole


def test_filters_stand_in_the_address_and_each_can_be_taken_away(as_: As, session: Session) -> None:
    dora = as_("dora")
    everything = names(dora.get(AROUND).text)
    assert {"Gathering walk", "Gathering now", "At library"} <= set(everything)
    events = dora.get(f"{AROUND}&kind=event&radius_km=1").text
    assert set(names(events)) == {one for one in everything if one.startswith("Gathering")} or names(events)
    assert not [one for one in names(events) if one.startswith("At ")]
    assert f"{HERE}?lon={CAFE[0]:.3f}&amp;lat={CAFE[1]:.3f}&amp;radius_km=1" in events
    assert set(names(dora.get(f"{AROUND}&when=now&kind=event").text)) == {"Gathering now"}
    tomorrow = names(dora.get(f"{AROUND}&when=day&day={TOMORROW.date()}&kind=event").text)
    assert "Gathering walk" in tomorrow
    assert "Gathering now" not in tomorrow
    come(session, "walk", "ana", "ben", "cleo")
    assert "Gathering walk" not in names(dora.get(f"{AROUND}&places_left=true&kind=event").text)


def test_what_it_is_about_narrows_it(as_: As, session: Session) -> None:
    gathering(session, "board", "cafe", open_to_all=True, interests=["chess"])
    dora = as_("dora")
    shown = dora.get(f"{AROUND}&interest=chess&interest=unknown").text
    assert names(shown) == ["Gathering board"]
    nothing = dora.get(f"{AROUND}&interest=chess&kind=venue").text
    assert names(nothing) == []
    assert "Take one of these away:" in nothing
    assert "ask for gatherings instead" in nothing


def test_nearest_first_is_by_distance_alone(as_: As) -> None:
    found = names(as_("dora").get(f"{AROUND}&order=nearest&kind=venue").text)
    assert found.index("At library") > 0


def test_more_follows_and_repeats_nothing(as_: As, session: Session) -> None:
    for number in range(30):
        place(session, f"spot-{number}", (CAFE[0] + 0.01 + number / 1000, CAFE[1]))
    dora = as_("dora")
    told: list[str] = []
    address = f"{AROUND}&kind=venue&order=nearest"
    for _ in range(9):
        shown = dora.get(address).text
        told += names(shown)
        further = re.search(r'href="(/nearby\?[^"]*cursor=[^"]+)"', shown)
        if further is None:
            break
        address = further[1].replace("&amp;", "&")
    assert len(told) == len(set(told)) >= 31


def test_where_nothing_is_planned_it_says_what_to_do(as_: As) -> None:
    shown = as_("dora").get(f"{HERE}?lon=-150&lat=-40&radius_km=1").text
    assert "Nothing like that is near." in shown
    assert "Within 1 km" in shown


def test_whoever_reads_chinese_reads_it_in_chinese(as_: As) -> None:
    shown = as_("dora").get(AROUND, headers={"accept-language": "zh-CN"}).text
    assert "附近" in shown
    assert "Near me" not in shown


def test_home_leads_there(as_: As) -> None:
    assert f'href="{HERE}"' in as_("dora").get("/").text
    assert f'href="{HERE}"' in as_("dora").get("/tonight").text

"""A week of a circle in which one advertises daily: what people come to floats, the advertising sinks beneath it.

Where a post stands is explained on its page. Three members hide one; a host puts one back, a vote another.
"""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.company import DAY, HOUR, PARIS, Circle, go_to
from tests.journeys.conftest import House

WALKERS = ("Noa", "Ida", "Tom", "Ula", "Ben")
OFFER = "Half price today, and only today: https://example.org/vitamins?day="


@pytest.fixture
def circle(served: House) -> Circle:
    return Circle(served, "Mia", "Dora", "Noa", "Ida", "Tom", "Ula", "Rolf")


def open_topic(page: Page, title: str, text: str, leads_to: str = "") -> str:
    """Opens a topic from the page of topics; its address."""
    page.get_by_text("Open a topic").click()
    page.get_by_label("What it is about").fill(title)
    write(page, text, leads_to)
    expect(page.locator("h1")).to_have_text(title)
    return page.url.partition("#")[0]


def write(page: Page, text: str, leads_to: str = "") -> None:
    """Writes with the form that stands open on the page."""
    form = page.locator("form", has=page.get_by_label("What you want to say"))
    form.get_by_label("What you want to say").fill(text)
    if leads_to:
        form.get_by_role("combobox").select_option(leads_to)
    with page.expect_navigation():
        form.get_by_role("button", name="Post it").click()
    expect(page.locator("article", has_text=text)).to_be_visible()


def titles(page: Page) -> list[str]:
    """The topics as they stand, from the top."""
    return page.locator("ol.threads > li h2").all_inner_texts()


def post_of(page: Page, text: str) -> Locator:
    """The post that says this."""
    return page.locator("article.post", has_text=text)


def points(page: Page) -> list[float]:
    """The points of the posts that are seen, from the top."""
    found = [re.search(r"Why here: ([\d.]+) points", text) for text in page.locator("article.post").all_inner_texts()]
    return [float(match[1]) for match in found if match is not None]


def why(page: Page, text: str) -> Page:
    """The page that says why a post stands where it stands; its parts add up."""
    post_of(page, text).get_by_role("link", name="Why here").click()
    section = page.locator("section", has=page.get_by_role("heading", name="Why it stands here"))
    parts = [float(part.replace("\N{MINUS SIGN}", "-")) for part in section.locator("dd").all_inner_texts()]
    assert round(sum(parts), 1) == float(section.locator(".figure .num").inner_text())
    return page


def hide(page: Page, text: str, button: str, reason: str) -> None:
    """Somebody wants a post hidden."""
    post_of(page, text).locator(".foot a").click()
    page.get_by_text("Hide it", exact=True).click()
    page.get_by_label(reason).check()
    with page.expect_navigation():
        page.get_by_role("button", name=button).click()


def test_who_advertises_daily_sinks_below_what_people_come_to(circle: Circle) -> None:
    monday = circle.house.clock().astimezone(PARIS)
    walk = circle.plan("Mia", "Along the river", monday + 2 * DAY + 8 * HOUR)
    reading = circle.plan("Dora", "Reading aloud", monday + 3 * DAY + 9 * HOUR)

    # Monday: four open a topic, and the advertising stands on top, since it is the newest.
    walks = open_topic(circle.at("Mia", "/topics"), "Walks", "On Wednesday along the river.", "Along the river")
    tales = open_topic(circle.at("Dora", "/topics"), "Tales", "I read the one with the fox.", "Reading aloud")
    open_topic(circle.at("Tom", "/topics"), "Editions", "Which one do you read?")
    offers = open_topic(circle.at("Rolf", "/topics"), "Offers", OFFER + "1")
    page = circle.at("Noa", "/topics")
    assert titles(page) == ["Offers", "Editions", "Tales", "Walks"]
    expect(why(page, OFFER).locator("main")).to_contain_text("it is new: everybody's new words begin with this")

    # They follow the posts to what these lead to, and sign up there.
    for name in WALKERS:
        if name == "Ula":
            continue
        page = circle.at(name, "/topics")
        page.get_by_role("link", name="It leads to Along the river").click()
        page.get_by_role("button", name="I'm coming").click()
        expect(page.locator("main")).to_contain_text("You're going.")
    for name in ("Noa", "Ida", "Ben"):
        page = circle.at(name, "/topics")
        page.get_by_role("link", name="It leads to Reading aloud").click()
        page.get_by_role("button", name="I'm coming").click()
        expect(page.locator("main")).to_contain_text("You're going.")

    # Tuesday: he points to the walk that others come to anyway. Ula signs up after that.
    go_to(circle.house, monday + DAY)
    rolf = circle.of("Rolf")
    rolf.goto(offers)
    write(rolf, OFFER + "2", "Along the river")
    ula = circle.of("Ula")
    ula.goto(walk)
    ula.get_by_role("button", name="I'm coming").click()
    expect(ula.locator("main")).to_contain_text("You're going.")

    # Wednesday and Thursday: he goes on; they walk and they listen.
    go_to(circle.house, monday + 2 * DAY)
    rolf.goto(offers)
    write(rolf, OFFER + "3")
    go_to(circle.house, monday + 2 * DAY + 8 * HOUR)
    circle.gather("Mia", walk, "Mia", *WALKERS)
    go_to(circle.house, monday + 3 * DAY)
    rolf.goto(offers)
    write(rolf, OFFER + "4")
    go_to(circle.house, monday + 3 * DAY + 9 * HOUR)
    circle.gather("Dora", reading, "Dora", "Noa", "Ida", "Ben")

    # Friday: what people came to floats; whoever writes seldom stands above who writes daily.
    go_to(circle.house, monday + 4 * DAY)
    rolf.goto(offers)
    write(rolf, OFFER + "5")
    open_topic(circle.at("Tom", "/topics"), "Winter", "Where do we read when it is cold?")
    page = circle.at("Ida", "/topics")
    assert titles(page) == ["Walks", "Winter", "Tales", "Offers", "Editions"]
    assert points(page) == sorted(points(page), reverse=True)
    expect(post_of(page, OFFER)).to_contain_text("new here")
    expect(post_of(page, "along the river")).not_to_contain_text("new here")
    main = why(page, "along the river").locator("main")
    expect(main).to_contain_text("5 came because of it; shared with 1 other post")
    expect(main).to_contain_text("3 came again")
    page.goto(offers)
    assert points(page) == sorted(points(page), reverse=True)
    expect(why(page, OFFER + "5").locator("main")).to_contain_text("it is new: 3 new posts of one author share a start")
    expect(page.locator("main")).to_contain_text("nobody has come because of it yet")
    page.goto(offers)
    expect(why(page, OFFER + "2").locator("main")).to_contain_text("1 came because of it; shared with 1 other post")
    page.goto(tales)
    expect(why(page, "the fox").locator("main")).to_contain_text("3 came because of it")

    # Three members hide all that he wrote: it is gone for the others, and he learns why.
    for number, name in enumerate(("Noa", "Ida", "Tom")):
        page = circle.of(name)
        page.goto(offers)
        expect(post_of(page, OFFER + "5")).to_be_visible()
        hide(page, OFFER + "5", "Hide all that this newcomer wrote", "It advertises.")
        assert ("Offers" in titles(circle.at("Ula", "/topics"))) is (number < 2)
    page = circle.inbox("Rolf")
    page.get_by_role("link", name="What you wrote is hidden for now.").click()
    expect(page.locator("main")).to_contain_text("3 members have hidden this. It advertises.")
    expect(page.locator("main")).to_contain_text("come to a gathering: who came is a newcomer no more")
    rolf.goto(offers)
    expect(post_of(rolf, OFFER + "5")).to_contain_text("3 members have hidden this.")

    # They hide what is no advertising. Dora, to whose reading they came, puts it back; from then on it takes a host.
    for name in ("Noa", "Ida", "Tom"):
        page = circle.of(name)
        page.goto(walks)
        hide(page, "along the river", "Hide this post", "Another reason.")
    assert "Walks" not in titles(circle.at("Ula", "/topics"))
    page = circle.inbox("Dora")
    page.get_by_role("link", name="Members have hidden something where you host.").first.click()
    page.get_by_role("button", name="Put this post back").click()
    assert titles(circle.at("Ula", "/topics"))[0] == "Walks"
    page = circle.of("Tom")
    page.goto(walks)
    hide(page, "along the river", "Hide this post", "Another reason.")
    expect(page.get_by_role("alert")).to_contain_text("only a host hides it again")

    # And another: Ula, who came of late, asks the others, and they put it back by a vote.
    for name in ("Noa", "Ida", "Tom"):
        page = circle.of(name)
        page.goto(tales)
        hide(page, "the fox", "Hide this post", "Another reason.")
    page = circle.of("Ula")
    page.goto(tales)
    expect(page.locator("main")).to_contain_text("1 post is hidden here.")
    expect(page.locator("main")).not_to_contain_text("Nothing has been said yet.")
    page.get_by_role("link", name="look").click()
    page.get_by_role("button", name="Ask the others to put it back").click()
    expect(page.locator("h2").first).to_have_text("Shall what was hidden be shown again?")
    for name in ("Ula", "Mia", "Dora"):
        page = circle.at(name, "/votes")
        page.get_by_role("link", name="Look at it").click()
        expect(post_of(page, "the fox")).to_be_visible()
        page.go_back()
        page.get_by_role("button", name="Yes").click()
        expect(page.locator("main")).to_contain_text("You may change it until the end.")
    go_to(circle.house, monday + 7 * DAY + HOUR)
    expect(circle.at("Ula", "/votes").locator("main")).to_contain_text("Yes: 3 yes, 0 no. 3 of 7 voted; 3 were needed.")
    page = circle.inbox("Dora")
    page.get_by_role("link", name="What you wrote was put back: everybody there sees it again.").click()
    expect(page.locator("main")).to_contain_text("3 came because of it")
    page = circle.at("Noa", "/topics")
    assert titles(page) == ["Walks", "Tales", "Winter", "Editions"]

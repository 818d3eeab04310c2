"""Two votes of a circle, to dissolve and to remove somebody: too few cast in 72 hours, so nothing happens.

Everybody is told why, and from when on it can be asked again; the next votes have their quorum, and pass.
"""

from playwright.sync_api import Page, expect

from tests.journeys.company import DAY, HOUR, PARIS, Circle, go_to
from tests.journeys.conftest import House

CAME = ("Mia", "Dora", "Noa", "Ida", "Tom", "Ula", "Rolf")
DISSOLVE, REMOVE = "Shall Slow readers dissolve?", "Shall Rolf be removed?"


def ask_to_dissolve(circle: Circle, name: str) -> Page:
    page = circle.at(name, "/votes")
    page.get_by_text("Dissolve the circle", exact=True).click()
    form = page.locator("form", has=page.locator("button[value=dissolve]"))
    form.get_by_label("Why").fill("We meet so seldom.")
    form.get_by_role("button", name="Ask the others").click()
    return page


def ask_to_remove(circle: Circle, name: str) -> Page:
    page = circle.at(name, "/votes")
    page.get_by_text("Remove somebody", exact=True).click()
    form = page.locator("form", has=page.locator("button[value=remove]"))
    form.get_by_label("Their e-mail address or id").fill("rolf")
    form.get_by_label("What everybody calls them").fill("Rolf")
    form.get_by_label("Why").fill("He advertises, day by day.")
    form.get_by_role("button", name="Ask the others").click()
    return page


def vote(circle: Circle, name: str, about: str, says: str) -> None:
    page = circle.at(name, "/votes")
    one = page.locator("section.vote", has=page.get_by_role("heading", name=about))
    with page.expect_navigation():
        one.get_by_role("button", name=says, exact=True).click()
    expect(one).to_contain_text("You may change it until the end.")


def test_too_few_vote_so_all_stays_and_the_next_vote_passes(served: House) -> None:
    circle = Circle(served, *CAME)
    monday = served.clock().astimezone(PARIS)
    walk = circle.plan("Mia", "Along the river", monday + 2 * DAY + 8 * HOUR)
    spring = circle.plan("Mia", "To the spring", monday + 60 * DAY)
    go_to(served, monday + 2 * DAY + 8 * HOUR)
    circle.gather("Mia", walk, *CAME)

    # 1. On Thursday two votes are opened. Ben founded the circle and did not come of late: he has no word in them.
    go_to(served, monday + 3 * DAY)
    expect(ask_to_dissolve(circle, "Tom").locator("main")).to_contain_text("0 of 7 have voted; 3 are needed")
    expect(ask_to_remove(circle, "Noa").get_by_role("heading", name=REMOVE)).to_be_visible()
    page = circle.at("Ben", "/votes")
    expect(page.get_by_role("button", name="Yes", exact=True)).to_have_count(0)
    expect(page.locator("main")).to_contain_text("Who votes was settled when it was opened")
    page = circle.inbox("Mia")
    for sentence in (DISSOLVE, "Shall Rolf be removed from Slow readers?"):
        expect(page.get_by_role("link", name=f"{sentence} Your word counts, for three days.")).to_be_visible()
    vote(circle, "Tom", DISSOLVE, "Yes")
    vote(circle, "Noa", DISSOLVE, "Yes")
    vote(circle, "Noa", REMOVE, "Yes")
    page = circle.inbox("Rolf")
    page.get_by_role("link", name="votes on whether you are to be removed").click()
    page.get_by_label("What you want to say").fill("I meant it well.")
    page.get_by_role("button", name="Say it").click()
    expect(circle.at("Ula", "/votes").locator("main")).to_contain_text("I meant it well.")

    # 2. An hour before its end nothing is decided; an hour after it everybody reads that, and why, nothing happens.
    go_to(served, monday + 6 * DAY - HOUR)
    expect(circle.at("Ula", "/votes").locator("main")).to_contain_text("2 of 7 have voted; 3 are needed")
    go_to(served, monday + 6 * DAY + HOUR)
    for name in ("Ula", "Tom", "Rolf"):
        decided = circle.at(name, "/votes").locator("section", has_text="Decided").locator("li")
        for about, numbers in ((DISSOLVE, "2 of 7"), ("be removed?", "1 of 7")):
            one = decided.filter(has_text=about)
            expect(one).to_contain_text(f"{numbers} voted; 3 were needed. So all stays as it is.")
            expect(one).to_contain_text("It can be asked again from")
    for name in ("Mia", "Rolf", "Tom"):
        page = circle.inbox(name)
        for about, numbers in ((DISSOLVE, "2 of 7"), ("Shall Rolf be removed from Slow readers?", "1 of 7")):
            told = f"{about} {numbers} voted; 3 were needed. So all stays as it is."
            expect(page.get_by_role("link", name=told)).to_have_count(1)
    page = circle.at("Rolf", "")
    expect(page.locator(".belong")).to_contain_text("8 belong to it")
    expect(page.get_by_role("link", name="To the spring")).to_be_visible()

    # 3. The same is not asked until it passes, but once a month has gone by.
    page = ask_to_dissolve(circle, "Tom")
    expect(page.get_by_role("alert")).to_contain_text("This was voted on of late; it can be asked again from")

    # 4. A month later enough vote: Rolf is removed, and then the circle dissolves.
    go_to(served, monday + 36 * DAY + HOUR)
    circle.sign_in()
    expect(ask_to_remove(circle, "Noa").get_by_role("heading", name=REMOVE)).to_be_visible()
    for name, says in (("Noa", "Yes"), ("Mia", "Yes"), ("Ida", "Yes"), ("Dora", "No")):
        vote(circle, name, REMOVE, says)
    go_to(served, monday + 40 * DAY)
    expect(circle.at("Ula", "/votes").locator("main")).to_contain_text("Yes: 3 yes, 1 no. 4 of 7 voted; 3 were needed.")
    page = circle.at("Rolf", "")
    expect(page.locator("main")).to_contain_text("You were voted out.")
    expect(page.locator(".belong")).to_contain_text("7 belong to it")
    decided = circle.at("Ula", "/votes").locator("main")
    expect(decided).to_contain_text("Yes: 3 yes, 1 no. 4 of 7 voted; 3 were needed.")
    ask_to_dissolve(circle, "Tom")
    for name in ("Tom", "Noa", "Ula"):
        vote(circle, name, DISSOLVE, "Yes")
    go_to(served, monday + 44 * DAY)
    page = circle.at("Mia", "")
    expect(page.locator("main")).to_contain_text("It dissolved on")
    page.goto(spring)
    expect(page.locator("main")).to_contain_text("Called off")

"""A circle from four digits to its next date: founded at the shop, its dinner proposed, held and wished for again.

Eight stand at the counter; they commit to a dinner in time, and it settles. Seven come, by a badge, a code and a hand;
the morning after each of them has one card, and four yeses make the next date.
"""

import datetime as dt
import re

from playwright.sync_api import Page, expect

from tests.journeys.company import DAY, PARIS, come_in, go_to, open_door
from tests.journeys.conftest import House
from tests.journeys.digits import gather, start, type_in
from tests.journeys.pi import Pi

DINNER = "Dinner at the long table"
GUESTS = ("Zoë", "Ravi", "Lin", "Ines", "Old Mr Haas")


def next_thursday(now: dt.datetime) -> dt.datetime:
    """Eight in the evening of a Thursday that is two to eight days ahead, by the shop's clock."""
    soon = now.astimezone(PARIS) + 2 * DAY
    return (soon + (3 - soon.weekday()) % 7 * DAY).replace(hour=20, minute=0, second=0, microsecond=0)


def typed(at: dt.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")


def found(house: House, pi: Pi) -> tuple[dict[str, Page], str]:
    """Eight stand at the counter: three members, each known to be there in another way, and five nobody knows yet."""
    code = house.door("poster").door.code or ""
    ben, digits = gather(house, "ben", "The long table")
    phones = {"ben": ben}
    mia = start(house, "mia", permissions=[])
    pi.hear("mia", minutes=2)  # her badge is heard: her phone may keep its place to itself
    type_in(mia, digits)
    dora = start(house, "dora", permissions=[])
    form = dora.locator("form[action='/gather/join']")
    form.locator("summary").click()
    form.get_by_label("The code at the door").fill(code)
    type_in(dora, digits)
    for number, name in enumerate(GUESTS):
        phones[name] = start(house, None, 20 * number)
        type_in(phones[name], digits, name)
    phones |= {"mia": mia, "dora": dora}
    for page in phones.values():
        expect(page.locator("#count")).to_have_text("8")
    for way in ("by a badge heard here", "by the code at the door", "by the phone's place"):
        expect(ben.locator(".crowd")).to_contain_text(way)
    link = ben.get_by_role("link", name="To your circle")
    expect(link).to_be_visible()
    ben.get_by_role("button", name="That's all of us").click()
    link.click()
    expect(ben.locator("h1")).to_have_text("The long table")
    expect(ben.locator(".belong")).to_contain_text("8 belong to it")
    return phones, ben.url


def propose(ben: Page, circle: str, by: dt.datetime) -> str:
    """A dinner on the Saturday after, if eight commit by Thursday."""
    ben.goto(circle)
    ben.get_by_role("link", name="Propose a gathering").click()
    ben.get_by_label("What", exact=True).fill(DINNER)
    ben.get_by_label("It takes").fill("8")
    ben.get_by_label("When", exact=True).first.fill(typed(by.replace(hour=19, minute=30) + 2 * DAY))
    ben.get_by_role("combobox", name="Where").first.select_option("Left Bank Books")
    ben.get_by_text("More about it").click()
    ben.get_by_label("Decided by").fill(typed(by))
    ben.get_by_role("button", name="Propose it").click()
    expect(ben.locator("main")).to_contain_text("If 8 commit by Thu")
    return ben.url


def answer(page: Page, house: House, says: str, line: str = "") -> None:
    """Somebody answers the card that waits in the inbox."""
    page.goto(f"{house.url}/inbox")
    page.get_by_role("link", name=f"You were at {DINNER}. Again?").click()
    page.get_by_label("One line, if you like").fill(line)
    page.get_by_role("button", name=says, exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Thank you: it is kept.")


def test_a_circle_goes_from_four_digits_to_its_next_date(served: House) -> None:
    pi = Pi(served)
    for member_id in ("mia", "dora", "ben"):
        pi.give(member_id)
    phones, circle = found(served, pi)
    ben = phones["ben"]

    # 1. Ben proposes a dinner at the shop, and is led to asking there first; Cleo says yes.
    by = next_thursday(served.clock())
    proposal = propose(ben, circle, by)
    ben.get_by_role("link", name="Ask whether you may gather there").click()
    ben.get_by_label("What would you like to hold here?").fill("A dinner of eight, at your long table.")
    ben.get_by_role("button", name="Ask them").click()
    cleo = served.phone("cleo")
    cleo.goto(f"{served.url}/inbox")
    cleo.get_by_role("link", name="Ben Okafor asks to hold gatherings").click()
    cleo.get_by_role("button", name="Yes, they may").click()
    expect(cleo.locator("main")).to_contain_text("may gather here")
    ben.goto(proposal)
    expect(ben.get_by_role("link", name="Ask whether you may gather there")).to_have_count(0)

    # 2. The others find it and commit, and with the eighth it happens.
    for number, page in enumerate((page for who, page in phones.items() if who != "ben"), start=2):
        page.goto(circle)
        page.get_by_role("link", name="What is proposed").click()
        page.get_by_role("link", name=DINNER).click()
        expect(page.locator(".count")).to_contain_text(f"{number - 1} of 8")
        page.get_by_role("button", name="I commit").click()
        expect(page.locator("main")).to_contain_text("It happens" if number == 8 else "I can't after all")
    ben.goto(proposal)
    ben.get_by_role("link", name="To the gathering").click()
    expect(ben.locator("main")).to_contain_text("8 going")
    event = ben.url

    # 3. The evening: badges are heard, guests type the code on the screen or the poster's, one is let in by hand.
    begins = (by + 2 * DAY).replace(hour=19, minute=30)
    go_to(served, begins - dt.timedelta(minutes=10))
    pi.hear("ben", "mia", "dora", minutes=5)
    open_door(ben, event, "screen")
    screen = served.phone()
    screen.goto(ben.locator("code.link").inner_text())
    for who in ("Zoë", "Ravi"):
        come_in(phones[who], served, screen.locator("#code").inner_text())
    open_door(ben, event, "poster")
    come_in(phones["Lin"], served, ben.locator(".code").inner_text())
    ben.goto(f"{event}/doors")
    ben.get_by_label("Who signed up: the first two letters").fill("Ol")
    ben.get_by_role("button", name="Look").click()
    ben.get_by_role("button", name="Let in", exact=True).click()
    expect(ben.locator("#last")).to_contain_text("Old Mr Haas")
    pi.hear("ben", "mia", "dora", minutes=120)
    pi.hear("mia", minutes=10)

    # 4. It is over: seven came, by several evidences; nobody is asked before the morning.
    ben.goto(f"{event}/report")
    expect(ben.locator("main")).to_contain_text(re.compile(r"7\s+people came"))
    expect(ben.locator("main")).to_contain_text(
        "1 let in by hand, 3 by badge, 2 code on the screen, 1 poster at the door"
    )
    mia = phones["mia"]
    mia.goto(event)
    expect(mia.locator("main")).to_contain_text("Over")
    mia.get_by_role("link", name="Again?").click()
    expect(mia.locator("main")).to_contain_text("Sleep on it first.")

    # 5. In the morning each who came has one card; who stayed away has none.
    go_to(served, begins.replace(hour=8, minute=1) + DAY)
    for who, page in phones.items():
        page.goto(f"{served.url}/inbox")
        expect(page.get_by_role("link", name=f"You were at {DINNER}. Again?")).to_have_count(0 if who == "Ines" else 1)
    asked = phones["Ines"].goto(event.replace("/events/", "/mornings/"))
    assert asked is not None
    assert asked.status == 403
    expect(phones["Ines"].locator("main")).to_contain_text("This is for who came")

    # 6. Three yeses propose it again, with these votes counted already.
    answer(phones["mia"], served, "Yes, again", "The soup.")
    answer(phones["Ravi"], served, "Not again")
    answer(phones["Zoë"], served, "Yes, again", "That we sat together.")
    expect(phones["Zoë"].locator("main")).not_to_contain_text("It is proposed again")
    answer(phones["Old Mr Haas"], served, "Differently", "Earlier, for the last tram.")
    answer(ben, served, "Yes, again")
    expect(ben.locator("main")).to_contain_text("It is proposed again")
    for word, counted in (("Yes, again", "3"), ("Not again", "1"), ("Differently", "1")):
        expect(ben.locator(".bars li", has_text=re.compile(rf"^{word}"))).to_contain_text(counted)
    expect(ben.locator("ul.lines")).to_contain_text("Earlier, for the last tram.")
    ben.get_by_role("link", name="Look at it").click()
    expect(ben.locator(".count")).to_contain_text("3 of 4")
    mia.goto(f"{served.url}/inbox")
    expect(mia.get_by_role("link", name=f"{DINNER} may happen again, and your yes is counted.")).to_have_count(1)

    # 7. The fourth yes makes it the next date: same place, weekday and time.
    answer(phones["dora"], served, "Yes, again")
    ben.goto(circle)
    coming = ben.locator("section", has=ben.get_by_role("heading", name="What comes next"))
    expect(coming.get_by_role("link", name=DINNER)).to_have_count(1)
    expect(coming.locator("time")).to_have_attribute("datetime", re.compile((begins + 7 * DAY).strftime("^%Y-%m-%d")))
    for who, stands in (("mia", "You're going."), ("Zoë", "You're going."), ("Ravi", "I'm coming")):
        page = phones[who]
        page.goto(circle)
        page.get_by_role("link", name=DINNER).click()
        expect(page.locator("main")).to_contain_text(stands)
    expect(phones["mia"].locator("main")).to_contain_text("19:30")

"""Three phones stand together at the shop's corner: four digits, and a circle."""

import datetime as dt
import re

from playwright.sync_api import expect
from sqlalchemy import text

from server import database
from tests.journeys.conftest import House
from tests.journeys.digits import gather, place, start, type_in


def circles(house: House) -> list[tuple[str, int]]:
    counted = text("""
        SELECT community.name, count(*) FROM community JOIN community_member ON community_id = community.id
        GROUP BY community.id
    """)
    with database.transaction(house.engine) as session:
        return [(row[0], row[1]) for row in session.execute(counted)]


def test_three_phones_found_a_circle_and_see_each_other_counted(served: House) -> None:
    founder, digits = gather(served)
    expect(founder.locator("#count")).to_have_text("1")
    expect(founder.locator("#left")).to_have_text(re.compile(r"^(10:00|9:\d\d)$"))
    mia = start(served, "mia", 120)
    type_in(mia, digits)
    expect(mia.locator("#count")).to_have_text("2")
    expect(founder.locator("#count")).to_have_text("2")
    stranger = start(served, None, 250)
    type_in(stranger, f"{digits[:2]} {digits[2:]}", "Zoë")
    for page in (founder, mia, stranger):
        expect(page.locator("#count")).to_have_text("3")
        expect(page.get_by_role("link", name="To your circle")).to_be_visible()
    expect(founder.locator(".crowd")).to_contain_text("Zoë")
    expect(founder.locator(".crowd")).to_contain_text("by the phone's place")
    expect(mia.locator(".crowd")).to_have_count(0)
    assert circles(served) == [("Corner readers", 3)]


def test_who_is_too_far_or_types_wrong_is_told_the_same_and_nearer_is_in(served: House) -> None:
    founder, digits = gather(served)
    far = start(served, "mia", 1000)
    type_in(far, digits)
    says = far.locator("main .says")
    expect(says).to_contain_text("Nobody gathers here with these digits")
    first = says.inner_text()
    far.context.set_geolocation(place(50))  # type: ignore[arg-type]
    wrong = "2468" if digits != "2468" else "1357"
    type_in(far, wrong)
    expect(says).to_have_text(first)
    expect(far.get_by_label("The four digits")).to_have_value(wrong)
    type_in(far, digits)
    expect(far.locator("#count")).to_have_text("2")
    expect(founder.locator("#count")).to_have_text("2")


def test_a_vague_place_says_what_to_do_and_the_code_at_the_door_lets_in(served: House) -> None:
    code = served.door("poster").door.code or ""
    _, digits = gather(served)
    vague = start(served, "mia", 0, 2000)
    type_in(vague, digits)
    expect(vague.locator("main .says")).to_contain_text("Step to a window")
    without = start(served, "dora", permissions=[])
    type_in(without, digits)
    expect(without.locator("main .says")).to_contain_text("type the code at the door")
    form = without.locator("form[action='/gather/join']")
    form.locator("summary").click()
    form.get_by_label("The code at the door").fill(code)
    type_in(without, digits)
    expect(without.locator("#count")).to_have_text("2")


def test_the_picture_leads_to_the_digits(served: House) -> None:
    founder, digits = gather(served)
    expect(founder.locator(".qr svg")).to_be_visible()
    mia = start(served, "mia")
    mia.goto(f"{served.url}/gather?digits={digits}")
    expect(mia.get_by_label("The four digits")).to_have_value(digits)
    mia.get_by_role("button", name="I'm in").click()
    expect(mia.locator("#count")).to_have_text("2")


def test_the_founder_takes_out_who_is_not_with_her(served: House) -> None:
    founder, digits = gather(served)
    spoofing = start(served, None)
    type_in(spoofing, digits, "Nobody you know")
    expect(spoofing.locator("#count")).to_have_text("2")
    row = founder.locator(".crowd li", has_text="Nobody you know")
    row.get_by_role("button", name="Not with us").click()
    expect(founder.locator(".crowd li")).to_have_count(1)
    expect(spoofing.locator("h1")).to_have_text("Nobody gathers here now")
    founder.get_by_role("button", name="That's all of us").click()
    expect(founder.locator("h1")).to_have_text("Nobody gathers here now")
    assert circles(served) == []


def test_when_the_ten_minutes_are_over_the_page_turns_by_itself(served: House) -> None:
    founder, digits = gather(served)
    mia = start(served, "mia")
    type_in(mia, digits)
    expect(mia.locator("#count")).to_have_text("2")
    served.clock.by += dt.timedelta(minutes=10)
    for page in (founder, mia):
        expect(page.locator("main")).to_contain_text("You belong together now")

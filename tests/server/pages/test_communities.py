"""The pages of communities, walked as forms, without a script."""

import datetime as dt
import re

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.event import listen, remove
from sqlalchemy.orm import Session

from server.communities import service as communities
from tests.server.conftest import As, Clock
from tests.server.governance import circle
from tests.server.governance.circle import DAY
from tests.server.pictures.test_making import encode, two_colours
from tests.server.places import HOUR, NOW

HTML = {"accept": "text/html"}
PATH = "/communities/walkers"


@pytest.fixture
def walkers(as_: As, session: Session) -> As:
    circle.make_circle(session)
    return as_


@pytest.mark.parametrize("path", ["/communities", PATH, f"{PATH}/edit", f"{PATH}/history", f"{PATH}/votes"])
def test_anonymous_is_refused(walkers: As, path: str) -> None:
    page = walkers(None).get(path, headers=HTML)
    assert page.status_code == 401
    assert "Walkers" not in page.text


def test_founding_takes_a_name_and_one_tap(as_: As) -> None:
    dora = as_("dora")
    assert "You belong to none yet." in dora.get("/communities").text
    for _ in range(2):
        made = dora.post("/communities", data={"name": "Chess at dawn"})
        assert (made.status_code, made.headers["location"]) == (303, "/communities/chess-at-dawn")
    page = dora.get("/communities/chess-at-dawn").text
    assert "Say what it is for" in page
    assert "Nothing is planned yet." in page
    refused = dora.post("/communities", data={"name": "  "})
    assert (refused.status_code, "needs a name" in refused.text) == (422, True)
    assert "Chess at dawn" in dora.get("/communities").text


def test_a_house_is_founded_with_its_venue_and_circles_under_it(as_: As) -> None:
    ben, dora = as_("ben"), as_("dora")
    assert "Café Lumen" in ben.get("/communities").text
    made = ben.post("/communities", data={"name": "Lumen", "shape": "house", "venue": "cafe"})
    assert made.headers["location"] == "/communities/lumen"
    assert "Café Lumen publishes and decides here." in ben.get("/communities/lumen").text
    refused = dora.post("/communities", data={"name": "Readers", "under": "lumen"})
    assert (refused.status_code, "Follow Lumen first" in refused.text) == (403, True)
    assert dora.post("/communities/lumen", data={"act": "join"}).status_code == 303
    formed = dora.post("/communities", data={"name": "Readers", "under": "lumen"})
    assert formed.headers["location"] == "/communities/readers"
    assert "Readers" in ben.get("/communities/lumen").text
    assert "Formed under" in dora.get("/communities/readers").text


def test_joining_and_leaving_are_one_tap_each_and_twice_is_as_once(walkers: As) -> None:
    cleo = walkers("cleo")
    for act, then in (("join", "leave"), ("join", "leave"), ("leave", "join"), ("leave", "join")):
        assert cleo.post(PATH, data={"act": act}).status_code == 303
        assert f'value="{then}"' in cleo.get(PATH).text


def test_who_came_changes_it_by_a_form_and_who_did_not_is_told(walkers: As) -> None:
    m1, dora = walkers("m1"), walkers("dora")
    assert "come to the next one" in dora.get(f"{PATH}/edit", headers=HTML).text
    assert f"{PATH}/edit" not in dora.get(PATH).text
    form = {
        "name": "Night walkers",
        "goal": "Know every <b>path</b>.",
        "interest": ["birds", "walking"],
        "home_name": "The harbour",
        "lat": "43,73",
        "lon": "7.42",
        "radius_km": "",
        "charter": "Wait.\r\nTalk.",
        "version": '"1"',
    }
    picture = {"picture": ("p.jpg", encode(two_colours(), "JPEG"), "image/jpeg")}
    saved = m1.post(f"{PATH}/edit", data=form, files=picture)
    assert (saved.status_code, saved.headers.get("location")) == (303, PATH), saved.text
    page = m1.get(PATH).text
    assert "Know every &lt;b&gt;path&lt;/b&gt;." in page
    assert "Birds" in page
    assert "5 km around" in page
    found = re.search(r'src="(/api/pictures/[0-9a-f]+)"', page)
    assert found is not None
    assert m1.get(found[1]).headers["content-type"] == "image/webp"
    unpictured = form | {"version": '"2"', "no_picture": "true"}
    assert m1.post(f"{PATH}/edit", data=unpictured).status_code == 303
    assert "/api/pictures/" not in m1.get(PATH).text
    assert "/api/pictures/" in m1.get(f"{PATH}/history").text


def test_an_empty_file_and_a_wrong_place_are_as_people_mean_them(walkers: As) -> None:
    m1 = walkers("m1")
    form = {"name": "Walkers", "home_name": "Somewhere", "lat": "north", "lon": "7.42"}
    nothing = {"picture": ("", b"", "application/octet-stream")}
    wrong = m1.post(f"{PATH}/edit", data=form, files=nothing)
    assert (wrong.status_code, "The middle of the home area" in wrong.text) == (422, True)
    assert 'value="north"' in wrong.text, "what was typed is still there"
    assert m1.post(f"{PATH}/edit", data=form | {"lat": "", "lon": ""}, files=nothing).status_code == 303


def test_two_who_save_at_once_see_each_other_s_words(walkers: As) -> None:
    m1, m2 = walkers("m1"), walkers("m2")
    m1.post(f"{PATH}/edit", data={"name": "Walkers", "goal": "Hers", "version": '"1"'})
    late = m2.post(f"{PATH}/edit", data={"name": "Walkers", "goal": "Mine", "version": '"1"'})
    assert late.status_code == 412
    assert "By now it says: Hers" in late.text
    assert ">Mine</textarea>" in late.text
    assert 'name="version" value="&#34;2&#34;"' in late.text
    assert m2.post(f"{PATH}/edit", data={"name": "Walkers", "goal": "Mine", "version": '"2"'}).status_code == 303


def test_one_tap_puts_back_and_a_newer_change_is_named(walkers: As) -> None:
    m1, m2 = walkers("m1"), walkers("m2")
    assert "All is as it was in the beginning." in m1.get(f"{PATH}/history").text
    for goal in ("Walk", "Buy my book"):
        m1.post(f"{PATH}/edit", data={"name": "Walkers", "goal": goal})
    page = m2.get(f"{PATH}/history").text
    newest, older = re.findall(r'name="change" value="(\d+)"', page)
    assert page.index("Put back</button>") < page.index("Put this back all the same")
    assert m2.post(f"{PATH}/history", data={"change": newest}).status_code == 303
    assert "Buy my book" not in m2.get(PATH).text
    assert m2.post(f"{PATH}/history", data={"change": older}).status_code == 303, "after that it is what it was"
    m1.post(f"{PATH}/edit", data={"name": "Walkers", "goal": "Buy it now"})
    refused = m2.post(f"{PATH}/history", data={"change": older})
    assert (refused.status_code, "changed again since" in refused.text) == (409, True)
    assert m2.post(f"{PATH}/history", data={"change": older, "over": "true"}).status_code == 303
    assert "by somebody who shows no name" in m1.get(f"{PATH}/history").text
    assert "Put back</button>" not in walkers("dora").get(f"{PATH}/history").text


def test_a_vote_is_opened_spoken_to_and_decided_with_forms_alone(walkers: As, clock: Clock) -> None:
    m1, m9 = walkers("m1"), walkers("m9")
    assert "Nothing is being decided." in m1.get(f"{PATH}/votes").text
    form = {"act": "remove", "who": "m9", "called": "Nine", "reason": "Shouts."}
    unknown = m1.post(f"{PATH}/votes", data=form | {"who": "nobody"})
    assert (unknown.status_code, 'value="nobody"' in unknown.text) == (404, True)
    opened = m1.post(f"{PATH}/votes", data=form)
    found = re.fullmatch(rf"{PATH}/votes#vote-(\d+)", opened.headers["location"])
    assert found is not None
    vote = found[1]
    assert "Shall you be removed?" in m9.get(f"{PATH}/votes").text
    assert m9.post(f"{PATH}/votes", data={"act": "speak", "vote": vote, "said": "I am sorry."}).status_code == 303
    page = walkers("dora").get(f"{PATH}/votes").text
    assert "Shall Nine be removed?" in page
    assert "I am sorry." in page
    assert "of 9 have voted; 3 are needed" in page
    assert 'value="yes"' not in page, "she did not come"
    for member_id, act in (("m1", "yes"), ("m2", "no"), ("m2", "yes"), ("m9", "no")):
        assert walkers(member_id).post(f"{PATH}/votes", data={"act": act, "vote": vote}).status_code == 303
    assert 'value="yes" aria-pressed="true"' in walkers("m2").get(f"{PATH}/votes").text
    refused = walkers("dora").post(f"{PATH}/votes", data={"act": "yes", "vote": vote})
    assert (refused.status_code, "Who votes was settled" in refused.text) == (403, True)
    clock.now = NOW + dt.timedelta(hours=72)
    assert "Yes: 2 yes, 1 no. 3 of 9 voted; 3 were needed." in walkers("m1").get(f"{PATH}/votes").text
    assert "You were voted out." in m9.get(PATH).text
    assert "Yes: 2 yes, 1 no." in m9.get(f"{PATH}/votes").text
    assert m9.post(PATH, data={"act": "join"}).status_code == 403
    assert walkers("cleo").get(f"{PATH}/votes", headers=HTML).status_code == 403


def test_what_comes_next_and_how_it_lives_are_told(walkers: As, clock: Clock, session: Session) -> None:
    circle.gather(session, "spring", NOW + 2 * DAY)
    assert "Sun 15 March, 20:00" in walkers("dora").get(PATH).text
    clock.now = NOW + 2 * DAY + HOUR / 2
    assert "on now" in walkers("dora").get(PATH).text
    clock.now = NOW + 200 * DAY
    page = walkers("dora").get(PATH).text
    assert "It is asleep." in page
    clock.now = NOW + 360 * DAY
    page = walkers("dora").get(PATH).text
    assert "It dissolves on" in page
    assert walkers("dora").post(PATH, data={"act": "keep"}).status_code == 303
    assert "It is asleep." in walkers("dora").get(PATH).text


def test_what_has_dissolved_is_found_by_its_members(walkers: As, session: Session) -> None:
    for member_id in ("dora", *circle.CAME):
        communities.leave(session, community_id="walkers", member_id=member_id, now=NOW)
    ben = walkers("ben")
    assert "End Walkers" in ben.get(PATH).text
    assert ben.post(PATH, data={"act": "dissolve"}).status_code == 303
    assert "It dissolved on 13 March 2026." in ben.get(PATH).text
    assert "Dissolved:" in ben.get("/communities").text
    assert "Dissolved:" not in walkers("dora").get("/communities").text
    assert walkers("dora").get(f"{PATH}/history", headers=HTML).status_code == 403
    assert ben.get(f"{PATH}/history").status_code == 200


def test_more_than_a_page_of_others_leads_on(as_: As, session: Session) -> None:
    for number in range(3):
        communities.create(session, id=f"c-{number}", name=f"Chess {number}")
    dora = as_("dora")
    first = dora.get("/communities?limit=2").text
    found = re.search(r'href="(/communities\?cursor=[^"]+)"', first)
    assert found is not None
    assert "Chess 1" in first
    assert "Chess 2" not in first
    second = dora.get(found[1]).text
    assert "Chess 2" in second
    assert "Found it" not in second


def test_who_was_removed_joins_from_the_topics_a_year_later(walkers: As, session: Session) -> None:
    left = NOW - 400 * DAY
    communities.remove(session, community_id="walkers", member_id="dora", now=left, until=left + 365 * DAY)
    assert walkers("dora").post(f"{PATH}/topics", data={"join": "yes"}).status_code == 303
    assert communities.belongs(session, community_id="walkers", member_id="dora")


def test_thirty_cost_as_many_statements_as_three(as_: As, session: Session, engine: Engine) -> None:
    said: list[str] = []
    listen(engine, "before_cursor_execute", note := lambda *args: said.append(args[2]))
    counts = []
    for made in (range(3), range(3, 30)):
        for number in made:
            communities.create(session, id=f"c-{number}", name=f"Chess {number}")
            circle.gather(session, f"game-{number}", NOW + number * HOUR, community_id=f"c-{number}")
            if number % 2:
                communities.join(session, community_id=f"c-{number}", member_id="dora")
        said.clear()
        page = as_("dora").get("/communities").text
        counts.append(len(said))
        assert page.count("Game-") == (made[-1] + 1) // 2, "those of her own"
    remove(engine, "before_cursor_execute", note)
    assert counts[0] == counts[1]


def test_what_belongs_to_many_reads_no_list_of_them(as_: As, session: Session, engine: Engine) -> None:
    circle.make_circle(session, shape="house")
    people = [{"id": f"f-{number}", "name": "F"} for number in range(300)]
    session.execute(text("INSERT INTO member (id, name) VALUES (:id, :name)"), people)
    session.execute(text("INSERT INTO community_member (community_id, member_id) VALUES ('walkers', :id)"), people)
    read: list[int] = []
    listen(engine, "after_cursor_execute", note := lambda *args: read.append(args[1].rowcount))
    for path in (PATH, f"{PATH}/votes", f"/api{PATH}"):
        assert as_("dora").get(path).status_code == 200
    remove(engine, "after_cursor_execute", note)
    assert max(read) < 100
    assert "311" in as_("dora").get(PATH).text


def test_near_is_who_is_at_home_there(walkers: As) -> None:
    walkers("m1").post(f"{PATH}/edit", data={"name": "Walkers", "home_name": "Here", "lat": "43.73", "lon": "7.42"})
    cleo = walkers("cleo")
    assert "Walkers" in cleo.get("/communities?lon=7.42&lat=43.73").text
    assert "None is at home here yet." in cleo.get("/communities?lon=70&lat=43.73").text
    assert "All communities" in cleo.get("/communities?lon=700&lat=43.73").text, "nonsense is as nothing"

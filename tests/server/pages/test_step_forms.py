"""The steps of a gathering by forms without scripts: each by itself, another one anywhere, and signing up for each."""

import datetime as dt
import re
from html import unescape
from typing import Any

import pytest
from sqlalchemy.orm import Session

from server.events import service as events
from server.venues import service as venues
from tests.server.conftest import As
from tests.server.events.gathering import TOMORROW, by_step, come, make_dinner, told
from tests.server.pages.test_dates import form_of as plan_of
from tests.server.places import HOUR

HTML: dict[str, Any] = {"headers": {"Accept": "text/html"}, "follow_redirects": True}
STEPS, FIRST = "/events/dinner/steps", "/events/dinner/steps/dinner-1"
NEW = {"act": "add", "name": "Walk", "venue": "", "day": "2026-03-15", "time": "10:00", "hours": "2"}
BRIDGE = {"place": "The bridge", "position": "35.6595, 139.7005"}


def form_of(page: str, action: str) -> dict[str, str]:
    """What a browser would send of the one form that goes there, as it stands."""
    (form,) = re.findall(rf'<form method="post" action="{action}" class="plan">(.*?)</form>', page, re.DOTALL)
    said: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]+>", form):
        kind, name, value = (re.search(rf' {part}="([^"]*)"', tag) for part in ("type", "name", "value"))
        if name is not None and not (kind is not None and kind[1] in ("radio", "checkbox") and " checked" not in tag):
            said[name[1]] = unescape(value[1]) if value is not None else ""
    for name, options in re.findall(r'<select name="(\w+)">(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options) or re.search(
            r'<option value="([^"]*)"', options
        )
        said[name] = "" if chosen is None else chosen[1]
    return said


def alert(page: str) -> str:
    found = re.search(r'role="alert"[^>]*>([^<]+)', page)
    return "" if found is None else unescape(found.group(1)).strip()


def columns(session: Session, number: int) -> dict[str, Any]:
    step = events.get_step(session, event_id="dinner", step_id=f"dinner-{number}")
    return {column.key: getattr(step, column.key) for column in step.__table__.columns}


def test_anonymous_is_refused_and_so_is_who_does_not_host_it(as_: As, session: Session) -> None:
    make_dinner(session, 4, 4)
    for who, status in ((None, 401), ("dora", 403), ("ben", 403)):
        assert as_(who).get(FIRST).status_code == status
        assert as_(who).post(FIRST, data={}).status_code == status
        assert as_(who).post(STEPS, data={"act": "needs", "by_step": "true"}).status_code == status
    assert as_("cleo").get("/events/dinner/steps/other").status_code == 404


def test_a_form_that_is_sent_as_it_was_shown_changes_nothing(as_: As, session: Session) -> None:
    make_dinner(session, 4)
    odd = dt.timedelta(minutes=61, seconds=7)
    exact = {"opens_at": TOMORROW - odd, "starts_at": TOMORROW + odd / 3, "ends_at": TOMORROW + odd * 30}
    sent = {name: at.isoformat() for name, at in exact.items()} | {"dwell_walk_in_s": 12.345, "zone": "cafe-back"}
    cleo = as_("cleo")
    cleo.patch(f"/api{FIRST}", json=sent).raise_for_status()
    before = columns(session, 1)
    form = form_of(cleo.get(FIRST, **HTML).text, FIRST)
    assert (form["venue"], form["zone"], form["ends_day"], form["walk_in"]) == (
        "cafe",
        "cafe-back",
        "2026-03-16",
        "12.35",
    )
    assert cleo.post(FIRST, data=form).status_code == 303
    assert columns(session, 1) == before


def test_one_step_is_moved_and_named_alone_and_the_others_stay(as_: As, session: Session) -> None:
    make_dinner(session, 4, 4)
    come(session, "eva")
    before, cleo = columns(session, 2), as_("cleo")
    form = form_of(cleo.get(FIRST, **HTML).text, FIRST)
    assert [form[name] for name in ("opens", "signed_up", "walk_in")] == ["60", "15", "90"]
    rule = {"opens": "7,5", "signed_up": "", "walk_in": "30", "zone": "cafe-front", "places": ""}
    changed = form | {"name": "Soup", "time": "23:30", "ends": "01:15"} | rule
    page = cleo.post(FIRST, data=changed, **HTML).text
    assert "Soup" in page
    assert "Café Lumen · front" in page
    found = columns(session, 1)
    starts = dt.datetime(2026, 3, 14, 22, 30, tzinfo=dt.UTC)
    assert (found["starts_at"], found["ends_at"]) == (starts, starts + dt.timedelta(hours=1, minutes=45))
    assert starts - found["opens_at"] == dt.timedelta(minutes=7.5)
    assert (found["dwell_signed_up_s"], found["dwell_walk_in_s"], found["capacity"]) == (15, 30, None)
    assert columns(session, 2) == before
    assert told(session, "eva") == ["event.moved"]


def test_a_step_moves_to_any_point_and_its_clock_is_the_one_there(as_: As, session: Session) -> None:
    make_dinner(session, None, None)
    before, cleo = columns(session, 2), as_("cleo")
    form = form_of(cleo.get(FIRST, **HTML).text, FIRST)
    assert (
        cleo.post(FIRST, data=form | {"venue": "", "zone": "", "time": "10:00", "ends": "12:00"} | BRIDGE).status_code
        == 303
    )
    found = columns(session, 1)
    spot = venues.get(session, found["venue_id"])
    assert (spot.name, spot.kind, spot.time_zone, f"{found['starts_at']:%H:%M}") == (
        "The bridge",
        "spot",
        "Asia/Tokyo",
        "01:00",
    )
    form = form_of(cleo.get(FIRST, **HTML).text, FIRST)
    assert (form["venue"], form["place"], form["position"]) == (spot.id, "The bridge", "35.659500, 139.700500")
    assert cleo.post(FIRST, data=form | {"name": "Ramen"}).status_code == 303
    assert columns(session, 1)["venue_id"] == spot.id
    assert columns(session, 2) == before


@pytest.mark.parametrize(
    ("typed", "place", "time_zone"),
    [
        ({"place": "The far bridge"}, "The far bridge", "Asia/Tokyo"),
        ({"position": "48.1372, 11.5755"}, "The bridge", "Europe/Berlin"),
        ({"position": ""}, "The bridge", "Asia/Tokyo"),
    ],
)
def test_another_name_or_pin_of_the_spot_where_a_step_is_makes_a_new_one(
    as_: As, session: Session, typed: dict[str, str], place: str, time_zone: str
) -> None:
    make_dinner(session, None, None)
    cleo = as_("cleo")
    form = form_of(cleo.get(FIRST, **HTML).text, FIRST)
    cleo.post(FIRST, data=form | {"venue": "", "zone": "", "time": "10:00", "ends": "12:00"} | BRIDGE)
    before = columns(session, 1)["venue_id"]
    page = cleo.get(FIRST, **HTML).text
    assert f'data-elsewhere="{before}"' in page, "a script shows them, too"
    form = form_of(page, FIRST)
    assert cleo.post(FIRST, data=form | {"place": " "}, **HTML).status_code == 422
    assert cleo.post(FIRST, data=form | typed).status_code == 303
    spot = venues.get(session, columns(session, 1)["venue_id"])
    assert (spot.id != before, spot.name, spot.time_zone, spot.kind) == (True, place, time_zone, "spot")
    assert (venues.location_of(spot) is None) == (typed.get("position") == "")
    form = form_of(cleo.get(FIRST, **HTML).text, FIRST)
    assert cleo.post(FIRST, data=form | {"venue": "cafe"}).status_code == 303
    assert columns(session, 1)["venue_id"] == "cafe"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"name": " "}, "needs a name"),
        ({"name": "x" * 200}, "at most"),
        ({"day": "tomorrow"}, "Say the day"),
        ({"ends": ""}, "Say the time at which it ends"),
        ({"ends_day": "2026-03-13"}, "opens, then starts, then ends"),
        ({"ends_day": "2026-06-13"}, "is longer than 31 days"),
        ({"venue": ""}, "Say where it is"),
        ({"venue": "", "place": "Park", "position": "here"}, "Type a latitude and a longitude"),
        ({"zone": "bar-back"}, "This zone is not of the place"),
        ({"places": "many"}, "The number of places"),
        ({"places": "0"}, "There are between 1 and"),
        ({"opens": "soon"}, "Minutes and seconds are numbers"),
        ({"opens": "-5"}, "Minutes and seconds are numbers"),
        ({"signed_up": "99999"}, "between 0 and 21600 seconds"),
        ({"version": "0"}, "Somebody changed this meanwhile"),
    ],
)
def test_what_cannot_be_is_said_on_the_form_and_what_was_typed_stays(
    as_: As, session: Session, said: dict[str, str], sentence: str
) -> None:
    make_dinner(session, 4)
    venues.create(
        session,
        id="bar",
        name="Bar",
        time_zone="Europe/Berlin",
        owner_id="cleo",
        contact="bar@example.org",
        zones=[venues.NewZone("bar-front", "front"), venues.NewZone("bar-back", "back")],
    )
    before, cleo = columns(session, 1), as_("cleo")
    form = form_of(cleo.get(FIRST, **HTML).text, FIRST)
    answer = cleo.post(FIRST, data=form | {"time": "20:30", "walk_in": "77"} | said, **HTML)
    assert answer.status_code in (412, 422)
    assert sentence in alert(answer.text)
    assert "Nothing was changed." in alert(answer.text)
    kept = form_of(answer.text, FIRST)
    assert {**kept, "version": ""} == {**form, "time": "20:30", "walk_in": "77", **said, "version": ""}
    session.expire_all()
    assert columns(session, 1) == before


def test_a_place_that_is_somebody_else_s_is_refused_with_all_that_was_typed(as_: As, session: Session) -> None:
    make_dinner(session, 4)
    more: dict[str, Any] = {"time_zone": "Europe/Berlin", "owner_id": "ben", "contact": "bar@example.org"}
    venues.create(session, id="bar", name="Bar", **more)
    cleo = as_("cleo")
    form = form_of(cleo.get(FIRST, **HTML).text, FIRST)
    answer = cleo.post(FIRST, data=form | {"venue": "bar", "name": "Beer & more"}, **HTML)
    assert (answer.status_code, "Only the shop owner" in alert(answer.text)) == (403, True)
    assert form_of(answer.text, FIRST)["name"] == "Beer & more"


def test_two_hosts_do_not_save_over_each_other_unseen(as_: As, session: Session) -> None:
    make_dinner(session, 4, 4)
    cleo = as_("cleo")
    form = form_of(cleo.get(FIRST, **HTML).text, FIRST)
    plan = {"name": "Dinner", "day": "2026-03-14", "time": "21:00", "guests": "0"}
    assert cleo.post("/events/dinner/plan", data=plan).status_code == 303, "all steps move along"
    moved = columns(session, 1)
    refused = cleo.post(FIRST, data=form | {"name": "Soup"}, **HTML)
    assert (refused.status_code, "Somebody changed this meanwhile" in refused.text) == (412, True)
    session.expire_all()
    assert columns(session, 1) == moved
    again = form_of(refused.text, FIRST)
    assert (again["name"], again["time"]) == ("Soup", form["time"])
    assert cleo.post(FIRST, data=again).status_code == 303
    assert columns(session, 1)["starts_at"] == TOMORROW
    (version,) = re.findall(r'name="version" value="(\d+)"', cleo.get(STEPS, **HTML).text)
    whole = {"version": version}
    for status in (303, 412):
        assert cleo.post(STEPS, data=whole | {"act": "needs", "needs": "1"}).status_code == status


def test_a_plan_that_was_shown_before_a_step_changed_does_not_take_that_back(as_: As, session: Session) -> None:
    make_dinner(session, 4)
    cleo = as_("cleo")
    old = plan_of(cleo.get("/events/dinner/plan", **HTML).text)
    form = form_of(cleo.get(FIRST, **HTML).text, FIRST)
    for _ in range(2):  # the second time nothing changes
        assert cleo.post(FIRST, data=form | {"time": "21:00", "ends": "23:00", "places": "9"}).status_code == 303
        changed, form = columns(session, 1), form_of(cleo.get(FIRST, **HTML).text, FIRST)
        assert events.get(session, "dinner").version == 2
    assert cleo.post("/events/dinner/plan", data=old | {"name": "Supper"}, **HTML).status_code == 412
    session.expire_all()
    assert columns(session, 1) == changed
    again = plan_of(cleo.get("/events/dinner/plan", **HTML).text)
    assert (again["time"], again["places"]) == ("21:00", "9")
    assert cleo.post("/events/dinner/plan", data=again | {"name": "Supper"}).status_code == 303
    assert columns(session, 1) == changed


def test_what_another_host_took_out_meanwhile_is_gone(as_: As, session: Session) -> None:
    make_dinner(session, 4, 4)
    cleo = as_("cleo")
    form = form_of(cleo.get(FIRST, **HTML).text, FIRST)
    assert cleo.post(STEPS, data={"act": "remove", "step": "dinner-1"}).status_code == 303
    assert cleo.post(FIRST, data=form, **HTML).status_code == 404


def test_a_second_tap_adds_no_second_step(as_: As, session: Session) -> None:
    make_dinner(session, 4)
    cleo = as_("cleo")
    form = form_of(cleo.get(STEPS, **HTML).text, STEPS) | NEW
    refused = cleo.post(STEPS, data=form, **HTML)
    assert (refused.status_code, form_of(refused.text, STEPS)["step"]) == (422, form["step"])
    for _ in range(2):
        added = cleo.post(STEPS, data=form | BRIDGE)
        assert (added.status_code, added.headers["location"]) == (303, STEPS)
    assert [one.id for one in events.steps_of(session, event_id="dinner")] == ["dinner-1", form["step"]]
    assert events.get(session, "dinner").version == 2
    page = cleo.get(STEPS, **HTML).text
    assert re.findall(r'name="step" value="([^"]+)"', page)[-1] not in ("", form["step"]), "the next is another"
    other = cleo.post(STEPS, data=form | BRIDGE | {"step": "Not an id"}, **HTML)
    assert (other.status_code, len(events.steps_of(session, event_id="dinner"))) == (422, 2)


def test_another_step_stands_at_a_pin_or_in_a_zone_with_a_rule_of_its_own(as_: As, session: Session) -> None:
    make_dinner(session, 4)
    cleo = as_("cleo")
    page = cleo.get(STEPS, **HTML).text
    assert all(part in page for part in ('id="pin-map"', "cafe-back", "Usually 60 minutes."))
    wrong = cleo.post(
        STEPS, data=NEW | BRIDGE | {"walk_in": "long", "position": "35.66, 139.7", "datum": "gcj02"}, **HTML
    )
    assert "Minutes and seconds are numbers" in alert(wrong.text)
    assert all(part in wrong.text for part in ('value="long"', 'value="35.66, 139.7"', 'value="gcj02" checked'))
    assert cleo.post(STEPS, data=NEW | BRIDGE | {"opens": "10"}).status_code == 303
    inside = NEW | {"venue": "cafe", "zone": "cafe-back", "walk_in": "5", "places": "3"}
    assert cleo.post(STEPS, data=inside).status_code == 303
    second, third = columns(session, 2), columns(session, 3)
    assert (f"{second['starts_at']:%H:%M}", second["starts_at"] - second["opens_at"]) == (
        "01:00",
        dt.timedelta(minutes=10),
    )
    assert (third["zone_id"], third["dwell_walk_in_s"], third["capacity"]) == ("cafe-back", 5, 3)
    assert third["starts_at"] - third["opens_at"] == HOUR


def test_members_sign_up_step_by_step_with_places_of_each(as_: As, session: Session) -> None:
    make_dinner(session, 4)
    cleo = as_("cleo")
    assert "What do people sign up for?" not in cleo.get(STEPS, **HTML).text, "of one step there is nothing to choose"
    assert cleo.post(STEPS, data=NEW | {"venue": "cafe", "places": "1"}).status_code == 303
    come(session, "eva")
    assert "What do people sign up for?" in cleo.get(STEPS, **HTML).text
    page = cleo.post(STEPS, data={"act": "needs", "needs": "1", "by_step": "true"}, **HTML).text
    assert 'value="true" checked' in page
    assert by_step(session, "eva") == ["going", "going"]
    dora = as_("dora")
    page = dora.get("/events/dinner", **HTML).text
    assert "tick what you come to" in page
    assert ("whoever ticks it waits for one" in page, " checked" in page) == (True, False)
    none = dora.post("/events/dinner/come", data={"by_step": "true"}, **HTML)
    assert "Choose at least one of its steps." in alert(none.text)
    page = dora.post("/events/dinner/come", data={"by_step": "true", "step": "dinner-2"}, **HTML).text
    assert (page.count(" checked"), "You&#39;re next." in page or "You're next." in page) == (1, True)
    page = dora.post("/events/dinner/come", data={"by_step": "true", "step": ["dinner-1", "dinner-2"]}, **HTML).text
    assert page.count(" checked") == 2
    assert by_step(session, "dora") == ["going", "waiting"]
    assert "3 places left" not in page
    assert "2 places left" in page
    chinese: dict[str, Any] = {"headers": {"Accept": "text/html", "Accept-Language": "zh"}, "follow_redirects": True}
    assert "按站报名" in dora.get("/events/dinner", **chinese).text
    refused = cleo.post(STEPS, data={"act": "needs", "needs": "", "by_step": "false"}, **HTML)
    assert (refused.status_code, "one goes on signing up for them" in alert(refused.text)) == (409, True)
    assert 'value="false" checked' in refused.text, "what was chosen is still there"
    assert events.get(session, "dinner").needs == 1


def test_what_a_member_ticked_stays_where_it_cannot_be(as_: As, session: Session) -> None:
    make_dinner(session, 4, 4, 4, by_step=True, guests_max=2)
    data = {"by_step": "true", "step": ["dinner-1", "dinner-3"], "guests": "9"}
    page = as_("dora").post("/events/dinner/come", data=data, **HTML)
    assert (page.status_code, page.text.count(" checked")) == (422, 2)

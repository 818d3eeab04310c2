"""The page of a series: who sees which of its dates, and where it goes on."""

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from config import settings
from server.communities import service as communities
from server.corrections import following
from server.corrections import service as corrections
from server.events import series as all_series
from server.events import service as events
from server.events.model import Event
from tests.server.conftest import As
from tests.server.events.gathering import make_dinner
from tests.server.places import HOUR, NOW

HTML: dict[str, Any] = {"headers": {"Accept": "text/html"}, "follow_redirects": True}
WEEK = dt.timedelta(days=7)
SATURDAY = dt.datetime.fromisoformat("2026-03-14 20:00")  # Berlin's clock
PRESENCE = settings.load(environment={}).presence


def begin(session: Session, rule: str = "FREQ=WEEKLY") -> list[Event]:
    """The dates of Cleo's dinner for the readers, of whom she is one."""
    make_dinner(session, 8)
    communities.create(session, id="readers", name="Readers")
    communities.join(session, community_id="readers", member_id="cleo", now=NOW)
    found = all_series.begin(session, event_id="dinner", rule=rule, now=NOW)
    dates = all_series.events_of(session, found)
    for one in dates:
        one.community_id = "readers"
    session.flush()
    return dates


def test_anonymous_is_refused(as_: As, session: Session) -> None:
    begin(session)
    assert {as_(None).get(f"{start}/series/dinner").status_code for start in ("", "/api")} == {401}


def test_of_dates_for_members_others_see_the_day_alone(as_: As, session: Session) -> None:
    first, second, third = begin(session)[:3]
    corrections.sign_up(session, event_id=second.id, member_id="cleo", presence=PRESENCE, now=NOW)
    corrections.move_event(session, event_id=third.id, wall=SATURDAY + 2 * WEEK + HOUR, presence=PRESENCE, now=NOW)
    dora, cleo = as_("dora"), as_("cleo")
    assert {dora.get(f"{start}/series/dinner").status_code for start in ("", "/api")} == {403}
    for seen in (first, second):
        events.get(session, seen.id).open_to_all = True
        session.flush()
        page = dora.get("/series/dinner", **HTML).text
        assert f'href="/events/{seen.id}"' in page
        assert ("Sat 28 March" in page, "21:00" in page, "For members." in page) == (True, False, True)
        assert third.id not in page
        dates = dora.get("/api/series/dinner").json()["dates"]
        assert [one["event"] for one in dates if one["event"]] == [seen.id]
        assert [one["state"] for one in dates if one["state"]] == ["published"]
        assert ("1 is going" in page) == (seen is second)
        events.get(session, seen.id).open_to_all = False
        session.flush()
    page = cleo.get("/series/dinner", **HTML).text
    assert ("21:00" in page, "1 is going" in page, "For members." in page) == (True, True, False)


def test_a_part_leads_to_the_one_in_which_it_goes_on_and_does_not_say_that_it_ends(as_: As, session: Session) -> None:
    first, second, *others = begin(session)
    first.open_to_all = second.open_to_all = True
    session.flush()
    cleo, dora = as_("cleo"), as_("dora")
    for event in (others[3], second):  # the later cut first: the new part goes on in what followed
        wall = event.recurrence_at
        assert wall is not None
        with following.changing(session, event_id=event.id, presence=PRESENCE, now=NOW):
            corrections.move_event(session, event_id=event.id, wall=wall - HOUR, presence=PRESENCE, now=NOW)
    part, last = second.series_id or "", others[3].series_id or ""
    assert len({"dinner", part, last}) == 3
    for of, leads_to in (("dinner", part), (part, last)):
        page = cleo.get(f"/series/{of}", **HTML).text
        assert f'href="/series/{leads_to}"' in page
        assert ("It ends after these." in page, cleo.get(f"/api/series/{of}").json()["next"]) == (False, leads_to)
    assert "The dates that follow" not in cleo.get(f"/series/{last}", **HTML).text
    page = dora.get(f"/series/{part}", **HTML).text
    assert (f'/series/{last}"' in page, "It ends after these." in page) == (False, True)
    assert dora.get(f"/api/series/{part}").json()["next"] is None


def test_a_part_whose_dates_are_over_leads_on_all_the_same(as_: As, session: Session, clock: Any) -> None:
    first, second = begin(session)[:2]
    with following.changing(session, event_id=second.id, presence=PRESENCE, now=NOW):
        corrections.move_event(session, event_id=second.id, wall=SATURDAY + WEEK - HOUR, presence=PRESENCE, now=NOW)
    clock.now = NOW + dt.timedelta(days=3)
    page = as_("cleo").get("/series/dinner", **HTML).text
    assert (f'href="/series/{second.series_id}"' in page, "No more dates." in page) == (True, False)
    assert first.series_id == "dinner"

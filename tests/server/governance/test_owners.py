"""A circle is nobody's, a house its source's as long as she follows it; what is left to nobody ends by rule."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from config import settings as config
from server.communities import rights
from server.communities import service as communities
from server.governance import living
from server.inbox.model import Notification
from server.people import roles
from server.people import service as people
from tests.server.conftest import As
from tests.server.governance import circle
from tests.server.governance.circle import DAY
from tests.server.places import NOW

LIFE = config.load(environment={}).life
PATH = "/api/communities/walkers"
HTML = {"Accept": "text/html", "Origin": "http://testserver"}


def decides(session: Session, member_id: str) -> bool:
    return rights.decides(session, people.get(session, member_id), communities.get(session, "walkers"))


def settle(session: Session, days: int) -> str:
    return living.settle(session, communities.get(session, "walkers"), LIFE, NOW + days * DAY).value


def told(session: Session, kind: str) -> set[str]:
    return set(session.scalars(select(Notification.member_id).where(Notification.kind == kind)))


def test_anonymous_is_refused(as_: As, session: Session) -> None:
    circle.make_circle(session, shape="house")
    assert as_(None).delete(f"{PATH}/removals/dora").status_code == 401
    assert as_(None).get("/communities/walkers/followers").status_code == 401


def test_who_founds_a_circle_is_no_host_of_it(as_: As, session: Session) -> None:
    circle.make_circle(session)
    assert not decides(session, "ben")
    assert as_("ben").put(f"{PATH}/hosts/dora", json={}).json()["code"] == "not_your_community"
    assert as_("ben").patch(PATH, json={"name": "Mine"}).json()["code"] == "not_come_yet"
    assert "Who hosts" not in as_("ben").get("/communities/walkers").text
    people.create(session, id="op", name="Op", operator=True)
    assert as_("op").put(f"{PATH}/hosts/dora", json={}).json()["code"] == "circle_has_no_hosts"
    # What was given before says nothing any more.
    roles.give(session, member_id="dora", kind="community", of_id="walkers", called="", by=None, now=NOW)
    assert not decides(session, "dora")


def test_who_leaves_a_house_decides_no_more(as_: As, session: Session) -> None:
    circle.make_circle(session, shape="house")
    assert as_("ben").put(f"{PATH}/hosts/dora", json={}).status_code == 200
    for member_id in ("ben", "dora"):
        assert decides(session, member_id)
        assert as_(member_id).delete(f"{PATH}/membership").status_code == 204
        assert not decides(session, member_id)
        assert as_(member_id).patch(PATH, json={"name": "Still mine"}).json()["code"] == "not_your_community"
    as_("dora").put(f"{PATH}/membership")
    assert not decides(session, "dora"), "a host is appointed anew"


def test_a_house_without_anybody_who_decides_dissolves_after_its_followers_were_told(as_: As, session: Session) -> None:
    circle.make_circle(session, shape="house")
    assert settle(session, 0) == "lively"
    communities.leave(session, community_id="walkers", member_id="ben", now=NOW)
    assert settle(session, 1) == "lively"
    assert told(session, "community_orphaned") == {"dora", *circle.CAME}
    page = as_("m1").get("/communities/walkers").text
    assert "Nobody is left who publishes and decides here." in page
    assert 'value="keep"' not in page
    living.keep(session, community_id="walkers", member_id="m1", now=NOW + 2 * DAY)
    assert settle(session, LIFE.warn_days) == "lively"
    assert "walkers" in living.looked_after(session, LIFE, NOW)
    assert settle(session, LIFE.warn_days + 1) == "dissolved"


@pytest.mark.usefixtures("as_")
def test_a_house_whose_source_was_erased_goes_on_with_its_hosts(session: Session) -> None:
    circle.make_circle(session, shape="house")
    roles.give(session, member_id="dora", kind="community", of_id="walkers", called="", by=None, now=NOW)
    session.execute(text("DELETE FROM member WHERE id = 'ben'"))
    session.expire_all()
    assert settle(session, 0) == "lively"
    assert told(session, "community_orphaned") == set()
    communities.leave(session, community_id="walkers", member_id="dora", now=NOW)
    assert settle(session, 1) == "lively"
    assert "dora" not in told(session, "community_orphaned")
    roles.give(session, member_id="m1", kind="community", of_id="walkers", called="", by=None, now=NOW)
    assert settle(session, 40) == "lively", "somebody decides again"
    assert communities.get(session, "walkers").orphaned_at is None


def test_whom_a_house_took_out_is_let_back(as_: As, session: Session) -> None:
    circle.make_circle(session, shape="house")
    ben, dora, page = as_("ben"), as_("dora"), "/communities/walkers/followers"
    assert as_("m1").get(page, headers=HTML).status_code == 403
    assert as_("m1").post(page, data={"act": "remove", "who": "dora"}, headers=HTML).status_code == 403
    assert ben.post(page, data={"act": "remove", "who": "cleo"}, headers=HTML).status_code == 404
    for let_back in ("page", "api"):
        assert ben.post(page, data={"act": "remove", "who": "dora"}, headers=HTML).status_code == 303
        assert dora.put(f"{PATH}/membership").json()["code"] == "was_removed"
        assert "<b>dora</b>" in ben.get(page).text
        assert as_("m1").delete(f"{PATH}/removals/dora").json()["code"] == "not_your_community"
        if let_back == "page":
            assert ben.post(page, data={"act": "readmit", "who": "dora"}, headers=HTML).status_code == 303
        else:
            assert ben.delete(f"{PATH}/removals/dora").status_code == 204
        assert ben.delete(f"{PATH}/removals/dora").json()["code"] == "not_removed"
        assert dora.put(f"{PATH}/membership").status_code == 204
    assert told(session, "community_readmitted") == {"dora"}


def test_into_a_circle_a_vote_lets_her_back(as_: As, session: Session) -> None:
    circle.make_circle(session)
    communities.remove(session, community_id="walkers", member_id="dora", now=NOW, until=NOW + 365 * DAY)
    assert as_("ben").delete(f"{PATH}/removals/dora").json()["code"] == "vote_decides"
    asked = {"act": "readmit", "who": "dora", "called": "Dora"}
    assert as_("m1").post("/communities/walkers/votes", data=asked, headers=HTML).status_code == 303
    assert [vote["kind"] for vote in as_("m1").get(f"{PATH}/votes").json()] == ["readmit"]

"""A community with members, a host and gatherings that people came to, for tests of posts."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.communities import service as communities
from server.communities.model import CommunityMember
from server.events import service as events
from server.people import roles
from server.people import service as people
from tests.server.conftest import As
from tests.server.places import HOUR, NOW

DAY = dt.timedelta(days=1)
TOPICS = "/api/communities/readers/topics"


def make_readers(session: Session) -> None:
    """The readers, a house: gina hosts; fay, emil, hugo, ida and dora belong since two days."""
    for member_id in ("emil", "fay", "gina", "hugo", "ida"):
        people.create(session, id=member_id, name=member_id.capitalize())
    communities.create(session, id="readers", name="Readers", shape="house")
    for member_id in ("dora", "emil", "fay", "gina", "hugo", "ida"):
        session.add(CommunityMember(community_id="readers", member_id=member_id, joined_at=NOW - 2 * DAY))
    session.flush()
    roles.give(session, member_id="gina", kind="community", of_id="readers", called="", by=None, now=NOW)


def make_event(
    session: Session, event_id: str, starts: dt.datetime, *, community: str | None = "readers", organizer: str = "gina"
) -> None:
    """A gathering of two hours at the cafe."""
    step = events.NewStep("Talk", "cafe", starts, starts + 2 * HOUR)
    events.create(
        session, id=event_id, name=event_id.capitalize(), organizer_id=organizer, community_id=community, steps=[step]
    )


def come(
    session: Session, event_id: str, member_id: str, at: dt.datetime, *, evidence: str = "screen", signed_up: Any = None
) -> None:
    """She came to its first step, and had signed up then, or walked in."""
    session.execute(
        text(
            "INSERT INTO checkin (step_id, member_id, at, evidence, signed_up)"
            " VALUES (:step, :member, :at, :evidence, :signed_up)"
        ),
        {
            "step": f"{event_id}-1",
            "member": member_id,
            "at": at,
            "evidence": evidence,
            "signed_up": signed_up is not None,
        },
    )
    if signed_up is not None:
        session.execute(
            text("INSERT INTO sign_up (event_id, member_id, at) VALUES (:event, :member, :at)"),
            {"event": event_id, "member": member_id, "at": signed_up},
        )


@pytest.fixture
def readers(as_: As, session: Session) -> As:
    """As `as_`, with the readers."""
    make_readers(session)
    return as_


def write(browser: Any, said: str = "Who comes along?", **more: Any) -> dict[str, Any]:
    """Opens a topic of the readers; its first post."""
    answer = browser.post(TOPICS, json={"title": "Walks", "text": said, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found

"""docs/access.md says who may do what; here each of them tries every operation of the API, strangers first.

A new operation needs a row in docs/access.md. The names in its path are filled by `World._name`, its body by BODIES or
else by its example; a refusal that is about something else than who asks has its code in OTHERWISE.
"""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import Settings
from server.badges import service as badges
from server.checkins.model import CheckIn
from server.communities import service as communities
from server.communities.model import CommunityRemoval
from server.doors.model import Ask, Door
from server.doors.rules import Evidence
from server.errors import SignInNeeded, Unavailable
from server.events import series, signups
from server.events import service as events
from server.face_to_face import service as gathers
from server.face_to_face.model import Founding, GatherIn
from server.face_to_face.proof import Proof
from server.governance import votes
from server.governance.model import CommunityChange
from server.governance.rules import Kind
from server.inbox import service as inbox
from server.invitations.model import ShopInvitation, ShopInvited
from server.invitations.service import KIND as INVITED
from server.live import routes as live_routes
from server.live.hub import Hub
from server.live.viewer import Wanted
from server.moving.model import Move
from server.people import access, roles, tokens
from server.people import service as people
from server.people.model import Passkey, SignInSession
from server.posts.model import Post, Topic
from server.proposals import service as proposals
from server.pulse.model import Pulse
from server.reviews.model import Review
from server.stamps import cards
from server.stamps.model import StampCode
from server.webhooks.model import Webhook
from tests.server.asked import BODIES, QUERIES
from tests.server.conftest import Clock
from tests.server.places import HOUR, NOW, make_agent, make_badge, make_cafe, make_members, make_welcome

DOCS = Path(__file__).parents[2] / "docs" / "access.md"
# Who each column of the table is; None: nobody is signed in. A door's link opens its own pages: here it is nobody.
ACTORS: dict[str, str | None] = {
    "stranger": None,
    "guest": "guest",
    "member": "dora",
    "attendee": "emil",
    "community": "fay",
    "community host": "gina",
    "event host": "hugo",
    "organizer": "cleo",
    "staff": "ida",
    "owner": "ben",
    "operator": "ana",
    "token": "dora",
    "door": None,
}
TOKEN = "token"
# Refusals that speak of something else than of who asks: of what was typed, of what is there.
OTHERWISE = {
    "code_spent",
    "no_calendar_link",
    "browser_unknown",
    "notification_unknown",
    "code_wrong",
    "door_unknown",  # whoever has the code of a door, or its link, may use it
    "event_over",
    "event_unknown",  # exports read with a connection of their own, which does not see this test's rows
    "last_operator",
    "beacon_unknown",
    "hearing_off",
    "phone_gone",
    "pop_up_unknown",  # she is asked nothing
    "phone_unknown",  # who has the login of a phone speaks for it, whoever she is
    "member_unknown",
    "morning_not_yet",
    "not_a_member",
    "not_helping",
    "not_signed_up",
    "not_your_card",
    "place_needed",  # who gathers face to face says first where she is, whoever she is
    "proposer_comes",
    "not_hidden_by_you",
    "own_post",
    "own_review",
    "review_unknown",
    "not_met",
    "passkey_unknown",
    "step_unknown",
    "step_begun",
    "no_such_welcome",
    "nobody_there",
    "zone_in_use",
    "passkey_wrong",
    "picture_unknown",
    "plan_unknown",
    "picture_unreadable",
    "password_wrong",
    "too_few_nearby",
}
# Needs a demonstration that was seeded: only that strangers are refused is tried here.
UNSEEDED = "/api/demo"
# Of a circle nobody may do these: of a house who decides.
_HOUSE = re.compile(r"/(members|removals|hosts)(/|$)|/(dissolve|move|audit)$")
Table = dict[str, dict[str, bool]]


def read_table() -> Table:
    """The rows of docs/access.md: operation -> column -> whether she may."""
    rows = [line.strip().strip("|").split("|") for line in DOCS.read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row] for row in rows]
    columns = cells[0][1:]
    return {
        row[0].strip("`"): {column: cell == "yes" for column, cell in zip(columns, row[1:], strict=True)}
        for row in cells[2:]
    }


@dataclasses.dataclass
class World:
    """An evening with everybody in it."""

    app: FastAPI
    session: Session
    tokens: dict[str, str]
    numbers: dict[str, dict[str, int]]
    document: dict[str, Any]
    ids: dict[str, str]

    def ask(self, actor: str, operation: str) -> tuple[int, str]:
        """What an actor is answered, status and code; nothing of it stays."""
        method, path = operation.split(" ")
        for name in re.findall(r"{(\w+)}", path):
            path = path.replace(f"{{{name}}}", str(self._name(actor, name, path)))
        client = TestClient(self.app, raise_server_exceptions=False, follow_redirects=False)
        if actor == TOKEN:
            client.headers["Authorization"] = f"Bearer {self.tokens[actor]}"
        elif ACTORS[actor] is not None:
            client.cookies.set(access.COOKIE, self.tokens[actor])
        inside = self.session.begin_nested()
        try:
            answer = client.request(method, path, params=QUERIES.get(operation), **self._body(operation))
        finally:
            inside.rollback()
            self.session.expunge_all()
        problem = answer.headers["content-type"].startswith("application/problem+json") if answer.content else False
        return answer.status_code, answer.json()["code"] if problem else ""

    def _name(self, actor: str, name: str, path: str) -> str | int:
        named = {
            "venue_id": "cafe",
            "event_id": "night",
            "step_id": "night-1",
            "community_id": "readers",
            "agent_id": "cafe-door",
            "zone_id": "cafe-back",
            "level": "0",
            "interest_id": "chess",
            "member_id": "dora",
            "group": "near",
            **self.ids,
            "series_id": "night-of-ideas",
        }
        if name == "community_id" and _HOUSE.search(path):
            return "lumen"  # without a vote, or hosts, that is a house's
        if name == "community_id" and path.endswith("/fans"):
            return "lumen"  # a circle has nobody who keeps it
        if name == "number":
            kind = path.split("/")[3]
            return self.numbers[actor].get(kind, 1) if actor in self.numbers else 1
        return named.get(name) or self.numbers[""].get(name, 1)

    def _body(self, operation: str) -> dict[str, Any]:
        if operation in BODIES:
            return {"json": BODIES[operation]}
        method, path = operation.split(" ")
        described = self.document["paths"][path][method.lower()].get("requestBody", {}).get("content", {})
        for kind, content in described.items():
            if kind == "application/json":
                return {"json": content.get("example", {})}
            return {"content": b"email\n", "headers": {"Content-Type": kind}}
        return {}


@pytest.fixture
def world(make_app: Callable[[Settings], FastAPI], demo_settings: Settings, session: Session, clock: Clock) -> World:
    settings = dataclasses.replace(demo_settings, people=dataclasses.replace(demo_settings.people, passwords=True))
    app = make_app(settings)
    document = app.openapi()
    make_members(session)
    people.get(session, "dora").demo_order = 1
    for member_id in ("emil", "fay", "gina", "hugo", "ida", "olga"):
        people.create(session, id=member_id, name=member_id.capitalize())
    guest = people.create_guest(session, name="Bo")
    make_cafe(session)
    make_agent(session)
    make_welcome(session)
    communities.create(session, id="readers", name="Readers")
    for member_id in ("fay", "gina"):
        communities.join(session, community_id="readers", member_id=member_id)
    communities.create(session, id="lumen", name="Lumen", shape="house")
    communities.join(session, community_id="lumen", member_id="dora")
    met = events.NewStep("Talk", "cafe", NOW - 9 * HOUR, NOW - 8 * HOUR)
    events.create(session, id="met", name="Met", organizer_id="gina", steps=[met], community_id="readers")
    step = events.NewStep("Talk", "cafe", NOW - HOUR, NOW + 2 * HOUR)
    events.create(session, id="night", name="Night of ideas", organizer_id="cleo", steps=[step])
    signups.sign_up(session, event_id="night", member_id="emil", now=NOW)
    series.begin(session, event_id="night", rule="FREQ=WEEKLY", now=NOW)
    for kind, of_id, member_id in (
        ("venue", "cafe", "ida"),
        ("event", "night", "hugo"),
        ("community", "lumen", "gina"),
    ):
        roles.give(session, member_id=member_id, kind=kind, of_id=of_id, called="", by=None, now=NOW)  # type: ignore[arg-type]
    badge_id = make_badge(session)
    badges.pair(session, badge_id=badge_id, member_id="emil", since=NOW - HOUR)
    checkin_id = session.execute(
        text(
            "INSERT INTO checkin (step_id, member_id, at, evidence, signed_up)"
            " VALUES ('night-1', 'emil', :at, 'manual', true) RETURNING id"
        ),
        {"at": NOW},
    ).scalar_one()
    came, other = (
        CheckIn(step_id="met-1", member_id=who, at=NOW - 9 * HOUR, evidence="screen", signed_up=False)
        for who in ("gina", "olga")
    )
    out = CommunityRemoval(community_id="lumen", member_id="dora", at=NOW, until=NOW + HOUR)
    change = CommunityChange(community_id="readers", field="goal", was="Read", became="", at=NOW)
    moves = [Move(community_id=one, asked_at=NOW, until=NOW + HOUR) for one in ("readers", "lumen")]
    session.add_all([came, other, out, change, *moves])
    gina = people.get(session, "gina")
    vote = votes.open_vote(
        session, viewer=gina, community_id="readers", kind=Kind.REMOVE, now=NOW, member_id="fay", called="F"
    )
    hook = Webhook(**_HOOK)
    door = Door(kind="poster", event_id="night", name="Poster", code="ABC234", made_by="cleo", created_at=NOW)
    ask = Ask(step_id="night-1", member_id="emil", reason="full", evidence="poster", asked_at=NOW)
    topic = Topic(community_id="readers", title="Walks", made_by="fay", made_at=NOW)
    session.add_all([hook, door, ask, topic])
    session.flush()
    post = Post(topic_id=topic.id, member_id="fay", text="Who walks on Sunday?", newcomer=True, at=NOW)
    session.add(post)
    times = {"opened_at": NOW, "ends_at": NOW + HOUR}
    asked = Pulse(event_id="night", question="Again?", choices=["Yes", "No"], **times, by="cleo", nonce="1")
    review = Review(event_id="night", member_id="emil", stars=4, words="Warm.", at=NOW)
    session.add_all([hook, door, ask, asked, review])
    card = cards.make(session, of=cards.Of("venue", "cafe"), reward="A coffee", needs=3, by="ben", now=NOW)
    session.add_all([hook, door, ask, asked])
    session.add(StampCode(code="ABC234", card_id=card.id, member_id="emil", until=NOW + HOUR))
    session.flush()
    invitation = ShopInvitation(
        venue_id="cafe", by_id="ben", text="Soup.", at=NOW - 30 * HOUR, until=NOW - 26 * HOUR, nonce=b"1"
    )
    session.add(invitation)
    session.flush()
    session.add(ShopInvited(invitation_id=invitation.id, member_id="emil", away_m=400))
    invitation_of = f"{INVITED}/{invitation.id}"
    inbox.tell(session, ["emil"], kind=INVITED, of=invitation_of, sentence="Come in.", now=invitation.at)
    session.flush()
    kept: dict[str, str] = {}
    numbers: dict[str, dict[str, int]] = {
        "": {
            "badge_id": badge_id,
            "checkin_id": checkin_id,
            "webhook_id": hook.id,
            "door_id": door.id,
            "ask_id": ask.id,
            "change_id": change.id,
            "vote_id": vote.id,
            "topic_id": topic.id,
            "post_id": post.id,
            "pulse_id": asked.id,
            "review_id": review.id,
            "card_id": card.id,
            "invitation_id": invitation.id,
        },
    }
    for actor, known in ACTORS.items():
        if known is None:
            continue
        member_id = guest.id if known == "guest" else known
        token = people.sign_in(session, member_id=member_id, now=clock())
        made, written = tokens.make(session, member_id=member_id, name="own", ends_at=NOW + HOUR, now=NOW)
        kept[actor] = written if actor == TOKEN else token
        passkey = Passkey(
            credential_id=actor.encode(), member_id=member_id, name="own", public_key=b"", sign_count=0,
            transports=[], made_at=NOW,
        )  # fmt: skip
        session.add(passkey)
        session.flush()
        row = session.query(SignInSession).filter_by(member_id=member_id).order_by(SignInSession.number.desc()).first()
        assert row is not None
        numbers[actor] = {"sessions": row.number, "tokens": made.number, "passkeys": passkey.number}
    session.flush()
    _let_streams_be_asked_for(app, session, clock, settings)
    ids = {"code": "ABC234", "proposal_id": _propose(session), "gather_id": _gather(session)}
    return World(app, session, kept, numbers, document, ids)


def _propose(session: Session) -> str:
    option = proposals.NewOption(NOW + 72 * HOUR, NOW + 74 * HOUR, "cafe")
    return proposals.open(
        session,
        by_id="fay",
        title="Dinner",
        community_id="readers",
        quorum=3,
        options=[option],
        decide_by=NOW + 48 * HOUR,
        now=NOW,
    ).id


def _gather(session: Session) -> str:
    """Fay gathers, Dora is in; and the readers are asked whether to keep their circle."""
    here = Proof(Evidence.SCREEN, "cafe", None)
    fay = people.get(session, "fay")
    made = gathers.gather(session, founder=fay, proof=here, now=NOW, name="", community_id="readers").gather
    session.add(
        GatherIn(gather_id=made.id, member_id="dora", at=NOW, evidence="screen", joined=False, made_guest=False)
    )
    # Asked after the proposal, which is a word of theirs.
    session.add(Founding(community_id="readers", founded_at=NOW - 200 * HOUR, asked_at=NOW + 49 * HOUR))
    session.flush()
    return made.id


_HOOK: dict[str, Any] = {
    "event_id": "night",
    "made_by": "cleo",
    "made_at": NOW,
    "kind": "plain",
    "url": "https://example.org/hook",
    "happenings": ["check_in"],
    "names": False,
    "secret": b"secret",
    "since": NOW,
    "read_at": NOW,
}


def _let_streams_be_asked_for(app: FastAPI, session: Session, clock: Clock, settings: Settings) -> None:
    """Streams are granted by the hub's own rules, and end there: a stream that is open says nothing more."""

    class Asked(Hub):
        def __init__(self) -> None:
            self._clock, self._rules = clock, settings.presence

        async def join(self, token: str | None, wanted: Wanted) -> Any:
            if token is None:
                raise SignInNeeded
            self._grant(session, token, wanted)
            raise Unavailable

    app.dependency_overrides[live_routes.hub] = Asked


def _may(status: int, code: str) -> bool:
    return status not in (401, 403, 404) or code in OTHERWISE


def test_every_operation_is_in_the_table_and_nothing_else(world: World) -> None:
    there = {f"{method.upper()} {path}" for path, methods in world.document["paths"].items() for method in methods}
    table = read_table()
    assert sorted(there - set(table)) == [], "say in docs/access.md who may do these"
    assert sorted(set(table) - there) == [], "docs/access.md speaks of what is no more"
    assert all(list(row) == list(ACTORS) for row in table.values())


@pytest.mark.parametrize("actor", ACTORS)
def test_everybody_may_do_what_the_table_says_and_nothing_else(world: World, actor: str) -> None:
    wrong = []
    for operation, row in read_table().items():
        if operation.split(" ")[1].startswith(UNSEEDED) and ACTORS[actor] is not None:
            continue
        status, code = world.ask(actor, operation)
        right = _may(status, code) == row[actor] and status != 500
        if not row[actor] and ACTORS[actor] is None:
            right = right and status == 401
        if not right:
            wrong.append(f"{operation}: {status} {code}, and the table says {'yes' if row[actor] else 'no'}")
    assert wrong == []

"""Makes and removes logins of agents and parts at the broker while it runs, each with exactly the rights it needs."""

import itertools
import json
import queue
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

CONTROL = "$CONTROL/dynamic-security/v1"
ANSWERS = f"{CONTROL}/response"

# The plugin writes its whole file after each command: 50 in a message keep an answer under 0.2 s with 1,000 agents.
BATCH = 50

Part = Literal["server", "gateway"]

# (reads, writes) of the parts that speak for all agents (docs/protocol.md, rights at the broker).
PART_TOPICS: dict[Part, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "gateway": (
        ("muster/v1/report/#", "muster/v1/shard/#", "muster/v1/live/#"),
        ("muster/v1/agent/+/ack", "muster/v1/shard/#", "muster/v1/live/#"),
    ),
    "server": (
        ("muster/v1/live/#", "muster/v1/agent/+/status", "muster/v1/shard/#", "owntracks/#"),
        ("muster/v1/agent/+/config", "muster/v1/live/#"),
    ),
}


class LoginsError(RuntimeError):
    """The broker did not do what was asked about logins: it is away, or refuses the administrator."""


@dataclass(frozen=True, slots=True)
class AgentLogin:
    """An agent's login; shard: two hex digits of the shard it is told about, None until it is placed."""

    agent_id: str
    password: str
    shard: str | None = None


class Logins(Protocol):
    """What muster needs of any broker's user administration. Everything may be repeated; errors are LoginsError."""

    def add_agents(self, agents: Iterable[AgentLogin]) -> None:
        """Makes the logins, or gives those that exist this password and shard."""

    def add_agent(self, agent_id: str, password: str, shard: str | None = None) -> None:
        """Makes one login, or gives the one that exists this password and shard."""

    def set_shard(self, agent_id: str, shard: str | None) -> None:
        """Lets an agent read the topic of this shard and of no other. The agent may be disconnected for a moment."""

    def remove_agent(self, agent_id: str) -> None:
        """Removes a login and disconnects whoever uses it; one that is not there is fine."""

    def add_part(self, name: str, password: str, part: Part) -> None:
        """Makes the login of a server or gateway process, or gives the one that exists this password."""

    def list_agents(self) -> set[str]:
        """The ids of all agents that have a login."""

    def add_phone(self, login: str, password: str) -> None:
        """Makes the login `<member>/<device>` of a phone, or gives the one that exists this password."""

    def remove_phone(self, login: str) -> None:
        """Removes a phone's login and disconnects whoever uses it; one that is not there is fine."""

    def list_phones(self) -> set[str]:
        """The logins of all phones."""


class DynamicSecurity:
    """Logins of Mosquitto's dynamic security plugin (2.0 and newer), over a connection as its administrator.

    The plugin of 2.0 does not fill a user's name into a topic, so that every agent has a role of its own. The plugin
    has written its file when it answers: what returned survives a kill of the broker.
    """

    def __init__(self, client: Client, timeout_s: float) -> None:
        """client: connected as the administrator; timeout_s: how long an answer may take."""
        self._client = client
        self._timeout_s = timeout_s
        self._answers: queue.SimpleQueue[list[dict[str, Any]]] = queue.SimpleQueue()
        # The broker publishes its answers for all administrators to read: which are ours shows in these.
        self._own = secrets.token_hex(8)
        self._number = itertools.count()
        client.on_message = self._take

    def _take(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self._answers.put(json.loads(message.payload)["responses"])

    def _ask(self, commands: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The answers to commands, in their order; refused ones have a key `error`."""
        answers: list[dict[str, Any]] = []
        for start in range(0, len(commands), BATCH):
            batch = [
                {**command, "correlationData": f"{self._own}-{next(self._number)}"}
                for command in commands[start : start + BATCH]
            ]
            expected = {command["correlationData"] for command in batch}
            self._client.publish(CONTROL, json.dumps({"commands": batch}), qos=1)
            found: dict[str, dict[str, Any]] = {}
            while expected - found.keys():
                try:
                    received = self._answers.get(timeout=self._timeout_s)
                except queue.Empty:
                    raise LoginsError(
                        f"the broker gave no answer within {self._timeout_s:g} s: is its dynamic security plugin on?"
                    ) from None
                found |= {answer.get("correlationData", ""): answer for answer in received}
            answers += [found[command["correlationData"]] for command in batch]
        return answers

    def _make(self, kind: Literal["Role", "Client"], things: list[dict[str, Any]]) -> None:
        """Creates roles or clients; those that exist are changed to this."""
        answers = self._ask([{"command": f"create{kind}", **thing} for thing in things])
        existing = []
        for thing, answer in zip(things, answers, strict=True):
            error = answer.get("error", "")
            if error.endswith("already exists"):
                existing.append({"command": f"modify{kind}", **thing})
            elif error:
                raise LoginsError(f"the broker refused {thing.get('username') or thing['rolename']}: {error}")
        for answer in self._ask(existing):
            if "error" in answer:
                raise LoginsError(f"the broker refused a change: {answer['error']}")

    def add_agents(self, agents: Iterable[AgentLogin]) -> None:
        """See Logins."""
        wanted = list(agents)
        self._make("Role", [_agent_role(agent.agent_id, agent.shard) for agent in wanted])
        self._make(
            "Client",
            [_client(agent.agent_id, agent.password, _agent_role_name(agent.agent_id)) for agent in wanted],
        )

    def add_agent(self, agent_id: str, password: str, shard: str | None = None) -> None:
        """See Logins."""
        self.add_agents([AgentLogin(agent_id, password, shard)])

    def set_shard(self, agent_id: str, shard: str | None) -> None:
        """See Logins. Raises LoginsError for an agent without a login."""
        (answer,) = self._ask([{"command": "modifyRole", **_agent_role(agent_id, shard)}])
        if "error" in answer:
            raise LoginsError(f"the broker refused the shard of {agent_id}: {answer['error']}")

    def remove_agent(self, agent_id: str) -> None:
        """See Logins."""
        self._remove(agent_id, _agent_role_name(agent_id))

    def add_part(self, name: str, password: str, part: Part) -> None:
        """See Logins."""
        reads, writes = PART_TOPICS[part]
        role = f"part-{part}"
        self._make("Role", [{"rolename": role, "acls": _rights(reads, writes)}])
        self._make("Client", [_client(name, password, role)])

    def list_agents(self) -> set[str]:
        """See Logins."""
        return self._list(_agent_role_name(""))

    def add_phone(self, login: str, password: str) -> None:
        """See Logins. A slash in a login keeps it apart from those of agents and parts, which are ids."""
        role = _phone_role_name(login)
        self._make(
            "Role", [{"rolename": role, "acls": _rights((), (f"owntracks/{login}/#",))}]
        )  # the topic itself, too
        self._make("Client", [_client(login, password, role)])

    def remove_phone(self, login: str) -> None:
        """See Logins."""
        self._remove(login, _phone_role_name(login))

    def list_phones(self) -> set[str]:
        """See Logins."""
        return self._list(_phone_role_name(""))

    def _remove(self, user: str, role: str) -> None:
        answers = self._ask(
            [{"command": "deleteClient", "username": user}, {"command": "deleteRole", "rolename": role}]
        )
        for answer in answers:
            if not answer.get("error", "not found").endswith("not found"):
                raise LoginsError(f"the broker refused to remove {user}: {answer['error']}")

    def _list(self, prefix: str) -> set[str]:
        """What follows the prefix in the names of roles that begin with it."""
        (answer,) = self._ask([{"command": "listRoles", "verbose": False, "count": -1, "offset": 0}])
        if "error" in answer:
            raise LoginsError(f"the broker does not list its roles: {answer['error']}")
        return {name.removeprefix(prefix) for name in answer["data"]["roles"] if name.startswith(prefix)}


@contextmanager
def administer(host: str, port: int, user: str, password: str, timeout_s: float = 15) -> Iterator[DynamicSecurity]:
    """The logins of a Mosquitto, for as long as the block runs.

    timeout_s: for the connection and for each answer; a busy disk makes them slow. Raises LoginsError, one line.
    """
    ready: queue.SimpleQueue[str] = queue.SimpleQueue()

    def subscribe(client: Client, _userdata: object, _flags: object, reason: Any, _properties: object) -> None:
        if reason.is_failure:
            ready.put(f"it refuses {user}: {reason}")
        else:
            client.subscribe(ANSWERS, qos=1)

    def subscribed(_client: Client, _userdata: object, _mid: int, reasons: list[Any], _properties: object) -> None:
        ready.put("" if not reasons[0].is_failure else f"{user} may not administer logins")

    client = Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
    client.username_pw_set(user, password)
    client.connect_timeout = timeout_s
    client.on_connect = subscribe
    client.on_subscribe = subscribed
    try:
        client.connect(host, port)
    except OSError as error:
        raise LoginsError(f"the broker at {host}:{port} is not reachable: {error}") from None
    client.loop_start()
    try:
        try:
            failure = ready.get(timeout=timeout_s)
        except queue.Empty:
            failure = f"it did not answer within {timeout_s:g} s"
        if failure:
            raise LoginsError(f"the broker at {host}:{port} cannot be administered: {failure}")
        yield DynamicSecurity(client, timeout_s)
    finally:
        client.disconnect()
        client.loop_stop()


def _agent_role_name(agent_id: str) -> str:
    return f"agent-{agent_id}"


def _phone_role_name(login: str) -> str:
    return f"phone-{login}"


def _agent_role(agent_id: str, shard: str | None) -> dict[str, Any]:
    own = f"muster/v1/agent/{agent_id}"
    reads = [f"{own}/ack", f"{own}/config"]
    if shard is not None:
        reads.append(f"muster/v1/shard/{shard}")
    # Any shard: a report keeps the shard of the venue where it was heard, also after the agent has moved.
    writes = (f"muster/v1/report/+/{agent_id}", f"{own}/status")
    return {"rolename": _agent_role_name(agent_id), "acls": _rights(reads, writes)}


def _client(name: str, password: str, role: str) -> dict[str, Any]:
    return {"username": name, "password": password, "roles": [{"rolename": role, "priority": 0}]}


def _rights(reads: Iterable[str], writes: Iterable[str]) -> list[dict[str, Any]]:
    rights = [("subscribePattern", topic) for topic in reads]
    rights += [("publishClientReceive", topic) for topic in reads]
    rights += [("publishClientSend", topic) for topic in writes]
    return [{"acltype": kind, "topic": topic, "priority": 0, "allow": True} for kind, topic in rights]

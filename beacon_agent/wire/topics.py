"""Topics, ids, shards and the login at the broker."""

import hashlib
import hmac
import re
import zlib

from beacon_agent.wire.messages import Reason, Unacceptable

SHARDS = 64
_ID = re.compile(r"[a-z0-9-]{1,64}\Z")
SHARD = re.compile(r"[0-3][0-9a-f]\Z")
_LOGIN = b"muster broker login v1"


def is_id(text: object) -> bool:
    """Whether this is an id: lower-case letters, digits and `-`, 1 to 64 of them."""
    return type(text) is str and _ID.match(text) is not None


def shard_of(venue_id: str) -> int:
    """The shard of a venue, 0 to 63."""
    return zlib.crc32(venue_id.encode()) % SHARDS


def shard_name(shard: int) -> str:
    """Two hex digits, as topics and configs write a shard."""
    return f"{shard:02x}"


def report_topic(shard: int, agent: str) -> str:
    """Where an agent publishes reports of a venue in this shard."""
    return f"muster/v1/report/{shard_name(shard)}/{agent}"


def parse_report_topic(topic: str) -> tuple[int, str]:
    """Reads (shard, agent) of a report topic; raises Unacceptable (bad_topic)."""
    parts = topic.split("/")
    if len(parts) != 5 or parts[:3] != ["muster", "v1", "report"] or not SHARD.match(parts[3]) or not is_id(parts[4]):
        raise Unacceptable(Reason.BAD_TOPIC)
    return int(parts[3], 16), parts[4]


def ack_topic(agent: str) -> str:
    """Where the gateway acknowledges."""
    return f"muster/v1/agent/{agent}/ack"


def status_topic(agent: str) -> str:
    """Where an agent's status is retained."""
    return f"muster/v1/agent/{agent}/status"


def config_topic(agent: str) -> str:
    """Where an agent's config is retained."""
    return f"muster/v1/agent/{agent}/config"


def epoch_topic(shard: int) -> str:
    """Where a gateway says that it has taken the shard."""
    return f"muster/v1/shard/{shard_name(shard)}"


def live_topic(kind: str, key: str) -> str:
    """Where changes of a venue, event or member go out."""
    return f"muster/v1/live/{kind}/{key}"


def broker_password(key: bytes) -> str:
    """The password of an agent at the broker: derived from its key, so that a Pi keeps one secret."""
    return hmac.digest(key, _LOGIN, hashlib.sha256).hex()

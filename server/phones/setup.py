"""What OwnTracks needs to know, as a link that the apps open (owntracks.org/booklet/features/remoteconfig)."""

import base64
import datetime as dt
import json
from typing import Any
from urllib.parse import quote

from sqlalchemy.orm import Session

from config.settings import Settings
from server.phones import beacons
from server.phones import service as phones
from server.phones.model import Phone

_HTTP, _MQTT = 3, 0  # OwnTracks' modes
_SIGNIFICANT = 1  # OwnTracks' monitoring: it says where it is when it has moved, and spares the battery
PATH = "/api/owntracks"


def over_http(settings: Settings, phone: Phone, password: str) -> dict[str, Any]:
    """The configuration for HTTP, which works wherever pages do."""
    return {**_both(phone, password), "mode": _HTTP, "url": f"{settings.server.url}{PATH}"}


def over_mqtt(settings: Settings, phone: Phone, password: str) -> dict[str, Any] | None:
    """The configuration for MQTT; None where phones do not reach the broker."""
    told = settings.phones
    if not told.mqtt_host or not phone.at_broker:
        return None
    return {
        **_both(phone, password),
        "mode": _MQTT,
        "host": told.mqtt_host,
        "port": told.mqtt_port,
        "tls": told.mqtt_tls,
        "pubTopicBase": f"{phones.PREFIX}/{phones.login_of(phone)}",
        "pubRetain": False,
        "sub": False,
    }


def listening(session: Session, *, member_id: str, now: dt.datetime) -> dict[str, Any] | None:
    """The regions that let an iPhone hear the venues that matter to her; None where there are none."""
    found = beacons.regions(session, member_id=member_id, now=now)
    return {"_type": "configuration", "waypoints": found} if found else None


def link(configuration: dict[str, Any]) -> str:
    """The address that an app opens to take a configuration over."""
    packed = base64.b64encode(json.dumps(configuration, separators=(",", ":")).encode()).decode()
    return f"owntracks:///config?inline={quote(packed, safe='')}"


def _both(phone: Phone, password: str) -> dict[str, Any]:
    return {
        "_type": "configuration",
        "auth": True,
        "username": phones.login_of(phone),
        "password": password,
        "deviceId": phone.device,
        "tid": phone.member_id[:2],
        "monitoring": _SIGNIFICANT,
        "cmd": False,
        "encryptionKey": "",
    }

"""The wire, as docs/protocol.md describes it: standard library only, the one part of the agent that others import.

messages   reasons for refusing, bounds, JSON
topics     topics, ids, shards, the login at the broker
reports    body and signature of a report
acks       exact acknowledgements
control    config and status
"""

from beacon_agent.wire.acks import Ack, decode_ack, encode_ack, ranges
from beacon_agent.wire.control import (
    Config,
    Status,
    decode_config,
    decode_status,
    encode_config,
    encode_status,
    matches,
)
from beacon_agent.wire.messages import (
    IDENTITY_BYTES,
    MAX_COUNT,
    MAX_PAYLOAD_BYTES,
    MAX_SEQ,
    MAX_TIME_MS,
    MAX_WINDOW_MS,
    POWER_DBM,
    RSSI_DBM,
    SPLIT_BYTES,
    VERSION,
    Clock,
    Radio,
    Reason,
    Unacceptable,
)
from beacon_agent.wire.reports import Reading, Report, decode, encode, is_probe, make_probe, sign, verify
from beacon_agent.wire.topics import (
    SHARDS,
    ack_topic,
    broker_password,
    config_topic,
    epoch_topic,
    is_id,
    live_topic,
    parse_report_topic,
    report_topic,
    shard_name,
    shard_of,
    status_topic,
)

__all__ = [
    "IDENTITY_BYTES",
    "MAX_COUNT",
    "MAX_PAYLOAD_BYTES",
    "MAX_SEQ",
    "MAX_TIME_MS",
    "MAX_WINDOW_MS",
    "POWER_DBM",
    "RSSI_DBM",
    "SHARDS",
    "SPLIT_BYTES",
    "VERSION",
    "Ack",
    "Clock",
    "Config",
    "Radio",
    "Reading",
    "Reason",
    "Report",
    "Status",
    "Unacceptable",
    "ack_topic",
    "broker_password",
    "config_topic",
    "decode",
    "decode_ack",
    "decode_config",
    "decode_status",
    "encode",
    "encode_ack",
    "encode_config",
    "encode_status",
    "epoch_topic",
    "is_id",
    "is_probe",
    "live_topic",
    "make_probe",
    "matches",
    "parse_report_topic",
    "ranges",
    "report_topic",
    "shard_name",
    "shard_of",
    "sign",
    "status_topic",
    "verify",
]

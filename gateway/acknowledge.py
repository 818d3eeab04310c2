"""After the commit: one exact acknowledgement for each agent and boot; never "all up to n"."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from beacon_agent import wire
from gateway.identify import Probe, Refused
from gateway.waiting import Number


def acknowledgements(
    reports: Iterable[Number | Probe], refused: Iterable[Refused], now_ms: int
) -> Iterator[tuple[str, bytes]]:
    """Topics and payloads that settle exactly these reports. now_ms: the server's clock, which agents may go by."""
    done: dict[tuple[str, str], set[int]] = defaultdict(set)
    never: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    for report in reports:
        done[report.agent, report.boot].add(report.seq)
    for report_refused in refused:
        never[report_refused.agent, report_refused.boot][report_refused.seq] = report_refused.reason
    for agent, boot in sorted({*done, *never}):
        settled = done[agent, boot]
        ack = wire.Ack(boot, wire.ranges(sorted(settled)), never[agent, boot], now_ms)
        yield wire.ack_topic(agent), wire.encode_ack(ack)

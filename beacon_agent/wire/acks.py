"""Exact acknowledgements: which reports of a boot are settled."""

import dataclasses
import json
from collections.abc import Iterable, Mapping

from beacon_agent.wire import messages


@dataclasses.dataclass(frozen=True, slots=True)
class Ack:
    """Which reports of a boot are settled: `done` are committed, `refused` never will be (seq -> reason)."""

    boot: str
    done: tuple[tuple[int, int], ...]  # closed ranges of seq
    refused: Mapping[int, str]
    now_ms: int  # the gateway's clock


def ranges(seqs: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Writes numbers as closed ranges, ascending: exactly these numbers, each once."""
    found: list[tuple[int, int]] = []
    for seq in sorted(set(seqs)):
        if found and found[-1][1] == seq - 1:
            found[-1] = (found[-1][0], seq)
        else:
            found.append((seq, seq))
    return tuple(found)


def encode_ack(ack: Ack) -> bytes:
    """Writes an acknowledgement."""
    refused = {str(seq): str(reason) for seq, reason in ack.refused.items()}
    return messages.dump({"boot": ack.boot, "done": ack.done, "refused": refused, "now": ack.now_ms})


def decode_ack(payload: bytes) -> Ack:
    """Reads an acknowledgement strictly; raises Unacceptable (too_large, not_json, bad_message)."""
    fields = messages.load(payload, json.loads, messages.Reason.BAD_MESSAGE)
    boot, done, refused, now_ms = fields.get("boot"), fields.get("done"), fields.get("refused"), fields.get("now")
    if (
        type(boot) is not str
        or not messages.BOOT.match(boot)
        or not isinstance(done, list)
        or not isinstance(refused, dict)
    ):
        messages.refuse("done or refused")
    if type(now_ms) is not int or not 0 <= now_ms <= messages.MAX_TIME_MS:
        messages.refuse("now")
    for pair in done:
        if not isinstance(pair, list) or len(pair) != 2 or not all(type(seq) is int for seq in pair):
            messages.refuse("done")
        if not 1 <= pair[0] <= pair[1] <= messages.MAX_SEQ:
            messages.refuse("done")
    for seq, reason in refused.items():
        if not (seq.isascii() and seq.isdigit() and 1 <= len(seq) <= 19) or not isinstance(reason, str):
            messages.refuse("refused")
        if not 1 <= int(seq) <= messages.MAX_SEQ:
            messages.refuse("refused")
    return Ack(
        boot, tuple((pair[0], pair[1]) for pair in done), {int(seq): why for seq, why in refused.items()}, now_ms
    )

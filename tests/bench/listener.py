"""The baseline: a bare paho subscriber that only counts and acknowledges the messages that a gateway would take."""

import argparse
import contextlib
import mmap
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from server.operations import accounts

CHECKOUT = Path(__file__).parents[2]
TOPIC = "muster/v1/report/+/+"


@contextlib.contextmanager
def running(host: str, port: int, user: str, password: str, counter: Path) -> Iterator["subprocess.Popen[str]"]:
    """The subscriber, subscribed; the first eight bytes of the file `counter` say how many messages it has got."""
    counter.write_bytes(bytes(8))
    command = [sys.executable, "-m", "tests.bench.listener", host, str(port), user, password, str(counter)]
    process = subprocess.Popen(accounts.with_parent(command), stdout=subprocess.PIPE, text=True, cwd=CHECKOUT)
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "subscribed":
            raise RuntimeError("the bare subscriber was not let in")
        yield process
    finally:
        process.terminate()
        process.wait()


def main(argv: list[str] | None = None) -> int:
    """Counts until it is told to end."""
    parser = argparse.ArgumentParser(description="Counts and acknowledges reports (started by the benchmark).")
    for name in ("host", "port", "user", "password", "counter"):
        parser.add_argument(name)
    arguments = parser.parse_args(argv)
    with Path(arguments.counter).open("r+b") as file, mmap.mmap(file.fileno(), 8) as shared:
        count = 0
        pack = struct.Struct("<q").pack_into

        def taken(_client: Client, _data: Any, _message: Any) -> None:
            nonlocal count
            count += 1
            pack(shared, 0, count)

        def connected(*_: Any) -> None:
            client.subscribe(TOPIC, qos=1)

        def subscribed(*_: Any) -> None:
            print("subscribed", flush=True)

        client = Client(CallbackAPIVersion.VERSION2, client_id="bench-listener")
        client.username_pw_set(arguments.user, arguments.password)
        client.on_connect = connected
        client.on_subscribe = subscribed
        client.on_message = taken
        client.connect(arguments.host, int(arguments.port))
        client.loop_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())

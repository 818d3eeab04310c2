"""A venue's line to the broker, which can be cut and mended: its Pis go on listening meanwhile, as real ones would."""

import contextlib
import socket
import threading

CONNECT_S = 5.0
PIECE_BYTES = 65_536


class Line:
    """Listens on a port of its own and passes what comes on to the broker, both ways, unless it is cut."""

    def __init__(self, host: str, port: int) -> None:
        """host, port: of the broker."""
        self._to = (host, port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._lock = threading.Lock()
        self._ends: set[socket.socket] = set()
        self._whole = True
        threading.Thread(target=self._accept, name=f"line-{self.port}", daemon=True).start()

    @property
    def whole(self) -> bool:
        """Whether anything passes."""
        return self._whole

    def cut(self) -> None:
        """Ends all connections, and every new one at once."""
        with self._lock:
            self._whole = False
            ends, self._ends = self._ends, set()
        for end in ends:
            _shut(end)

    def mend(self) -> None:
        """Lets connections through again."""
        with self._lock:
            self._whole = True

    def close(self) -> None:
        """Ends the line for good."""
        self.cut()
        _shut(self._listening)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), socket.create_connection(self._to, CONNECT_S) as broker:
            broker.settimeout(None)
            with self._lock:
                if not self._whole:
                    return
                self._ends |= {client, broker}
            try:
                back = threading.Thread(target=_pass_on, args=(broker, client), daemon=True)
                back.start()
                _pass_on(client, broker)
                back.join()
            finally:
                with self._lock:
                    self._ends -= {client, broker}


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Passes on until either end is gone, and lets the other one know."""
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE_BYTES):
            target.sendall(piece)
    _shut(source)
    _shut(target)


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)

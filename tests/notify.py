"""systemd's side of `Type=notify`: a socket on which it listens to its services."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Notify:
    """What a service has said."""

    def __init__(self, listening: socket.socket) -> None:
        self._socket = listening
        self._heard: list[str] = []

    @property
    def heard(self) -> list[str]:
        """Everything so far, in order."""
        while True:
            try:
                self._heard.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return self._heard


@contextmanager
def listening(path: Path) -> Iterator[Notify]:
    """Listen on this path."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(path))
        receiver.settimeout(0.0)
        yield Notify(receiver)

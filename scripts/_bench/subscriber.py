"""A subscriber that notes when each message arrived. Bare sockets: a library's own time would be measured too."""

import socket
import threading
import time
from dataclasses import dataclass
from typing import Self

_CONNECT = b"\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05bench"
_SUBSCRIBE = b"\x82\x06\x00\x01\x00\x01#\x00"
_PUBLISH, _SUBACK = 3, 9
_MORE = 0x80
_RETAINED = 0x01


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message. `time`: seconds of the system's monotonic clock. Retained ones from before are not noted."""

    time: float
    topic: str


class Subscriber:
    """Subscribed to everything (MQTT 3.1.1, QoS 0) inside its `with`."""

    def __init__(self, port: int) -> None:
        self.arrivals: list[Arrival] = []
        self._port = port
        self._subscribed = threading.Event()

    def __enter__(self) -> Self:
        self._socket = socket.create_connection(("127.0.0.1", self._port))
        self._socket.sendall(_CONNECT + _SUBSCRIBE)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        if not self._subscribed.wait(5.0):
            raise RuntimeError("the broker does not answer")
        return self

    def __exit__(self, *_error: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def wait_for(self, count: int, topic: str, seconds: float) -> None:
        """Wait until so many messages have come whose topic ends like this. TimeoutError when they have not."""
        deadline = time.monotonic() + seconds
        while len(self.times(topic)) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {topic} within {seconds:g} s")
            time.sleep(0.01)

    def times(self, topic: str) -> list[float]:
        """When messages arrived whose topic ends like this."""
        return [arrival.time for arrival in self.arrivals if arrival.topic.endswith(topic)]

    def _listen(self) -> None:
        rest = b""
        while chunk := self._socket.recv(65536):
            rest = self._take(rest + chunk, time.monotonic())

    def _take(self, data: bytes, now: float) -> bytes:
        """Note the whole packets; returns what is left."""
        start = 0
        while (packet := _packet(data, start)) is not None:
            body, end = packet
            kind, flags = data[start] >> 4, data[start] & 0x0F
            if kind == _SUBACK:
                self._subscribed.set()
            elif kind == _PUBLISH and not flags & _RETAINED:
                length = int.from_bytes(data[body : body + 2], "big")
                self.arrivals.append(Arrival(now, data[body + 2 : body + 2 + length].decode()))
            start = end
        return data[start:]


def _packet(data: bytes, start: int) -> tuple[int, int] | None:
    """Where the body of the packet at `start` begins, and where it ends; None: it is not all there."""
    length, shift, at = 0, 0, start + 1
    while at < len(data):
        length |= (data[at] & ~_MORE) << shift
        shift, more, at = shift + 7, data[at] & _MORE, at + 1
        if not more:
            return (at, at + length) if at + length <= len(data) else None
    return None

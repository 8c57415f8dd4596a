"""A subscriber that notes when each message arrived. Bare sockets: a library's own time would be measured too."""

import socket
import threading
import time
from collections.abc import Callable
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
    payload: bytes


class Subscriber:
    """Subscribed to everything (MQTT 3.1.1, QoS 0) inside its `with`.

    `note`: gets each message, in a thread of its own; without it they are all kept in `arrivals`.
    """

    def __init__(self, port: int, note: Callable[[Arrival], None] | None = None) -> None:
        self.arrivals: list[Arrival] = []
        self._note = note or self.arrivals.append
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
        """Wait until messages have come on so many topics that end like this. TimeoutError when they have not."""
        deadline = time.monotonic() + seconds
        while len({arrival.topic for arrival in self.arrivals if arrival.topic.endswith(topic)}) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {topic} within {seconds:g} s")
            time.sleep(0.02)

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
                topic_end = body + 2 + int.from_bytes(data[body : body + 2], "big")
                self._note(Arrival(now, data[body + 2 : topic_end].decode(), data[topic_end:end]))
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

"""Server-sent events as they come over the wire: bytes in, the data of each event out. Pure.

A connection ends in the middle of an event as often as not; what is not whole never comes out.
"""

from collections.abc import Iterator
from typing import Final

from envoy_bridge.errors import UnusableReply

LIMIT: Final = 64 * 1024
"""Bytes of a line, and of the data of an event, that are kept at most. A reading of the meters has a thousand."""


class EventStream:
    """What came of one stream so far."""

    def __init__(self) -> None:
        self._rest = b""
        """The line that has no end yet."""
        self._data = bytearray()
        """Of the event that has no end yet, each line with a line feed behind it."""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Take what came; gives the data of each event that is whole now. Comments and other fields are left out.

        Raises:
            UnusableReply: a line, or an event, that is larger than `LIMIT`.
        """
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            yield from self._take(line.removesuffix(b"\r"))
        self._bound(len(self._rest))

    def _take(self, line: bytes) -> Iterator[bytes]:
        """One line without its end; an empty one ends the event."""
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data += value.removeprefix(b" ") + b"\n"
            self._bound(len(self._data))
        elif not line and self._data:
            data = bytes(self._data[:-1])
            self._data.clear()
            yield data

    def _bound(self, size: int) -> None:
        if size > LIMIT:
            raise UnusableReply(f"the stream has more than {LIMIT} bytes in one event")

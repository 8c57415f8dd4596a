"""What goes wrong with real gateways and clouds, on demand.

A fault is put into `faults` of a simulated server, for one path or for all (`"*"`), and taken out again, while it runs.
"""

import asyncio
import functools
import math
import socket
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from envoy_bridge.clock import Clock
from envoy_bridge.simulator.replies import page

_CHUNK = 64 * 1024
_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request that a fault may spoil. `healthy()` is the answer without the fault, at the moment of the call."""

    request: web.BaseRequest
    healthy: Callable[[], web.Response]
    clock: Clock
    reused: bool
    """Whether the connection has served a request before."""

    def write(self, *data: bytes) -> None:
        """Put bytes on the wire as they are, past the HTTP server, and close the connection after them."""
        if self.request.transport is not None:
            self.request.transport.write(b"".join(data))
            self.request.transport.close()


class Fault(Protocol):
    """One way to go wrong."""

    async def play(self, exchange: Exchange) -> web.StreamResponse | None:
        """Answer in its own way; None: the connection is spent."""


@dataclass(frozen=True, slots=True)
class Hang:
    """No byte for so many seconds, then the healthy answer."""

    seconds: float = math.inf

    async def play(self, exchange: Exchange) -> web.Response:
        """Wait; end at once when the client leaves."""
        await exchange.clock.sleep(self.seconds)
        return exchange.healthy()


class Stall:
    """No byte until so many seconds after this fault was made, as of an endpoint at night; healthy from then on."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._over = clock.monotonic() + seconds

    async def play(self, exchange: Exchange) -> web.Response:
        """Wait for the end of it; end at once when the client leaves."""
        await exchange.clock.sleep(self._over - exchange.clock.monotonic())
        return exchange.healthy()


@dataclass(frozen=True, slots=True)
class Answer:
    """Another body than the healthy one: numbers that cannot be, an empty list, half a document."""

    body: bytes
    status: int = 200
    mime: str = "application/json"

    async def play(self, _exchange: Exchange) -> web.Response:
        """Say it."""
        return web.Response(status=self.status, body=self.body, headers={"Content-Type": self.mime})


@dataclass(frozen=True, slots=True)
class Status:
    """An HTML page with this status: 401 of a lost login, 503 of a box that starts, 500 of a cloud."""

    status: int

    async def play(self, _exchange: Exchange) -> web.Response:
        """Show the page."""
        return page(self.status)


@dataclass(frozen=True, slots=True)
class Html:
    """An HTML page with status 200, where JSON or a token is expected."""

    async def play(self, _exchange: Exchange) -> web.Response:
        """Show the page."""
        return page(200)


@dataclass(frozen=True, slots=True)
class Redirect:
    """302 to somewhere else."""

    location: str

    async def play(self, _exchange: Exchange) -> web.Response:
        """Point there."""
        return page(302, Location=self.location)


@dataclass(frozen=True, slots=True)
class Truncated:
    """The announced length, half of the body, and the end of the connection."""

    async def play(self, exchange: Exchange) -> None:
        """Send the half."""
        body = _body(exchange)
        exchange.write(_head(b"Content-Length: %d" % len(body)), body[: len(body) // 2])


@dataclass(frozen=True, slots=True)
class BothLengths:
    """A whole answer with both Content-Length and Transfer-Encoding, as firmware 5.0.62 sends."""

    async def play(self, exchange: Exchange) -> None:
        """Send both."""
        body = _body(exchange)
        head = _head(b"Content-Length: %d" % len(body), b"Transfer-Encoding: chunked")
        exchange.write(head, b"%x\r\n" % len(body), body, b"\r\n0\r\n\r\n")


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is reset before any byte. `reused`: only where it has served before, as an Envoy-R does."""

    reused: bool = False

    async def play(self, exchange: Exchange) -> web.Response | None:
        """Send RST."""
        if self.reused and not exchange.reused:
            return exchange.healthy()
        if exchange.request.transport is not None:
            at_once = struct.pack("ii", 1, 0)  # to linger for no time is to reset
            connection = exchange.request.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            exchange.request.transport.abort()
        return None


@dataclass(frozen=True, slots=True)
class SlowDrip:
    """The healthy answer, one byte every so many seconds: each read succeeds, the whole takes for ever."""

    seconds: float = 1.0

    async def play(self, exchange: Exchange) -> web.StreamResponse:
        """Drip."""
        body = _body(exchange)
        response = await _begin(exchange, length=len(body))
        for byte in body:
            await response.write(bytes([byte]))
            await exchange.clock.sleep(self.seconds)
        return response


@dataclass(frozen=True, slots=True)
class Oversized:
    """A body of so many bytes, its length announced."""

    size: int = 20 * _MEBIBYTE

    async def play(self, exchange: Exchange) -> web.StreamResponse:
        """Pour it out."""
        response = await _begin(exchange, length=self.size)
        for sent in range(0, self.size, _CHUNK):
            await response.write(b" " * min(_CHUNK, self.size - sent))
        return response


@dataclass(frozen=True, slots=True)
class Endless:
    """A chunked body without an end."""

    async def play(self, exchange: Exchange) -> web.StreamResponse:
        """Pour until the client leaves."""
        response = await _begin(exchange, length=None)
        while True:
            await response.write(b" " * _CHUNK)
            await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class GzipBomb:
    """A small gzip body that unpacks to so many bytes, whatever encoding the client accepts."""

    size: int = 64 * _MEBIBYTE

    async def play(self, _exchange: Exchange) -> web.Response:
        """Hand it over."""
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        return web.Response(body=_bomb(self.size), headers=headers)


@functools.cache
def _bomb(size: int) -> bytes:
    gzip = zlib.compressobj(wbits=31)
    spaces = b" " * _MEBIBYTE  # not the whole at once: the client's memory is what gets measured
    return b"".join(gzip.compress(spaces) for _ in range(size // _MEBIBYTE)) + gzip.flush()


def _body(exchange: Exchange) -> bytes:
    body = exchange.healthy().body
    return body if isinstance(body, bytes) else b""


def _head(*lengths: bytes) -> bytes:
    return b"\r\n".join((b"HTTP/1.1 200 OK", b"Content-Type: application/json", *lengths, b"", b""))


async def _begin(exchange: Exchange, *, length: int | None) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = length
    await response.prepare(exchange.request)
    return response

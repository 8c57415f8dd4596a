"""A server on loopback that remembers what it was asked, and misbehaves on demand."""

import abc
import asyncio
import functools
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Self
from weakref import WeakSet

from aiohttp import web

from envoy_bridge.clock import Clock
from envoy_bridge.simulator.access import shows_token
from envoy_bridge.simulator.faults import Exchange, Fault
from envoy_bridge.simulator.ports import Port
from envoy_bridge.simulator.streams import Events, is_event

REAL_TIME = Clock()

_REMEMBERED = 50_000
"""Requests that are remembered at least: a simulator may run for weeks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, as the server saw it. They are listed in the order in which they ended."""

    method: str
    path: str
    """With its query."""
    status: int | None
    """None: the connection ended without a whole answer."""
    time: float
    """When it arrived, by the clock's `monotonic()`."""
    in_flight: int
    """How many were being answered then, this one included."""
    connection: int
    """The client's port: what requests of one connection have in common."""
    secure: bool
    """Over HTTPS."""
    token: bool
    """A token was shown, or the cookie that stands for one; good or bad."""
    authorised: bool
    """A login was shown that holds."""


class SimulatedServer(abc.ABC):
    """Serves `answer()` on its ports for as long as its `async with` lasts."""

    def __init__(self, ports: Sequence[Port], clock: Clock) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        """TCP connections accepted."""
        self.in_flight = 0
        """Requests that are being answered."""
        self.in_flight_max = 0
        self.faults: dict[str, Fault] = {}
        """By path with query, by path, or "*" for every path: the first that is found plays."""
        self._ports = ports
        self._clock = clock
        self._used: WeakSet[asyncio.BaseTransport] = WeakSet()

    @abc.abstractmethod
    def answer(self, request: web.BaseRequest, body: bytes) -> web.Response:
        """The healthy answer."""

    def admits(self, request: web.BaseRequest) -> bool:  # noqa: ARG002 - a server without a login looks at nothing
        """Whether the request shows a login that holds."""
        return False

    async def drop_connections(self) -> None:
        """Cut every open connection, in the middle of an answer too."""
        for connection in self._http.connections:
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0)  # the handlers hear of it, and end
        await self._http.shutdown(1.0)

    async def __aenter__(self) -> Self:
        """Start. Raises OSError when a port is taken."""
        try:
            for port in self._ports:
                port.claim()
            await self._come_up()
        except OSError:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._go_down()
        for port in self._ports:
            port.release()

    async def _come_up(self) -> None:
        for port in self._ports:
            await port.listen(self._accept)

    async def _go_down(self) -> None:
        for port in self._ports:
            port.refuse()
        await self.drop_connections()

    @functools.cached_property
    def _http(self) -> web.Server:
        return web.Server(self._handle, handler_cancellation=True, access_log=None)

    def _accept(self) -> asyncio.BaseProtocol:
        self.connections += 1
        return self._http()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request and remember it. Cancelled when the client leaves."""
        self.in_flight += 1
        self.in_flight_max = max(self.in_flight_max, self.in_flight)
        seen = self._look(request)
        response: web.StreamResponse | None = None
        try:
            with suppress(ConnectionError):  # the client left in the middle of the answer
                response = await self._respond(request)
        finally:
            self.in_flight -= 1
            self._remember(replace(seen, status=None if response is None else response.status))
        return web.Response() if response is None else response  # which nobody gets: the connection is spent

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse | None:
        body = await request.read()
        reused = request.transport in self._used
        if request.transport is not None:
            self._used.add(request.transport)
        fault = self.faults.get(request.path_qs) or self.faults.get(request.path) or self.faults.get("*")
        exchange = Exchange(request, lambda: self.answer(request, body), self._clock, reused=reused)
        response = await fault.play(exchange) if fault else exchange.healthy()
        return await Events().play(exchange) if is_event(response) else response

    def _look(self, request: web.BaseRequest) -> Request:
        return Request(
            method=request.method,
            path=request.path_qs,
            status=None,
            time=self._clock.monotonic(),
            in_flight=self.in_flight,
            connection=request.transport.get_extra_info("peername")[1] if request.transport else 0,
            secure=request.secure,
            token=shows_token(request),
            authorised=self.admits(request),
        )

    def _remember(self, request: Request) -> None:
        self.requests.append(request)
        if len(self.requests) > 2 * _REMEMBERED:
            del self.requests[:_REMEMBERED]

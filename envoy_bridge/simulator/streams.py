"""Server-sent events: an answer that is given again each second for as long as the client stays."""

import math
from dataclasses import dataclass
from typing import Literal

from aiohttp import web

from envoy_bridge.simulator.faults import Exchange

_MIME = "text/event-stream"
_EVERY = 1.0
"""Seconds between two events."""


def event(data: bytes) -> web.Response:
    """One event. As the healthy answer to a path it makes a stream of it."""
    return web.Response(body=b"data: " + data + b"\r\n\r\n", headers={"Content-Type": _MIME})


def is_event(response: web.StreamResponse | None) -> bool:
    """Whether this is an event that nothing has been sent of."""
    return isinstance(response, web.Response) and response.content_type == _MIME and not response.prepared


@dataclass(frozen=True, slots=True)
class Events:
    """The healthy event, once a second, for ever; also a fault, that of a stream that goes wrong.

    After so many `good` events come the bytes of `odd`, and then the stream goes on, is silent, or ends.
    """

    good: float = math.inf
    odd: bytes = b""
    then: Literal["goes on", "is silent", "ends"] = "goes on"

    async def play(self, exchange: Exchange) -> web.StreamResponse:
        """Stream until the client leaves, or until the healthy answer is no event any more: the login ran out."""
        answer = exchange.healthy()
        if not is_event(answer):
            return answer
        response = web.StreamResponse(headers={"Content-Type": _MIME, "Cache-Control": "no-cache"})
        await response.prepare(exchange.request)
        sent, due = 0, exchange.clock.monotonic()
        while is_event(answer):
            if sent == self.good:
                await response.write(self.odd)
                if self.then == "ends":
                    break
                await exchange.clock.sleep(math.inf if self.then == "is silent" else 0.0)
            await response.write(answer.body if isinstance(answer.body, bytes) else b"")
            sent, now = sent + 1, exchange.clock.monotonic()
            due = max(due + _EVERY, now)
            await exchange.clock.sleep(min(due - now, _EVERY))
            answer = exchange.healthy()
        return response

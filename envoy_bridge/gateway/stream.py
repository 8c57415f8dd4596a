"""Reading an endpoint that sends by itself: the meters, once a second."""

from collections.abc import AsyncGenerator
from typing import Any

from envoy_bridge.clock import Clock
from envoy_bridge.gateway.http import GatewayHttp
from envoy_bridge.gateway.rows import Endpoint


async def follow(http: GatewayHttp, endpoint: Endpoint, clock: Clock, *, silence: float) -> AsyncGenerator[Any]:
    """Open the stream of `endpoint`, and give each event as it decodes it. Never ends but by an error.

    `silence`: seconds without a byte after which the stream counts as broken. Who leaves the loop before that closes
    it: `contextlib.aclosing`.

    Raises:
        NotPermitted, EndpointAbsent: it does not begin, and will not.
        GatewayUnreachable: it does not begin, fell silent, or was closed.
        UnusableReply: what comes is no stream, or an event is not what this endpoint sends.
    """
    path, deadline = endpoint.paths[0], endpoint.deadline
    async with http.stream(path, deadline=deadline / clock.speed, silence=silence / clock.speed) as events:
        async for data in events:
            yield endpoint.decode(data)

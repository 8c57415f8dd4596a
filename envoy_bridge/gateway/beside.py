"""What goes on beside the polling of a gateway: a stream that is listened to, a token that is renewed in time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from typing import Any

from envoy_bridge.clock import Clock
from envoy_bridge.errors import EndpointAbsent, GatewayError, NotPermitted
from envoy_bridge.gateway.line import Line
from envoy_bridge.gateway.pace import DAY, retry_delay
from envoy_bridge.gateway.plan import Reply
from envoy_bridge.gateway.rows import Endpoint
from envoy_bridge.logs import get_logger

log = get_logger(__name__)


@contextlib.asynccontextmanager
async def beside(coroutines: Iterable[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Let these run for as long as the block lasts. One that fails ends the block with its error."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in coroutines]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def listen(
    line: Line, endpoint: Endpoint, take: Callable[[Reply], None], refused: Callable[[str], None], clock: Clock
) -> None:
    """Take what a stream sends, for ever. When it ends, what it supplies is no longer known; it is opened again later.

    `refused` is told the id of an endpoint that is not there, or not permitted: that one rests for a day.
    """
    failures = 0
    while True:
        try:
            async with contextlib.aclosing(line.listen(endpoint)) as readings:
                async for data in readings:
                    take(Reply(endpoint=endpoint, data=data, time=clock.wall()))
                    failures = 0
        except GatewayError as error:
            failures += 1
            log.info("stream_ended", path=endpoint.paths[0], reason=str(error))
            gone = isinstance(error, NotPermitted | EndpointAbsent)
            if gone:
                refused(endpoint.id)
            take(Reply(endpoint=endpoint, data=None, time=clock.wall()))
            await clock.sleep(DAY if gone else retry_delay(failures))

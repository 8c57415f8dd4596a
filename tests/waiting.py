"""Waiting for what will come, instead of for a fixed time."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], within: float = 5.0) -> None:
    """Return as soon as the condition is true; TimeoutError when it is not true in time (seconds)."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what is waited for does not know of the test
            await asyncio.sleep(0.002)

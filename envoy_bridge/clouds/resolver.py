"""Names of clouds to addresses, in a thread of its own.

The event loop would use the few threads that all share: where DNS hangs, four clouds would take them from the gateway.
"""

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from aiohttp.abc import AbstractResolver, ResolveResult


class Resolver(AbstractResolver):
    """One look-up at a time: as long as one hangs, the next ones fail at once."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises OSError: there is no such name, or nobody says."""
        if self._thread is not None and self._thread.is_alive():
            raise OSError(None, "the name server does not answer")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[ResolveResult]] = loop.create_future()

        def look_up() -> None:
            try:
                found = _look_up(host, port, family)
            except (OSError, UnicodeError) as error:  # UnicodeError: a name that cannot be one
                problem = OSError(None, str(error))
                tell(lambda: answer.set_exception(problem))
            else:
                tell(lambda: answer.set_result(found))

        def tell(act: Callable[[], None]) -> None:
            with suppress(RuntimeError):  # the event loop is closed: nobody wants to know any more
                loop.call_soon_threadsafe(lambda: None if answer.done() else act())

        # A daemon: what hangs does not keep the program from ending.
        self._thread = threading.Thread(target=look_up, name="cloud-dns", daemon=True)
        self._thread.start()
        return await answer

    async def close(self) -> None:
        """Nothing: a look-up that hangs ends by itself."""


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG)
    return [
        ResolveResult(
            hostname=host,
            host=str(address[0]),
            port=int(address[1]),
            family=kind,
            proto=proto,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for kind, _, proto, _, address in found
    ]

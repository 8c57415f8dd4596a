"""TCP ports that can be closed and opened again without losing their number."""

import asyncio
import socket
import ssl
from collections.abc import Callable

LOOPBACK = "127.0.0.1"


class Port:
    """One port of loopback. While it does not listen it refuses connections, and nobody else can take its number."""

    def __init__(
        self,
        number: int = 0,
        context: ssl.SSLContext | None = None,
        *,
        host: str = LOOPBACK,
        enabled: bool = True,
    ) -> None:
        """`number` 0 takes a free one; with a `context` it speaks HTTPS; not `enabled`, it never listens."""
        self.host = host
        self.number = number
        self.enabled = enabled
        self._context = context
        self._claim: socket.socket | None = None
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"{'https' if self._context else 'http'}://{self.address}"

    @property
    def address(self) -> str:
        """Host and port."""
        return f"[{self.host}]:{self.number}" if ":" in self.host else f"{self.host}:{self.number}"

    def claim(self) -> None:
        """Settle the number: bound, but not listening. Raises OSError when it is taken."""
        self._claim = self._bind()
        self.number = self._claim.getsockname()[1]

    async def listen(self, accept: Callable[[], asyncio.BaseProtocol]) -> None:
        """Take connections, each handled by a new protocol. Raises OSError when another process listens here."""
        if self._claim is None or not self.enabled:
            return  # released in the meantime, or closed for good
        listener = self._bind()
        try:
            self._server = await asyncio.get_running_loop().create_server(accept, sock=listener, ssl=self._context)
        except OSError:
            listener.close()
            raise

    def refuse(self) -> None:
        """Refuse connections from now on; those that are open stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def release(self) -> None:
        """Give the number back."""
        self.refuse()
        if self._claim is not None:
            self._claim.close()
            self._claim = None

    def move(self, host: str, number: int) -> None:
        """Give this place up and claim another. Raises OSError when that is taken; then it has none."""
        self.release()
        self.host, self.number = host, number
        self.claim()

    def _bind(self) -> socket.socket:
        bound = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else the claim would bar the listener
            bound.bind((self.host, self.number))
        except OSError:
            bound.close()
            raise
        return bound

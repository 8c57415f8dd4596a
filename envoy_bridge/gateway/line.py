"""Asking a gateway once we are logged in."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final

from envoy_bridge.clock import Clock
from envoy_bridge.errors import GatewayError
from envoy_bridge.gateway.auth import Login
from envoy_bridge.gateway.basics import INFO
from envoy_bridge.gateway.http import GatewayHttp, Response
from envoy_bridge.gateway.live import SILENT_AFTER
from envoy_bridge.gateway.rows import Endpoint
from envoy_bridge.gateway.standing import Standing
from envoy_bridge.gateway.stream import follow
from envoy_bridge.logs import get_logger

log = get_logger(__name__)

SESSION_AT_MOST_EVERY: Final = 60.0
"""Seconds between two renewals of the session: an endpoint that is never permitted must not keep asking for it."""


class Line:
    """Asks on behalf of probe and poller: keeps count, and opens a new session after a 401."""

    def __init__(self, http: GatewayHttp, login: Login, standing: Standing, clock: Clock) -> None:
        self._http = http
        self._login = login
        self._standing = standing
        self._clock = clock
        self._renewed = clock.monotonic()

    async def ask(self, path: str, deadline: float) -> bytes:
        """The body of a good answer to GET. Raises GatewayError, TokenRejected."""
        return await self._exchange(path, lambda: self._http.get(path, deadline=deadline / self._clock.speed))

    async def tell(self, path: str, body: bytes, deadline: float) -> None:
        """POST this JSON. Raises GatewayError, TokenRejected."""
        await self._exchange(path, lambda: self._http.post(path, body, deadline=deadline / self._clock.speed))

    async def _exchange(self, path: str, send: Callable[[], Awaitable[Response]]) -> bytes:
        try:
            response = await send()
            if response.status == 401 and self._may_renew() and await self._login.renew_session():  # noqa: PLR2004
                response = await send()
            log.debug("asked", gateway=self._standing.name, path=path, status=response.status, size=len(response.body))
            content = response.content(path)
        except GatewayError as error:
            log.debug("not_answered", gateway=self._standing.name, path=path, reason=str(error))
            self._standing.failed()
            raise
        if path not in INFO.paths:
            self._standing.answered()
        return content

    def listen(self, endpoint: Endpoint) -> AsyncGenerator[Any]:
        """What a stream sends, decoded. Raises GatewayError when it ends."""
        return follow(self._http, endpoint, self._clock, silence=SILENT_AFTER)

    def _may_renew(self) -> bool:
        """A session is renewed once a minute at most, and not right after it was opened."""
        now = self._clock.monotonic()
        if now - self._renewed < SESSION_AT_MOST_EVERY:
            return False
        self._renewed = now
        return True

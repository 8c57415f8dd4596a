"""HTTP with a gateway: one request at a time over one connection that is kept, everything bounded, nothing trusted."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import SimpleNamespace, TracebackType
from typing import Final, Self

import aiohttp

from envoy_bridge import __version__
from envoy_bridge.errors import EndpointAbsent, GatewayUnreachable, NotPermitted, UnusableReply
from envoy_bridge.gateway.eventstream import EventStream
from envoy_bridge.gateway.pin import PinnedTls

BODY_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of a reply that are read at most. The largest known is 50 KB; fifty inverters with details are 110 KB."""

CONNECT_DEADLINE: Final = 10.0
"""Seconds for TCP and TLS. A busy gateway takes a few for the handshake."""

KEEP_ALIVE: Final = 75.0
"""Seconds an idle connection is kept: longer than the slow cadence, since a handshake costs more than the request."""

RESETS_UNTIL_CLOSING: Final = 2
"""Resets of a kept connection after which each request gets one of its own: some old gateways cannot keep any."""

COOKIE_LIMIT: Final = 1024
"""Characters of cookies that are kept; a session takes forty."""

_CHUNK: Final = 64 * 1024
# The deadline of a request is asyncio's: aiohttp's own costs a tenth of the request.
_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_DEADLINE)
_HEADERS: Final = {"Accept-Encoding": "identity", "User-Agent": f"envoy-bridge/{__version__}"}
_JSON: Final = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Response:
    """Status and body of an answer, and the cookies it sets, as they are sent back."""

    status: int
    body: bytes
    cookies: str = ""

    def content(self, path: str) -> bytes:
        """The body of a good answer.

        Raises:
            NotPermitted, EndpointAbsent, GatewayUnreachable, UnusableReply: by the status.
        """
        if self.status == 200:  # noqa: PLR2004 - HTTP
            return self.body
        if self.status in (401, 403):
            raise NotPermitted(f"{path} is not permitted with this login (status {self.status})")
        if self.status in (404, 405, 410, 501):
            raise EndpointAbsent(f"this firmware has no {path} (status {self.status})")
        if self.status >= 500 or self.status == 429:  # noqa: PLR2004 - HTTP
            raise GatewayUnreachable(f"{path} is not available now (status {self.status})")
        raise UnusableReply(f"{path} answers with status {self.status}")


class GatewayHttp:
    """The connection to one gateway, and another for each stream. No redirects, no proxies.

    `headers` go with each request. Cookies are kept there by hand: the gateway gives its session without a path, and a
    cookie jar would then send it back to `/auth` only; to an IP address most would not send it at all.
    """

    def __init__(self, address: str, *, secure: bool) -> None:
        self.url = f"{'https' if secure else 'http'}://{address}"
        self.secure = secure
        self.tls = PinnedTls() if secure else None
        self.headers: dict[str, str] = {}
        self._middlewares: tuple[aiohttp.ClientMiddlewareType, ...] = ()
        self._closing = False
        self._resets = 0
        self._turn = asyncio.Lock()
        self._session = self._new_session(closing=False)

    def _new_session(self, *, closing: bool) -> aiohttp.ClientSession:
        """With `closing`, each request has a connection of its own."""
        connector = (
            aiohttp.TCPConnector(limit=1, ssl=self.tls.context if self.tls else False, force_close=True)
            if closing
            else aiohttp.TCPConnector(
                limit=1, ssl=self.tls.context if self.tls else False, keepalive_timeout=KEEP_ALIVE
            )
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_HEADERS,
            timeout=_TIMEOUT,
            auto_decompress=False,
            trust_env=False,
            trace_configs=[] if closing else [self._trace_resets()],
        )

    def _trace_resets(self) -> aiohttp.TraceConfig:
        """Counts requests that found their kept connection dead: aiohttp dials again by itself and says nothing."""
        trace = aiohttp.TraceConfig()

        async def reused(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
            context.reused = True

        async def dialled(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
            self._resets += hasattr(context, "reused")

        trace.on_connection_reuseconn.append(reused)
        trace.on_connection_create_start.append(dialled)
        return trace

    async def use_digest(self, username: str, password: str) -> None:
        """Log in with digest from now on.

        Old gateways reset the connection when a request with a login reuses the one that was refused without it: each
        request gets its own.
        """
        self._middlewares = (aiohttp.DigestAuthMiddleware(username, password),)
        await self._close_after_each()

    async def _close_after_each(self) -> None:
        if not self._closing:
            self._closing = True
            await self._session.close()
            self._session = self._new_session(closing=True)

    async def get(self, path: str, *, deadline: float, limit: int = BODY_LIMIT) -> Response:
        """Ask for a path. Waits for its turn; `deadline` (seconds) counts from then on.

        Raises:
            GatewayUnreachable: no answer, or not in time.
            UnusableReply: an answer that is too large, cut short, or no HTTP.
        """
        return await self._ask("GET", path, None, deadline, limit)

    async def post(self, path: str, body: bytes, *, deadline: float) -> Response:
        """Send JSON to a path; else as `get`. It may have been done even where the answer was lost."""
        return await self._ask("POST", path, body, deadline, BODY_LIMIT)

    async def _ask(self, method: str, path: str, body: bytes | None, deadline: float, limit: int) -> Response:
        async with self._turn:
            if self._resets >= RESETS_UNTIL_CLOSING:
                await self._close_after_each()
            with self._explained(path, deadline):
                async with (
                    asyncio.timeout(deadline),
                    self._request(self._session, method, path, body) as response,
                ):
                    return Response(response.status, await _read(response, path, limit), _cookies(response))

    @asynccontextmanager
    async def stream(self, path: str, *, deadline: float, silence: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a stream of events; gives an iterator over the data of each, which ends by an error only.

        It has a connection of its own, so that the others need not wait. `deadline`: seconds until it begins.
        `silence`: seconds without a byte after which it is given up.

        Raises:
            NotPermitted, EndpointAbsent, GatewayUnreachable, UnusableReply: it does not begin; as `get` and `content`.
            GatewayUnreachable: from the iterator: it fell silent, or was closed.
            UnusableReply: from the iterator: an event that is too large.
        """
        async with self._new_session(closing=True) as session, AsyncExitStack() as stack:
            with self._explained(path, deadline):
                async with asyncio.timeout(deadline):
                    response = await stack.enter_async_context(self._request(session, "GET", path))
            Response(response.status, b"").content(path)
            yield await stack.enter_async_context(aclosing(_events(response, path, silence)))

    def _request(
        self, session: aiohttp.ClientSession, method: str, path: str, body: bytes | None = None
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        return session.request(
            method,
            self.url + path,
            data=body,
            headers=self.headers if body is None else self.headers | _JSON,
            middlewares=self._middlewares,
            allow_redirects=False,
        )

    @contextmanager
    def _explained(self, path: str, deadline: float) -> Iterator[None]:
        """Whatever goes wrong inside is raised as what it means."""
        try:
            yield
        except TimeoutError as error:
            raise GatewayUnreachable(f"{path} did not answer within {deadline:g} s") from error
        except (aiohttp.ClientResponseError, aiohttp.ClientPayloadError) as error:
            raise UnusableReply(f"{path} answers with something that is not whole HTTP") from error
        except (aiohttp.ServerDisconnectedError, ConnectionResetError) as error:
            self._resets += 1
            raise GatewayUnreachable(f"{self.url} closed the connection") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise GatewayUnreachable(f"{self.url} does not answer: {_reason(error)}") from error

    async def close(self) -> None:
        """Close the connection."""
        await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def _read(response: aiohttp.ClientResponse, path: str, limit: int) -> bytes:
    """The body, in bounded pieces: a gateway that never ends costs `limit` bytes, not the machine."""
    if (response.content_length or limit + 1) <= limit:
        return await response.read()  # it ends there: the parser takes no more than was announced
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > limit:
            raise UnusableReply(f"{path} answers with more than {limit} bytes")
    return bytes(body)


async def _events(response: aiohttp.ClientResponse, path: str, silence: float) -> AsyncGenerator[bytes]:
    """The data of each event that comes."""
    stream = EventStream()
    while True:
        try:
            async with asyncio.timeout(silence):
                chunk = await response.content.readany()
        except TimeoutError as error:
            raise GatewayUnreachable(f"{path} has been silent for {silence:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise GatewayUnreachable(f"{path} was cut off") from error
        if not chunk:
            raise GatewayUnreachable(f"{path} was ended by the gateway")
        for data in stream.feed(chunk):
            yield data


def _cookies(response: aiohttp.ClientResponse) -> str:
    """What to send back as `Cookie`; nothing when it is more than a session takes."""
    if "Set-Cookie" not in response.headers:
        return ""
    pairs = "; ".join(f"{name}={morsel.coded_value}" for name, morsel in response.cookies.items())
    return pairs if len(pairs) <= COOKIE_LIMIT else ""


def _reason(error: Exception) -> str:
    cause = getattr(error, "os_error", None) or error
    number = getattr(cause, "errno", None)
    return os.strerror(number) if isinstance(number, int) and number > 0 else str(cause)[:200]

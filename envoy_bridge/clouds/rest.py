"""HTTP with a vendor's cloud: one request at a time, everything bounded, counted before it is sent, nothing trusted."""

import asyncio
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Final, Self, TypeVar

import aiohttp
import msgspec
from yarl import URL

from envoy_bridge import __version__
from envoy_bridge.clock import Clock
from envoy_bridge.clouds.errors import CloudDown, UnusableAnswer
from envoy_bridge.clouds.quota import Quota
from envoy_bridge.clouds.resolver import Resolver

DEADLINE: Final = 30.0
"""Seconds for a request, connection and answer together."""

CONNECT_DEADLINE: Final = 10.0
"""Seconds for TCP and TLS."""

LARGEST: Final = 8 * 1024 * 1024
"""Bytes of an answer that are read at most: a day of each minute of a hundred panels is 1 MB."""

_CHUNK: Final = 64 * 1024
_HEADERS: Final = {"Accept-Encoding": "identity", "User-Agent": f"envoy-bridge/{__version__}"}

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked.

    `path`: below the base address, or a whole address on the same host. `query`: a key may be repeated; who puts a
    secret there has it hidden from the logs. `form`: then it is a POST. `method`: where a POST has no form. `key`: for
    limits per endpoint, the path where it is empty. `essential`: still sent when 95 % of the quota are spent.
    `counts`: whether the vendor counts it.
    """

    path: str
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Sequence[tuple[str, str]] | None = None
    method: str | None = None
    key: str = ""
    essential: bool = False
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status. `headers`: names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def html(self) -> bool:
        """Is it a web page, or XML, whatever it says of itself?"""
        return self._content[:1] == b"<"

    @property
    def retry_after(self) -> float | None:
        """Seconds until the vendor wants to be asked again, where it says so. A time is compared with its own."""
        text = self.headers.get("retry-after", "")
        try:
            seconds = float(text)
        except ValueError:
            return _apart(self.headers.get("date", ""), text)
        return seconds if math.isfinite(seconds) else None

    def json(self, kind: type[T]) -> T:
        """The body as this type, whatever its Content-Type says.

        Raises:
            UnusableAnswer: it is something else.
        """
        if not self._content:
            raise UnusableAnswer(f"an empty answer (status {self.status})")
        if self.html:
            raise UnusableAnswer(f"a web page in place of data (status {self.status})")
        try:
            return msgspec.json.decode(self._content, type=kind)
        except msgspec.ValidationError as error:
            raise UnusableAnswer(f"an answer of another shape (status {self.status}): {error}") from None
        except (msgspec.DecodeError, RecursionError):
            raise UnusableAnswer(f"an answer that is not whole JSON (status {self.status})") from None

    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8-sig", "replace")

    @property
    def _content(self) -> bytes:
        return self.body.removeprefix(b"\xef\xbb\xbf").strip()


class Rest:
    """The way to one cloud. One session, and one request in flight, beside other processes with the same quota too.

    No redirects, no cookies, no proxies. Each request has a connection of its own, since one that was kept for minutes
    may be dead, and nothing is sent twice: it would not be counted. `timeout`: seconds.
    """

    def __init__(
        self,
        base: str,
        *,
        provider: str,
        clock: Clock,
        quota: Quota | None = None,
        timeout: float = DEADLINE,
        largest: int = LARGEST,
    ) -> None:
        self.base = URL(base.rstrip("/"))
        self.provider = provider
        self.quota = quota or Quota(None, provider, None, clock)
        self._timeout = timeout
        self._largest = largest
        self._turn = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, request: Request) -> Answer:
        """Send the request once; any status is an answer.

        Raises:
            QuotaSpent: nothing was sent.
            CloudDown: no answer.
            UnusableAnswer: one that is too large, or not HTTP; or the request leads to another host.
        """
        url = self._url(request)
        async with (
            self._turn,
            self.quota.turn(request.key or request.path, essential=request.essential, counts=request.counts),
        ):
            return await self._send(request, url)

    def _url(self, request: Request) -> URL:
        url = URL(f"{self.base}/{request.path.lstrip('/')}") if "://" not in request.path else _same(request, self.base)
        if url is None:
            raise UnusableAnswer(f"{self.provider} sends us on to another host; nothing was sent there")
        return url.extend_query(list(request.query)) if request.query else url

    async def _send(self, request: Request, url: URL) -> Answer:
        # What these errors say may quote the address, and with it what is secret: only their kind is passed on.
        where = f"{self.provider} ({url.host}{url.path})"
        try:
            async with asyncio.timeout(self._timeout):
                return await self._exchange(request, url, where)
        except aiohttp.ConnectionTimeoutError:
            raise CloudDown(
                f"{url.host} takes no connection within {CONNECT_DEADLINE:g} s: check the internet"
            ) from None
        except TimeoutError:
            raise CloudDown(f"{where} did not answer within {self._timeout:g} s") from None
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError):
            raise CloudDown(
                f"the certificate of {url.host} cannot be trusted: check the date of this machine, its "
                "ca-certificates, and who else could be answering in this network"
            ) from None
        except aiohttp.ClientConnectorError as error:
            raise CloudDown(f"{url.host} cannot be reached ({_reason(error)}): check DNS and the internet") from None
        except (aiohttp.ClientResponseError, aiohttp.ClientPayloadError) as error:
            raise UnusableAnswer(f"{where} answers with something that is not whole HTTP ({_kind(error)})") from None
        except (aiohttp.ClientError, OSError) as error:
            raise CloudDown(f"{where} broke off its answer ({_kind(error)})") from None

    async def _exchange(self, request: Request, url: URL, where: str) -> Answer:
        async with self._client().request(
            request.method or ("GET" if request.form is None else "POST"),
            url,
            data=None if request.form is None else aiohttp.FormData(list(request.form)),
            headers=request.headers,
            allow_redirects=False,
        ) as response:
            body = bytearray()
            async for chunk in response.content.iter_chunked(_CHUNK):
                body += chunk
                if len(body) > self._largest:
                    raise UnusableAnswer(f"{where} answers with more than {self._largest} bytes")
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, headers, bytes(body))

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True, resolver=Resolver()),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=_HEADERS,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_DEADLINE),
                trust_env=False,
                middlewares=(_once,),
            )
        return self._session

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keeps aiohttp from sending a GET again, by itself, where the connection ends before the answer begins."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
        raise CloudDown(f"{request.url.host}{request.url.path} broke off before it answered") from None


def _same(request: Request, base: URL) -> URL | None:
    """The whole address, if it is on the host of the base."""
    try:
        url = URL(request.path)
        return url if url.origin() == base.origin() else None
    except ValueError:
        return None


def _apart(earlier: str, later: str) -> float | None:
    """Seconds between two times as HTTP has them."""
    try:
        return (parsedate_to_datetime(later) - parsedate_to_datetime(earlier)).total_seconds()
    except (ValueError, TypeError):
        return None


def _kind(error: Exception) -> str:
    return type(error).__name__


def _reason(error: aiohttp.ClientConnectorError) -> str:
    number = error.os_error.errno
    return os.strerror(number) if number is not None and number > 0 else _kind(error)

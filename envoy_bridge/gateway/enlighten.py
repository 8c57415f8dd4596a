"""Enlighten, the vendor's cloud: a user name and a password in, a token for a gateway out.

That takes two requests: the login gives a session id, and for that entrez, the token service, gives tokens.
"""

import asyncio
import re
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final

import aiohttp
import msgspec

from envoy_bridge import __version__
from envoy_bridge.clock import Clock
from envoy_bridge.config import Login, Secret
from envoy_bridge.errors import CloudUnavailable, CredentialsRejected, LoginError, MultiFactorRequired, TokenUnusable
from envoy_bridge.gateway.budget import DAY, LoginBudget
from envoy_bridge.gateway.tokens import HOW_TO_GET_ONE, Token, read_token
from envoy_bridge.logs import get_logger, hide

DEADLINE: Final = 30.0
"""Seconds for both requests together."""

BODY_LIMIT: Final = 64 * 1024
"""Bytes of an answer that are read at most; real ones have less than a thousand."""

SESSION_LIFE: Final = 600.0
"""Seconds in which a login is good for the other gateways of the account too."""

_CHUNK: Final = 16 * 1024
_HEADERS: Final = {"Accept-Encoding": "identity", "User-Agent": f"envoy-bridge/{__version__}"}
_SESSION_ID: Final = re.compile(r"[!-~]{1,256}")
_REFUSALS: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)

_Body = aiohttp.FormData | aiohttp.JsonPayload
_log = get_logger(__name__)


class _NotReached(CloudUnavailable):
    """Nothing was sent: no address, no connection, or a certificate that cannot be trusted."""


class _Useless(CloudUnavailable):
    """An answer that another login is not likely to change: it counts as a rejection."""


class _LoginReply(msgspec.Struct, frozen=True):
    """What matters in the answer to a login."""

    session_id: str | None = None
    success: bool = False
    blocked: bool = msgspec.field(name="isBlocked", default=False)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back. `retry_after` is the header as it stands there."""

    status: int
    body: bytes
    retry_after: str | None


@dataclass(frozen=True, slots=True)
class _Account:
    """Who logs in. Equal when both are."""

    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class _Session:
    """A login that was accepted. It serves each gateway once: who asks again got a token that was of no use."""

    session_id: str
    account: _Account
    ends: float  # monotonic seconds
    served: frozenset[str] = frozenset()


class Enlighten:
    """Fetches tokens, one at a time. One per process, shared by all gateways, as they share the budget of logins."""

    def __init__(self, login: Login, directory: Path, clock: Clock) -> None:
        self._login = login
        self._clock = clock
        self._budget = LoginBudget(directory, clock)
        self._turn = asyncio.Lock()
        self._session: _Session | None = None
        self._refused: dict[_Account, tuple[LoginError, float]] = {}
        """Why, and until when (monotonic seconds) the account is not tried again."""

    async def fetch_token(self, *, serial: str, username: str, password: Secret) -> Token:
        """A new token for the gateway. Nothing is tried twice; when it fails, the budget says when to ask again.

        Raises:
            CredentialsRejected, MultiFactorRequired: The account. The same one is not sent again for a day.
            LoginBudgetSpent: Not now; nothing was sent.
            CloudUnavailable: No answer, or not a token.
        """
        account = _Account(username, password)
        async with self._turn:
            self._raise_if_refused(account)
            try:
                async with asyncio.timeout(DEADLINE / self._clock.speed), _client() as client:
                    return await self._fetch(client, account, serial)
            except TimeoutError:
                raise CloudUnavailable(f"Enlighten did not answer within {DEADLINE:g} s") from None
            except (CredentialsRejected, MultiFactorRequired) as error:
                self._refused[account] = error, self._clock.monotonic() + DAY
                self._budget.reject()
                raise
            except _Useless:
                self.gateway_refused()
                raise

    def gateway_refused(self) -> None:
        """The gateway does not take the token that was fetched last. Counts as a rejection."""
        self._session = None
        self._budget.reject()

    def _raise_if_refused(self, account: _Account) -> None:
        error, until = self._refused.get(account, (None, 0.0))
        if error is not None and self._clock.monotonic() < until:
            raise type(error)(*error.args)

    async def _fetch(self, client: aiohttp.ClientSession, account: _Account, serial: str) -> Token:
        session = self._usable_session(account, serial) or await self._log_in(client, account)
        self._session = replace(session, served=session.served | {serial})
        answer = await self._post(
            client,
            f"{self._login.entrez}/tokens",
            aiohttp.JsonPayload({"session_id": session.session_id, "serial_num": serial, "username": account.username}),
        )
        now = self._clock.wall()
        token = _token(answer, account.username, serial, now)
        _log.info("token_fetched", serial=serial, role=token.role)
        # A token that was issued before, and is handed out again, is new here: its renewal counts from now.
        return replace(token, issued=max(token.issued or 0.0, now))

    def _usable_session(self, account: _Account, serial: str) -> _Session | None:
        session = self._session
        if session is None or session.account != account or serial in session.served:
            return None
        if session.ends <= self._clock.monotonic():
            return None
        self._budget.require_open()
        return session

    async def _log_in(self, client: aiohttp.ClientSession, account: _Account) -> _Session:
        self._budget.spend()
        try:
            answer = await self._post(
                client,
                f"{self._login.enlighten}/login/login.json",
                aiohttp.FormData({"user[email]": account.username, "user[password]": account.password.reveal()}),
            )
        except _NotReached:
            self._budget.unsent()
            raise
        session_id = _session_id(answer, account.username)
        hide(session_id)
        return _Session(session_id, account, self._clock.monotonic() + SESSION_LIFE)

    async def _post(self, client: aiohttp.ClientSession, url: str, body: _Body) -> _Answer:
        """The answer, unless the server asks for time; then the budget is closed for as long as it says."""
        answer = await _exchange(client, url, body)
        if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR and answer.status != HTTPStatus.TOO_MANY_REQUESTS:
            return answer
        self._budget.close(_pause(answer.retry_after, self._clock.wall()))
        raise CloudUnavailable(f"Enlighten is not available now (status {answer.status})")


def _client() -> aiohttp.ClientSession:
    """Certificates are checked against the authorities of this machine; no proxy, no cookies."""
    return aiohttp.ClientSession(
        headers=_HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(),
        auto_decompress=False,
        trust_env=False,
    )


async def _exchange(client: aiohttp.ClientSession, url: str, body: _Body) -> _Answer:
    """Post the body. Redirects are not followed: what is sent is for this host alone."""
    try:
        async with client.post(url, data=body, allow_redirects=False) as response:
            content = bytearray()
            async for chunk in response.content.iter_chunked(_CHUNK):
                content += chunk
                if len(content) > BODY_LIMIT:
                    raise _Useless(f"{url} answers with more than {BODY_LIMIT} bytes, which is no login and no token")
            return _Answer(response.status, bytes(content), response.headers.get("Retry-After"))
    # What these say may quote the answer, and that what was sent: only their kind is passed on.
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError):
        raise _NotReached(
            f"the certificate of {url} cannot be trusted: check the date of this machine, its ca-certificates, "
            "and who else could be answering in this network"
        ) from None
    except aiohttp.ClientConnectorError as error:
        raise _NotReached(
            f"{url} cannot be reached ({error.strerror}): check DNS and the way to the internet"
        ) from None
    except (aiohttp.ClientError, OSError) as error:
        raise CloudUnavailable(f"{url} broke off its answer ({type(error).__name__})") from None


def _pause(retry_after: str | None, now: float) -> float:
    """The header in seconds, from a number or a date; 0 when it says nothing."""
    if retry_after is None:
        return 0.0
    if re.fullmatch(r"[0-9]{1,9}", retry_after):
        return float(retry_after)
    try:
        return max(parsedate_to_datetime(retry_after).timestamp() - now, 0.0)
    except (ValueError, OverflowError):
        return 0.0


def _session_id(answer: _Answer, username: str) -> str:
    """The session id in the answer to a login.

    Raises:
        CredentialsRejected, MultiFactorRequired, _Useless: There is none.
    """
    if answer.status in _REFUSALS:
        raise CredentialsRejected(
            f"Enlighten refused {username}: check username and password in [[gateway]], "
            "they are those of https://enlighten.enphaseenergy.com"
        )
    try:
        reply = msgspec.json.decode(answer.body, type=_LoginReply) if answer.status == HTTPStatus.OK else None
    except (ValueError, RecursionError):
        reply = None
    if reply is None:
        raise _Useless(
            f"Enlighten answered the login of {username} with {_kind(answer)}: see what it says in a browser at "
            f"https://enlighten.enphaseenergy.com, or {HOW_TO_GET_ONE}"
        )
    if reply.blocked:
        raise CredentialsRejected(
            f"Enlighten has blocked {username}: log in with a browser at https://enlighten.enphaseenergy.com "
            f"to see why, or {HOW_TO_GET_ONE}"
        )
    if reply.session_id is None and reply.success:
        raise MultiFactorRequired(
            f"Enlighten asks {username} for a second factor, which a daemon cannot give: {HOW_TO_GET_ONE}"
        )
    if reply.session_id is None or not _SESSION_ID.fullmatch(reply.session_id):
        raise _Useless(f"Enlighten accepted {username} without opening a session: {HOW_TO_GET_ONE}")
    return reply.session_id


def _token(answer: _Answer, username: str, serial: str, now: float) -> Token:
    """The token in the answer of entrez. Raises _Useless when there is none."""
    if answer.status in _REFUSALS:
        raise _Useless(
            f"Enlighten knows {username} but gives it no token for gateway {serial}: is that gateway in this account? "
            "Check username in [[gateway]]"
        )
    if answer.status != HTTPStatus.OK:
        raise _Useless(f"Enlighten gave {_kind(answer)} instead of a token for gateway {serial}: {HOW_TO_GET_ONE}")
    try:
        return read_token(answer.body.decode("utf-8", "replace"), serial=serial, now=now)
    except TokenUnusable as error:
        raise _Useless(f"what Enlighten gave for gateway {serial} is of no use: {error}") from None


def _kind(answer: _Answer) -> str:
    """What an answer is, in words, without repeating it."""
    if answer.body.lstrip()[:1] == b"<":
        return f"a web page (status {answer.status})"
    return f"something that is not understood (status {answer.status})"

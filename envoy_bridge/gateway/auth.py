"""Logging in, the way the firmware wants it: digest before 7, a token from then on.

Where a token comes from, in this order: the configuration (then no cloud is ever asked), the cache, Enlighten.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from envoy_bridge.clock import Clock
from envoy_bridge.config import Gateway
from envoy_bridge.errors import (
    CloudUnavailable,
    GatewayError,
    GatewayUnreachable,
    LoginBudgetSpent,
    LoginError,
    TokenRejected,
    TokenUnusable,
)
from envoy_bridge.gateway.devices.inverter import INVERTERS
from envoy_bridge.gateway.enlighten import Enlighten
from envoy_bridge.gateway.http import GatewayHttp
from envoy_bridge.gateway.info import GatewayInfo
from envoy_bridge.gateway.passwords import envoy_password, installer_password
from envoy_bridge.gateway.rows import INSTALLER
from envoy_bridge.gateway.tokens import Token, TokenCache, read_token, renew_at
from envoy_bridge.logs import get_logger

log = get_logger(__name__)

CHECK: Final = "/auth/check_jwt"
_DEADLINE: Final = 20.0
_TOKENS_SINCE: Final = (7,)


def needs_token(info: GatewayInfo) -> bool:
    """Does this firmware want a token? It says so itself; from 7.0 on all do."""
    return info.web_tokens or info.version >= _TOKENS_SINCE


class Login(Protocol):
    """A way to be let in."""

    @property
    def role(self) -> str:
        """`owner` or `installer`; empty where nobody says."""

    def describe(self) -> str:
        """How, in words, without a secret."""

    async def renew_session(self) -> bool:
        """After a 401: open a session again. False when there is nothing that would help.

        Raises:
            TokenRejected: the gateway refuses the token as such.
        """


@dataclass(frozen=True, slots=True)
class DigestLogin:
    """User name and password with each request; `username` is None where only open endpoints are asked."""

    username: str | None

    @property
    def role(self) -> str:
        """`owner` or `installer`."""
        return INSTALLER if self.username == INSTALLER else "owner"

    def describe(self) -> str:
        """How, in words, without a secret."""
        return f"digest ({self.username or 'open endpoints only'})"

    async def renew_session(self) -> bool:
        """Nothing to renew: each request carries the login."""
        return False


class TokenLogin:
    """A token as Bearer, and the session the gateway gives for it, which costs the gateway less than the token."""

    def __init__(self, http: GatewayHttp, token: Token) -> None:
        self._http = http
        self.token = token

    @property
    def role(self) -> str:
        """As the token says."""
        return self.token.role or ""

    def describe(self) -> str:
        """How, in words, without a secret."""
        return f"token ({self.token.role or 'role unknown'})"

    async def use(self, token: Token) -> None:
        """Show this token from now on, if the gateway takes it; else the one before stays.

        Raises:
            TokenRejected: it does not.
            GatewayUnreachable: it did not answer.
        """
        before, self.token = (self._http.headers, self.token), token
        try:
            await self.renew_session()
        except (TokenRejected, GatewayError):
            self._http.headers, self.token = before
            raise

    async def renew_session(self) -> bool:
        """Show the token; the session that comes back goes with each request from then on, and so does the token."""
        bearer = {"Authorization": f"Bearer {self.token.text}"}
        self._http.headers = bearer
        response = await self._http.get(CHECK, deadline=_DEADLINE)
        if response.status in (401, 403):
            raise TokenRejected(
                f"gateway {self.token.serial} refuses the token: fetch a new one (envoy-bridge token renew), "
                "or put one for this gateway into token_file"
            )
        if response.status >= 500:  # noqa: PLR2004 - HTTP
            raise GatewayUnreachable(f"{CHECK} is not available now (status {response.status})")
        self._http.headers = bearer | ({"Cookie": response.cookies} if response.cookies else {})
        return True


class Tokens:
    """Where the tokens of one gateway come from."""

    def __init__(self, settings: Gateway, directory: Path, enlighten: Enlighten, clock: Clock) -> None:
        self._settings = settings
        self._cache = TokenCache(directory)
        self._enlighten = enlighten
        self._clock = clock
        self._untried: Token | None = None
        self._latest: Token | None = None

    @property
    def from_cloud(self) -> bool:
        """Are tokens fetched, or given by hand?"""
        return self._settings.token is None

    async def current(self, serial: str) -> Token:
        """A token that looks right: given, cached, or fetched. Raises LoginError."""
        if self._settings.token is not None:
            return read_token(self._settings.token.reveal(), serial=serial, now=self._clock.wall())
        cached = self._cache.load(serial, self._clock.wall())
        if cached is not None:
            return cached
        try:
            return await self.fetch(serial)
        except (LoginBudgetSpent, CloudUnavailable):
            if self._latest is None or self._latest.expires <= self._clock.wall():
                raise
            return self._latest  # refused when it was new; the gateway may have been the one that was not well

    async def fetch(self, serial: str) -> Token:
        """A new token from Enlighten; not yet kept, the gateway has not seen it. Raises LoginError."""
        settings = self._settings
        if settings.username is None or settings.password is None:
            raise TokenUnusable(
                f"gateway {serial} asks for a token: set username and password (of the Enlighten account) or "
                "token_file in its [[gateway]]"
            )
        self._untried = await self._enlighten.fetch_token(
            serial=serial, username=settings.username, password=settings.password
        )
        self._latest = self._untried
        return self._untried

    def refused(self, token: Token) -> None:
        """The gateway refuses this token. If it is brand-new, another one will hardly be better: that is counted."""
        if token is self._untried:
            self._untried = None
            self._enlighten.gateway_refused()

    def keep(self, token: Token) -> None:
        """The gateway took this token: cache it, unless that is where it came from."""
        self._untried = None
        if self.from_cloud and self._cache.load(token.serial, self._clock.wall()) != token:
            self._cache.save(token)

    async def replace_rejected(self, login: TokenLogin) -> None:
        """The gateway refuses the token: get another and try that. Raises LoginError."""
        if not self.from_cloud:
            raise TokenRejected(
                f"gateway {login.token.serial} refuses the token from the configuration: "
                "put a new one into token_file, or set username and password instead"
            )
        await self.renew(login)

    async def renew(self, login: TokenLogin) -> None:
        """A new token in place of the one in use, which stays unless the gateway takes the new one.

        Raises:
            LoginError, GatewayError: there is none, or it was not taken.
        """
        fresh = await self.fetch(login.token.serial)
        try:
            await login.use(fresh)
        except TokenRejected:
            self.refused(fresh)
            raise
        self.keep(fresh)

    async def renew_in_time(self, login: TokenLogin) -> None:
        """Runs for ever: replaces the token before it expires. The old one stays until the gateway took the new one."""
        while True:
            await self._clock.sleep(max(renew_at(login.token) - self._clock.wall(), 60.0))
            if not self.from_cloud:
                log.warning("token_expires", serial=login.token.serial, advice="put a new one into token_file")
                await self._clock.sleep(86400.0)
                continue
            try:
                await self.renew(login)
            except LoginBudgetSpent as error:
                await self._clock.sleep(error.retry_at - self._clock.wall())
            except (LoginError, GatewayError) as error:
                log.warning("token_not_renewed", serial=login.token.serial, reason=str(error))
                await self._clock.sleep(6 * 3600.0)
            else:
                log.info("token_renewed", serial=login.token.serial)


async def log_in(
    http: GatewayHttp, info: GatewayInfo, settings: Gateway, tokens: Tokens, *, distrust: bool = False
) -> Login:
    """Log in the way this gateway wants it. `distrust`: the login of last time was let in, but to nothing.

    Raises:
        LoginError: there is no usable login.
        GatewayError: the gateway did not answer.
    """
    if not needs_token(info):
        return await _digest(http, info, settings)
    if not http.secure:
        raise GatewayUnreachable(
            f"gateway {info.serial} asks for a token, but answers over plain HTTP only; a token is never sent that way"
        )
    login = TokenLogin(http, await tokens.current(info.serial))
    try:
        await login.use(login.token)
    except TokenRejected as rejected:
        tokens.refused(login.token)
        try:
            await tokens.replace_rejected(login)
        except LoginBudgetSpent as spent:
            raise LoginBudgetSpent(f"{rejected}. {spent}", spent.retry_at) from spent
        return login
    if distrust:
        with contextlib.suppress(LoginError):  # no other to be had: the one we have may be good again
            await tokens.replace_rejected(login)
    tokens.keep(login.token)
    return login


async def _digest(http: GatewayHttp, info: GatewayInfo, settings: Gateway) -> Login:
    """The first user that the list of inverters is open to; without one, what is open to all is still read."""
    for username, password in _users(info, settings):
        await http.use_digest(username, password)
        answer = await http.get(INVERTERS.paths[0], deadline=INVERTERS.deadline)
        if answer.status not in (401, 403):
            return DigestLogin(username)
        log.warning("login_refused", serial=info.serial, username=username, consequence="trying the next known one")
    return DigestLogin(None)


def _users(info: GatewayInfo, settings: Gateway) -> list[tuple[str, str]]:
    """Who may be let in, best first. An e-mail address is an Enlighten account: that never goes to a gateway."""
    known = [("envoy", envoy_password(info.serial)), ("installer", installer_password(info.serial))]
    if settings.username is None or settings.password is None or "@" in settings.username:
        return known
    return [(settings.username, settings.password.reveal()), *known]

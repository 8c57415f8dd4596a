"""The login to Locus: an hour's token, by password, by what an earlier login left for it, or as the application itself.

A login may be refused for good, and who repeats it locks the account: each way is tried once, then it is over until
somebody corrects the configuration. One login at a time: who comes second takes the first one's token.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Final

from msgspec import Struct

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.errors import CloudDown, CloudRefused, UnusableAnswer
from envoy_bridge.clouds.locus.wire import TokenReply, reply_of
from envoy_bridge.clouds.rest import Answer, Request
from envoy_bridge.settings import LocusCloud

PATH: Final = "/oauth/token"
"""Beside /v3, not below it."""

EARLY: Final = 60.0
"""Seconds before its end from which on a token is renewed; of a short one it is half of its time."""

LONGEST: Final = 3600.0
"""Seconds for which a token from before a restart is believed: the clock may have been set since."""

_REFUSALS: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_WRONG: Final = ("invalid_client", "invalid_grant")
"""The errors that say that a secret is wrong, rather than the way to log in (RFC 6749, 5.2)."""


class Tokens(Struct, frozen=True):
    """What a login gave. `expires`: seconds since 1970, by our clock: the server's may be another."""

    access: str
    expires: float
    refresh: str | None = None


class Login:
    """Gives the token that each request shows. `send`: asks once, and raises where the whole cloud is the cause."""

    def __init__(self, settings: LocusCloud, send: Callable[[Request], Awaitable[Answer]], clock: Clock) -> None:
        self._settings = settings
        self._send = send
        self._clock = clock
        self._turn = asyncio.Lock()
        self._tokens: Tokens | None = None
        self._valid_until = 0.0
        self._by_client = False

    @property
    def tokens(self) -> Tokens | None:
        """What is to be kept over a restart."""
        return self._tokens

    def recall(self, tokens: Tokens | None) -> None:
        """Take up what an earlier run kept."""
        self._tokens = tokens
        left = tokens.expires - self._clock.wall() if tokens else 0.0
        self._count_down(min(left, LONGEST))

    async def token(self, refused: str | None = None) -> str:
        """A token that should hold. `refused`: one that did not, so that it is not given again.

        Raises:
            CloudRefused: no way to log in is left.
            CloudError: none was to be had.
        """
        async with self._turn:
            tokens = self._tokens
            if tokens and tokens.access != refused and self._clock.monotonic() < self._valid_until:
                return tokens.access
            return await self._renew()

    def forget(self) -> None:
        """Begin with the password next time: nothing that was given so far is of use."""
        self._tokens = None

    async def _renew(self) -> str:
        if self._tokens and self._tokens.refresh:
            answer = await self._ask("refresh_token", ("refresh_token", self._tokens.refresh))
            if answer.status not in _REFUSALS:
                return self._take(answer, keep=self._tokens.refresh)
            self._tokens = None
        answer = await self._log_in()
        if answer.status in _REFUSALS:
            raise CloudRefused(
                "Locus does not take the login: check client_id, client_secret, username and password in "
                "[cloud.locus]; they are those of SolarNOC, and the client's come from the account manager"
            )
        return self._take(answer)

    async def _log_in(self) -> Answer:
        """By password; where there is none, or that is not how this client logs in, as itself."""
        username, password = self._settings.username, self._settings.password
        if username and password and not self._by_client:
            answer = await self._ask("password", ("username", username), ("password", password.reveal()))
            if answer.status not in _REFUSALS or reply_of(answer).error in _WRONG:
                return answer
        answer = await self._ask("client_credentials")
        self._by_client = answer.status == HTTPStatus.OK
        return answer

    async def _ask(self, grant: str, *secrets: tuple[str, str]) -> Answer:
        form: Sequence[tuple[str, str]] = (
            ("grant_type", grant),
            ("client_id", self._settings.client_id),
            ("client_secret", self._settings.client_secret.reveal()),
            *secrets,
        )
        return await self._send(Request(path=PATH, form=form, essential=True))

    def _take(self, answer: Answer, keep: str | None = None) -> str:
        """The new token. `keep`: the refresh token that goes on to hold where no new one comes with it."""
        try:
            reply = answer.json(TokenReply)
        except UnusableAnswer as error:  # it is not one job's: without a token none can ask
            raise CloudDown(f"the login to Locus gives no token: {error}") from None
        self._tokens = Tokens(
            reply.access_token, self._clock.wall() + reply.expires_in, refresh=reply.refresh_token or keep
        )
        self._count_down(reply.expires_in)
        return reply.access_token

    def _count_down(self, seconds: float) -> None:
        self._valid_until = self._clock.monotonic() + max(seconds - EARLY, seconds / 2)

"""The login at Tigo: user name and password for a token, the token for everything else.

There is no documented way to renew a token: it is fetched anew, in time, or once it is refused.
"""

import base64
from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.errors import CloudError, CloudRefused, NotAllowed, UnusableAnswer
from envoy_bridge.clouds.rest import Answer, Request
from envoy_bridge.clouds.tigo.errors import failure, is_good
from envoy_bridge.clouds.tigo.times import moment
from envoy_bridge.clouds.tigo.wire import Login, Session
from envoy_bridge.logs import hide
from envoy_bridge.settings import TigoCloud

MARGIN: Final = 300.0
"""Seconds before its end, or half of its life if that is less, when a token is not used any more."""

PATH: Final = "/api/v3/users/login"


class Token(Struct, frozen=True):
    """A token. `until`: seconds since 1970 by this machine; None: nobody knows, it holds until it is refused."""

    text: str
    until: float | None = None


class TigoLogin:
    """One account."""

    def __init__(self, settings: TigoCloud, send: Callable[[Request], Awaitable[Answer]], clock: Clock) -> None:
        self.token: Token | None = None
        self._settings = settings
        self._send = send
        self._clock = clock
        self._end: float | None = None  # monotonic seconds: a clock that is set does not touch it

    def recall(self, token: Token | None) -> None:
        """Go on with the token of an earlier run, unless it ends soon: a request may have to wait before it is sent."""
        if token is not None and (token.until is None or token.until - self._clock.wall() > MARGIN):
            hide(token.text)
            self._keep(token)

    async def text(self, refused: str | None = None) -> str:
        """A token that should hold, and is not the refused one.

        Raises:
            CloudError: there is none to be had.
        """
        token = self.token
        over = self._end is not None and self._clock.monotonic() >= self._end
        if token is None or over or token.text == refused:
            token = await self._log_in()
        return token.text

    async def _log_in(self) -> Token:
        self.token = None
        user, password = self._settings.username, self._settings.password.reveal()
        basic = base64.b64encode(f"{user}:{password}".encode()).decode()
        hide(basic)
        headers = {"Authorization": f"Basic {basic}", "Accept": "application/json"}
        answer = await self._send(Request(path=PATH, headers=headers))
        if not is_good(answer):
            raise _refusal(failure(answer, "the login"))
        session = _session(answer)
        if not session.auth or not (session.auth.isascii() and session.auth.isprintable()):
            raise UnusableAnswer("Tigo answers the login without a token", alone=False)
        hide(session.auth)
        now, expires = self._clock.wall(), moment(session.expires)
        # What is over already says that one of the two clocks is wrong.
        later = expires.timestamp() if expires is not None and expires.timestamp() > now else None
        return self._keep(Token(session.auth, later))

    def _keep(self, token: Token) -> Token:
        life = None if token.until is None else max(0.0, token.until - self._clock.wall())
        self._end = None if life is None else self._clock.monotonic() + life - min(MARGIN, life / 2)
        self.token = token
        return token


def _session(answer: Answer) -> Session:
    try:
        told = answer.json(Login)
    except UnusableAnswer as error:
        raise UnusableAnswer(f"Tigo answers the login with {error}", alone=False) from None
    return next((each for each in (told.user, told.data) if each and each.auth), told)


def _refusal(error: CloudError) -> CloudError:
    """Of a login, not of one endpoint."""
    if isinstance(error, NotAllowed):
        return CloudRefused(f"{error}: check username and password in [cloud.tigo]")
    error.alone = False
    return error

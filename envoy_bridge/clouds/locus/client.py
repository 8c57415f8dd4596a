"""Requests to Locus: with a token that holds, one at a time, and what their statuses mean.

The vendor allows one request in flight, logins included, which `Rest` sees to. It answers a second one with 429, and
does not say how long to wait: a little longer each time.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, NoReturn, TypeVar

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.errors import CloudBlocked, CloudDown, CloudRefused, CloudThrottled, NotAllowed
from envoy_bridge.clouds.locus.login import Login
from envoy_bridge.clouds.locus.wire import reply_of
from envoy_bridge.clouds.rest import Answer, Request, Rest
from envoy_bridge.redaction import MASK
from envoy_bridge.settings import LocusCloud

BASE_URL: Final = "https://api.locusenergy.com"
"""What [cloud.locus] base_url is by default."""

FIRST_WAIT, LONGEST_WAIT = 5.0, 60.0
"""Seconds after a first 429, and after many."""

LONGEST_ASKED: Final = 3600.0
"""Seconds that the cloud may ask us to wait."""

_API: Final = "/v3/"
_MESSAGE: Final = 120
"""Characters of the vendor's message that are passed on."""

T = TypeVar("T")


class LocusClient:
    """One account at Locus."""

    def __init__(self, settings: LocusCloud, rest: Rest, clock: Clock) -> None:
        self._rest = rest
        self._throttled = 0
        self.login = Login(settings, self._send, clock)

    async def get(self, path: str, kind: type[T], query: Sequence[tuple[str, str]] = ()) -> T:
        """The answer to a path below /v3.

        Raises:
            NotAllowed: this place is not for us, or not there, or does not have what was asked for.
            CloudRefused: a new login was of no use.
            CloudError: there is no answer, or one that is of no use.
        """
        token = await self.login.token()
        answer = await self._show(token, path, query)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            token = await self.login.token(refused=token)
            answer = await self._show(token, path, query)
        if answer.status != HTTPStatus.OK:
            self._fail(answer, path, token)
        return answer.json(kind)

    async def _show(self, token: str, path: str, query: Sequence[tuple[str, str]]) -> Answer:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        return await self._send(Request(path=_API + path, query=query, headers=headers))

    async def _send(self, request: Request) -> Answer:
        """Send it once. Raises where the cloud as a whole does not answer, or not now."""
        answer = _honest(await self._rest.ask(request))
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(self._throttled, 10))
            self._throttled += 1
            raise CloudThrottled(
                "Locus allows one request at a time, and says that there was another: does something else use this "
                "account?",
                retry_in=_asked_to_wait(answer) or wait,
            )
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise CloudDown(f"Locus does not work now (status {answer.status})", retry_in=_asked_to_wait(answer))
        if answer.html:
            raise CloudBlocked(f"a web page answers in place of Locus (status {answer.status})")
        self._throttled = 0
        return answer

    def _fail(self, answer: Answer, path: str, token: str) -> NoReturn:
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self.login.forget()
            raise CloudRefused("Locus lets us log in, and does not take the token that it gives for it")
        message = (reply_of(answer).message or "").replace(token, MASK)
        said = f": {message[:_MESSAGE]!r}" if message else ""
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise NotAllowed(f"Locus does not give {path} to this account (status {answer.status}{said})")
        raise CloudDown(f"Locus answers {path} with status {answer.status}{said}")


def _honest(answer: Answer) -> Answer:
    """The answer with the status that it has: one that says 200 may carry an error's in its body."""
    said = reply_of(answer).statusCode if answer.status == HTTPStatus.OK else None
    if said is None or said < HTTPStatus.BAD_REQUEST:
        return answer
    return Answer(said, answer.headers, answer.body)


def _asked_to_wait(answer: Answer) -> float | None:
    """Seconds, where the answer names them."""
    said = answer.retry_after
    return min(said, LONGEST_ASKED) if said is not None and said > 0 else None

"""How one thing is asked of Enlighten: where it stands, and who asks, in version 2 and in version 4 of its API."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, Protocol

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.enlighten.errors import envelope, failure
from envoy_bridge.clouds.enlighten.tokens import Tokens
from envoy_bridge.clouds.errors import CloudRefused
from envoy_bridge.clouds.rest import Answer, Request, Rest
from envoy_bridge.logs import hide
from envoy_bridge.settings import EnlightenCloud

BASE_URL: Final = "https://api.enphaseenergy.com"
"""The vendor's. The host in public copies of the version 4 specification is a test host."""

Query = Sequence[tuple[str, str]]


class Api(Protocol):
    """A version of the API."""

    async def get(self, path: str, query: Query = (), *, essential: bool = False, alone: bool = True) -> Answer:
        """An answer with data, or 204, which has none. `path`: below `/systems`. `alone`: as `failure` has it.

        Raises:
            OutOfRange: there is nothing for this time.
            CloudError: there is no such answer.
        """


class V2:
    """Version 2: key and user id stand in each address."""

    def __init__(self, settings: EnlightenCloud, rest: Rest, clock: Clock) -> None:
        self._rest = rest
        self._clock = clock
        self._login = (("key", settings.key), ("user_id", settings.user_id))
        for _, secret in self._login:
            hide(secret.reveal() if secret else "")

    async def get(self, path: str, query: Query = (), *, essential: bool = False, alone: bool = True) -> Answer:
        """See `Api`."""
        login = [(name, secret.reveal()) for name, secret in self._login if secret]
        request = Request(path=f"/api/v2/systems{path}", query=(*login, *query), essential=essential)
        return _good(await self._rest.ask(request), path, self._clock.wall(), alone=alone)


class V4:
    """Version 4: the key in the address, and an access token in the header."""

    def __init__(self, settings: EnlightenCloud, rest: Rest, clock: Clock, tokens: Tokens) -> None:
        self._rest = rest
        self._clock = clock
        self._tokens = tokens
        self._key = settings.key
        hide(settings.key.reveal())

    async def get(self, path: str, query: Query = (), *, essential: bool = False, alone: bool = True) -> Answer:
        """See `Api`. A token that is refused is renewed, and the question asked a second time."""
        token = await self._tokens.access()
        answer = await self._ask(path, query, token, essential=essential)
        if answer.status == HTTPStatus.UNAUTHORIZED and not answer.html:
            said = envelope(answer).said
            if "mismatch" in said.lower():
                raise CloudRefused(f"{said}: key and client_id in [cloud.enlighten] are of two applications")
            renewed = await self._tokens.renew(token)
            if renewed is not None:
                answer = await self._ask(path, query, renewed, essential=essential)
        return _good(answer, path, self._clock.wall(), alone=alone)

    async def _ask(self, path: str, query: Query, token: str, *, essential: bool) -> Answer:
        return await self._rest.ask(
            Request(
                path=f"/api/v4/systems{path}",
                query=(("key", self._key.reveal()), *query),
                headers={"Authorization": f"Bearer {token}"},
                essential=essential,
            )
        )


def _good(answer: Answer, path: str, now: float, *, alone: bool) -> Answer:
    if answer.status == HTTPStatus.NO_CONTENT or (answer.status == HTTPStatus.OK and not answer.html):
        return answer
    raise failure(answer, f"/systems{path}", now, alone=alone)

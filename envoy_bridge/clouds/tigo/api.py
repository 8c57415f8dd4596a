"""Requests to Tigo: with a token that holds, within the limits that its headers tell, in the words it understands."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, Literal, TypeVar

import msgspec

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.errors import NotAllowed
from envoy_bridge.clouds.rest import Answer, Request, Rest
from envoy_bridge.clouds.tigo.errors import WrongRequest, allowance, failure, is_good, status_of
from envoy_bridge.clouds.tigo.login import TigoLogin
from envoy_bridge.clouds.tigo.parse import number
from envoy_bridge.clouds.tigo.wire import Id, Page
from envoy_bridge.settings import TigoCloud

BASE: Final = "https://api2.tigoenergy.com"
"""What [cloud.tigo] base_url is by default."""

PAGE: Final = 50
"""Entries of a list at once, as in the document."""

PAGES: Final = 100
"""Pages that are asked for at most."""

Query = Sequence[tuple[str, str]]
T = TypeVar("T")
P = TypeVar("P", bound=Page)


class TigoApi:
    """One account."""

    def __init__(self, settings: TigoCloud, rest: Rest, clock: Clock) -> None:
        self.login = TigoLogin(settings, self._send, clock)
        self._rest = rest
        self._words: dict[str, Literal["level", "agg"]] = {}  # by path, once it has worked

    async def get(self, path: str, query: Query = ()) -> Answer:
        """A good answer to a path of the API.

        Raises:
            NotAllowed: this is not for this account, or not there.
            WrongRequest: Tigo does not understand it.
            CloudError: there is no such answer.
        """
        token = await self.login.text()
        answer = await self._show(token, path, query)
        if status_of(answer) == HTTPStatus.UNAUTHORIZED:
            token = await self.login.text(refused=token)
            answer = await self._show(token, path, query)
        if not is_good(answer):
            raise failure(answer, path)
        return answer

    async def _show(self, token: str, path: str, query: Query) -> Answer:
        headers = {"Authorization": f"Bearer {token}"}
        return await self._send(Request(path=f"/api/v3/{path}", query=query, headers=headers))

    async def _send(self, request: Request) -> Answer:
        answer = await self._rest.ask(request)
        if told := allowance(answer):
            await self._rest.quota.told(*told)
        return answer

    async def read(self, path: str, kind: type[T], query: Query = ()) -> T:
        """A good answer, decoded. Raises as `get`."""
        return decoded(await self.get(path, query), kind)

    async def pages(self, path: str, kind: type[P], query: Query = ()) -> list[P]:
        """All pages of a list. How one knows the last is not documented: it has nothing new. Raises as `get`."""
        found: list[P] = []
        seen: set[Id] = set()
        for count in range(1, PAGES + 1):
            try:
                page = await self.read(path, kind, (*query, ("page", str(count)), ("limit", str(PAGE))))
            except (NotAllowed, WrongRequest):
                if not found:
                    raise
                break
            if page.ids() <= seen:
                break
            found.append(page)
            seen |= page.ids()
            last = number(page.meta.page_count) if page.meta else None
            if last is not None and last <= count:
                break
        return found

    async def leveled(self, path: str, level: str, query: Query) -> Answer:
        """A table at this level. The document has two words for it, `level` and `agg`; the other where one is refused.

        Raises as `get`.
        """
        known = self._words.get(path)
        try:
            answer = await self.get(path, (*query, (known or "level", level)))
            self._words.setdefault(path, "level")
        except WrongRequest:
            if known:
                raise
            answer = await self.get(path, (*query, ("agg", level)))
            self._words[path] = "agg"
        return answer


def decoded(answer: Answer, kind: type[T]) -> T:
    """The body as this type; an empty one where the answer says that there is nothing.

    Raises:
        UnusableAnswer: it is something else.
    """
    return msgspec.convert({}, kind) if answer.status == HTTPStatus.NO_CONTENT else answer.json(kind)

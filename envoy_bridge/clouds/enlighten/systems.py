"""Which systems an Enlighten account sees, page by page, and which one has a gateway."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, Protocol

from envoy_bridge.clouds.enlighten import wire
from envoy_bridge.clouds.enlighten.api import Api
from envoy_bridge.clouds.errors import NotAllowed

PAGES: Final = 100
"""Pages that are read at most."""

PAGE_V2, PAGE_V4 = 1000, 100
"""Systems on a page: the most that the vendor allows, to save requests."""


class Directory(Protocol):
    """A version's way to find systems."""

    async def systems(self, only: Sequence[str]) -> tuple[wire.System, ...]:
        """All systems; those of these ids at least, where some are given. Raises CloudError."""

    async def search(self, serial: str) -> str | None:
        """The id of the system that has this gateway; None: the account sees none. Raises CloudError."""


class DirectoryV2:
    """Pages are linked by an opaque `next`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def systems(self, only: Sequence[str]) -> tuple[wire.System, ...]:
        """See `Directory`."""
        query = [("limit", str(PAGE_V2)), *(("system_id[]", site) for site in only)]
        found: list[wire.System] = []
        seen: set[str] = set()
        page = await self._page(query)
        while True:
            found += page.systems or ()
            if not page.next or page.next in seen or len(seen) >= PAGES:
                return tuple(found)
            seen.add(page.next)
            page = await self._page([*query, ("next", page.next)])

    async def _page(self, query: Sequence[tuple[str, str]]) -> wire.Systems:
        return (await self._api.get("", query, essential=True, alone=False)).json(wire.Systems)

    async def search(self, serial: str) -> str | None:
        """See `Directory`."""
        return await _search(self._api, "/search_system_id", serial)


class DirectoryV4:
    """Pages are numbered from 1. `total` counts all systems."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def systems(self, only: Sequence[str]) -> tuple[wire.System, ...]:  # noqa: ARG002 - all are as cheap
        """See `Directory`."""
        found: dict[wire.Id, wire.System] = {}
        for number in range(1, PAGES + 1):
            query = (("page", str(number)), ("size", str(PAGE_V4)))
            page = (await self._api.get("", query, essential=True, alone=False)).json(wire.Systems)
            fresh = {system.system_id: system for system in page.systems or () if system.system_id not in found}
            found |= fresh
            if not fresh or (page.total is not None and len(found) >= page.total):
                break
        return tuple(found.values())

    async def search(self, serial: str) -> str | None:
        """See `Directory`."""
        return await _search(self._api, "/retrieve_system_id", serial)


async def _search(api: Api, path: str, serial: str) -> str | None:
    try:
        answer = await api.get(path, (("serial_num", serial),))
    except NotAllowed:
        return None
    if answer.status == HTTPStatus.NO_CONTENT:
        return None
    found = answer.json(wire.Found).system_id
    return None if found is None else str(found)

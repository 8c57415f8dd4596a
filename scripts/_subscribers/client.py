"""Home Assistant's REST and WebSocket, as far as we ask them something."""

import asyncio
from collections.abc import Mapping
from itertools import count
from typing import Any

import aiohttp

Row = dict[str, Any]


class Refused(Exception):
    """Home Assistant says no; the message is its own."""


class Client:
    """Talks to one Home Assistant at `url`. Knows a token once `onboard` has been called."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.tokens: Row = {}
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._numbers = count(1)
        self._turn = asyncio.Lock()

    async def answers(self) -> bool:
        """Whether its API is up."""
        async with self._http.get(f"{self.url}/manifest.json") as response:
            return response.ok

    async def onboard(self, owner: Mapping[str, str]) -> None:
        """Make the owner of a fresh installation and log in as them."""
        client = {"client_id": f"{self.url}/"}
        async with self._http.post(f"{self.url}/api/onboarding/users", json={**client, **owner}) as response:
            code = (await response.json())["auth_code"]
        grant = {**client, "grant_type": "authorization_code", "code": code}
        async with self._http.post(f"{self.url}/auth/token", data=grant) as response:
            self.tokens = await response.json()
        self.tokens["hassUrl"] = self.url
        self.tokens["clientId"] = client["client_id"]

    async def configuration(self) -> Row:
        """Its state, and the components that are loaded."""
        answer: Row = await self._rest("GET", "config")
        return answer

    async def states(self) -> dict[str, Row]:
        """The state of each entity, by entity id."""
        return {row["entity_id"]: row for row in await self._rest("GET", "states")}

    async def entities(self) -> dict[str, Row]:
        """What the registry knows of MQTT, by unique id."""
        rows = await self.ask("config/entity_registry/list")
        return {row["unique_id"]: row for row in rows if row["platform"] == "mqtt"}

    async def devices(self) -> dict[str, Row]:
        """What the registry knows of MQTT's devices, by the identifier that they were announced with."""
        rows = await self.ask("config/device_registry/list")
        return {identifier: row for row in rows for domain, identifier, *_ in row["identifiers"] if domain == "mqtt"}

    async def ask(self, kind: str, **body: object) -> Any:  # noqa: ANN401 - whatever the command answers
        """The result of a WebSocket command. Raises Refused."""
        async with self._turn:
            socket = await self._connected()
            number = next(self._numbers)
            await socket.send_json({"id": number, "type": kind, **body})
            while True:
                answer = await socket.receive_json()
                if answer.get("id") == number and answer["type"] == "result":
                    break
        if not answer["success"]:
            raise Refused(f"{kind}: {answer['error']}")
        return answer["result"]

    async def hang_up(self) -> None:
        """Close the connections; the token stays."""
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

    async def close(self) -> None:
        """Close everything."""
        await self.hang_up()
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    async def _rest(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - as `ask`
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        async with self._http.request(method, f"{self.url}/api/{path}", headers=headers, json=body) as response:
            response.raise_for_status()
            return await response.json()

    async def _connected(self) -> aiohttp.ClientWebSocketResponse:
        if self._socket is None or self._socket.closed:
            self._socket = await self._http.ws_connect(f"{self.url}/api/websocket", max_msg_size=0)
            await self._socket.receive_json()
            await self._socket.send_json({"type": "auth", "access_token": self.tokens["access_token"]})
            if (await self._socket.receive_json())["type"] != "auth_ok":
                raise Refused("the token is not taken")
        return self._socket

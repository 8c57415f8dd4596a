"""The flow of examples/node-red in a real headless Node-RED: what it shows, switches and warns of."""

import asyncio
import json
import re
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientTimeout

from scripts._subscribers.surplus import RICH, SETTINGS, Household, complaints_about_the_load, switches_on_by_itself

FLOWS: Final = Path(__file__).parents[2] / "examples/node-red/flows.json"
PACKAGE: Final = "node-red@4"
"""Version 5 wants a newer Node than Debian has."""

Flow = list[dict[str, Any]]


async def check(folder: Path, broker_port: int, serial: str) -> list[str]:
    """What is wrong with the flow, in words; nothing when all is well. Takes a minute and a half.

    `folder`: where Node-RED is installed, once, and keeps its files. On the broker at 127.0.0.1 a bridge publishes the
    gateway `serial`. The load is driven by values of ours, below a base topic of our own that nobody else listens to.
    """
    await install(folder)
    flow = json.loads(FLOWS.read_text())
    async with node_red(folder) as server:
        await server.deploy(_set_up(flow, broker_port, "envoy", {"GATEWAY": serial}))
        async with Household.on(broker_port, "envoy", serial) as house:
            complaints = await _shows(server, house)
        async with Household.on(broker_port, "driven", "122300000001") as house:
            driven = _set_up(flow, broker_port, house.base, SETTINGS)
            await server.deploy(driven)
            complaints += await complaints_about_the_load(house)
            complaints += await _warns(server, house)
            house.says(RICH)()  # retained
            await server.deploy(driven)
            if await switches_on_by_itself(house):
                complaints.append("switched on by a value that the broker had kept")
        return complaints + server.trouble()


async def install(folder: Path) -> None:
    """Install Node-RED below `folder`, if it is not there. FileNotFoundError, RuntimeError: it cannot be done."""
    if _program(folder).exists():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not there: apt-get install nodejs npm")
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        npm, "install", "--no-fund", "--no-audit", "--prefix", str(folder), PACKAGE
    )
    if await process.wait():
        raise RuntimeError(f"npm could not install {PACKAGE}; what it said is above")


def _program(folder: Path) -> Path:
    return folder / "node_modules/node-red/red.js"


@dataclass(frozen=True, slots=True)
class Server:
    """A running Node-RED. `log`: the file with what it says."""

    url: str
    session: ClientSession
    log: Path

    async def deploy(self, flow: Flow) -> None:
        """Import a flow in place of what was there, and start it: the editor's Import and Deploy."""
        how = {"Node-RED-Deployment-Type": "full"}
        async with self.session.post(f"{self.url}/flows", json=flow, headers=how) as reply:
            reply.raise_for_status()

    async def ready(self) -> None:
        """Return when it answers; TimeoutError if it does not."""
        for _ in range(300):
            if await self._answers():
                return
            await asyncio.sleep(0.2)
        raise TimeoutError(f"Node-RED does not answer; its log is {self.log}")

    async def _answers(self) -> bool:
        try:
            async with self.session.get(f"{self.url}/flows") as reply:
                return reply.ok
        except ClientError:
            return False

    async def page(self) -> str:
        """The page that the flow makes; empty while there is none."""
        async with self.session.get(f"{self.url}/envoy") as reply:
            return await reply.text() if reply.ok else ""

    async def shows(self, *patterns: str, within: float = 10.0) -> bool:
        """Whether the page comes to match all of these (regular expressions)."""
        for _ in range(int(within * 4)):
            page = await self.page()
            if all(re.search(pattern, page) for pattern in patterns):
                return True
            await asyncio.sleep(0.25)
        return False

    def trouble(self) -> list[str]:
        """What Node-RED complains of, about nodes of the flow; that it keeps no projects is none of it."""
        lines = self.log.read_text().splitlines()
        return [f"Node-RED says: {line}" for line in lines if re.search(r"\[error\]|\[warn\] \[", line)]


@asynccontextmanager
async def node_red(folder: Path) -> AsyncIterator[Server]:
    """Node-RED on a free loopback port, without any flow, as long as this lasts."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    options = {"uiHost": "127.0.0.1", "uiPort": port, "credentialSecret": False, "telemetry": {"enabled": False}}
    (home / "settings.js").write_text(f"module.exports = {json.dumps(options)};\n")
    log = home / "log"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            "node", str(_program(folder)), "-u", str(home), stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out
        )
    try:
        async with ClientSession(timeout=ClientTimeout(10)) as session:
            server = Server(f"http://127.0.0.1:{port}", session, log)
            await server.ready()
            yield server
    finally:
        process.terminate()
        await process.wait()


def _set_up(flow: Flow, broker_port: int, base: str, settings: Mapping[str, object]) -> Flow:
    """The flow with what a user changes in it: the broker, the base topic, environment variables of the tab."""
    return [_changed(node, broker_port, base, settings) for node in flow]


def _changed(node: dict[str, Any], broker_port: int, base: str, settings: Mapping[str, object]) -> dict[str, Any]:
    if node["type"] == "mqtt-broker":
        return {**node, "broker": "127.0.0.1", "port": str(broker_port)}
    if node["type"] == "mqtt in":
        return {**node, "topic": node["topic"].replace("envoy/", f"{base}/", 1)}
    if node["type"] == "tab":
        environment = [{**it, "value": str(settings.get(it["name"], it["value"]))} for it in node["env"]]
        return {**node, "env": environment}
    return node


async def _shows(server: Server, house: Household) -> list[str]:
    """The page has the numbers that the bridge publishes."""
    for _ in range(120):
        page = await server.page()
        cells = {name: re.search(f'id="{name}">([^<]*)<', page) for name in ("production", "grid")}
        shown = [cell.group(1) if cell else "" for cell in cells.values()]
        if all(shown) and shown in house.told:
            return []
        await asyncio.sleep(0.25)
    return [f"the page shows {shown} as production and grid; the bridge said {house.told[-5:]}"]


async def _warns(server: Server, house: Household) -> list[str]:
    """A dead inverter and advice are told, what is only a note is not."""
    complaints = []
    inverter = "482200000001"
    for availability in ("online", "offline", "", "offline"):  # the empty one: the gateway was away for a while
        house.inverter(inverter, availability)
    house.event("warning", "advice_ct_reversed", "the CT <b>of</b> L2 is the wrong way round")
    house.event("info", "token_renewed", "nobody needs to know this")
    if not await server.shows(f"{inverter} does not report", r"the CT &lt;b&gt;of&lt;"):
        complaints.append(f"no warning of a dead inverter, or of advice: {await server.page()}")
    house.inverter(inverter, "online")
    if not await server.shows(f"{inverter} reports again"):
        complaints.append("an inverter that reports again is not told")
    page = await server.page()
    if page.count("does not report") != 1 or "nobody needs to know" in page:
        complaints.append(f"more is told than there is: {page}")
    return complaints

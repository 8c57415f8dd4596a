"""What there is to see: a broker, simulated gateways and clouds, and the daemon that reads them."""

import asyncio
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import asdict

from envoy_bridge.clock import Clock
from envoy_bridge.demo import household
from envoy_bridge.demo_clouds import simulated
from envoy_bridge.settings import Cloud
from envoy_bridge.simulator.gateway import SimulatedGateway
from envoy_bridge.simulator.har import Recorded, Recording, World
from envoy_bridge.simulator.live import LiveWorld
from envoy_bridge.simulator.login import PASSWORD, USERNAME, TokenService
from envoy_bridge.values import Secret
from scripts._bench.processes import Broker, Process
from scripts._subscribers.release import Style

LARGE: Final = "d8_3_three_phase_battery_pv3p"
"""Three phases, six meters, batteries."""

SMALL: Final = "d7_6_cts_disabled"
"""Not metered: its inverters are all it knows of production."""

INVERTERS: Final = 20
USUAL: Final = 'fast = "5s"\nslow = "10s"\ninverters = "60s"'
CALM: Final = 'fast = "120s"\nslow = "300s"\ninverters = "300s"'
"""How often a gateway is asked, by the daemon's clock, which may be a fast one."""

_LISTS: Final = ("/api/v1/production/inverters", "/ivp/pdm/device_data", "/inventory.json")
"""The endpoints that list inverters."""

START_HOUR: Final = 11.0
_DAY: Final = 86400.0
_EID: Final = 256
"""From one inverter's number to the next."""

Row = dict[str, Any]


@dataclass(slots=True)
class House:
    """All of it, running. `gateways`: by name of the household. `clouds`: their sections of the configuration."""

    folder: Path
    broker: Broker
    tokens: TokenService
    gateways: Mapping[str, SimulatedGateway]
    recordings: Mapping[str, Recording]
    worlds: Mapping[str, World]
    clouds: Mapping[str, Row]
    daemon: Process | None = None

    def start(self, style: Style, *, hurried: bool = False) -> None:
        """Start the daemon, with announcements of this style. `hurried`: with a fast clock, and without the clouds."""
        settings = self._configured(style, CALM, {}) if hurried else self._configured(style, USUAL, self.clouds)
        process = Daemon(self.folder, settings, hurried=hurried)
        process.__enter__()
        self.daemon = process

    async def stop(self) -> None:
        """Ask the daemon to end, and wait until it has."""
        daemon, self.daemon = self.daemon, None
        if daemon is not None:
            await asyncio.to_thread(daemon.__exit__, None, None, None)

    async def kill(self) -> float:
        """End the daemon as a power cut does. Returns when, monotonic."""
        daemon, self.daemon = self.daemon, None
        if daemon is None:
            raise RuntimeError("the daemon does not run")
        begin = time.monotonic()
        daemon.process.kill()
        await asyncio.to_thread(daemon.__exit__, None, None, None)
        return begin

    def lose_an_inverter(self) -> str:
        """Take one off the list of the large house, a day ago as the daemon's files have it; it must not run.

        Returns its serial number.
        """
        recording = self.recordings[LARGE]
        lost = inverters_of(recording)[-1]
        self.gateways[LARGE].become(_Fewer(self.worlds[LARGE], frozenset({lost})))
        path = self.folder / "state" / "roster" / f"{recording.serial}.json"
        book = msgspec.json.decode(path.read_bytes())
        book["parts"][f"inverter/{lost}"]["seen"] -= _DAY
        path.write_bytes(msgspec.json.encode(book))
        return lost

    def _configured(self, style: Style, cadences: str, clouds: Mapping[str, Row]) -> Path:
        lines = [
            f'[mqtt]\nhost = "127.0.0.1"\nport = {self.broker.port}',
            f'[login]\nenlighten = "{self.tokens.url}"\nentrez = "{self.tokens.url}"',
            f'[state]\ndirectory = "{self.folder / "state"}"',
            f'[web]\nlisten = "127.0.0.1:{free_port()}"',
            f'[homeassistant]\ndiscovery = "{style}"',
        ]
        for gateway in self.gateways.values():
            lines.append(f'[[gateway]]\nhost = "127.0.0.1:{gateway.https_port}"\n{cadences}')
            lines.append(f'username = "{USERNAME}"\npassword = "{PASSWORD}"')
        for name, keys in clouds.items():
            lines.append("\n".join([f"[cloud.{name}]", *(f'{key} = "{value}"' for key, value in keys.items())]))
        path = self.folder / "config.toml"
        path.write_text("\n".join(lines) + "\n")
        return path


class Daemon(Process):
    """`envoy-bridge run`, or the same `hurried`. Its log is in the folder."""

    def __init__(self, folder: Path, settings: Path, *, hurried: bool) -> None:
        program = "scripts._subscribers.hurried" if hurried else "envoy_bridge run --config"
        shell = f'exec "$0" -m {program} "$1" 2>>"$2"'
        super().__init__(["/bin/sh", "-c", shell, sys.executable, settings, folder / "daemon.log"])


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    """The house, without its daemon: that is for the caller to start."""
    await asyncio.to_thread(_cleared, folder)
    recordings = {name: Recording.from_har(household(name)) for name in (LARGE, SMALL)}
    first = inverters_of(recordings[LARGE])
    more = [f"{int(first[0]) + 100_000 + n}" for n in range(INVERTERS - len(first))]
    recordings[LARGE] = with_inverters(recordings[LARGE], more)
    worlds = {name: LiveWorld(recording, Clock(), start_hour=START_HOUR) for name, recording in recordings.items()}
    async with AsyncExitStack() as stack:
        broker = stack.enter_context(Broker(folder))
        tokens = await stack.enter_async_context(TokenService())
        gateways = {
            name: await stack.enter_async_context(SimulatedGateway(world, tokens=tokens))
            for name, world in worlds.items()
        }
        clouds = await stack.enter_async_context(
            simulated(recordings[LARGE], Clock(), hour=START_HOUR, day=_DAY, state=folder / "state")
        )
        place = House(folder, broker, tokens, gateways, recordings, worlds, sections(clouds.sections))
        try:
            yield place
        finally:
            await place.stop()


def _cleared(folder: Path) -> None:
    """Leave nothing of an earlier run, but Home Assistant, which does so itself."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / "state", ignore_errors=True)
    (folder / "daemon.log").unlink(missing_ok=True)


def free_port() -> int:
    """A port of loopback on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def sections(clouds: Cloud) -> dict[str, Row]:
    """What stands in the configuration about them, secrets in plain words."""
    return {
        name: {
            key: value.reveal() if isinstance(value, Secret) else value
            for key, value in asdict(section).items()
            if isinstance(value, str | Secret)
        }
        for name, section in asdict(clouds).items()
        if section is not None
    }


# --- a recording with other inverters


def inverters_of(recording: Recording) -> list[str]:
    """The serial numbers of its inverters, in the order of the gateway's list."""
    rows = msgspec.json.decode(recording.replies["/api/v1/production/inverters"].body)
    return [str(row["serialNumber"]) for row in rows]


def with_inverters(recording: Recording, serials: Sequence[str]) -> Recording:
    """The same household, and inverters of these serial numbers too. They are like those that it has."""
    known = inverters_of(recording)
    change = _Change(like={serial: known[n % len(known)] for n, serial in enumerate(serials)})
    rewritten = {path: change.of(path, reply) for path, reply in recording.replies.items()}
    return replace(recording, replies=rewritten)


@dataclass(frozen=True, slots=True)
class _Fewer:
    """A world in which the gateway no longer lists some inverters. What they made it still has counted."""

    world: World
    gone: frozenset[str]

    def reply(self, path: str, now: float) -> Recorded | None:
        """See `World`."""
        reply = self.world.reply(path, now)
        return None if reply is None else _Change(gone=self.gone).of(path, reply)


@dataclass(frozen=True, slots=True)
class _Change:
    """Serial numbers of inverters that go; and of those that come, with the one each is like."""

    gone: frozenset[str] = frozenset()
    like: Mapping[str, str] = field(default_factory=dict)

    def of(self, path: str, reply: Recorded) -> Recorded:
        """The reply of an endpoint, changed if it lists inverters."""
        if not path.startswith(_LISTS):
            return reply
        return replace(reply, body=msgspec.json.encode(self._rows(msgspec.json.decode(reply.body))))

    def _rows(self, body: Any) -> Any:  # noqa: ANN401 - JSON as it comes
        if isinstance(body, dict):
            return self._numbered(body)
        if body and "devices" in body[0]:
            return [group | {"devices": self._listed(group["devices"], "serial_num")} for group in body]
        return self._listed(body, "serialNumber")

    def _numbered(self, body: Row) -> Row:
        devices = {key: row for key, row in body.items() if isinstance(row, dict)}
        found = {row["sn"]: row for row in devices.values()}
        kept = {key: row for key, row in body.items() if key not in devices or row["sn"] not in self.gone}
        last = max(map(int, devices))
        copies = enumerate(self.like.items(), 1)
        return kept | {str(last + _EID * n): found[model] | {"sn": serial} for n, (serial, model) in copies}

    def _listed(self, rows: Sequence[Row], key: str) -> list[Row]:
        found = {str(row[key]): row for row in rows}
        kept = [row for serial, row in found.items() if serial not in self.gone]
        return kept + [found[model] | {key: serial} for serial, model in self.like.items() if model in found]

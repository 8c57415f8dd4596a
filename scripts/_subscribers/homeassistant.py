"""A headless Home Assistant on loopback: seeded with our broker, its owner made over its own API."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final, Self

import aiohttp

from scripts._subscribers.client import Client
from scripts._subscribers.release import Release

STARTS_WITHIN: Final = 600.0
"""Seconds; at the very first start it fetches what its integrations need."""

STOPS_WITHIN: Final = 60.0
OWNER: Final = {"name": "Owner", "username": "owner", "password": "only-for-tests", "language": "en"}
LOOK_EVERY: Final = 0.2

_CONFIGURATION: Final = """\
homeassistant: {{name: House, latitude: 48.2, longitude: 16.4, elevation: 180, unit_system: metric,
  time_zone: Europe/Vienna, currency: EUR, country: AT}}
http: {{server_host: 127.0.0.1, server_port: {port}}}
frontend:
config:
history:
energy:
recorder: {{commit_interval: 1}}
logger: {{default: warning}}
"""

_HEAD: Final = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ (\w+) ")
_LOUD: Final = ("WARNING", "ERROR", "CRITICAL", "FATAL")


class HomeAssistant:
    """One release, running inside its `with`. `client` is logged in as the owner. Its files are in `folder`."""

    def __init__(self, release: Release, folder: Path, port: int, broker_port: int) -> None:
        self.release = release
        self.url = f"http://127.0.0.1:{port}"
        self.client = Client(self.url)
        self._folder = folder
        self._seed(port, broker_port)
        self._process: asyncio.subprocess.Process | None = None
        self._noise: list[str] = []

    async def __aenter__(self) -> Self:
        try:
            await self._launch()
            await self._onboard()
            await self._ready()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.client.close()
        await self.stop()

    async def start(self) -> float:
        """Start it again. Returns the seconds until it has loaded everything."""
        begin = time.monotonic()
        await self._launch()
        await self._ready()
        return time.monotonic() - begin

    async def stop(self) -> None:
        """End it as an owner does, so that it writes what it wants to keep. Does nothing when it has ended."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        await self.client.hang_up()
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOPS_WITHIN):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        self._noise += loud(self._log)
        self._log.unlink(missing_ok=True)

    def noise(self) -> list[str]:
        """All that its log had to warn of until now, each entry with the lines that belong to it."""
        return [*self._noise, *loud(self._log)]

    @property
    def _log(self) -> Path:
        return self._folder / "home-assistant.log"

    def _seed(self, port: int, broker_port: int) -> None:
        storage = self._folder / ".storage"
        shutil.rmtree(self._folder, ignore_errors=True)
        storage.mkdir(parents=True)
        (self._folder / "configuration.yaml").write_text(_CONFIGURATION.format(port=port))
        entry = {
            "entry_id": "0123456789abcdef0123456789abcdef",
            "version": 1,
            "domain": "mqtt",
            "title": "Broker",
            "data": {"broker": "127.0.0.1", "port": broker_port, "discovery": True},
            "options": {},
            "pref_disable_new_entities": False,
            "pref_disable_polling": False,
            "source": "user",
            "unique_id": None,
            "disabled_by": None,
        }
        entries = {"version": 1, "minor_version": 1, "key": "core.config_entries", "data": {"entries": [entry]}}
        (storage / "core.config_entries").write_text(json.dumps(entries))

    async def _launch(self) -> None:
        binaries = self.release.environment / "bin"
        environ = {"HOME": str(self._folder), "VIRTUAL_ENV": str(binaries.parent)}
        with (self._folder / "output.txt").open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                binaries / "hass",
                "--config",
                self._folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=os.environ | environ | {"PATH": f"{binaries}:{os.environ.get('PATH', '')}"},
                start_new_session=True,
            )
        async for _ in self._watched("answers"):
            with contextlib.suppress(aiohttp.ClientError):
                if await self.client.answers():
                    return

    async def _onboard(self) -> None:
        await self.client.onboard(OWNER)

    async def _ready(self) -> None:
        async for _ in self._watched("is ready"):
            with contextlib.suppress(aiohttp.ClientError):
                state = await self.client.configuration()
                if state["state"] == "RUNNING" and "mqtt" in state["components"]:
                    return

    async def _watched(self, what: str) -> AsyncIterator[None]:
        deadline = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < deadline:
            yield
            if self._process is None or self._process.returncode is not None:
                raise RuntimeError(f"Home Assistant ended by itself; see {self._folder}/output.txt")
            await asyncio.sleep(LOOK_EVERY)
        raise TimeoutError(f"not within {STARTS_WITHIN:g} s: Home Assistant {what}; see {self._folder}/output.txt")


def loud(log: Path) -> list[str]:
    """The warnings and errors of a log, each with the lines that follow it."""
    return [entry for entry in _entries(log) if (head := _HEAD.match(entry)) and head[1] in _LOUD]


def _entries(log: Path) -> Iterator[str]:
    lines: list[str] = []
    for line in log.read_text().splitlines() if log.exists() else ():
        if _HEAD.match(line) and lines:
            yield "\n".join(lines)
            lines = []
        lines.append(line)
    if lines:
        yield "\n".join(lines)

"""The program as a user runs it: `python -m envoy_bridge` in a process of its own, with all that is around it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from broker import Broker, Received, Subscriber
from households import FIXTURES
from paho.mqtt import publish
from waiting import until

from envoy_bridge.app import Bridge
from envoy_bridge.clock import Clock
from envoy_bridge.config import load
from envoy_bridge.simulator.gateway import SimulatedGateway
from envoy_bridge.simulator.har import Recording
from envoy_bridge.simulator.login import PASSWORD, USERNAME, TokenService
from envoy_bridge.sinks.base import Sink

ROOT = Path(__file__).parent.parent
PYTHON = sys.executable
QUIET = {"homeassistant": {"discovery": "off"}, "history": {"enabled": False}, "web": {"listen": ""}}
"""Sections that turn off what is on by default and says at start that it is not there yet."""

signal.signal(signal.SIGINT, signal.default_int_handler)  # in a shell's background it is ignored, by our children too


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What the program gets to see of the environment: nothing of whoever runs the tests."""
    given = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
    return {**given, "HOME": str(folder), "STATE_DIRECTORY": str(folder / "state"), **more}


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str


async def command(folder: Path, *arguments: object, module: str = "envoy_bridge", **environ: str) -> Finished:
    """Run a command in `folder` to its end, while the simulators of the test go on."""
    words = [PYTHON, "-m", module, *map(str, arguments)]
    done = await asyncio.to_thread(
        subprocess.run,
        words,
        cwd=folder,
        env=environment(folder, **environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


class Program:
    """A command that runs until it is told to end. What it writes goes to files, which can be read meanwhile."""

    def __init__(self, folder: Path, *arguments: object, **environ: str) -> None:
        self._out, self._err = folder / f"{arguments[0]}.out", folder / f"{arguments[0]}.err"
        with self._out.open("ab") as out, self._err.open("ab") as err:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [PYTHON, "-m", "envoy_bridge", *map(str, arguments)],
                cwd=folder,
                env=environment(folder, **environ),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def arguments(self) -> str:
        """What everybody on the machine can see of it."""
        return Path(f"/proc/{self._process.pid}/cmdline").read_text()

    @property
    def loaded(self) -> str:
        """The files that it has in its memory, libraries among them."""
        return Path(f"/proc/{self._process.pid}/maps").read_text()

    @property
    def code(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.poll()

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log so far: the lines that are complete."""
        return [json.loads(line) for line in self.err.splitlines(keepends=True) if line.endswith("\n")]

    def codes(self) -> list[str]:
        """What the log says, without the particulars."""
        return [line["event"] for line in self.log]

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def ended(self, within: float = 5.0) -> int:
        """The exit code, as soon as there is one."""
        await until(lambda: self.code is not None, within)
        assert self.code is not None
        return self.code

    async def stop(self) -> float:
        """Ask it to end. Returns the seconds that it took, if it ended well."""
        begun = time.monotonic()
        self.signal(signal.SIGTERM)
        assert await self.ended() == 0, self.err
        return time.monotonic() - begun

    async def kill(self) -> None:
        """End it at once, as a power cut does. Does nothing when it has ended."""
        self._process.kill()
        await asyncio.to_thread(self._process.wait)


@asynccontextmanager
async def running(folder: Path, *arguments: object, **environ: str) -> AsyncIterator[Program]:
    """A command that runs meanwhile; afterwards it is stopped, and must not have met anything that nobody foresaw."""
    program = Program(folder, *arguments, **environ)
    try:
        yield program
        if program.code is None:
            await program.stop()
    finally:
        await program.kill()
    assert "Traceback" not in program.err
    assert "Warning" not in program.err


@dataclass(slots=True)
class Site:
    """A broker, the token service, gateways by name of their household, and a folder for a configuration."""

    folder: Path
    broker: Broker
    tokens: TokenService
    gateways: dict[str, SimulatedGateway] = field(default_factory=dict)
    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The [[gateway]] of each, which a test may change before it writes the configuration."""

    def configure(self, name: str = "config.toml", **sections: Any) -> Path:
        """Write a configuration for all of it; `sections` come on top, those of `mqtt` key by key."""
        mqtt = {"host": "127.0.0.1", "port": self.broker.port, **sections.pop("mqtt", {})}
        login = {"enlighten": self.tokens.url, "entrez": self.tokens.url}
        whole = {
            "mqtt": mqtt,
            "login": login,
            "state": {"directory": str(self.folder / "state")},
            **QUIET,
            "gateway": list(self.sections.values()),
            **sections,
        }
        return write(self.folder / name, whole)

    @asynccontextmanager
    async def bridge(
        self, clock: Clock, *extra: Sink, config: Path | None = None, **environ: str
    ) -> AsyncIterator[Bridge]:
        """The same inside the test's process, where its time can be made to run; from its start to its clean end."""
        bridge = Bridge(load(config or self.configure(), {}), environ, clock=clock, extra=extra)
        task = asyncio.create_task(bridge.run())
        try:
            yield bridge
        finally:
            bridge.ended.set()
            await asyncio.wait_for(task, 5)

    @asynccontextmanager
    async def daemon(self, config: Path | None = None, **environ: str) -> AsyncIterator[Program]:
        """The daemon, as long as this lasts."""
        async with running(self.folder, "run", "--config", config or self.configure(), **environ) as program:
            yield program
        assert program.out == "", "what it has to say is in the log"

    async def retained(self, topic: str = "envoy/#") -> dict[str, Received]:
        """What somebody finds on the broker who comes now, by topic."""
        return await retained(self.broker.port, topic)


@asynccontextmanager
async def site(
    folder: Path, *worlds: str | Recording, broker: Broker | None = None, **keys: Any
) -> AsyncIterator[Site]:
    """Gateways for these households, which the daemon polls fast; `keys` go into every [[gateway]]."""
    async with AsyncExitStack() as stack:
        tokens = await stack.enter_async_context(TokenService())
        place = Site(folder, stack.enter_context(broker or Broker(folder)), tokens)
        for world in worlds:
            recording = household(world) if isinstance(world, str) else world
            name = world if isinstance(world, str) else recording.serial
            gateway = await stack.enter_async_context(SimulatedGateway(recording, tokens=tokens))
            place.gateways[name] = gateway
            place.sections[name] = section(recording, gateway) | keys
        yield place


@cache
def household(name: str) -> Recording:
    return Recording.from_har(FIXTURES / f"{name}.har")


def section(recording: Recording, gateway: SimulatedGateway) -> dict[str, Any]:
    """The [[gateway]] that polls this one."""
    cadences = {"fast": "1s", "slow": "10s", "inverters": "60s"}
    if recording.needs_token:
        return {"host": f"127.0.0.1:{gateway.https_port}", "username": USERNAME, "password": PASSWORD, **cadences}
    return {"host": f"127.0.0.1:{gateway.port}", **cadences}


def write(path: Path, sections: Mapping[str, Any]) -> Path:
    """A configuration file that only its owner can read; a list makes a section with two brackets each."""
    lines: list[str] = []
    for name, section_or_list in sections.items():
        many = isinstance(section_or_list, list)
        for keys in section_or_list if many else [section_or_list]:
            lines.append(f"[[{name}]]" if many else f"[{name}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)
    return path


async def say(port: int, topic: str, payload: str = "", *, retain: bool = False) -> None:
    """Publish one message, as any subscriber of the broker can."""
    await asyncio.to_thread(publish.single, topic, payload, qos=1, retain=retain, hostname="127.0.0.1", port=port)


async def retained(port: int, topic: str = "envoy/#") -> dict[str, Received]:
    """What somebody finds on the broker who comes now, by topic."""
    async with Subscriber(port, "#") as fresh:
        await say(port, "test/end")  # comes after all that was there before
        await until(lambda: fresh.payloads("test/end"))
        return {message.topic: message for message in fresh.messages if message.retain and _below(message.topic, topic)}


def leaves(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, str | None]]:
    """The topics and payloads that a JSON `state` stands for; None for what is unknown.

    What the gateway itself said of a counter, and what is estimated, stands in no topic.
    """
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        elif not key.endswith("_raw") and key != "estimated":
            yield "/".join((*path, key)), value if isinstance(value, str | None) else json.dumps(value)


def _below(topic: str, wanted: str) -> bool:
    return topic.startswith(wanted.removesuffix("#"))

"""The main job without panels, broker, account or configuration: a simulated household, and a broker of our own."""

import asyncio
import logging
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from envoy_bridge.app import Bridge
from envoy_bridge.clock import Clock
from envoy_bridge.config import Config, Duration, Gateway, History, HomeAssistant, Login, Mqtt, Secret, State, Web
from envoy_bridge.errors import ConfigurationError
from envoy_bridge.simulator.gateway import SimulatedGateway
from envoy_bridge.simulator.har import Recording
from envoy_bridge.simulator.live import DAY as REAL_DAY
from envoy_bridge.simulator.live import LiveWorld
from envoy_bridge.simulator.login import PASSWORD, USERNAME, TokenService
from envoy_bridge.sinks.terminal import Terminal

HOUSEHOLD: Final = "d8_3_three_phase_battery_pv3p"
DAY: Final = 1800.0
"""Seconds of real time that the demo's day takes."""

START_HOUR: Final = 10.5
USUAL_PORT: Final = 1883


async def demo(seconds: float | None, *, clouds: bool = False) -> None:
    """Simulate, poll, publish and show; until `seconds` have passed, or for ever. `clouds`: those of vendors, too."""
    started = time.monotonic()
    clock = Clock()
    recording = Recording.from_har(household(HOUSEHOLD))
    day = REAL_DAY if clouds else DAY  # clouds are minutes late, which would be hours of a fast day
    world = LiveWorld(recording, clock, day=day, start_hour=START_HOUR)
    directory = tempfile.mkdtemp(prefix="envoy-bridge-demo-")
    port = broker_port()
    try:
        async with (
            broker(port),
            TokenService() as tokens,
            SimulatedGateway(world, tokens=tokens) as gateway,
            AsyncExitStack() as stack,
        ):
            config, view = _config(port, gateway, tokens, directory), Terminal(sys.stdout)
            vendors = None
            if clouds:
                from envoy_bridge.demo_clouds import CloudTerminal, simulated  # noqa: PLC0415 - only who wants them

                how = {"hour": START_HOUR, "day": day}
                vendors = await stack.enter_async_context(simulated(recording, clock, **how, state=Path(directory)))
                config, view = replace(config, cloud=vendors.sections), CloudTerminal(sys.stdout)
            _greet(port, recording, started, day)
            bridge = Bridge(config, {}, extra=[view])
            _end_by(bridge.ended, seconds)
            await bridge.run()
            requests = len(gateway.requests)
        sys.stdout.write(
            f"\nThe demo ran {time.monotonic() - started:.0f} s: {requests} requests to the gateway, "
            f"{view.cycles} cycles, {tokens.logins} login.\n"
        )
        if vendors is not None:
            sys.stdout.write(f"Requests to the clouds: {vendors.requests()}.\n")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _end_by(ended: asyncio.Event, seconds: float | None) -> None:
    """End on Ctrl-C, on SIGTERM, or after so many seconds."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    if seconds is not None:
        loop.call_later(seconds, ended.set)


def broker_port() -> int:
    """The usual port of brokers if nobody listens there, else a free one."""
    for port in (USUAL_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ConfigurationError("no port is free on this machine")


def household(name: str) -> Path:
    """One of the households that we made up: beside the package in a checkout, inside it where it is installed."""
    for folder in (Path(__file__).parent / "fixtures", Path(__file__).parent.parent / "fixtures"):
        path = folder / f"{name}.har"
        if path.exists():
            return path
    raise ConfigurationError(f"{name}.har is not there: install envoy-bridge anew")


def _config(port: int, gateway: SimulatedGateway, tokens: TokenService, directory: str) -> Config:
    return Config(
        mqtt=Mqtt(host="127.0.0.1", port=port, protocol="3.1.1"),  # all that the embedded broker speaks
        gateway=(
            Gateway(
                host=f"127.0.0.1:{gateway.https_port}",
                username=USERNAME,
                password=Secret(PASSWORD),
                fast=Duration(1),
                slow=Duration(10),
                inverters=Duration(60),
            ),
        ),
        login=Login(enlighten=tokens.url, entrez=tokens.url),
        homeassistant=HomeAssistant(discovery="off"),
        history=History(enabled=False),
        web=Web(listen=""),
        state=State(directory=directory),
    )


def _greet(port: int, recording: Recording, started: float, day: float) -> None:
    sys.stdout.write(
        f"Simulated: gateway {recording.serial}, firmware {recording.firmware}, three phases, battery, a day in "
        f"{day / 60:.0f} minutes (ready after {time.monotonic() - started:.1f} s).\n"
        f"The same topics as from a real gateway, from another terminal:\n"
        f"    mosquitto_sub{'' if port == USUAL_PORT else f' -p {port}'} -t 'envoy/#' -v\n"
        f"The configuration to copy for your own: {example()}. Ctrl-C ends this.\n\n"
    )
    sys.stdout.flush()


def example() -> Path:
    """The example configuration, as short as it can be named from here."""
    path = Path(__file__).parent / "config.example.toml"
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


@asynccontextmanager
async def broker(port: int) -> AsyncIterator[None]:
    """An MQTT broker in this process, on loopback.

    Raises:
        ConfigurationError: the extra that brings it is not installed.
    """
    try:
        from amqtt.broker import Broker  # noqa: PLC0415 - an extra, which the daemon never loads
    except ImportError as error:
        raise ConfigurationError("the demo needs a broker: pip install 'envoy-bridge[demo]'") from error
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    logging.getLogger("transitions").setLevel(logging.CRITICAL)
    embedded = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    await embedded.start()
    try:
        yield
    finally:
        await embedded.shutdown()

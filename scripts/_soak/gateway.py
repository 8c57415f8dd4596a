"""A live simulated gateway in a process of its own, which tells what it is asked and what it says of its meters.

It prints where it is (one line of JSON, `Served`), then a line for each `Asked` and `Said`.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
from aiohttp import web

from envoy_bridge.demo import household
from envoy_bridge.simulator.faults import Exchange
from envoy_bridge.simulator.gateway import SimulatedGateway
from envoy_bridge.simulator.har import Recording, World
from envoy_bridge.simulator.live import LiveWorld
from envoy_bridge.simulator.login import TokenService
from envoy_bridge.simulator.server import REAL_TIME
from scripts._bench.simulator import Gateway, Served

METERS, READINGS = "/ivp/meters", "/ivp/meters/readings"
OK = 200

TELL_EVERY = 0.1
STALL_FIRST, STALL_EVERY, STALL_FOR = 90.0, 600.0, 85.0
"""Seconds after the start, and from one stall to the next; how long an endpoint hangs."""

STARTED = 20.0
"""Seconds after which a request no longer belongs to the daemon's start: it will be asked again."""


class Asked(msgspec.Struct, frozen=True, tag=True):
    """A request that has ended. `time`: when it came, monotonic. `status`: None when the client went away."""

    time: float
    path: str
    status: int | None


class Said(msgspec.Struct, frozen=True, tag=True):
    """The readings, just before they are sent. `powers`: W by flow and phase, as in `production/l1`."""

    time: float
    powers: dict[str, float]


class Stalled(msgspec.Struct, frozen=True, tag=True):
    """The endpoint that hangs at its next request."""

    time: float
    path: str


class _Meter(msgspec.Struct):
    eid: int
    state: str
    measurement_type: str = msgspec.field(name="measurementType")
    phases: int = msgspec.field(name="phaseCount")

    @property
    def flow(self) -> str:
        """What our topics call it."""
        return self.measurement_type.removeprefix("total-").replace("-", "_")


class _Channel(msgspec.Struct):
    power: float = msgspec.field(name="activePower")


class _Reading(msgspec.Struct):
    eid: int
    power: float = msgspec.field(name="activePower")
    channels: list[_Channel]


def powers(meters: Sequence[_Meter], body: bytes) -> dict[str, float]:
    """The power of each enabled meter and its phases. Read anew here: the daemon's own decoder is what is judged."""
    readings = {reading.eid: reading for reading in msgspec.json.decode(body, type=list[_Reading])}
    said = {}
    for meter in meters:
        if meter.state == "enabled":
            said[f"{meter.flow}/total"] = readings[meter.eid].power
            lines = enumerate(readings[meter.eid].channels[: meter.phases], 1)
            said |= {f"{meter.flow}/l{number}": channel.power for number, channel in lines}
    return said


@dataclass(slots=True)
class Stall:
    """From its first request on, the endpoint answers nothing for so many seconds."""

    until: float | None = None

    async def play(self, exchange: Exchange) -> web.Response:
        """See `Fault`."""
        now = time.monotonic()
        self.until = now + STALL_FOR if self.until is None else self.until
        await asyncio.sleep(max(0.0, self.until - now))
        return exchange.healthy()


class TellingGateway(SimulatedGateway):
    """A gateway that tells what it says of its meters."""

    def become(self, world: World) -> None:
        """See `SimulatedGateway`."""
        super().become(world)
        reply = world.reply(METERS, time.time())
        self._meters = msgspec.json.decode(reply.body, type=list[_Meter]) if reply else []

    def answer(self, request: web.BaseRequest, body: bytes) -> web.Response:
        """See `SimulatedGateway`."""
        answer = super().answer(request, body)
        if request.path == READINGS and answer.status == OK and isinstance(answer.body, bytes):
            tell(Said(time.monotonic(), powers(self._meters, answer.body)))
        return answer


def tell(what: Served | Asked | Said | Stalled) -> None:
    """One line."""
    print(msgspec.json.encode(what).decode(), flush=True)


async def tell_requests(gateway: SimulatedGateway, asked: dict[str, float]) -> None:
    """Tell each request when it has ended, and forget it. `asked` gets when a path last was, once all has started."""
    begin = time.monotonic() + STARTED
    while True:
        requests = gateway.requests[:]
        gateway.requests.clear()
        for request in requests:
            tell(Asked(request.time, request.path, request.status))
            if request.status == OK and request.time > begin:
                asked[request.path] = request.time
        await asyncio.sleep(TELL_EVERY)


async def stall(gateway: SimulatedGateway, asked: Mapping[str, float]) -> None:
    """Let one endpoint after the other hang of those that are asked often enough, but never the meters' readings."""
    stalled: dict[str, float] = {}
    await asyncio.sleep(STALL_FIRST)
    while True:
        now = time.monotonic()
        others = [path for path, moment in asked.items() if path != READINGS and now - moment < STALL_EVERY]
        if others:
            path = min(others, key=lambda other: stalled.get(other, 0.0))
            gateway.faults = {path: Stall()}
            stalled[path] = now
            tell(Stalled(now, path))
        await asyncio.sleep(STALL_EVERY)


async def main(options: argparse.Namespace) -> None:
    """Serve until standard input ends."""
    recording = Recording.from_har(household(options.household))
    async with TokenService() as tokens, TellingGateway(LiveWorld(recording, REAL_TIME), tokens=tokens) as gateway:
        address = f"127.0.0.1:{gateway.https_port}"
        tell(Served(tokens.url, [Gateway(recording.serial, address, tokens.issue(recording.serial))]))
        asked: dict[str, float] = {}
        tasks = [asyncio.create_task(tell_requests(gateway, asked))]
        if options.stall:
            tasks.append(asyncio.create_task(stall(gateway, asked)))
        await asyncio.to_thread(sys.stdin.read)
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("household")
    parser.add_argument("--stall", action="store_true")
    asyncio.run(main(parser.parse_args()))

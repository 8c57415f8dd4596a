"""Simulated gateways in a process of their own. It prints where they are: one line of JSON (`Served`)."""

import argparse
import asyncio
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import replace

import msgspec
from aiohttp import web

from envoy_bridge.clock import Clock
from envoy_bridge.demo import household
from envoy_bridge.simulator.gateway import SimulatedGateway
from envoy_bridge.simulator.har import Recording
from envoy_bridge.simulator.live import DAY, LiveWorld
from envoy_bridge.simulator.login import TokenService

NOON = 13.0
STILL_SUN = DAY * 1e6
"""Seconds of a simulated day: at noon all values move."""


class Gateway(msgspec.Struct, frozen=True):
    """A gateway that is served. `address`: host:port of HTTPS. `token`: one that it takes."""

    serial: str
    address: str
    token: str


class Served(msgspec.Struct, frozen=True):
    """All that is served. `login`: URL of the token service."""

    login: str
    gateways: list[Gateway]


class StampedResponse(web.Response):
    """Prints when it began to be written, in seconds of the system's monotonic clock; who answers, and what."""

    source = ""
    """Address of the gateway, and the path."""

    async def write_eof(self, data: bytes = b"") -> None:
        """See `web.Response`."""
        begin = time.monotonic()  # and not the end: the reader may be faster than we are at looking at the clock
        await super().write_eof(data)
        print(f"{begin:.6f} {self.source}", flush=True)


class StampedGateway(SimulatedGateway):
    """A gateway whose answers are stamped."""

    def answer(self, request: web.BaseRequest, body: bytes) -> web.Response:
        """See `SimulatedGateway`."""
        answer = super().answer(request, body)
        stamped = StampedResponse(status=answer.status, body=answer.body, headers=answer.headers)
        stamped.source = f"127.0.0.1:{self.https_port} {request.path}"
        return stamped


def numbered(recording: Recording, number: int) -> Recording:
    """The same household with another serial number."""
    serial = f"{int(recording.serial) + number:012d}"
    old, new = recording.serial.encode(), serial.encode()
    replies = {path: replace(reply, body=reply.body.replace(old, new)) for path, reply in recording.replies.items()}
    return replace(recording, serial=serial, replies=replies)


async def main(options: argparse.Namespace) -> None:
    """Serve until standard input ends, as it does when the bench is gone."""
    clock = Clock.fast(options.speed)
    recordings = [numbered(Recording.from_har(household(options.household)), number) for number in range(options.count)]
    async with TokenService(clock=clock) as tokens, AsyncExitStack() as stack:
        kind = StampedGateway if options.stamp else SimulatedGateway
        worlds = [
            LiveWorld(each, clock, day=STILL_SUN, start_hour=NOON) if options.live else each for each in recordings
        ]
        gateways = [await stack.enter_async_context(kind(each, tokens=tokens, clock=clock)) for each in worlds]
        served = [
            Gateway(recording.serial, f"127.0.0.1:{gateway.https_port}", tokens.issue(recording.serial))
            for recording, gateway in zip(recordings, gateways, strict=True)
        ]
        print(msgspec.json.encode(Served(tokens.url, served)).decode(), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("household")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--live", action="store_true")
    parser.add_argument("--stamp", action="store_true")
    parser.add_argument("--speed", type=float, default=1.0, help="how fast the gateways' clock runs")
    asyncio.run(main(parser.parse_args()))

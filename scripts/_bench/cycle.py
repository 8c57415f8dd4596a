"""CPU of a poll cycle, from the request to the rendered messages, against a plain fetch of the same paths."""

import asyncio
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from envoy_bridge.clock import Clock
from envoy_bridge.config import Gateway, Login, Secret
from envoy_bridge.counters.keeper import Keeper
from envoy_bridge.gateway.assemble import bare, update
from envoy_bridge.gateway.auth import Tokens, log_in
from envoy_bridge.gateway.connect import connect
from envoy_bridge.gateway.enlighten import Enlighten
from envoy_bridge.gateway.known import Fields
from envoy_bridge.gateway.line import Line
from envoy_bridge.gateway.pin import PinnedTls
from envoy_bridge.gateway.plan import Plan
from envoy_bridge.gateway.poll import Poller
from envoy_bridge.gateway.probe import Probe
from envoy_bridge.gateway.rows import Cadence, Endpoint
from envoy_bridge.gateway.schedule import Schedule
from envoy_bridge.gateway.standing import Standing
from envoy_bridge.sinks.mqtt import Message
from envoy_bridge.sinks.topics import Topics
from envoy_bridge.watch import Watch
from scripts._bench.processes import Simulator
from scripts._bench.simulator import Served
from scripts._bench.table import Figure, spread

LIMIT = 1.25
BLOCK = 0.15
"""Seconds of CPU that a block takes about."""

Cycle = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Counter:
    """Takes messages and only counts them: kept, they would cost the garbage collector's time."""

    count: int = 0

    def take(self, _message: Message) -> None:
        """One more."""
        self.count += 1


@dataclass(frozen=True, slots=True)
class Contest:
    """Ours and the plain fetch, on the same gateway. `every`: all endpoints once, else the meters alone."""

    ours: Cycle
    plain: Cycle
    messages: Counter


@asynccontextmanager
async def contest(served: Served, *, every: bool) -> AsyncIterator[Contest]:
    """Both connected and logged in."""
    gateway, clock = served.gateways[0], Clock()
    settings = Gateway(host=gateway.address, token=Secret(gateway.token))
    messages = Counter()
    topics = Topics("envoy", {}, clock, deliver=messages.take, announce=messages.take)
    standing = Standing(gateway.serial, topics, clock)
    http, info = await connect(settings, gateway.serial)
    async with http:
        with tempfile.TemporaryDirectory() as folder:
            enlighten = Enlighten(Login(enlighten=served.login, entrez=served.login), Path(folder), clock)
            login = await log_in(http, info, settings, Tokens(settings, Path(folder), enlighten, clock))
        line = Line(http, login, standing, clock)
        plan, fields = await Probe(line.ask, info, clock.wall).survey()
        ours = _ours(line, plan, fields, topics, clock, every=every)
        paths = [plan.paths[each.id] for each in _asked(plan, every=every)]
        async with plain(http.url, paths, http.headers) as fetch:
            yield Contest(ours, fetch, messages)


def _asked(plan: Plan, *, every: bool) -> list[Endpoint]:
    """The endpoints of a cycle: those that tell something that is published."""
    return [each for each in plan.endpoints if plan.tells(each) and (every or each.cadence is Cadence.FAST)]


def _ours(line: Line, plan: Plan, fields: Fields, topics: Topics, clock: Clock, *, every: bool) -> Cycle:
    """The daemon's cycle, without its pauses."""
    asked = _asked(plan, every=every)
    hourly, answered = dict.fromkeys(Cadence, 3600.0), [each.id for each in plan.endpoints]
    schedule = Schedule.of(plan, hourly, answered, clock.monotonic())
    turns = [turn for turn in schedule.turns if turn.endpoint in asked]
    poller = Poller(line, plan, schedule, clock)
    folder = Path(tempfile.gettempdir()) / f"envoy-bridge-bench-{os.getpid()}"  # written once in five minutes
    keeper, watch = Keeper(folder, plan.info.serial, clock, lambda *_: None), Watch(None, lambda *_: None)

    async def cycle() -> None:
        nonlocal fields
        for turn in turns:
            turn.due = 0.0
        for _ in turns:
            fields = update(plan, fields, await poller.next())
            now = clock.wall()
            topics.snapshot(watch.look(keeper.keep(bare(plan, fields, now), plan), plan.meters, now))

    return cycle


@asynccontextmanager
async def plain(url: str, paths: Sequence[str], headers: dict[str, str]) -> AsyncIterator[Cycle]:
    """What one would write with aiohttp: one session, one request after the other, the bodies left as they are."""
    context = PinnedTls().context
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), headers=headers) as session:

        async def cycle() -> None:
            for path in paths:
                async with session.get(url + path) as response:
                    await response.read()

        yield cycle


async def cost(cycle: Cycle, times: int) -> float:
    """Seconds of CPU for one cycle."""
    before = time.process_time()
    for _ in range(times):
        await cycle()
    return (time.process_time() - before) / times


async def compare(simulator: Simulator, what: str, *, every: bool, blocks: int) -> Figure:
    """Blocks alternate: plain, ours, plain, ours, ..., plain. Each of ours is set against the two around it."""
    async with contest(simulator.served, every=every) as both:
        times = max(1, int(BLOCK / await cost(both.plain, 20)))
        await cost(both.ours, times)
        both.messages.count = 0
        plains, ours = [await cost(both.plain, times)], []
        for _ in range(blocks):
            ours.append(await cost(both.ours, times))
            plains.append(await cost(both.plain, times))
        messages = both.messages.count / times / blocks
    pairs = list(itertools.pairwise(plains))
    ratios = [2 * mine / (before + after) for mine, (before, after) in zip(ours, pairs, strict=True)]
    same = [after / before for before, after in pairs]
    control = (
        f"{spread(ratios)}; {statistics.median(ours) * 1e6:.0f} µs with {messages:.0f} messages; "
        f"plain against plain {statistics.median(same):.2f}, {spread(same)}"
    )
    return Figure(what, statistics.median(ratios), "", LIMIT, control)


def measure(household: str, blocks: int) -> Iterator[Figure]:
    """On a household that stands still, and on one where the gateway's clock runs so fast that each reply is new."""
    for name, options in {"nothing new": (), "all values new": ("--live", "--speed", "2000")}.items():
        with Simulator(household, *options) as simulator:
            for scope, every in {"the meters": False, "all endpoints": True}.items():
                what = f"CPU of a cycle against a plain fetch: {scope}, {name}"
                yield asyncio.run(compare(simulator, what, every=every, blocks=blocks))

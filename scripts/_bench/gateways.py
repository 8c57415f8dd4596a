"""What one daemon costs that reads many gateways, and whether that grows with their number and no faster."""

import math
import statistics
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from scripts._bench.daemon import MEGABYTE, READINGS, SETTLED, UPDATED
from scripts._bench.processes import Broker, Daemon, Simulator, folder
from scripts._bench.subscriber import Subscriber
from scripts._bench.table import Figure

EVERY = 5
FEW, MANY = 10, 100
"""What the growth is told from: a further gateway costs as much at MANY as at FEW."""

RUNS = ((1, EVERY), (FEW, EVERY), (30, EVERY), (MANY, EVERY), (30, 1))
"""Gateways, and seconds between two readings of each."""

LIMIT = 1.5
"""Above what caches and noise explain, below 2: what n log n would be. Quadratic would be 10."""

STARTS_WITHIN = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a run cost. `cpu`: % of a core. `memory`: MB (RSS). `messages`: a second. `started`: s until all were read.

    `delays`: seconds from each answer of a gateway with its readings until the last message that came of it.
    `lost`: answers of which none came before the next one.
    """

    cpu: float
    memory: float
    messages: float
    started: float
    delays: list[float]
    lost: int


def measure(household: str, seconds: float) -> Iterator[Figure]:
    """Two figures for each run, then the growth. In all households all values move."""
    loads = {}
    for count, every in RUNS:
        loads[count, every] = load = run(household, count, every, seconds)
        what = f"{count} gateway{'s' if count > 1 else ''} read each {every} s"
        messages, memory = f"{load.messages:.0f} messages a second", f"RSS {load.memory:.1f} MB"
        control = f"{messages}; {memory}; all read {load.started:.1f} s after the start"
        yield Figure(f"{what}: part of a core", load.cpu, " %", None, control)
        control = f"worst {max(load.delays) * 1e3:.3g} ms; {len(load.delays)} cycles, and {load.lost} without a message"
        median = statistics.median(load.delays) * 1e3
        yield Figure(f"{what}: gateway's answer to the last message of the cycle, median", median, " ms", None, control)
    compared = {count: loads[count, EVERY] for count in (1, FEW, MANY)}
    yield growth("CPU", " %", {count: load.cpu for count, load in compared.items()})
    yield growth("memory", " MB", {count: load.memory for count, load in compared.items()})


def growth(what: str, unit: str, costs: Mapping[int, float]) -> Figure:
    """What a gateway beyond the first costs, at MANY against at FEW: above 1 it grows faster than their number."""
    many, few = ((costs[count] - costs[1]) / (count - 1) for count in (MANY, FEW))
    shares = costs[MANY] / MANY / (costs[FEW] / FEW)
    control = f"{many:.3g}{unit} against {few:.3g}{unit}; with the daemon itself shared by all: {shares:.2f}"
    return Figure(f"{what} of each further gateway, at {MANY} against at {FEW}", many / few, "", LIMIT, control)


def run(household: str, count: int, every: int, seconds: float) -> Load:
    """One daemon for so many gateways. In its time each is asked once for what is slow, and all is confirmed once."""
    with (
        folder() as place,
        Broker(place) as broker,
        Subscriber(broker.port) as subscriber,
        Simulator(household, "--count", str(count), "--live", "--stamp") as simulator,
        Daemon(place, simulator.served, broker, fast=f"{every}s", slow=f"{seconds:g}s") as daemon,
    ):
        begin = time.monotonic()
        subscriber.wait_for(count, UPDATED, STARTS_WITHIN)
        started = time.monotonic() - begin
        time.sleep(SETTLED + every)
        begin, used, before = time.monotonic(), daemon.cpu(), len(subscriber.arrivals)
        time.sleep(seconds)
        end, used, messages = time.monotonic(), daemon.cpu() - used, len(subscriber.arrivals) - before
        memory = daemon.memory() / MEGABYTE
        time.sleep(1.0)  # what was answered at the end arrives
        delays, lost = compare(simulator, subscriber, begin, end)
    return Load(
        cpu=used / (end - begin) * 100,
        memory=memory,
        messages=messages / (end - begin),
        started=started,
        delays=delays,
        lost=lost,
    )


def compare(simulator: Simulator, subscriber: Subscriber, begin: float, end: float) -> tuple[list[float], int]:
    """Between these moments: seconds from each gateway's readings to its next `updated`; how many had none."""
    answers, arrivals = defaultdict(list), defaultdict(list)
    for answer in simulator.answers:
        if answer.path == READINGS:
            answers[answer.address].append(answer.time)
    for arrival in subscriber.arrivals:
        if arrival.topic.endswith(UPDATED):
            arrivals[arrival.topic.split("/")[1]].append(arrival.time)
    delays = [
        delay
        for gateway in simulator.served.gateways
        for moment, delay in each(answers[gateway.address], arrivals[gateway.serial])
        if begin <= moment < end
    ]
    good = [delay for delay in delays if delay is not None]
    return good, len(delays) - len(good)


def each(answers: Sequence[float], arrivals: Sequence[float]) -> Iterator[tuple[float, float | None]]:
    """Each answer with the seconds to the next arrival; None where the next answer was sooner."""
    for answer, following in zip(answers, [*answers[1:], math.inf], strict=True):
        arrival = next(iter(arrivals[bisect_right(arrivals, answer) :]), math.inf)
        yield answer, arrival - answer if arrival < following else None

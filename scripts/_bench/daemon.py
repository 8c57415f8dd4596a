"""What is measured on the running daemon, `envoy-bridge run`, as a user has it."""

import itertools
import statistics
import time
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from scripts._bench.processes import Broker, Daemon, Simulator, folder
from scripts._bench.subscriber import Subscriber
from scripts._bench.table import Figure, spread

READINGS = "/ivp/meters/readings"
VALUE = "/production/total/power"
UPDATED = "/updated"
MEGABYTE = 1e6

STARTS_WITHIN = 20.0
SETTLED = 3.0
"""Seconds after the first values in which all that happens only at a start has happened."""


def delay(household: str, seconds: float) -> Iterator[Figure]:
    """From a gateway's answer to the arrival at a subscriber, and the daemon's memory meanwhile."""
    with (
        folder() as place,
        Broker(place) as broker,
        Subscriber(broker.port) as subscriber,
        Simulator(household, "--live", "--stamp") as simulator,
        Daemon(place, simulator.served, broker) as daemon,
    ):
        subscriber.wait_for(1, UPDATED, STARTS_WITHIN)
        time.sleep(SETTLED)
        begin = time.monotonic()
        time.sleep(seconds)
        memory = daemon.memory() / MEGABYTE
        answers = [answer for answer in simulator.answers if answer.time > begin]
        arrivals = [arrival.time for arrival in subscriber.arrivals]
    caused = {  # by the moment of the answer: when the messages arrived that came before the next one
        answer.time: arrivals[bisect_right(arrivals, answer.time) : bisect_right(arrivals, following.time)]
        for answer, following in itertools.pairwise(answers)
        if answer.path == READINGS
    }
    for which, position, limit in (("first", 0, 2.0), ("last", -1, None)):
        delays = [(times[position] - moment) * 1e3 for moment, times in caused.items() if times]
        what = f"gateway's answer to MQTT arrival, {which} message of a cycle, median"
        yield Figure(what, statistics.median(delays), " ms", limit, _tail(delays, list(caused.values())))
    yield Figure(f"memory of the daemon (RSS) after {SETTLED + seconds:.0f} s", memory, " MB", 50)


def _tail(delays: Sequence[float], caused: Sequence[Sequence[float]]) -> str:
    ordered = sorted(delays)
    p99 = ordered[round(0.99 * (len(ordered) - 1))]
    messages = statistics.median(map(len, caused))
    return f"p99 {p99:.3g} ms, worst {ordered[-1]:.3g} ms; {len(delays)} cycles of {messages:.0f} messages"


def start(household: str, runs: int) -> Iterator[Figure]:
    """From the start of the process to the first value at a subscriber; the token is cached."""
    taken = []
    with folder() as place, Broker(place) as broker, Simulator(household) as simulator:
        for _ in range(runs + 1):
            with Subscriber(broker.port) as subscriber:
                begin = time.monotonic()
                with Daemon(place, simulator.served, broker):
                    subscriber.wait_for(1, VALUE, STARTS_WITHIN)
                taken.append(subscriber.times(VALUE)[0] - begin)
    taken = taken[1:]  # the first one compiles what was never run here
    control = f"{spread(taken, ' s')} in {len(taken)} starts"
    yield Figure("start to first publish, token cached", statistics.median(taken), " s", 0.6, control)


def many(household: str, gateways: int, seconds: float) -> Iterator[Figure]:
    """What many gateways cost, each read once a second: households that stand still, and such that move."""
    for name, options in {"nothing new": (), "all values new": ("--live",)}.items():
        with (
            folder() as place,
            Broker(place) as broker,
            Subscriber(broker.port) as subscriber,
            Simulator(household, "--count", str(gateways), *options) as simulator,
            Daemon(place, simulator.served, broker) as daemon,
        ):
            subscriber.wait_for(gateways, UPDATED, STARTS_WITHIN)
            time.sleep(2 * SETTLED)
            used, before = daemon.cpu(), len(subscriber.arrivals)
            time.sleep(seconds)
            share = (daemon.cpu() - used) / seconds * 100
            memory = daemon.memory() / MEGABYTE
            topics = [arrival.topic for arrival in subscriber.arrivals[before:]]
        sizes = list(_cycles(topics))
        control = f"{len(topics) / seconds:.0f} messages a second; RSS {memory:.0f} MB"
        yield Figure(f"{gateways} gateways read each second, {name}: part of a core", share, " %", 10, control)
        if not options:
            control = f"in {sizes.count(max(sizes))} of {len(sizes)} cycles; fewest {min(sizes)}"
            yield Figure("messages in a cycle in which nothing changed, most", max(sizes), "", 2, control)


def _cycles(topics: Sequence[str]) -> Iterator[int]:
    """How many messages each whole cycle of a gateway has."""
    counts: dict[str, int] = {}
    for topic in topics:
        gateway = topic.split("/")[1]
        if gateway in counts:
            counts[gateway] += 1
        if topic.endswith(UPDATED):
            if gateway in counts:
                yield counts[gateway]
            counts[gateway] = 0

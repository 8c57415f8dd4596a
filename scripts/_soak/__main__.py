"""One gateway read each second for hours, by the daemon as a user has it. Exit code 1 when anything was missed."""

import argparse
import signal
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue

import msgspec

from scripts._bench.daemon import MEGABYTE, STARTS_WITHIN, UPDATED
from scripts._bench.processes import Broker, Daemon, Gateways, Process, folder
from scripts._bench.subscriber import Arrival, Subscriber
from scripts._bench.table import HEAD, Figure
from scripts._soak.gateway import Asked, Said, Stalled
from scripts._soak.judge import Beat, Event, Judge

HOUSEHOLD = "d8_3_three_phase_battery_pv3p"
"""Three phases, six meters, batteries."""

EVERY = 1.0
SETTLED = 5.0
"""Seconds after the first values in which all that happens only at a start has happened."""

LATE = 1.0
"""Seconds after which nothing that happened is still on its way to us."""

LOOK_EVERY = 0.2
MINUTE = 60.0

_decoder = msgspec.json.Decoder(Asked | Said | Stalled)


@dataclass(frozen=True, slots=True)
class Usage:
    """What the daemon has used until now: seconds of CPU; bytes, and open files, at this moment."""

    time: float
    cpu: float
    memory: int
    files: int

    @classmethod
    def of(cls, process: Process) -> "Usage":
        """Look at it now."""
        return cls(time.monotonic(), process.cpu(), process.memory(), process.files())

    def share_since(self, before: "Usage") -> float:
        """Percent of a core."""
        return (self.cpu - before.cpu) / max(self.time - before.time, LOOK_EVERY) * 100


@dataclass(slots=True)
class Soak:
    """What has happened so far. `usages`: at the begin, and at each full minute. `ended`: the daemon did, by itself."""

    judge: Judge
    usages: list[Usage]
    off_beat: list[float] = field(default_factory=list)
    """Seconds by which requests for the meters were off the beat, in any direction."""
    ended: bool = False

    def minute(self, usage: Usage) -> str:
        """The minute that is over, as a line."""
        judge, before = self.judge, self.usages[-1]
        self.usages.append(usage)
        off = [abs(seconds) for seconds in judge.beat.deviations()]
        self.off_beat += off
        return (
            f"{(usage.time - judge.begin) / MINUTE:.1f} min: {judge.beat.count} cycles, {judge.beat.skipped} skipped; "
            f"off the beat {statistics.median(off or [0.0]) * 1e3:.3g} ms, {tail(off or [0.0])}; "
            f"{usage.share_since(before):.2f} % CPU, {usage.memory / MEGABYTE:.1f} MB, {usage.files} files; "
            f"{judge.lost} lost, {judge.wrong} wrong, {judge.fallen} fell, {judge.dropped or 0} dropped"
        )

    def figures(self) -> Iterator[Figure]:
        """All of it. What has a limit must not be over it."""
        judge, first, last = self.judge, self.usages[0], self.usages[-1]
        seconds = max(last.time - first.time, 1.0)
        yield Figure("meter cycles skipped", judge.beat.skipped, "", 0, f"{judge.beat.count} asked for")
        yield Figure("meter cycles without a good answer", judge.unanswered, "", 0)
        yield Figure("readings that never stood on the topics", judge.lost, "", 0)
        yield Figure("snapshots with a wrong power", judge.wrong, "", 0)
        yield Figure("snapshots in which a power was missing", judge.missing, "", 0)
        yield Figure("lifetime counters that fell", judge.fallen, "", 0)
        yield Figure("times that the gateway was called offline", judge.offline, "", 0)
        yield Figure("times that the daemon ended by itself", int(self.ended), "", 0)
        if judge.dropped is not None:
            yield Figure("messages dropped", judge.dropped, "", 0, f"{judge.messages / seconds:.0f} arrived a second")
        if self.off_beat:
            yield in_milliseconds("request off the beat, median", self.off_beat)
        if judge.delays:
            yield in_milliseconds("answer to the last message of the cycle, median", judge.delays)
        yield Figure("CPU, part of a core", last.share_since(first), " %", None, f"{last.cpu - first.cpu:.2f} s")
        memory = (
            f"{first.memory / MEGABYTE:.1f} MB at the start, most {max(u.memory for u in self.usages) / MEGABYTE:.1f}"
        )
        yield Figure("memory (RSS) at the end", last.memory / MEGABYTE, " MB", None, memory)
        yield Figure("open files at the end", last.files, "", None, f"{first.files} at the start")
        for path, count in sorted(judge.requests.items()):
            gone = f"{count} in all, {judge.given_up[path]} given up"
            yield Figure(f"requests a minute: {path}", count * MINUTE / seconds, "", None, gone)
        for what, count in sorted(judge.events.items()):
            yield Figure(f"event: {what}", count, "")


def in_milliseconds(what: str, values: Sequence[float]) -> Figure:
    """The median of some seconds."""
    return Figure(what, statistics.median(values) * 1e3, " ms", None, tail(values))


def tail(values: Sequence[float]) -> str:
    """The 99th percentile, and the worst, of some seconds."""
    ordered = [value * 1e3 for value in sorted(values)]
    return f"p99 {ordered[round(0.99 * (len(ordered) - 1))]:.3g} ms, worst {ordered[-1]:.3g} ms"


class Stream:
    """What happened, in the order of its time, whoever saw it."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[Event] = SimpleQueue()
        self._waiting: list[Event] = []

    def hear(self, line: str) -> None:
        """A line of the gateway."""
        self.queue.put(_decoder.decode(line))

    def until(self, moment: float) -> Iterator[Event]:
        """All that happened before, and has not been given yet."""
        while not self.queue.empty():
            self._waiting.append(self.queue.get())
        self._waiting.sort(key=lambda event: event.time)
        while self._waiting and self._waiting[0].time < moment:
            yield self._waiting.pop(0)


def soak(seconds: float, *options: str) -> Soak:
    """Run it. Each minute a line; until the time is over, or somebody has had enough."""
    stream = Stream()
    with (
        folder() as place,
        Broker(place) as broker,
        Subscriber(broker.port, stream.queue.put),
        Gateways("scripts._soak.gateway", HOUSEHOLD, *options, hear=stream.hear) as gateways,
        Daemon(place, gateways.served, broker, fast=f"{EVERY:g}s") as daemon,
    ):
        before = started(stream)
        begin = Usage.of(daemon)
        result = Soak(Judge(gateways.served.gateways[0].serial, begin.time, Beat(EVERY, begin.time)), [begin])
        for event in before:
            result.judge.take(event)
        end = begin.time + seconds
        try:
            follow(result, stream, daemon, end)
        except KeyboardInterrupt:
            print("\nStopped early.")
            end = min(end, time.monotonic())
        for event in stream.until(end):
            result.judge.take(event)
        result.judge.beat.pass_until(end)
        if not result.ended:
            print(result.minute(Usage.of(daemon)), flush=True)
    return result


def started(stream: Stream) -> list[Event]:
    """What happens until the daemon has settled. Raises TimeoutError when it does not start."""
    events: list[Event] = []
    deadline = time.monotonic() + STARTS_WITHIN
    while not any(isinstance(event, Arrival) and event.topic.endswith(UPDATED) for event in events):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {UPDATED} within {STARTS_WITHIN:g} s")
        time.sleep(0.1)
        events += stream.until(time.monotonic())
    time.sleep(SETTLED)
    return events


def follow(result: Soak, stream: Stream, daemon: Daemon, end: float) -> None:
    """Judge what happens until then, or until the daemon ends; then the cycles that are left count as skipped."""
    judge = result.judge
    line = judge.begin + MINUTE
    while not result.ended and (now := time.monotonic()) < end + LATE:
        for event in stream.until(min(now - LATE, end)):
            judge.take(event)
        result.ended = daemon.process.poll() is not None
        if not result.ended and line <= now < end:
            print(result.minute(Usage.of(daemon)), flush=True)
            line += MINUTE
        time.sleep(LOOK_EVERY)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description="Reads a simulated gateway each second.")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--hours", type=float, default=1.0)
    length.add_argument("--minutes", type=float)
    parser.add_argument("--stall", action="store_true", help="each 10 minutes one endpoint hangs for 85 s")
    options = parser.parse_args()
    seconds = options.hours * 60 * MINUTE if options.minutes is None else options.minutes * MINUTE
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the daemon is stopped too
    result = soak(seconds, *(["--stall"] if options.stall else []))
    print(f"\n{HEAD}")
    figures = list(result.figures())
    for figure in figures:
        print(figure.row())
    for example in result.judge.examples:
        print(f"\nFor example: {example}")
    sys.exit(any(figure.over for figure in figures))


if __name__ == "__main__":
    main()

"""The commands about one cloud: fetch its past, have its owner allow the access, say how it is."""

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Final, TextIO

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.backfill import Backfill, last_day
from envoy_bridge.clouds.build import Connected, cloud, folder
from envoy_bridge.clouds.delivery import delivery
from envoy_bridge.clouds.errors import CloudError
from envoy_bridge.clouds.latest import Sites, decode
from envoy_bridge.clouds.memory import Memory
from envoy_bridge.clouds.progress import Progress, lasts
from envoy_bridge.clouds.standing import Standing, requests, told
from envoy_bridge.config import Config, state_directory
from envoy_bridge.errors import StateError
from envoy_bridge.settings import EnlightenCloud
from envoy_bridge.state import read

FINE: Final = 0
FAILED: Final = 1
USAGE: Final = 2

TICK: Final = 1.0
"""Seconds between two looks at how it goes."""


async def backfill(
    config: Config,
    environ: Mapping[str, str],
    name: str,
    *,
    start: date,
    end: date,
    site: str | None = None,
    out: TextIO,
    clock: Clock | None = None,
) -> int:
    """Bring the past of a cloud to the history topics: the days from `start` to `end`, both included.

    Raises:
        ConfigurationError: the cloud is not configured.
        StateError: the state directory cannot be used.
    """
    clock = clock or Clock()
    last = last_day(clock.wall())
    if start > end or end > last:
        why = "--to is before --from" if start > end else f"--to can be {last} at most: later days are not over yet"
        out.write(f"{why}; the daemon brings what comes\n" if end > last else f"{why}\n")
        return USAGE
    connected = cloud(config, name, folder(state_directory(config, environ)), clock)
    async with connected.rest, delivery(config.mqtt, connected, out, clock) as way:
        progress = Progress(out, start, end, now=clock.monotonic, spent=lambda: connected.quota.used)
        work = Backfill(connected, way.publisher, clock, site=site, start=start, end=end)
        out.write(f"{name}: {start} to {end}, {requests(connected.quota)}\n")
        ticking = asyncio.create_task(_tick(progress, clock))
        try:
            why = await _fetched(work, progress, connected)
        finally:
            ticking.cancel()
            progress.end()
            out.write(_summary(work, progress))
            out.flush()
        arrived = await way.finish()
    out.write(why or ("All of it is with the broker.\n" if arrived else ""))
    return FINE if arrived and not why else FAILED


async def _tick(progress: Progress, clock: Clock) -> None:
    while True:
        await clock.sleep(TICK)
        progress.draw()


async def _fetched(work: Backfill, progress: Progress, connected: Connected) -> str:
    """Fetch, with what is known of the account. Returns why it is not complete, as a line; nothing where it is."""
    path = connected.directory / f"{connected.name}.memory"
    before = Memory(path).load()
    connected.provider.recall(before)
    try:
        await work.run(progress)
    except CloudError as error:
        return f"Stopped: {error}\nThe same command goes on from there.\n"
    finally:
        memory = Memory(path)
        if memory.load() == before:  # else the daemon knows better by now
            memory.save(connected.provider.remember())
    if not progress.chunks and not work.skipped:
        return "There is nothing to fetch: does the account see that site?\n"
    return ""


def _summary(work: Backfill, progress: Progress) -> str:
    before = f" ({work.skipped} more were done before)" if work.skipped else ""
    return (
        f"{progress.chunks} chunks{before}, {work.values} values, {progress.requests} requests "
        f"in {lasts(progress.seconds)}.\n"
    )


async def authorize(
    config: Config,
    environ: Mapping[str, str],
    name: str,
    *,
    out: TextIO,
    ask: Callable[[str], str] | None = None,
    clock: Clock | None = None,
) -> int:
    """Have the owner of the system allow the access, once.

    Raises:
        CloudError: no tokens; says what to do.
        ConfigurationError: the cloud is not configured.
    """
    clock = clock or Clock()
    directory = folder(state_directory(config, environ))
    connected = cloud(config, name, directory, clock)
    if not isinstance(connected.settings, EnlightenCloud):
        out.write(f"{name} logs in by itself: there is nothing to authorize\n")
        return USAGE
    from envoy_bridge.clouds.enlighten.authorize import authorize as allow  # noqa: PLC0415 - only who has it needs it

    async with connected.rest as rest:
        await allow(connected.settings, rest, ask or _ask, clock=clock, directory=directory)
    out.write("Enlighten is authorized. A running daemon goes on within two minutes.\n")
    return FINE


def _ask(question: str) -> str:
    """As `input`, but Ctrl-C ends it: within asyncio it would wait for the end of the line."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return input(question)
    except EOFError:
        sys.stdout.write("\n")
        return ""
    finally:
        signal.signal(signal.SIGINT, before)


async def status(
    config: Config, environ: Mapping[str, str], name: str, *, out: TextIO, clock: Clock | None = None
) -> int:
    """How a cloud is, by what the daemon has written down. Asks nobody.

    Raises:
        ConfigurationError: the cloud is not configured.
    """
    clock = clock or Clock()
    connected = cloud(config, name, folder(state_directory(config, environ)), clock)
    standing = Standing.read(connected.directory, name, clock.wall())
    since = f" since {told(standing.since)}" if standing.state else ", the daemon has not asked it"
    rows = [
        ("last success", told(standing.last_success)),
        ("next request", told(standing.next_try)),
        ("quota", requests(connected.quota)),
    ]
    out.write(f"{name}: {standing.state or 'unknown'}{since}\n")
    for site, known in _sites(connected.directory, name).sites.items():
        devices = len(known.devices or ())
        rows.append(("site", f"{site}, {known.zone or 'time zone unknown'}, {devices} devices"))
    out.writelines(f"  {what:<14} {text}\n" for what, text in rows)
    return FINE


def _sites(directory: Path, name: str) -> Sites:
    with suppress(StateError, ValueError, RecursionError):
        return decode(read(directory / f"{name}.sites.json") or b"{}")
    return Sites()

"""Home Assistant and Node-RED themselves say whether they see what we publish. Exit code 1 when anything is wrong."""

import argparse
import asyncio
import signal
import sys

from scripts._bench.table import HEAD, Figure
from scripts._subscribers import energy, nodered, steps
from scripts._subscribers.homeassistant import HomeAssistant
from scripts._subscribers.house import LARGE, free_port, house
from scripts._subscribers.release import FOLDER, RELEASES, Release
from scripts._subscribers.rules import write
from scripts._subscribers.visit import Visit

NODE_RED = "node-red"


async def visit(release: Release, *, quick: bool) -> Visit:
    """All that can happen, with one release."""
    folder = (FOLDER / "runs" / release.version).absolute()
    async with (
        house(folder) as place,
        HomeAssistant(release, folder / "homeassistant", free_port(), place.broker.port) as home,
    ):
        first, *others = release.styles
        seen = Visit(home, place)
        seen.say(f"Home Assistant runs at {home.url}; its files and the daemon's are in {folder}")
        await steps.first_start(seen, first)
        if not quick:
            await energy.prepare(seen)
        await steps.daemon_dies(seen)
        await steps.home_restarts_alone(seen)
        await steps.daemon_returns(seen, first)
        await steps.home_restarts(seen)
        await steps.broker_restarts(seen)
        for style in (*others, first) if others else ():
            await steps.style_changes(seen, style)
        before = (await seen.see()).ours()
        await steps.announcing_ends(seen)
        await steps.style_changes(seen, first, before)
        await steps.inverter_leaves(seen, first)
        if not quick:
            await energy.is_valid(seen)
        await steps.log_is_quiet(seen)
    return seen


async def node_red() -> list[str]:
    """The flow of the examples, with the same house. Returns what it has to complain of."""
    print("Node-RED: a minute and a half", flush=True)
    async with house((FOLDER / "runs" / NODE_RED).absolute()) as place:
        place.start("off")
        found = await nodered.check(FOLDER / NODE_RED, place.broker.port, place.recordings[LARGE].serial)
    return [f"{NODE_RED}: {text}" for text in found]


async def main(options: argparse.Namespace) -> int:
    """See the module."""
    if options.rules:
        absent = [release.version for release in RELEASES if not release.installed]
        if absent:
            print(f"The table needs all releases, and {', '.join(absent)} is not installed here.", file=sys.stderr)
            return 1
        write(RELEASES)
        return 0
    visits: list[Visit] = []
    for release in RELEASES:
        if options.only not in (None, release.version):
            continue
        if not release.installed:
            print(f"Home Assistant {release.version} is left out: it is not installed here.")
            continue
        visits.append(await visit(release, quick=options.quick))
    complaints = [text for each in visits for text in each.complaints]
    figures = [figure for each in visits for figure in each.figures]
    if options.only in (None, NODE_RED):
        complaints += await node_red()
    return report(figures, complaints)


def report(figures: list[Figure], complaints: list[str]) -> int:
    """Print it all. Returns the exit code."""
    print(f"\n{HEAD}")
    for figure in figures:
        print(figure.row())
    print(f"\n{len(complaints)} complaints" if complaints else "\nAll as it should be.")
    for text in complaints:
        print(f"- {text}")
    return int(bool(complaints))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="scripts/test-subscribers", description=__doc__)
    parser.add_argument("--only", choices=[*(release.version for release in RELEASES), NODE_RED], help="this alone")
    parser.add_argument("--rules", action="store_true", help="write the table of what both releases know, and end")
    parser.add_argument("--quick", action="store_true", help="without the energy dashboard, which takes five minutes")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(asyncio.run(main(parser.parse_args())))

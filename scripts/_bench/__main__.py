"""The table. `--quick` measures less of everything, names measure only that."""

import argparse
import os
import platform
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from scripts._bench import cycle, daemon, gateways, publish
from scripts._bench.table import HEAD, Figure

HOUSEHOLD = "d7_6_three_phase_net"
"""Three phases, two meters, fifteen inverters: sixty values that change with each reading."""

GATEWAYS = 28
CALM = 0.5
"""Load average above which absolute figures are not to be trusted."""

Measurement = Callable[[bool], Iterator[Figure]]

MEASUREMENTS: dict[str, Measurement] = {
    "cycle": lambda quick: cycle.measure(HOUSEHOLD, blocks=2 if quick else 12),
    "publish": lambda quick: publish.measure(blocks=2 if quick else 8),
    "delay": lambda quick: daemon.delay(HOUSEHOLD, seconds=3 if quick else 40),
    "start": lambda quick: daemon.start(HOUSEHOLD, runs=2 if quick else 7),
    "many": lambda quick: daemon.many(HOUSEHOLD, GATEWAYS, seconds=2 if quick else 20),
    "gateways": lambda quick: gateways.measure(HOUSEHOLD, seconds=10 if quick else 30),
}


def machine() -> str:
    """What it was measured on, without its name."""
    board = Path("/proc/device-tree/model")  # a Raspberry Pi says here what it is
    processor = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    known = board.read_text().strip("\0") if board.exists() else processor[1] if processor else platform.machine()
    cores = len(os.sched_getaffinity(0))
    return f"{known}, {cores} core{'s' if cores > 1 else ''}, {platform.system()}, Python {platform.python_version()}"


def main() -> None:
    """Measure what is asked for; print each figure as soon as it is there."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures against a simulated gateway.")
    parser.add_argument("--quick", action="store_true", help="less of everything: a minute and a half instead of six")
    names = ", ".join(MEASUREMENTS)
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"only these: {names}")
    options = parser.parse_args()
    if not MEASUREMENTS.keys() >= set(options.what):
        parser.error(f"there are {names}")
    load = os.getloadavg()[0]
    print(f"{datetime.now(UTC):%Y-%m-%d}, {machine()}; load {load:.1f} at the start\n\n{HEAD}", flush=True)
    for name in options.what or MEASUREMENTS:
        for figure in MEASUREMENTS[name](options.quick):
            print(figure.row(), flush=True)
    if load > CALM:
        print("\nThe machine was busy with other things: the figures are higher than they should be.")


if __name__ == "__main__":
    main()

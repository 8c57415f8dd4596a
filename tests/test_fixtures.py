"""The recordings of the households that we made up are what `scripts/fixtures` makes of their data."""

import subprocess
import sys
from pathlib import Path

from envoy_bridge.simulator.har import Recording

ROOT = Path(__file__).parent.parent
FIXTURES = sorted((ROOT / "fixtures").glob("*.har"))


def test_fixtures_are_fresh() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "fixtures"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own script
    assert (done.returncode, done.stdout) == (0, "")


def test_no_two_households_share_a_serial_number() -> None:
    serials = [Recording.from_har(path).serial for path in FIXTURES]
    assert len(set(serials)) == len(serials) > 20


def test_fixtures_stay_small() -> None:
    assert sum(path.stat().st_size for path in FIXTURES) < 1_250_000

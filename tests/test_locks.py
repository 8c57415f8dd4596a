"""The lock files: they hold what pyproject.toml asks for, with hashes, and say nothing of where they were made."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
BUILD = PROJECT["build-system"]["requires"]
DAEMON = PROJECT["project"]["dependencies"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
LOCKS = ("requirements.lock", "requirements-dev.lock")


def locked(name: str) -> dict[str, tuple[str, int]]:
    """Version and number of hashes by package."""
    text = (ROOT / name).read_text().replace("\\\n", "")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    pins = [re.match(r"([a-z0-9-]+)==([^\s;]+)", line) for line in lines]
    return {pin[1]: (pin[2], line.count("--hash=sha256:")) for pin, line in zip(pins, lines, strict=True) if pin}


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [(LOCKS[0], BUILD + DAEMON), (LOCKS[1], BUILD + DAEMON + EXTRAS["demo"] + EXTRAS["dev"])],
    ids=LOCKS,
)
def test_a_lock_holds_what_the_project_asks_for(lock: str, wanted: list[str]) -> None:
    pins = locked(lock)
    requirements = [Requirement(text) for text in wanted]
    unmet = [str(row) for row in requirements if not (row.name in pins and row.specifier.contains(pins[row.name][0]))]
    assert not unmet, "run scripts/lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_hashes_and_no_line_an_address(lock: str) -> None:
    assert all(hashes for _version, hashes in locked(lock).values())
    assert not re.search(r"://|--index|--find-links", (ROOT / lock).read_text())


def test_the_tools_run_with_what_the_daemon_runs_with() -> None:
    assert locked(LOCKS[0]).items() <= locked(LOCKS[1]).items()

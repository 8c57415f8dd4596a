"""Writes tests/sinks/ha_rules.json: what all releases of Home Assistant that we care for know."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from scripts._subscribers.release import Release

TARGET: Final = Path("tests/sinks/ha_rules.json")

_KNOWN: Final = Path(__file__).parent / "known.py"
_SINCE_DEVICES: Final = "whole"
"""What stands at the top of an announcement of a whole device. The oldest release knows no such thing."""


def write(releases: Sequence[Release]) -> None:
    """Ask each release and write what they have in common. Each must have been started once, so that it is whole."""
    tables = [_ask(release) for release in releases]
    common = {
        "releases": [release.version for release in releases],
        **_common([{name: part for name, part in table.items() if name != _SINCE_DEVICES} for table in tables]),
        _SINCE_DEVICES: _common([table[_SINCE_DEVICES] for table in tables if table[_SINCE_DEVICES]]),
    }
    TARGET.write_text(_short(common) + "\n")
    print(f"{TARGET} is written: {len(common['sensor'])} device classes of sensors")


def _short(table: dict[str, Any]) -> str:
    """As JSON in which each entry of the first two levels has a line."""
    rows = []
    for name, part in table.items():
        text = json.dumps(part, ensure_ascii=False)
        if isinstance(part, dict):
            lines = (f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in part.items())
            text = "{\n" + ",\n".join(lines) + "\n }"
        rows.append(f" {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(rows) + "\n}"


def _ask(release: Release) -> dict[str, Any]:
    python = release.environment / "bin/python"
    asked = subprocess.run([python, "-P", _KNOWN], capture_output=True, text=True, check=True)  # noqa: S603 - its own
    table: dict[str, Any] = json.loads(asked.stdout)
    return table


def _common(tables: Sequence[Any]) -> Any:  # noqa: ANN401 - JSON as it comes
    """What is in all of them, in the order of the first."""
    first = tables[0]
    if isinstance(first, dict):
        return {
            key: _common([table[key] for table in tables]) for key in first if all(key in table for table in tables)
        }
    return [each for each in first if all(each in table for table in tables)]

"""What holds for the whole package: what it loads, how large its files are, where it looks at versions."""

import ast
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import PYTHON, ROOT, environment

PACKAGE = ROOT / "envoy_bridge"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)
MAY_COMPARE_FIRMWARE = {
    "gateway/quirks.py",
    "gateway/rows.py",
    "gateway/info.py",
    "gateway/auth.py",
    "simulator/roles.py",
}

CORE = "pydantic rich typer amqtt cryptography envoy_bridge.demo envoy_bridge.simulator"


CLOUDS = "sqlite3 envoy_bridge.clouds.build envoy_bridge.clouds.rest envoy_bridge.clouds.task envoy_bridge.clouds.sent"


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("envoy_bridge.app", f"aiohttp.web aiohttp.web_app zeroconf {CORE} {CLOUDS}"),
        ("envoy_bridge.cli", f"aiohttp lxml paho envoy_bridge.app {CORE}"),
        ("envoy_bridge.health", f"aiohttp asyncio lxml msgspec paho structlog {CORE}"),
    ],
)
def test_what_an_import_loads(tmp_path: Path, module: str, absent: str) -> None:
    """Memory counts on a Pi, and so does the time until a command answers."""
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(  # noqa: S603 - our own words
        [PYTHON, "-c", code], env=environment(tmp_path), capture_output=True, text=True, check=True
    )
    assert set(absent.split()) & set(json.loads(done.stdout)) == set()


def test_files_are_small_enough_to_be_read() -> None:
    assert [name(path) for path in FILES if len(path.read_text().splitlines()) >= 300] == []


def test_what_is_installed_is_all_of_it() -> None:
    """A wheel that lacks a folder runs in the checkout and nowhere else."""
    named = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    assert {".".join(path.parent.relative_to(ROOT).parts) for path in FILES} <= named


def test_firmware_is_compared_in_few_places() -> None:
    """A firmware with a fault is a row of quirks.py; what it lacks shows in its replies."""
    found = [
        f"{name(path)}:{node.lineno}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if name(path) not in MAY_COMPARE_FIRMWARE and isinstance(node, ast.expr) and _looks_at_version(node)
    ]
    assert found == []


def name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def _looks_at_version(node: ast.AST) -> bool:
    """Whether this asks if a version is before or after another, or a firmware a certain one."""
    if isinstance(node, ast.Call):
        method = node.func
        return (
            isinstance(method, ast.Attribute)
            and method.attr in ("startswith", "split")
            and "firmware" in _names(method)
        )
    if not isinstance(node, ast.Compare):
        return False
    names = set(_names(node))
    ordered = any(isinstance(operator, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for operator in node.ops)
    literal = any(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in ast.walk(node))
    return ("version" in names and ordered) or ("firmware" in names and (ordered or literal))


def _names(node: ast.AST) -> Iterator[str]:
    """The names and attributes in it."""
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute):
            yield part.attr
        elif isinstance(part, ast.Name):
            yield part.id


def test_the_rule_about_versions_finds_what_it_is_for() -> None:
    for code in ("info.version >= (7,)", "(8, 2) < version", 'info.firmware == "8.2"', 'info.firmware.startswith("8")'):
        assert any(_looks_at_version(node) for node in ast.walk(ast.parse(code))), code
    for code in ("known.firmware == info.firmware", 'self.version == "5"', "former not in (None, info.firmware)"):
        assert not any(_looks_at_version(node) for node in ast.walk(ast.parse(code))), code


def test_nothing_points_to_a_place_on_somebody_s_machine() -> None:
    assert [name(path) for path in FILES if re.search(r"/(?:home|root|tmp|work|Users)/\w", path.read_text())] == []


def test_nothing_outside_the_supervisor_catches_everything() -> None:
    """An error that nobody foresaw is a bug, and is to be seen: in one place, which starts that source again."""
    broad = [
        name(path)
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or {"Exception", "BaseException"} & set(_names(node.type)))
        and not any(isinstance(part, ast.Raise) and part.exc is None for part in ast.walk(node))
    ]
    assert broad == ["app.py"]


def test_logs_go_one_way() -> None:
    """Through logs.py, which knows the level, the format and the secrets. What structlog does by itself is printed."""
    direct = [
        name(path) for path in FILES if re.search(r"^\s*(import|from) structlog\b", path.read_text(), re.MULTILINE)
    ]
    assert direct == ["logs.py"]

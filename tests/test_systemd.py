"""The shipped unit: without a mistyped key, and closed to all that the daemon does not need."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parent.parent / "systemd" / "envoy-bridge.service"
ANALYZE = shutil.which("systemd-analyze")

pytestmark = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert ANALYZE is not None
    return subprocess.run([ANALYZE, "--no-pager", *arguments], capture_output=True, text=True, check=False, timeout=30)  # noqa: S603 - arguments are ours


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that is there in place of the installed one; `verify` wants to find it."""
    text, replaced = re.subn(r"(?m)^ExecStart=/\S+", f"ExecStart={shutil.which('true')}", UNIT.read_text())
    assert replaced == 1
    copy = tmp_path / UNIT.name
    copy.write_text(text)
    return copy


def test_verify_has_nothing_to_say(unit: Path) -> None:
    result = analyze("verify", str(unit))
    assert (result.stdout, result.stderr, result.returncode) == ("", "", 0)


def test_verify_would_name_a_mistyped_key(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("ProtectSystem=strict", "ProtectSystem=stric"))
    assert "stric" in analyze("verify", str(unit)).stderr


def test_exposure_is_at_most_1_5(unit: Path) -> None:
    result = analyze("security", "--offline=true", "--threshold=15", str(unit))
    assert result.returncode == 0, result.stdout

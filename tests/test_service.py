"""Signs of life: the heartbeat file with the health check that reads it, and messages to systemd."""

import os
from pathlib import Path

import pytest
from notify import listening
from program import Finished, command

from envoy_bridge.errors import StateError
from envoy_bridge.health import check
from envoy_bridge.service import HEARTBEAT, HEARTBEAT_EVERY, Heartbeat, Systemd, memory_in_use

NOW = 1_780_000_000.0


async def health(folder: Path, **environ: str) -> Finished:
    return await command(folder, module="envoy_bridge.health", **environ)


async def test_health_is_0_while_polls_succeed_and_1_when_the_last_is_too_old(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    environ = {HEARTBEAT: str(file)}
    silent = await health(tmp_path)
    assert (silent.code, HEARTBEAT in silent.out) == (1, True)
    assert (await health(tmp_path, **environ)).code == 1
    file.write_text("135\n")
    fresh = await health(tmp_path, **environ)
    assert (fresh.code, fresh.err) == (0, "")
    assert "at most 135" in fresh.out
    os.utime(file, (NOW, NOW))
    assert (await health(tmp_path, **environ)).code == 1


def test_health_goes_by_the_limit_that_the_daemon_wrote(tmp_path: Path) -> None:
    environ = {HEARTBEAT: str(tmp_path / "run" / "heartbeat")}
    Heartbeat(environ).beat(NOW, 125.0)
    assert check(environ, NOW + 125)[0]
    assert not check(environ, NOW + 126)[0]


@pytest.mark.parametrize("content", ["", "soon", "\x00"])
def test_a_heartbeat_that_is_damaged_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "heartbeat").write_text(content)
    assert not check({HEARTBEAT: str(tmp_path / "heartbeat")}, NOW)[0]


def test_the_file_is_touched_seldom_and_follows_a_clock_that_is_set_back(tmp_path: Path) -> None:
    heartbeat, file = Heartbeat({HEARTBEAT: str(tmp_path / "heartbeat")}), tmp_path / "heartbeat"
    for at, touched in (
        (NOW, NOW),
        (NOW + HEARTBEAT_EVERY - 1, NOW),
        (NOW + HEARTBEAT_EVERY, NOW + HEARTBEAT_EVERY),
        (NOW - 86_400, NOW - 86_400),
    ):
        heartbeat.beat(at, 125.0)
        assert file.stat().st_mtime == touched


def test_a_file_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    heartbeat = Heartbeat({HEARTBEAT: str(tmp_path / "file" / "heartbeat")})
    with pytest.raises(StateError, match=HEARTBEAT):
        heartbeat.beat(NOW, 125.0)
    heartbeat.beat(NOW + 10, 125.0)
    (tmp_path / "file").unlink()
    heartbeat.beat(NOW + 20, 125.0)
    assert (tmp_path / "file" / "heartbeat").stat().st_mtime == NOW + 20


def test_without_a_heartbeat_nothing_is_written(tmp_path: Path) -> None:
    Heartbeat({}).beat(NOW, 125.0)
    Heartbeat({HEARTBEAT: str(tmp_path / "heartbeat")}).beat(None, 125.0)
    assert list(tmp_path.iterdir()) == []


def test_systemd_is_told_and_never_waited_for(tmp_path: Path) -> None:
    with listening(tmp_path / "notify") as told:
        systemd = Systemd({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        for _ in range(1000):  # far more than fit while nobody reads
            systemd.tell("WATCHDOG=1")
        assert "WATCHDOG=1" in told.heard
    systemd.tell("STOPPING=1")  # nobody is there any more


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "120000000"}, 120.0),
        ({"WATCHDOG_USEC": "120000000", "WATCHDOG_PID": str(os.getpid())}, 120.0),
        ({"WATCHDOG_USEC": "120000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_that_is_meant_for_us(environ: dict[str, str], seconds: float | None) -> None:
    assert Systemd(environ).watchdog == seconds


def test_memory_in_use_is_that_of_a_python_process() -> None:
    assert 10_000_000 < (memory_in_use() or 0) < 10_000_000_000

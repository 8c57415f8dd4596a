"""Files that survive a restart, and a kill."""

import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from envoy_bridge import state
from envoy_bridge.errors import StateError

PROJECT = Path(__file__).parents[1]

# For each line of input a new writer, which rewrites the file for ever with one repeated byte after the other.
WRITERS = """
import itertools, os, sys
from pathlib import Path
from envoy_bridge.state import write_atomically

for _ in sys.stdin:
    writer = os.fork()
    if writer == 0:
        for number in itertools.count():
            write_atomically(Path(sys.argv[1]), bytes([number % 256]) * 50_000)
    print(writer, flush=True)
    os.waitpid(writer, 0)
    print("dead", flush=True)
"""


def test_a_kill_at_any_moment_leaves_the_old_content_or_the_new(tmp_path: Path) -> None:
    path = tmp_path / "token.json"
    state.write_atomically(path, b"\0" * 50_000)
    pause = random.Random(7)  # noqa: S311  not for secrets
    written = set()
    command = [sys.executable, "-S", "-c", WRITERS, str(path)]
    with subprocess.Popen(  # noqa: S603  our own Python
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PYTHONPATH": str(PROJECT)}
    ) as writers:
        assert writers.stdin is not None
        assert writers.stdout is not None
        for _ in range(150):
            writers.stdin.write(b"\n")
            writers.stdin.flush()
            writer = int(writers.stdout.readline())
            time.sleep(pause.uniform(0.005, 0.030))
            os.kill(writer, signal.SIGKILL)
            assert writers.stdout.readline() == b"dead\n"
            content = path.read_bytes()
            assert len(content) == 50_000
            assert len(set(content)) == 1
            written.add(content[0])
        writers.stdin.close()
    assert len(written) > 1
    # Some were killed in the middle of a write, else this proves nothing.
    assert list(tmp_path.glob(".token.json.*.tmp"))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pin"
    assert state.read(path) is None
    state.write_atomically(path, b"one")
    state.write_atomically(path, b"two")
    assert state.read(path) == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_only_we_can_read_it_whatever_the_mask_and_the_mode_before(tmp_path: Path) -> None:
    path = tmp_path / "token.json"
    path.write_bytes(b"old")
    path.chmod(0o644)
    before = os.umask(0)
    try:
        state.write_atomically(path, b"new")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_full_disk_costs_nothing_but_the_new_content(tmp_path: Path) -> None:
    path = tmp_path / "token.json"
    state.write_atomically(path, b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(StateError, match=r"cannot write .*token\.json: File too large; look at the free space"):
            state.write_atomically(path, b"x" * 50_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_at_the_path_stays(tmp_path: Path) -> None:
    folder = tmp_path / "token.json"
    folder.mkdir()
    with pytest.raises(StateError, match="cannot write"):
        state.write_atomically(folder, b"new")
    with pytest.raises(StateError, match="cannot read"):
        state.read(folder)
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("folder", ["/proc", "/dev/null", "/absent"])
def test_where_nothing_can_be_written_the_error_says_so(folder: str) -> None:
    with pytest.raises(StateError, match=f"cannot write {folder}/pin: .*owner of {folder}, or set another directory"):
        state.write_atomically(Path(folder, "pin"), b"new")


def test_what_a_killed_writer_left_goes_with_the_next_write_but_not_what_another_is_writing(tmp_path: Path) -> None:
    path = tmp_path / "token.json"
    left, busy, other = (
        tmp_path / f".{name}.tmp" for name in ("token.json.0000aaaa", "token.json.0000bbbb", "pin.0000cccc")
    )
    for file in (left, busy, other):
        file.write_bytes(b"half")
    long_ago = time.time() - state.LEFTOVER_AGE - 1
    for file in (left, other):
        os.utime(file, (long_ago, long_ago))
    state.write_atomically(path, b"new")
    assert sorted(tmp_path.iterdir()) == sorted([path, busy, other])

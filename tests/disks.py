"""Disks that are full or cannot be written, for real; only root may make them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


def _mount(*words: str) -> bool:
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0  # noqa: S603, S607 - ours


@contextmanager
def small_disk(folder: Path, size: str = "256k") -> Iterator[Path]:
    """A disk of that size; skips the test where there cannot be one."""
    if os.geteuid() != 0 or not _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)):
        pytest.skip("only root may mount a disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S603, S607 - as above


def make_read_only(folder: Path, *, read_only: bool = True) -> None:
    """What a file system does that has found an error."""
    assert _mount("-o", f"remount,{'ro' if read_only else 'rw'}", str(folder))


def fill(folder: Path) -> Path:
    """Leave no byte free. Returns the file that takes the room."""
    path = folder / "other"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return path

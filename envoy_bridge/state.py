"""Files that survive a restart: always whole, readable by us alone."""

import os
import time
from contextlib import suppress
from pathlib import Path

from envoy_bridge.errors import StateError

LEFTOVER_AGE = 60.0
"""Seconds after which a temporary file has no writer any more: it was killed."""


def read(path: Path) -> bytes | None:
    """What was last written; None when nothing was.

    Raises:
        StateError: the file is there and cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(
            f"cannot read {path}: {error.strerror}; give it to the user that envoy-bridge runs as"
        ) from error


def write_atomically(path: Path, data: bytes) -> None:
    """Replace the file by `data`, mode 0600. Whoever reads, and whenever we are killed: the old content or the new.

    Raises:
        StateError: it could not be written; the old content is untouched and nothing is left behind.
    """
    # A name of its own for each write: two processes may write the same file, and a killed one leaves its own behind.
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    try:
        _remove_leftovers(path)
        _write_and_sync(temporary, data)
        temporary.rename(path)
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise StateError(
            f"cannot write {path}: {error.strerror}; look at the free space and the owner of {path.parent}, "
            "or set another directory under [state]"
        ) from error


def _write_and_sync(path: Path, data: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _remove_leftovers(path: Path) -> None:
    for leftover in path.parent.glob(f".{path.name}.????????.tmp"):
        with suppress(FileNotFoundError):  # another process was faster
            if time.time() - leftover.stat().st_mtime > LEFTOVER_AGE:
                leftover.unlink()

"""The part of `check` about the state directory: can it be written, and can nobody else read what is in it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from envoy_bridge.check_report import Report
from envoy_bridge.config import Config, state_directory
from envoy_bridge.errors import StateError
from envoy_bridge.state import write_atomically

_TRIAL: Final = "check.tmp"
_OTHERS: Final = 0o077


def check_state(config: Config, environ: Mapping[str, str], report: Report) -> bool:
    """Write a file and remove it, and look at those that are there. Returns whether it can be written."""
    report.section("state directory")
    try:
        folder = state_directory(config, environ)
        write_atomically(folder / _TRIAL, b"")
        (folder / _TRIAL).unlink()
    except StateError as error:
        report.failed(error, _next(config, environ))
        return False
    odd = list(_odd(folder))
    for text, next_step in odd:
        report.warn(text, next_step)
    report.good(f"{folder}: can be written" + ("" if odd else ", and only we can read what is in it"))
    return True


def _odd(folder: Path) -> Iterator[tuple[str, str]]:
    """Files that others can read, or that we cannot."""
    with suppress(OSError):
        for path in sorted((*folder.glob("*"), *folder.glob("*/*"))):
            if path.is_file() and not os.access(path, os.R_OK | os.W_OK):
                yield f"{path} belongs to another user, and cannot be used", f"sudo chown {_user()} {path}"
            elif path.is_file() and path.stat().st_mode & _OTHERS:
                yield f"{path} can be read by other users of this machine", f"chmod 600 {path}"


def _next(config: Config, environ: Mapping[str, str]) -> str:
    folder = config.state.directory or environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if not folder:
        return 'set directory = "..." under [state] to a folder that can be written'
    return f"sudo install -d -m 700 -o {_user()} {folder}, or set another directory under [state]"


def _user() -> str:
    """Who we are, as chown and install take it."""
    return str(os.getuid())

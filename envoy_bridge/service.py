"""What the machine around us wants to know: systemd that we are ready and alive, a container that polls succeed."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from envoy_bridge.errors import StateError

HEARTBEAT: Final = "ENVOY_BRIDGE_HEARTBEAT"
"""Environment variable: the file that is touched after good polls. Best on a tmpfs; not set: no file."""

HEARTBEAT_EVERY: Final = 5.0
"""Seconds between two touches at least."""


def memory_in_use() -> int | None:
    """Bytes of memory this process holds (RSS); None where the system does not tell."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


class Systemd:
    """Messages to systemd (`Type=notify`); does nothing where it is not there."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog: float | None = None
        """Seconds within which systemd wants a sign of life; None: it does not watch."""
        usec = environ.get("WATCHDOG_USEC", "")
        if usec.isdigit() and environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid()):
            self.watchdog = int(usec) / 1e6

    def tell(self, message: str) -> None:
        """`READY=1`, `WATCHDOG=1`, `STOPPING=1`, .... Lost if systemd does not take it at once."""
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK  # to wait here would stop all polling
        if self._address:
            with socket.socket(socket.AF_UNIX, kind) as notify, suppress(OSError):
                notify.sendto(message.encode(), self._address)


class Heartbeat:
    """A file whose age is the time since the last good poll, for `python -m envoy_bridge.health`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        path = environ.get(HEARTBEAT)
        self._path = Path(path) if path else None
        self._touched = 0.0
        self._failed = False

    def beat(self, at: float | None, limit: float) -> None:
        """There was a good poll at `at` (wall clock); up to `limit` seconds without one are healthy.

        Raises:
            StateError: the file cannot be written. Once, until it can.
        """
        if self._path is None or at is None or abs(at - self._touched) < HEARTBEAT_EVERY:
            return
        self._touched = at
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(f"{limit:.0f}\n")
            os.utime(self._path, (at, at))
        except OSError as error:
            if not self._failed:
                self._failed = True
                raise StateError(
                    f"cannot write {self._path}: {error.strerror}; set {HEARTBEAT} to a file that can be written"
                ) from error
        else:
            self._failed = False

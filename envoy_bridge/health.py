"""`python -m envoy_bridge.health`: exit code 0 while polls succeed, 1 when the last good one is too old.

For a container's HEALTHCHECK. It looks at what the daemon achieved, not at whether a port is open, and loads nothing.
"""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from envoy_bridge.service import HEARTBEAT, HEARTBEAT_EVERY


def check(environ: Mapping[str, str], now: float) -> tuple[bool, str]:
    """Is the daemon of this container healthy, and why. `now`: wall clock."""
    path = environ.get(HEARTBEAT)
    if not path:
        return False, f"{HEARTBEAT} is not set: nobody notes when a poll succeeds"
    try:
        limit = float(Path(path).read_text())
        age = now - Path(path).stat().st_mtime
    except (OSError, ValueError):
        return False, "no gateway has been polled yet"
    return -HEARTBEAT_EVERY <= age <= limit, f"last good poll {age:.0f} s ago (at most {limit:.0f})"


if __name__ == "__main__":
    healthy, reason = check(os.environ, time.time())
    sys.stdout.write(reason + "\n")
    sys.exit(0 if healthy else 1)

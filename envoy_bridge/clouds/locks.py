"""Files that processes lock to take turns."""

import fcntl
from typing import Final

AWAIT_TURN: Final = 0.05
"""Seconds between two looks whether another process has finished."""


def locked(file: int) -> bool:
    """Whether it is ours now: until it is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True

"""What a client of a cloud has learnt, its tokens among it: a file that only we can read."""

from pathlib import Path

from envoy_bridge.errors import StateError
from envoy_bridge.logs import get_logger
from envoy_bridge.state import read, write_atomically

_log = get_logger(__name__)


class Memory:
    """Written after each job that changed it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: bytes | None = None
        self._failing = False

    def load(self) -> bytes | None:
        """What was saved last, by this process or another one; None: nothing, or it cannot be read."""
        try:
            self._known = read(self._path)
        except StateError as error:
            _log.warning("cloud_memory_unreadable", reason=str(error))
        return self._known

    def save(self, content: bytes) -> None:
        """Keep this, if it is something new. When it returns, it is on disk, or a warning was logged, once."""
        if content == self._known:
            return
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self._path, content)
        except (StateError, OSError) as error:
            if not self._failing:
                _log.warning("cloud_memory_not_kept", path=str(self._path), reason=str(error))
            self._failing = True
        else:
            self._known, self._failing = content, False

"""What is kept of a gateway's counters on disk: one small file, replaced as a whole.

A file and not a database: it is read once at the start and written each few minutes, always whole, and a person can
look at it. Between two writes nothing is lost that cannot be known again: the gateway's counters go on by themselves,
and whatever changes how they are read (a repair, a person's word) is written at once.
"""

from pathlib import Path

import msgspec
from msgspec import Struct

from envoy_bridge import state
from envoy_bridge.counters.days import Days
from envoy_bridge.counters.integrate import Integral
from envoy_bridge.counters.line import CounterState
from envoy_bridge.errors import StateError
from envoy_bridge.logs import get_logger

log = get_logger(__name__)


class Kept(Struct, frozen=True):
    """By path below the gateway: the guard of each lifetime counter, its days, and batteries that have no CT.

    `zone`: name of the gateway's time zone, which it tells only some time after a start. `clean`: written at the end of
    a run; what subscribers were told last is then in it.
    """

    counters: dict[str, CounterState] = {}
    days: dict[str, Days] = {}
    integrals: dict[str, Integral] = {}
    zone: str | None = None
    clean: bool = False


def place(directory: Path, serial: str) -> Path:
    """The file of a gateway."""
    return directory / "counters" / f"{serial.lower()}.json"


def load(path: Path) -> Kept:
    """What was kept; nothing where there is no file, or none that can be read: counting then begins anew."""
    try:
        content = state.read(path)
        return Kept() if content is None else msgspec.json.decode(content, type=Kept)
    except (StateError, ValueError, RecursionError) as error:
        log.warning("counters_unreadable", path=str(path), reason=str(error)[:200], consequence="they are learnt anew")
        return Kept()


def save(path: Path, kept: Kept) -> bool:
    """Write it. False when that could not be done: the daemon goes on, and tries again with the next write."""
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        state.write_atomically(path, msgspec.json.encode(kept))
    except (StateError, OSError) as error:
        log.warning("counters_not_kept", path=str(path), reason=str(error)[:200])
        return False
    return True

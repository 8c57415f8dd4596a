"""How a cloud is, as its task has written it down: for those who look from outside, without asking anybody."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from envoy_bridge.clouds.errors import CloudState
from envoy_bridge.clouds.quota import Quota
from envoy_bridge.clouds.schedule import Kept
from envoy_bridge.errors import StateError
from envoy_bridge.state import read


class _Written(Struct, frozen=True):
    """The file of `CloudTask`, as far as it is of interest here. Times: seconds since 1970."""

    jobs: dict[str, Kept] = {}
    whole: Kept | None = None
    state: CloudState | None = None
    since: float = 0.0
    last_success: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a cloud is. Times: seconds since 1970; None: there was none, or nothing is known.

    `state`: None before the daemon asked for the first time. `held`: why and since when all of the cloud has to wait.
    """

    state: CloudState | None
    since: float | None
    last_success: float | None
    next_try: float | None
    held: CloudState | None
    held_since: float | None

    @classmethod
    def read(cls, directory: Path, name: str, now: float) -> "Standing":
        """`directory`: of the clouds. What cannot be read is as good as not there."""
        try:
            written = msgspec.json.decode(read(directory / f"{name}.schedule.json") or b"{}", type=_Written)
        except (StateError, ValueError, RecursionError):
            written = _Written()
        whole = written.whole if written.whole is not None and written.whole.due > now else None
        return cls(
            state=written.state,
            since=written.since if written.state else None,
            last_success=written.last_success,
            next_try=_next(written, now),
            held=None if whole is None else whole.outcome,
            held_since=None if whole is None else whole.due - whole.wait,
        )


def _next(written: _Written, now: float) -> float | None:
    if not written.jobs:
        return None
    due = min(kept.due for kept in written.jobs.values())
    return max(now, due, 0.0 if written.whole is None else written.whole.due)


def told(seconds: float | None) -> str:
    """A time for people."""
    return "never" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def requests(quota: Quota) -> str:
    """What is spent, in words."""
    period = "today" if quota.limits.month is None and quota.limits.day is not None else "this month"
    limit = "the vendor sets no limit" if quota.limit is None else f"of {quota.limit}"
    return f"{quota.used} requests {period}, {limit}"

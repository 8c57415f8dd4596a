"""The task of one cloud: runs what is due, one job after the other, and remembers over restarts what it must not hurry.

Nothing of it can delay a gateway or another cloud. Before a job runs, the time of its next run is on disk: a program
that is started again and again asks no more often than one that is not.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from envoy_bridge.catalog import plain
from envoy_bridge.clock import Clock
from envoy_bridge.clouds.errors import CloudDown, CloudError, CloudState, QuotaSpent
from envoy_bridge.clouds.memory import Memory
from envoy_bridge.clouds.provider import Job, Provider
from envoy_bridge.clouds.publish import Publisher
from envoy_bridge.clouds.quota import Limits, Quota
from envoy_bridge.clouds.schedule import Kept, Schedule
from envoy_bridge.errors import StateError
from envoy_bridge.logs import get_logger
from envoy_bridge.settings import CloudSection
from envoy_bridge.state import read, write_atomically

TICK: Final = 60.0
"""Seconds between two looks at what is too old, and at what is due."""

STRETCH: Final = 2.0
"""Times the cadence, when most of the quota is spent."""

DEADLINE: Final = 1800.0
"""Real seconds that a job may take: each of its requests has a time of its own, but a vendor may page without end."""

FRESH: Final = 3600.0
"""Seconds after a success in which the cloud counts as reachable, or three cadences;..."""

RESTING: Final = 26 * 3600.0
"""...and so many while nothing is due, as at night."""

_LEVELS: Final[dict[CloudState, Literal["info", "warning", "error"]]] = {
    "ok": "info",
    "throttled": "info",
    "down": "warning",
    "blocked": "warning",
    "auth": "error",
    "reauth_required": "error",
}
_log = get_logger(__name__)


class _File(Struct, frozen=True, omit_defaults=True):
    """What is kept beside the client's memory. Times: seconds since 1970."""

    jobs: dict[str, Kept] = {}
    whole: Kept | None = None
    state: CloudState | None = None
    since: float = 0.0
    last_success: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How a cloud is. `state`: None before anything was tried. `next_try`: of the next job. Times: since 1970."""

    state: CloudState | None
    since: float | None
    last_success: float | None
    next_try: float | None
    quota_used: int
    quota_limit: int | None
    message: str = ""

    def body(self) -> dict[str, Any]:
        """As subscribers read it."""
        return {
            "state": self.state,
            "since": _time(self.since),
            "last_success": _time(self.last_success),
            "next_try": _time(self.next_try),
            "quota_used": self.quota_used,
            "quota_limit": self.quota_limit,
        }


class CloudTask:
    """`directory`: of all clouds. The limits of the quota become those that the client says."""

    def __init__(
        self,
        provider: Provider,
        quota: Quota,
        publisher: Publisher,
        *,
        settings: CloudSection,
        directory: Path,
        clock: Clock,
    ) -> None:
        quota.limits = provider.quota or Limits()
        self._provider = provider
        self._quota = quota
        self._publisher = publisher
        self._clock = clock
        self._path = directory / f"{provider.name}.schedule.json"
        self._memory = Memory(directory / f"{provider.name}.memory")
        self._schedule = Schedule(clock, slower=settings.every or 0.0)
        self._file = _File()
        self._message = ""
        self._next_try: float | None = None
        self._writable = True

    @property
    def status(self) -> Status:
        """How the cloud is."""
        file = self._file
        return Status(
            state=file.state,
            since=file.since if file.state else None,
            last_success=file.last_success,
            next_try=self._next_try,
            quota_used=self._quota.used,
            quota_limit=self._quota.limit,
            message=self._message,
        )

    async def run(self) -> None:
        """For ever."""
        await self.begin()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._publisher.courier.run())
                while True:
                    await self._clock.sleep(await self.step())
        finally:
            self._memory.save(self._provider.remember())
            self._publisher.stop()

    async def begin(self) -> None:
        """Take up what an earlier run has kept."""
        self._provider.recall(await asyncio.to_thread(self._memory.load))
        self._file = await asyncio.to_thread(_load, self._path)
        self._schedule.recall(self._file.jobs, self._file.whole, self._file.last_success)
        await self._publisher.start()

    async def step(self) -> float:
        """Run the job whose turn it is, if there is one. Returns seconds until the next look."""
        jobs = self._provider.jobs()
        waits = self._waits(jobs)
        due = [job for job in self._schedule.in_turn(jobs) if waits[job.key] <= 0]
        if due:
            await self._run(due[0])
            jobs = self._provider.jobs()
            self._tell(jobs, self._waits(jobs))
            return 0.0
        if self._note_state(jobs):
            await self._keep()
        self._tell(jobs, waits)
        self._publisher.refresh()
        return min(TICK, *waits.values()) if waits else TICK

    def _waits(self, jobs: Sequence[Job]) -> dict[str, float]:
        """Seconds until each job may run, by its key."""
        zones = self._publisher.zones
        return {job.key: self._schedule.due_in(job, zones) for job in jobs}

    def _stretch(self) -> float:
        return 1.0 if self._quota.level == "free" else STRETCH

    async def _run(self, job: Job) -> None:
        provisional = self._schedule.begins(job, self._stretch())
        await self._keep()
        before = self._schedule.outcome(job)
        try:
            async with asyncio.timeout(DEADLINE):
                reports = await job.run()
        except TimeoutError:
            self._failed(job, CloudDown(f"{job.key} takes more than {DEADLINE:g} s", alone=True))
        except CloudError as error:
            self._failed(job, error)
        else:
            self._schedule.succeeded(job)
            self._file = msgspec.structs.replace(self._file, last_success=self._clock.wall())
            await self._publisher.publish(reports, self._schedule.every(job) * self._stretch())
        await asyncio.to_thread(self._memory.save, self._provider.remember())
        # Then only it counts as done: what it has learnt is on disk.
        changed = self._note_state(self._provider.jobs())
        if changed or provisional or before != "ok" or self._schedule.outcome(job) != "ok":  # else the next run does
            await self._keep()

    def _failed(self, job: Job, error: CloudError) -> None:
        self._schedule.failed(job, error, self._stretch())
        message = str(error)
        silent = message == self._message or (isinstance(error, QuotaSpent) and error.alone)
        (_log.debug if silent else _log.warning)(
            "cloud_failed", cloud=self._provider.name, job=job.key, state=error.state, message=message
        )
        self._message = message

    def _note_state(self, jobs: Sequence[Job]) -> bool:
        """Has the state changed? Then people are told."""
        state: CloudState | None = "throttled" if self._quota.level == "spent" else self._schedule.state(jobs)
        before = self._file.state
        if state is None or state == before:
            return False
        self._file = msgspec.structs.replace(self._file, state=state, since=self._clock.wall())
        if state == "ok":
            self._message = ""
        if before is not None or state != "ok":
            message = self._message or f"{self._provider.name} answers again"
            self._publisher.event(_LEVELS[state], f"cloud_{state}", message)
        _log.info("cloud_state", cloud=self._provider.name, state=state)
        return True

    def _tell(self, jobs: Sequence[Job], waits: Mapping[str, float]) -> None:
        wait = min(waits.values(), default=None)
        self._next_try = None if wait is None else _steady(self._next_try, self._clock.wall() + max(wait, 0.0))
        if self._file.state is not None:
            self._publisher.status(self.status.body(), online=self._online(jobs, wait))

    def _online(self, jobs: Sequence[Job], wait: float | None) -> bool:
        """Was it reachable not long ago, or has it not been asked since?"""
        if self._file.state not in ("ok", "throttled") or self._file.last_success is None:
            return False
        age = self._clock.wall() - self._file.last_success
        fastest = min((self._schedule.every(job) for job in jobs), default=0.0) * self._stretch()
        if age < max(3 * fastest, FRESH):
            return True
        return self._file.state == "ok" and wait is not None and wait > 0 and age < RESTING

    async def _keep(self) -> None:
        jobs, whole = self._schedule.keep(self._provider.jobs())
        self._file = msgspec.structs.replace(self._file, jobs=jobs, whole=whole)
        await asyncio.to_thread(self._write, msgspec.json.encode(self._file))

    def _write(self, content: bytes) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self._path, content)
        except (StateError, OSError) as error:
            if self._writable:
                _log.warning("cloud_schedule_not_kept", path=str(self._path), reason=str(error)[:200])
            self._writable = False
        else:
            self._writable = True


def _load(path: Path) -> _File:
    try:
        content = read(path)
        return _File() if content is None else msgspec.json.decode(content, type=_File)
    except (StateError, ValueError, RecursionError) as error:
        _log.warning("cloud_schedule_unreadable", path=str(path), reason=str(error)[:200])
        return _File()


def _steady(before: float | None, now: float) -> float:
    """The time that was said before, if it is the same but for the time that passed while it was computed."""
    return before if before is not None and abs(before - now) < 1.0 else now


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else plain(datetime.fromtimestamp(int(seconds), UTC))

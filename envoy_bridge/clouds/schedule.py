"""When each job of a cloud may run next, and how the cloud is by what became of them. Sends nothing and writes nothing.

A restart changes nothing: what had to wait goes on waiting. While the program runs, times are monotonic seconds, which
no change of the clock touches. What is kept has wall-clock times, and nothing waits longer than it was meant to.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.errors import (
    CloudBlocked,
    CloudDown,
    CloudError,
    CloudRefused,
    CloudState,
    NotAllowed,
    QuotaSpent,
    ReauthRequired,
)
from envoy_bridge.clouds.provider import Job
from envoy_bridge.gateway.pace import DAY, retry_delay

FIRST: Final = 60.0
LAST: Final = 3600.0
"""Seconds of the pause after the first failure and after many; of a job that runs more seldom, up to its cadence."""

BLOCKED_FIRST: Final = 900.0
BLOCKED_LAST: Final = 6 * 3600.0
"""The same where something in front of the cloud answers."""

REAUTH: Final = 120.0
"""Seconds between two looks whether somebody has logged in again. Nothing is sent for that."""

AFTER_RESTART: Final = 900.0
"""Seconds from a refusal of key or password to the next try, where the program was started anew in between. Somebody
may have corrected it; but a program that crashes again and again must not lock the account."""

UNFINISHED: Final = 3600.0
"""Seconds to the next try of a job that the program did not survive, or its cadence where that is shorter; twice as
many each time that it happens again. What is asked once a week must not be away for a week because of one power cut."""

SURE: Final = 3
LULL: Final = 3600.0
"""Jobs that failed, and seconds, since the last that went well, after which the cloud is not well, though each fails
by itself."""

LONGEST: Final = 32 * DAY
"""Seconds that a vendor may have us wait: a month, until the quota begins anew."""

JITTER: Final = 0.05
"""Share by which a pause is longer, at random: not all programs in the world shall ask in the same second."""

MORNING: Final = 5
EVENING: Final = 22
"""Hours at the site between which the sun may shine."""


class Kept(Struct, frozen=True, omit_defaults=True):
    """A pause as it is kept. `due`: its end, in seconds since 1970; `wait`: how long it was meant to be."""

    due: float
    wait: float
    failures: int = 0
    outcome: CloudState | None = None


@dataclass(slots=True)
class Pause:
    """Nothing before `due` (monotonic seconds), which is `wait` seconds after it began.

    `failures` in a row so far; `outcome` of the last run. `pending`: it runs now, and runs again before `due` if the
    program does not survive that.
    """

    due: float
    wait: float = 0.0
    failures: int = 0
    outcome: CloudState | None = None
    pending: bool = False


@dataclass(slots=True)
class Schedule:
    """`slower`: seconds that lie between two runs of any job at least."""

    clock: Clock
    slower: float = 0.0
    jobs: dict[str, Pause] = field(default_factory=dict)
    whole: Pause | None = None
    """Of the whole cloud: from a failure to the next success."""
    well: float = 0.0
    """When a job last did what it should, in monotonic seconds."""

    def every(self, job: Job) -> float:
        """Seconds between two runs."""
        return max(job.every, self.slower)

    def in_turn(self, jobs: Sequence[Job]) -> list[Job]:
        """The jobs, those first that have waited longest."""
        return sorted(jobs, key=self._due)

    def due_in(self, job: Job, zones: Iterable[ZoneInfo]) -> float:
        """Seconds until this job may run; 0 or less: now. `zones` of the sites."""
        due = self._due(job) if self.whole is None else max(self._due(job), self.whole.due)
        wait = due - self.clock.monotonic()
        if not job.daylight or job.key not in self.jobs:  # whoever has just set it up wants to see something
            return wait
        wait = max(wait, 0.0)
        return wait + until_daylight(self.clock.wall() + wait, zones)

    def _due(self, job: Job) -> float:
        pause = self.jobs.get(job.key)
        return float("-inf") if pause is None else pause.due

    def begins(self, job: Job, stretch: float) -> bool:
        """The job is about to run. Its next time is fixed now, for the program may not survive this one.

        Returns whether that time is another one once the job has ended: then it is to be kept again.
        """
        pause = self.jobs.setdefault(job.key, Pause(0.0))
        self._rest(pause, _jittered(self.every(job) * stretch))
        pause.pending = pause.wait > UNFINISHED
        return pause.pending

    def succeeded(self, job: Job) -> None:
        """It did what it should: the cloud is well."""
        self.whole, self.well = None, self.clock.monotonic()
        pause = self.jobs[job.key]
        pause.failures, pause.outcome, pause.pending = 0, "ok", False

    def failed(self, job: Job, error: CloudError, stretch: float) -> None:
        """It did not. The job has to wait; unless it alone is to blame, the whole cloud has to."""
        pause = self.jobs[job.key]
        pause.pending = False
        if isinstance(error, QuotaSpent) and error.alone:  # nothing was asked, so nothing is known of the cloud
            self._rest(pause, wait_after(error, 1, LAST))
            return
        pause.failures, pause.outcome = pause.failures + 1, error.state
        factor, last = 1.0 if error.retry_in else stretch, max(LAST, self.every(job))
        wait = wait_after(error, pause.failures, last) * factor
        if error.retry_in is not None and not error.alone:
            # It is for the whole, which others end when they succeed: where only this job fails, it waits ever longer.
            wait = max(wait, retry_delay(pause.failures, first=FIRST, last=last) * stretch)
        if not error.alone and not self._fails_alone(pause, error):
            self.whole = self.whole or Pause(0.0)
            self.whole.failures, self.whole.outcome = self.whole.failures + 1, error.state
            whole = wait_after(error, self.whole.failures, LAST) * factor
            self._rest(self.whole, whole)
            wait = max(wait, whole)
        self._rest(pause, wait)

    def _fails_alone(self, pause: Pause, error: CloudError) -> bool:
        """It failed before, and others did not since: it is not the cloud that is down."""
        return isinstance(error, CloudDown) and self.whole is None and pause.failures > 1

    def _rest(self, pause: Pause, seconds: float) -> None:
        pause.due, pause.wait = self.clock.monotonic() + seconds, seconds

    def outcome(self, job: Job) -> CloudState | None:
        """Of its last run; None: it has never run, or the whole cloud is not well."""
        pause = self.jobs.get(job.key)
        return None if pause is None or self.whole is not None else pause.outcome

    def lift(self, after: float = 0.0) -> None:
        """Try again, after so many seconds at the latest. Only a success makes the cloud well."""
        if self.whole is not None:
            self.whole.due = min(self.whole.due, self.clock.monotonic() + after)
            for pause in self.jobs.values():
                if pause.outcome == self.whole.outcome:
                    pause.due = min(pause.due, self.whole.due)

    def state(self, jobs: Iterable[Job]) -> CloudState | None:
        """How the cloud is; None: nothing was tried yet."""
        if self.whole is not None:
            return self.whole.outcome
        known = [pause for job in jobs if (pause := self.jobs.get(job.key)) and pause.outcome]
        outcomes = [pause.outcome for pause in known]
        since = [pause.outcome for pause in known if pause.outcome != "ok" and pause.due - pause.wait > self.well]
        if len(since) >= SURE and self.clock.monotonic() - self.well >= LULL:
            return since[0]
        if "throttled" in outcomes:
            return "throttled"
        return "ok" if "ok" in outcomes else next(iter(outcomes), None)

    def keep(self, jobs: Iterable[Job]) -> tuple[dict[str, Kept], Kept | None]:
        """What is to be kept: of the jobs, and of the whole. What is no job any more is, until its time has come."""
        now, wanted = self.clock.monotonic(), {job.key for job in jobs}
        known = {key: self._kept(pause) for key, pause in self.jobs.items() if key in wanted or pause.due > now}
        return known, None if self.whole is None else self._kept(self.whole)

    def _kept(self, pause: Pause) -> Kept:
        due = pause.due + self.clock.wall() - self.clock.monotonic()
        if not pause.pending:
            return Kept(due, pause.wait, pause.failures, pause.outcome)
        wait = min(pause.wait, UNFINISHED * 2.0 ** min(pause.failures, 16))
        return Kept(due - pause.wait + wait, wait, pause.failures + 1, pause.outcome)

    def recall(self, jobs: dict[str, Kept], whole: Kept | None, well: float | None = None) -> None:
        """Take up what an earlier run has kept. `well`: when a job last did what it should, in seconds since 1970."""
        self.well = self.clock.monotonic() - max(0.0, self.clock.wall() - (well or 0.0))
        self.jobs = {key: self._recalled(kept) for key, kept in jobs.items()}
        self.whole = None if whole is None else self._recalled(whole)
        if self.whole is not None and self.whole.outcome == "auth":
            waited = self.whole.wait - (self.whole.due - self.clock.monotonic())
            self.lift(max(0.0, AFTER_RESTART - waited))

    def _recalled(self, kept: Kept) -> Pause:
        """A clock that was set back since makes nothing wait longer than it was meant to."""
        left = min(max(kept.due - self.clock.wall(), 0.0), kept.wait, LONGEST)
        return Pause(self.clock.monotonic() + left, kept.wait, kept.failures, kept.outcome)


def wait_after(error: CloudError, failures: int, last: float) -> float:
    """Seconds to wait after so many failures in a row: what the vendor says, or else longer each time, up to `last`."""
    if error.retry_in is not None:
        return _jittered(min(max(error.retry_in, 1.0), LONGEST if isinstance(error, QuotaSpent) else DAY))
    if isinstance(error, ReauthRequired):
        return REAUTH
    if isinstance(error, CloudRefused | NotAllowed):
        return _jittered(DAY)
    if isinstance(error, CloudBlocked):
        return retry_delay(failures, first=BLOCKED_FIRST, last=BLOCKED_LAST)
    return retry_delay(failures, first=FIRST, last=last)


def _jittered(seconds: float) -> float:
    return seconds + random.uniform(0.0, min(seconds * JITTER, FIRST))  # noqa: S311 - not a secret


def until_daylight(time: float, zones: Iterable[ZoneInfo]) -> float:
    """Seconds from a time (since 1970) until the sun may shine at one of the sites; 0 too where none is known."""
    moments = [datetime.fromtimestamp(time, zone) for zone in zones]
    return min((_until_morning(moment) for moment in moments), default=0.0)


def _until_morning(moment: datetime) -> float:
    if MORNING <= moment.hour < EVENING:
        return 0.0
    morning = moment.replace(hour=MORNING, minute=0, second=0, microsecond=0, fold=0)
    if moment.hour >= EVENING:
        morning += timedelta(days=1)
    return (morning.astimezone(UTC) - moment.astimezone(UTC)).total_seconds()

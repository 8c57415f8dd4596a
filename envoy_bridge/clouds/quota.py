"""How often a vendor's cloud may be asked. Counted on disk before each request: no restart gives a call back.

Several processes, such as the daemon and a backfill, may share a file: then they take turns, request by request.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from envoy_bridge import state
from envoy_bridge.clock import Clock
from envoy_bridge.clouds.errors import QuotaSpent
from envoy_bridge.clouds.locks import AWAIT_TURN, locked
from envoy_bridge.clouds.periods import DAY, MONTH, counted
from envoy_bridge.errors import StateError
from envoy_bridge.logs import get_logger

MINUTE: Final = 60.0

MARGIN: Final = 5.0
"""Seconds that we wait longer than the vendor says: a request may reach it later than we sent it."""

STRETCHED_FROM: Final = 0.8
ESSENTIAL_FROM: Final = 0.95
"""Shares of a limit from which on everything is asked half as often, and only what is essential is asked."""

KEYS: Final = 1000
"""Endpoints whose last request is known at most."""

ACCOUNTS: Final = 8
"""Accounts whose counts are kept: who changes the key and changes it back finds the old count."""

PATIENCE: Final = 90.0
"""Seconds that a request waits until the vendor takes more; for longer, the whole cloud waits."""

FORESEEN: Final = 2 * 3600.0
"""Seconds for which the word of a vendor holds at most: else a clock that was ahead would have us wait for years."""

Level = Literal["free", "stretched", "essential", "spent"]

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a vendor allows: requests in a calendar month (UTC), in a day (UTC), in any minute.

    `pause`: seconds from one request to the next one with the same key.
    """

    month: int | None = None
    day: int | None = None
    minute: int | None = None
    pause: float | None = None


_Month = Annotated[str, Meta(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
_Day = Annotated[str, Meta(pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]


class _Spent(Struct, frozen=True):
    """Requests of one account. `months`, `days`: how many, by `2026-08` and `2026-08-31`. Times: seconds since 1970.

    `left`: how many more the vendor takes before `until`; where that is over, nobody knows.
    """

    months: dict[_Month, int] = {}
    days: dict[_Day, int] = {}
    recent: tuple[float, ...] = ()
    keys: dict[str, float] = {}
    left: int = 0
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class _Now:
    """What is spent at a time (seconds since 1970), and which month and day count then."""

    spent: _Spent
    time: float
    month: str
    day: str

    @property
    def this_month(self) -> int:
        return self.spent.months[self.month]

    @property
    def today(self) -> int:
        return self.spent.days[self.day]

    @property
    def refused_for(self) -> float:
        """Seconds for which the vendor takes no request, as it told."""
        return max(0.0, self.spent.until - self.time) if self.spent.left < 1 else 0.0

    @property
    def month_ends(self) -> datetime:
        first = datetime.fromisoformat(f"{self.month}-01").replace(tzinfo=UTC)
        return (first + timedelta(days=32)).replace(day=1)

    @property
    def day_ends(self) -> datetime:
        return datetime.fromisoformat(self.day).replace(tzinfo=UTC) + timedelta(days=1)


class Quota:
    """The requests of one account, counted. `account`: what the vendor counts by; only its hash is kept.

    Without `path` it is counted until the end of the process. Where the file cannot be written, too.
    """

    def __init__(self, path: Path | None, account: str, limits: Limits | None, clock: Clock) -> None:
        self.limits = limits or Limits()
        self._path = path
        self._account = hashlib.sha256(account.encode()).hexdigest()[:16]
        self._clock = clock
        self._content: bytes | None = None  # of the file, as last read or written
        self._accounts: Mapping[str, _Spent] = {}
        self._complained = False
        self._read()

    @property
    def limit(self) -> int | None:
        """Requests that are allowed this month; where only days count, today. None: as many as one likes."""
        return self.limits.month if self.limits.month is not None else self.limits.day

    @property
    def used(self) -> int:
        """Requests of this month; where only days are limited, of today."""
        now = self._now()
        return now.today if self.limits.month is None and self.limits.day is not None else now.this_month

    @property
    def level(self) -> Level:
        """What may still be asked, by the fuller one of month and day."""
        now = self._now()
        share = max(_share(now.this_month, self.limits.month), _share(now.today, self.limits.day))
        if share >= 1:
            return "spent"
        if share >= ESSENTIAL_FROM:
            return "essential"
        return "stretched" if share >= STRETCHED_FROM else "free"

    @asynccontextmanager
    async def turn(self, key: str = "", *, essential: bool = False, counts: bool = True) -> AsyncIterator[None]:
        """Wait for our turn and count one request, which is sent inside. Waits where a minute is full.

        Raises:
            QuotaSpent: it must not be sent. Nothing was counted.
        """
        file = self._open()
        try:
            while file is not None and not locked(file):
                await self._clock.sleep(AWAIT_TURN * self._clock.speed)
            if counts:
                await self._count(key, essential=essential)
            yield
        finally:
            if file is not None:
                os.close(file)

    async def _count(self, key: str, *, essential: bool) -> None:
        while True:
            await asyncio.to_thread(self._read)
            now = self._now()
            # Kept, so that what a clock that was set back left in the future is past soon.
            self._accounts = {**self._accounts, self._account: now.spent}
            self._require(now, key, essential=essential)
            if not (wait := max(self._minute_full(now), now.refused_for)):
                break
            await self._clock.sleep(wait)
        await asyncio.to_thread(self._keep, self._with_one_more(now, key))

    async def told(self, left: int, seconds: float) -> None:
        """The vendor says how many requests it takes within so many seconds. Kept over a restart."""
        await asyncio.to_thread(self._read)
        now = self._now()
        spent = replace(now.spent, left=left, until=now.time + min(seconds, FORESEEN))
        if left != now.spent.left or abs(spent.until - now.spent.until) > 1:  # else it is on disk
            await asyncio.to_thread(self._keep, spent)

    def _require(self, now: _Now, key: str, *, essential: bool) -> None:
        month = (now.this_month, self.limits.month, now.month_ends)
        day = (now.today, self.limits.day, now.day_ends)
        for used, limit, until in (month, day):
            if limit is not None and _share(used, limit) >= (1 if essential else ESSENTIAL_FROM):
                raise QuotaSpent(
                    f"{used} of {limit} requests are spent until {until:%Y-%m-%d %H:%M} UTC"
                    + ("" if used >= limit else "; the rest is for what is essential"),
                    retry_in=max(1.0, until.timestamp() - now.time),
                    alone=used < limit,
                )
        if now.refused_for > PATIENCE:
            raise QuotaSpent("the vendor takes no more requests now, as it told", retry_in=now.refused_for)
        if self.limits.pause is not None and key in now.spent.keys:
            wait = now.spent.keys[key] + self.limits.pause + MARGIN - now.time
            if wait > 0:
                raise QuotaSpent(f"{key} may be asked once in {self.limits.pause:g} s", retry_in=wait, alone=True)

    def _minute_full(self, now: _Now) -> float:
        """Seconds until another request is allowed in this minute."""
        recent, limit = now.spent.recent, self.limits.minute
        if limit is None or len(recent) < limit:
            return 0.0
        return max(0.0, recent[-limit] + MINUTE + MARGIN - now.time)

    def _now(self) -> _Now:
        """What was spent, with entries for now; no time of it is in the future."""
        spent, time = self._accounts.get(self._account, _Spent()), self._clock.wall()
        moment = datetime.fromtimestamp(time, UTC)
        kept = (self.limits.pause or 0.0) + MARGIN
        months, month = counted(spent.months, moment, MONTH)
        days, day = counted(spent.days, moment, DAY)
        spent = _Spent(
            months=months,
            days=days,
            recent=tuple(min(sent, time) for sent in spent.recent if sent > time - MINUTE - MARGIN),
            keys={key: min(sent, time) for key, sent in spent.keys.items() if sent > time - kept},
            left=spent.left,
            until=spent.until if time < spent.until <= time + FORESEEN else 0.0,
        )
        return _Now(spent, time, month, day)

    def _with_one_more(self, now: _Now, key: str) -> _Spent:
        spent = now.spent
        keys = {**spent.keys, key: now.time} if self.limits.pause is not None else {}
        return replace(
            spent,
            months={**spent.months, now.month: now.this_month + 1},
            days={**spent.days, now.day: now.today + 1},
            recent=(*spent.recent, now.time)[-(self.limits.minute or 1) :],
            keys=dict(sorted(keys.items(), key=lambda item: item[1])[-KEYS:]),
            left=max(0, spent.left - 1),
        )

    def _read(self) -> None:
        """Take up what this account has spent, by this process and by any other that has written the file since."""
        try:
            content = None if self._path is None else state.read(self._path)
        except StateError:
            content = b""  # as good as a damaged one
        if content is None or content == self._content:
            return
        self._content = content
        try:
            self._accounts = msgspec.json.decode(content, type=dict[str, _Spent])
        except (ValueError, RecursionError):
            _log.warning("quota_record_damaged", path=str(self._path), consequence="most of it counts as spent")
            now, limits = self._now(), self.limits
            most = _Spent(
                months={now.month: int((limits.month or 0) * STRETCHED_FROM)},
                days={now.day: int((limits.day or 0) * STRETCHED_FROM)},
            )
            self._accounts = {**self._accounts, self._account: most}

    def _keep(self, spent: _Spent) -> None:
        """Remember it here, whatever happens, and on disk."""
        others = {account: known for account, known in self._accounts.items() if account != self._account}
        self._accounts = {**dict(list(others.items())[1 - ACCOUNTS :]), self._account: spent}
        if self._path is None:
            return
        content = msgspec.json.encode(self._accounts)
        try:
            state.write_atomically(self._path, content)
        except StateError as error:
            self._complain(str(error))
        else:
            self._content, self._complained = content, False

    def _open(self) -> int | None:
        """The file whose lock is the turn; None: there is no place for one."""
        if self._path is None:
            return None
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self._complain(str(error))
            return None

    def _complain(self, reason: str) -> None:
        if not self._complained:
            _log.warning("quota_not_recorded", consequence="counted until the next start", reason=reason)
        self._complained = True


def _share(used: int, limit: int | None) -> float:
    return 0.0 if limit is None else used / limit if limit > 0 else 1.0

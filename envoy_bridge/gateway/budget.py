"""How often Enlighten may be asked to log in. It locks accounts that are tried too often, so the count is kept on disk.

A process that is restarted again and again, or that runs beside another one, spends from the same budget. A running
process counts in monotonic seconds, which no change of the clock touches. The file has wall-clock times, which are
brought into bounds when they are read: what a clock that has since been set back left in the future counts as now.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from envoy_bridge import state
from envoy_bridge.clock import Clock
from envoy_bridge.errors import LoginBudgetSpent, StateError
from envoy_bridge.logs import get_logger

BETWEEN_LOGINS = 15 * 60.0  # seconds
AFTER_UNSENT = 60.0  # seconds; the login never reached Enlighten, so the next one need not wait as long
REJECTIONS = 3  # within a day, after which there is no login for
DAY = 86_400.0  # seconds

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Spent:
    """What has been spent, in monotonic seconds: no login before `next_login`, no contact at all before `opens`."""

    next_login: float
    opens: float
    rejections: tuple[float, ...]  # of the last 24 hours, at most three


class _File(msgspec.Struct, frozen=True):
    """`logins.json`: the same in wall-clock seconds since 1970; 0 where there is nothing to wait for."""

    next_login: float
    opens: float
    rejections: tuple[float, ...]


class LoginBudget:
    """At most one login in 15 minutes, and after three rejections within 24 hours none for 24 hours."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._path = directory / "logins.json"
        self._clock = clock
        self._spent = _Spent(clock.monotonic(), clock.monotonic(), ())
        self._content: bytes | None = None  # of the file, as last read or written
        self._writable = True

    def require_open(self) -> None:
        """Nothing, as long as Enlighten may be contacted.

        Raises:
            LoginBudgetSpent: It may not, for now.
        """
        spent = self._current()
        if spent.opens <= self._clock.monotonic():
            return
        if len(spent.rejections) < REJECTIONS:
            raise self._refusal(spent.opens, "Enlighten asked to be left alone until then")
        raise self._refusal(
            spent.opens,
            f"{REJECTIONS} logins within a day were refused or of no use, and one more could lock the account. "
            "Correct [[gateway]] username and password, or use token_file. To try at once after that, stop "
            f"envoy-bridge, remove {self._path} and start it again",
        )

    def spend(self) -> None:
        """Take a login out of the budget; to be called before it is sent.

        Raises:
            LoginBudgetSpent: None is left, for now.
        """
        self.require_open()
        spent, now = self._current(), self._clock.monotonic()
        if spent.next_login > now:
            raise self._refusal(spent.next_login, "there is one in 15 minutes at most, as more could lock the account")
        self._keep(replace(spent, next_login=now + BETWEEN_LOGINS))

    def unsent(self) -> None:
        """The login taken out last did not reach Enlighten."""
        self._keep(replace(self._current(), next_login=self._clock.monotonic() + AFTER_UNSENT))

    def reject(self) -> None:
        """A login was refused, or was of no use."""
        spent, now = self._current(), self._clock.monotonic()
        if len(spent.rejections) + 1 < REJECTIONS:
            self._keep(replace(spent, rejections=(*spent.rejections, now)))
        else:  # all of them are forgotten at the moment at which it opens again
            self._keep(replace(spent, opens=now + DAY, rejections=(now,) * REJECTIONS))

    def close(self, seconds: float) -> None:
        """Enlighten asks not to be contacted for so long; it is granted a day at most."""
        spent = self._current()
        self._keep(replace(spent, opens=max(spent.opens, self._clock.monotonic() + min(seconds, DAY))))

    def _refusal(self, until: float, reason: str) -> LoginBudgetSpent:
        retry_at = self._clock.wall() + until - self._clock.monotonic()
        local = datetime.fromtimestamp(retry_at, tz=UTC).astimezone()
        return LoginBudgetSpent(f"no Enlighten login before {local:%Y-%m-%d %H:%M}: {reason}", retry_at)

    def _current(self) -> _Spent:
        """What has been spent, by this process and by any other that has written the file since."""
        try:
            content = state.read(self._path)
        except StateError:
            content = b""  # as good as a damaged one
        if content is not None and content != self._content:
            self._content = content
            # Written back: a process that is restarted often would else find the same future time each time.
            self._keep(_stricter(self._spent, self._decoded(content)))
        now = self._clock.monotonic()
        return replace(self._spent, rejections=tuple(t for t in self._spent.rejections if now - t < DAY))

    def _decoded(self, content: bytes) -> _Spent:
        now, offset = self._clock.monotonic(), self._clock.monotonic() - self._clock.wall()
        try:
            file = msgspec.json.decode(content, type=_File)
        except (ValueError, RecursionError):
            _log.warning("login_record_damaged", consequence="one login is allowed; if it is refused, none for a day")
            return _Spent(now, now, (now,) * (REJECTIONS - 1))
        return _Spent(
            min(file.next_login + offset, now + BETWEEN_LOGINS),
            min(file.opens + offset, now + DAY),
            tuple(min(t + offset, now) for t in file.rejections[-REJECTIONS:]),
        )

    def _keep(self, spent: _Spent) -> None:
        """Remember it here, whatever happens, and on disk."""
        self._spent = spent
        now, offset = self._clock.monotonic(), self._clock.wall() - self._clock.monotonic()
        next_login, opens = (t + offset if t > now else 0.0 for t in (spent.next_login, spent.opens))
        content = msgspec.json.encode(_File(next_login, opens, tuple(t + offset for t in spent.rejections)))
        try:
            state.write_atomically(self._path, content)
        except StateError as error:
            if self._writable:
                _log.warning("logins_not_recorded", consequence="counted until the next start", reason=str(error))
            self._writable = False
        else:
            self._content = content
            self._writable = True


def _stricter(one: _Spent, other: _Spent) -> _Spent:
    """What both allow."""
    return _Spent(
        max(one.next_login, other.next_login),
        max(one.opens, other.opens),
        max(one.rejections, other.rejections, key=len),
    )

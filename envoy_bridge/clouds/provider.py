"""What the client of a vendor's cloud is to the rest of the program: jobs to run now and then, and days to fetch."""

from collections.abc import AsyncIterator, Awaitable, Callable, Container, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from envoy_bridge.clouds.quota import Limits
from envoy_bridge.clouds.report import SiteReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Something that is asked again and again.

    `key`: unique among the jobs of the cloud, and the same after a restart: it stands on disk for when the job may run
    next. `every`: seconds between two runs, as often as the vendor's limits allow; the program stretches it where the
    quota runs out, and never hurries. `run`: asks, and raises CloudError. `essential`: runs when 95 % of the quota are
    spent. `daylight`: of no use at night, but for the first time.
    """

    key: str
    every: float
    run: Callable[[], Awaitable[Sequence[SiteReport]]]
    essential: bool = False
    daylight: bool = False


class Provider(Protocol):
    """The client of one vendor's cloud, for one account. All methods run in the same task, one after the other."""

    @property
    def name(self) -> str:
        """A topic level: `tigo`."""

    @property
    def quota(self) -> Limits | None:
        """What the vendor allows; None: it does not count."""

    def jobs(self) -> Sequence[Job]:
        """What is to be asked as things stand. Asked for anew after each run: what was found adds jobs."""

    def backfill(
        self, site: str | None, start: date, end: date, done: Container[str] = ()
    ) -> AsyncIterator[tuple[str, Sequence[SiteReport]]]:
        """The past of a site (None: of all), both days included: chunk by chunk, oldest first.

        Each chunk is a key, which is the same when it is asked for again, and what was found. Nothing is asked for keys
        that are `done`. Raises CloudError.
        """

    def recall(self, memory: bytes | None) -> None:
        """Take up what an earlier run learnt; None, or something that is not understood: nothing was."""

    def remember(self) -> bytes:
        """What was learnt about sites and devices, and the tokens: to be kept on disk, for `recall`."""

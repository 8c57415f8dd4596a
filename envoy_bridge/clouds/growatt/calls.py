"""Asking Growatt's OpenAPI v1: what may be asked, how often, and what its error numbers mean.

The vendor wants minutes between two requests for the same thing, and says so with error 10012. Its servers count
differently, by what was asked or by the endpoint. So the same is asked once in five minutes, anything once in three
seconds, and what was asked too often waits for longer each time; and where that shows that a server counts by the
endpoint, so do we from then on.

All calls read. Those that set something in an inverter, or that reach through to it, are not here on purpose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.errors import (
    CloudDown,
    CloudError,
    CloudRefused,
    CloudThrottled,
    NotAllowed,
    QuotaSpent,
    UnusableAnswer,
)
from envoy_bridge.clouds.growatt.envelope import TOO_OFTEN_HOLD, opened
from envoy_bridge.clouds.growatt.wire import whole, word
from envoy_bridge.clouds.quota import Limits
from envoy_bridge.clouds.rest import Answer, Request, Rest
from envoy_bridge.logs import hide

HOSTS: Final = {
    "global": "https://openapi.growatt.com",
    "us": "https://openapi-us.growatt.com",
    "cn": "https://openapi-cn.growatt.com",
    "au": "https://openapi-au.growatt.com",
}
"""By region of the account. A token holds in one region only."""

PAUSE: Final = 300.0
LIMITS: Final = Limits(pause=PAUSE)
"""Five minutes from one request to the same one."""

GAP: Final = 3.0
"""Seconds from the end of a request to the next one."""

GAP_OF_PAST: Final = 10.0
"""Seconds between two requests for the past of inverters, such as for two pages of a day."""

STRICT_FOR: Final = 7 * 86_400.0
"""Seconds for which we go by the endpoint, where the server seemed to: it may have been in trouble."""

FIRST_HOLD: Final = TOO_OFTEN_HOLD
LONGEST_HOLD: Final = 3600.0
"""Seconds for which a request waits that was made too often, by the vendor's count: doubled each time."""

ALL_THROTTLED: Final = 3
"""Different requests refused in a row, as too many, that mean all of them."""

REFUSALS: Final = 3
"""Times in a row that mean that the token is wrong: the vendor refuses it also when it is in trouble itself."""

REFUSED_HOLD: Final = 3600.0
"""Seconds between two tries of a token that is taken for wrong."""

PER_PAGE: Final = 100
MOST_PAGES: Final = 250
"""The vendor gives no more."""

BEGUN: Final = 20
"""Lists of which the first pages are kept, while the next one has to wait."""

_OK: Final = 0
_WRONG_HOST: Final = -1
_SYSTEM: Final = 10001
_PERMISSION: Final = 10011
_TOO_OFTEN: Final = 10012
_ABSENT: Final = (10002, 10003, 10005)

_NOTHING: Final = (b"null", b'""', b'"null"', b"[]")
"""What stands where there are no data."""


class Page(Protocol):
    """One page of a list."""

    @property
    def entries(self) -> Sequence[object]:
        """Those on this page."""

    @property
    def count(self) -> object:
        """Of all pages."""


T = TypeVar("T")
P = TypeVar("P", bound=Page)


@dataclass(frozen=True, slots=True)
class Call:
    """Something that can be asked. `subject`: the parameter that says of what. `post`: the parameters are a form.

    `gap`: seconds from one such request to another.
    """

    path: str
    subject: str = "plant_id"
    post: bool = False
    gap: float = GAP

    def key(self, parameters: Mapping[str, str]) -> str:
        """What is the same for the same request."""
        return f"{self.path}?{urlencode(sorted(parameters.items()))}"


PLANTS: Final = Call("plant/list", "")
DETAILS: Final = Call("plant/details")
OVERVIEW: Final = Call("plant/data")
POWER: Final = Call("plant/power")
ENERGY: Final = Call("plant/energy")
DEVICES: Final = Call("device/list")
MIN_DETAIL: Final = Call("device/tlx/tlx_data_info", "device_sn")
MIN_NOW: Final = Call("device/tlx/tlx_last_data", "tlx_sn", post=True)
MIN_PAST: Final = Call("device/tlx/tlx_data", "tlx_sn", post=True, gap=GAP_OF_PAST)
SPH_DETAIL: Final = Call("device/mix/mix_data_info", "device_sn")
SPH_NOW: Final = Call("device/mix/mix_last_data", "mix_sn", post=True)
SPH_PAST: Final = Call("device/mix/mix_data", "mix_sn", post=True, gap=GAP_OF_PAST)


class Hold(Struct, frozen=True):
    """A request that waits. `until`: seconds since 1970. `seconds`: how long this time."""

    until: float
    seconds: float


class Caller:
    """Asks, one request after the other, and keeps to what the vendor wants."""

    def __init__(self, rest: Rest, clock: Clock, token: str) -> None:
        hide(token)
        self.holds: dict[str, Hold] = {}
        """By key. To be kept over a restart, as this:"""
        self.strict: dict[str, float] = {}
        """Until when (seconds since 1970) requests count by the endpoint, by its path."""
        self._rest = rest
        self._clock = clock
        self._token = token
        self._begin = self._last = clock.monotonic()  # an earlier process may have asked just now
        self._last_of: dict[str, tuple[str, float]] = {}  # by path: which request, and when
        self._begun: dict[str, list[Any]] = {}
        self._throttled = 0
        self._refused = 0
        self._refusals: dict[str, int] = {}

    async def ask(self, call: Call, kind: type[T], **parameters: str) -> T:
        """The `data` of the answer, as this type.

        Raises:
            CloudError: see `_failure`; QuotaSpent and CloudThrottled also without that anything was sent.
        """
        key = call.key(parameters)
        self._require(key)
        before = self._last_of.get(call.path)
        envelope = opened(await self._send(call, key, parameters))
        code = whole(envelope.error_code)
        if code == _TOO_OFTEN and before is not None and before[0] != key:
            self._go_by_endpoint(call.path, self._clock.monotonic() - before[1])
        if code != _OK:
            raise self._failure(key, code, word(envelope.error_msg) or "no reason given")
        self._worked(key)
        try:
            return msgspec.json.decode(b"{}" if bytes(envelope.data) in _NOTHING else envelope.data, type=kind)
        except msgspec.DecodeError as error:
            raise UnusableAnswer(f"{call.path} answers something else than it should: {error}") from None

    async def pages(self, call: Call, kind: type[P], **parameters: str) -> tuple[list[P], bool]:
        """All pages, and whether they have all that there is by the vendor's count.

        Raises:
            CloudError: as `ask`. Who asks again goes on with the page that did not come.
        """
        key = call.key(parameters)
        pages: list[P] = self._begun.pop(key, [])
        got = sum(len(page.entries) for page in pages)
        for page in range(len(pages) + 1, MOST_PAGES + 1):
            try:
                answer = await self.ask(call, kind, **parameters, page=str(page), perpage=str(PER_PAGE))
            except CloudError:
                self._begun = dict([*self._begun.items(), (key, pages)][-BEGUN:])
                raise
            count = whole(answer.count)
            if not answer.entries or (pages and answer.entries == pages[-1].entries):
                return pages, got >= (count or 0)
            pages.append(answer)
            got += len(answer.entries)
            if got >= count if count is not None else len(answer.entries) < PER_PAGE:
                break
        return pages, True

    async def _send(self, call: Call, key: str, parameters: Mapping[str, str]) -> Answer:
        _, last = self._last_of.get(call.path, ("", self._begin))
        await self._clock.sleep(max(self._last + GAP, last + call.gap) - self._clock.monotonic())
        sent = True
        try:
            return await self._rest.ask(
                Request(
                    path=f"/v1/{call.path}",
                    query=() if call.post else tuple(parameters.items()),
                    form=tuple(parameters.items()) if call.post else None,
                    headers={"token": self._token},
                    key=call.path if self.strict.get(call.path, 0.0) > self._clock.wall() else key,
                )
            )
        except QuotaSpent:
            sent = False
            raise
        finally:
            if sent:
                self._last = self._clock.monotonic()
                self._last_of[call.path] = key, self._last

    def _require(self, key: str) -> None:
        now = self._clock.wall()
        hold = self.holds.get(key)
        # A clock that was ahead must not have it wait for years.
        if hold is not None and now < hold.until <= now + LONGEST_HOLD:
            raise CloudThrottled(f"Growatt wants {key} to wait", retry_in=hold.until - now, alone=True)

    def _go_by_endpoint(self, path: str, ago: float) -> None:
        """It was too often, though this was not asked: another request of the same kind was, so long ago."""
        if ago < PAUSE:
            self.strict[path] = self._clock.wall() + STRICT_FOR

    def _worked(self, key: str) -> None:
        self._throttled = self._refused = 0
        self.holds.pop(key, None)
        self._refusals.pop(key, None)

    def _failure(self, key: str, code: int | None, reason: str) -> CloudError:
        """What an error number means. The vendor uses some of them for several things."""
        said = f"Growatt answers {key} with error {code} ({reason})"
        if code == _TOO_OFTEN:
            return self._too_often(key, said)
        if code == _PERMISSION:
            return self._refusal(key, said)
        if code == _WRONG_HOST:
            return CloudRefused(f"{said}: take another region or base_url in [cloud.growatt]", retry_in=REFUSED_HOLD)
        if code == _SYSTEM:
            return CloudDown(said, retry_in=FIRST_HOLD, alone=True)
        return NotAllowed(said) if code in _ABSENT else UnusableAnswer(said)

    def _too_often(self, key: str, said: str) -> CloudThrottled:
        before = self.holds.get(key)
        seconds = min(LONGEST_HOLD, before.seconds * 2) if before else FIRST_HOLD
        self.holds[key] = Hold(self._clock.wall() + seconds, seconds)
        self._throttled += 1
        return CloudThrottled(said, retry_in=seconds, alone=self._throttled < ALL_THROTTLED)

    def _refusal(self, key: str, said: str) -> CloudError:
        self._refused += 1
        self._refusals[key] = self._refusals.get(key, 0) + 1
        if self._refused >= REFUSALS:
            return CloudRefused(
                f"{said}: make a new token in the ShinePhone app (Me, API Token), and set it in [cloud.growatt]; "
                "if it is right, take the region of your account",
                retry_in=REFUSED_HOLD,
            )
        if self._refusals[key] >= REFUSALS:
            return NotAllowed(f"{said}, while it answers the rest")
        return CloudRefused(said, retry_in=FIRST_HOLD, alone=True)

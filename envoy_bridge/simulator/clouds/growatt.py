"""Growatt's OpenAPI v1 on loopback: one account with a plant, its inverters, and the servers' bad habits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from aiohttp import web

from envoy_bridge.clock import Clock
from envoy_bridge.simulator.clouds.growatt_house import House, Json, Power, sunny_day
from envoy_bridge.simulator.clouds.growatt_plant import (
    ABSENT,
    PAGES,
    PER_PAGE,
    PERMISSION,
    PLANT,
    TOO_OFTEN,
    Plant,
    Refusal,
)
from envoy_bridge.simulator.faults import Fault
from envoy_bridge.simulator.ports import Port
from envoy_bridge.simulator.replies import page
from envoy_bridge.simulator.server import REAL_TIME, SimulatedServer

TOKEN: Final = "sim0token0sim0token0sim0token012"  # noqa: S105 - made up


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. `time`: when it came, in seconds since 1970. `code`: the error number it got, 0 for none."""

    path: str
    parameters: Mapping[str, str]
    time: float
    code: int


class SimulatedGrowatt(SimulatedServer):
    """One account. `asked` lists what came; its length is the count of requests.

    May be changed while it runs: what the `plant` has and how it tells it; `pause` (seconds between two requests for
    the same, or `by_endpoint`) and `gap` (between any two), in which 10012 is said; `errors` (an error number by path,
    such as `plant/data`); and `faults`.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        clock: Clock = REAL_TIME,
        power: Power | None = None,
        zone: str = "Europe/Vienna",
        days: int = 40,
    ) -> None:
        self._port = Port(port)
        super().__init__([self._port], clock)
        site = ZoneInfo(zone)
        began = date.fromtimestamp(clock.wall()) - timedelta(days=days)  # noqa: DTZ012 - about then
        self.plant = Plant(House(site, power or sunny_day(site), began), clock)
        self.token = TOKEN
        self.pause, self.gap = 300.0, 0.0
        self.by_endpoint = False
        self.errors: dict[str, int] = {}
        self.asked: list[Asked] = []
        self._last: dict[str, float] = {}

    @property
    def url(self) -> str:
        """For `base_url` of the configuration."""
        return self._port.url

    def fault(self, path: str, fault: Fault | None) -> None:
        """Have a path below /v1/ go wrong, "*" for all; None: it works again."""
        where = path if path == "*" else f"/v1/{path}"
        self.faults.pop(where, None)
        if fault is not None:
            self.faults[where] = fault

    def admits(self, request: web.BaseRequest) -> bool:
        """Whether the request shows the token."""
        return request.headers.get("token") == self.token

    def answer(self, request: web.BaseRequest, body: bytes) -> web.Response:
        """Any request: 200, and what went wrong inside."""
        path = request.path.removeprefix("/v1/")
        if path not in _CALLS or not request.path.startswith("/v1/"):
            return page(404)
        method, call = _CALLS[path]
        if request.method != method:
            return page(405)
        asked = dict(request.query) if method == "GET" else dict(parse_qsl(body.decode()))
        try:
            self._admit(request, path, asked)
            answer: Json = {"error_code": 0, "error_msg": ""} | call(self.plant, asked)
        except Refusal as refusal:
            answer = {"data": "", "error_code": refusal.code, "error_msg": f"error_{refusal.code}"}
        self.asked.append(Asked(path, asked, self._clock.wall(), answer["error_code"]))
        return web.json_response(answer)

    def _admit(self, request: web.BaseRequest, path: str, asked: Mapping[str, str]) -> None:
        now, key = self._clock.wall(), path if self.by_endpoint else f"{path} {sorted(asked.items())}"
        too_often = now < self._last.get(key, 0.0) + self.pause or now < self._last.get("", 0.0) + self.gap
        self._last |= {key: now, "": now}
        if path in self.errors:
            raise Refusal(self.errors[path])
        if not self.admits(request):
            raise Refusal(PERMISSION)
        if too_often:
            raise Refusal(TOO_OFTEN)
        if int(asked.get("perpage", 20)) > 100:  # noqa: PLR2004
            raise Refusal(PER_PAGE)
        if int(asked.get("page", 1)) > 250:  # noqa: PLR2004
            raise Refusal(PAGES)
        if asked.get("plant_id", str(PLANT)) != str(PLANT):
            raise Refusal(ABSENT)


_Answers = Callable[[Plant, Mapping[str, str]], Json]

_CALLS: Final[Mapping[str, tuple[str, _Answers]]] = {
    "plant/list": ("GET", Plant.plants),
    "plant/details": ("GET", Plant.details),
    "plant/data": ("GET", Plant.overview),
    "plant/power": ("GET", Plant.powers),
    "plant/energy": ("GET", Plant.energies),
    "device/list": ("GET", Plant.devices),
    "device/tlx/tlx_data_info": ("GET", Plant.detail),
    "device/tlx/tlx_last_data": ("POST", Plant.latest),
    "device/tlx/tlx_data": ("POST", Plant.past),
    "device/mix/mix_data_info": ("GET", Plant.detail),
    "device/mix/mix_last_data": ("POST", Plant.latest),
    "device/mix/mix_data": ("POST", Plant.past),
}

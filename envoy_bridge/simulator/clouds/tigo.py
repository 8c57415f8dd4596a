"""Tigo (API v3) on loopback: logins, two systems, objects, tables, alerts, and a limit that its headers tell."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from aiohttp import web

from envoy_bridge.clock import Clock
from envoy_bridge.simulator.clouds.tigo_house import INVERTER, ROOT, TYPES, Json, Power, TigoSystem, sunny_day
from envoy_bridge.simulator.clouds.tigo_tables import Asked, Refused
from envoy_bridge.simulator.ports import Port
from envoy_bridge.simulator.server import REAL_TIME, SimulatedServer

API: Final = "/api/v3/"
LOGIN: Final = "/api/v3/users/login"
USERNAME, PASSWORD = "sun@example.org", "sunshine"
"""Of the one account that there is."""

_ONLINE_FOR: Final = timedelta(days=6)
_PERIOD: Final = 60
_VENDOR: Final = ZoneInfo("America/Los_Angeles")
_SOURCE: Final = 9999


class SimulatedTigo(SimulatedServer):
    """One account with two systems; the second has one panel, no layout, and a time zone that only its logger knows.

    May be changed while it runs: `systems`; `life` of tokens, in seconds; `limit` of requests in a minute; `spent_for`
    (seconds for which each answer says that it was the last); `premium` (else there is no access to data); `words` by
    which a table's level is asked, by path; `lag` of data, in seconds; `inclusive` (the table has its bounds);
    `shifting` (headers change when a panel is silent); `patient` (a time of less than three hours has data);
    `page` (entries of a list at most) and `counted` (lists tell how many pages they have); `configured` (when a system
    was changed); `honest` (else errors come with status 200); `alerts`; `faults`.
    """

    def __init__(self, *, port: int = 0, clock: Clock = REAL_TIME, power: Power = sunny_day) -> None:
        self._port = Port(port)
        super().__init__([self._port], clock)
        since = self.now() - _ONLINE_FOR
        vienna = TigoSystem(2, "Europe/Vienna", since, lambda at: power(at) / 10, {"A": 1})
        self.systems = {1: TigoSystem(1, "America/Los_Angeles", since, power), 2: vienna}
        self.users = {USERNAME: PASSWORD}
        self.life = 86_400.0
        self.limit: int | None = None
        self.spent_for: int | None = None
        self.premium = self.inclusive = self.patient = self.counted = self.honest = True
        self.shifting = False
        self.words = {"data/aggregate": "level", "data/combined": "level"}
        self.lag = 0.0
        self.page = 50
        self.configured: dict[int, str] = {}
        self.alerts: list[Json] = []
        self.logins: list[int] = []
        """The status that each login got."""
        self._tokens: dict[str, float] = {}
        self._counted: tuple[int, int] = (0, 0)

    @property
    def url(self) -> str:
        """For `base_url` of the configuration."""
        return self._port.url

    def now(self) -> datetime:
        """The time here."""
        return datetime.fromtimestamp(self._clock.wall(), UTC)

    def asked(self, path: str) -> list[str]:
        """The requests to a path of the API, with their queries, whatever came of them."""
        return [each.path for each in self.requests if each.path.partition("?")[0] == API + path]

    def expire(self) -> None:
        """No token holds any longer."""
        self._tokens.clear()

    def admits(self, request: web.BaseRequest) -> bool:
        """Whether the request shows a token that holds."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return kind == "Bearer" and self._tokens.get(token, 0.0) > self._clock.wall()

    def answer(self, request: web.BaseRequest, body: bytes) -> web.Response:
        """Any request."""
        del body  # there is none
        headers, refusal = self._count(request)
        try:
            if refusal:
                raise refusal
            found = self._answer(request)
        except Refused as error:
            said = {"name": "Error", "message": str(error), "code": 0, "status": error.status}
            return web.json_response(said, status=error.status if self.honest else 200, headers=headers)
        if isinstance(found, str):
            return web.Response(text=found, content_type="text/html", headers=headers)
        return web.json_response(found, headers=headers)

    def _count(self, request: web.BaseRequest) -> tuple[dict[str, str], Refused | None]:
        """The headers of the limit and of the system, and the refusal of what is too much."""
        headers = {}
        system = request.query.get("system_id", "")
        if system.isdigit() and (configured := self.configured.get(int(system))):
            headers["X-System-Config-Update"] = configured
        if self.spent_for is not None:
            return headers | {"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": str(self.spent_for)}, None
        if self.limit is None:
            return headers, None
        now = self._clock.wall()
        period = int(now // _PERIOD)
        count = self._counted[1] + 1 if self._counted[0] == period else 1
        self._counted = (period, count)
        headers |= {
            "X-Rate-Limit-Limit": str(self.limit),
            "X-Rate-Limit-Remaining": str(max(0, self.limit - count)),
            "X-Rate-Limit-Reset": f"{(period + 1) * _PERIOD - now:.0f}",
        }
        return headers, Refused(429, "Rate limit exceeded.") if count > self.limit else None

    def _answer(self, request: web.BaseRequest) -> Json | str:
        path = request.path.removeprefix(API)
        if request.method != "GET" or not request.path.startswith(API):
            raise Refused(404, "Page not found.")
        if path == "users/login":
            return self._log_in(request)
        if not self.admits(request):
            raise Refused(401, "You are requesting with an invalid credential.")
        if path == "users/logout":
            self._tokens.pop(request.headers["Authorization"].partition(" ")[2])
            return {"name": "OK", "message": "Logged out user", "code": 0, "status": 200}
        if path == "systems":
            return self._paged("systems", [self._system(each) for each in self.systems.values()], request.query)
        if path == "objects/types":
            return {"object_types": [{"object_type_id": key, "label": label} for key, label in TYPES.items()]}
        return self._of_system(path, request.query)

    def _log_in(self, request: web.BaseRequest) -> Json:
        kind, _, login = request.headers.get("Authorization", "").partition(" ")
        user, _, password = base64.b64decode(login or b"").decode("utf-8", "replace").partition(":")
        good = kind == "Basic" and bool(password) and self.users.get(user) == password
        self.logins.append(200 if good else 401)
        if not good:
            raise Refused(401, "You are requesting with an invalid credential.")
        token = secrets.token_hex(16)
        until = self._tokens[token] = self._clock.wall() + self.life
        expires = datetime.fromtimestamp(until, _VENDOR).isoformat(timespec="seconds")
        return {"user": {"user_id": 1, "auth": token, "expires": expires, "user_type": "Basic"}}

    def _of_system(self, path: str, query: Mapping[str, str]) -> Json | str:
        system = self.systems.get(_whole(query.get("id" if path == "systems/layout" else "system_id")))
        if system is None:
            raise Refused(403, "You are not allowed to perform this action.")
        if path.startswith("data/") and not self.premium:
            raise Refused(403, "You are not allowed to perform this action.")
        if path == "systems/layout" and system.number == 1:
            return {"system": system.layout()}
        if path in self.words:
            return self._table(path, system, query)
        if path == "alerts/system":
            return self._paged("alerts", self._alerts(system, query), query)
        simple: dict[str, Json] = {
            "objects/system": {"objects": system.objects()},
            "sources/system": {"sources": [self._source(system)]},
            "data/summary": {"summary": self._summary(system)},
        }
        if path not in simple:
            raise Refused(404, "Page not found.")
        return simple[path]

    def _system(self, system: TigoSystem) -> Json:
        found: Json = {"system_id": system.number, "name": "Test System", "street": "123 Fake Street", "zip": "12345"}
        found |= {"created": "2014-05-16T20:50:45+00:00", "turn_on_date": "null", "power_rating": 12_000}
        return found | ({"timezone": system.zone} if system.number == 1 else {})

    def _source(self, system: TigoSystem) -> Json:
        seen = self.now().astimezone(system.tz).isoformat(timespec="seconds")
        last = self._until().astimezone(system.tz).isoformat(timespec="seconds")
        sets = [{"set_name": "panels_avg", "last_min": last, "last_day": last}]
        source: Json = {"source_id": _SOURCE + system.number, "name": "My Cloud Connect", "serial": "04C05B8FFFFF"}
        source |= {"gateway_count": 1, "control_state": "on", "last_checkin": seen, "timezone": system.zone}
        return source | {"sw_version": "ffs-2.4.0-image.img", "sets": sets, "system_id": system.number}

    def _summary(self, system: TigoSystem) -> Json:
        until = self._until()
        today = system.midnight(until.astimezone(system.tz).date())
        total = system.total(until)
        return {
            "lifetime_energy_dc": round(1e6 + total, 2),
            "ytd_energy_dc": round(5e5 + total, 2),
            "daily_energy_dc": round(system.energy(ROOT, today, until) or 0, 2),
            "last_power_dc": round(system.watts(ROOT, until) or 0, 2),
            "updated_on": until.astimezone(system.tz).isoformat(timespec="seconds"),
        }

    def _until(self) -> datetime:
        """Until when anything is known: whole minutes."""
        return datetime.fromtimestamp((self._clock.wall() - self.lag) // 60 * 60, UTC)

    def _table(self, path: str, system: TigoSystem, query: Mapping[str, str]) -> str:
        level, param = query.get(self.words[path], ""), query.get("param", "Pin")
        aggregate = path == "data/aggregate"
        some = [number for text in query.get("object_ids", "").split(",") if (number := _whole(text))]
        every = list(system.panels) if aggregate else [ROOT]
        known = system.panels if aggregate else {ROOT, INVERTER, *system.labels}
        objects = [number for number in some if number in known] or every
        start, end = _local(query.get("start")), _local(query.get("end"))
        if not self.inclusive:
            start += datetime.resolution
        if not self.patient and end - start < timedelta(hours=3):
            objects = []
        asked = Asked(system, objects, start, end, self._until(), self.inclusive, self.shifting)
        if aggregate:
            return asked.aggregate(level, param, keys=query.get("header") == "key") if objects else "Datetime\n"
        return asked.combined(level) if objects else ""

    def _alerts(self, system: TigoSystem, query: Mapping[str, str]) -> list[Json]:
        since = _local(query["start_added"]) if "start_added" in query else None
        return [
            alert
            for alert in self.alerts
            if alert["system_id"] == system.number
            and (since is None or datetime.fromisoformat(alert["added"]).replace(tzinfo=None) >= since)
        ]

    def _paged(self, name: str, entries: Sequence[Json], query: Mapping[str, str]) -> Json:
        size = min(self.page, _whole(query.get("limit")) or self.page)
        page = _whole(query.get("page")) or 1
        pages = max(1, -(-len(entries) // size))
        found: Json = {name: list(entries[(page - 1) * size : page * size])}
        meta = {"totalCount": len(entries), "pageCount": pages, "currentPage": page, "perPage": size}
        return found | ({"_meta": meta} if self.counted else {})


def _whole(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def _local(text: str | None) -> datetime:
    try:
        return datetime.fromisoformat(text or "").replace(tzinfo=None)
    except ValueError:
        raise Refused(400, "start and end are times.") from None

"""Enlighten's API on loopback, versions 2 and 4, with the login of version 4: one household, told in two ways."""

import re
import secrets
from base64 import b64encode
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from aiohttp import web

from envoy_bridge.clock import Clock
from envoy_bridge.simulator.clouds import enlighten_v2 as v2
from envoy_bridge.simulator.clouds import enlighten_v4 as v4
from envoy_bridge.simulator.clouds.enlighten_house import House, Power, steady, sunny_day
from envoy_bridge.simulator.clouds.enlighten_system import DAY, GATEWAY, Json, Query, Refusal, System
from envoy_bridge.simulator.ports import Port
from envoy_bridge.simulator.replies import page
from envoy_bridge.simulator.server import REAL_TIME, SimulatedServer

KEY, USER_ID, CLIENT_ID, CLIENT_SECRET = "app5e7key", "4d6a51330a", "app-client", "app-5ecret"
"""Of the one application, and the one user, that there are."""

TOKENS: Final = "/oauth/token"
REDIRECT: Final = "/oauth/redirect_uri"

_PATH: Final = re.compile(r"/api/v([24])/systems(?:/(\d+)/([a-z_/]+)|/([a-z_]+))?")
_BASIC: Final = f"Basic {b64encode(f'{CLIENT_ID}:{CLIENT_SECRET}'.encode()).decode()}"


class SimulatedEnlighten(SimulatedServer):
    """One account with one system, number 67, and as many empty ones as `others` says.

    May be changed while it runs: `system`, `others`, `page` (systems on a page at most), `minute` and `month` (requests
    that are allowed), `behind` (a 409 says that its period is over), `says_when` (a 429 says until when), `life` of
    access tokens in seconds, and `faults`.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        clock: Clock = REAL_TIME,
        power: Power | None = None,
        uses: Power = steady,
        timezone: str = "America/Los_Angeles",
        days: int = 40,
    ) -> None:
        self._port = Port(port)
        super().__init__([self._port], clock)
        zone = ZoneInfo(timezone)
        house = House(zone, power or sunny_day(zone), uses)
        began = house.midnight(house.date_of(clock.wall() - days * DAY))
        self.system = System(67, house, clock, began, timezone)
        self.others = 0
        self.page = 1000
        self.minute, self.month = 10, 1000
        self.behind, self.says_when = False, True
        self.life = float(DAY)
        self.counted: list[float] = []
        """When each request came that counts for the limits, in seconds since 1970."""
        self.refused = 0
        """Requests that were above a limit."""
        self.refreshes = 0
        """Refresh tokens that were used up."""
        self._codes: set[str] = set()
        self._access: dict[str, float] = {}
        self._refresh: set[str] = set()

    @property
    def url(self) -> str:
        """For `base_url` of the configuration."""
        return self._port.url

    def allow(self) -> str:
        """What the owner does in a browser; the code that the page shows."""
        code = secrets.token_urlsafe(6)
        self._codes.add(code)
        return code

    def expire(self, *, refresh: bool = False) -> None:
        """No access token holds any longer; with `refresh` those to renew it do not either."""
        self._access.clear()
        if refresh:
            self._refresh.clear()

    def admits(self, request: web.BaseRequest) -> bool:
        """Whether the request shows a token that holds."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return kind == "Bearer" and self._access.get(token, 0.0) > self._clock.wall()

    def answer(self, request: web.BaseRequest, body: bytes) -> web.Response:
        """Any request."""
        try:
            if request.path == TOKENS:
                self._count()
                return web.json_response(self._grant(request, body))
            path = _PATH.fullmatch(request.path)
            if path is None or request.method != "GET":
                return page(404)
            version, number, _, other = path.groups()
            self._admit(request, version)
            return web.json_response(
                self._of_all(request, version, other) if number is None else self._of_one(request, path)
            )
        except Refusal as refusal:
            if refusal.body is None:
                return web.Response(status=refusal.status)
            return web.json_response(refusal.body, status=refusal.status)

    def _count(self) -> None:
        now = self._clock.wall()
        self.counted.append(now)
        self.counted = [sent for sent in self.counted if sent > now - 40 * DAY]

    def _over(self) -> bool:
        """Is this request above a limit? Calendar months are as long as they are."""
        now = self._clock.wall()
        in_this_minute = sum(sent // 60 == now // 60 for sent in self.counted)
        return in_this_minute > self.minute or len(self.counted) > self.month

    def _admit(self, request: web.BaseRequest, version: str) -> None:
        self._count()
        if self._over():
            self.refused += 1
            now = self._clock.wall()
            if version == "2":
                raise v2.throttled(now, self.minute, ended=self.behind)
            raise v4.throttled(now, self.minute, says_when=self.says_when)
        if version == "2":
            if request.query.get("key") != KEY or request.query.get("user_id") != USER_ID:
                raise v2.unauthorised()
        elif request.query.get("key") != KEY:
            raise v4.error(401, "Not Authorized", "API Key -Client mismatch")
        elif not self.admits(request):
            raise v4.error(401, "Not Authorized", "Access token is invalid or expired")

    def _of_all(self, request: web.BaseRequest, version: str, name: str | None) -> Json | list[Json]:
        query = request.query
        if name is None:
            return self._systems_v2(request) if version == "2" else self._systems_v4(query)
        if name in ("search_system_id", "retrieve_system_id"):
            if query.get("serial_num") == GATEWAY:
                return {"system_id": self.system.number}
            raise v2.absent() if version == "2" else v4.error(404, "Not Found", "Envoy not found")
        if name == "inverters_summary_by_envoy_or_site" and version == "2":
            return v2.inverters_summary(self.system)
        raise v2.absent()

    def _of_one(self, request: web.BaseRequest, path: re.Match[str]) -> Json:
        version, number, name, _ = path.groups()
        known = v2.OF_A_SYSTEM if version == "2" else v4.OF_A_SYSTEM
        if name in self.system.forbidden:
            raise v2.unauthorised() if version == "2" else v4.error(403, "Forbidden", "Not in your plan")
        if number != str(self.system.number) or name not in known:
            raise v2.absent() if version == "2" else v4.error(404, "Not Found", f"No system {number}")
        return known[name](self.system, request.query)

    def _numbers(self) -> list[int]:
        return [self.system.number, *(range(1000, 1000 + self.others))]

    def _listed(self, numbers: Sequence[int]) -> list[Json]:
        return [
            {
                "system_id": number,
                "system_name": "Green",
                "system_public_name": "Residential System",
                "country": "US",
                "state": "CA",
                "city": "Los Angeles",
                "postal_code": "94954",
                "timezone": self.system.timezone,
                "connection_type": "ethernet",
                "status": "normal",
                "meta": self.system.meta,
            }
            for number in numbers
        ]

    def _systems_v2(self, request: web.BaseRequest) -> Json:
        only = {int(each) for each in request.query.getall("system_id[]", [])}
        numbers = [number for number in self._numbers() if not only or number in only]
        limit = min(int(request.query.get("limit", "100")), self.page)
        first = int(request.query["next"], 16) if "next" in request.query else 0
        found: Json = {"systems": self._listed(numbers[first : first + limit])}
        return found | ({"next": f"{first + limit:x}"} if first + limit < len(numbers) else {})

    def _systems_v4(self, query: Query) -> Json:
        numbers, size = self._numbers(), min(int(query.get("size", "10")), self.page, 100)
        first = (int(query.get("page", "1")) - 1) * size
        rows = self._listed(numbers[first : first + size])
        unsaid = {"energy_lifetime": -1, "energy_today": -1, "system_size": -1}
        return {
            "total": len(numbers),
            "current_page": first // size + 1,
            "size": size,
            "count": len(rows),
            "items": "systems",
            "systems": [row | unsaid for row in rows],
        }

    def _grant(self, request: web.BaseRequest, body: bytes) -> Json:
        """Tokens for a code, or for a refresh token; both are good for one time. In the address, or as a form."""
        form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        asked = {**form, **request.query}
        if request.method != "POST":
            raise Refusal(405, {"reason": "405", "message": ["Method not allowed"]})
        if request.headers.get("Authorization") != _BASIC:
            raise Refusal(401, {"error": "invalid_client", "error_description": "Bad client credentials"})
        match asked.get("grant_type"):
            case "authorization_code":
                self._use_up(self._codes, asked.get("code"), "Invalid authorization code")
                if asked.get("redirect_uri") != f"{self.url}{REDIRECT}":
                    raise Refusal(400, {"error": "invalid_grant", "error_description": "Redirect URI mismatch."})
            case "refresh_token":
                self._use_up(self._refresh, asked.get("refresh_token"), "Invalid refresh token")
                self.refreshes += 1
            case _:
                raise Refusal(400, {"error": "unsupported_grant_type"})
        return self._tokens()

    @staticmethod
    def _use_up(tokens: set[str], token: str | None, said: str) -> None:
        if token not in tokens:
            raise Refusal(HTTPStatus.BAD_REQUEST, {"error": "invalid_grant", "error_description": said})
        tokens.discard(token)

    def _tokens(self) -> Json:
        access, refresh = (f"eyJ{secrets.token_urlsafe(24)}" for _ in range(2))
        self._access[access] = self._clock.wall() + self.life
        self._refresh.add(refresh)
        return {
            "access_token": access,
            "token_type": "bearer",
            "refresh_token": refresh,
            "expires_in": int(self.life),
            "scope": "read write",
            "enl_uid": "40999",
            "enl_cid": "1010",
            "enl_password_last_changed": "1615201445",
            "is_internal_app": False,
            "app_type": "system",
            "jti": secrets.token_hex(16),
        }

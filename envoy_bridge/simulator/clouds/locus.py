"""Locus (API v3) on loopback: logins, two sites with components, data, warnings; one request at a time."""

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from aiohttp import web

from envoy_bridge.clock import Clock
from envoy_bridge.simulator.clouds.locus_days import (
    CLIENT,
    COMPONENTS,
    GRID_METER,
    INVERTER,
    METER,
    OF_COMPONENTS,
    OF_PARTNERS,
    OF_SITES,
    SITE,
    SITES,
    SPANS,
    Days,
    Json,
    Power,
    bounds,
    sunny_day,
)
from envoy_bridge.simulator.ports import Port
from envoy_bridge.simulator.server import REAL_TIME, SimulatedServer

TOKENS: Final = "/oauth/token"
CLIENT_ID, CLIENT_SECRET, USERNAME, PASSWORD, PARTNER = "locus-app", "app-5ecret", "sun@example.org", "sunshine", "111"
"""Of the one account that there is."""

_ONLINE_FOR: Final = timedelta(days=40)
_PATH: Final = re.compile(r"/v3/(partners|clients|sites|components)/(\d+)(?:/([a-z/]+))?")


class Refusal(Exception):
    """An error in the cloud's own form: its status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class SimulatedLocus(SimulatedServer):
    """One partner with one client and two sites: one with a meter, its inverter and a meter at the grid, one empty.

    May be changed while it runs: `grants` (ways to log in), `life` of tokens in seconds, `patient` (a second request in
    flight is not refused), `inclusive` (a row that begins at `end` is in the answer), `nulls` (what is not known is
    null, not left out), `forbidden` (paths), `honest` (else errors come with status 200), `summer` (offsets are always
    those of July), `alerts` (their times are moments), `days` by entity, and `faults`.
    """

    def __init__(self, *, port: int = 0, clock: Clock = REAL_TIME, power: Power = sunny_day) -> None:
        self._port = Port(port)
        super().__init__([self._port], clock)
        self.grants = {"password", "refresh_token", "client_credentials"}
        self.life = 3600.0
        self.patient = self.inclusive = self.nulls = self.summer = False
        self.honest = True
        self.forbidden: set[str] = set()
        self.logins: list[tuple[str, int]] = []
        """Each request for a token: the grant, and the status that it got."""
        self.alerts: list[Json] = []
        since = self._now() - _ONLINE_FOR
        self.days = {
            entity: Days(power, since, grid=entity == GRID_METER) for entity in (SITE, METER, INVERTER, GRID_METER)
        }
        self._tokens: dict[str, float] = {}
        self._refresh_tokens: set[str] = set()

    @property
    def url(self) -> str:
        """For `base_url` of the configuration."""
        return self._port.url

    def expire(self, *, refresh: bool = False) -> None:
        """No token holds any longer; with `refresh` those to renew it do not either."""
        self._tokens.clear()
        if refresh:
            self._refresh_tokens.clear()

    def answer(self, request: web.BaseRequest, body: bytes) -> web.Response:
        """Any request."""
        try:
            return web.json_response(self._answer(request, body))
        except Refusal as refusal:
            said = {"message": str(refusal), "statusCode": refusal.status}
            return web.json_response(said, status=refusal.status if self.honest else 200)

    def _answer(self, request: web.BaseRequest, body: bytes) -> Json:
        if self.in_flight > 1 and not self.patient:
            raise Refusal(429, "Too many requests")
        if request.path == TOKENS:
            return self._log_in(request.method, body)
        return {"statusCode": 200} | self._ask(request)

    def _log_in(self, method: str, body: bytes) -> Json:
        form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        grant = form.get("grant_type", "")
        status = self._judge(method, grant, form)
        self.logins.append((grant, status))
        if status != HTTPStatus.OK:
            raise Refusal(status, "Bad credentials")
        token, refresh = secrets.token_hex(16), secrets.token_hex(16)
        self._tokens[token] = self._clock.wall() + self.life
        found: Json = {"access_token": token, "issued_at": int(self._clock.wall()), "expires_in": int(self.life)}
        if grant == "client_credentials":
            return found
        if grant == "password":
            self._refresh_tokens.add(refresh)
            found["refresh_token"] = refresh
        return found | {"token_type": "bearer"}

    def _judge(self, method: str, grant: str, form: Mapping[str, str]) -> int:
        if method != "POST" or grant not in self.grants:
            return 400
        proofs = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        if grant == "password":
            proofs |= {"username": USERNAME, "password": PASSWORD}
        good = all(form.get(name) == value for name, value in proofs.items())
        good &= grant != "refresh_token" or form.get("refresh_token") in self._refresh_tokens
        return 200 if good else 401

    def admits(self, request: web.BaseRequest) -> bool:
        """Whether the request shows a token that holds."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return kind == "Bearer" and self._tokens.get(token, 0.0) > self._clock.wall()

    def _ask(self, request: web.BaseRequest) -> Json:
        if not self.admits(request):
            raise Refusal(401, "Unauthorized")
        path = _PATH.fullmatch(request.path)
        if path is None or request.method != "GET":
            raise Refusal(404, "Not found")
        if request.path in self.forbidden:
            raise Refusal(403, "Forbidden")
        kind, entity, what = path[1], int(path[2]), path[3] or ""
        query = {name: request.query.get(name, "") for name in request.query}
        if kind == "partners":
            return self._of_partner(entity, what, query)
        if kind == "clients":
            return self._of_client(entity, what)
        return self._of_entity(kind, entity, what, query)

    def _of_partner(self, partner: int, what: str, query: Mapping[str, str]) -> Json:
        if str(partner) != PARTNER:
            raise Refusal(403, "Forbidden")
        if what == "sites/data":
            return {"data": self._bulk(query)}
        if what == "alerts":
            return {"alerts": self._alerts(query, ("updatedSince",), ("openDuringMin", "openDuringMax"))}
        simple: Json = {
            "sites": {"sites": [{"statusCode": 200} | site for site in SITES]},
            "components": {"components": COMPONENTS},
            "clients": {"clients": [CLIENT]},
            "sites/dataavailable": {"baseFields": OF_PARTNERS},
        }
        return _one_of(simple, what)

    def _of_client(self, client: int, what: str) -> Json:
        if client != CLIENT["id"]:
            raise Refusal(403, "Forbidden")
        return _one_of({"": CLIENT, "sites": {"sites": SITES}, "components": {"components": COMPONENTS}}, what)

    def _of_entity(self, kind: str, entity: int, what: str, query: Mapping[str, str]) -> Json:
        listed = SITES if kind == "sites" else COMPONENTS
        found = next((each for each in listed if each["id"] == entity), None)
        if found is None:
            raise Refusal(403, "Forbidden")
        if what == "data":
            return {"data": self._data(kind, entity, query)}
        if what == "alerts":
            mine = "siteId" if kind == "sites" else "componentId"
            return {"alerts": [alert for alert in self._alerts(query) if alert[mine] == entity]}
        simple: Json = {"": found, "dataavailable": {"baseFields": self._offered(kind, entity)}}
        if kind == "sites":
            simple["components"] = {"components": [each for each in COMPONENTS if each["siteId"] == entity]}
            simple["modelsettings"] = {"size": 6.4, "mismatch": 98, "tmy3Id": 724095}
            simple["installinfo"] = {"installer": "ABC Solar", "installDate": "2014-05-08"}
        return _one_of(simple, what)

    def _offered(self, kind: str, entity: int) -> list[Json]:
        if entity not in self.days:
            return []
        return OF_SITES if kind == "sites" else OF_COMPONENTS

    def _data(self, kind: str, entity: int, query: Mapping[str, str]) -> list[Json]:
        gran, fields = query.get("gran", ""), query.get("fields", "").split(",")
        self._check(self._offered(kind, entity), gran, fields, query)
        if gran == "latest":
            return [self._latest(entity, fields, _zone(query))]
        return self._rows(entity, fields, gran, query)

    def _check(self, offered: list[Json], gran: str, fields: list[str], query: Mapping[str, str]) -> None:
        known = {each["shortName"]: base for base in offered for each in base.get("aggregations", ())}
        for name in fields:
            if name not in known or gran not in known[name]["granularities"]:
                raise Refusal(400, f"Invalid field {name} for granularity {gran}")
            for parameter in known[name].get("fieldParameters", ()):
                if query.get(parameter["param"]) not in parameter["values"]:
                    raise Refusal(400, f"Missing {parameter['param']}")

    def _latest(self, entity: int, fields: list[str], zone: ZoneInfo) -> Json:
        now = self._now()
        start = now - timedelta(minutes=now.minute % 5 + 5, seconds=now.second, microseconds=now.microsecond)
        values = self.days[entity].values(fields, start, start + timedelta(minutes=5), now)
        return {"id": entity, "ts": self._stamp(start.astimezone(zone))} | values

    def _rows(self, entity: int, fields: list[str], gran: str, query: Mapping[str, str]) -> list[Json]:
        zone = _zone(query)
        start, end = _moment(query, "start", zone), _moment(query, "end", zone)
        if gran in SPANS and end - start >= timedelta(days=SPANS[gran]):
            raise Refusal(400, f"Time period too long for {gran}")
        nothing = dict.fromkeys(fields) if self.nulls else {}
        return [
            {"id": entity, "ts": self._stamp(begin)}
            | (self.days[entity].values(fields, begin.astimezone(UTC), after.astimezone(UTC), self._now()) or nothing)
            for begin, after in bounds(gran, start, end, zone, inclusive=self.inclusive)
        ]

    def _bulk(self, query: Mapping[str, str]) -> list[Json]:
        gran, fields = query.get("gran", ""), query.get("fields", "").split(",")
        self._check(OF_PARTNERS, gran, fields, query)
        zone = _zone(query)
        if _moment(query, "end", zone) - _moment(query, "start", zone) > timedelta(days=366):
            raise Refusal(400, "Time period too long")
        return self._rows(SITE, fields, gran, query)

    def _alerts(self, query: Mapping[str, str], *needed: tuple[str, ...]) -> list[Json]:
        """Those that were open between the two moments, or changed since. `needed`: one of these has to be there."""
        zone = _zone(query)
        if needed and not any(all(name in query for name in names) for names in needed):
            raise Refusal(400, "updatedSince or openDuringMin and openDuringMax are required")
        if "openDuringMin" in query:
            first, last = _moment(query, "openDuringMin", zone), _moment(query, "openDuringMax", zone)
            if needed and last - first > timedelta(days=31):
                raise Refusal(400, "Open during time period is limited to 31 days")
            return [
                _said(each, zone) for each in self.alerts if each["start"] <= last and each.get("end", last) >= first
            ]
        since = _moment(query, "updatedSince", zone) if "updatedSince" in query else datetime.min.replace(tzinfo=UTC)
        return [_said(each, zone) for each in self.alerts if each["updated"] >= since]

    def _stamp(self, when: datetime) -> str:
        """With the offset of the zone; where it is always `summer`, as in the document, that of July in January too."""
        offset = when.replace(month=7, day=1).utcoffset() if self.summer else None
        return (when if offset is None else when.replace(tzinfo=timezone(offset))).isoformat()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall(), UTC)


def _one_of(answers: Mapping[str, Json], what: str) -> Json:
    if what not in answers:
        raise Refusal(404, "Not found")
    return answers[what]


def _zone(query: Mapping[str, str]) -> ZoneInfo:
    try:
        return ZoneInfo(query.get("tz", ""))
    except (KeyError, ValueError, OSError):
        raise Refusal(400, "Invalid tz") from None


def _moment(query: Mapping[str, str], name: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.strptime(query.get(name, ""), "%Y-%m-%dT%H:%M:%S").replace(tzinfo=zone)
    except ValueError:
        raise Refusal(400, f"Invalid {name}") from None
    return moment


def _said(alert: Json, zone: ZoneInfo) -> Json:
    """A warning as it is sent: in the zone that was asked for, where UTC is behind by nothing."""
    stamps = {name: alert[name].astimezone(zone).isoformat() for name in ("start", "end", "updated") if name in alert}
    return alert | {name: stamp.replace("+00:00", "-00:00") for name, stamp in stamps.items()}

"""Enlighten's login and entrez' token page, as one service over plain HTTP on loopback."""

import base64
import secrets
import uuid
from collections.abc import Mapping
from urllib.parse import parse_qs

import msgspec
from aiohttp import web

from envoy_bridge.clock import Clock
from envoy_bridge.simulator.ports import Port
from envoy_bridge.simulator.replies import page
from envoy_bridge.simulator.server import REAL_TIME, SimulatedServer

LOGIN = "/login/login.json"
TOKENS = "/tokens"
OWNER_LIFE = 365 * 86400.0
"""Seconds that a token for the owner of a gateway lives."""
USERNAME, PASSWORD = "sun@example.org", "sunshine"
"""Of the one account that the service has from the start."""


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says of itself. `aud` is the serial of the gateway; times are seconds since 1970."""

    aud: str
    iss: str = "Entrez"
    role: str = msgspec.field(default="owner", name="enphaseUser")
    exp: float
    iat: float
    jti: str = msgspec.field(default_factory=lambda: str(uuid.uuid4()))
    username: str


class TokenService(SimulatedServer):
    """Logs `users` (password by e-mail address) in, and makes out tokens for any serial they name.

    May be changed while it runs: `users`, `mfa` (accounts ask for a second factor), `life` of the tokens in seconds,
    `role` (or `installer`), `made_out_to` (another serial than the one asked for), and `faults` for LOGIN and TOKENS.
    """

    def __init__(self, *, port: int = 0, users: Mapping[str, str] | None = None, clock: Clock = REAL_TIME) -> None:
        self._port = Port(port)
        super().__init__([self._port], clock)
        self.users = dict(users or {USERNAME: PASSWORD})
        self.mfa = False
        self.life = OWNER_LIFE
        self.role = "owner"
        self.made_out_to: str | None = None
        self.issued: set[str] = set()
        """Every token made out so far; the gateways refuse one that is taken out again."""
        self._sessions: dict[str, str] = {}
        """E-mail address by session id."""

    @property
    def url(self) -> str:
        """For both `enlighten` and `entrez` of the configuration."""
        return self._port.url

    @property
    def logins(self) -> int:
        """How often somebody tried to log in, whatever came of it."""
        return sum(request.path == LOGIN for request in self.requests)

    @property
    def token_calls(self) -> int:
        """How often somebody asked for a token, whatever came of it."""
        return sum(request.path == TOKENS for request in self.requests)

    def issue(
        self, serial: str, *, life: float | None = None, username: str = USERNAME, role: str | None = None
    ) -> str:
        """Make out a token without any HTTP; with a negative `life` one that has expired."""
        now = int(self._clock.wall())
        expires = now + int(self.life if life is None else life)
        token = sign(Claims(aud=serial, role=role or self.role, exp=expires, iat=now, username=username))
        self.issued.add(token)
        return token

    def role_of(self, token: str, serial: str, now: float) -> str | None:
        """As what the gateway `serial` takes this token. None: not made out here, or not to it, or expired."""
        return role_of(token, serial, now) if token in self.issued else None

    def answer(self, request: web.BaseRequest, body: bytes) -> web.Response:
        """The two calls that lead to a token."""
        if request.method == "POST" and request.path == LOGIN:
            return self._log_in(body)
        if request.method == "POST" and request.path == TOKENS:
            return self._make_out(body)
        return page(404)

    def _log_in(self, body: bytes) -> web.Response:
        form = parse_qs(body.decode("utf-8", "replace"))
        email, password = (form.get(f"user[{name}]", [""])[0] for name in ("email", "password"))
        if not password or self.users.get(email) != password:
            return page(401)
        if self.mfa:
            cookie = {"Set-Cookie": f"login_otp_nonce={secrets.token_hex(16)}; path=/; HttpOnly; secure"}
            return web.json_response({"success": True, "isBlocked": False}, headers=cookie)
        session = secrets.token_hex(16)
        self._sessions[session] = email
        return web.json_response(
            {
                "message": "success",
                "session_id": session,
                "manager_token": secrets.token_hex(16),
                "is_consumer": True,
                "system_id": "1234567",
                "redirect_url": "",
            },
            headers={"Set-Cookie": f"_enlighten_4_session={session}; path=/; HttpOnly; secure"},
        )

    def _make_out(self, body: bytes) -> web.Response:
        try:
            asked = msgspec.json.decode(body, type=_Asked)
        except msgspec.DecodeError:
            return page(400)
        if self._sessions.get(asked.session_id) != asked.username:
            return page(401)
        return web.Response(text=self.issue(self.made_out_to or asked.serial_num, username=asked.username))


class _Asked(msgspec.Struct):
    session_id: str
    serial_num: str
    username: str


def sign(claims: Claims) -> str:
    """A token that looks as if signed by ES256. No gateway's clients can check the signature, so it is noise."""
    header = msgspec.json.encode({"kid": secrets.token_hex(16), "typ": "JWT", "alg": "ES256"})
    parts = (header, msgspec.json.encode(claims), secrets.token_bytes(64))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def role_of(token: str, serial: str, now: float) -> str | None:
    """The role in a token made out to `serial` that has not expired at `now` (seconds since 1970); else None."""
    try:
        _header, payload, _signature = token.split(".")
        claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=="), type=Claims)
    except ValueError:
        return None
    return claims.role if claims.aud == serial and claims.exp > now else None

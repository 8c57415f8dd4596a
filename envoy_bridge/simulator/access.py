"""How simulated gateways let clients in: by digest before firmware 7, by token since."""

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from envoy_bridge.clock import Clock
from envoy_bridge.gateway.info import Version
from envoy_bridge.gateway.passwords import envoy_password, installer_password
from envoy_bridge.simulator.replies import page
from envoy_bridge.simulator.roles import INSTALLER, METER_STREAM, may_see

CHECK_JWT = "/auth/check_jwt"
SESSION_IDLE = 600.0
"""Seconds after which an unused session ends."""

_INFO = frozenset({"/info", "/info.xml"})
_REALM = "enphaseenergy.com"
_DIGEST_FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]*))')


class Door(Protocol):
    """Decides who gets an answer."""

    def role(self, request: web.BaseRequest) -> str | None:
        """As whom the request is let in; None: it shows no login that holds."""

    def stop(self, request: web.BaseRequest) -> web.Response | None:
        """What the client gets instead of data; None: the request may pass."""


@dataclass(slots=True)
class _Session:
    """`used`: when it was last, by the clock's `monotonic()`."""

    role: str
    used: float


class TokenDoor:
    """Everything but `/info` takes HTTPS and a token, or the session that a token was traded for.

    `role_of` tells the role of a token that holds.
    """

    def __init__(self, role_of: Callable[[str], str | None], firmware: Version, clock: Clock) -> None:
        self._role_of = role_of
        self._firmware = firmware
        self._clock = clock
        self._sessions: dict[str, _Session] = {}

    def role(self, request: web.BaseRequest) -> str | None:
        """Of a session that is not too old (a use renews it), else of the token."""
        session, now = self._sessions.get(request.cookies.get("sessionId", "")), self._clock.monotonic()
        if session is not None and now - session.used < SESSION_IDLE:
            session.used = now
            return session.role
        return self._role_of_token(request)

    def stop(self, request: web.BaseRequest) -> web.Response | None:
        """A redirect from plain HTTP, the trade of a token for a session, or 401."""
        if request.path in _INFO:
            return None
        if not request.secure:
            return page(301, Location=f"https://localhost{request.path_qs}")
        if request.path == CHECK_JWT:
            return self._check_jwt(request)
        role = self.role(request)
        return None if role is not None and may_see(role, request.path, self._firmware) else page(401)

    def _check_jwt(self, request: web.BaseRequest) -> web.Response:
        role = self._role_of_token(request)
        if request.method not in {"GET", "POST"} or role is None:
            return page(401)
        session = secrets.token_urlsafe(24)
        self._sessions[session] = _Session(role, self._clock.monotonic())
        return web.Response(
            text="<!DOCTYPE html><h2>Valid token.</h2>",
            content_type="text/html",
            headers={"Set-Cookie": f"sessionId={session}; HttpOnly; Secure"},
        )

    def _role_of_token(self, request: web.BaseRequest) -> str | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return self._role_of(token.strip()) if scheme.lower() == "bearer" else None


class DigestDoor:
    """Inverters and meters take HTTP digest, the stream of the meters that of the installer; the rest is open."""

    def __init__(self, serial: str, clock: Clock, *, refuse_envoy: bool) -> None:
        """With `refuse_envoy` only `installer` gets in, as on firmware 3.18.10."""
        self._passwords = {"installer": installer_password(serial)}
        if not refuse_envoy:
            self._passwords["envoy"] = envoy_password(serial)
        self._clock = clock
        self._started = int(clock.wall())

    def role(self, request: web.BaseRequest) -> str | None:
        """The user of a response (RFC 7616, MD5, qop=auth) to a nonce of ours."""
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        shown = {name: quoted or plain for name, quoted, plain in _DIGEST_FIELD.findall(text)}
        password = self._passwords.get(shown.get("username", ""))
        if scheme.lower() != "digest" or password is None or not self._is_ours(shown.get("nonce", "")):
            return None
        if shown.get("uri") != request.path_qs or shown.get("qop") != "auth":
            return None
        secret = _md5(f"{shown['username']}:{_REALM}:{password}")
        asked = _md5(f"{request.method}:{shown['uri']}")
        wanted = _md5(f"{secret}:{shown['nonce']}:{shown.get('nc')}:{shown.get('cnonce')}:auth:{asked}")
        return shown["username"] if shown.get("response") == wanted else None

    def stop(self, request: web.BaseRequest) -> web.Response | None:
        """401 with a challenge that names neither algorithm nor opaque, and whose nonce is the time."""
        if self._is_open(request):
            return None
        nonce = int(self._clock.wall())
        return page(401, WWW_Authenticate=f'Digest qop="auth", realm="{_REALM}", nonce="{nonce}"')

    def _is_open(self, request: web.BaseRequest) -> bool:
        if request.path == METER_STREAM:
            return self.role(request) == INSTALLER
        closed = request.path == "/api/v1/production/inverters" or request.path.startswith("/ivp/meters")
        return not closed or self.role(request) is not None

    def _is_ours(self, nonce: str) -> bool:
        """Given out since the start: a gateway that restarted knows no older ones."""
        return re.fullmatch(r"\d{1,12}", nonce) is not None and self._started <= int(nonce) <= self._clock.wall()


def shows_token(request: web.BaseRequest) -> bool:
    """Whether the request gives away a token, or the session that stands for one."""
    return request.headers.get("Authorization", "").lower().startswith("bearer") or "sessionId" in request.cookies


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

"""How simulated gateways let clients in: by digest before firmware 7, by token since."""

import hashlib
import re
import secrets
from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from envoy_bridge.clock import Clock
from envoy_bridge.gateway.passwords import envoy_password, installer_password
from envoy_bridge.simulator.replies import page

CHECK_JWT = "/auth/check_jwt"
SESSION_IDLE = 600.0
"""Seconds after which an unused session ends."""

_INFO = frozenset({"/info", "/info.xml"})
_REALM = "enphaseenergy.com"
_DIGEST_FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]*))')


class Door(Protocol):
    """Decides who gets an answer."""

    def admits(self, request: web.BaseRequest) -> bool:
        """Whether the request shows a login that holds."""

    def stop(self, request: web.BaseRequest) -> web.Response | None:
        """What the client gets instead of data; None: the request may pass."""


class TokenDoor:
    """Everything but `/info` takes HTTPS and a token, or the session that a token was traded for."""

    def __init__(self, accepts: Callable[[str], bool], clock: Clock) -> None:
        self._accepts = accepts
        self._clock = clock
        self._sessions: dict[str, float] = {}
        """When each was last used, by the clock's `monotonic()`."""

    def admits(self, request: web.BaseRequest) -> bool:
        """A token that holds, or a session that is not too old; a use renews it."""
        session, now = request.cookies.get("sessionId", ""), self._clock.monotonic()
        if now - self._sessions.get(session, -SESSION_IDLE) < SESSION_IDLE:
            self._sessions[session] = now
            return True
        return self._shows_token(request)

    def stop(self, request: web.BaseRequest) -> web.Response | None:
        """A redirect from plain HTTP, the trade of a token for a session, or 401."""
        if request.path in _INFO:
            return None
        if not request.secure:
            return page(301, Location=f"https://localhost{request.path_qs}")
        if request.path == CHECK_JWT:
            return self._check_jwt(request)
        return None if self.admits(request) else page(401)

    def _check_jwt(self, request: web.BaseRequest) -> web.Response:
        if request.method not in {"GET", "POST"} or not self._shows_token(request):
            return page(401)
        session = secrets.token_urlsafe(24)
        self._sessions[session] = self._clock.monotonic()
        return web.Response(
            text="<!DOCTYPE html><h2>Valid token.</h2>",
            content_type="text/html",
            headers={"Set-Cookie": f"sessionId={session}; HttpOnly; Secure"},
        )

    def _shows_token(self, request: web.BaseRequest) -> bool:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self._accepts(token.strip())


class DigestDoor:
    """Inverters and meters take HTTP digest; the rest is open."""

    def __init__(self, serial: str, clock: Clock, *, refuse_envoy: bool) -> None:
        """With `refuse_envoy` only `installer` gets in, as on firmware 3.18.10."""
        self._passwords = {"installer": installer_password(serial)}
        if not refuse_envoy:
            self._passwords["envoy"] = envoy_password(serial)
        self._clock = clock
        self._started = int(clock.wall())

    def admits(self, request: web.BaseRequest) -> bool:
        """A response (RFC 7616, MD5, qop=auth) to a nonce of ours."""
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        shown = {name: quoted or plain for name, quoted, plain in _DIGEST_FIELD.findall(text)}
        password = self._passwords.get(shown.get("username", ""))
        if scheme.lower() != "digest" or password is None or not self._is_ours(shown.get("nonce", "")):
            return False
        if shown.get("uri") != request.path_qs or shown.get("qop") != "auth":
            return False
        secret = _md5(f"{shown['username']}:{_REALM}:{password}")
        asked = _md5(f"{request.method}:{shown['uri']}")
        wanted = _md5(f"{secret}:{shown['nonce']}:{shown.get('nc')}:{shown.get('cnonce')}:auth:{asked}")
        return shown.get("response") == wanted

    def stop(self, request: web.BaseRequest) -> web.Response | None:
        """401 with a challenge that names neither algorithm nor opaque, and whose nonce is the time."""
        closed = request.path == "/api/v1/production/inverters" or request.path.startswith("/ivp/meters")
        if not closed or self.admits(request):
            return None
        nonce = int(self._clock.wall())
        return page(401, WWW_Authenticate=f'Digest qop="auth", realm="{_REALM}", nonce="{nonce}"')

    def _is_ours(self, nonce: str) -> bool:
        """Given out since the start: a gateway that restarted knows no older ones."""
        return re.fullmatch(r"\d{1,12}", nonce) is not None and self._started <= int(nonce) <= self._clock.wall()


def shows_token(request: web.BaseRequest) -> bool:
    """Whether the request gives away a token, or the session that stands for one."""
    return request.headers.get("Authorization", "").lower().startswith("bearer") or "sessionId" in request.cookies


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

"""HAR 1.2 recordings: what a gateway answered, path by path."""

import base64
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from envoy_bridge.errors import ConfigurationError, UnusableReply
from envoy_bridge.gateway.basics import INFO
from envoy_bridge.gateway.info import GatewayInfo
from envoy_bridge.gateway.legacy import identify

LIMIT = 32 * 1024 * 1024
"""Bytes of a recording that are read at most. A gateway with every endpoint recorded takes 0.2 MB."""

_ALIASES = {"/info": "/info.xml", "/info.xml": "/info"}


@dataclass(frozen=True, slots=True)
class Recorded:
    """One answer: HTTP status, Content-Type as recorded (be it right or wrong), and the body."""

    status: int
    mime: str
    body: bytes


class World(Protocol):
    """What a gateway says at a moment. Who it is must be among it: `/info`, or before firmware 3.9 `/home`."""

    def reply(self, path: str, now: float) -> Recorded | None:
        """The answer to GET `path` (with its query) at `now` (seconds since 1970); None: no such endpoint."""


def identity(world: World, now: float = 0.0) -> GatewayInfo:
    """Who the gateway is: `/info` says it, or before firmware 3.9 the page `/home`. Raises UnusableReply."""
    bodies = [answer.body for path in INFO.paths if (answer := world.reply(path, now)) is not None]
    for body in bodies[:-1]:
        with contextlib.suppress(UnusableReply):
            return identify(body)
    return identify(bodies[-1] if bodies else b"")


@dataclass(frozen=True, slots=True)
class Recording:
    """A world in which nothing moves. `firmware` is without its leading letter; `replies` are by path with query."""

    serial: str
    firmware: str
    needs_token: bool
    replies: Mapping[str, Recorded]

    @classmethod
    def from_har(cls, path: Path) -> "Recording":
        """Read a recording. Of several answers to one path the last counts: before a login there may be a 401.

        Raises:
            ConfigurationError: the file cannot be read, is not a HAR, or holds neither a usable `/info` nor `/home`.
        """
        try:
            replies = _replies(_read(path))
        except (ValueError, RecursionError) as error:
            raise ConfigurationError(f"{path} is not a HAR file: {error}") from error
        unknown = cls("", "", needs_token=False, replies=replies)
        if not any(unknown.reply(name, 0.0) for name in INFO.paths):
            raise ConfigurationError(f"{path} holds no answer to /info: record the gateway's /info too")
        try:
            info = identity(unknown)
        except UnusableReply as error:
            raise ConfigurationError(f"{path} is not a recording of a gateway: {error}") from error
        return replace(unknown, serial=info.serial, firmware=info.firmware, needs_token=info.web_tokens)

    @property
    def paths(self) -> tuple[str, ...]:
        """Every recorded path, with its query."""
        return tuple(self.replies)

    def reply(self, path: str, now: float) -> Recorded | None:  # noqa: ARG002 - the same at every moment
        """The recorded answer; a path with a query falls back to the path without it."""
        return _find(self.replies, path)


class _Content(msgspec.Struct):
    mime: str = msgspec.field(default="", name="mimeType")
    text: str = ""
    encoding: str = ""

    def body(self) -> bytes:
        return base64.b64decode(self.text, validate=True) if self.encoding == "base64" else self.text.encode()


class _Response(msgspec.Struct):
    status: int
    content: _Content


class _Request(msgspec.Struct):
    method: str
    url: str


class _Entry(msgspec.Struct):
    request: _Request
    response: _Response


class _Log(msgspec.Struct):
    entries: list[_Entry]


class _Har(msgspec.Struct):
    log: _Log


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > LIMIT:
        raise ConfigurationError(f"{path} is larger than {LIMIT >> 20} MiB: record the gateway alone")
    return data


def _replies(har: bytes) -> dict[str, Recorded]:
    """The answers to GET by path. Status 0 is how a browser says that no answer came."""
    replies = {}
    for entry in msgspec.json.decode(har, type=_Har).log.entries:
        response = entry.response
        if entry.request.method == "GET" and 200 <= response.status <= 599:  # noqa: PLR2004 - what HTTP has
            path = urlsplit(entry.request.url)._replace(scheme="", netloc="", fragment="").geturl()
            replies[path] = Recorded(response.status, response.content.mime, response.content.body())
    return replies


def _find(replies: Mapping[str, Recorded], path: str) -> Recorded | None:
    bare = path.partition("?")[0]
    return replies.get(path) or replies.get(bare) or replies.get(_ALIASES.get(bare, bare))

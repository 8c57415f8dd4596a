"""The command `record`: asks a gateway everything it may know, and writes the answers without what is personal.

The times in it stay: ages, days and counters make no sense without them, and they are nobody's name.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO

import msgspec

from envoy_bridge import __version__
from envoy_bridge.anonymise import Anonymiser
from envoy_bridge.clock import Clock
from envoy_bridge.commands import FINE, gateways, visit
from envoy_bridge.config import Config, Gateway
from envoy_bridge.errors import ConfigurationError, EnvoyBridgeError, GatewayError, StateError
from envoy_bridge.gateway.basics import INFO
from envoy_bridge.gateway.endpoints import ROWS
from envoy_bridge.gateway.http import GatewayHttp
from envoy_bridge.gateway.pace import BUSY_FOR_US, RETRY_FIRST
from envoy_bridge.gateway.poll import LOST_AFTER
from envoy_bridge.state import write_atomically

UNPOLLED: Final[Mapping[str, str]] = {
    "/ivp/meters/reports": "the meters again, with computed consumption: a check on what is derived",
    "/ivp/meters/gridReading": "the same of one meter; some firmware has only this",
    "/ivp/meters/pvReading": "as above",
    "/ivp/pdm/production": "what device_data tells, added up",
    "/ivp/pdm/energy": "the production report in short",
    "/ivp/ensemble/relay": "the relays of the system controller, of which the inventory tells most",
    "/ivp/ss/dpel": "the export limit that changes; few sites have one",
    "/ivp/mod/603980032/mode/power": "whether production is switched off, as installers are told",
}
"""What is known and not polled, and what it tells."""

DEADLINE: Final = 30.0
"""Seconds for each of them."""

_HOST: Final = "envoy.local"
_EMPTY: Final[Mapping[str, Any]] = {"httpVersion": "HTTP/1.1", "headers": [], "cookies": []}
_UNKNOWN_SIZES: Final[Mapping[str, int]] = {"headersSize": -1, "bodySize": -1}


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one request. `status` 0: nothing came, and `problem` says why. Seconds, since 1970 and long."""

    path: str
    began: float
    took: float
    status: int = 0
    body: bytes = b""
    problem: str = ""

    def __str__(self) -> str:
        if not self.status:
            return f"nothing after {self.took:.1f} s: {self.problem}"
        return f"{self.status} {len(self.body):>8} bytes {self.took * 1000:>6.0f} ms"


async def record(
    config: Config,
    environ: Mapping[str, str],
    path: Path,
    *,
    wanted: str | None = None,
    force: bool = False,
    out: TextIO,
    progress: TextIO,
    clock: Clock | None = None,
) -> int:
    """Record a gateway into the file `path`; `wanted`: its host or serial number, where there are several.

    `progress` gets a line for each endpoint, `out` what has become of it.

    Raises:
        ConfigurationError: none of the gateways is the wanted one, or it is not said which.
        EnvoyBridgeError: the file is there already, or cannot be written; the gateway does not answer any more.
    """
    _refuse(path, force=force)
    settings = _chosen(await gateways(config), wanted)
    async with visit(settings, config, environ) as visitor:
        progress.write(f"gateway {visitor.info.serial}, firmware {visitor.info.firmware}, at {visitor.http.url}\n")
        asked = [each async for each in _ask(visitor.http, endpoints(), clock or Clock(), progress)]
    _refuse(path, force=force)
    data = har(asked)
    _write(path, data)
    out.write(f"{_summary(asked)}\n{path} {len(data) / 1000:.0f} kB; {_ADVICE}\n")
    return FINE


_ADVICE: Final = "serial numbers, names and addresses are replaced; look at it before you share it"


def endpoints() -> dict[str, float]:
    """Every path that is known, and the seconds until it is given up. Streams have no end, and are left out."""
    polled = [INFO, *(row.endpoint for row in ROWS if not row.endpoint.stream)]
    return {path: each.deadline for each in polled for path in each.paths} | dict.fromkeys(UNPOLLED, DEADLINE)


def har(asked: Iterable[Asked]) -> bytes:
    """The answers as HAR 1.2, without what is personal, and without those that never came."""
    answers = [each for each in asked if each.status]
    anonymise = Anonymiser(each.body for each in answers)
    log = {
        "version": "1.2",
        "creator": {"name": "envoy-bridge", "version": __version__},
        "comment": "serial numbers, names, addresses and other texts are replaced; numbers and times are as they were",
        "entries": [_entry(each, *anonymise(each.body)) for each in answers],
    }
    return msgspec.json.format(msgspec.json.encode({"log": log}), indent=1) + b"\n"


def _entry(answer: Asked, text: str, mime: str) -> dict[str, Any]:
    milliseconds = round(answer.took * 1000)
    return {
        "startedDateTime": datetime.fromtimestamp(answer.began, UTC).isoformat(timespec="milliseconds"),
        "time": milliseconds,
        "request": {
            "method": "GET",
            "url": f"https://{_HOST}{answer.path}",
            "queryString": [],
            **_EMPTY,
            **_UNKNOWN_SIZES,
        },
        "response": {
            "status": answer.status,
            "statusText": "",
            "content": {"size": len(text.encode()), "mimeType": mime, "text": text},
            "redirectURL": "",
            **_EMPTY,
            **_UNKNOWN_SIZES,
        },
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
    }


async def _ask(http: GatewayHttp, paths: Mapping[str, float], clock: Clock, progress: TextIO) -> AsyncIterator[Asked]:
    """One at a time; after each the gateway has as long to itself as it took, as when it is polled.

    Raises:
        GatewayUnreachable: several in a row did not answer, and `/info` does not either.
    """
    silent = 0
    for path, deadline in paths.items():
        progress.write(f"  {path:<36} ")
        progress.flush()
        asked = await _ask_one(http, path, deadline, clock)
        progress.write(f"{asked}\n")
        silent = 0 if asked.status else silent + 1
        if silent == LOST_AFTER:
            await http.get(INFO.paths[0], deadline=INFO.deadline)
            silent = 0
        yield asked
        await clock.sleep(min(asked.took * (1 / BUSY_FOR_US - 1), RETRY_FIRST))


async def _ask_one(http: GatewayHttp, path: str, deadline: float, clock: Clock) -> Asked:
    began, started = clock.wall(), clock.monotonic()
    try:
        response = await http.get(path, deadline=deadline)
    except GatewayError as error:
        return Asked(path, began, clock.monotonic() - started, problem=str(error))
    return Asked(path, began, clock.monotonic() - started, response.status, response.body)


def _summary(asked: Sequence[Asked]) -> str:
    good = sum(each.status == 200 for each in asked)  # noqa: PLR2004 - OK
    refused = sum(each.status in (401, 403) for each in asked)
    missing = [each.path for each in asked if not each.status]
    parts = [f"{len(asked)} endpoints asked", f"{good} answered"]
    parts += [f"{refused} not permitted"] if refused else []
    parts += [f"no answer, and not in the file: {' '.join(missing)}"] if missing else []
    return ", ".join(parts)


def _chosen(known: Sequence[Gateway], wanted: str | None) -> Gateway:
    fitting = [each for each in known if wanted in (None, each.host, each.serial)]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(str(each.host or each.serial) for each in known)
    if fitting:
        raise ConfigurationError(f"there are several gateways: choose one with --gateway, of {names}")
    raise ConfigurationError(f"no gateway {wanted} is configured: choose one of {names}")


def _refuse(path: Path, *, force: bool) -> None:
    """Before anything is asked: what takes a minute should not fail in the end."""
    if path.is_dir():
        raise EnvoyBridgeError(f"{path} is a folder: name a file in it")
    if not path.parent.is_dir():
        raise EnvoyBridgeError(f"there is no folder {path.parent}: make it first")
    if path.exists() and not force:
        raise EnvoyBridgeError(f"{path} is there already: choose another name, or replace it with --force")


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all; to be read by its owner alone, who is to look at it first."""
    try:
        write_atomically(path, data)
    except StateError as error:
        reason = getattr(error.__cause__, "strerror", None) or error
        raise EnvoyBridgeError(f"cannot write {path}: {reason}; choose another place") from error

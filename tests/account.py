"""An account at Enlighten, and what tests of logging in to it share."""

import logging
from collections.abc import Iterable
from pathlib import Path

import pytest
from handclock import HandClock

from envoy_bridge.config import Login, Secret
from envoy_bridge.errors import LoginError
from envoy_bridge.gateway.enlighten import Enlighten
from envoy_bridge.gateway.tokens import Token
from envoy_bridge.simulator.login import TokenService

SERIAL, OTHER = "122300000001", "122300000002"
USERNAME = "canary@example.org"
PASSWORD = "correct horse canary & battery=staple%"
SESSION = "canary5e551031d" * 2
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


def started(service: TokenService, folder: Path, clock: HandClock) -> Enlighten:
    """What a start of the process makes of the folder."""
    return Enlighten(Login(enlighten=service.url, entrez=service.url), folder, clock)


async def fetch(enlighten: Enlighten, serial: str = SERIAL, password: str = PASSWORD) -> Token:
    return await enlighten.fetch_token(serial=serial, username=USERNAME, password=Secret(password))


async def failure(enlighten: Enlighten, serial: str = SERIAL, password: str = PASSWORD) -> LoginError:
    """Why there is no token, in one line without a secret."""
    with pytest.raises(LoginError) as caught:
        await fetch(enlighten, serial, password)
    message = str(caught.value)
    assert "\n" not in message
    assert not any(secret in message for secret in (password, SESSION, "eyJ"))
    return caught.value


def content(folder: Path) -> bytes:
    """Of all files in the folder."""
    return b"".join(path.read_bytes() for path in folder.iterdir())


def no_secret_in(records: Iterable[logging.LogRecord]) -> None:
    """Check the lines as they are before anything is redacted."""
    for record in records:
        line = f"{record.msg!r} {record.args!r} {record.exc_info!r}"
        assert not any(secret in line for secret in (PASSWORD, SESSION, "eyJ"))

"""Recordings served as gateways until somebody stops it: the command `simulate`."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TextIO

from envoy_bridge.clock import Clock
from envoy_bridge.errors import ConfigurationError
from envoy_bridge.simulator.gateway import SimulatedGateway
from envoy_bridge.simulator.har import Recording, World
from envoy_bridge.simulator.login import PASSWORD, USERNAME, TokenService
from envoy_bridge.simulator.server import REAL_TIME

HTTP_PORT = 8080
HTTPS_PORT = 8443


async def serve(
    files: Sequence[Path],
    *,
    out: TextIO,
    port: int = HTTP_PORT,
    https_port: int = HTTPS_PORT,
    live: bool = False,
    clock: Clock = REAL_TIME,
) -> None:
    """Serve each recording on ports of its own, counted up from these, with the token service on the next HTTP port.

    Port 0 takes free ones. Writes to `out` what is served where, and the configuration for it. Runs until cancelled.

    Raises:
        ConfigurationError: a file is no recording of a gateway, or a port is taken.
    """
    recordings = [Recording.from_har(path) for path in files]
    async with AsyncExitStack() as stack:
        try:
            tokens = await stack.enter_async_context(TokenService(port=_nth(port, len(files)), clock=clock))
            gateways = [
                await stack.enter_async_context(
                    SimulatedGateway(
                        _live(recording, clock) if live else recording,
                        port=_nth(port, index),
                        https_port=_nth(https_port, index),
                        tokens=tokens,
                        clock=clock,
                    )
                )
                for index, recording in enumerate(recordings)
            ]
        except OSError as error:
            raise ConfigurationError(
                f"A port is taken ({error.strerror}): choose others with --port and --https-port"
            ) from error
        served = list(zip(recordings, gateways, strict=True))
        out.write(_overview(served) + "\n" + _configuration(served, tokens))
        out.flush()
        await asyncio.Event().wait()


def _nth(first: int, index: int) -> int:
    """The port so many after the first; 0 stays "any free one"."""
    return first + index if first else 0


def _live(recording: Recording, clock: Clock) -> World:
    from envoy_bridge.simulator.live import LiveWorld  # noqa: PLC0415 - only a live simulation needs the sun's path

    return LiveWorld(recording, clock)


def _overview(served: Sequence[tuple[Recording, SimulatedGateway]]) -> str:
    return "".join(
        f"{gateway.https_url} and {gateway.http_url}: gateway {recording.serial}, firmware {recording.firmware}, "
        f"login by {'token, HTTPS only' if recording.needs_token else 'digest'}\n"
        for recording, gateway in served
    )


def _configuration(served: Sequence[tuple[Recording, SimulatedGateway]], tokens: TokenService) -> str:
    """The sections of a configuration that reads all that is served."""
    lines = ["# The configuration for it:"]
    if any(recording.needs_token for recording, _gateway in served):
        lines += ["[login]", f'enlighten = "{tokens.url}"', f'entrez = "{tokens.url}"', ""]
    for recording, gateway in served:
        url = gateway.https_url if recording.needs_token else gateway.http_url
        lines += ["[[gateway]]", f'host = "{url.partition("//")[2]}"', f'serial = "{recording.serial}"']
        if recording.needs_token:
            lines += [f'username = "{USERNAME}"', f'password = "{PASSWORD}"']
        lines.append("")
    return "\n".join(lines)

"""The command `check`: goes through everything, says what is wrong, and what to type next. Never a secret."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, TextIO

from envoy_bridge.check_broker import check_broker
from envoy_bridge.check_gateway import check_gateway
from envoy_bridge.check_report import Report
from envoy_bridge.check_state import check_state
from envoy_bridge.clock import Clock
from envoy_bridge.commands import FAILED, FINE, gateways
from envoy_bridge.config import Config, configured, permission_warnings, unbuilt
from envoy_bridge.errors import EnvoyBridgeError

_SEARCHED: Final = (
    "set host in a [[gateway]] of the configuration; is this machine in the gateway's network? "
    "A container needs the host's: docker run --network host"
)


async def check(
    config: Config,
    environ: Mapping[str, str],
    out: TextIO,
    *,
    path: Path | None = None,
    as_json: bool = False,
    progress: TextIO | None = None,
    clock: Clock | None = None,
) -> int:
    """Print a report to `out`. `path`: the file that the configuration was read from. `progress`: see `Report`.

    Returns:
        1 when something would keep data from flowing, else 0.

    Raises:
        ConfigurationError: the configuration has become unusable meanwhile.
    """
    clock = clock or Clock()
    report = Report(out, as_json=as_json, progress=progress, environ=environ)
    _check_configuration(config, path, environ, report)
    keeps_state = check_state(config, environ, report)
    serials = await _check_gateways(config, environ, report, clock, keeps_state=keeps_state)
    if configured(config):
        from envoy_bridge.check_clouds import check_clouds  # noqa: PLC0415 - only who has one needs it

        await check_clouds(config, environ, report, clock)
    running = await check_broker(config.mqtt, serials, report, clock)
    report.end("envoy-bridge is running." if running else "Start it: envoy-bridge run")
    return FAILED if report.faults else FINE


def _check_configuration(config: Config, path: Path | None, environ: Mapping[str, str], report: Report) -> None:
    report.section("configuration")
    number = len(config.gateway) or "no"
    report.good(
        f"{path or 'no file, defaults and environment'}: {number} [[gateway]], base topic {config.mqtt.base_topic}"
    )
    for warning in permission_warnings(path, environ):
        text, _, command = warning.partition("; run: ")
        report.warn(text, command)
    for feature in unbuilt(config):
        report.note(f"not built yet, has no effect: {feature}")


async def _check_gateways(
    config: Config, environ: Mapping[str, str], report: Report, clock: Clock, *, keeps_state: bool
) -> set[str] | None:
    """Each of them. Returns their serial numbers; None where not all of these are known."""
    if not config.gateway:
        report.busy("searching this network for gateways ...")
    try:
        known = await gateways(config)
    except EnvoyBridgeError as error:
        report.section("gateways")
        report.failed(error, _SEARCHED)
        return None
    serials = set()
    for settings in known:
        found = await check_gateway(settings, config, environ, report, clock, keeps_state=keeps_state)
        serials |= {settings.serial or found}
    return None if None in serials else {serial for serial in serials if serial}

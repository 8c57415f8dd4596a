"""The commands. Thin: each reads its options, calls one function, and turns errors into one line and an exit code."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Final

from envoy_bridge import __version__, logs
from envoy_bridge.config import CLOUDS, Config, find, load, permission_warnings
from envoy_bridge.errors import ConfigurationError, EnvoyBridgeError

FINE: Final = 0
FAILED: Final = 1
MISCONFIGURED: Final = 78
"""systemd does not restart on this one."""

RECORDED: Final = (
    "Replaced, the same by the same in the whole file: serial numbers, tokens, passwords, e-mail, MAC and IP "
    "addresses, names of users, sites, networks and loads, and any text that firmware is not known to say. Kept: "
    "numbers, times, time zone and currency, firmware and part numbers, names of fields. Headers and cookies are not "
    "recorded. The file can be served with: envoy-bridge simulate FILE.har"
)
"""What `record` says of its file."""

COUNTED: Final = (
    "A counter is held at its last good value when the gateway says what cannot be: it fell, or rose by more than the "
    "installation can produce. Most come back or are gone on with by themselves; a jump that stays waits for you. What "
    "is shown was written by the daemon at its last repair, or some minutes ago. accept, reset and set are sent to the "
    "running daemon over MQTT."
)
"""What `counters` is about."""

CLOUDED: Final = (
    "PROVIDER is enlighten, tigo, growatt or locus. What each needs, gives and costs: docs/clouds.md. A backfill "
    "counts for the same quota as the daemon, and leaves it a part."
)
"""What `cloud` is about."""

log = logs.get_logger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code."""
    options = _parser().parse_args(arguments)
    logs.setup("warning", "auto")
    try:
        return int(options.command(options))
    except ConfigurationError as error:
        sys.stderr.write(f"envoy-bridge: {error}\n")
        return MISCONFIGURED
    except EnvoyBridgeError as error:
        sys.stderr.write(f"envoy-bridge: {logs.redact(str(error))}\n")
        return FAILED
    except (KeyboardInterrupt, BrokenPipeError):
        return FINE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="envoy-bridge",
        description="Reads Enphase gateways on the LAN and publishes what the house produces and uses to MQTT.",
        epilog="Start with: envoy-bridge demo. Something odd? envoy-bridge check.",
    )
    parser.add_argument("--version", action="version", version=f"envoy-bridge {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, function: object, text: str, *, configured: bool = True) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        sub.set_defaults(command=function)
        if configured:
            sub.add_argument("--config", metavar="FILE", help="the configuration (default: see README)")
        return sub

    command("run", _run, "the daemon: polls and publishes until it is stopped")
    demo = command("demo", _demo, "the daemon on a simulated household, with a broker of its own", configured=False)
    demo.add_argument("--seconds", type=float, metavar="N", help="end by itself after so many seconds")
    demo.add_argument("--clouds", action="store_true", help="with four vendors' clouds, simulated too")
    found = command("discover", _discover, "lists the gateways on this network", configured=False)
    found.add_argument("--timeout", type=float, default=5.0, metavar="S", help="seconds to listen (default: 5)")
    check = command("check", _check, "goes through everything and says what to do about each fault")
    check.add_argument("--json", action="store_true", help="the same as one JSON object")
    once = command("once", _once, "polls once and prints what came in; publishes nothing")
    once.add_argument("--json", action="store_true", help="the JSON that stands on the topic `state`")
    token = command("token", _token, "shows whose token is in use, or fetches a new one")
    token.add_argument("action", nargs="?", choices=("show", "renew"), default="show")
    command("topics", _topics, "lists every topic of the gateways, with unit and meaning")
    record = command("record", _record, "asks a gateway everything, and writes the answers without what is personal")
    record.epilog = RECORDED
    record.add_argument("file", type=Path, metavar="FILE.har")
    record.add_argument("--gateway", metavar="HOST", help="which, by host or serial number, where there are several")
    record.add_argument("--force", action="store_true", help="replace the file if it is there")
    _add_counters(command("counters", _counters, "shows the lifetime counters, and settles those that are held"))
    _add_cloud(command("cloud", _cloud, "fetches the past of a vendor's cloud, or has its owner allow the access"))
    simulate = command("simulate", _simulate, "serves recordings as gateways, with their login", configured=False)
    simulate.add_argument("files", nargs="+", type=Path, metavar="FILE.har")
    simulate.add_argument("--port", type=int, default=8080, metavar="P", help="first HTTP port (default: 8080)")
    simulate.add_argument("--https-port", type=int, default=8443, metavar="P", help="first HTTPS port (default: 8443)")
    simulate.add_argument("--live", action="store_true", help="let power and energy move through a day")
    return parser


def _add_counters(counters: argparse.ArgumentParser) -> None:
    """The actions of `counters`. Their options can stand before and after the action."""
    counters.epilog = COUNTED
    once_more = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    once_more.add_argument("--config", metavar="FILE", help="the configuration (default: see README)")
    for parser in (counters, once_more):
        parser.add_argument("--gateway", metavar="SERIAL", help="which, where there are several")
        parser.add_argument("--json", action="store_true", help="JSON, for scripts")
    actions = counters.add_subparsers(title="actions", dest="action", metavar="ACTION")

    def action(name: str, text: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, parents=[once_more], help=text, description=f"{text[0].upper()}{text[1:]}.")

    action("show", "how each counter stands, and why it is held (this is done without an action too)")
    accept = action("accept", "the gateway is right: what it says is published, with the step")
    reset = action("reset", "it is a new count: goes on from what is published, without the step")
    given = action("set", "it is another figure: goes on from there with what the gateway counts")
    for parser in (accept, reset, given):
        parser.add_argument("counter", metavar="COUNTER", help="as shown, such as production/total/energy_lifetime")
    given.add_argument("value", metavar="WH", type=_energy, help="the energy in Wh, 0 or more")
    counters.set_defaults(action="show", counter=None, value=None)


def _add_cloud(cloud: argparse.ArgumentParser) -> None:
    """The vendor, and what to do."""
    cloud.epilog = CLOUDED
    cloud.add_argument("provider", choices=CLOUDS, metavar="PROVIDER")
    actions = cloud.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)

    def action(name: str, text: str) -> argparse.ArgumentParser:
        parser = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        parser.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS, help="as before the action")
        return parser

    action("status", "how it is by what the daemon knows, without asking it")
    action("authorize", "has the owner of an Enlighten system allow the access, once")
    backfill = action("backfill", "brings past days to the history topics; typed again, goes on where it stopped")
    backfill.add_argument("--from", dest="start", type=_day, required=True, metavar="DAY", help="such as 2026-01-01")
    backfill.add_argument("--to", dest="end", type=_day, required=True, metavar="DAY", help="the last, included")
    backfill.add_argument("--site", metavar="ID", help="one of several, as `cloud PROVIDER status` lists them")


def _day(text: str) -> date:
    with suppress(ValueError):
        return date.fromisoformat(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no day such as 2026-01-31")


def _energy(text: str) -> float:
    """Wh on the command line."""
    with suppress(ValueError):
        if 0 <= (energy := float(text)) < float("inf"):
            return energy
    raise argparse.ArgumentTypeError(f"{text!r} is no energy in Wh: a number, 0 or more")


def _configuration(options: argparse.Namespace) -> Config:
    return load(find(options.config, os.environ), os.environ)


def _run(options: argparse.Namespace) -> int:
    from envoy_bridge.app import run  # noqa: PLC0415 - each command loads what it needs

    path = find(options.config, os.environ)

    def read() -> Config:
        config = load(path, os.environ)
        logs.setup(config.log.level, config.log.format)
        for warning in permission_warnings(path, os.environ):
            log.warning("secret_readable", message=warning)
        return config

    asyncio.run(run(read, os.environ))
    return FINE


def _demo(options: argparse.Namespace) -> int:
    from envoy_bridge.demo import demo  # noqa: PLC0415 - as above

    asyncio.run(demo(options.seconds, clouds=options.clouds))
    return FINE


def _discover(options: argparse.Namespace) -> int:
    from envoy_bridge.commands import discover  # noqa: PLC0415 - as above

    return asyncio.run(discover(options.timeout, sys.stdout))


def _check(options: argparse.Namespace) -> int:
    from envoy_bridge.check import check  # noqa: PLC0415 - as above

    path = find(options.config, os.environ)
    config = load(path, os.environ)
    logs.setup("error", "auto")  # what it would warn of is in the report
    return asyncio.run(check(config, os.environ, sys.stdout, path=path, as_json=options.json, progress=sys.stderr))


def _once(options: argparse.Namespace) -> int:
    from envoy_bridge.commands import once  # noqa: PLC0415 - as above

    return asyncio.run(once(_configuration(options), os.environ, sys.stdout, as_json=options.json))


def _token(options: argparse.Namespace) -> int:
    from envoy_bridge.commands import token  # noqa: PLC0415 - as above

    return asyncio.run(token(_configuration(options), os.environ, sys.stdout, renew=options.action == "renew"))


def _topics(options: argparse.Namespace) -> int:
    from envoy_bridge.commands import topics  # noqa: PLC0415 - as above

    return asyncio.run(topics(_configuration(options), os.environ, sys.stdout))


def _record(options: argparse.Namespace) -> int:
    from envoy_bridge.record import record  # noqa: PLC0415 - as above

    how = {"wanted": options.gateway, "force": options.force}
    return asyncio.run(
        record(_configuration(options), os.environ, options.file, out=sys.stdout, progress=sys.stderr, **how)
    )


def _counters(options: argparse.Namespace) -> int:
    from envoy_bridge.counters.command import settle, show  # noqa: PLC0415 - as above
    from envoy_bridge.counters.request import CountersRequest  # noqa: PLC0415 - as above

    config, gateway = _configuration(options), options.gateway
    if options.action == "show":
        return show(config, os.environ, gateway, sys.stdout, as_json=options.json)
    request = CountersRequest(options.action, gateway=gateway, counter=options.counter, value=options.value)
    return asyncio.run(settle(config, request, sys.stdout, as_json=options.json))


def _cloud(options: argparse.Namespace) -> int:
    from envoy_bridge.clouds.command import authorize, backfill, status  # noqa: PLC0415 - as above

    config, name = _configuration(options), options.provider
    if options.action == "status":
        return asyncio.run(status(config, os.environ, name, out=sys.stdout))
    if options.action == "authorize":
        return asyncio.run(authorize(config, os.environ, name, out=sys.stdout))
    span = {"start": options.start, "end": options.end}
    return asyncio.run(backfill(config, os.environ, name, site=options.site, out=sys.stdout, **span))


def _simulate(options: argparse.Namespace) -> int:
    from envoy_bridge.simulator.serve import serve  # noqa: PLC0415 - as above

    ports = {"port": options.port, "https_port": options.https_port}
    asyncio.run(serve(options.files, out=sys.stdout, live=options.live, **ports))
    return FINE

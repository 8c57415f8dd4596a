"""The part of `check` about one gateway: who answers, the login, each endpoint, what its meters say."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from envoy_bridge.advice import findings
from envoy_bridge.catalog import plain, points
from envoy_bridge.check_diagram import ASCII, LINES, diagram, table
from envoy_bridge.check_endpoints import Asking, report_endpoints
from envoy_bridge.check_report import Report
from envoy_bridge.clock import Clock
from envoy_bridge.commands import Meet, Visit, visit
from envoy_bridge.config import Config, Gateway
from envoy_bridge.errors import (
    CertificateChanged,
    CloudUnavailable,
    CredentialsRejected,
    EnvoyBridgeError,
    GatewayError,
    GatewayUnreachable,
    LoginBudgetSpent,
    LoginError,
    MultiFactorRequired,
    NotPermitted,
    WrongGateway,
)
from envoy_bridge.gateway.assemble import snapshot
from envoy_bridge.gateway.auth import DigestLogin, TokenLogin
from envoy_bridge.gateway.connect import connect
from envoy_bridge.gateway.http import GatewayHttp
from envoy_bridge.gateway.info import GatewayInfo
from envoy_bridge.gateway.plan import Plan
from envoy_bridge.gateway.probe import Probe
from envoy_bridge.gateway.quirks import QUIRKS
from envoy_bridge.gateway.tokens import WARN_BEFORE, Token, renew_at
from envoy_bridge.model import Snapshot

CLOCK_OFF: Final = 120.0
"""Seconds that two clocks may differ before it matters."""

_DAY: Final = 86400.0
_BY_HAND: Final = (
    "log in at https://entrez.enphaseenergy.com with a browser, choose this gateway, put the token into a file, "
    'name it in its [[gateway]]: token_file = "...", then: envoy-bridge check'
)
_LOCAL: Final = "set the local username and password in [[gateway]], as the installer set them"

_NEXT: Final[Mapping[type[EnvoyBridgeError], str]] = {
    WrongGateway: "envoy-bridge discover lists the gateways of this network; correct host or serial by it",
    CertificateChanged: "if it is yours and was replaced, do as is said, then: envoy-bridge check",
    NotPermitted: "envoy-bridge token renew, then: envoy-bridge check",
    CredentialsRejected: "log in at https://enlighten.enphaseenergy.com with the same user name and password; "
    "correct them in [[gateway]]; 15 minutes later: envoy-bridge check",
    MultiFactorRequired: _BY_HAND,
    LoginBudgetSpent: "wait until then; or use a token: " + _BY_HAND,
    CloudUnavailable: "see whether this machine reaches https://enlighten.enphaseenergy.com; 15 minutes later: "
    "envoy-bridge check; or use a token: " + _BY_HAND,
    LoginError: _BY_HAND,
}
"""What to do about an error; the first that fits."""


@dataclass(slots=True)
class _Met:
    """Who answered, if anybody did."""

    info: GatewayInfo | None = None
    asking: Asking | None = None


async def check_gateway(
    settings: Gateway, config: Config, environ: Mapping[str, str], report: Report, clock: Clock, *, keeps_state: bool
) -> str | None:
    """Go there, log in, ask everything once. Returns the serial number; None when nobody answered.

    `keeps_state`: a token can be kept. Without that there is no login, as each check would ask the cloud again.
    """
    name = settings.host or settings.serial or "of this network"
    report.section(f"gateway {name}")
    report.busy(f"connecting to {name} ...")
    met = _Met()

    def meet(http: GatewayHttp, info: GatewayInfo) -> None:
        met.info = info
        report.good(f"{info.serial} answers at {http.url}: {info.model}, firmware {info.firmware}")
        report.tell(serial=info.serial, firmware=info.firmware, model=info.model, url=http.url)
        report.busy(f"logging in to {name} ...")

    try:
        if not keeps_state:
            return await _meet_only(settings, meet, report)
        async with visit(settings, config, environ, met=meet) as visitor:
            _report_login(visitor, settings, report, clock)
            met.asking = Asking(visitor.ask, report, name)
            await _check_clock(visitor.info, met.asking, report, clock)
            probe = Probe(met.asking.ask, visitor.info, clock.wall, access=visitor.access, patient=False)
            plan, fields = await probe.survey()
    except EnvoyBridgeError as error:
        if met.asking is not None:
            report_endpoints(met.asking.asked, None, report, settings)
        report.failed(error, _next(error, settings, met), name)
    else:
        report_endpoints(met.asking.asked, plan, report, settings)
        _report_quirks(plan, report)
        _report_values(plan, snapshot(plan, fields, clock.wall()), report)
    return met.info.serial if met.info else None


async def _meet_only(settings: Gateway, meet: Meet, report: Report) -> str:
    """See who is there, and no more. Raises GatewayError."""
    http, info = await connect(settings, settings.serial)
    async with http:
        meet(http, info)
    report.note("the login and the rest are not tried before there is a state directory (see above)")
    return info.serial


def _next(error: EnvoyBridgeError, settings: Gateway, met: _Met) -> str:
    if isinstance(error, GatewayUnreachable) and met.info is not None:
        return "a gateway that starts or is busy needs some minutes; then: envoy-bridge check"
    found = next((text for kind, text in _NEXT.items() if isinstance(error, kind)), "")
    if found:
        return found
    host = re.sub(r":\d+$", "", settings.host or "").strip("[]")
    ping = f"ping {host}; " if host else ""
    return f"{ping}envoy-bridge discover, which lists the gateways of this network; one that starts needs some minutes"


def _report_login(visitor: Visit, settings: Gateway, report: Report, clock: Clock) -> None:
    login = visitor.login
    if isinstance(login, TokenLogin):
        _report_token(login.token, report, clock.wall(), from_cloud=visitor.tokens.from_cloud)
    elif isinstance(login, DigestLogin):
        local = settings.username if settings.username and "@" not in settings.username else None
        if local and login.username != local:
            report.warn(
                f"the gateway refuses the local user {local}",
                "correct username and password in [[gateway]], or take both away: they follow from the serial number",
            )
        if login.username is None:
            report.warn("the gateway takes no login that is known: the inverters are not read", _LOCAL)
        else:
            report.good(f"login: {login.describe()}")


def _report_token(token: Token, report: Report, now: float, *, from_cloud: bool) -> None:
    left = token.expires - now
    days = f"{left / _DAY:.0f} days" if left >= 2 * _DAY else f"{left / 3600:.0f} hours"
    text = f"login: token of {token.username or 'an unknown user'}, {token.role or 'role unknown'}, {days} left"
    report.tell(token={"user": token.username, "role": token.role, "days_left": round(left / _DAY, 1)})
    if from_cloud:
        report.good(f"{text}, renewed by itself on {datetime.fromtimestamp(renew_at(token), UTC):%Y-%m-%d}")
    elif left < WARN_BEFORE:
        report.warn(f"{text}; nobody renews it", _BY_HAND)
    else:
        until = datetime.fromtimestamp(token.expires, UTC)
        report.good(f"{text}; put a new one into token_file before {until:%Y-%m-%d}")


async def _check_clock(info: GatewayInfo, asking: Asking, report: Report, clock: Clock) -> None:
    """The gateway's time, which it tells with who it is, against ours."""
    try:
        theirs = asking.time_of(await asking.ask(info.path, 10.0))
    except GatewayError:
        return  # it stands in the table
    if theirs is None:
        return
    ahead = clock.wall() - theirs
    report.tell(clock_ahead=round(ahead))
    if abs(ahead) <= CLOCK_OFF:
        report.good(f"clock: as this machine's, to {max(1, round(abs(ahead)))} s")
        return
    far = f"{_long(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} the gateway's"
    report.warn(
        f"clock: this machine's is {far} ({plain(datetime.fromtimestamp(round(theirs), UTC))}); days, ages and the "
        "expiry of tokens depend on it",
        "timedatectl, on this machine, shows whether it is the one that is wrong; the gateway's is set by the internet",
    )


def _long(seconds: float) -> str:
    for size, unit in ((_DAY, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if round(seconds / size) >= 2:  # noqa: PLR2004 - the plural is right
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _report_quirks(plan: Plan, report: Report) -> None:
    active = [quirk for quirk in QUIRKS if quirk.id in plan.quirks]
    report.tell(quirks=[quirk.id for quirk in active])
    if not active:
        report.good(f"firmware {plan.info.firmware}: none of the {len(QUIRKS)} faults that are known shows")
    for quirk in active:
        why = quirk.why.partition(". ")[0].removesuffix(".")
        report.note(f"firmware {plan.info.firmware} has a known fault, which is repaired: {quirk.id}. {why}.")


def _report_values(plan: Plan, current: Snapshot, report: Report) -> None:
    """The drawing, what looks odd in it, and how much there is to publish."""
    report.lines(["", *diagram(current, plan.known.measuring.keys(), LINES if report.draws else ASCII), ""])
    report.lines([*table(current), ""])
    advice = findings(current, plan.meters)
    for each in advice:
        report.warn(each.text, "envoy-bridge check shows at once whether it helped")
    if plan.known.measuring and not advice:
        report.good("wiring: nothing looks odd at this moment")
    if plan.known.measuring and "meter_readings" not in plan.sources.values():
        report.warn(
            "the gateway lists CTs, but their readings are not to be had: import, export and phases are not known",
            "envoy-bridge check, some minutes later; if it stays so, look at this user's role: envoy-bridge token",
        )
    values = {path.lower(): value for path, value, _ in points(current)}
    report.tell(power={path: value for path, value in values.items() if path.endswith("/power")})
    if values:
        report.good(f"{len(values)} values would be published now")
    else:
        report.fault(
            "the gateway answers, but tells nothing that could be published",
            "a gateway that has just started needs some minutes; then: envoy-bridge check",
            "nothing_to_publish",
        )

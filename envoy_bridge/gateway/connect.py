"""The way to a gateway: its addresses, HTTPS before HTTP, who answers there, and asking once we are logged in."""

from collections.abc import Iterable, Mapping
from typing import Final

from envoy_bridge.config import Gateway
from envoy_bridge.errors import (
    CertificateChanged,
    GatewayError,
    GatewayUnreachable,
    NotPermitted,
    UnusableReply,
    WrongGateway,
)
from envoy_bridge.gateway.addresses import Prove, Whereabouts, trust
from envoy_bridge.gateway.basics import INFO
from envoy_bridge.gateway.discovery import discover
from envoy_bridge.gateway.http import GatewayHttp
from envoy_bridge.gateway.info import HOME, LIMIT, GatewayInfo, parse_info
from envoy_bridge.gateway.legacy import parse_home
from envoy_bridge.logs import get_logger

log = get_logger(__name__)

DISCOVERY: Final = 5.0
"""Seconds to look for gateways on the LAN."""

Answer = tuple[GatewayHttp, GatewayInfo]


async def connect(settings: Gateway, serial: str | None, whereabouts: Whereabouts | None = None) -> Answer:
    """A connection at the first address where the gateway answers, and who it is. No login is shown.

    The address changes only when the gateway no longer answers at the one that it had, and does at another with the
    same serial number. Without `whereabouts` nothing is remembered, and a gateway with a `host` is not searched for.

    Raises:
        GatewayUnreachable, UnusableReply, NotPermitted: no gateway answers.
        WrongGateway: another one than `serial` does.
        CertificateChanged: what answers at an announced address is not the gateway that we know.
    """
    where = whereabouts or Whereabouts()
    expected = serial or where.addresses.serial_at(settings.host)
    problems: dict[str, GatewayError] = {}
    found = await _first(where.known(settings.host, expected), expected, problems)
    if found is None and settings.host is None:
        found = await _elsewhere(where, expected, serial, problems)
    elif found is None and whereabouts is not None and expected is not None:
        found = await _elsewhere(where, expected, expected, problems)
    if found is None and settings.host and serial is None and isinstance(problems[settings.host], WrongGateway):
        # Nobody insists on the gateway that was at this host before: it was replaced by the one that answers.
        found = await _first([settings.host], None, problems)
    if found is None:
        raise _failure(settings, serial, problems)
    http, info = found
    where.arrived(http.url.partition("://")[2], settings.host, info.serial)
    return found


async def _first(
    addresses: Iterable[str], serial: str | None, problems: dict[str, GatewayError], prove: Prove = trust
) -> Answer | None:
    """The first of these addresses where the gateway answers. What is wrong with those before goes to `problems`."""
    for address in addresses:
        try:
            return await _reach(address, serial, prove)
        except GatewayError as error:
            problems[address] = error
    return None


async def _reach(address: str, serial: str | None, prove: Prove) -> Answer:
    """Who answers at this address, over HTTPS or else HTTP. Raises GatewayError."""
    problems: list[GatewayError] = []
    for secure in (True, False):
        http = GatewayHttp(address, secure=secure)
        try:
            info = await _introduce(http, serial)
            prove(http, info)
        except (GatewayUnreachable, UnusableReply) as error:
            await http.close()
            problems.append(error)
        except BaseException:
            await http.close()
            raise
        else:
            return http, info
    raise max(problems, key=lambda problem: isinstance(problem, UnusableReply))


async def _elsewhere(
    where: Whereabouts, expected: str | None, serial: str | None, problems: dict[str, GatewayError]
) -> Answer | None:
    """The gateway at an address that it announces, `expected` before others; with `serial`, no other than that.

    Raises:
        GatewayUnreachable: this machine cannot search its network, and there was nowhere else to ask.
    """
    if where.may_search:
        try:
            heard = await discover(DISCOVERY / where.clock.speed, wanted=expected, interfaces=where.interfaces)
        except GatewayUnreachable:
            if not problems:
                raise
            return None
        wanted = [gateway for gateway in heard if serial is None or gateway.serial in (None, serial)]
        wanted.sort(key=lambda gateway: gateway.serial != expected)
        where.searched([address for gateway in wanted for address in gateway.addresses])
    return await _first(where.some_announced(besides=problems), serial, problems, where.prove)


def _failure(settings: Gateway, serial: str | None, problems: Mapping[str, GatewayError]) -> GatewayError:
    """What to tell when nothing was found: what is suspicious, what is wrong at `host`, what is wrong elsewhere."""
    suspicious = (problem for problem in problems.values() if isinstance(problem, CertificateChanged))
    others = (problem for problem in problems.values() if not isinstance(problem, WrongGateway))
    problem = next(suspicious, None) or problems.get(settings.host or "") or next(others, None)
    if isinstance(problem, GatewayUnreachable):
        return GatewayUnreachable(f"{problem}; is it switched on, and host in its [[gateway]] right?")
    name = f"gateway {serial}" if serial else "gateway"
    return problem or GatewayUnreachable(f"no {name} found on this network: set host in its [[gateway]]")


async def _introduce(http: GatewayHttp, serial: str | None) -> GatewayInfo:
    path = INFO.paths[0]
    response = await http.get(path, deadline=INFO.deadline, limit=LIMIT)
    try:
        info = parse_info(response.content(path))
    except UnusableReply as problem:
        info = await _introduce_by_page(http, problem)
    if serial is not None and info.serial != serial:
        raise WrongGateway(
            f"gateway {info.serial} answers at {http.url}, not {serial}: check host and serial in its [[gateway]]"
        )
    return info


async def _introduce_by_page(http: GatewayHttp, problem: UnusableReply) -> GatewayInfo:
    """Who answers, by the page `/home`: `/info` does not say. Raises `problem` when the page does not either."""
    try:
        response = await http.get(HOME, deadline=INFO.deadline, limit=LIMIT)
        return parse_home(response.content(HOME))
    except (UnusableReply, NotPermitted):
        raise problem from None

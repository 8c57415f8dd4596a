"""The way to a gateway: its addresses, HTTPS before HTTP, who answers there, and asking once we are logged in."""

from collections.abc import Sequence
from typing import Final

from envoy_bridge.clock import Clock
from envoy_bridge.config import Gateway
from envoy_bridge.errors import GatewayError, GatewayUnreachable, UnusableReply, WrongGateway
from envoy_bridge.gateway.auth import Login
from envoy_bridge.gateway.discovery import discover
from envoy_bridge.gateway.endpoints import INFO
from envoy_bridge.gateway.http import GatewayHttp
from envoy_bridge.gateway.info import LIMIT, GatewayInfo, parse_info
from envoy_bridge.gateway.standing import Standing
from envoy_bridge.logs import get_logger

log = get_logger(__name__)

DISCOVERY: Final = 5.0
"""Seconds to look for gateways on the LAN."""

SESSION_AT_MOST_EVERY: Final = 60.0
"""Seconds between two renewals of the session: an endpoint that is never permitted must not keep asking for it."""


async def connect(settings: Gateway, serial: str | None) -> tuple[GatewayHttp, GatewayInfo]:
    """A connection at the first address where a gateway answers, and who it is. No login is shown.

    Raises:
        GatewayUnreachable, UnusableReply: no gateway answers.
        WrongGateway: another one than `serial` does.
    """
    problem: GatewayError | None = None
    for address in await _addresses(settings, serial):
        for secure in (True, False):
            http = GatewayHttp(address, secure=secure)
            try:
                return http, await _introduce(http, serial)
            except (GatewayUnreachable, UnusableReply) as error:
                await http.close()
                if problem is None or isinstance(error, UnusableReply):
                    problem = error
            except BaseException:
                await http.close()
                raise
    if isinstance(problem, GatewayUnreachable):
        raise GatewayUnreachable(f"{problem}; is it switched on, and host in its [[gateway]] right?")
    name = f"gateway {serial}" if serial else "gateway"
    raise problem or GatewayUnreachable(f"no {name} found on this network: set host in its [[gateway]]")


async def _addresses(settings: Gateway, serial: str | None) -> Sequence[str]:
    if settings.host is not None:
        return (settings.host,)
    found = await discover(DISCOVERY)
    wanted = [gateway for gateway in found if serial is None or gateway.serial in (None, serial)]
    return [address for gateway in wanted for address in gateway.addresses]


async def _introduce(http: GatewayHttp, serial: str | None) -> GatewayInfo:
    path = INFO.paths[0]
    response = await http.get(path, deadline=INFO.deadline, limit=LIMIT)
    info = parse_info(response.content(path))
    if serial is not None and info.serial != serial:
        raise WrongGateway(
            f"gateway {info.serial} answers at {http.url}, not {serial}: check host and serial in its [[gateway]]"
        )
    return info


class Line:
    """Asks on behalf of probe and poller: keeps count, and opens a new session after a 401."""

    def __init__(self, http: GatewayHttp, login: Login, standing: Standing, clock: Clock) -> None:
        self._http = http
        self._login = login
        self._standing = standing
        self._clock = clock
        self._renewed = clock.monotonic()

    async def ask(self, path: str, deadline: float) -> bytes:
        """The body of a good answer. Raises GatewayError, TokenRejected."""
        try:
            response = await self._http.get(path, deadline=deadline / self._clock.speed)
            if response.status == 401 and self._may_renew() and await self._login.renew_session():  # noqa: PLR2004
                response = await self._http.get(path, deadline=deadline / self._clock.speed)
            log.debug("asked", gateway=self._standing.name, path=path, status=response.status, size=len(response.body))
            content = response.content(path)
        except GatewayError as error:
            log.debug("not_answered", gateway=self._standing.name, path=path, reason=str(error))
            self._standing.failed()
            raise
        if path not in INFO.paths:
            self._standing.answered()
        return content

    def _may_renew(self) -> bool:
        """A session is renewed once a minute at most, and not right after it was opened."""
        now = self._clock.monotonic()
        if now - self._renewed < SESSION_AT_MOST_EVERY:
            return False
        self._renewed = now
        return True

"""A gateway over real HTTP and HTTPS, with the login of its firmware."""

from aiohttp import web

from envoy_bridge.clock import Clock
from envoy_bridge.gateway.info import GatewayInfo, parse_info
from envoy_bridge.simulator.access import DigestDoor, Door, TokenDoor
from envoy_bridge.simulator.har import World
from envoy_bridge.simulator.login import TokenService, holds
from envoy_bridge.simulator.ports import Port
from envoy_bridge.simulator.replies import ABSENT, page, say
from envoy_bridge.simulator.server import REAL_TIME, Request, SimulatedServer
from envoy_bridge.simulator.tls import server_context, show_new_certificate

_NAME = "envoy.local"


class SimulatedGateway(SimulatedServer):
    """Says what its world says. With `web-tokens` in `/info` it asks for a token, else for digest.

    `http=False` closes the port for plain HTTP, as firmware does from 8.3.5286 on. Tokens must come from `tokens`;
    without it any will do that is made out to this serial and not expired. `refuse_envoy`: the user `envoy` gets 401.
    """

    def __init__(
        self,
        world: World,
        *,
        port: int = 0,
        https_port: int = 0,
        http: bool = True,
        tokens: TokenService | None = None,
        refuse_envoy: bool = False,
        clock: Clock = REAL_TIME,
    ) -> None:
        self._context = server_context(_NAME)
        self._plain, self._secure = Port(port, enabled=http), Port(https_port, self._context)
        super().__init__([self._plain, self._secure], clock)
        self._tokens = tokens
        self._refuse_envoy = refuse_envoy
        self.become(world)

    @property
    def port(self) -> int:
        """Of plain HTTP, be it open or closed."""
        return self._plain.number

    @property
    def https_port(self) -> int:
        """Of HTTPS."""
        return self._secure.number

    @property
    def http_url(self) -> str:
        """For example `http://127.0.0.1:8080`."""
        return self._plain.url

    @property
    def https_url(self) -> str:
        """For example `https://127.0.0.1:8443`."""
        return self._secure.url

    @property
    def leaks(self) -> list[Request]:
        """Requests that showed a token over plain HTTP. There must be none."""
        return [request for request in self.requests if request.token and not request.secure]

    def become(self, world: World) -> None:
        """Say what `world` says from now on: another firmware, another serial. Who was logged in no longer is."""
        info = world.reply("/info", self._clock.wall()) or ABSENT
        identity = parse_info(info.body)
        self._world = world
        self._door = self._door_for(identity)

    async def reboot(self, seconds: float, world: World | None = None, *, http: bool | None = None) -> None:
        """Refuse connections for so many seconds, then come back: as another world, with plain HTTP open or closed."""
        await self._go_down()
        self.become(world or self._world)
        if http is not None:
            self._plain.enabled = http
        await self._clock.sleep(seconds)
        await self._come_up()

    async def new_certificate(self) -> None:
        """Show another certificate from now on, to clients that are connected too."""
        show_new_certificate(self._context, _NAME)
        await self.drop_connections()

    def answer(self, request: web.BaseRequest, body: bytes) -> web.Response:  # noqa: ARG002 - nothing is written yet
        """What the login says, else the world."""
        stopped = self._door.stop(request)
        if stopped is not None:
            return stopped
        if request.method != "GET":
            return page(405)
        return say(self._world.reply(request.path_qs, self._clock.wall()) or ABSENT)

    def admits(self, request: web.BaseRequest) -> bool:
        """Whether the request shows a login that holds."""
        return self._door.admits(request)

    def _door_for(self, identity: GatewayInfo) -> Door:
        if not identity.web_tokens:
            return DigestDoor(identity.serial, self._clock, refuse_envoy=self._refuse_envoy)
        check = self._tokens.knows if self._tokens else holds
        return TokenDoor(lambda token: check(token, identity.serial, self._clock.wall()), self._clock)

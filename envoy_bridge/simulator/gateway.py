"""A gateway over real HTTP and HTTPS, with the login of its firmware."""

from aiohttp import web

from envoy_bridge.clock import Clock
from envoy_bridge.gateway.info import GatewayInfo
from envoy_bridge.simulator.access import DigestDoor, Door, TokenDoor
from envoy_bridge.simulator.har import Recorded, World, identity
from envoy_bridge.simulator.livedata import STATUS, SWITCH, LiveData
from envoy_bridge.simulator.login import TokenService, role_of
from envoy_bridge.simulator.meterstream import reading
from envoy_bridge.simulator.ports import LOOPBACK, Port
from envoy_bridge.simulator.replies import ABSENT, page, say
from envoy_bridge.simulator.roles import METER_STREAM
from envoy_bridge.simulator.server import REAL_TIME, Request, SimulatedServer
from envoy_bridge.simulator.streams import event
from envoy_bridge.simulator.tls import server_context, show_new_certificate

_NAME = "envoy.local"


class SimulatedGateway(SimulatedServer):
    """Says what its world says. With `web-tokens` in `/info` it asks for a token, else for digest.

    `http=False` closes the port for plain HTTP, as firmware does from 8.3.5286 on. Tokens must come from `tokens`;
    without it any will do that is made out to this serial and not expired. `refuse_envoy`: the user `envoy` gets 401.
    `host`: an address of loopback, such as 127.0.0.2. `live_data` is the switch of `/ivp/livedata/status`.
    """

    def __init__(
        self,
        world: World,
        *,
        host: str = LOOPBACK,
        port: int = 0,
        https_port: int = 0,
        http: bool = True,
        tokens: TokenService | None = None,
        refuse_envoy: bool = False,
        clock: Clock = REAL_TIME,
    ) -> None:
        self._context = server_context(_NAME)
        self._plain = Port(port, host=host, enabled=http)
        self._secure = Port(https_port, self._context, host=host)
        super().__init__([self._plain, self._secure], clock)
        self.live_data = LiveData(clock)
        self._tokens = tokens
        self._refuse_envoy = refuse_envoy
        self.become(world)

    @property
    def host(self) -> str:
        """The address, for example `127.0.0.1`."""
        return self._secure.host

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
        known = identity(world, self._clock.wall())
        self._world = world
        self._door = self._door_for(known)
        self.live_data.restart()

    async def reboot(self, seconds: float, world: World | None = None, *, http: bool | None = None) -> None:
        """Refuse connections for so many seconds, then come back: as another world, with plain HTTP open or closed."""
        await self._go_down()
        self.become(world or self._world)
        if http is not None:
            self._plain.enabled = http
        await self._clock.sleep(seconds)
        await self._come_up()

    async def move(self, host: str | None = None, *, port: int | None = None, https_port: int | None = None) -> None:
        """Leave this address for another at once; whatever is None stays, port 0 is any free one. Logins still hold.

        Raises:
            OSError: the new one is taken; the gateway is then nowhere.
        """
        await self._go_down()
        for place, number in ((self._plain, port), (self._secure, https_port)):
            place.move(host or place.host, place.number if number is None else number)
        await self._come_up()

    async def new_certificate(self) -> None:
        """Show another certificate from now on, to clients that are connected too."""
        show_new_certificate(self._context, _NAME)
        await self.drop_connections()

    def answer(self, request: web.BaseRequest, body: bytes) -> web.Response:
        """What the login says, else the world."""
        stopped = self._door.stop(request)
        if stopped is not None:
            return stopped
        if (request.method, request.path) == ("POST", SWITCH) and self._says(STATUS):
            return self.live_data.switch(body)
        if request.method != "GET":
            return page(405)
        if request.path == METER_STREAM:
            figures = reading(self._says("/ivp/meters"), self._says("/ivp/meters/readings"))
            return say(ABSENT) if figures is None else event(figures)
        said = self._says(request.path_qs) or ABSENT
        return say(self.live_data.shown(said) if request.path == STATUS else said)

    def admits(self, request: web.BaseRequest) -> bool:
        """Whether the request shows a login that holds."""
        return self._door.role(request) is not None

    def _says(self, path: str) -> Recorded | None:
        return self._world.reply(path, self._clock.wall())

    def _door_for(self, info: GatewayInfo) -> Door:
        if not info.web_tokens:
            return DigestDoor(info.serial, self._clock, refuse_envoy=self._refuse_envoy)
        look_up = self._tokens.role_of if self._tokens else role_of
        return TokenDoor(lambda token: look_up(token, info.serial, self._clock.wall()), info.version, self._clock)

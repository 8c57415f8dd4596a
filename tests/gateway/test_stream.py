"""`/stream/meter` as we read it: over a connection of its own, from gateways that stall, lie and let go."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from livehouse import FIXTURES
from waiting import until

from envoy_bridge.clock import Clock
from envoy_bridge.errors import EndpointAbsent, GatewayError, GatewayUnreachable, NotPermitted, UnusableReply
from envoy_bridge.gateway.eventstream import LIMIT, EventStream
from envoy_bridge.gateway.http import GatewayHttp
from envoy_bridge.gateway.live import STREAM
from envoy_bridge.gateway.passwords import installer_password
from envoy_bridge.gateway.stream import follow
from envoy_bridge.simulator.faults import Endless, Fault, Hang, Html, Redirect, Reset, Status, Truncated
from envoy_bridge.simulator.gateway import SimulatedGateway
from envoy_bridge.simulator.har import Recording
from envoy_bridge.simulator.login import TokenService
from envoy_bridge.simulator.meterstream import reading
from envoy_bridge.simulator.streams import Events

SPEED = 50.0
PATH = STREAM.paths[0]
SPLIT = "d8_2_split_battery"
OLD = "r4_10_split_net"


class Line:
    """A gateway, and our connection to it."""

    def __init__(self, gateway: SimulatedGateway, http: GatewayHttp, clock: Clock) -> None:
        self.gateway = gateway
        self.http = http
        self.clock = clock

    async def read(self, count: int, *, silence: float = 60.0) -> list[Mapping[str, Any]]:
        """So many readings; or what ends them before."""
        got: list[Mapping[str, Any]] = []
        async with aclosing(follow(self.http, STREAM, self.clock, silence=silence)) as readings:
            async for each in readings:
                got.append(each)
                if len(got) == count:
                    break
        return got

    async def failure(self, *, silence: float = 60.0) -> GatewayError:
        """What ends the readings."""
        with pytest.raises(GatewayError) as caught:
            await self.read(1000, silence=silence)
        return caught.value


@asynccontextmanager
async def connected(name: str = SPLIT, *, role: str = "installer", speed: float = SPEED) -> AsyncIterator[Line]:
    """Logged in with a token, or with the digest of a user that is called as the role."""
    clock = Clock.fast(speed)
    world = Recording.from_har(FIXTURES / f"{name}.har")
    async with TokenService(clock=clock) as tokens, SimulatedGateway(world, tokens=tokens, clock=clock) as gateway:
        port = gateway.https_port if world.needs_token else gateway.port
        async with GatewayHttp(f"127.0.0.1:{port}", secure=world.needs_token) as http:
            if world.needs_token:
                http.headers = {"Authorization": f"Bearer {tokens.issue(world.serial, role=role)}"}
            else:
                password = installer_password(world.serial) if role == "installer" else world.serial[-6:]
                await http.use_digest(role, password)
            yield Line(gateway, http, clock)


@pytest.mark.parametrize("name", [SPLIT, OLD])
async def test_the_installer_reads_it(name: str) -> None:
    async with connected(name) as line:
        got = await line.read(5)
        world = Recording.from_har(FIXTURES / f"{name}.har")
        said = reading(world.reply("/ivp/meters", 0), world.reply("/ivp/meters/readings", 0))
        assert got == [STREAM.decode(said or b"")] * 5
        assert set(got[0]) == {"production", "net-consumption", "total-consumption"}
        await until(lambda: line.gateway.in_flight == 0)


@pytest.mark.parametrize(("name", "user"), [(SPLIT, "owner"), (OLD, "envoy")])
async def test_others_do_not(name: str, user: str) -> None:
    async with connected(name, role=user) as line:
        assert type(await line.failure()) is NotPermitted


async def test_a_gateway_without_meters_has_none() -> None:
    async with connected("d8_3_unmetered_zero_v1") as line:
        assert type(await line.failure()) is EndpointAbsent


async def test_others_are_asked_meanwhile_over_their_own_connection() -> None:
    async with connected(speed=1) as line, line.http.stream(PATH, deadline=5, silence=5) as events:
        await anext(events)
        answers = [await asyncio.wait_for(line.http.get("/ivp/meters", deadline=5), 1) for _ in range(3)]
        assert [answer.status for answer in answers] == [200] * 3
        assert (line.gateway.connections, line.gateway.in_flight_max) == (2, 2)


async def test_a_stream_does_not_wait_for_others() -> None:
    async with connected() as line:
        line.gateway.faults["/ivp/meters"] = Hang()
        hanging = asyncio.create_task(line.http.get("/ivp/meters", deadline=30))
        await until(lambda: line.gateway.in_flight == 1)
        assert len(await asyncio.wait_for(line.read(2), 2)) == 2
        hanging.cancel()


async def test_silence_is_noticed() -> None:
    async with connected() as line:
        line.gateway.faults[PATH] = Events(good=3, then="is silent")
        begun = line.clock.monotonic()
        error = await line.failure(silence=20)
        assert type(error) is GatewayUnreachable
        assert "silent for" in str(error)
        assert line.clock.monotonic() - begun == pytest.approx(22, abs=4)
        await until(lambda: line.gateway.in_flight == 0)


async def test_what_never_begins_is_given_up() -> None:
    async with connected() as line:
        line.gateway.faults[PATH] = Hang()
        begun = line.clock.monotonic()
        assert type(await line.failure()) is GatewayUnreachable
        assert line.clock.monotonic() - begun == pytest.approx(STREAM.deadline, abs=4)
        assert line.gateway.in_flight <= 1


@pytest.mark.parametrize("name", [SPLIT, OLD])
async def test_an_end_is_an_error(name: str) -> None:
    async with connected(name) as line:
        line.gateway.faults[PATH] = Events(good=2, then="ends")
        readings = follow(line.http, STREAM, line.clock, silence=60)
        assert await anext(readings) == await anext(readings)
        with pytest.raises(GatewayUnreachable, match="ended"):
            await anext(readings)


async def test_so_is_a_connection_that_is_cut() -> None:
    async with connected() as line:
        begun = asyncio.create_task(line.failure())
        await until(lambda: line.gateway.in_flight == 1)
        await line.clock.sleep(3)
        await line.gateway.drop_connections()
        assert type(await begun) is GatewayUnreachable
        assert len(await line.read(2)) == 2, "it can be opened again"


@pytest.mark.parametrize(
    "odd",
    [b"data: " + b"x" * 10_000_000, b"x" * 10_000_000, b"data: abc\r\n" * 100_000, b"data\n" * 100_000],
    ids=["event", "line", "lines", "empty lines"],
)
async def test_an_event_without_an_end_is_given_up_early(odd: bytes) -> None:
    async with connected() as line:
        line.gateway.faults[PATH] = Events(good=2, odd=odd, then="is silent")
        error = await line.failure()
        assert type(error) is UnusableReply
        assert str(LIMIT) in str(error)


@pytest.mark.parametrize("odd", [b"\xff\x00 what\r\n", b": still here\n\n", b"event: meter\r\nid: 7\r\n", b"\r\n\r\n"])
async def test_lines_that_are_no_data_are_left_out(odd: bytes) -> None:
    async with connected() as line:
        line.gateway.faults[PATH] = Events(good=1, odd=odd)
        first, second, third = await line.read(3)
        assert first == second == third


@pytest.mark.parametrize("odd", [b"data: <html>\r\n\r\n", b'data: {"production":7}\r\n\r\n', b"data: {\r\n\r\n"])
async def test_an_event_that_is_no_reading_is_an_error(odd: bytes) -> None:
    async with connected() as line:
        line.gateway.faults[PATH] = Events(good=1, odd=odd)
        assert type(await line.failure()) is UnusableReply


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Status(401), NotPermitted),
        (Status(403), NotPermitted),
        (Status(404), EndpointAbsent),
        (Status(503), GatewayUnreachable),
        (Redirect("http://127.0.0.1:9/"), UnusableReply),
        (Reset(), GatewayUnreachable),
        (Truncated(), GatewayUnreachable),
        (Html(), GatewayUnreachable),  # no event comes of it, and then it ends
        (Endless(), UnusableReply),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, type) else value.__name__,
)
async def test_other_faults(fault: Fault, expected: type[GatewayError]) -> None:
    async with connected() as line:
        line.gateway.faults[PATH] = fault
        assert type(await line.failure()) is expected
        line.gateway.faults.clear()
        assert len(await line.read(1)) == 1


async def test_a_gateway_that_is_gone() -> None:
    async with connected() as line:
        await line.gateway.move(port=0, https_port=0)
        assert type(await line.failure()) is GatewayUnreachable


async def test_it_can_be_cancelled_and_leaves_nothing_behind() -> None:
    async with connected() as line:
        before = asyncio.all_tasks()
        reader = asyncio.create_task(line.read(1000))
        await until(lambda: line.gateway.in_flight == 1)
        reader.cancel()
        done, _ = await asyncio.wait([reader], timeout=1)
        assert done
        await until(lambda: line.gateway.in_flight == 0)
        await until(lambda: asyncio.all_tasks() - before == set())


# --- events, out of bytes


def test_events_are_the_same_however_the_bytes_are_cut() -> None:
    wire = b': hello\r\n\r\nevent: x\ndata: {"a":1}\r\n\r\ndata:two\ndata:  lines\n\nid\n\ndata: not whole\n'
    whole = [b'{"a":1}', b"two\n lines"]
    for size in range(1, len(wire) + 1):
        stream = EventStream()
        chunks = [wire[start : start + size] for start in range(0, len(wire), size)]
        assert [data for chunk in chunks for data in stream.feed(chunk)] == whole


def test_what_is_just_small_enough() -> None:
    stream = EventStream()
    largest = b"x" * (LIMIT - len(b"data: "))
    assert list(stream.feed(b"data: " + largest)) == []
    assert list(stream.feed(b"\n\n")) == [largest]
    with pytest.raises(UnusableReply):
        list(stream.feed(b"data: x" + largest))

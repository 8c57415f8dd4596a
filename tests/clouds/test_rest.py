"""Asking a cloud over real HTTP: bounded, one at a time, and without a secret in what is said of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.errors import CloudDown, CloudError, QuotaSpent, UnusableAnswer
from envoy_bridge.clouds.quota import Limits, Quota
from envoy_bridge.clouds.rest import Answer, Request, Rest

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SECRET = "canary-5b0c41"


class Cloud:
    """Answers with `handler`, and keeps what came."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[web.Request] = []
        self.bodies: list[str] = []
        self.handler: Handler = self.fine
        self.most = self._inside = 0

    async def fine(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response({"systems": [1, 2]})

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        self.bodies.append(await request.text())
        self._inside += 1
        self.most = max(self.most, self._inside)
        try:
            return await self.handler(request)
        finally:
            self._inside -= 1


class Systems(msgspec.Struct):
    systems: list[int]


@pytest.fixture
async def cloud() -> AsyncIterator[Cloud]:
    cloud = Cloud()
    runner = web.ServerRunner(web.Server(cloud))  # type: ignore[arg-type]  # it takes what can be called
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    cloud.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield cloud
    await runner.cleanup()


@pytest.fixture
async def rest(cloud: Cloud) -> AsyncIterator[Rest]:
    async with Rest(f"{cloud.url}/api/v2/", provider="enlighten", clock=Clock(), timeout=0.5, largest=10_000) as rest:
        yield rest


async def test_asks_below_the_base_with_repeated_keys(cloud: Cloud, rest: Rest) -> None:
    answer = await rest.ask(
        Request(
            path="/systems",
            query=[("system_id[]", "1"), ("system_id[]", "2"), ("q", "a b+c%&")],
            headers={"X-Own": "1"},
        )
    )
    assert answer.json(Systems) == Systems([1, 2])
    assert cloud.seen[0].method == "GET"
    assert cloud.seen[0].path == "/api/v2/systems"
    assert cloud.seen[0].query.getall("system_id[]") == ["1", "2"]
    assert cloud.seen[0].query["q"] == "a b+c%&"
    assert cloud.seen[0].headers["X-Own"] == "1"
    assert cloud.seen[0].headers["User-Agent"].startswith("envoy-bridge/")


async def test_a_form_is_posted(cloud: Cloud, rest: Rest) -> None:
    await rest.ask(Request(path="token", form=[("grant_type", "password"), ("username", "a@b")]))
    await rest.ask(Request(path="token", method="POST", query=[("refresh_token", "x")]))
    assert [seen.method for seen in cloud.seen] == ["POST", "POST"]
    assert cloud.seen[0].content_type == "application/x-www-form-urlencoded"
    assert cloud.bodies == ["grant_type=password&username=a%40b", ""]


async def test_a_whole_address_keeps_its_query_and_stays_on_the_host(cloud: Cloud, rest: Rest) -> None:
    await rest.ask(Request(path=f"{cloud.url}/elsewhere?next=abc", query=[("key", "k")]))
    assert cloud.seen[0].path_qs == "/elsewhere?next=abc&key=k"
    for other in ("http://127.0.0.2:1/x", "https://evil.example/x", "http://[", f"{cloud.url}9/x"):
        with pytest.raises(UnusableAnswer, match="another host"):
            await rest.ask(Request(path=other))
    await rest.ask(Request(path="//evil.example/x"))
    assert [seen.path for seen in cloud.seen[1:]] == ["/api/v2/evil.example/x"]


@pytest.mark.parametrize("status", [204, 301, 401, 409, 429, 500, 503])
async def test_every_status_is_an_answer(cloud: Cloud, rest: Rest, status: int) -> None:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"X-Rate-Limit-Reset": "17", "Location": "/api/v2/other"})

    cloud.handler = answer
    got = await rest.ask(Request(path="x"))
    assert (got.status, got.headers["x-rate-limit-reset"], got.body) == (status, "17", b"")
    assert len(cloud.seen) == 1


async def test_one_request_is_in_flight(cloud: Cloud, rest: Rest) -> None:
    async def slowly(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.02)
        return web.Response()

    cloud.handler = slowly
    await asyncio.gather(*(rest.ask(Request(path=str(number))) for number in range(5)))
    assert cloud.most == 1
    assert len(cloud.seen) == 5


async def test_a_hanging_cloud_is_given_up(cloud: Cloud, rest: Rest) -> None:
    async def hang(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.7)
        return web.Response()

    cloud.handler = hang
    with pytest.raises(CloudDown, match=r"did not answer within 0\.5 s"):
        await rest.ask(Request(path="systems"))
    cloud.handler = cloud.fine
    assert (await rest.ask(Request(path="systems"))).status == 200


async def test_an_endless_answer_is_cut(cloud: Cloud, rest: Rest) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b"x" * 1000)
        return response

    cloud.handler = endless
    with pytest.raises(UnusableAnswer, match="more than 10000 bytes"):
        await rest.ask(Request(path="systems"))


async def test_an_answer_that_breaks_off_is_not_asked_for_twice(cloud: Cloud, rest: Rest) -> None:
    async def fine_then_reset(request: web.Request) -> web.StreamResponse:
        if len(cloud.seen) == 1:
            return web.Response()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    cloud.handler = fine_then_reset
    await rest.ask(Request(path="systems"))
    with pytest.raises(CloudDown, match="broke off"):
        await rest.ask(Request(path="systems"))
    assert len(cloud.seen) == 2


async def test_no_error_tells_a_secret(cloud: Cloud) -> None:
    async def hang(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.7)
        return web.Response()

    async def reset(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def broken(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n")
        request.transport.close()
        return web.Response()

    async with Rest(cloud.url, provider="tigo", clock=Clock(), timeout=0.1) as rest:
        request = Request(path="systems", query=[("key", SECRET)], headers={"token": SECRET}, form=[("p", SECRET)])
        for handler in (hang, reset, broken):
            cloud.handler = handler
            with pytest.raises(CloudError) as caught:
                await rest.ask(request)
            assert SECRET not in str(caught.value)
            assert caught.value.__cause__ is None
            assert caught.value.__suppress_context__
    async with Rest("http://127.0.0.1:1", provider="tigo", clock=Clock()) as rest:
        with pytest.raises(CloudDown, match=r"127\.0\.0\.1 cannot be reached \(Connection refused\)"):
            await rest.ask(request)


async def test_what_the_quota_does_not_allow_is_not_sent(cloud: Cloud, tmp_path: Path) -> None:
    quota = Quota(tmp_path / "tigo.json", "account", Limits(month=3), Clock())
    async with Rest(cloud.url, provider="tigo", clock=Clock(), quota=quota) as rest:
        for _ in range(3):
            await rest.ask(Request(path="x", essential=True))
        await rest.ask(Request(path="x", counts=False))
        with pytest.raises(QuotaSpent):
            await rest.ask(Request(path="x", essential=True))
    assert (len(cloud.seen), quota.used) == (4, 3)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\xef\xbb\xbf <html>", "web page"),
        (b'{"systems": [1', "not whole JSON"),
        (b'{"systems": ["1"]}', "another shape"),
        (b"[]", "another shape"),
        (b'{"a":' * 100_000, "not whole JSON"),
    ],
)
def test_an_unusable_body_says_why(body: bytes, words: str) -> None:
    with pytest.raises(UnusableAnswer, match=words):
        Answer(200, {"content-type": "application/json"}, body).json(Systems)


def test_the_content_type_does_not_matter() -> None:
    answer = Answer(200, {"content-type": "text/html"}, b'\xef\xbb\xbf{"systems": [1], "new": null}')
    assert answer.json(Systems) == Systems([1])
    assert not answer.html
    assert answer.text() == '{"systems": [1], "new": null}'


async def test_names_are_looked_up_beside_the_threads_that_all_share(cloud: Cloud) -> None:
    port = cloud.url.rpartition(":")[2]
    async with Rest(f"http://localhost:{port}", provider="tigo", clock=Clock()) as rest:
        assert (await rest.ask(Request(path="x"))).status == 200
    async with Rest("http://no-such-host.invalid", provider="tigo", clock=Clock()) as rest:
        with pytest.raises(CloudDown, match=r"no-such-host\.invalid cannot be reached .*: check DNS"):
            await rest.ask(Request(path="x"))

import asyncio
import io
import json
import random
import socket
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from waiting import until

from envoy_bridge.errors import ConfigurationError
from envoy_bridge.simulator.har import Recording
from envoy_bridge.simulator.serve import serve

FIXTURES = Path(__file__).parents[2] / "fixtures"


def save(recording: Recording, path: Path) -> Path:
    entries = [
        {
            "request": {"method": "GET", "url": f"https://envoy.local{name}"},
            "response": {"status": reply.status, "content": {"mimeType": reply.mime, "text": reply.body.decode()}},
        }
        for name, reply in recording.replies.items()
    ]
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}))
    return path


@asynccontextmanager
async def serving(*files: Path, port: int = 0, https_port: int = 0, live: bool = False) -> AsyncIterator[str]:
    """What it says once it serves."""
    out = io.StringIO()
    server = asyncio.create_task(serve(files, out=out, port=port, https_port=https_port, live=live))
    try:
        await until(lambda: out.getvalue() or server.done())
        if server.done():
            server.result()  # raises what ended it
        yield out.getvalue()
    finally:
        server.cancel()
        await asyncio.wait([server])


def free_ports(count: int) -> int:
    """The first of so many free ports in a row."""
    while True:
        first = random.randrange(20_000, 30_000)  # noqa: S311 - below those that the system hands out
        try:
            for port in range(first, first + count):
                socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return first


async def test_the_printed_configuration_reads_what_is_served(
    client: aiohttp.ClientSession, tmp_path: Path, modern: Recording, old: Recording
) -> None:
    files = save(modern, tmp_path / "modern.har"), save(old, tmp_path / "old.har")
    async with serving(*files) as said:
        overview, _, toml = said.partition("\n#")
        config = tomllib.loads("#" + toml)
        first, second = config["gateway"]
        login, gateway = overview.splitlines()[0], first["host"]

        assert "gateway 122000000001, firmware 8.2.4345, login by token" in login
        assert f"https://{gateway}" in login
        assert (first["serial"], second["serial"]) == (modern.serial, old.serial)
        assert "username" not in second

        form = {"user[email]": first["username"], "user[password]": first["password"]}
        async with client.post(f"{config['login']['enlighten']}/login/login.json", data=form) as response:
            session = (await response.json())["session_id"]
        asked = {"session_id": session, "serial_num": first["serial"], "username": first["username"]}
        async with client.post(f"{config['login']['entrez']}/tokens", json=asked) as response:
            token = await response.text()
        headers = {"Authorization": f"Bearer {token}"}
        async with client.get(f"https://{gateway}/ivp/meters", headers=headers) as response:
            assert response.status == 200
        digest = aiohttp.DigestAuthMiddleware("envoy", second["serial"][-6:])
        async with client.get(f"http://{second['host']}/ivp/meters", middlewares=(digest,)) as response:
            assert response.status == 200


async def test_several_gateways_take_ports_in_a_row(tmp_path: Path, modern: Recording, old: Recording) -> None:
    http, https = free_ports(3), free_ports(2)
    files = save(old, tmp_path / "old.har"), save(modern, tmp_path / "modern.har")
    async with serving(*files, port=http, https_port=https) as said:
        config = tomllib.loads("#" + said.partition("\n#")[2])

        assert [gateway["host"] for gateway in config["gateway"]] == [f"127.0.0.1:{http}", f"127.0.0.1:{https + 1}"]
        assert config["login"]["enlighten"] == f"http://127.0.0.1:{http + 2}"


async def test_no_login_is_printed_where_none_is_needed(tmp_path: Path, old: Recording) -> None:
    async with serving(save(old, tmp_path / "old.har")) as said:
        assert "[login]" not in said


async def test_a_live_world_is_served(client: aiohttp.ClientSession) -> None:
    async with serving(FIXTURES / "d5_0_standard.har", live=True) as said:
        gateway = tomllib.loads("#" + said.partition("\n#")[2])["gateway"][0]
        async with client.get(f"http://{gateway['host']}/info") as response:
            assert gateway["serial"] in await response.text()


async def test_a_port_that_is_taken(tmp_path: Path, old: Recording) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(ConfigurationError, match="--port"):
        await serve([save(old, tmp_path / "old.har")], out=io.StringIO(), port=other.getsockname()[1])


async def test_a_file_that_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        await serve([tmp_path / "nothing.har"], out=io.StringIO())

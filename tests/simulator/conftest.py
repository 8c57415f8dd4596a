"""Two small households, and a client that takes any certificate."""

from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest

from envoy_bridge.simulator.har import Recorded, Recording

INFO = """<?xml version='1.0' encoding='UTF-8'?>
<envoy_info><time>1700000000</time><device><sn>{serial}</sn><pn>800-00555-r03</pn><software>{software}</software>
<imeter>true</imeter></device>{web_tokens}</envoy_info>"""


def household(serial: str, software: str, *, web_tokens: bool, more: Mapping[str, Recorded] | None = None) -> Recording:
    info = INFO.format(
        serial=serial, software=software, web_tokens="<web-tokens>true</web-tokens>" if web_tokens else ""
    )
    replies = {
        "/info": Recorded(200, "text/xml", info.encode()),
        "/production.json": Recorded(200, "application/json", b'{"production":[]}'),
        "/production.json?details=1": Recorded(200, "application/json", b'{"production":[{"lines":[]}]}'),
        "/api/v1/production/inverters": Recorded(200, "application/json", b"[]"),
        "/ivp/meters": Recorded(200, "application/json", b'[{"eid":704643328}]'),
        "/ivp/ensemble/power": Recorded(401, "text/html", b"<html>not for you</html>"),
        **(more or {}),
    }
    return Recording(serial, software[1:], web_tokens, replies)


@pytest.fixture
def modern() -> Recording:
    """Firmware 8: login by token."""
    return household("122000000001", "D8.2.4345", web_tokens=True)


@pytest.fixture
def old() -> Recording:
    """Firmware 5: login by digest."""
    return household("121000000002", "D5.0.62", web_tokens=False)


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(ssl=False)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield session

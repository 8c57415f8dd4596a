import asyncio
import hashlib
import ssl
import subprocess
import sys

import aiohttp
import pytest

from envoy_bridge.simulator.gateway import SimulatedGateway
from envoy_bridge.simulator.har import Recording

WITHOUT_CRYPTOGRAPHY = """
import sys
sys.modules["cryptography"] = None  # as if it were not installed
from envoy_bridge.errors import ConfigurationError
from envoy_bridge.simulator.tls import server_context
try:
    server_context("envoy.local")
except ConfigurationError as error:
    print(error)
"""


async def fingerprint(gateway: SimulatedGateway) -> bytes:
    pem = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", gateway.https_port))
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()


async def test_each_gateway_has_a_certificate_of_its_own(modern: Recording) -> None:
    async with SimulatedGateway(modern) as one, SimulatedGateway(modern) as other:
        assert await fingerprint(one) == await fingerprint(one) != await fingerprint(other)


async def test_a_new_certificate_reaches_those_who_are_connected(
    client: aiohttp.ClientSession, modern: Recording
) -> None:
    async with SimulatedGateway(modern) as gateway:
        pin = aiohttp.Fingerprint(await fingerprint(gateway))
        async with client.get(f"{gateway.https_url}/info", ssl=pin) as response:
            assert response.status == 200
        await gateway.new_certificate()
        with pytest.raises(aiohttp.ServerFingerprintMismatch):
            await client.get(f"{gateway.https_url}/info", ssl=pin)
        pin = aiohttp.Fingerprint(await fingerprint(gateway))
        async with client.get(f"{gateway.https_url}/info", ssl=pin) as response:
            assert response.status == 200


def test_without_cryptography_the_error_names_the_extra() -> None:
    run = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", WITHOUT_CRYPTOGRAPHY], check=True, capture_output=True, text=True, timeout=20
    )

    assert "pip install 'envoy-bridge[demo]'" in run.stdout

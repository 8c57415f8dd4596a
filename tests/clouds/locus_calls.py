"""One call at Locus, and what comes of it."""

import pytest

from envoy_bridge.clouds.errors import CloudError
from envoy_bridge.clouds.locus.client import LocusClient
from envoy_bridge.clouds.locus.wire import Sites
from envoy_bridge.simulator.clouds.locus import CLIENT_SECRET, PASSWORD, SimulatedLocus

PLACE = "partners/111/sites"
URL = f"/v3/{PLACE}"


async def sites(client: LocusClient) -> int:
    return len((await client.get(PLACE, Sites)).sites)


async def failure(client: LocusClient) -> CloudError:
    """What comes of it, said in one line and without a secret."""
    with pytest.raises(CloudError) as caught:
        await sites(client)
    message = str(caught.value)
    assert "\n" not in message
    assert not any(secret in message for secret in (PASSWORD, CLIENT_SECRET, "Bearer"))
    return caught.value


def grants(cloud: SimulatedLocus) -> list[str]:
    return [grant for grant, _ in cloud.logins]

"""Two gateways of one house, on a real broker: each under its own serial, and the house as a whole."""

import json
from pathlib import Path

from broker import Subscriber
from households import FIXTURES, look
from program import household, site
from waiting import until

GRID, OTHER = "d7_6_three_phase_net", "d5_0_standard"
VALUES = {name: look(FIXTURES / f"{name}.har").values for name in (GRID, OTHER)}
POWER = "production/total/power"


async def test_productions_add_up_and_one_meter_is_the_grid(tmp_path: Path) -> None:
    async with site(tmp_path, GRID, OTHER) as place, Subscriber(place.broker.port) as subscriber:
        async with place.daemon(place.configure(site={"grid_meter": household(GRID).serial})) as daemon:
            made = sum(float(values[POWER]) for values in VALUES.values())
            await subscriber.wait_for(f"envoy/site/{POWER}", f"{made:.3f}".rstrip("0").rstrip(".").encode(), seconds=10)
            grid = float(VALUES[GRID]["net_consumption/total/power"])
            await until(lambda: "envoy/site/consumption/total/power" in subscriber.latest())
            await until(lambda: "envoy/site/state" in subscriber.latest())
            told = {topic: payload for topic, payload in subscriber.latest().items() if topic.startswith("envoy/site/")}
            assert float(told["envoy/site/net_consumption/total/power"]) == grid
            assert abs(float(told["envoy/site/consumption/total/power"]) - (made + grid)) < 0.002
            assert told["envoy/site/availability"] == b"online"
            assert json.loads(told["envoy/site/state"])["production"]["total"]["power"] == round(made, 3)
            assert "site" not in json.loads(subscriber.latest()["envoy/bridge/info"])["gateways"]
        assert "grid_meter_ambiguous" not in daemon.codes()


async def test_one_gateway_is_no_site(tmp_path: Path) -> None:
    async with site(tmp_path, GRID) as place, Subscriber(place.broker.port) as subscriber, place.daemon():
        await subscriber.wait_for(f"envoy/{household(GRID).serial}/{POWER}", VALUES[GRID][POWER].encode(), seconds=10)
        assert not any(topic.startswith("envoy/site/") for topic in subscriber.latest())

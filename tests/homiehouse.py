"""A small house for the tests of the Homie tree, and what is retained of a house whose tree stands."""

from datetime import UTC, datetime

from broker import Received

from envoy_bridge.catalog import points
from envoy_bridge.gateway.devices.battery import Battery
from envoy_bridge.gateway.devices.inverter import Inverter
from envoy_bridge.model import Flow, Production, Snapshot
from envoy_bridge.sinks.base import Holdings
from envoy_bridge.sinks.homie import attributes, device_id, nodes, values

SERIAL = "122000000001"
ROOT = f"homie/envoy-{SERIAL}"
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
HOUSE = Snapshot(
    serial=SERIAL,
    time=NOW,
    production=Flow(total=Production(power=1234.5), l1=Production(power=-5.0, power_factor=0.5)),
    devices={
        "inverter": {
            "77": Inverter(power=3.0, last_report=NOW, availability="online"),
            "78": Inverter(availability="offline", producing=False),
        },
        "battery": {"B_1": Battery(soc=50.0)},
    },
)
SMALL = Snapshot(serial=SERIAL, time=NOW, production=Flow(total=Production(power=7.0)))


def holdings(snapshot: Snapshot) -> Holdings:
    """What a snapshot has a value of."""
    parts: dict[str, list[str]] = {}
    for path, _, _ in points(snapshot):
        part, _, name = path.rpartition("/")
        parts.setdefault(part, []).append(name)
    return Holdings(serial=snapshot.serial, parts={part: tuple(names) for part, names in parts.items()})


def laid_out(snapshot: Snapshot, state: str = "ready") -> dict[str, Received]:
    """What is retained of a gateway whose tree stands."""
    tree = nodes(holdings(snapshot))
    told = [*attributes(snapshot.serial, tree), *values(snapshot.serial, tree, snapshot)]
    told.append((f"homie/{device_id(snapshot.serial)}/$state", state))
    return {topic: Received(topic, text.encode(), 1, retain=True, expiry=None) for topic, text in told if text}

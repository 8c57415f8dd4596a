"""What follows from the CTs that are there, and what does not."""

from datetime import UTC, datetime

import pytest

from envoy_bridge.derive import derivable, derive
from envoy_bridge.model import Circuit, Consumption, Flow, NetConsumption, Production, Snapshot, Storage

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
PRODUCTION = Flow(
    total=Production(power=900.0, energy_lifetime=5000.0),
    l1=Production(power=300.1),
    l2=Production(power=600.2),
)
NET = Flow(
    total=NetConsumption(power=-400.0, energy_imported=3000.0, energy_exported=1000.0),
    l1=NetConsumption(power=-500.2),
    l2=NetConsumption(power=100.1),
)


def test_consumption_follows_from_production_and_net() -> None:
    wanted = derivable({"production": "m", "net_consumption": "m"})
    consumption = derive(Snapshot(serial="1", time=NOW, production=PRODUCTION, net_consumption=NET), wanted).consumption
    assert consumption == Flow(
        total=Consumption(power=500.0, energy_lifetime=7000.0),
        l1=Consumption(power=-200.1),
        l2=Consumption(power=700.3),
    )


def test_net_follows_from_consumption_but_import_and_export_do_not() -> None:
    wanted = derivable({"production": "m", "consumption": "m"})
    consumption = Flow(total=Consumption(power=500.0, energy_lifetime=7000.0))
    net = derive(Snapshot(serial="1", time=NOW, production=PRODUCTION, consumption=consumption), wanted).net_consumption
    assert net == Flow(total=NetConsumption(power=-400.0))


def test_meters_of_different_replies_are_not_added_up() -> None:
    assert derivable({"production": "v1", "net_consumption": "meters"}) == frozenset()
    assert derivable({"net_consumption": "meters", "storage": "meters"}) == frozenset()


def test_an_unknown_part_leaves_the_sum_unknown() -> None:
    net = Flow(total=NetConsumption(power=None))
    derived = derive(
        Snapshot(serial="1", time=NOW, production=PRODUCTION, net_consumption=net), frozenset({"consumption"})
    )
    assert derived.consumption is not None
    assert derived.consumption.total == Consumption()
    assert derive(Snapshot(serial="1", time=NOW), frozenset({"consumption", "home"})).home is None


@pytest.mark.parametrize(("storage", "home"), [(200.0, 700.0), (-200.0, 300.0), (-540.0, -40.0), (-900.0, None)])
def test_home_is_what_the_house_itself_uses(storage: float, home: float | None) -> None:
    """A battery that supplies adds to what the panels and the grid give; a house that makes power has a wrong CT."""
    battery = Flow(total=Storage(power=storage))
    wanted = derivable({"production": "m", "net_consumption": "m", "storage": "m"})
    snapshot = derive(
        Snapshot(serial="1", time=NOW, production=PRODUCTION, net_consumption=NET, storage=battery), wanted
    )
    assert (snapshot.home.total.power if snapshot.home and snapshot.home.total else None) == home


def test_panels_of_another_make_count_for_home() -> None:
    snapshot = Snapshot(
        serial="1",
        time=NOW,
        production=PRODUCTION,
        net_consumption=NET,
        storage=Flow(total=Storage(power=0.0)),
        pv3p=Flow(total=Circuit(power=100.0)),
    )
    home = derive(snapshot, frozenset({"consumption", "home"})).home
    assert home is not None
    assert home.total is not None
    assert home.total.power == 600.0

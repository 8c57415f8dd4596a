"""The drawing of `check`: which way the arrows point, what is not known, and how wide it is."""

from datetime import UTC, datetime

import pytest
from households import FIXTURES, NAMES, look

from envoy_bridge.check_diagram import ASCII, LINES, diagram, table
from envoy_bridge.gateway.devices.battery import Battery
from envoy_bridge.model import Consumption, Flow, Home, NetConsumption, Production, Snapshot, Storage

EMPTY = Snapshot(serial="122000000000", time=datetime(2026, 6, 1, tzinfo=UTC))
ALL = ("production", "net_consumption", "storage")


def site(
    production: float | None, net: float | None, storage: float | None = None, *, home: float | None = None
) -> Snapshot:
    consumption = None if production is None or net is None else production + net
    return Snapshot(
        serial=EMPTY.serial,
        time=EMPTY.time,
        production=Flow(total=Production(power=production)),
        net_consumption=None if net is None else Flow(total=NetConsumption(power=net)),
        consumption=Flow(total=Consumption(power=consumption)),
        storage=None if storage is None else Flow(total=Storage(power=storage)),
        home=None if home is None else Flow(total=Home(power=home)),
    )


def test_what_is_produced_used_and_exported() -> None:
    assert diagram(site(4321.0, -3111.0), ("production", "net_consumption")) == [
        "    panels                       house                         grid",
        "+------------+               +------------+               +------------+",
        "|   4321 W   | ---[CT]-----> |   1210 W   | ---[CT]-----> |   3111 W   |",
        "+------------+               +------------+               +------------+",
        "  producing                                                   export",
    ]


def test_import_and_a_battery_that_charges() -> None:
    lines = diagram(site(2000.0, 500.0, -900.0, home=1600.0), ALL)
    assert lines[2] == "|   2000 W   | ---[CT]-----> |   1600 W   | <-----[CT]--- |   500 W    |"
    assert "import" in lines[4]
    assert [line.strip() for line in lines[5:9]] == ["[CT]", "v", "+------------+", "|   900 W    |  charging"]
    assert lines[6].index("v") == lines[4].index("|") == 36


def test_a_battery_without_a_ct_that_supplies_the_house() -> None:
    total = Battery(power=1200.0, soc=61.0)
    snapshot = Snapshot(serial="1", time=EMPTY.time, devices={"battery": {"total": total}})
    lines = diagram(snapshot, ())
    assert lines[4].strip() == "^"
    assert [line.strip() for line in lines[5:7]] == ["|", "|"]
    assert lines[8].strip() == "|   1200 W   |  discharging, 61 %"


def test_what_is_not_known_is_not_zero() -> None:
    (line,) = [line for line in diagram(site(870.0, None), ()) if "870 W" in line]
    assert line.count("not known") == 2
    assert " 0 W" not in line


@pytest.mark.parametrize("power", [0.0, -0.3, 0.4])
def test_what_does_not_flow_has_no_arrow(power: float) -> None:
    (line,) = [line for line in diagram(site(power, 0.0), ALL) if "W" in line]
    assert not set("<>") & set(line)
    assert "-0 W" not in line


def test_panels_that_use_power_at_night() -> None:
    lines = diagram(site(-4.0, 300.0), ALL)
    assert "|    4 W     | <-----[CT]--- |" in lines[2]
    assert lines[4].strip().startswith("using")


def test_nothing_is_drawn_of_nothing() -> None:
    assert diagram(EMPTY, ()) == []
    assert table(EMPTY) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_household_fits(name: str) -> None:
    seen = look(FIXTURES / f"{name}.har")
    for pens in (LINES, ASCII):
        lines = [*diagram(seen.snapshot, seen.plan.known.measuring, pens), *table(seen.snapshot)]
        assert max(map(len, lines), default=0) <= 77
        assert pens is LINES or all(line.isascii() for line in lines)

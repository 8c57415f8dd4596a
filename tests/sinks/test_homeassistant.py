"""What Home Assistant is told of each household."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from harules import faults
from households import FIXTURES, NAMES, look

from envoy_bridge.catalog import definitions
from envoy_bridge.clock import Clock
from envoy_bridge.gateway.plan import describe
from envoy_bridge.labels import thing, title
from envoy_bridge.roster import Roster
from envoy_bridge.sinks.base import Holdings
from envoy_bridge.sinks.homeassistant import EXPIRES_AFTER, Style, announcement, things


def announced(folder: Path, name: str, **info: Any) -> dict[str, dict[str, dict[str, Any]]]:
    """The components of a household's things, by key; things by their id without the gateway's."""
    holdings, about = household(folder, name)
    found = list(things("envoy", holdings, about | info))
    return {thing.id.removeprefix(found[0].id).lstrip("_"): thing.components for thing in found}


def household(folder: Path, name: str) -> tuple[Holdings, dict[str, Any]]:
    seen, told = look(FIXTURES / f"{name}.har"), _Told()
    Roster(told, folder, Clock()).snapshot(seen.snapshot)  # type: ignore[arg-type]  # all that is called of a sink
    return told.held[0], describe(seen.plan) | {"advice": [], "url": "https://192.168.1.20", "every": 5.0}


class _Told:
    def __init__(self) -> None:
        self.held: list[Holdings] = []

    def holdings(self, holdings: Holdings) -> None:
        self.held.append(holdings)

    def snapshot(self, _snapshot: object) -> None: ...


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("net_consumption/total/power", "Grid"),
        ("net_consumption/total/energy_imported", "Grid import"),
        ("net_consumption/l3/energy_exported_today", "Grid L3 export today"),
        ("production/l2/power", "Production L2"),
        ("production/total/energy_month", "Production this month"),
        ("storage/total/energy_charged", "Battery charged"),
        ("home/total/power", "House"),
        ("inverter/482200000001/dc_voltage", "DC voltage"),
        ("battery/total/soc", "State of charge"),
        ("inverter/482200000001/power_max", "Highest power"),
        ("network/q_relays_communicating", "Network Q-Relays communicating"),
        ("network/interface_type", "Network interface type"),
        ("generator/state", "State"),
    ],
)
def test_names_are_for_people(path: str, name: str) -> None:
    part, _, quantity = path.rpartition("/")
    assert title(part, quantity) == name


def test_devices_have_names() -> None:
    parts = ("inverter/482200000001", "battery/total", "battery/iq", "dry_contact/nc1", "generator")
    told = ["Inverter 482200000001", "Battery total", "Battery total (IQ)", "Dry contact NC1", "Generator"]
    assert [thing(part) for part in parts] == told


def test_no_two_quantities_of_a_thing_have_the_same_name() -> None:
    names = [(each.path.rpartition("/")[0], title(*each.path.rsplit("/", 1))) for each in definitions()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", NAMES)
def test_ids_are_unique_and_both_styles_tell_the_same(tmp_path: Path, name: str) -> None:
    holdings, info = household(tmp_path, name)
    told = {style: announcement(style, "envoy", holdings, info) for style in get_args(Style)}
    components = [each for payload in told["device"].values() for each in payload["components"].values()]
    ids = [each["unique_id"] for each in components]
    assert len(set(ids)) == len(ids) == len(told["single"])
    assert set(ids) == {each["unique_id"] for each in told["single"].values()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("style", ["device", "single"])
def test_home_assistant_of_2024_and_2025_knows_it_all(tmp_path: Path, name: str, style: Any) -> None:
    told = announcement(style, "envoy", *household(tmp_path, name))
    assert told
    for topic, payload in told.items():
        assert faults(f"homeassistant/{topic}", json.dumps(payload).encode()) == []


def test_the_energy_dashboard_finds_all_it_takes(tmp_path: Path) -> None:
    gateway = announced(tmp_path, "d8_3_three_phase_battery_pv3p")[""]
    for key in ("production_total_energy_lifetime", "net_consumption_total_energy_imported"):
        assert gateway[key]["state_class"] == "total_increasing"
    for key in (
        "net_consumption_total_energy_exported",
        "storage_total_energy_charged",
        "storage_total_energy_discharged",
    ):
        assert gateway[key] | {"device_class": "energy", "unit_of_measurement": "Wh"} == gateway[key]
        assert "expire_after" not in gateway[key]
        assert "enabled_by_default" not in gateway[key]


def test_a_battery_is_a_device_behind_the_gateway(tmp_path: Path) -> None:
    holdings, info = household(tmp_path, "d8_3_three_phase_battery_pv3p")
    devices = {each.id: each.device for each in things("envoy", holdings, info)}
    gateway = f"envoy_bridge_{holdings.serial}"
    assert "via_device" not in devices[gateway]
    assert all(about["via_device"] == gateway for thing, about in devices.items() if thing != gateway)
    assert {"battery_total", "battery_492201000251"} <= {each.removeprefix(f"{gateway}_") for each in devices}


def test_a_single_phase_is_shown_once(tmp_path: Path) -> None:
    gateway = announced(tmp_path, "d7_6_single_phase")[""]
    assert "enabled_by_default" not in gateway["production_total_power"]
    assert gateway["production_l1_power"]["enabled_by_default"] is False


def test_of_several_phases_the_power_is_shown_and_the_rest_is_there(tmp_path: Path) -> None:
    gateway = announced(tmp_path, "d7_6_three_phase_net")[""]
    assert "enabled_by_default" not in gateway["production_l2_power"]
    assert gateway["production_l2_energy_lifetime"]["enabled_by_default"] is False
    assert gateway["production_l2_voltage"]["enabled_by_default"] is False


def test_of_an_inverter_power_and_availability_are_shown(tmp_path: Path) -> None:
    told = announced(tmp_path, "d8_3_many_inverters")
    inverter = next(components for thing, components in told.items() if thing.startswith("inverter_"))
    shown = {key for key, component in inverter.items() if "enabled_by_default" not in component}
    assert shown == {"power", "availability"}
    assert inverter["availability"]["payload_on"] == "online"


def test_a_value_of_the_moment_outlives_a_slow_cadence(tmp_path: Path) -> None:
    for every, expected in ((1.0, EXPIRES_AFTER), (3600.0, 5 * 3600)):
        gateway = announced(tmp_path, "d7_6_single_phase", every=every)[""]
        assert gateway["production_total_power"]["expire_after"] == expected


def test_what_is_no_name_gets_no_entity(tmp_path: Path) -> None:
    holdings, info = household(tmp_path, "d7_6_single_phase")
    odd = Holdings(
        serial=holdings.serial, parts={**holdings.parts, "inverter/{{ 1 }}": ("power",), "inverter/a'b": ("power",)}
    )
    assert announcement("device", "envoy", odd, info) == announcement("device", "envoy", holdings, info)
    assert announcement("device", "envoy", Holdings(serial="+", parts=holdings.parts), info) == {}


def test_the_house_of_several_gateways_is_a_device_of_its_own(tmp_path: Path) -> None:
    holdings, _ = household(tmp_path, "d7_6_single_phase")
    site, *_ = things("a/b", Holdings(serial="site", parts=holdings.parts), {"gateways": []})
    assert (site.id, site.device["name"]) == ("envoy_bridge_a_b_site", "Solar site")
    assert "advice" not in site.components

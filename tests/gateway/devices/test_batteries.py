"""IQ batteries and AC batteries: signs, units, sums, and what is not known."""

from typing import Any

import pytest
from gateway.devices.replies import (
    ACB,
    ACB_ROW,
    BATTERY,
    EVERYTHING,
    SILENT,
    battery,
    inventory,
    listed,
    output,
    storage,
)
from gateway.devices.told import CONTROL, POWER, STATUS, below, told

from envoy_bridge.gateway.devices.ac_battery import AcBattery
from envoy_bridge.gateway.devices.base import TOTAL, UNKNOWN, members_of
from envoy_bridge.gateway.devices.battery import BATTERY as KIND
from envoy_bridge.gateway.devices.battery import Battery, together

ONE = inventory(battery(BATTERY))
TWO = inventory(battery(BATTERY), battery(SILENT, communicating=False))


def powers(*outputs: Any) -> dict[str, Any]:
    return {POWER: {"devices:": list(outputs)}}


def test_one_battery_with_all_that_is_known() -> None:
    assert below(told(EVERYTHING), f"battery/{BATTERY}") == {
        "soc": "42",  # what it does now, not what the inventory remembers
        "power": "-512.5",
        "apparent_power": "-512.5",
        "temperature": "23",
        "max_cell_temp": "24",
        "state": "ENCHG_STATE_READY",
        "grid_mode": "grid-tied",
        "communicating": "true",
        "operating": "true",
        "comm_level_sub_ghz": "4",
        "comm_level_2_4_ghz": "3",
        "led_status": "12",
        "dc_switch_off": "false",
        "sleeping": "false",
        "part_number": "830-1",
        "firmware": "2.6.1",
        "bmu_firmware": "2.1.3",
        "last_report": "2025-06-15T15:05:40Z",
        "capacity": "3500",
        "rated_power": "1280",
    }


def test_all_batteries_of_both_kinds() -> None:
    values = told(EVERYTHING)
    assert below(values, "battery/total") == {
        "soc": "40",
        "power": "-652.5",
        "energy_available": "2370",
        "energy_reserved": "700",
        "capacity": "6000",
        "reserve_soc": "25",
        "reserve_soc_configured": "20",
        "reserve_soc_adjusted": "25",
    }
    assert below(values, "battery/iq") == {
        "soc": "42",
        "power": "-512.5",
        "apparent_power": "-512.5",
        "energy_available": "1470",
        "capacity": "3500",
    }


@pytest.mark.parametrize(
    ("milliwatts", "watts"), [(-532000, "-532"), (402000, "402"), (0, "0"), (-0.0, "0"), (17, "0.017")]
)
def test_a_battery_that_discharges_is_above_zero(milliwatts: float, watts: str) -> None:
    values = told({**ONE, **powers(output(BATTERY, milliwatts))})
    assert values[f"battery/{BATTERY}/power"] == values["battery/total/power"] == watts


def test_the_power_of_a_silent_battery_is_not_known() -> None:
    values = told({**TWO, **powers(output(BATTERY, 300000), output(SILENT, 0, 17))})
    silent = below(values, f"battery/{SILENT}")
    assert "power" not in silent
    assert "apparent_power" not in silent
    assert (silent["communicating"], silent["soc"]) == ("false", "17")
    assert values["battery/total/power"] == "300"


def test_what_a_silent_battery_did_last_is_not_in_the_sum() -> None:
    values = told({**TWO, **powers(output(BATTERY, 300000), output(SILENT, -999000))})
    assert values["battery/total/power"] == "300"
    assert values["battery/total/apparent_power"] == "300"


def test_without_one_that_is_heard_there_is_no_sum() -> None:
    alone = inventory(battery(SILENT, communicating=False))
    assert "battery/total/power" not in told({**alone, **powers(output(SILENT, 0))})


@pytest.mark.parametrize(
    "outputs",
    [
        (output(BATTERY, 300000),),
        (output(BATTERY, 300000), output(SILENT, None)),
        (output(BATTERY, 300000), output(SILENT, "?")),
        (),
    ],
    ids=["one is missing", "one says nothing", "one is not understood", "none"],
)
def test_a_sum_of_some_is_no_sum(outputs: tuple[Any, ...]) -> None:
    both = inventory(battery(BATTERY), battery(SILENT))
    values = told({**both, **powers(*outputs)})
    assert "battery/total/power" not in values
    assert values.get(f"battery/{BATTERY}/power") == ("300" if outputs else None)


def test_a_battery_that_is_not_in_the_inventory_is_none() -> None:
    values = told({**ONE, **powers(output(BATTERY, 1000), output("492200000077", 2000))})
    assert not below(values, "battery/492200000077")


@pytest.mark.parametrize("reply", [[], [{"type": "ENCHARGE", "devices": []}], [{"type": "ENCHARGE"}], {}])
def test_no_batteries_are_no_topics(reply: Any) -> None:
    replies = {**EVERYTHING, **storage(activeCount=0), **listed("ACB"), "/ivp/ensemble/inventory": reply}
    assert not below(told(replies), "battery")


@pytest.mark.parametrize("serial", ["", "a/b", "#", "+", "ü", "x" * 65, " 1"])
def test_what_is_no_serial_number_is_no_topic(serial: str) -> None:
    assert not below(told(inventory(battery(serial))), "battery")


def test_the_reserve_is_the_adjusted_one_where_there_is_one() -> None:
    control = {"agg_soc": 50, "Max_energy": 3500, "configured_backup_soc": 30}
    assert told({**ONE, CONTROL: control})["battery/total/reserve_soc"] == "30"


def test_old_firmware_says_it_in_the_status_alone() -> None:
    control = {"agg_soc": 50, "Max_energy": 3500, "ENC_agg_soc": 50, "ENC_agg_avail_energy": 1750, "ACB_agg_energy": 0}
    values = told({**ONE, STATUS: {"inventory": {"serial_nums": {}}, "secctrl": control}})
    assert below(values, "battery/total") == {"soc": "50", "energy_available": "1750", "capacity": "3500"}
    assert not below(values, "battery/iq")  # how much of it is theirs is not said


def test_where_the_control_answers_an_error_the_status_tells() -> None:
    status = {"secctrl": {"agg_soc": 50, "Max_energy": 3500}}
    values = told({**ONE, CONTROL: {"error": "404 - Not Found"}, STATUS: status})
    assert below(values, "battery/total") == {"soc": "50", "capacity": "3500"}


# --- AC batteries


def test_ac_batteries_alone_are_all_batteries() -> None:
    only = {
        "agg_soc": 36,
        "Max_energy": 2480,
        "Enc_max_available_capacity": 0,
        "ACB_agg_soc": 36,
        "ACB_agg_energy": 900,
    }
    values = told({**storage(), **listed("ACB", ACB_ROW), CONTROL: only})
    assert below(values, "battery") == {
        "total/soc": "36",
        "total/power": "-140",
        "total/energy_available": "900",
        "total/capacity": "2480",
    }
    assert below(values, "ac_battery/total") == {
        "soc": "36",
        "power": "-140",
        "energy_available": "900",
        "capacity": "2480",
        "count": "2",
        "state": "charging",
    }
    assert below(values, f"ac_battery/{ACB}")["max_cell_temp"] == "19"


def test_an_ac_battery_that_discharges_is_above_zero() -> None:
    assert told(storage(wNow=204))["ac_battery/total/power"] == "204"


@pytest.mark.parametrize("missing", ["percentFull", "whNow", "wNow"])
def test_what_the_report_leaves_out_is_not_known(missing: str) -> None:
    topic = {"percentFull": "soc", "whNow": "energy_available", "wNow": "power"}[missing]
    values = told(storage(**{missing: None}))
    assert f"ac_battery/total/{topic}" not in values
    assert f"battery/total/{topic}" not in values


def test_no_ac_batteries_are_reported_with_a_count_of_none() -> None:
    assert not told(storage(activeCount=0, wNow=0, percentFull=0))


def test_an_ac_battery_that_was_taken_away_is_gone() -> None:
    assert not below(told({**storage(), **listed("ACB", ACB_ROW | {"admin_state": 0})}), f"ac_battery/{ACB}")


def test_how_ac_batteries_sleep() -> None:
    asleep = {"acb_sleep": [{"serial_num": ACB, "sleep_min_soc": 20, "sleep_max_soc": 30}, {"serial_num": None}]}
    values = below(told({**storage(), "/admin/lib/acb_config": asleep}), f"ac_battery/{ACB}")
    assert values == {"sleeping": "true", "sleep_min_soc": "20", "sleep_max_soc": "30"}
    awake = below(told({**storage(), **listed("ACB", ACB_ROW)}), f"ac_battery/{ACB}")
    assert awake["sleeping"] == "false"


# --- what goes away while it runs


def test_while_the_list_is_not_known_the_ac_batteries_are_not_all() -> None:
    members = members_of(KIND, {"battery": None, "battery.power": {BATTERY: Battery(power=1.0)}})
    assert members is UNKNOWN
    assert together(members, {"ac_battery": {TOTAL: AcBattery(power=-140.0, soc=36.0)}}) == {}


def test_while_the_ac_batteries_are_not_known_the_iq_batteries_are_not_all() -> None:
    members = {BATTERY: Battery(power=5.0), TOTAL: Battery(power=5.0), "iq": Battery()}
    found = together(members, {"ac_battery": {ACB: AcBattery()}})
    assert found[TOTAL] == Battery()
    assert found["iq"] == Battery(power=5.0)

"""Every other kind of device: each value from where it belongs, in the right unit."""

from typing import Any

import pytest
from gateway.devices.replies import (
    COLLAR,
    COMBINER,
    CONTROLLER,
    ENPOWER,
    ESUB,
    ESUB_ROW,
    EVERYTHING,
    INVERTER,
    NSRB,
    PCU,
    Q_RELAY,
    RGM,
    listed,
)
from gateway.devices.told import INVENTORY, NOW, TARIFF, below, told

from envoy_bridge.gateway.devices.generator import GENERATOR
from envoy_bridge.gateway.info import parse_info
from envoy_bridge.gateway.known import Known

REPORTS = "/api/v1/production/inverters"


def controller(**changed: Any) -> dict[str, Any]:
    return {INVENTORY: [{"type": "ENPOWER", "devices": [ENPOWER | changed]}]}


def test_the_system_controller() -> None:
    assert below(told(controller()), f"system_controller/{CONTROLLER}") == {
        "grid_mode": "multimode-offgrid",
        "battery_grid_mode": "multimode-ongrid",
        "mains_relay": "open",
        "mains_relay_admin": "closed",
        "state": "ENPWR_STATE_OPER_CLOSED",
        "temperature": "25",
        "communicating": "true",
        "operating": "true",
        "comm_level_sub_ghz": "5",
        "comm_level_2_4_ghz": "5",
        "part_number": "860-1",
        "firmware": "1.5.1",
        "last_report": "2025-06-15T15:05:39Z",
    }


@pytest.mark.parametrize(
    ("fahrenheit", "celsius"), [(32, "0"), (113, "45"), (-4, "-20"), (78, "25.556"), (31, "-0.556")]
)
def test_only_the_system_controller_thinks_in_fahrenheit(fahrenheit: int, celsius: str) -> None:
    assert told(controller(temperature=fahrenheit))[f"system_controller/{CONTROLLER}/temperature"] == celsius


def test_the_collar_and_what_belongs_to_it() -> None:
    values = told(EVERYTHING)
    assert below(values, f"collar/{COLLAR}") == {
        "grid_state": "on_grid",
        "mid_state": "close",
        "state": "Installed",
        "admin_state": "ENCMN_MDE_ON_GRID",
        "control_error": "0",
        "temperature": "41",
        "communicating": "true",
        "part_number": "865-1",
        "firmware": "3.0.6",
        "last_report": "2025-06-15T15:05:38Z",
    }
    assert below(values, f"combiner_controller/{COMBINER}") == {
        "state": "ENCMN_C6_CC_READY",
        "communicating": "true",
        "part_number": "800-2",
        "firmware": "0.1.20",
        "last_report": "2025-06-15T15:05:37Z",
    }
    assert below(values, f"rgm/{RGM}") == {"state": "80", "part_number": "800-3", "firmware": "2.2"}


def test_a_dry_contact_and_what_it_is_set_to() -> None:
    assert below(told(EVERYTHING), "dry_contact/nc1") == {
        "status": "closed",
        "name": "Pool pump",
        "type": "LOAD",
        "mode": "soc",
        "grid_action": "apply",
        "micro_grid_action": "shed",
        "generator_action": "none",
        "soc_low": "30",
        "soc_high": "70",
        "priority": "1",
        "essential_start": "480",
        "essential_end": "1080.5",
        "black_start": "5",
        "override": "false",
        "manual_override": "true",
    }


def test_without_a_system_controller_there_are_no_contacts() -> None:
    assert not below(told({**EVERYTHING, INVENTORY: []}), "dry_contact")


def test_the_generator() -> None:
    assert below({f"x/{topic}": text for topic, text in told(EVERYTHING).items()}, "x/generator") == {
        "state": "closed",
        "admin_state": "open",
        "mode": "auto",
        "start_soc": "30",
        "stop_soc": "70",
        "exercising": "false",
        "charges_batteries": "true",
        "manufacturer": "Maker",
        "type": "Standby",
        "model": "X-1",
        "start_method": "auto",
        "rated_power": "18500",
        "max_current": "60",
        "warm_up": "5",
        "cool_down": "4",
        "exercise_every": "3",
        "exercise_day": "Sat",
        "exercise_start": "945",
        "exercise_duration": "20",
    }


def test_every_gateway_has_a_relay_for_a_generator_and_few_have_one() -> None:
    assert not below(told({**EVERYTHING, "/ivp/ss/gen_config": {}}), "generator")


def test_a_generator_that_never_stops_by_itself_has_no_state_of_charge_for_it() -> None:
    relay = {"admin_state": "unknown", "oper_state": "open", "start_soc": 100, "stop_soc": -1}
    values = below(told({**EVERYTHING, "/ivp/ensemble/generator": relay}), "generator")
    assert "stop_soc" not in values
    assert values["start_soc"] == "100"


@pytest.mark.parametrize(("rating", "watts"), [(22.0, "22000"), (0.9, "900"), (11000, "11000")])
def test_the_rating_that_is_called_watts_may_be_kilowatts(rating: float, watts: str) -> None:
    values = told({**EVERYTHING, "/ivp/ss/gen_config": {"name_plate_rating_wat": rating}})
    assert values["generator/rated_power"] == watts


def test_the_storage_settings() -> None:
    assert below(told(EVERYTHING), "storage_settings") == {
        "mode": "self-consumption",
        "submode": "prioritize-energy",
        "reserve_soc": "20",
        "very_low_soc": "5",
        "charge_from_grid": "false",
        "opt_schedules": "true",
    }


@pytest.mark.parametrize("reply", [{"tariff": {}}, {"tariff": {"storage_settings": None}}, {"tariff": None}, {}])
def test_a_tariff_without_batteries(reply: Any) -> None:
    assert not below(told({**EVERYTHING, TARIFF: reply}), "storage_settings")


def test_settings_without_batteries_are_not_asked_for() -> None:
    assert not below(told({TARIFF: EVERYTHING[TARIFF]}), "storage_settings")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"PEL": False}, {"enabled": "false"}),
        ({"PEL": False, "percent": False, "PEL_Limit": 0.0}, {"enabled": "false"}),
        ({"PEL": True, "percent": True, "PEL_Limit": 70.0}, {"enabled": "true", "percent": "70"}),
        ({"PEL": True, "percent": False, "PEL_Limit": 5000.0}, {"enabled": "true", "power": "5000"}),
        ({"PEL": True, "percent": False, "apparent": True, "PEL_Limit": 5000.0}, {"enabled": "true"}),
        ({"PEL": True, "percent": True, "PEL_Limit": 0.0}, {"enabled": "true", "percent": "0"}),
    ],
)
def test_the_export_limit(settings: dict[str, Any], expected: dict[str, str]) -> None:
    assert below(told({"/ivp/ss/pel_settings": settings}), "export_limit") == expected


def test_the_limit_of_the_production() -> None:
    values = told({"/ivp/sc/pvlimit": {"enable": True, "pv_limit_pct": 60}})
    assert below(values, "export_limit") == {"production_limited": "true", "production_percent": "60"}


def test_the_network() -> None:
    assert below(told(EVERYTHING), "network") == {
        "interface": "wlan0",
        "interface_type": "wifi",
        "signal_strength": "4",
        "signal_strength_max": "5",
        "enlighten_connected": "true",
        "enlighten_last_report": "2025-06-15T15:05:10Z",
        "time_zone": "Europe/Vienna",
        "tariff": "single_rate",
        "devices_communicating": "3",
        "comm_level": "5",
        "inverters_communicating": "1",
        "inverters_comm_level": "5",
        "ac_batteries_communicating": "1",
        "q_relays_communicating": "1",
        "batteries_communicating": "1",
    }


@pytest.mark.parametrize(("encharge", "count"), [([], None), ({"num": 2}, "2"), ([{"num": 2}, {"num": 1}], "3")])
def test_batteries_that_answer_are_counted_by_kind(encharge: Any, count: str | None) -> None:
    home = EVERYTHING["/home"] | {"comm": {"encharge": encharge}}
    assert told({"/home": home}).get("network/batteries_communicating") == count


def test_a_gateway_that_never_reached_enlighten() -> None:
    home = {"network": {"web_comm": False, "last_enlighten_report_time": 0, "primary_interface": "eth0"}}
    assert below(told({"/home": home}), "network") == {"interface": "eth0", "enlighten_connected": "false"}


def test_a_q_relay() -> None:
    assert below(told(listed("NSRB", NSRB)), f"q_relay/{Q_RELAY}") == {
        "relay": "closed",
        "reason": "ok",
        "reason_code": "0",
        "forced": "false",
        "line_count": "3",
        "line1_connected": "true",
        "line2_connected": "false",
        "line3_connected": "true",
        "communicating": "true",
        "operating": "true",
        "part_number": "800-5",
        "firmware": "521-1",
        "last_report": "2025-06-15T15:05:35Z",
    }


def test_a_sub_unit() -> None:
    assert below(told(listed("ESUB", ESUB_ROW)), f"esub/{ESUB}") == {
        "communicating": "true",
        "operating": "true",
        "producing": "false",
        "part_number": "800-6",
        "firmware": "521-1",
        "last_report": "2025-06-15T15:05:34Z",
    }


@pytest.mark.parametrize(("kind", "row", "topic"), [("NSRB", NSRB, "q_relay"), ("ESUB", ESUB_ROW, "esub")])
def test_what_was_taken_away_is_gone(kind: str, row: dict[str, Any], topic: str) -> None:
    assert below(told(listed(kind, row)), topic)
    assert not below(told(listed(kind, row | {"admin_state": 0})), topic)


def test_an_inverter_of_several_replies() -> None:
    assert below(told(EVERYTHING), f"inverter/{INVERTER}") == {
        "power": "211",
        "power_max": "300",
        "last_report": "2025-06-15T15:01:40Z",
        "availability": "online",
        "ac_voltage": "239.1",
        "dc_voltage": "34.2",
        "dc_current": "6.2",
        "temperature": "31",
        "phase": "l2",
        "communicating": "true",
        "producing": "true",
        "operating": "true",
        "comm_level": "4",
        "firmware": "521-1",
    }


def test_what_another_list_still_names_is_no_inverter() -> None:
    gone = PCU | {"serial_num": "482299999999"}
    values = told({REPORTS: EVERYTHING[REPORTS], **listed("PCU", PCU, gone), "/installer/pcu_comm_check": {"1": 5}})
    assert {topic.split("/")[1] for topic in values if topic.startswith("inverter/")} == {INVERTER}


def test_an_inverter_that_was_taken_away_is_gone() -> None:
    assert not told(listed("PCU", PCU | {"admin_state": 0}))


@pytest.mark.parametrize(("ago", "state"), [(300, "online"), (7199, "online"), (7201, "offline")])
def test_an_inverter_that_has_not_reported_for_long_is_offline(ago: int, state: str) -> None:
    report = {"serialNumber": 1, "lastReportDate": NOW - ago, "lastReportWatts": 5}
    assert told({REPORTS: [report]})["inverter/1/availability"] == state


@pytest.mark.parametrize("date", [0, None])
def test_an_inverter_that_never_reported(date: int | None) -> None:
    values = told({REPORTS: [{"serialNumber": "1", "lastReportDate": date, "lastReportWatts": 0}]})
    assert "inverter/1/last_report" not in values
    assert values.get("inverter/1/availability") == (None if date is None else "offline")


@pytest.mark.parametrize(("level", "shown"), [(0, "0"), (5, "5"), (6, None), (-1, None), ("5", None), (None, None)])
def test_the_level_of_an_inverter(level: Any, shown: str | None) -> None:
    assert told({"/installer/pcu_comm_check": {INVERTER: level}}).get(f"inverter/{INVERTER}/comm_level") == shown


def test_an_installer_is_told_of_inverters_where_nobody_else_is() -> None:
    path = "/ivp/peb/devstatus"
    assert told({path: EVERYTHING[path]})[f"inverter/{INVERTER}/power"] == "210.5"


def test_an_error_of_the_generators_relay_tells_nothing() -> None:
    row = next(row for row in GENERATOR.rows if row.id == "generator.relay")
    reply = row.endpoint.decode(b'{"error":"404 - Not Found"}')
    assert row.read(reply, Known(parse_info(b"<envoy_info><device><sn>1</sn></device></envoy_info>")), 0.0) == {}

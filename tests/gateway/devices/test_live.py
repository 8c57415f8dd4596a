"""What a gateway tells of this second, once it is decoded: units, signs, phases, and when it is of another time."""

import json
from typing import Any

import pytest

from envoy_bridge.errors import UnusableReply
from envoy_bridge.gateway import wire
from envoy_bridge.gateway.devices.battery import BATTERY
from envoy_bridge.gateway.info import parse_info
from envoy_bridge.gateway.known import Fields, Known
from envoy_bridge.gateway.live import LIVE_DATA, ROWS, STREAM
from envoy_bridge.model import Flow, Home, NetConsumption, Production, Storage

INFO = parse_info(b"<envoy_info><device><sn>122011000098</sn><software>D8.3.1</software></device></envoy_info>")


def power(*milliwatts: float | None) -> dict[str, Any]:
    """The total, and what stands there for each phase."""
    return dict(zip(("agg_p_mw", "agg_p_ph_a_mw", "agg_p_ph_b_mw", "agg_p_ph_c_mw"), milliwatts, strict=False))


def live(stream: Any = "enabled", **changed: Any) -> dict[str, Any]:
    meters = {
        "last_update": 1_750_000_000,
        "soc": 64,
        "phase_count": 2,
        "enc_agg_energy": 6400,
        "acb_agg_energy": 100,
        "pv": power(1400500, 700000, 700500, 0),
        "storage": power(-600000, -300000, -300000, 0),
        "grid": power(-250000, -500000, 250000, 0),
        "load": power(550500, 0, 550500, 0),
    }
    return {"connection": {"mqtt_state": "connected", "sc_stream": stream}, "meters": meters | changed}


def read(name: str, reply: Any, meters: wire.Meters = ()) -> Fields:
    row = next(row for row in (*ROWS, *BATTERY.rows) if row.id == name)
    data = row.endpoint.decode(json.dumps(reply).encode())
    return row.read(data, Known(INFO, meters), 0.0)


def test_live_data_is_in_watts_and_has_as_many_phases_as_it_says() -> None:
    assert read("live_data", live()) == {
        "production": Flow(
            total=Production(power=1400.5), l1=Production(power=700.0), l2=Production(power=700.5), l3=None
        ),
        "net_consumption": Flow(
            total=NetConsumption(power=-250.0), l1=NetConsumption(power=-500.0), l2=NetConsumption(power=250.0)
        ),
        "home": Flow(total=Home(power=550.5), l1=Home(power=0.0), l2=Home(power=550.5)),
    }


def test_batteries_that_charge_are_below_zero() -> None:
    flow = Flow(total=Storage(power=-600.0), l1=Storage(power=-300.0), l2=Storage(power=-300.0))
    assert read("live_storage", live()) == {"storage": flow}


def test_what_is_in_the_batteries() -> None:
    assert read("battery.live", live())["battery.live"]["total"].energy_available == 6500.0
    assert read("battery.live", live(acb_agg_energy=None))["battery.live"]["total"].energy_available == 6400.0
    assert read("battery.live", live(enc_agg_energy=None))["battery.live"]["total"].energy_available is None


@pytest.mark.parametrize("missing", [None, {}, power(None, 1, 2, 3)])
def test_a_place_that_says_nothing_is_not_known(missing: Any) -> None:
    fields = read("live_data", live(pv=missing))
    assert fields["production"] is None
    assert fields["home"] is not None


@pytest.mark.parametrize(("count", "phases"), [(None, 0), (0, 0), (1, 1), (3, 3)])
def test_phases_that_are_not_there_are_not_made(count: int | None, phases: int) -> None:
    flow = read("live_data", live(phase_count=count))["production"]
    assert [flow.l1, flow.l2, flow.l3].count(None) == 3 - phases
    assert flow.total.power == 1400.5


def stamp(reply: Any) -> object:
    assert LIVE_DATA.stamp is not None
    return LIVE_DATA.stamp(LIVE_DATA.decode(json.dumps(reply).encode()))


def test_a_reading_is_known_by_the_gateways_own_time() -> None:
    assert stamp(live()) == stamp(live(soc=65)) != stamp(live(last_update=1_750_000_001))


@pytest.mark.parametrize("stream", ["enabled", None, ""])
def test_live_data_that_does_not_sleep(stream: str | None) -> None:
    assert LIVE_DATA.wake is not None
    assert not LIVE_DATA.wake.asleep(LIVE_DATA.decode(json.dumps(live(stream)).encode()))
    assert stamp(live(stream)) is not None


def test_live_data_that_sleeps_is_woken_and_brings_nothing_new() -> None:
    assert LIVE_DATA.wake is not None
    assert LIVE_DATA.wake.asleep(LIVE_DATA.decode(json.dumps(live("disabled")).encode()))
    assert (LIVE_DATA.wake.path, LIVE_DATA.wake.body) == ("/ivp/livedata/stream", b'{"enable":1}')
    assert stamp(live("disabled")) is None


@pytest.mark.parametrize("reply", [{}, {"error": "401"}, {"meters": None}, [], {"meters": {"pv": 7}}])
def test_what_is_no_live_data(reply: Any) -> None:
    with pytest.raises(UnusableReply):
        LIVE_DATA.decode(json.dumps(reply).encode())


@pytest.mark.parametrize("endpoint", [LIVE_DATA, STREAM])
def test_it_is_asked_only_where_it_is_wanted(endpoint: Any) -> None:
    assert endpoint.option == endpoint.id


@pytest.mark.parametrize(
    ("role", "version", "may"),
    [
        ("owner", (7, 6, 174), True),
        ("owner", (7, 6, 175), False),
        ("installer", (8, 3, 1), True),
        ("", (8, 3, 1), True),
        ("owner", (5, 0, 62), True),
    ],
)
def test_since_7_6_175_the_stream_is_for_installers(role: str, version: tuple[int, ...], may: bool) -> None:
    assert STREAM.permitted(role, version) is may


# --- the stream


def meter(kind: str, phases: int, eid: int = 1, state: str = "enabled") -> wire.Meter:
    return wire.Meter(eid=eid, state=state, measurement_type=kind, phase_count=phases)


def line(watts: float | None, **changed: Any) -> dict[str, Any]:
    return {"p": watts, "q": -20.5, "s": 410.0, "v": 231.1, "i": 1.7, "pf": -0.98, "f": 50.0} | changed


def test_one_phase_is_the_whole() -> None:
    fields = read("meter_stream", {"production": {"ph-a": line(402.5), "ph-b": line(0)}}, (meter("production", 1),))
    channel = Production(
        power=402.5,
        reactive_power=-20.5,
        apparent_power=410.0,
        voltage=231.1,
        current=1.7,
        power_factor=-0.98,
        frequency=50.0,
    )
    assert fields == {"stream": {"production": Flow(total=channel, l1=channel)}}


def test_of_several_phases_only_what_adds_up_is_added_up() -> None:
    reply = {"net-consumption": {"ph-a": line(-400.25), "ph-b": line(150.0), "ph-c": line(99)}}
    flow = read("meter_stream", reply, (meter("net-consumption", 2),))["stream"]["net_consumption"]
    assert flow.total == NetConsumption(power=-250.25, reactive_power=-41.0)
    assert (flow.l1.power, flow.l2.power, flow.l3) == (-400.25, 150.0, None)
    assert flow.l2.voltage == 231.1


@pytest.mark.parametrize("lines", [{"ph-b": line(7.0)}, {"ph-a": None, "ph-b": line(7.0)}])
def test_a_phase_that_is_missing_leaves_its_place_empty(lines: dict[str, Any]) -> None:
    flow = read("meter_stream", {"production": lines}, (meter("production", 2),))["stream"]["production"]
    assert (flow.l1, flow.l2.power, flow.total) == (None, 7.0, Production())


def test_a_power_that_is_missing_makes_no_sum() -> None:
    reply = {"production": {"ph-a": line(5.0), "ph-b": line(None)}}
    flow = read("meter_stream", reply, (meter("production", 2),))["stream"]["production"]
    assert (flow.total.power, flow.total.reactive_power) == (None, -41.0)


def test_a_frequency_of_zero_is_none() -> None:
    flow = read("meter_stream", {"production": {"ph-a": line(0, f=0)}}, (meter("production", 1),))
    assert flow["stream"]["production"].total.frequency is None


@pytest.mark.parametrize(
    ("reply", "meters"),
    [
        ({"production": {"ph-a": line(5.0)}}, ()),
        ({"production": {"ph-a": line(5.0)}}, (meter("production", 1, state="disabled"),)),
        ({"net-consumption": {"ph-a": line(5.0)}}, (meter("total-consumption", 1),)),
        ({"total-consumption": None}, (meter("total-consumption", 1),)),
        ({}, (meter("production", 1),)),
    ],
    ids=["no meter", "disabled", "another", "null", "nothing"],
)
def test_what_no_ct_measures_is_left_out(reply: Any, meters: wire.Meters) -> None:
    assert read("meter_stream", reply, meters) == {}


def test_total_consumption_is_consumption() -> None:
    reply = {"total-consumption": {"ph-a": line(5.0)}, "net-consumption": {"ph-a": line(9.0)}}
    flows = read("meter_stream", reply, (meter("total-consumption", 1),))["stream"]
    assert [(name, flow.total.power) for name, flow in flows.items()] == [("consumption", 5.0)]

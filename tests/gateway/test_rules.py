"""Each rule of `rules.py` holds on the households that it names."""

import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from households import FIXTURES, NAMES, Seen, look
from rig import rig, world
from waiting import until

from envoy_bridge.config import Gateway
from envoy_bridge.gateway.auth import needs_token
from envoy_bridge.gateway.basics import READINGS
from envoy_bridge.gateway.connect import connect
from envoy_bridge.gateway.devices.inverter import DEVICE_DATA
from envoy_bridge.gateway.endpoints import ROWS
from envoy_bridge.gateway.eventstream import EventStream
from envoy_bridge.gateway.info import parse_info
from envoy_bridge.gateway.known import FLOW_OF_MEASUREMENT, phase_count
from envoy_bridge.gateway.rules import RULES, Rule
from envoy_bridge.simulator.faults import Hang
from envoy_bridge.simulator.gateway import SimulatedGateway

FLOWS = (*FLOW_OF_MEASUREMENT.values(), "home")


def shown_by(rule: str) -> pytest.MarkDecorator:
    """Run on each household that the rule names."""
    return pytest.mark.parametrize("name", next(row.fixtures for row in RULES if row.id == rule))


def seen(name: str) -> Seen:
    return look(FIXTURES / f"{name}.har")


def flows(what: Seen) -> dict[str, str]:
    """What is published of the flows; our own day counters are no matter of the firmware."""
    told = {topic: value for topic, value in what.values.items() if topic.partition("/")[0] in FLOWS}
    return {topic: value for topic, value in told.items() if not topic.endswith("_today")}


def changed(folder: Path, name: str, change: Callable[[str, str], str], *, status: int | None = None) -> Seen:
    """A household some of whose replies are others: `change` is given path and text. `status`: of those it changes."""
    har = json.loads((FIXTURES / f"{name}.har").read_text())
    for entry in har["log"]["entries"]:
        response = entry["response"]
        before = response["content"]["text"]
        after = change(entry["request"]["url"].removeprefix("https://envoy.local"), before)
        if after != before:
            response["content"]["text"] = after
            response["status"] = status or response["status"]
    path = folder / f"{name}.har"
    path.write_text(json.dumps(har))
    return look(path)


def test_the_table_is_in_order() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert {name for rule in RULES for name in rule.fixtures} <= set(NAMES)
    assert all(rule.why.endswith(".") for rule in RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_has_a_test(rule: Rule) -> None:
    assert f"test_{rule.id.replace('-', '_')}" in globals()


@shown_by("page-without-json")
def test_page_without_json(name: str) -> None:
    watts, watt_hours = {"r3_2_html_mw": (1_200_000, 812_000_000), "r3_7_html_only": (873, 41_200_000)}[name]
    assert flows(seen(name)) == {
        "production/total/power": str(watts),
        "production/total/energy_lifetime_coarse": str(watt_hours),
    }


@shown_by("html-is-not-json")
def test_html_is_not_json(name: str) -> None:
    page = world(name).replies["/production.json"]
    assert (page.status, page.mime, page.body[:5]) == (200, "application/json", b"<html")
    assert seen(name).values["production/total/power"] == "4127"
    assert seen(name).plan.sources["production"] == "production_totals"


@shown_by("refused-is-absent")
def test_refused_is_absent(tmp_path: Path, name: str) -> None:
    refused = {path for path, reply in world(name).replies.items() if reply.status == 401}
    assert refused & set(seen(name).asked)
    assert set(seen(name).plan.not_permitted) & {"meters", "production_report"}
    assert seen(name).values["production/total/power"]
    words = "Error: 401 \n"
    in_words = changed(tmp_path, name, lambda path, text: words if path in refused else text, status=200)
    assert in_words.values == seen(name).values
    assert not set(in_words.plan.not_permitted) & {"meters", "production_report"}


@shown_by("section-without-name")
def test_section_without_name(name: str) -> None:
    report = json.loads(world(name).replies["/production.json"].body)
    assert report["consumption"][0]["activeCount"] == 1
    assert "measurementType" not in report["consumption"][0]
    assert {topic.split("/")[0] for topic in flows(seen(name))} == {"production"}
    assert seen(name).plan.sources["production"] == "production_report"


@shown_by("net-lifetime-unread")
def test_net_lifetime_unread(name: str) -> None:
    net = {topic for topic in flows(seen(name)) if topic.startswith("net_consumption/")}
    assert "net_consumption/total/power" in net
    assert not any("energy" in topic for topic in net)


@shown_by("tried-and-not-assumed")
def test_tried_and_not_assumed(tmp_path: Path, name: str) -> None:
    """Of the same replies, an older and a newer firmware asks and tells the same."""

    def of(firmware: str) -> Callable[[str, str], str]:
        return lambda _, text: re.sub(r"<software>\w[\d.]+<", f"<software>{firmware}<", text)

    old, new = (changed(tmp_path, name, of(firmware)) for firmware in ("R3.9.1", "D8.9.9"))
    assert (old.asked, old.values) == (new.asked, new.values) == (seen(name).asked, seen(name).values)


@shown_by("token-from-7")
def test_token_from_7(name: str) -> None:
    info = parse_info(world(name).replies["/info"].body)
    assert needs_token(info) == (int(name[1]) >= 7)


def test_stream_in_bursts() -> None:
    stream = EventStream()
    assert list(stream.feed(b"".join(b"data: %d\r\n\r\n" % n for n in range(22)))) == [b"%d" % n for n in range(22)]


@pytest.mark.parametrize(
    ("version", "role", "permitted"),
    [
        ((7, 6, 174), "owner", True),
        ((7, 6, 175), "owner", False),
        ((8, 3, 5433), "owner", False),
        ((8, 3, 5433), "installer", True),
        ((8, 3, 5433), "", True),
    ],
)
def test_stream_for_installers(version: tuple[int, ...], role: str, *, permitted: bool) -> None:
    endpoint = next(row.endpoint for row in ROWS if row.endpoint.stream)
    assert endpoint.permitted(role, version) == permitted


@shown_by("cts-disabled")
def test_cts_disabled(name: str) -> None:
    states = {meter["state"] for meter in json.loads(world(name).replies["/ivp/meters"].body)}
    section = json.loads(world(name).replies["/production.json"].body)["production"][0]
    assert states == {"disabled"}
    assert flows(seen(name)) == {
        "production/total/power": str(section["wNow"]),
        "production/total/energy_lifetime": str(section["whLifetime"]),
    }
    assert seen(name).plan.sources["production"] == "inverters_sum"


@shown_by("meters-by-number")
def test_meters_by_number(tmp_path: Path, name: str) -> None:
    listed = json.loads(world(name).replies["/ivp/meters"].body)
    read = json.loads(world(name).replies["/ivp/meters/readings"].body)
    assert len(read) == len(listed) + 1

    def backwards(path: str, text: str) -> str:
        return json.dumps(json.loads(text)[::-1]) if path == "/ivp/meters/readings" else text

    assert changed(tmp_path, name, backwards).values == seen(name).values


@shown_by("phases-by-the-list")
def test_phases_by_the_list(name: str) -> None:
    what = seen(name)
    for flow, meter in what.plan.known.measuring.items():
        phases = {topic.split("/")[1] for topic in what.values if topic.startswith(f"{flow}/")}
        assert phases == {"total", "l1", "l2", "l3"} - {f"l{n}" for n in range(phase_count(meter) + 1, 4)}


@shown_by("day-counters-unread")
def test_day_counters_unread(tmp_path: Path, name: str) -> None:
    counters = r'("(?:wh|varhLead|varhLag|vah)(?:Today|LastSevenDays)": ?)[\d.]+'

    def other(_: str, text: str) -> str:
        return re.sub(counters, r"\g<1>987654321", text)

    assert re.search(counters, world(name).replies["/production.json"].body.decode())
    assert changed(tmp_path, name, other).values == seen(name).values


@shown_by("https-first")
async def test_https_first(name: str) -> None:
    """At the same address: a gateway that has HTTPS alone, and one that has plain HTTP alone."""
    household = world(name)
    async with SimulatedGateway(household, http=not household.needs_token) as gateway:
        port = gateway.https_port if household.needs_token else gateway.port
        http, info = await connect(Gateway(host=f"127.0.0.1:{port}"), household.serial)
        async with http:
            assert (http.secure, info.serial) == (household.needs_token, household.serial)


@shown_by("readings-before-report")
def test_readings_before_report(name: str) -> None:
    section = json.loads(world(name).replies["/production.json"].body)["consumption"][0]
    phases = [float(seen(name).values[f"consumption/{phase}/power"]) for phase in ("l1", "l2")]
    assert seen(name).plan.sources["consumption"] == "meter_readings"
    assert float(seen(name).values["consumption/total/power"]) == pytest.approx(sum(phases))
    assert section["measurementType"] == "total-consumption"
    assert section["wNow"] != pytest.approx(sum(phases), abs=100)


@shown_by("source-is-kept")
def test_source_is_kept(name: str) -> None:
    inverters, meter = json.loads(world(name).replies["/production.json"].body)["production"]
    assert (inverters["wNow"] > 0, meter["activeCount"]) == (True, 0)
    assert seen(name).plan.sources["production"] == "production_report"
    assert flows(seen(name)) == {}


@shown_by("one-endpoint-hangs")
async def test_one_endpoint_hangs(tmp_path: Path, name: str) -> None:
    readings, details = READINGS.paths[0], DEVICE_DATA.paths[0]
    async with rig(tmp_path, name, speed=60, fast=5, inverters=60.0) as house:
        await until(lambda: house.count(details))
        house.gateway.faults[details] = Hang(85)
        hung = house.count(details)
        await until(lambda: house.count(details) > hung, within=10)
        begun = house.clock.monotonic()
        await until(lambda: house.clock.monotonic() > begun + 90, within=10)
        times = [request.time for request in house.gateway.requests if request.path == readings]
        assert max(after - before for before, after in pairwise(times)) < 5 * 1.5
        assert house.recorder.online == [True]

"""Several gateways of one house: what adds up, what does not, and when the site is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from handclock import HandClock
from msgspec import structs

from envoy_bridge.catalog import points
from envoy_bridge.config import SiteSection
from envoy_bridge.model import (
    Circuit,
    Consumption,
    Flow,
    NetConsumption,
    Production,
    Snapshot,
    Storage,
    Value,
)
from envoy_bridge.sinks.base import CloudMessage, Event, Holdings
from envoy_bridge.sinks.mqtt import Message
from envoy_bridge.sinks.topics import Topics
from envoy_bridge.site import LARGEST_DIP, Rules, Site, grid_meter, measures_total, site_of, steady, supplied

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)

NORTH = Snapshot(
    serial="1",
    time=NOON,
    production=Flow(
        total=Production(power=900.25, energy_lifetime=5000.0, apparent_power=910.0, frequency=50.0),
        l1=Production(power=300.1),
    ),
    net_consumption=Flow(
        total=NetConsumption(power=-400.0, energy_imported=3000.0, energy_exported=1000.0, frequency=50.0),
        l1=NetConsumption(power=-500.0, voltage=230.0),
        l2=NetConsumption(power=100.0, voltage=231.0),
    ),
)
SOUTH = Snapshot(
    serial="2",
    time=NOON - timedelta(seconds=3),
    production=Flow(total=Production(power=100.5, energy_lifetime=700.5, apparent_power=101.0, frequency=50.0)),
)
GRID_OF_SOUTH = Flow(total=NetConsumption(power=50.0))


def both(north: Snapshot = NORTH, south: Snapshot = SOUTH) -> dict[str, Snapshot]:
    return {"1": north, "2": south}


def gone(snapshot: Snapshot) -> Snapshot:
    """What a gateway tells when it is offline."""
    return Snapshot(serial=snapshot.serial, time=snapshot.time + timedelta(minutes=1))


def having(**flows: str) -> Rules:
    """Rules with the gateways of each flow, a letter each; net consumption is the one of gateway 1."""
    return Rules(having={"production": "12", **flows}, grid="1")


def values(snapshot: Snapshot) -> dict[str, Value]:
    return {path: value for path, value, _ in points(snapshot)}


# --- what adds up


def test_productions_add_and_the_grid_meter_is_passed_on() -> None:
    site = site_of(both(), having())
    assert values(site) == {
        "production/total/power": 1000.75,
        "production/total/energy_lifetime": 5700.5,
        "consumption/total/power": 600.75,
        "consumption/total/energy_lifetime": 7700.5,
        "net_consumption/total/power": -400.0,
        "net_consumption/total/energy_imported": 3000.0,
        "net_consumption/total/energy_exported": 1000.0,
        "net_consumption/total/frequency": 50.0,
        "net_consumption/l1/power": -500.0,
        "net_consumption/l1/voltage": 230.0,
        "net_consumption/l2/power": 100.0,
        "net_consumption/l2/voltage": 231.0,
    }
    assert site.serial == "site"


def test_batteries_and_panels_of_another_make_add_and_give_home() -> None:
    north = structs.replace(
        NORTH,
        storage=Flow(total=Storage(power=-200.0, energy_charged=80.0)),
        pv3p=Flow(total=Circuit(power=30.0, energy_delivered=9.0)),
    )
    south = structs.replace(SOUTH, storage=Flow(total=Storage(power=50.0, energy_charged=20.0)))
    site = values(site_of(both(north, south), having(storage="12", pv3p="1")))
    assert site["storage/total/power"] == -150.0
    assert site["storage/total/energy_charged"] == 100.0
    assert site["pv3p/total/power"] == 30.0
    assert site["pv3p/total/energy_delivered"] == 9.0
    assert site["home/total/power"] == 480.75


@pytest.mark.parametrize(("storage", "home"), [(-600.0, 0.75), (-650.0, -49.25), (-651.0, None)])
def test_a_house_that_would_make_power_is_not_told(storage: float, home: float | None) -> None:
    north = structs.replace(NORTH, storage=Flow(total=Storage(power=storage)))
    assert values(site_of(both(north), having(storage="1"))).get("home/total/power") == home


@pytest.mark.parametrize("lost", ["production", "total", "power"])
def test_a_sum_that_lacks_a_part_is_unknown_and_so_is_what_follows(lost: str) -> None:
    without: dict[str, Flow[Production] | None] = {
        "production": None,
        "total": Flow(),
        "power": Flow(total=Production(energy_lifetime=700.5)),
    }
    south = structs.replace(SOUTH, production=without[lost])
    site = values(site_of(both(south=south), having()))
    assert "production/total/power" not in site
    assert "consumption/total/power" not in site
    assert ("production/total/energy_lifetime" in site) == ("consumption/total/energy_lifetime" in site)
    assert ("production/total/energy_lifetime" in site) == (lost == "power")
    assert site["net_consumption/total/power"] == -400.0


@pytest.mark.parametrize("flow", ["storage", "pv3p"])
def test_without_a_battery_or_panels_that_belong_to_it_home_is_unknown(flow: str) -> None:
    parts: Mapping[str, Flow[Any]] = {
        "storage": Flow(total=Storage(power=-10.0)),
        "pv3p": Flow(total=Circuit(power=5.0)),
    }
    whole = structs.replace(NORTH, **parts)
    rules = having(storage="1", pv3p="1")
    assert values(site_of(both(whole), rules))["home/total/power"] == 595.75
    assert "home/total/power" not in values(site_of(both(structs.replace(whole, **{flow: None})), rules))


def test_without_batteries_there_is_no_home_and_without_panels_no_consumption() -> None:
    assert site_of(both(), having()).home is None
    assert site_of(both(), Rules(having={}, grid="1")).consumption is None


def test_while_the_gateway_at_the_grid_is_away_only_the_productions_could_be_known() -> None:
    site = values(site_of(both(north=gone(NORTH)), having(production="2")))
    assert site == {"production/total/power": 100.5, "production/total/energy_lifetime": 700.5}


def test_without_a_grid_meter_the_sums_remain() -> None:
    site = values(site_of(both(), Rules(having={"production": "12"})))
    assert site.keys() == {"production/total/power", "production/total/energy_lifetime"}


def test_a_ct_for_all_consumption_gives_consumption_and_the_grid_follows_from_all_panels() -> None:
    """What that gateway computes itself, its own consumption less its own panels, is not the grid's."""
    north = structs.replace(
        NORTH,
        consumption=Flow(total=Consumption(power=600.0, energy_lifetime=80.0), l1=Consumption(power=200.0)),
        net_consumption=Flow(total=NetConsumption(power=-300.25)),
    )
    rules = replace(having(), measured="consumption")
    site = values(site_of(both(north), rules))
    assert site["consumption/total/power"] == 600.0
    assert site["consumption/total/energy_lifetime"] == 80.0
    assert site["consumption/l1/power"] == 200.0
    assert site["net_consumption/total/power"] == -400.75
    assert "net_consumption/total/energy_imported" not in site


def test_the_time_is_that_of_the_oldest_part() -> None:
    assert site_of(both(), having()).time == SOUTH.time
    assert site_of(both(south=gone(SOUTH)), having()).time == NORTH.time
    assert site_of(both(gone(NORTH), gone(SOUTH)), having()).time == gone(NORTH).time


@pytest.mark.parametrize(
    ("before", "told"),
    [(None, 7700.5), (7000.0, 7700.5), (7701.0, 7701.0), (7700.5 + LARGEST_DIP, 12700.5), (12701.0, 7700.5)],
)
def test_the_energy_used_does_not_fall_because_one_part_was_read_later(before: float | None, told: float) -> None:
    site = steady(site_of(both(), having()), before)
    assert values(site)["consumption/total/energy_lifetime"] == told
    assert values(site)["consumption/total/power"] == 600.75


@pytest.mark.parametrize(
    ("candidates", "named", "chosen"),
    [("1", None, "1"), ("12", None, None), ("12", "2", "2"), ("1", "2", None), ("", None, None)],
)
def test_the_grid_meter_is_the_named_or_the_only_one(candidates: str, named: str | None, chosen: str | None) -> None:
    assert grid_meter(candidates, named) == chosen


@pytest.mark.parametrize(
    ("meters", "total"),
    [
        ({"total-consumption": "enabled", "production": "enabled"}, True),
        ({"total-consumption": "enabled", "net-consumption": "disabled"}, True),
        ({"total-consumption": "enabled", "net-consumption": "enabled"}, False),
        ({"total-consumption": "disabled"}, False),
        ({}, False),
    ],
)
def test_a_ct_measures_the_grid_or_all_consumption(meters: dict[str, str], total: bool) -> None:
    listed = [{"measurement": name, "state": state} for name, state in meters.items()]
    assert measures_total({"meters": listed}) is total


# --- when it is told


@dataclass(slots=True)
class Recorder:
    """A sink that keeps what it is told, in order; `site` is what was told of the site."""

    told: list[tuple[str, Any]] = field(default_factory=list)

    def snapshot(self, snapshot: Snapshot) -> None:
        self.told.append((snapshot.serial, snapshot))

    def availability(self, serial: str, *, online: bool) -> None:
        self.told.append((serial, online))

    def info(self, serial: str, info: Mapping[str, Any]) -> None:
        self.told.append((serial, dict(info)))

    def cloud(self, message: CloudMessage) -> None: ...

    def holdings(self, holdings: Holdings) -> None: ...

    def event(self, event: Event) -> None:
        self.told.append(("event", event))

    def site(self, kind: type) -> list[Any]:
        return [what for serial, what in self.told if serial == "site" and isinstance(what, kind)]

    @property
    def events(self) -> list[Event]:
        return [what for serial, what in self.told if serial == "event"]


def info(*sources: str, ct: str = "net-consumption") -> dict[str, Any]:
    return {"sources": dict.fromkeys(sources, "/x"), "meters": [{"measurement": ct, "state": "enabled"}]}


class House:
    """Gateways that tell a `Site`, and what comes out of it."""

    def __init__(self, size: int = 2, **settings: Any) -> None:
        self.clock = HandClock()
        self.out = Recorder()
        self.site = Site(self.out, SiteSection(**settings), size, self.clock)

    def begin(self, *snapshots: Snapshot, ct: str = "net-consumption") -> None:
        """Gateways come online, in this order."""
        for snapshot in snapshots:
            self.site.info(snapshot.serial, info(*_flows(snapshot), ct=ct))
            self.site.availability(snapshot.serial, online=True)
            self.site.snapshot(snapshot)

    def go(self, snapshot: Snapshot) -> None:
        """A gateway goes offline."""
        self.site.availability(snapshot.serial, online=False)
        self.site.snapshot(gone(snapshot))

    def told(self) -> Snapshot:
        """The newest snapshot of the site."""
        newest: Snapshot = self.out.site(Snapshot)[-1]
        return newest


def _flows(snapshot: Snapshot) -> Sequence[str]:
    return [name for name in snapshot.__struct_fields__ if isinstance(getattr(snapshot, name), Flow)]


def test_everything_is_passed_on_as_it_was() -> None:
    house = House()
    house.begin(NORTH, SOUTH)
    event = Event(level="info", code="gateway_back", message="", source="1", time=1.0)
    house.site.event(event)
    own = [(serial, what) for serial, what in house.out.told if serial != "site"]
    assert own == [
        ("1", info("production", "net_consumption")),
        ("1", True),
        ("1", NORTH),
        ("2", info("production")),
        ("2", True),
        ("2", SOUTH),
        ("event", event),
    ]
    assert own[2][1] is NORTH


@pytest.mark.parametrize(
    ("gateways", "settings"),
    [
        (1, {}),
        (2, {"gateways": ()}),
        (2, {"gateways": ("1",)}),
        (3, {"gateways": ("1", "1")}),
        (1, {"grid_meter": "1"}),
    ],
)
def test_one_gateway_is_no_site(gateways: int, settings: dict[str, Any]) -> None:
    house = House(gateways, **settings)
    house.begin(NORTH)
    if gateways > 1:
        house.begin(SOUTH)
    assert {serial for serial, _ in house.out.told} == ({"1", "2"} if gateways > 1 else {"1"})


def test_the_site_is_told_when_every_gateway_has_told_something() -> None:
    house = House()
    house.begin(NORTH)
    house.site.snapshot(NORTH)
    assert house.out.site(Snapshot) == []
    assert house.out.site(bool) == [False]
    house.begin(SOUTH)
    assert values(house.told())["production/total/power"] == 1000.75
    assert house.out.site(bool) == [False, True]
    assert house.out.site(dict) == [
        {"serial": "site", "gateways": ["1", "2"], "grid_meter": "1", "sums": {"production": ["1", "2"]}}
    ]
    assert [what for serial, what in house.out.told if serial == "site"][-1] is house.told()


def test_the_sums_are_unknown_while_a_gateway_is_away_and_known_again_when_it_is_back() -> None:
    house = House()
    house.begin(NORTH, SOUTH)
    house.go(SOUTH)
    assert "production/total/power" not in values(house.told())
    assert values(house.told())["net_consumption/total/power"] == -400.0
    house.go(NORTH)
    assert values(house.told()) == {}
    house.begin(NORTH, SOUTH)
    assert values(house.told())["consumption/total/power"] == 600.75
    assert house.out.site(bool) == [False, True, False, True]
    assert len(house.out.site(dict)) == 1


def test_what_a_gateway_supplies_but_does_not_know_yet_is_missing_in_the_sum() -> None:
    house = House()
    house.begin(NORTH)
    house.site.info("2", info("production"))
    house.site.availability("2", online=True)
    house.site.snapshot(structs.replace(SOUTH, production=None))
    assert "production/total/power" not in values(house.told())
    house.clock.advance(5)
    house.site.snapshot(SOUTH)
    assert values(house.told())["production/total/power"] == 1000.75


def test_what_a_gateway_had_in_this_run_is_missed_when_it_supplies_it_no_more() -> None:
    house = House()
    house.begin(NORTH, SOUTH)
    house.begin(gone(SOUTH))
    assert "production/total/power" not in values(house.told())


def test_a_gateway_of_another_house_has_no_part_in_it() -> None:
    house = House(3, gateways=("1", "2"))
    other = structs.replace(NORTH, serial="3")
    house.begin(other, NORTH, SOUTH)
    assert values(house.told())["production/total/power"] == 1000.75
    house.go(other)
    assert house.out.site(bool)[-1] is True
    assert house.out.events == []


def test_two_meters_and_no_word_about_them_give_sums_alone_and_one_event() -> None:
    house = House()
    south = structs.replace(SOUTH, net_consumption=GRID_OF_SOUTH)
    for _ in range(3):
        house.begin(NORTH, south)
        house.clock.advance(60)
    assert values(house.told()).keys() == {"production/total/power", "production/total/energy_lifetime"}
    (event,) = house.out.events
    assert (event.level, event.code, event.source, event.time) == (
        "warning",
        "grid_meter_ambiguous",
        "site",
        house.clock.wall() - 180,
    )
    assert '[site] grid_meter = "1" or "2"' in event.message
    assert house.out.site(dict)[-1]["grid_meter"] is None


def test_the_configuration_names_the_meter_at_the_grid() -> None:
    house = House(grid_meter="2")
    house.begin(NORTH, structs.replace(SOUTH, net_consumption=GRID_OF_SOUTH))
    assert values(house.told())["net_consumption/total/power"] == 50.0
    assert values(house.told())["consumption/total/power"] == 1050.75
    assert house.out.events == []


def test_a_named_meter_that_is_none_is_said_once_and_no_other_is_taken() -> None:
    house = House(grid_meter="2")
    for _ in range(2):
        house.begin(NORTH, SOUTH)
    assert house.told().net_consumption is None
    (event,) = house.out.events
    assert event.code == "grid_meter_missing"
    assert event.message.startswith('gateway 2, which [site] grid_meter names, tells no net consumption; name "1"')


def test_without_any_meter_there_is_nothing_to_configure() -> None:
    house = House()
    house.begin(structs.replace(NORTH, net_consumption=None), SOUTH)
    assert house.out.events == []


def test_a_gateway_that_measures_all_consumption_decides_that() -> None:
    house = House()
    north = structs.replace(NORTH, consumption=Flow(total=Consumption(power=600.0)))
    house.begin(SOUTH)
    house.begin(north, ct="total-consumption")
    assert values(house.told())["net_consumption/total/power"] == -400.75
    house.begin(north)
    assert values(house.told())["consumption/total/power"] == 600.75


@pytest.mark.parametrize("source", ["battery.power", "ac_battery.report"])
def test_batteries_that_no_meter_measures_leave_those_of_the_house_unknown(source: str) -> None:
    assert supplied(info("production", source)) == {"production", source, "storage"}
    house = House()
    house.begin(structs.replace(NORTH, storage=Flow(total=Storage(power=-10.0))), SOUTH)
    assert values(house.told())["home/total/power"] == 590.75
    house.site.info("2", info("production", source))
    house.clock.advance(5)
    house.site.snapshot(SOUTH)
    assert values(house.told()).keys() & {"storage/total/power", "home/total/power"} == set()
    assert values(house.told())["consumption/total/power"] == 600.75


def test_the_energy_used_is_held_over_a_reading_that_came_late() -> None:
    house = House()
    house.begin(NORTH, SOUTH)
    exported = NetConsumption(power=-400.0, energy_imported=3000.0, energy_exported=1010.0)
    house.site.snapshot(structs.replace(NORTH, net_consumption=Flow(total=exported)))
    assert values(house.told())["net_consumption/total/energy_exported"] == 1010.0
    assert values(house.told())["consumption/total/energy_lifetime"] == 7700.5
    house.go(SOUTH)
    assert "consumption/total/energy_lifetime" not in values(house.told())
    house.site.availability("2", online=True)
    house.site.snapshot(SOUTH)
    assert values(house.told())["consumption/total/energy_lifetime"] == 7700.5
    house.clock.advance(5)
    house.site.snapshot(_with_energy(SOUTH, 720.5))
    assert values(house.told())["consumption/total/energy_lifetime"] == 7710.5


def _with_energy(snapshot: Snapshot, energy: float) -> Snapshot:
    production = Flow(total=Production(power=100.5, energy_lifetime=energy))
    return structs.replace(snapshot, production=production)


def test_many_gateways_do_not_make_a_snapshot_each() -> None:
    count = 20
    house = House(count)
    crowd = [Snapshot(serial=str(number), time=NOON, production=SOUTH.production) for number in range(count)]
    house.begin(*crowd)
    start = len(house.out.site(Snapshot))
    seconds = 30
    for _ in range(seconds):
        for snapshot in crowd:
            house.clock.advance(1 / count)
            house.site.snapshot(snapshot)
    told = len(house.out.site(Snapshot)) - start
    assert seconds - 2 <= told <= 2 * seconds + 2


def test_the_second_of_two_readings_close_together_is_not_kept_back() -> None:
    house = House()
    house.begin(NORTH, SOUTH)
    house.clock.advance(60)
    house.site.snapshot(_with_energy(NORTH, 6000.0))
    house.site.snapshot(_with_energy(NORTH, 6001.0))  # another endpoint of the same gateway: may wait
    assert values(house.told())["production/total/energy_lifetime"] == 6700.5
    house.clock.advance(0.3)
    house.site.snapshot(_with_energy(SOUTH, 800.0))
    assert values(house.told())["production/total/energy_lifetime"] == 6801.0


def test_a_gateway_that_goes_is_told_at_once() -> None:
    house = House(3)
    house.begin(NORTH, SOUTH, structs.replace(SOUTH, serial="3"))
    house.clock.advance(10)
    house.site.snapshot(NORTH)
    house.go(SOUTH)
    assert "production/total/power" not in values(house.told())


def test_its_topics_are_those_of_a_gateway_named_site() -> None:
    messages: list[Message] = []
    clock = HandClock()
    topics = Topics("envoy", {}, clock, deliver=messages.append, announce=messages.append)
    house = House()
    house.site = Site(topics, SiteSection(), 2, clock)
    house.begin(NORTH, SOUTH)
    latest = {message.topic: message.payload for message in messages if message.topic.startswith("envoy/site/")}
    assert latest["envoy/site/availability"] == b"online"
    assert latest["envoy/site/production/total/power"] == b"1000.75"
    assert latest["envoy/site/net_consumption/l1/voltage"] == b"230"
    assert latest.keys() >= {"envoy/site/state", "envoy/site/updated", "envoy/site/info"}

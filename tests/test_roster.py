"""What there is of a gateway, over restarts; and what is gone."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from disks import make_read_only, small_disk
from handclock import HandClock
from households import FIXTURES, look
from msgspec.structs import replace

from envoy_bridge.gateway.devices.inverter import Inverter
from envoy_bridge.model import Flow, Production, Snapshot
from envoy_bridge.roster import GONE_AFTER, LOOK_EVERY, Roster
from envoy_bridge.sinks.base import CloudMessage, Event, Holdings

NOW = datetime(2026, 6, 21, 10, tzinfo=UTC)


class Told:
    """A sink that notes what it is told, in order."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.held: dict[str, Holdings] = {}

    def snapshot(self, snapshot: Snapshot) -> None:
        self.calls.append(f"snapshot {snapshot.serial}")

    def cloud(self, message: CloudMessage) -> None: ...

    def holdings(self, holdings: Holdings) -> None:
        self.calls.append(f"holdings {holdings.serial}")
        self.held[holdings.serial] = holdings

    def availability(self, serial: str, *, online: bool) -> None:
        self.calls.append(f"{'online' if online else 'offline'} {serial}")

    def info(self, serial: str, info: Mapping[str, Any]) -> None: ...

    def event(self, event: Event) -> None: ...


def seen(*inverters: str, power: float | None = 1.0, serial: str = "1", **production: float) -> Snapshot:
    flow = Flow(total=Production(power=power, **production))
    return Snapshot(
        serial=serial,
        time=NOW,
        production=flow,
        devices={"inverter": {each: Inverter(power=2.0) for each in inverters}},
    )


def house(folder: Path, clock: HandClock) -> tuple[Roster, Told]:
    told = Told()
    return Roster(told, folder, clock), told


def test_it_tells_what_there_is_before_the_values_and_only_when_it_changes(tmp_path: Path) -> None:
    roster, told = house(tmp_path, HandClock())
    for snapshot in (seen("a"), seen("a"), seen("a", "b"), seen("a", "b", energy_lifetime=5.0)):
        roster.snapshot(snapshot)
    assert told.calls == [
        "holdings 1", "snapshot 1", "snapshot 1", "holdings 1", "snapshot 1", "holdings 1", "snapshot 1",
    ]  # fmt: skip
    assert told.held["1"].parts == {
        "production/total": ("power", "energy_lifetime"),
        "inverter/a": ("power",),
        "inverter/b": ("power",),
    }


def test_after_a_start_at_night_everything_is_still_there(tmp_path: Path) -> None:
    clock = HandClock()
    roster, _ = house(tmp_path, clock)
    roster.snapshot(seen("a", "b", energy_lifetime=5.0))
    clock.advance(3600)
    roster, told = house(tmp_path, clock)
    roster.snapshot(Snapshot(serial="1", time=NOW))
    assert list(told.held["1"].parts) == ["production/total", "inverter/a", "inverter/b"]


def days(roster: Roster, clock: HandClock, seconds: float, *inverters: str) -> None:
    """The gateway tells of these inverters for so long."""
    for _ in range(int(seconds / LOOK_EVERY)):
        clock.advance(LOOK_EVERY)
        roster.snapshot(seen(*inverters))


def test_an_inverter_is_gone_when_it_was_not_listed_for_a_day(tmp_path: Path) -> None:
    clock = HandClock()
    roster, told = house(tmp_path, clock)
    roster.snapshot(seen("a", "b"))
    days(roster, clock, GONE_AFTER - 2 * LOOK_EVERY, "a")
    assert "inverter/b" in told.held["1"].parts
    days(roster, clock, 3 * LOOK_EVERY, "a")
    assert list(told.held["1"].parts) == ["production/total", "inverter/a"]
    assert "inverter/b" not in json.loads((tmp_path / "roster" / "1.json").read_text())["parts"]
    roster.snapshot(seen("a", "b"))
    assert "inverter/b" in told.held["1"].parts, "it is back"


def test_a_gateway_that_is_away_for_days_loses_nothing_when_it_is_back(tmp_path: Path) -> None:
    clock = HandClock()
    roster, told = house(tmp_path, clock)
    roster.snapshot(seen("a", "b"))
    for _ in range(3):
        clock.advance(GONE_AFTER)
        roster.snapshot(Snapshot(serial="1", time=NOW))
    days(roster, clock, 300, "a")
    assert "inverter/b" in told.held["1"].parts, "it lists them by and by"
    days(roster, clock, 600, "a")
    assert "inverter/b" not in told.held["1"].parts


def test_a_clock_that_was_wrong_takes_nothing_away(tmp_path: Path) -> None:
    clock = HandClock()
    roster, _ = house(tmp_path, clock)
    roster.snapshot(seen("a", "b"))
    for jump in (-40_000_000.0, 40_000_000.0):
        clock.set_wall(clock.wall() + jump)
        roster, told = house(tmp_path, clock)
        days(roster, clock, 300, "a")
        assert "inverter/b" in told.held["1"].parts


def test_a_quantity_that_nobody_tells_any_more_is_gone_after_a_day(tmp_path: Path) -> None:
    clock = HandClock()
    roster, _ = house(tmp_path, clock)
    roster.snapshot(seen("a", energy_week=7.0))
    roster, told = house(tmp_path, clock)
    roster.snapshot(seen("a"))
    assert list(told.held["1"].parts["production/total"]) == ["power", "energy_week"]
    days(roster, clock, GONE_AFTER + LOOK_EVERY, "a")
    assert list(told.held["1"].parts["production/total"]) == ["power"]


def test_a_period_that_was_turned_off_is_gone_after_a_minute(tmp_path: Path) -> None:
    clock = HandClock()
    roster, _ = house(tmp_path, clock)
    roster.snapshot(seen("a", energy_week=7.0, energy_year=9.0))
    roster = Roster(told := Told(), tmp_path, clock, frozenset({"today", "year"}))
    roster.snapshot(seen("a"))
    assert list(told.held["1"].parts["production/total"]) == ["power", "energy_week", "energy_year"]
    days(roster, clock, 2 * LOOK_EVERY, "a")
    assert list(told.held["1"].parts["production/total"]) == ["power", "energy_year"]


def test_at_a_start_nobody_has_answered_yet(tmp_path: Path) -> None:
    roster, _ = house(tmp_path, HandClock())
    for serial in ("2X", "cloud/tigo/7", "cloud/tigo/8"):
        roster.snapshot(seen("a", serial=serial))
    roster, told = house(tmp_path, HandClock())
    roster.begin(["tigo"])
    assert told.calls == ["offline 2X", "offline cloud/tigo"]


def test_sites_of_a_cloud_that_is_not_asked_any_more_are_told_as_gone_and_forgotten(tmp_path: Path) -> None:
    roster, _ = house(tmp_path, HandClock())
    for serial in ("2X", "cloud/tigo/7", "cloud/locus/7"):
        roster.snapshot(seen("a", serial=serial))
    roster, told = house(tmp_path, HandClock())
    roster.begin(["tigo"])
    assert told.held == {"cloud/locus/7": Holdings(serial="cloud/locus/7", parts={})}
    assert told.calls[-2:] == ["offline 2X", "offline cloud/tigo"]
    roster.only(["2X"])
    assert sorted(path.name for path in (tmp_path / "roster").iterdir()) == ["2x.json", "cloud.tigo.7.json"]


def test_what_a_gateway_counted_today_is_known_while_it_answers(tmp_path: Path) -> None:
    clock = HandClock()
    clock.set_wall(NOW.timestamp())
    roster, _ = house(tmp_path, clock)
    assert roster.energy_today("1") is None
    roster.snapshot(seen("a", energy_today=1200.0))
    clock.advance(600)
    assert roster.energy_today("1") == 1200.0
    clock.advance(600)
    assert roster.energy_today("1") is None
    roster.snapshot(Snapshot(serial="1", time=datetime.fromtimestamp(clock.wall(), UTC)))
    assert roster.energy_today("1") is None


def test_who_is_told_as_gone_is_forgotten(tmp_path: Path) -> None:
    clock = HandClock()
    roster, told = house(tmp_path, clock)
    roster.snapshot(seen("a", serial="cloud/tigo/7"))
    roster.holdings(Holdings(serial="cloud/tigo/7", parts={}))
    assert not list((tmp_path / "roster").iterdir())
    roster.save()
    assert not list((tmp_path / "roster").iterdir())
    roster.snapshot(seen("a", serial="cloud/tigo/7"))
    assert "inverter/a" in told.held["cloud/tigo/7"].parts, "it is back"


def test_a_gateway_that_is_gone_does_no_harm_where_nothing_can_be_removed(tmp_path: Path) -> None:
    with small_disk(tmp_path):
        roster, _ = house(tmp_path, HandClock())
        roster.snapshot(seen("a"))
        make_read_only(tmp_path)
        for _ in range(2):  # and it is told after each start
            roster, told = house(tmp_path, HandClock())
            roster.only(["2"])
            assert told.held["1"].parts == {}


def test_a_gateway_that_is_not_read_any_more_is_told_as_gone_and_forgotten(tmp_path: Path) -> None:
    roster, _ = house(tmp_path, HandClock())
    roster.snapshot(seen("a"))
    roster.snapshot(seen("b", serial="2X"))
    roster, told = house(tmp_path, HandClock())
    roster.only(["1"])
    assert told.calls == ["holdings 2X", "holdings 2X"]
    assert told.held["2X"].parts == {}
    assert [path.name for path in (tmp_path / "roster").iterdir()] == ["1.json"]


def test_what_cannot_be_read_is_learnt_anew(tmp_path: Path) -> None:
    (tmp_path / "roster").mkdir()
    (tmp_path / "roster" / "1.json").write_text("{[")
    roster, told = house(tmp_path, HandClock())
    roster.snapshot(seen("a"))
    assert list(told.held["1"].parts) == ["production/total", "inverter/a"]


def test_what_the_gateway_calls_gone_is_gone_at_once(tmp_path: Path) -> None:
    clock = HandClock()
    roster, told = house(tmp_path, clock)
    roster.snapshot(seen("a", "b"))
    clock.advance(LOOK_EVERY)
    roster.snapshot(replace(seen("a", "b"), gone=frozenset({"inverter/b"})))
    assert "inverter/b" in told.held["1"].parts, "it is still listed"
    clock.advance(LOOK_EVERY)
    roster.snapshot(replace(seen("a"), gone=frozenset({"inverter/b"})))
    assert list(told.held["1"].parts) == ["production/total", "inverter/a"]


def test_gateways_say_which_inverters_were_taken_down() -> None:
    removed = look(FIXTURES / "d8_3_removed_inverters.har").snapshot
    assert removed.gone == {f"inverter/{serial}" for serial in ("482202025899", "482202025900", "482202025901")}
    assert not removed.gone & {f"inverter/{serial}" for serial in removed.devices["inverter"]}


def test_a_gateway_that_tells_nothing_yet_is_not_gone(tmp_path: Path) -> None:
    roster, told = house(tmp_path, HandClock())
    roster.snapshot(Snapshot(serial="1", time=NOW))
    assert told.calls == ["snapshot 1"]

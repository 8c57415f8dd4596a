"""Counters of a whole gateway: through faults, midnights and ends of the program that nobody planned."""

import asyncio
import math
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from handclock import HandClock, Hands
from households import FIXTURES, Seen, _look
from msgspec.structs import replace

from envoy_bridge.catalog import points
from envoy_bridge.counters.keeper import Keeper
from envoy_bridge.counters.store import load, place
from envoy_bridge.gateway.devices.network import Network
from envoy_bridge.model import Flow, Production, Snapshot
from envoy_bridge.simulator.har import Recording

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC).timestamp()
ROLLOVER = 2**32 / 3600
HOUSE = "d8_2_split_battery"
COUNTER = "production/total/energy_lifetime"


def seen() -> Seen:
    return asyncio.run(_look(Recording.from_har(FIXTURES / f"{HOUSE}.har"), ()))


SEEN = seen()


class Desk:
    """A keeper whose gateway says what the test wants."""

    def __init__(self, folder: Path, clock: HandClock) -> None:
        self.folder, self.clock = folder, clock
        self.events: list[tuple[str, str]] = []
        self.restart()

    def restart(self, *periods: str) -> None:
        """As after a kill: nothing of the former keeper was saved beyond what is on disk."""
        told = frozenset({"today", *periods})
        self.keeper = Keeper(self.folder, "1", self.clock, lambda _, code, text: self.events.append((code, text)), told)

    def says(self, energy: float | None, *, seconds: float = 5.0) -> dict[str, Any]:
        """What is published after so many more seconds, when the gateway says this lifetime energy."""
        self.clock.advance(seconds)
        flow = Flow(total=Production(power=900.0, voltage=230.0, energy_lifetime=energy))
        time = datetime.fromtimestamp(self.clock.wall(), UTC)
        kept = self.keeper.keep(replace(SEEN.snapshot, time=time, production=flow, consumption=None), SEEN.plan)
        assert kept.production is not None
        return {"now": kept.production.total, "raw": kept.raw.get(COUNTER), "estimated": kept.estimated}


def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, HandClock(hands=Hands(NOON)))


def lifetime(told: dict[str, Any]) -> float:
    energy: float = told["now"].energy_lifetime
    return energy


def test_a_rollover_is_carried_on_and_told_once(tmp_path: Path) -> None:
    house = desk(tmp_path)
    assert lifetime(house.says(1_200_000.0)) == 1_200_000
    told = house.says(1_200_001.0 - ROLLOVER)
    assert abs(lifetime(told) - 1_200_001) < 0.01
    assert told["raw"] == 1_200_001.0 - ROLLOVER, "what the gateway said stands beside it"
    house.says(1_200_002.0 - ROLLOVER)
    assert [code for code, _ in house.events] == ["counter_carried"]
    house.restart()
    assert abs(lifetime(house.says(1_200_003.0 - ROLLOVER)) - 1_200_003) < 0.01, "it was written at once"


def test_a_repair_of_an_inverter_is_on_disk_before_it_is_told(tmp_path: Path) -> None:
    house, path = desk(tmp_path), "inverter/482202015001/energy_lifetime"
    inverters = SEEN.snapshot.devices["inverter"]
    for energy in (1_300_000.0, 1_300_000.0 - ROLLOVER):
        house.clock.advance(300)
        member = replace(inverters["482202015001"], energy_lifetime=energy, last_report=None)
        house.keeper.keep(replace(SEEN.snapshot, devices={"inverter": {"482202015001": member}}), SEEN.plan)
    assert [code for code, _ in house.events] == ["counter_carried"]
    kept = load(place(tmp_path, "1")).counters[path]
    assert kept.line.offset > 1_000_000


def test_a_zero_is_held_and_comes_back(tmp_path: Path) -> None:
    house = desk(tmp_path)
    house.says(5000.0)
    assert lifetime(house.says(0.0)) == 5000
    assert lifetime(house.says(5003.0)) == 5003
    assert [code for code, _ in house.events] == ["counter_held", "counter_resumed"]


def test_what_is_on_disk_may_be_old_and_nothing_falls(tmp_path: Path) -> None:
    house = desk(tmp_path)
    house.says(5000.0)
    house.keeper.save()
    for step in range(1, 30):
        house.says(5000.0 + step)
    house.restart()
    assert not house.keeper.clean
    house.keeper.stand({COUNTER: 5029.0})
    assert lifetime(house.says(5030.0)) == 5030
    house.keeper.save(clean=True)
    house.restart()
    assert house.keeper.clean


def test_without_a_file_the_broker_says_where_subscribers_stand(tmp_path: Path) -> None:
    house = desk(tmp_path)
    house.says(1_200_000.0)
    house.says(100.0 + 1_200_000 - ROLLOVER, seconds=600)
    place(tmp_path, "1").unlink()
    house.restart()
    house.keeper.stand({COUNTER: 1_200_100.0})
    assert lifetime(house.says(110.0 + 1_200_000 - ROLLOVER, seconds=60)) >= 1_200_100


def test_today_begins_at_the_gateways_midnight(tmp_path: Path) -> None:
    house = desk(tmp_path)
    first = house.says(5000.0)
    assert first["now"].energy_today == 0
    assert COUNTER in first["estimated"], "what came before is not known"
    for _ in range(24 * 12):
        lifetime_now = 5000.0 + (house.clock.wall() - NOON) / 3600 * 100
        told = house.says(lifetime_now, seconds=300)
    assert 0 < told["now"].energy_today < 2400
    assert COUNTER not in told["estimated"]


def test_today_does_not_fall_at_a_restart_before_the_gateway_tells_its_zone(tmp_path: Path) -> None:
    """It tells it on a page that is asked by and by; until then its days begin where they did."""
    house = desk(tmp_path)

    def today(energy: float, *, zone: str | None) -> float:
        house.clock.advance(60)
        network = {} if zone is None else {"network": {"": Network(time_zone=zone)}}
        flow = Flow(total=Production(energy_lifetime=energy))
        kept = house.keeper.keep(replace(SEEN.snapshot, production=flow, consumption=None, devices=network), SEEN.plan)
        assert kept.production is not None
        assert kept.production.total is not None
        assert kept.production.total.energy_today is not None
        return kept.production.total.energy_today

    assert today(1000.0, zone="Asia/Tokyo") == 0
    assert today(1100.0, zone="Asia/Tokyo") == 100
    house.restart()  # killed: what it began with is on disk all the same
    assert today(1110.0, zone=None) == 110
    assert today(1120.0, zone="Asia/Tokyo") == 120
    assert today(1130.0, zone=None) == 130, "the page was not answered for an hour"


def test_a_torn_file_is_like_none(tmp_path: Path) -> None:
    file = place(tmp_path, "1")
    file.parent.mkdir()
    for content in (b"", b"{", b"[]", b'{"counters": {"x": 1}}', b"\xff\xfe"):
        file.write_bytes(content)
        assert load(file).counters == {}
    assert lifetime(desk(tmp_path).says(5000.0)) == 5000


def test_a_person_settles_a_jump(tmp_path: Path) -> None:
    house = desk(tmp_path)
    house.says(5_000_000.0)
    today = house.says(5_000_010.0)["now"].energy_today
    assert lifetime(house.says(12_000_000.0)) == 5_000_010, "seven megawatt-hours in five seconds are held"
    assert house.keeper.counters()[COUNTER].held
    house.keeper.settle(COUNTER, "reset")
    told = house.says(12_000_001.0)
    assert abs(lifetime(told) - 5_000_011) < 1.1
    assert abs(told["now"].energy_today - today) < 2, "a step by hand is not energy of today"


def test_only_what_is_known_is_estimated(tmp_path: Path) -> None:
    house = desk(tmp_path)
    known = {path for path, value, _ in points(SEEN.snapshot) if isinstance(value, float)}
    assert {path for path in house.says(5000.0)["estimated"] if path != COUNTER} <= {path.lower() for path in known}


def test_derived_and_missing_flows_pass(tmp_path: Path) -> None:
    house = desk(tmp_path)
    empty = Snapshot(serial="1", time=datetime.fromtimestamp(NOON, UTC))
    kept = house.keeper.keep(empty, SEEN.plan)
    assert kept.production is None
    assert kept.raw == {}


def test_week_month_and_year_are_counted_always_and_told_on_request(tmp_path: Path) -> None:
    house = desk(tmp_path)
    house.says(5000.0)
    assert house.says(5010.0)["now"].energy_week is None
    house.keeper.save()
    house.restart("week", "year")
    now = house.says(5020.0)["now"]
    assert (now.energy_week, now.energy_month, now.energy_year) == (20, None, 20)


@pytest.mark.parametrize("seed", [2, 6, 7])
def test_two_days_of_faults_and_kills_lose_and_invent_nothing(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - the same days each time
    house, truth, rolled, told = desk(tmp_path), 6_000_000.0, 0.0, 0.0
    fault, until = "", 0
    for minute in range(2 * 1440):
        hour = house.clock.wall() / 3600 % 24
        truth = round(truth + max(0.0, math.sin((hour - 6) / 12 * math.pi)) * 2000 / 60, 3)
        if not fault and dice.random() < 0.006:
            fault, until = dice.choice(["zero", "half", "jump", "rollover", "missing", "other", "kill"]), minute + 20
            if fault == "rollover":
                rolled, fault = rolled + ROLLOVER, ""
            elif fault == "kill":
                house.restart()
                house.keeper.stand({COUNTER: told})
                fault = ""
        raw = truth - rolled
        says = {"zero": 0.0, "half": raw / 2, "jump": raw + 6.78e6, "missing": None, "other": 0.3 * raw}.get(fault, raw)
        published = house.says(says, seconds=60)["now"].energy_lifetime
        if published is not None:
            assert published >= told, "nothing falls"
            assert fault or abs(published - truth) < 0.01, "nothing is held, lost or invented once a fault is over"
            told = published
        if minute >= until:
            fault = ""
    assert len(house.events) > 4

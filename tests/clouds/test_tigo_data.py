"""What the client of Tigo tells, over real HTTP against the simulated cloud."""

from datetime import UTC, date, datetime, timedelta

import pytest
from clouds.tigo_account import NOON, PANELS, account

from envoy_bridge.clouds.errors import UnusableAnswer
from envoy_bridge.clouds.report import Sample
from envoy_bridge.simulator.clouds.tigo_house import TigoSystem
from envoy_bridge.simulator.faults import Answer


def latest(samples: list[Sample], quantity: str) -> dict[str, Sample]:
    return {each.part: each for each in samples if each.kind == "instant" and each.quantity == quantity}


def intervals(samples: list[Sample]) -> list[tuple[str, datetime | None, datetime]]:
    return [(each.part, each.start, each.end) for each in samples if each.kind == "interval"]


async def test_summary() -> None:
    async with account() as here:
        await here.learn()

        found = {each.quantity: each for each in await here.samples("summary 1")}

        system = here.cloud.systems[1]
        until = NOON.astimezone(UTC).replace(second=0)
        assert found["power_dc"].value == pytest.approx(system.watts(1, until), abs=0.01)
        assert found["energy_today_dc"].day == date(2026, 6, 10)
        assert found["energy_today_dc"].value == pytest.approx(system.energy(1, system.midnight(NOON.date()), until))
        assert found["energy_lifetime_dc"].kind == "counter"
        assert {each.part for each in found.values()} == {"site"}
        assert {each.end for each in found.values()} == {until}


async def test_panels() -> None:
    async with account() as here:
        here.cloud.lag = 450.0
        await here.learn()
        system = here.cloud.systems[1]

        last = NOON.astimezone(UTC).replace(second=0) - timedelta(minutes=9)
        for key, param, quantity in (
            ("panel Pin 1", "Pin", "power_dc"),
            ("panel Vin 1", "Vin", "voltage_dc"),
            ("panel Iin 1", "Iin", "current_dc"),
            ("panel RSSI 1", "RSSI", "signal"),
        ):
            found = await here.samples(key)
            newest = latest(found, quantity)
            assert set(newest) == PANELS
            assert {each.end for each in newest.values()} == {last}
            assert newest["panel-4"].value == pytest.approx(system.of_panel(4, param, last), rel=1e-4)
            assert len(intervals(found)) == len(set(intervals(found))) == 5 * 111
        assert len(here.cloud.asked("data/aggregate")) == 4
        (pin, *_) = here.cloud.asked("data/aggregate")
        assert "param=Pin&header=id&sensors=false&object_ids=3,4,5,7,8&level=min" in pin
        assert "start=2026-06-10T10:30:19&end=2026-06-10T12:35:19" in pin


async def test_strings_have_the_power_of_their_panels() -> None:
    async with account() as here:
        await here.learn()
        panels = latest(await here.samples("panel Pin 1"), "power_dc")

        strings = latest(await here.samples("strings 1"), "power_dc")

        assert set(strings) == {"string-2", "string-6"}
        of_string = sum(float(str(panels[part].value)) for part in ("panel-3", "panel-4", "panel-5"))
        assert strings["string-2"].value == pytest.approx(of_string, rel=1e-4)


async def test_a_panel_that_falls_silent_keeps_its_last_value_and_takes_no_others() -> None:
    for shifting in (True, False):
        async with account() as here:
            await here.learn()
            gone = NOON.astimezone(UTC).replace(second=0) - timedelta(minutes=30)
            here.cloud.shifting = shifting
            here.cloud.systems[1].silent[4] = gone

            newest = latest(await here.samples("panel Vin 1"), "voltage_dc")

            assert {part: each.value for part, each in newest.items()} == {
                f"panel-{number}": 30 + number for number in (3, 4, 5, 7, 8)
            }
            assert newest["panel-4"].end == gone - timedelta(minutes=1)


async def test_where_a_short_time_is_empty_more_is_asked_but_not_each_time() -> None:
    async with account() as here:
        await here.learn()
        here.cloud.patient = False

        assert set(latest(await here.samples("panel Pin 1"), "power_dc")) == PANELS
        assert len(here.cloud.asked("data/aggregate")) == 2
        here.clock.advance(300)
        assert await here.samples("panel Pin 1") == []
        assert len(here.cloud.asked("data/aggregate")) == 3


async def test_hours_and_days() -> None:
    async with account() as here:
        await here.learn()
        system = here.cloud.systems[1]

        hours = {(each.part, each.start): each for each in await here.samples("hours 1")}
        days = {(each.part, each.day): each for each in await here.samples("days 1")}

        eleven = datetime.fromisoformat("2026-06-10T11:00:00-07:00").astimezone(UTC)
        until = eleven + timedelta(hours=1)
        assert hours["site", eleven].value == pytest.approx(system.energy(1, eleven, until), rel=1e-4)
        assert hours["panel-3", eleven].quantity == "energy_dc"
        assert [hours["site", eleven + timedelta(hours=n)].quality for n in (-1, 0, 1)] == ["ok", "partial", "partial"]
        yesterday = days["site", date(2026, 6, 9)]
        assert (yesterday.quality, yesterday.quantity) == ("ok", "energy_today_dc")
        assert yesterday.value == pytest.approx(
            system.energy(1, system.midnight(date(2026, 6, 9)), system.midnight(date(2026, 6, 10))), rel=1e-4
        )
        assert ("site", date(2026, 6, 10)) not in days
        assert days["panel-3", date(2026, 6, 10)].quality == "partial"
        assert min(day for _, day in days if day) == date(2026, 6, 6)


async def test_many_panels_are_asked_for_in_parts() -> None:
    async with account() as here:
        here.cloud.systems[1] = TigoSystem(1, "America/Los_Angeles", here.cloud.now(), strings={"A": 150, "B": 60})
        here.clock.advance(600)
        await here.learn()

        assert len(latest(await here.samples("panel Vin 1"), "voltage_dc")) == 210
        assert len(here.cloud.asked("data/aggregate")) == 3
        assert max(map(len, here.cloud.asked("data/aggregate"))) < 1000


async def test_alerts_of_some_days_without_html() -> None:
    async with account() as here:
        await here.learn()
        for number, added in enumerate(("2026-06-01", "2026-06-05", "2026-06-10"), 1):
            here.cloud.alerts.append(
                {
                    "alert_id": number,
                    "added": f"{added}T09:09:05-07:00",
                    "generated": f"{added}T09:08:20-07:00",
                    "system_id": 1,
                    "unique_id": 106,
                    "title": "Tigo Alert: <b>String</b> Shutdown",
                    "description": "<p>HTML</p>",
                }
            )
        here.cloud.page = 1

        (report,) = await here.run("alerts 1")

        assert [alert.id for alert in report.alerts or ()] == ["2", "3"]
        assert {alert.title for alert in report.alerts or ()} == {"Tigo Alert: String Shutdown"}
        assert "HTML" not in repr(report)


async def test_no_alerts_are_a_list_without_any() -> None:
    async with account() as here:
        await here.learn()

        (report,) = await here.run("alerts 1")

        assert report.alerts == ()


async def test_the_words_for_a_level_are_learnt_once() -> None:
    async with account() as here:
        await here.learn()
        here.cloud.words = {"data/aggregate": "agg", "data/combined": "agg"}

        for _ in range(2):
            assert latest(await here.samples("panel Pin 1"), "power_dc")
            assert latest(await here.samples("strings 1"), "power_dc")

        for path in ("data/aggregate", "data/combined"):
            assert ["agg=" in asked for asked in here.cloud.asked(path)] == [False, True, True]


async def test_a_request_that_is_refused_either_way_is_not_asked_twice_once_the_word_is_known() -> None:
    async with account() as here:
        await here.learn()
        await here.run("panel Pin 1")
        here.cloud.faults["/api/v3/data/aggregate"] = Answer(b'{"message": "The range is too large."}', 400)

        with pytest.raises(UnusableAnswer, match="too large"):
            await here.run("panel Pin 1")

        assert len(here.cloud.asked("data/aggregate")) == 2

"""From what a cloud tells to the sinks: the newest values, the history, alerts, and what the gateway counted."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clouds.cloud_recorder import Recorder
from handclock import HandClock
from waiting import until

from envoy_bridge.clouds.parts import Measured
from envoy_bridge.clouds.presence import COUNTED, GONE_AFTER
from envoy_bridge.clouds.publish import COMPARABLE, KEEP_EVERY, Publisher
from envoy_bridge.clouds.report import Alert, CloudDevice, Sample, SiteReport
from envoy_bridge.errors import StateError

PLACE = "cloud/tigo/15"
NOON = datetime(2026, 8, 1, 10, tzinfo=UTC)  # in Vienna
CADENCE = 300.0


@pytest.fixture
def clock() -> HandClock:
    clock = HandClock(speed=1000)
    clock.set_wall(NOON.timestamp())
    return clock


@pytest.fixture
def sink() -> Recorder:
    return Recorder()


@pytest.fixture
def publisher(tmp_path: Path, sink: Recorder, clock: HandClock) -> Publisher:
    return Publisher("tigo", sink, tmp_path, clock)


def at(clock: HandClock) -> datetime:
    return datetime.fromtimestamp(clock.wall(), UTC)


def sample(quantity: str, value: Any, end: datetime, part: str = "site", **fields: Any) -> Sample:
    return Sample(part=part, quantity=quantity, value=value, end=end, **fields)


def interval(number: int, value: float = 1.0, **fields: Any) -> Sample:
    """The n-th five minutes of the day."""
    start = datetime(2026, 8, 1, tzinfo=UTC) + timedelta(minutes=5 * number)
    given: dict[str, Any] = {"kind": "interval", "granularity": 300.0, "start": start}
    return sample("power_dc", value, start + timedelta(minutes=5), "panel-1", **(given | fields))


def day(number: int, value: float, *, end: datetime | None = None, **fields: Any) -> Sample:
    """A day of August in Vienna."""
    start = datetime(2026, 7, 31, 22, tzinfo=UTC) + timedelta(days=number - 1)
    stop = end or start + timedelta(days=1)
    return sample("energy_today", value, stop, start=start, kind="daily", day=date(2026, 8, number), **fields)


def report(*samples: Sample, **fields: Any) -> SiteReport:
    return SiteReport(**({"site": "15", "zone": "Europe/Vienna", "samples": samples} | fields))


@asynccontextmanager
async def courier(publisher: Publisher) -> AsyncIterator[None]:
    """The history is on its way."""
    task = asyncio.create_task(publisher.courier.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        publisher.sent.close()


async def test_the_newest_value_of_each_quantity_is_told(
    publisher: Publisher, sink: Recorder, clock: HandClock
) -> None:
    old = at(clock) - timedelta(minutes=5)
    await publisher.publish([report(sample("power", 1000, at(clock)), sample("soc", 55.5, old))], CADENCE)
    await publisher.publish([report(sample("power", 900, old), sample("soc", 56, at(clock)))], CADENCE)
    assert sink.values(PLACE) == {"power": 1000.0, "soc": 56.0}
    assert isinstance(sink.values(PLACE)["power"], float)
    assert sink.snapshots[PLACE].time == NOON
    assert sink.snapshots[PLACE].cloud["site"] == Measured(power=1000.0, soc=56.0, measured=at(clock))


async def test_values_of_all_kinds_and_parts(publisher: Publisher, sink: Recorder, clock: HandClock) -> None:
    now = at(clock)
    devices = (CloudDevice(kind="panel", id="9"), CloudDevice(kind="panel", id="1"))
    values = (
        sample("status", "normal", now),
        sample("last_report", NOON - timedelta(hours=1), now, "panel-1"),
        sample("energy_lifetime", 21.6000003814, now, kind="counter"),
        sample("power_dc", -0.0, now, "panel-9"),
        sample("power_dc", float("nan"), now, "panel-1"),
        sample("no_such_quantity", 1.0, now),
        sample("voltage", 230.0, now, quality="stale"),
    )
    await publisher.publish([report(*values, devices=devices)], CADENCE)
    assert list(sink.snapshots[PLACE].cloud) == ["site", "panel-9", "panel-1"]
    assert sink.values(PLACE) == {"status": "normal", "energy_lifetime": 21.6}
    assert sink.values(PLACE, "panel-1") == {"last_report": NOON - timedelta(hours=1)}
    assert str(sink.values(PLACE, "panel-9")["power_dc"]) == "0.0"


async def test_a_value_of_the_moment_is_unknown_when_it_is_too_old(
    publisher: Publisher, sink: Recorder, clock: HandClock
) -> None:
    now = at(clock)
    power, energy = sample("power", 1000.0, now), sample("energy_lifetime", 5e6, now, kind="counter")
    await publisher.publish([report(power, energy)], CADENCE)
    await publisher.publish([report(sample("soc", 50.0, now))], 7200.0)
    clock.advance(3599)
    publisher.refresh()
    assert sink.values(PLACE) == {"power": 1000.0, "energy_lifetime": 5e6, "soc": 50.0}
    clock.advance(1)
    publisher.refresh()
    assert sink.values(PLACE) == {"energy_lifetime": 5e6, "soc": 50.0}
    clock.advance(5 * 3600)
    publisher.refresh()
    assert sink.values(PLACE) == {"energy_lifetime": 5e6}
    clock.advance(365 * 86400)
    publisher.refresh()
    assert sink.values(PLACE) == {"energy_lifetime": 5e6}


async def test_what_lags_behind_more_than_that_was_never_known(
    publisher: Publisher, sink: Recorder, clock: HandClock
) -> None:
    await publisher.publish([report(sample("power", 1000.0, at(clock) - timedelta(hours=6)))], CADENCE)
    assert sink.values(PLACE) == {}


async def test_values_are_told_again_before_a_broker_forgets_them(
    publisher: Publisher, sink: Recorder, clock: HandClock
) -> None:
    await publisher.publish([report(sample("power", 1000.0, at(clock)))], CADENCE)
    told = sink.told
    publisher.refresh()
    assert sink.told == told
    clock.advance(240)
    publisher.refresh()
    assert sink.told == told + 1


async def test_what_happened_today_is_over_at_midnight_of_the_site(
    publisher: Publisher, sink: Recorder, clock: HandClock
) -> None:
    await publisher.publish([report(day(1, 5000.0, end=NOON))], CADENCE)
    assert sink.values(PLACE) == {"energy_today": 5000.0}
    clock.set_wall(datetime(2026, 8, 1, 21, 59, tzinfo=UTC).timestamp())
    publisher.refresh()
    assert sink.values(PLACE) == {"energy_today": 5000.0}
    clock.advance(60)
    publisher.refresh()
    assert sink.values(PLACE) == {}


async def test_a_sample_from_the_future_does_not_keep_newer_ones_away(
    publisher: Publisher, sink: Recorder, clock: HandClock
) -> None:
    await publisher.publish([report(sample("power", 1.0, at(clock) + timedelta(days=1)))], CADENCE)
    clock.advance(60)
    await publisher.publish([report(sample("power", 2.0, at(clock)))], CADENCE)
    assert sink.values(PLACE) == {"power": 2.0}


async def test_what_the_vendor_no_longer_lists_is_gone(publisher: Publisher, sink: Recorder, clock: HandClock) -> None:
    devices = tuple(CloudDevice(kind="panel", id=str(number)) for number in (1, 2))
    now = at(clock)
    powers = [sample("power_dc", 5.0, now, device.part) for device in devices]
    await publisher.publish([report(*powers, devices=devices)], CADENCE)
    await publisher.publish([report(sample("power", 5.0, now))], CADENCE)
    assert set(sink.snapshots[PLACE].cloud) == {"site", "panel-1", "panel-2"}
    await publisher.publish([report(devices=devices[:1])], CADENCE)
    assert set(sink.snapshots[PLACE].cloud) == {"site", "panel-1"}


async def test_info_tells_the_tree_and_nothing_personal(publisher: Publisher, sink: Recorder) -> None:
    devices = (
        CloudDevice(kind="string", id="A", label="<b>String</b> A"),
        CloudDevice(kind="panel", id="A1", parent="string-a", serial="0107", model="TS4", label="jane@example.org"),
    )
    await publisher.publish([report(devices=devices, serials=("010731000003",))], CADENCE)
    info = sink.infos[PLACE]
    assert (info["provider"], info["site"], info["zone"]) == ("tigo", "15", "Europe/Vienna")
    assert info["serials"] == ["010731000003"]
    assert [(each["part"], each["parent"], each["label"], each["model"]) for each in info["devices"]] == [
        ("string-a", None, "String A", None),
        ("panel-a1", "string-a", None, "TS4"),
    ]
    json.dumps(info)


async def test_intervals_and_days_that_are_over_go_to_the_history_once(publisher: Publisher, sink: Recorder) -> None:
    async with courier(publisher):
        told = report(
            interval(0, 1.0),
            interval(1, 2.0),
            interval(2, 3.0, quality="partial"),
            interval(200),  # is still to come
            day(1, 5000.0, end=NOON),  # today
        )
        yesterday = sample(
            "energy_today", 7e3, NOON, start=NOON - timedelta(days=1), kind="daily", day=date(2026, 7, 31)
        )
        await publisher.publish([told, report(yesterday)], CADENCE)
        await until(lambda: len(sink.history) == 3)
        await publisher.publish([told, report(yesterday, interval(2, 4.0))], CADENCE)
        await until(lambda: len(sink.history) == 4)
        await asyncio.sleep(0.05)
    assert sink.values(PLACE) == {"energy_today": 5000.0}
    assert {message.topic for message in sink.messages} == {f"{PLACE}/history"}
    assert not any(message.retain for message in sink.messages)
    assert [(row["quantity"], row["value"]) for row in sink.history] == [
        ("power_dc", 1.0),
        ("power_dc", 2.0),
        ("energy_today", 7000.0),
        ("power_dc", 4.0),
    ]


async def test_history_waits_for_the_broker_over_restarts(tmp_path: Path, sink: Recorder, clock: HandClock) -> None:
    sink.away = True
    first = Publisher("tigo", sink, tmp_path, clock)
    async with courier(first):
        for number in range(30):
            await first.publish([report(interval(number, float(number)))], CADENCE)
        await until(lambda: len(sink.outbox) == 10)
        await asyncio.sleep(0.02)
        assert len(sink.outbox) == 10
    sink.outbox.clear()  # it ends with the program
    second = Publisher("tigo", sink, tmp_path, clock)
    async with courier(second):
        await until(lambda: len(sink.outbox) == 10)
        sink.comes_back(took=False)  # the connection broke before it answered
        async with asyncio.timeout(5):
            await second.courier.flush()
    assert [row["value"] for row in sorted(sink.history, key=lambda row: row["start"])] == list(range(30))


async def test_history_is_not_lost_while_the_disk_is_away(
    tmp_path: Path, sink: Recorder, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "clouds"
    folder.write_text("in the way")
    publisher = Publisher("tigo", sink, folder, clock)
    with caplog.at_level(logging.WARNING):
        await publisher.publish([report(interval(0))], CADENCE)
        await publisher.publish([report()], 2 * KEEP_EVERY)
    assert [caplog.text.count(what) for what in ("history_not_kept", "cloud_sites_not_kept")] == [1, 1]
    with pytest.raises(StateError):
        await publisher.history([report(interval(5))])
    folder.unlink()
    async with courier(publisher):
        await publisher.publish([report(interval(1))], CADENCE)
        await until(lambda: len(sink.history) == 2)


async def test_the_past_leaves_the_newest_values_alone(publisher: Publisher, sink: Recorder, clock: HandClock) -> None:
    await publisher.publish([report(sample("power", 5.0, at(clock)))], CADENCE)
    told = sink.told
    async with courier(publisher):
        await publisher.history([report(interval(0), sample("power", 9.0, at(clock)))])
        await until(lambda: len(sink.history) == 1)
    assert sink.told == told


async def test_without_a_time_zone_a_day_is_over_when_it_is_whole(
    publisher: Publisher, sink: Recorder, clock: HandClock
) -> None:
    async with courier(publisher):
        clock.set_wall(datetime(2026, 8, 3, 12, tzinfo=UTC).timestamp())
        so_far = day(3, 100.0, end=at(clock))
        await publisher.publish([report(day(1, 5000.0), so_far, zone=None)], CADENCE)
        await until(lambda: sink.history)
    assert [row["day"] for row in sink.history] == ["2026-08-01"]
    assert sink.values(PLACE) == {"energy_today": 100.0}


async def test_what_was_known_is_known_after_a_restart(tmp_path: Path, sink: Recorder, clock: HandClock) -> None:
    first = Publisher("tigo", sink, tmp_path, clock)
    alert = Alert(id="7", part="panel-1", code="x", severity="low", title="Panel 1 is dark")
    values = (sample("power", 5.0, at(clock)), sample("last_report", NOON, at(clock)))
    await first.publish([report(*values, serials=("0107",), alerts=(alert,))], CADENCE)
    first.stop()
    again = Recorder()
    second = Publisher("tigo", again, tmp_path, clock)
    await second.start()
    assert again.values(PLACE) == {"power": 5.0, "last_report": NOON}
    assert again.infos == sink.infos
    assert again.retained == sink.retained
    assert [zone.key for zone in second.zones] == ["Europe/Vienna"]
    await second.publish([report(alerts=(alert,))], CADENCE)
    assert again.events == []
    second.stop()


async def test_a_time_zone_that_no_longer_exists_is_not_known(tmp_path: Path, sink: Recorder, clock: HandClock) -> None:
    first = Publisher("tigo", sink, tmp_path, clock)
    await first.publish([report(day(1, 100.0, end=at(clock)))], CADENCE)
    first.stop()
    kept = tmp_path / "tigo.sites.json"
    kept.write_text(kept.read_text().replace("Europe/Vienna", "Europe/Vindobona"))
    second = Publisher("tigo", sink, tmp_path, clock)
    await second.start()
    assert [zone.key for zone in second.zones] == []
    await second.publish([report()], CADENCE)
    assert [zone.key for zone in second.zones] == ["Europe/Vienna"]
    second.stop()


async def test_only_the_sites_that_were_chosen(tmp_path: Path, sink: Recorder, clock: HandClock) -> None:
    publisher = Publisher("tigo", sink, tmp_path, clock, sites=["Site 15"])
    power = sample("power", 5.0, at(clock))
    await publisher.publish([report(power, site="Site 15"), report(power, site="16")], CADENCE)
    assert set(sink.snapshots) == {"cloud/tigo/site_15"}


async def test_a_site_that_is_not_wanted_any_more_is_gone(tmp_path: Path, sink: Recorder, clock: HandClock) -> None:
    first = Publisher("tigo", sink, tmp_path, clock)
    await first.publish([report(site="15"), report(site="16")], CADENCE)
    first.stop()
    again = Recorder()
    second = Publisher("tigo", again, tmp_path, clock, sites=["16"])
    await second.start()
    assert again.gone == [PLACE]
    assert set(again.snapshots) == {"cloud/tigo/16"}
    second.stop()


async def test_a_site_that_the_account_has_lost_is_gone_after_two_days(
    tmp_path: Path, sink: Recorder, clock: HandClock
) -> None:
    first = Publisher("tigo", sink, tmp_path, clock)
    await first.publish([report(site="15"), report(site="16")], CADENCE)
    first.stop()
    clock.advance(30 * GONE_AFTER)  # turned off: that says nothing
    publisher = Publisher("tigo", sink, tmp_path, clock)
    await publisher.start()
    for _ in range(2):
        clock.advance(GONE_AFTER)  # nor does a cloud that is away
        await publisher.publish([], CADENCE)
    await publisher.publish([report(site="16")], CADENCE)
    clock.advance(GONE_AFTER)
    await publisher.publish([report(site="16")], CADENCE)  # or has only now come back
    for _ in range(int(GONE_AFTER / COUNTED) - 1):
        assert sink.gone == []
        clock.advance(COUNTED)
        await publisher.publish([report(site="16")], CADENCE)
    assert sink.gone == [PLACE]
    told = sink.told
    clock.advance(CADENCE)
    publisher.refresh()
    assert sink.told == told + 1
    await publisher.publish([report()], CADENCE)
    assert (sink.snapshots[PLACE].serial, sink.retained[f"{PLACE}/alerts"]) == (PLACE, []), "it is back"
    publisher.stop()


async def test_alerts_are_told_once_and_shown_as_long_as_they_are_open(publisher: Publisher, sink: Recorder) -> None:
    def alert(number: int, severity: str, **fields: Any) -> Alert:
        return Alert(
            id=str(number),
            part="panel-1",
            code="PV-Off",
            severity=severity,
            title=f"Alert {number}",
            opened=NOON + timedelta(minutes=number),
            **fields,
        )

    open_ones = (alert(1, "High"), alert(2, "Medium"), alert(3, "info"), alert(4, "High", closed=NOON))
    await publisher.publish([report(alerts=open_ones)], CADENCE)
    await publisher.publish([report(alerts=open_ones), report()], CADENCE)
    assert [(event.level, event.code, event.message, event.source) for event in sink.events] == [
        ("error", "cloud_alert", "panel-1: Alert 1", PLACE),
        ("warning", "cloud_alert", "panel-1: Alert 2", PLACE),
        ("info", "cloud_alert", "panel-1: Alert 3", PLACE),
    ]
    shown = sink.retained[f"{PLACE}/alerts"]
    assert [each["id"] for each in shown] == ["3", "2", "1"]
    assert shown[0]["opened"] == "2026-08-01T10:03:00Z"
    await publisher.publish([report(alerts=(alert(1, "High", closed=NOON),))], CADENCE)
    assert sink.retained[f"{PLACE}/alerts"] == []
    assert len(sink.events) == 3


async def test_the_energy_of_today_is_compared_with_the_gateways(
    tmp_path: Path, sink: Recorder, clock: HandClock
) -> None:
    counted: dict[str, float | None] = {"010731000003": 4900.0}
    publisher = Publisher("tigo", sink, tmp_path, clock, local=counted.get)
    today = day(1, 5000.0, end=NOON)
    await publisher.publish([report(today)], CADENCE)
    assert "energy_today_difference" not in sink.values(PLACE)  # no gateway is on it
    await publisher.publish([report(today, serials=("010731000003",))], CADENCE)
    assert sink.values(PLACE)["energy_today_difference"] == 100.0
    await publisher.publish([report(today, serials=("010731000003", "2"))], CADENCE)
    assert "energy_today_difference" not in sink.values(PLACE)  # one of them is not ours
    counted["2"] = 200.0
    await publisher.publish([report(today)], CADENCE)
    counted["2"] = 300.0
    whole: dict[str, Any] = {"kind": "daily", "day": date(2026, 7, 31), "start": NOON - timedelta(hours=36)}
    await publisher.publish([report(sample("energy_today", 7.0, NOON - timedelta(hours=12), **whole))], CADENCE)
    assert sink.values(PLACE)["energy_today_difference"] == -100.0
    clock.advance(14 * 3600)
    publisher.refresh()
    assert sink.values(PLACE) == {}


async def test_who_answers_a_little_later_is_compared_then(tmp_path: Path, sink: Recorder, clock: HandClock) -> None:
    counted: dict[str, float | None] = {}
    publisher = Publisher("tigo", sink, tmp_path, clock, local=counted.get)
    await publisher.publish([report(day(1, 5000.0, end=NOON))], CADENCE)
    await publisher.publish([report(serials=("1",))], CADENCE)  # after the energy
    publisher.refresh()
    assert "energy_today_difference" not in sink.values(PLACE)
    clock.advance(60)
    counted["1"] = 5100.0
    publisher.refresh()
    assert sink.values(PLACE)["energy_today_difference"] == -100.0
    counted["1"] = 5200.0
    publisher.refresh()
    assert sink.values(PLACE)["energy_today_difference"] == -100.0, "until the cloud tells something new"
    counted.clear()
    await publisher.publish([report(day(1, 6000.0, end=NOON + timedelta(minutes=1)))], CADENCE)
    assert "energy_today_difference" not in sink.values(PLACE)
    clock.advance(COMPARABLE)
    publisher.refresh()
    counted["1"] = 9000.0
    publisher.refresh()
    assert "energy_today_difference" not in sink.values(PLACE), "the cloud told it too long ago"


async def test_status_and_availability_are_told_when_they_change(publisher: Publisher, sink: Recorder) -> None:
    for online in (True, True, False):
        publisher.status({"state": "ok"}, online=online)
    assert sink.retained["cloud/tigo/status"] == {"state": "ok"}
    assert sink.online["cloud/tigo"] == [True, False]


async def test_what_is_told_seldom_is_known_after_a_crash(tmp_path: Path, clock: HandClock, sink: Recorder) -> None:
    first = Publisher("tigo", sink, tmp_path, clock)
    await first.publish([report(sample("power_dc", 1.0, at(clock)))], CADENCE)
    await first.publish([report(devices=(CloudDevice(kind="panel", id="1"),))], 7 * 86400.0)
    first.sent.close()  # killed
    second = Publisher("tigo", sink, tmp_path, clock)
    await second.start()
    assert [device["part"] for device in sink.infos[PLACE]["devices"]] == ["panel-1"]
    second.sent.close()

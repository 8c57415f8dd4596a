"""What the client of Tigo learns of systems, over real HTTP against the simulated cloud."""

from datetime import datetime, timedelta
from itertools import pairwise
from urllib.parse import parse_qsl

import pytest
from clouds.tigo_account import PANELS, account, client

from envoy_bridge.clouds.report import CloudDevice
from envoy_bridge.clouds.rest import Rest
from envoy_bridge.simulator.clouds.tigo_house import TigoSystem
from envoy_bridge.simulator.faults import Answer


async def test_systems_are_found_and_chosen() -> None:
    async with account(sites=None) as here:
        assert [job.key for job in here.tigo.jobs()] == ["systems"]

        reports = await here.run("systems")

        assert [(report.site, report.zone) for report in reports] == [("1", "America/Los_Angeles"), ("2", None)]
        assert [(each.quantity, each.value) for each in reports[0].samples] == [("size", 12_000)]
        assert {job.key for job in here.tigo.jobs()} == {"systems"} | {
            f"{name} {site}" for name in ("sources", "summary", "alerts") for site in (1, 2)
        } | {"objects 1 0", "objects 2 0"}
    async with account(sites=("2",)) as here:
        assert [report.site for report in await here.run("systems")] == ["2"]


@pytest.mark.parametrize("counted", [True, False])
async def test_pages_of_systems(*, counted: bool) -> None:
    async with account(sites=None) as here:
        here.cloud.page, here.cloud.counted = 1, counted
        here.cloud.systems[3] = TigoSystem(3, "UTC", here.cloud.now())

        assert [report.site for report in await here.run("systems")] == ["1", "2", "3"]
        assert len(here.cloud.asked("systems")) == (3 if counted else 4)


async def test_a_server_that_knows_no_pages() -> None:
    async with account(sites=None) as here:
        here.cloud.faults["/api/v3/systems"] = Answer(b'{"systems": [{"system_id": 1}]}')

        assert [report.site for report in await here.run("systems")] == ["1"]
        assert len(here.cloud.asked("systems")) == 2


async def test_the_time_zone_of_a_logger_does_where_the_system_has_none() -> None:
    async with account(sites=("2",)) as here:
        await here.run("systems")
        await here.run("objects 2 0")
        assert "hours 2" not in {job.key for job in here.tigo.jobs()}

        (report,) = await here.run("sources 2")

        assert report.zone == "Europe/Vienna"
        assert "hours 2" in {job.key for job in here.tigo.jobs()}


async def test_devices() -> None:
    async with account() as here:
        await here.run("systems")
        (objects,) = await here.run("objects 1 0")
        (sources,) = await here.run("sources 1")

        assert objects.devices is None  # the loggers are not known yet
        devices = {device.part: device for device in sources.devices or ()}
        assert set(devices) == PANELS | {"string-2", "string-6", "inverter-900", "source-10000"}
        assert devices["panel-3"] == CloudDevice(
            kind="panel", id="3", parent="string-2", label="A1", serial="04C05B800003"
        )
        assert devices["string-2"].parent == "inverter-900"
        assert [(each.quantity, each.value) for each in objects.samples] == [("modules", 5)]


async def test_a_system_without_a_layout_has_panels_without_serials() -> None:
    async with account(sites=("2",)) as here:
        await here.run("systems")
        await here.run("sources 2")

        (report,) = await here.run("objects 2 0")

        assert {device.part: device.serial for device in report.devices or () if device.kind == "panel"} == {
            "panel-3": None
        }


async def test_a_change_of_the_system_has_its_objects_asked_again_once() -> None:
    async with account() as here:
        here.cloud.configured[1] = "2026-06-01T00:00:00"
        await here.learn()
        await here.run("summary 1")
        assert "objects 1 0" in {job.key for job in here.tigo.jobs()}

        here.cloud.configured[1] = "2026-06-10T12:00:00"
        await here.run("summary 1")
        await here.run("summary 1")

        assert "objects 1 1" in {job.key for job in here.tigo.jobs()}
        await here.run("objects 1 1")
        assert "objects 1 1" in {job.key for job in here.tigo.jobs()}


@pytest.mark.parametrize(
    ("before", "after"),
    [("Wed, 10 Jun 2026 08:00:00 GMT", "Fri, 12 Jun 2026 08:00:00 GMT"), ("1781078400", "1781164800")],
)
async def test_a_change_is_one_in_whatever_form_its_time_is(before: str, after: str) -> None:
    async with account() as here:
        await here.learn()
        for told in (before, after, before, after):  # servers that do not agree yet
            here.cloud.configured[1] = told
            await here.run("summary 1")

        assert {job.key for job in here.tigo.jobs()} >= {"objects 1 1"}


async def test_a_panel_that_is_added_has_a_past() -> None:
    async with account() as here:
        since = here.cloud.now() - timedelta(days=2)
        here.cloud.systems[1] = TigoSystem(1, "America/Los_Angeles", since, strings={"A": 1})
        await here.learn()
        await here.run("panel Pin 1")
        here.cloud.systems[1] = TigoSystem(1, "America/Los_Angeles", since, strings={"A": 2})
        here.clock.advance(8 * 3600)
        assert {sample.part for sample in await here.samples("panel Pin 1")} == {"panel-3"}

        await here.run("objects 1 0")
        found = [each for each in await here.samples("panel Pin 1") if each.part == "panel-4" and each.start]

        assert len(found) > 23 * 60


async def test_after_days_away_no_minute_lacks_and_none_is_asked_for_too_much_at_once() -> None:
    async with account() as here:
        here.cloud.systems[1] = TigoSystem(1, "America/Los_Angeles", here.cloud.now(), strings={"A": 1})
        await here.learn()
        before = await here.samples("panel Pin 1")
        here.clock.advance(3 * 86_400)

        found = [*before, *await here.samples("panel Pin 1")]

        starts = sorted({each.start for each in found if each.start})
        assert {later - earlier for earlier, later in pairwise(starts)} == {timedelta(minutes=1)}
        assert starts[-1] - starts[0] > timedelta(days=2, hours=23)
        spans = [dict(parse_qsl(path.partition("?")[2])) for path in here.cloud.asked("data/aggregate")]
        longest = max(datetime.fromisoformat(span["end"]) - datetime.fromisoformat(span["start"]) for span in spans)
        assert longest <= timedelta(hours=24, minutes=5, seconds=1)
        asked = len(spans)
        await here.run("panel Pin 1")
        assert len(here.cloud.asked("data/aggregate")) == asked + 1


async def test_a_cloud_that_begins_to_tell_when_a_system_was_changed_tells_no_change() -> None:
    async with account() as here:
        await here.learn()
        here.cloud.configured[1] = "2026-06-10T12:00:00"

        await here.run("summary 1")

        assert "objects 1 0" in {job.key for job in here.tigo.jobs()}


async def test_objects_that_are_gone_for_once_are_remembered() -> None:
    async with account() as here:
        await here.learn()
        here.cloud.faults["/api/v3/objects/system"] = Answer(b'{"objects": []}')

        (report,) = await here.run("objects 1 0")

        assert {device.part for device in report.devices or ()} >= PANELS


async def test_what_was_learnt_survives_a_restart() -> None:
    async with account() as here:
        await here.learn()
        keys = [job.key for job in here.tigo.jobs()]
        async with Rest(here.cloud.url, provider="tigo", clock=here.clock) as rest:
            again = client(rest, here.clock)
            again.recall(here.tigo.remember())

            assert [job.key for job in again.jobs()] == keys
            await next(job for job in again.jobs() if job.key == "summary 1").run()
            assert here.cloud.logins == [200]

            other = client(rest, here.clock, username="moon@example.org")
            other.recall(here.tigo.remember())
            assert [job.key for job in other.jobs()] == ["systems"]


@pytest.mark.parametrize("memory", [None, b"", b"{", b'{"account": 3}', b"[" * 100_000])
async def test_a_memory_that_cannot_be_read_is_none(memory: bytes | None) -> None:
    async with account() as here:
        here.tigo.recall(memory)

        assert [job.key for job in here.tigo.jobs()] == ["systems"]


async def test_who_has_no_time_zone_is_told_so_once(caplog: pytest.LogCaptureFixture) -> None:
    async with account(sites=("2",)) as here:
        here.cloud.faults["/api/v3/sources/system"] = Answer(b'{"sources": []}')
        await here.run("systems")

        await here.run("sources 2")
        await here.run("sources 2")

        assert caplog.text.count("time_zone_unknown") == 1

"""The commands about one cloud, against simulated clouds and a real broker."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from broker import Broker, Subscriber, bridge, free_port
from clouds.four_clouds import Four, four
from waiting import until

from envoy_bridge.clock import Clock
from envoy_bridge.clouds import command
from envoy_bridge.clouds.backfill import last_day
from envoy_bridge.clouds.build import cloud, folder
from envoy_bridge.clouds.errors import CloudRefused
from envoy_bridge.clouds.progress import Progress, lasts
from envoy_bridge.config import CLOUDS
from envoy_bridge.simulator.faults import Status
from envoy_bridge.sinks.mqtt import Message

FAST = 60.0


class Screen(StringIO):
    def isatty(self) -> bool:
        return True


async def backfill(place: Four, name: str, port: int, days: int = 2, **more: Any) -> tuple[int, str]:
    """The last days that are over. Returns the exit code, and what was printed."""
    out = StringIO()
    end = last_day(place.clock.wall())
    given = {"start": end - timedelta(days=days - 1), "end": end, "clock": place.clock, "out": out, **more}
    code = await command.backfill(place.config(port=port), {}, name, **given)
    return code, out.getvalue()


def samples(subscriber: Subscriber) -> list[dict[str, Any]]:
    """All that came on history topics, with the topic of each."""
    return [
        {"topic": message.topic, **row}
        for message in subscriber.messages
        if message.topic.endswith("/history")
        for row in json.loads(message.payload)["samples"]
    ]


def doubled(rows: Iterable[dict[str, Any]]) -> list[tuple[Any, ...]]:
    keys = [
        tuple(row[name] for name in ("topic", "device", "quantity", "start", "end", "day", "granularity"))
        for row in rows
    ]
    return [key for key, count in Counter(keys).items() if count > 1]


@pytest.mark.parametrize("name", CLOUDS)
async def test_the_past_arrives_once_and_is_asked_once(tmp_path: Path, name: str) -> None:
    with Broker(tmp_path) as broker:
        async with four(tmp_path, Clock.fast(FAST)) as place, Subscriber(broker.port, "envoy/#") as subscriber:
            await place.allow()
            code, out = await backfill(place, name, broker.port)
            assert code == 0, out
            assert "All of it is with the broker." in out
            rows = samples(subscriber)
            assert rows
            assert doubled(rows) == []
            assert all(
                message.topic.startswith(f"envoy/cloud/{name}/") or "bridge" in message.topic
                for message in subscriber.messages
            )
            assert not any(message.retain for message in subscriber.messages)
            asked = len(place.server(name).requests)
            code, out = await backfill(place, name, broker.port)
            assert code == 0, out
            assert "0 chunks" in out
            assert "more were done before" in out
            assert len(samples(subscriber)) == len(rows)
            assert len(place.server(name).requests) - asked <= 3, "what was done is not asked again"


async def test_a_broken_off_one_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with four(tmp_path, Clock.fast(FAST)) as place, Subscriber(broker.port, "envoy/#") as subscriber:
            task = asyncio.create_task(backfill(place, "tigo", broker.port, days=4))
            await until(lambda: len(place.tigo.asked("data/aggregate")) > 8)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            before = len(place.tigo.asked("data/aggregate"))
            code, out = await backfill(place, "tigo", broker.port, days=4)
            assert code == 0, out
            assert "more were done before" in out
            rows = samples(subscriber)
            assert doubled(rows) == []
            days = {row["start"][:10] for row in rows if row["kind"] == "interval" and row["start"]}
            assert len(days) >= 4
            whole = 4 * 2 * 4  # days, systems, params
            assert len(place.tigo.asked("data/aggregate")) - before < whole


async def test_what_a_daemon_sends_is_not_sent_a_second_time(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with four(tmp_path, Clock.fast(FAST)) as place, Subscriber(broker.port, "envoy/cloud/#") as subscriber:
            async with bridge(broker.port) as daemon:
                await until(lambda: daemon.connected and daemon.queue_depth == 0)
                code, out = await backfill(place, "tigo", broker.port, days=1)
                assert code == 1
                assert "The daemon sends the rest." in out
                assert samples(subscriber) == []
                daemon.put(Message("envoy/bridge/state", b"offline"))
            code, out = await backfill(place, "tigo", broker.port, days=1)
            assert code == 0, out
            assert samples(subscriber)


async def test_what_the_broker_did_not_get_is_kept(tmp_path: Path) -> None:
    async with four(tmp_path, Clock.fast(FAST)) as place:
        code, out = await backfill(place, "tigo", free_port(), days=1)
        assert code == 1
        assert "What was fetched is kept" in out
        asked = len(place.tigo.requests)
        with Broker(tmp_path) as broker:
            async with Subscriber(broker.port, "envoy/#") as subscriber:
                code, out = await backfill(place, "tigo", broker.port, days=1)
                assert code == 0, out
                assert samples(subscriber)
        assert len(place.tigo.requests) == asked


async def test_most_of_the_quota_is_left_to_the_daemon(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with four(tmp_path, Clock.fast(FAST)) as place:
            place.enlighten.minute = 1000
            place.keys["enlighten"]["month_quota"] = 10
            await place.allow()
            code, out = await backfill(place, "enlighten", broker.port)
            assert code == 1
            assert "Stopped: 8 of 10 requests are spent" in out
            assert len(place.enlighten.requests) == 8
            place.keys["enlighten"]["month_quota"] = 1000
            code, out = await backfill(place, "enlighten", broker.port)
            assert code == 0, out
            assert "more were done before" in out


async def test_a_refusal_ends_it_at_once_and_an_outage_does_not(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        async with four(tmp_path, Clock.fast(FAST)) as place:
            place.tigo.users = {}
            code, out = await backfill(place, "tigo", broker.port)
            assert (code, place.tigo.logins) == (1, [401])
            assert "check username and password" in out
            place.tigo.users = {"sun@example.org": "sunshine"}
            place.tigo.faults["*"] = Status(503)
            task = asyncio.create_task(backfill(place, "tigo", broker.port))
            await until(lambda: any(request.status == 503 for request in place.tigo.requests))
            place.tigo.faults.clear()
            code, out = await asyncio.wait_for(task, 20)
            assert code == 0, out
            assert "goes on in" in out


async def test_days_that_are_not_over_and_spans_the_wrong_way_round_are_wrong_usage(tmp_path: Path) -> None:
    async with four(tmp_path, Clock()) as place:
        last = last_day(place.clock.wall())
        for start, end, told in (
            (last, last + timedelta(days=1), f"--to can be {last} at most"),
            (last, last - timedelta(days=1), "--to is before --from"),
        ):
            out = StringIO()
            code = await command.backfill(place.config("tigo"), {}, "tigo", start=start, end=end, out=out)
            assert code == 2
            assert told in out.getvalue()
        assert place.tigo.requests == []


def test_the_last_day_is_over_everywhere() -> None:
    noon = 1_750_000_000 // 86_400 * 86_400 + 43_200
    assert last_day(noon - 1) == date(2025, 6, 13)
    assert last_day(noon) == date(2025, 6, 14)


def test_progress_on_a_terminal_is_a_bar_with_rate_and_what_is_left() -> None:
    now, spent, screen = [0.0], [5], Screen()
    progress = Progress(screen, date(2026, 1, 1), date(2026, 1, 10), now=lambda: now[0], spent=lambda: spent[0])
    for day in range(1, 6):
        now[0] += 60
        spent[0] += 10
        progress.reached(f"7 2026-01-{day:02}")
    line = screen.getvalue().rpartition("\r")[2]
    assert "[############............]" in line
    assert "50%  2026-01-05  50 requests  10/min  5 min left" in line
    progress.reached("8 2026-01-01")
    assert " 10%" in screen.getvalue().rpartition("\r")[2], "another site"
    assert [lasts(seconds) for seconds in (5, 600, 7200)] == ["5 s", "10 min", "2.0 h"]


async def test_authorize(tmp_path: Path) -> None:
    async with four(tmp_path, Clock()) as place:
        await place.allow()
        assert (folder(place.state) / "enlighten-tokens.json").exists()
        with pytest.raises(CloudRefused, match="that is no code"):
            await command.authorize(
                place.config("enlighten"), {}, "enlighten", out=StringIO(), ask=lambda _question: ""
            )
        out = StringIO()
        assert await command.authorize(place.config("tigo"), {}, "tigo", out=out) == 2
        assert "nothing to authorize" in out.getvalue()


async def test_status_asks_nobody(tmp_path: Path) -> None:
    async with four(tmp_path, Clock()) as place:
        out = StringIO()
        assert await command.status(place.config("tigo"), {}, "tigo", out=out) == 0
        assert "the daemon has not asked it" in out.getvalue()
        made = cloud(place.config("tigo"), "tigo", folder(place.state), place.clock)
        async with made.rest:
            await made.provider.jobs()[0].run()
        kept = {
            "jobs": {"systems": {"due": 4e9, "wait": 86400, "outcome": "ok"}},
            "state": "ok",
            "since": 1_700_000_000,
            "last_success": 1_700_000_060,
        }
        (folder(place.state) / "tigo.schedule.json").write_text(json.dumps(kept))
        (folder(place.state) / "tigo.sites.json").write_text('{"sites": {"1": {"zone": "Europe/Vienna"}}}')
        asked, out = len(place.tigo.requests), StringIO()
        assert await command.status(place.config("tigo"), {}, "tigo", out=out) == 0
        for told in (
            "tigo: ok since 2023-11-14 22:13 UTC",
            "2023-11-14 22:14 UTC",
            "2096-10-02 07:06 UTC",
            "2 requests this month, the vendor sets no limit",
            "1, Europe/Vienna, 0 devices",
        ):
            assert told in out.getvalue()
        assert len(place.tigo.requests) == asked

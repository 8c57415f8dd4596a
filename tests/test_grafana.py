"""The dashboard's queries on a real InfluxDB, fed with the points that Telegraf would make of what we publish.

Telegraf itself is not there: `point` stands in for its `json` parser, with the settings of our telegraf.conf.
"""

import asyncio
import json
import shutil
import tomllib
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession
from broker import PATH, free_port
from handclock import HandClock
from households import FIXTURES, look

from envoy_bridge.sinks.mqtt import Message
from envoy_bridge.sinks.topics import Topics

EXAMPLES = Path(__file__).parent.parent / "examples"
WITH_CT = "d8_3_three_phase_battery_pv3p"
WITHOUT_CT = "d8_2_battery_no_storage_ct"
NOON = 1_781_784_000
"""12:00 UTC on 2026-06-18."""
HOUR = 3600
EACH_HOUR = 250.0
"""Wh by which the counters of these days grow in an hour."""

COUNTERS = ("energy_lifetime", "energy_imported", "energy_exported", "energy_charged", "energy_discharged")

State = dict[str, Any]


async def published(household: str) -> State:
    """The JSON that stands on `state`."""
    seen = await asyncio.to_thread(look, FIXTURES / f"{household}.har")
    messages: list[Message] = []
    topics = Topics("envoy", {}, HandClock(), deliver=messages.append, announce=messages.append)
    topics.snapshot(seen.snapshot)
    state: State = next(
        json.loads(it.payload) for it in messages if it.topic.count("/") == 2 and it.topic.endswith("/state")
    )
    return state


def days(state: State) -> Iterator[State]:
    """The same, each hour for three days, while the lifetime counters grow."""
    for hours in range(-36, 37):
        yield {**_grown(state, hours), "time": datetime.fromtimestamp(NOON + hours * HOUR, UTC).isoformat()}


def _grown(part: State, hours: int) -> State:
    return {name: _later(name, value, hours) for name, value in part.items()}


def _later(name: str, value: Any, hours: int) -> Any:
    if isinstance(value, dict):
        return _grown(value, hours)
    return value + hours * EACH_HOUR if name in COUNTERS and value is not None else value


def numbers(part: State, path: str = "") -> Iterator[tuple[str, float]]:
    """What Telegraf's `json` parser makes fields of: numbers. Names are joined by `_`."""
    for name, value in part.items():
        if isinstance(value, dict):
            yield from numbers(value, f"{path}{name}_")
        elif isinstance(value, float | int) and not isinstance(value, bool):
            yield f"{path}{name}", float(value)


def point(state: State, serial: str) -> str:
    """One state in line protocol, as the example's settings make it."""
    settings = tomllib.loads((EXAMPLES / "telegraf/telegraf.conf").read_text())["inputs"]["mqtt_consumer"][0]
    fields = ",".join(
        f"{name}={value!r}"
        for name, value in numbers(state)
        if any(fnmatch(name, pattern) for pattern in settings["fieldinclude"])
        and not any(fnmatch(name, pattern) for pattern in settings["fieldexclude"])
    )
    time = int(datetime.fromisoformat(state[settings["json_time_key"]]).timestamp() * 1000) * 1_000_000
    return f"{settings['name_override']},serial={serial} {fields} {time}"


@dataclass(frozen=True, slots=True)
class Influx:
    """A database `envoy` in a running InfluxDB."""

    url: str
    session: ClientSession

    async def write(self, lines: list[str]) -> None:
        async with self.session.post(f"{self.url}/write?db=envoy", data="\n".join(lines)) as reply:
            assert reply.status == 204, await reply.text()

    async def ask(self, query: str) -> list[State]:
        """The series of one InfluxQL query."""
        async with self.session.post(f"{self.url}/query?db=envoy", data={"q": query}) as reply:
            answer = await reply.json()
        result = answer["results"][0] if "results" in answer else answer
        assert "error" not in result, (query, result)
        series: list[State] = result.get("series", [])
        return series


@asynccontextmanager
async def influx(folder: Path) -> AsyncIterator[Influx]:
    program = shutil.which("influxd", path=PATH)
    if program is None:
        pytest.skip("influxd is not there: apt-get install influxdb")
    port, inner = free_port(), free_port()
    configuration = folder / "influxdb.conf"
    configuration.write_text(
        f"""
        reporting-disabled = true
        bind-address = "127.0.0.1:{inner}"
        meta = {{ dir = "{folder}/meta" }}
        data = {{ dir = "{folder}/data", wal-dir = "{folder}/wal", query-log-enabled = false }}
        monitor = {{ store-enabled = false }}
        http = {{ bind-address = "127.0.0.1:{port}", log-enabled = false }}
        """
    )
    process = await asyncio.create_subprocess_exec(program, "-config", configuration, stdout=DEVNULL, stderr=DEVNULL)
    try:
        async with ClientSession() as session:
            database = Influx(f"http://127.0.0.1:{port}", session)
            await _begun(database)
            yield database
    finally:
        process.kill()
        await process.wait()


async def _begun(database: Influx) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                await database.ask("CREATE DATABASE envoy")
            except ClientError:
                await asyncio.sleep(0.05)
            else:
                return


def asked(query: str, serial: str) -> str:
    """A query of the dashboard with its variables filled in, as Grafana does."""
    period = f"time >= {NOON - 36 * HOUR}s AND time <= {NOON + 36 * HOUR}s"
    for variable, value in {
        "$timeFilter": period,
        "$__interval": "10m",
        "$serial": serial,
        "$timezone": "Europe/Berlin",
    }.items():
        query = query.replace(variable, value)
    assert "$" not in query.replace("$/", "")
    return query


async def test_every_query_of_the_dashboard_gives_something(tmp_path: Path) -> None:
    dashboard = json.loads((EXAMPLES / "grafana/dashboard.json").read_text())
    queries = [target["query"] for panel in dashboard["panels"] for target in panel["targets"]]
    async with influx(tmp_path) as database:
        for serial, household in (("1", WITH_CT), ("2", WITHOUT_CT)):
            await database.write([point(state, serial) for state in days(await published(household))])
        told = 'envoy_event,level=warning,source=bridge message="odd",code="advice_x"'
        await database.write([f"{told} {NOON}000000000"])
        answers = {query: [await database.ask(asked(query, serial)) for serial in ("1", "2")] for query in queries}
        (events,) = dashboard["annotations"]["list"]
        marks = await database.ask(asked(events["query"], ""))
        (gateway,) = [it for it in dashboard["templating"]["list"] if it["name"] == "serial"]
        serials = await database.ask(gateway["query"])
    assert [query for query, found in answers.items() if not any(found)] == []
    assert [row[1] for row in serials[0]["values"]] == ["1", "2"]
    assert marks[0]["values"][0][marks[0]["columns"].index(events["textColumn"])] == "odd"
    daily = next(found for query, found in answers.items() if 'spread("production_total_energy_lifetime")' in query)
    assert [row[1] for row in daily[0][0]["values"]][1:-1] == [23 * EACH_HOUR] * 2  # from the first to the last reading
    inverters = next(found for query, found in answers.items() if "inverter_" in query)
    shown = zip(inverters[0][0]["columns"], *inverters[0][0]["values"], strict=True)
    assert len([name for name, *values in shown if name.endswith("_power") and any(values)]) == 18


async def test_what_comes_live_and_as_history_is_there_once(tmp_path: Path) -> None:
    state = await published(WITH_CT)
    async with influx(tmp_path) as database:
        for lines in (list(days(state))[:10], list(days(state))[5:]):
            await database.write([point(it, "1") for it in lines])
        (counted,) = await database.ask('SELECT count("sequence") FROM "envoy"')
        (first, *_) = (await database.ask('SELECT "sequence" FROM "envoy" LIMIT 1'))[0]["values"]
    assert counted["values"][0][1] == 73
    assert first[0] == "2026-06-17T00:00:00Z"

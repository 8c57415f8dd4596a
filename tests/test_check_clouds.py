"""What `check` says about the clouds."""

import json
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from clouds.four_clouds import Four, four

from envoy_bridge.check_clouds import check_clouds
from envoy_bridge.check_report import Report
from envoy_bridge.clock import Clock
from envoy_bridge.clouds.build import folder
from envoy_bridge.config import CLOUDS, Config
from envoy_bridge.simulator.faults import Html, Status
from envoy_bridge.values import Secret


async def checked(place: Four, *names: str) -> tuple[Report, str]:
    out = StringIO()
    report = Report(out, environ={})
    await check_clouds(place.config(*names), {}, report, place.clock)
    return report, out.getvalue()


def keep(place: Four, name: str, **schedule: Any) -> None:
    """What the daemon has written down."""
    directory = folder(place.state)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.schedule.json").write_text(json.dumps(schedule))


async def test_without_a_cloud_nothing_is_said() -> None:
    out = StringIO()
    await check_clouds(Config(), {}, Report(out, environ={}), Clock())
    assert out.getvalue() == ""


async def test_all_is_well_for_one_request_and_a_login(tmp_path: Path) -> None:
    async with four(tmp_path, Clock()) as place:
        await place.allow()
        report, out = await checked(place)
        assert (report.faults, report.warnings) == (0, 0), out
        costs = {"enlighten": 2, "tigo": 2, "growatt": 1, "locus": 2}  # Enlighten's first was the authorization
        for name in CLOUDS:
            assert f"cloud {name}" in out
            assert len(place.server(name).requests) == costs[name]
        for told in ("lets us in: 1 request(s)", "sees 1 site(s): 67", "sees 2 site(s): 1, 2", "of 1000"):
            assert told in out


@pytest.mark.parametrize(
    ("name", "keys", "told", "then"),
    [
        ("tigo", {"password": Secret("CANARY")}, "check username and password", "accounts get locked"),
        ("growatt", {"token": Secret("CANARY")}, "error 10011", "correct [cloud.growatt]"),
        ("locus", {"client_secret": Secret("CANARY")}, "does not take the login", "correct [cloud.locus]"),
        ("enlighten", {}, "has not been authorized", "next: envoy-bridge cloud enlighten authorize"),
        ("tigo", {"sites": ("7",)}, "does not see 7", "correct sites in [cloud.tigo]"),
    ],
)
async def test_a_fault_is_named_with_what_to_do(
    tmp_path: Path, name: str, keys: dict[str, Any], told: str, then: str
) -> None:
    async with four(tmp_path, Clock()) as place:
        place.keys[name] |= keys
        report, out = await checked(place, name)
        assert report.faults == 1, out
        assert told in out
        assert then in out
        assert "CANARY" not in out


async def test_outages_and_firewalls(tmp_path: Path) -> None:
    async with four(tmp_path, Clock()) as place:
        place.tigo.faults["*"] = Status(503)
        report, out = await checked(place, "tigo")
        assert report.faults == 1
        assert "next: wait" in out
        place.growatt.faults["*"] = Html()
        report, out = await checked(place, "growatt")
        assert report.faults == 1
        assert "next: open the vendor's web page" in out


@pytest.mark.parametrize("outcome", ["throttled", "blocked", "auth"])
async def test_where_a_request_would_do_harm_none_is_sent(tmp_path: Path, outcome: str) -> None:
    async with four(tmp_path, Clock()) as place:
        now = time.time()
        whole = {"due": now + 86_000, "wait": 86_400, "failures": 1, "outcome": outcome}
        keep(place, "tigo", jobs={"systems": whole}, whole=whole, state=outcome, since=now - 400)
        report, out = await checked(place, "tigo")
        assert (report.faults, report.warnings) == (0, 1)
        assert "not asked now" in out
        assert f"the daemon says {outcome}; last success never" in out
        assert place.tigo.requests == []


async def test_a_login_that_was_refused_long_ago_is_tried_again(tmp_path: Path) -> None:
    async with four(tmp_path, Clock()) as place:
        now = time.time()
        whole = {"due": now + 80_000, "wait": 86_400, "failures": 1, "outcome": "auth"}
        keep(place, "tigo", jobs={"systems": whole}, whole=whole, state="auth", since=now - 6400)
        report, out = await checked(place, "tigo")
        assert report.faults == 0
        assert "lets us in" in out


async def test_a_quota_that_is_nearly_spent_is_said_and_kept(tmp_path: Path) -> None:
    async with four(tmp_path, Clock()) as place:
        place.keys["enlighten"]["month_quota"] = 100
        await place.allow()
        used = folder(place.state) / "enlighten.json"
        month = time.strftime("%Y-%m", time.gmtime())
        used.write_text(used.read_text().replace(f'"{month}":1', f'"{month}":100'))
        report, out = await checked(place, "enlighten")
        assert "100 requests this month, of 100" in out
        assert "all of it" in out
        assert report.faults == 0
        assert len(place.enlighten.requests) == 1
        whole = json.loads(used.read_text())
        assert next(iter(whole.values()))["months"][month] == 100


async def test_what_was_asked_a_moment_ago_is_not_asked_again(tmp_path: Path) -> None:
    async with four(tmp_path, Clock()) as place:
        await checked(place, "growatt")
        report, out = await checked(place, "growatt")
        assert (report.faults, len(place.growatt.asked)) == (0, 1)
        assert "not asked now" in out

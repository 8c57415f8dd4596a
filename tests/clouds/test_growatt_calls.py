from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from clouds import documents_growatt as documents
from clouds.documents_growatt import Skipping

from envoy_bridge.clouds.errors import (
    CloudBlocked,
    CloudDown,
    CloudError,
    CloudRefused,
    CloudThrottled,
    NotAllowed,
    QuotaSpent,
    UnusableAnswer,
)
from envoy_bridge.clouds.growatt import calls
from envoy_bridge.clouds.growatt.calls import (
    DETAILS,
    DEVICES,
    LIMITS,
    MIN_NOW,
    MIN_PAST,
    OVERVIEW,
    PLANTS,
    Call,
    Caller,
)
from envoy_bridge.clouds.growatt.envelope import opened
from envoy_bridge.clouds.growatt.provider import Growatt, base
from envoy_bridge.clouds.growatt.wire import Details, Devices, Overview, Plants, Rows
from envoy_bridge.clouds.quota import Quota
from envoy_bridge.clouds.rest import Answer as Replied
from envoy_bridge.clouds.rest import Rest
from envoy_bridge.redaction import redact
from envoy_bridge.settings import GrowattCloud
from envoy_bridge.simulator.clouds.growatt import TOKEN, SimulatedGrowatt
from envoy_bridge.simulator.clouds.growatt_plant import PERMISSION, PLANT, SYSTEM, TOO_OFTEN
from envoy_bridge.simulator.faults import Answer, Fault, Hang, Html, Reset, Status, Truncated
from envoy_bridge.values import Secret


@dataclass
class Bench:
    cloud: SimulatedGrowatt
    clock: Skipping
    rest: Rest
    caller: Caller

    async def overview(self) -> Overview:
        return await self.caller.ask(OVERVIEW, Overview, plant_id=str(PLANT))

    async def fails(self, call: Call = OVERVIEW, **parameters: str) -> CloudError:
        with pytest.raises(CloudError) as caught:
            await self.caller.ask(call, dict[str, Any], **(parameters or {"plant_id": str(PLANT)}))
        return caught.value


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    clock = Skipping()
    async with SimulatedGrowatt(clock=clock) as cloud:
        quota = Quota(tmp_path / "quota.json", TOKEN, LIMITS, clock)
        async with Rest(cloud.url, provider="growatt", clock=clock, quota=quota, timeout=1.0) as rest:
            yield Bench(cloud, clock, rest, Caller(rest, clock, TOKEN))


async def test_the_token_is_a_header_and_is_hidden(bench: Bench) -> None:
    assert number_of(await bench.overview()) > 0
    assert bench.cloud.requests[0].authorised
    assert TOKEN not in bench.cloud.requests[0].path
    assert TOKEN not in redact(f"token {TOKEN}")


def number_of(overview: Overview) -> float:
    return float(overview.total_energy)


async def test_get_has_its_parameters_in_the_query_and_post_in_a_form(bench: Bench) -> None:
    await bench.overview()
    await bench.caller.ask(MIN_NOW, dict[str, Any], tlx_sn="MIN0000001")
    assert [(request.method, request.path) for request in bench.cloud.requests] == [
        ("GET", f"/v1/plant/data?plant_id={PLANT}"),
        ("POST", "/v1/device/tlx/tlx_last_data"),
    ]
    assert bench.cloud.asked[1].parameters == {"tlx_sn": "MIN0000001"}


async def test_any_two_requests_are_three_seconds_apart_and_the_first_is_after_a_restart_too(bench: Bench) -> None:
    bench.cloud.gap = 3.0
    begun = bench.clock.wall()
    await bench.overview()
    await bench.caller.ask(DETAILS, Details, plant_id=str(PLANT))
    again = Caller(bench.rest, bench.clock, TOKEN)
    await again.ask(DEVICES, Devices, plant_id=str(PLANT), page="1", perpage="100")
    times = [begun, *(asked.time for asked in bench.cloud.asked)]
    assert all(later - earlier >= 3.0 for earlier, later in pairwise(times))
    assert bench.cloud.in_flight_max == 1


async def test_the_same_is_asked_once_in_five_minutes_over_restarts_too(bench: Bench, tmp_path: Path) -> None:
    await bench.overview()
    bench.clock.advance(200)
    error = await bench.fails()
    assert isinstance(error, QuotaSpent)
    assert error.alone
    assert 100 <= (error.retry_in or 0) < 110
    quota = Quota(tmp_path / "quota.json", TOKEN, LIMITS, bench.clock)
    async with Rest(bench.cloud.url, provider="growatt", clock=bench.clock, quota=quota) as rest:
        with pytest.raises(QuotaSpent):
            await Caller(rest, bench.clock, TOKEN).ask(OVERVIEW, Overview, plant_id=str(PLANT))
    assert len(bench.cloud.asked) == 1
    bench.clock.advance(error.retry_in or 0)
    await bench.overview()
    assert [asked.code for asked in bench.cloud.asked] == [0, 0]


@pytest.mark.parametrize("path", ["plant/data", "plant/details", "device/tlx/tlx_last_data"])
async def test_asked_too_often_waits_longer_each_time_and_alone(bench: Bench, path: str) -> None:
    call = {"plant/data": OVERVIEW, "plant/details": DETAILS}.get(path, MIN_NOW)
    parameters = {call.subject: "MIN0000001" if call.post else str(PLANT)}
    bench.cloud.errors[path] = TOO_OFTEN
    waits = []
    for _ in range(2):
        error = await bench.fails(call, **parameters)
        assert (type(error), error.alone) == (CloudThrottled, True)
        waits.append(error.retry_in)
        early = await bench.fails(call, **parameters)
        assert isinstance(early, CloudThrottled)
        assert len(bench.cloud.asked) == len(waits), "nothing is sent while it waits"
        bench.clock.advance((error.retry_in or 0) + 1)
    assert waits == [330, 660]
    del bench.cloud.errors[path]
    await bench.caller.ask(call, dict[str, Any], **parameters)
    assert bench.caller.holds == {}


async def test_the_longest_wait_is_an_hour(bench: Bench) -> None:
    bench.cloud.errors["plant/data"] = TOO_OFTEN
    waits = []
    for _ in range(6):
        error = await bench.fails()
        waits.append(error.retry_in)
        bench.clock.advance((error.retry_in or 0) + 1)
        await bench.caller.ask(PLANTS, Plants, page=str(len(waits)), perpage="100")
    assert waits == [330, 660, 1320, 2640, 3600, 3600]


async def test_when_all_is_too_often_all_waits(bench: Bench) -> None:
    bench.cloud.errors = dict.fromkeys(("plant/data", "plant/details", "device/tlx/tlx_last_data"), TOO_OFTEN)
    errors = [await bench.fails(), await bench.fails(DETAILS), await bench.fails(MIN_NOW, tlx_sn="MIN0000001")]
    assert [error.alone for error in errors] == [True, True, False]


async def test_a_hold_of_a_clock_that_was_ahead_holds_nothing(bench: Bench) -> None:
    key = OVERVIEW.key({"plant_id": str(PLANT)})
    bench.caller.holds[key] = calls.Hold(bench.clock.wall() + 9e6, 330)
    await bench.overview()


async def test_a_token_that_is_refused_three_times_is_wrong(bench: Bench) -> None:
    bench.cloud.token = "another"
    errors = [await bench.fails(PLANTS, page="1"), await bench.fails(DETAILS), await bench.fails(OVERVIEW)]
    assert [(type(error), error.alone, error.retry_in) for error in errors] == [
        (CloudRefused, True, 330),
        (CloudRefused, True, 330),
        (CloudRefused, False, 3600),
    ]
    assert "ShinePhone" in str(errors[2])
    assert TOKEN not in "".join(map(str, errors))
    bench.cloud.token = TOKEN
    bench.clock.advance(3600)
    await bench.overview()


async def test_what_alone_is_not_permitted_is_dropped_alone(bench: Bench) -> None:
    bench.cloud.errors["plant/data"] = PERMISSION
    errors = []
    for page in range(1, 4):
        errors.append(await bench.fails())
        await bench.caller.ask(PLANTS, Plants, page=str(page), perpage="100")
        bench.clock.advance(400)
    assert [type(error) for error in errors] == [CloudRefused, CloudRefused, NotAllowed]
    assert all(error.alone for error in errors)


@pytest.mark.parametrize(
    ("code", "kind", "alone"),
    [
        (SYSTEM, CloudDown, True),
        (10002, NotAllowed, True),
        (10003, NotAllowed, True),
        (10004, UnusableAnswer, True),
        (10005, NotAllowed, True),
        (10013, UnusableAnswer, True),
        (10014, UnusableAnswer, True),
        (-1, CloudRefused, False),
        (4711, UnusableAnswer, True),
    ],
)
async def test_the_other_numbers(bench: Bench, code: int, kind: type[CloudError], *, alone: bool) -> None:
    bench.cloud.errors["plant/data"] = code
    error = await bench.fails()
    assert (type(error), error.alone) == (kind, alone)
    assert str(code) in str(error)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Html(), CloudBlocked),
        (Answer(documents.LOGIN_PAGE), CloudBlocked),
        (Status(403), CloudBlocked),
        (Status(405), CloudBlocked),
        (Answer(b"{}", status=403), CloudBlocked),
        (Answer(b"{}", status=429), CloudThrottled),
        (Answer(b"", status=429), CloudThrottled),
        (Answer(b"", status=302), CloudBlocked),
        (Answer(b"", status=502), CloudDown),
        (Answer(b'{"timestamp": "2026"}', status=404), UnusableAnswer),
        (Answer(b'{"error_code": 10011}', status=403), CloudRefused),
        (Answer(b'{"error_code": 10012}', status=503), CloudThrottled),
        (Answer(b"{}", status=502), CloudDown),
        (Answer(b"{}"), UnusableAnswer),
        (Answer(b"[]"), UnusableAnswer),
        (Answer(b""), UnusableAnswer),
        (Answer(documents.OTHER_ENVELOPE), UnusableAnswer),
        (Answer(b'{"error_code": 0, "data": [1]}'), UnusableAnswer),
        (Truncated(), UnusableAnswer),
        (Reset(), CloudDown),
        (Hang(), CloudDown),
    ],
)
async def test_answers_that_are_none(bench: Bench, fault: Fault, kind: type[CloudError]) -> None:
    bench.cloud.fault("plant/data", fault)
    assert type(await bench.fails()) is kind


@pytest.mark.parametrize(("headers", "wait"), [({}, 330), ({"retry-after": "17"}, 17), ({"retry-after": "-1"}, 330)])
def test_how_long_to_wait_where_http_says_that_it_is_too_much(headers: dict[str, str], wait: float) -> None:
    with pytest.raises(CloudThrottled) as error:
        opened(Replied(429, headers, b""))

    assert error.value.retry_in == wait


@pytest.mark.parametrize("nothing", [b"null", b'""', b'"null"', b"[]"])
async def test_success_without_data(bench: Bench, nothing: bytes) -> None:
    bench.cloud.fault("device/list", Answer(b'{"error_code": "0", "data": ' + nothing + b"}", mime="text/html"))
    assert await bench.caller.ask(DEVICES, Devices, plant_id=str(PLANT)) == Devices()


async def test_a_list_that_says_it_has_more(bench: Bench) -> None:
    bench.cloud.fault("device/list", Answer(documents.NO_DEVICES))
    assert await bench.caller.pages(DEVICES, Devices, plant_id=str(PLANT)) == ([], False)


async def test_a_server_that_gives_the_same_page_for_ever(bench: Bench) -> None:
    bench.cloud.fault(
        "device/list", Answer(b'{"error_code": 0, "data": {"count": 9, "devices": [{"device_sn": "A"}]}}')
    )
    pages, complete = await bench.caller.pages(DEVICES, Devices, plant_id=str(PLANT))
    assert (len(pages), complete, len(bench.cloud.requests)) == (1, False, 2)


async def ask_of_a_server_that_counts_by_endpoint(bench: Bench) -> tuple[int, CloudError]:
    """Two pages of plants. Returns how often the second was refused, and the error that came where it waited again."""
    bench.cloud.by_endpoint = True
    await bench.caller.ask(PLANTS, Plants, page="1")
    refused = await bench.fails(PLANTS, page="2")
    bench.clock.advance(refused.retry_in or 0)
    await bench.caller.ask(PLANTS, Plants, page="2")
    return [asked.code for asked in bench.cloud.asked].count(TOO_OFTEN), await bench.fails(PLANTS, page="3")


async def test_a_server_that_counts_by_endpoint_says_so_once(bench: Bench) -> None:
    refused, error = await ask_of_a_server_that_counts_by_endpoint(bench)

    assert refused == 1
    assert (type(error), error.alone) == (QuotaSpent, True)
    assert 290 < (error.retry_in or 0) <= 305
    assert set(bench.caller.strict) == {"plant/list"}


async def test_a_server_that_seemed_to_count_by_endpoint_is_tried_again(bench: Bench) -> None:
    await ask_of_a_server_that_counts_by_endpoint(bench)
    bench.cloud.by_endpoint = False
    bench.clock.advance(calls.STRICT_FOR)

    for page in "45":
        await bench.caller.ask(PLANTS, Plants, page=page)


async def test_pages_that_have_to_wait_go_on_where_they_were(bench: Bench) -> None:
    bench.cloud.by_endpoint = True
    days = {"start_date": "2024-06-01", "end_date": "2024-06-01", "timezone_id": "Europe/Vienna"}
    errors = 0
    for _ in range(9):
        try:
            pages, complete = await bench.caller.pages(MIN_PAST, Rows, tlx_sn="MIN0000001", **days)
            break
        except CloudThrottled as error:
            errors += 1
            bench.clock.advance(error.retry_in or 0)
    assert (errors, complete) == (2, True)
    assert [len(page.entries) for page in pages] == [100, 100, 88]
    assert [(asked.parameters["page"], asked.code) for asked in bench.cloud.asked] == [
        ("1", 0),
        ("2", TOO_OFTEN),
        ("2", 0),
        ("3", 0),
    ]


async def test_pages_of_the_past_are_ten_seconds_apart(bench: Bench) -> None:
    days = {"start_date": "2024-06-01", "end_date": "2024-06-01", "timezone_id": "Europe/Vienna"}

    await bench.caller.pages(MIN_PAST, Rows, tlx_sn="MIN0000001", **days)

    times = [asked.time for asked in bench.cloud.asked]
    assert [later - earlier >= 10 for earlier, later in pairwise(times)] == [True, True]


def test_each_method_of_the_document_that_reads_is_a_call_and_none_that_writes() -> None:
    known = {call.path for call in vars(calls).values() if isinstance(call, Call)}
    assert known == {*documents.METHODS.values(), "plant/list", "plant/power"}
    package = Path(calls.__file__).parent
    source = "".join(path.read_text() for path in sorted(package.glob("*.py")))
    assert [word for word in documents.SETTING if word.lower() in source.lower()] == []


def test_the_address_is_without_the_path_that_the_document_puts_there() -> None:
    regions = {"global": "", "us": "-us", "cn": "-cn", "au": "-au"}
    for region, suffix in regions.items():
        settings = msgspec.convert(
            {"region": region, "token": "x"}, GrowattCloud, dec_hook=lambda _, text: Secret(text)
        )
        assert base(settings) == f"https://openapi{suffix}.growatt.com"
    assert f"{base(GrowattCloud(token=Secret('x')))}/v1/" == documents.SERVER_URL
    assert base(GrowattCloud(token=Secret("x"), base_url="http://127.0.0.1:1")) == "http://127.0.0.1:1"
    assert Growatt.quota.pause == 300

"""What Locus' rows can look like beside the document's examples: time zones, gaps, and nonsense."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from envoy_bridge.clouds.locus import wire
from envoy_bridge.clouds.locus.fields import LATEST, Role, bundles, offers, quantity, role
from envoy_bridge.clouds.locus.parse import MONTH_SETTLED_AFTER, SETTLED_AFTER, Asked, alerts, devices, newest, read
from envoy_bridge.clouds.locus.times import (
    DAILY,
    GRANULARITIES,
    HOURS,
    MONTHLY,
    QUARTERS,
    Window,
    local_day,
    moment,
    naive,
    window,
    zone_named,
)
from envoy_bridge.clouds.parts import Measured
from envoy_bridge.clouds.report import SITE, Sample

PACIFIC = ZoneInfo("America/Los_Angeles")
VIENNA = ZoneInfo("Europe/Vienna")
NOW = datetime(2026, 6, 1, 12, 7, tzinfo=UTC)
EVER = Window(datetime(2000, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))
QUARTER = timedelta(minutes=15)


def asked(*names: str, zone: ZoneInfo = PACIFIC, now: datetime = NOW, role: Role = "makes") -> Asked:
    return Asked(id="7", part=SITE, role=role, factors=dict.fromkeys(names or ("Wh_sum",), 1.0), now=now, zone=zone)


def row(ts: object, **values: object) -> wire.Row:
    return {"id": 7, "ts": ts, **values}


def energies(*rows: wire.Row, gran: str = "15min", span: Window = EVER, zone: ZoneInfo = PACIFIC) -> tuple[Sample, ...]:
    return read(rows, asked(zone=zone), gran, span)


@pytest.mark.parametrize("value", [None, "", "null", "12", True, [], {}, -float("inf")])
def test_what_is_not_a_number_is_not_known(value: object) -> None:
    assert energies(row("2026-06-01T10:00:00+00:00", Wh_sum=value)) == ()


def test_a_row_without_values_is_a_gap_and_not_zero() -> None:
    samples = energies(
        row("2026-06-01T10:00:00+00:00", Wh_sum=0),
        row("2026-06-01T10:15:00+00:00"),
        row("2026-06-01T10:30:00+00:00", Wh_sum=3),
    )
    assert [sample.value for sample in samples] == [0.0, 3.0]


@pytest.mark.parametrize("ts", [None, 5, "", "yesterday", "2026-13-01T00:00:00+00:00", "0001-01-01T00:00:00+14:00"])
@pytest.mark.parametrize("gran", ["15min", "daily", "latest"])
def test_a_row_without_a_time_costs_only_itself(ts: object, gran: str) -> None:
    good = row("2026-06-01T10:00:00+00:00", Wh_sum=3, W_avg=4)
    samples = read([row(ts, Wh_sum=1, W_avg=2), good], asked("Wh_sum", "W_avg"), gran, EVER)
    assert {sample.value for sample in samples} <= {3.0, 4.0}
    assert samples


def test_a_row_of_another_entity_is_not_ours() -> None:
    assert energies({"id": 8, "ts": "2026-06-01T10:00:00+00:00", "Wh_sum": 1}) == ()


def test_an_offset_is_believed_where_there_is_one() -> None:
    samples = energies(row("2026-06-01T03:00:00-07:00", Wh_sum=1), row("2026-06-01T10:15:00", Wh_sum=2))
    assert [sample.start for sample in samples] == [
        datetime(2026, 6, 1, 10, tzinfo=UTC),
        datetime(2026, 6, 1, 10, 15, tzinfo=UTC),
    ]


def test_an_interval_that_comes_twice_is_there_once_as_it_came_last() -> None:
    stamp = "2026-06-01T10:00:00+00:00"
    assert [sample.value for sample in energies(row(stamp, Wh_sum=1), row(stamp, Wh_sum=2))] == [2.0]


def test_only_what_begins_in_the_window_is_taken() -> None:
    span = Window(datetime(2026, 6, 1, 10, tzinfo=UTC), datetime(2026, 6, 1, 10, 30, tzinfo=UTC))
    stamps = [f"2026-06-01T{time}:00+00:00" for time in ("09:45", "10:00", "10:15", "10:30")]
    assert [sample.start for sample in energies(*(row(stamp, Wh_sum=1) for stamp in stamps), span=span)] == [
        span.start,
        span.start + QUARTER,
    ]


def test_an_interval_is_partial_until_nothing_more_can_come() -> None:
    start = datetime(2026, 6, 1, 10, tzinfo=UTC)
    settled = start + QUARTER + SETTLED_AFTER
    for now, quality in ((settled, "ok"), (settled - timedelta(seconds=1), "partial")):
        (sample,) = read([row(start.isoformat(), Wh_sum=1)], asked(now=now), "15min", EVER)
        assert sample.quality == quality
        assert (sample.start, sample.end, sample.granularity) == (start, start + QUARTER, 900)


def test_a_month_is_partial_until_its_last_days_are_corrected() -> None:
    end = datetime(2026, 6, 1, 7, tzinfo=UTC)
    settled = end + MONTH_SETTLED_AFTER
    for now, quality in ((settled, "ok"), (settled - timedelta(seconds=1), "partial")):
        (sample,) = read([row("2026-05-01T00:00:00-07:00", Wh_sum=1)], asked(now=now), "monthly", EVER)
        assert (sample.end, sample.kind, sample.quality) == (end, "interval", quality)


def test_what_has_not_begun_is_not_told() -> None:
    assert energies(row((NOW + timedelta(minutes=8)).isoformat(), Wh_sum=0)) == ()
    assert energies(row("2026-06-02T00:00:00-07:00", Wh_sum=0), gran="daily") == ()


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (PACIFIC, date(2026, 3, 8), 23),
        (PACIFIC, date(2025, 11, 2), 25),
        (VIENNA, date(2026, 3, 29), 23),
        (VIENNA, date(2025, 10, 26), 25),
        (ZoneInfo("America/Santiago"), date(2025, 9, 7), 23),  # has no midnight
    ],
)
@pytest.mark.parametrize("stamp", ["local", "utc", "naive", "noon"])
def test_days_are_as_long_as_they_are(zone: ZoneInfo, day: date, hours: int, stamp: str) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    text = {
        "local": midnight.isoformat(),
        "utc": midnight.astimezone(UTC).isoformat(),
        "naive": f"{day}T00:00:00",
        "noon": midnight.replace(hour=12).isoformat(),
    }[stamp]
    (sample,) = energies(row(text, Wh_sum=9), gran="daily", zone=zone)
    assert sample.start is not None
    assert (sample.day, sample.kind, sample.end - sample.start) == (day, "daily", timedelta(hours=hours))
    assert sample.start == midnight.astimezone(UTC)


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    first, second = "2025-11-02T01:30:00-07:00", "2025-11-02T01:30:00-08:00"
    samples = energies(row(first, Wh_sum=1), row(second, Wh_sum=2))
    assert [(sample.start, sample.value) for sample in samples] == [
        (datetime(2025, 11, 2, 8, 30, tzinfo=UTC), 1.0),
        (datetime(2025, 11, 2, 9, 30, tzinfo=UTC), 2.0),
    ]


def test_today_and_this_month_are_how_far_they_have_come() -> None:
    stamp = "2026-06-01T00:00:00-07:00"
    (today,) = energies(row(stamp, Wh_sum=9), gran="daily")
    (month,) = energies(row(stamp, Wh_sum=9), gran="monthly")
    assert (today.kind, today.quality, today.quantity) == ("daily", "partial", "energy_today")
    assert (month.kind, month.quality, month.quantity, month.end) == ("counter", "ok", "energy_month", NOW)


def test_the_latest_values_bear_their_moment() -> None:
    rows = [row("2026-06-01T05:05:00-07:00", W_avg=1500.5, Hz_avg=60.01, PPV_avg=240)]
    samples = read(rows, asked("W_avg", "Hz_avg"), LATEST, EVER)
    assert {(sample.quantity, sample.value) for sample in samples} == {("power", 1500.5), ("frequency", 60.01)}
    assert {(sample.kind, sample.end, sample.start) for sample in samples} == {
        ("instant", datetime(2026, 6, 1, 12, 5, tzinfo=UTC), None)
    }


def test_a_latest_value_from_the_future_is_dropped() -> None:
    assert read([row("2026-06-01T12:13:00+00:00", W_avg=1)], asked("W_avg"), LATEST, EVER) == ()


def test_the_newest_interval_that_is_over_stands_for_now() -> None:
    stamps = ["2026-06-01T11:30:00+00:00", "2026-06-01T11:45:00+00:00", "2026-06-01T12:00:00+00:00"]
    rows = [row(stamp, W_avg=number, Wh_sum=1) for number, stamp in enumerate(stamps)]
    (now,) = newest(read(rows, asked("W_avg", "Wh_sum"), "15min", EVER), NOW)
    assert (now.quantity, now.value, now.kind, now.start) == ("power", 1.0, "instant", None)
    assert now.end == datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_a_charging_point_uses_energy_and_the_grid_has_no_sign() -> None:
    def of(application: str | None, generation_type: str | None) -> Role:
        return role(wire.Component(id=1, application=application, generation_type=generation_type))

    assert of("GENERATION", "SOLAR") == of(None, None) == "makes"
    assert of("GENERATION", "EVSE") == "uses"
    assert of("NET-GRID", "OTHER") == of("GENERATION", "NET-GRID") == "grid"
    rows = [row("2026-06-01T00:00:00-07:00", Wh_sum=9)]
    (today,) = read(rows, asked(role="uses"), "daily", EVER)
    (lifetime,) = read(rows, asked(role="uses"), "yearly", EVER)
    assert (today.quantity, lifetime.quantity) == ("energy_consumed_today", "energy_consumed_lifetime")
    assert all(read(rows, asked(role="grid"), gran, EVER) == () for gran in GRANULARITIES)


def test_units_are_converted_and_unknown_ones_left_alone() -> None:
    def field(name: str, unit: str | None) -> wire.BaseField:
        short = (wire.Aggregation(f"{name}_{'sum' if name == 'Wh' else 'avg'}"),)
        return wire.BaseField(name, unit, aggregations=short, granularities=("15min",))

    (bundle,) = bundles(
        offers([field("W", "kW"), field("Wh", "kWh"), field("WphA", "BTU/h"), field("WphB", None)]), "makes"
    )
    assert bundle.factors == {"W_avg": 1000.0, "Wh_sum": 1000.0}
    rows = [row("2026-06-01T10:00:00+00:00", W_avg=1.5)]
    (sample,) = read(rows, Asked(id="7", part=SITE, role="makes", factors=bundle.factors, now=NOW), "15min", EVER)
    assert sample.value == 1500.0


def test_each_quantity_is_one_of_the_catalogue() -> None:
    rates = ("W_avg", "W_m_avg", "WphA_avg", "VA_avg", "VAR_avg", "PF_avg", "Hz_avg", "A_avg", "PhV_avg", "GHI_m_avg")
    places: tuple[Role, ...] = ("makes", "uses", "grid")
    names = {
        quantity(name, granularity, place)
        for name in (*rates, "Wh_sum", "Wh_m_sum", "Wh_e_sum")
        for granularity in (LATEST, *GRANULARITIES)
        for place in places
    }
    assert len(names) > len(rates)
    assert names - {None} <= set(Measured.__struct_fields__)


def test_components_that_measure_nothing_are_left_out_and_stepped_over() -> None:
    tree = devices(
        [
            wire.Component(id=1, node_type="METER", parent_type="SITE", parent_id=9, serial_number="ABC123"),
            wire.Component(id=2, node_type="BOARD", parent_type="COMPONENT", parent_id=1, is_conceptual_node=True),
            wire.Component(id=3, node_type="INVERTER", parent_type="COMPONENT", parent_id=2),
            wire.Component(id=4, node_type="WEATHERSTATION", parent_type="COMPONENT", parent_id=4),
            wire.Component(id="5-a", node_type=None),
        ]
    )
    assert [(device.part, device.parent) for device in tree] == [
        ("meter-1", None),
        ("inverter-3", "meter-1"),
        ("source-4", None),
        ("source-5-a", None),
    ]
    assert tree[0].serial == "ABC123"


def test_components_that_hang_on_each_other_in_a_circle_end_somewhere() -> None:
    links = {1: 2, 2: 3, 3: 1}
    circle = [
        wire.Component(
            id=each, node_type="METER", parent_type="COMPONENT", parent_id=above, is_conceptual_node=each > 1
        )
        for each, above in links.items()
    ]
    assert [device.parent for device in devices(circle)] == [None]


def test_a_warning_is_told_as_it_was_last_updated() -> None:
    found = [
        wire.Alert(id=1, site_id=9, updated="2026-06-01T10:00:00-00:00", end="2026-06-01T09:00:00-00:00"),
        wire.Alert(id=1, site_id=9, updated="2026-06-01T08:00:00-00:00"),
        wire.Alert(id=2, site_id=9, alert_type="Brand New Type", priority="Odd", end=""),
    ]
    first, second = alerts(found, "9", {}, several=True)
    assert first.closed == datetime(2026, 6, 1, 9, tzinfo=UTC)
    assert (second.code, second.severity, second.closed) == ("Brand New Type", "odd", None)


def test_names_of_time_zones() -> None:
    assert zone_named([None, "", "Nowhere/Atall", "/etc/passwd", "US/Pacific"]) == ZoneInfo("US/Pacific")
    assert zone_named([None]) is None


def test_stamps() -> None:
    assert moment("2015-11-01T12:00:00-00:00") == datetime(2015, 11, 1, 12, tzinfo=UTC)
    assert naive(datetime(2026, 6, 1, 12, tzinfo=UTC), PACIFIC) == "2026-06-01T05:00:00"
    assert local_day("2014-03-31T22:00:00+00:00", VIENNA) == date(2014, 4, 1)


def test_a_window_begins_on_the_mark_and_takes_in_what_is_late() -> None:
    assert window(QUARTERS, None, NOW, PACIFIC) == Window(datetime(2026, 5, 31, 12, tzinfo=UTC), NOW)
    assert window(QUARTERS, NOW, NOW, PACIFIC).start == datetime(2026, 5, 31, 12, tzinfo=UTC)
    assert window(DAILY, NOW, NOW, PACIFIC).start == datetime(2026, 5, 29, 7, tzinfo=UTC)
    assert window(MONTHLY, NOW, NOW, PACIFIC).start == datetime(2026, 4, 1, 7, tzinfo=UTC)


def test_after_a_long_break_windows_follow_each_other_without_a_gap() -> None:
    for gran, longest in ((QUARTERS, 31), (HOURS, 31), (DAILY, 365), (MONTHLY, 366)):
        reached = NOW - timedelta(days=1000)
        asked: list[Window] = []
        while not asked or asked[-1].end < NOW:
            asked.append(window(gran, reached, NOW, PACIFIC))
            reached = asked[-1].end
        assert all(span.end - span.start < timedelta(days=longest) for span in asked)
        assert all(after.start < before.end for before, after in pairwise(asked))


def test_a_clock_that_was_set_back_asks_for_nothing_of_the_future() -> None:
    assert window(QUARTERS, NOW + timedelta(days=400), NOW, PACIFIC).end == NOW

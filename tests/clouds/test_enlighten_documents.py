"""What the documents' own examples mean, and every trap in them."""

from datetime import UTC, date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from clouds import documents_enlighten as document

from envoy_bridge.clouds.enlighten import wire
from envoy_bridge.clouds.enlighten.devices import devices, envoys, inventory, inverters, meter_readings
from envoy_bridge.clouds.enlighten.intervals import Reading, meter_intervals, site_intervals, so_far
from envoy_bridge.clouds.enlighten.known import Known
from envoy_bridge.clouds.enlighten.parse import Here, counters, lifetime, summary
from envoy_bridge.clouds.report import SITE, Sample
from envoy_bridge.clouds.rest import Answer

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
NOW = 1445620000.0
T = TypeVar("T")


def read(body: bytes, kind: type[T]) -> T:
    return Answer(200, {}, body).json(kind)


def here(now: float = NOW, zone: str = "America/Los_Angeles") -> Here:
    return Here(ZoneInfo(zone), now)


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def values(samples: tuple[Sample, ...], quantity: str, part: str = SITE) -> list[object]:
    return [sample.value for sample in samples if sample.quantity == quantity and sample.part == part]


def days(**fields: object) -> wire.Lifetime:
    return wire.Lifetime(**fields)  # type: ignore[arg-type]


PRODUCED = {"production": "energy_today"}


# -- days --


def test_days_are_counted_from_the_start_date_of_the_reply() -> None:
    samples = lifetime(read(document.ENERGY_LIFETIME, wire.Lifetime), here(), PRODUCED)
    assert [(sample.day, sample.value) for sample in samples][::5] == [
        (date(2013, 1, 1), 15422.0),
        (date(2013, 1, 6), 18487.0),
    ]
    assert {(sample.kind, sample.quality, sample.part) for sample in samples} == {("daily", "ok", SITE)}
    assert samples[0].start == datetime(2013, 1, 1, 8, tzinfo=UTC)
    assert samples[0].end == samples[1].start


def test_days_of_23_and_25_hours_are_days() -> None:
    meta = wire.Meta(last_report_at=NOW, last_energy_at=NOW)
    spring, autumn = (
        lifetime(days(start_date=start, production=(1, 2, 3), meta=meta), here(), PRODUCED)
        for start in ("2014-03-08", "2014-11-01")
    )
    hours = [[(each.end - each.start).total_seconds() / 3600 for each in of if each.start] for of in (spring, autumn)]
    assert hours == [[24, 23, 24], [24, 25, 24]]
    assert [each.day for each in autumn] == [date(2014, 11, 1), date(2014, 11, 2), date(2014, 11, 3)]


def test_zeros_at_the_end_are_not_reported_yet_and_those_inside_are_real() -> None:
    """The last energy came on 2015-10-23 at the site."""
    meta = wire.Meta(last_report_at=NOW + 10 * 86400, last_energy_at=1445619033)
    reply = days(start_date="2015-10-20", production=(909, 0, 4970, 0, 0, 0), meta=meta)
    assert [each.value for each in lifetime(reply, here(NOW + 10 * 86400), PRODUCED)] == [909, 0, 4970, 0]


def test_without_any_report_all_zeros_at_the_end_are_unknown() -> None:
    assert lifetime(days(start_date="2015-10-20", production=(0, 0)), here(), PRODUCED) == ()
    assert lifetime(days(start_date="2015-10-20", production=(5, 0)), here(), PRODUCED)[0].value == 5


def test_what_is_used_is_cut_after_the_last_report_not_the_last_energy() -> None:
    meta = wire.Meta(last_report_at=1445619615, last_energy_at=1445000000)
    reply = days(start_date="2015-10-22", consumption=(7, 0, 0), meta=meta)
    samples = lifetime(reply, here(NOW + 5 * 86400), {"consumption": "energy_consumed_today"})
    assert [(each.value, each.quality) for each in samples] == [(7, "ok"), (0, "partial")]


def test_a_day_that_was_not_reported_to_its_end_is_partial() -> None:
    meta = wire.Meta(last_report_at=1445619615, last_energy_at=1445619615)
    samples = lifetime(days(start_date="2015-10-22", production=(7, 3), meta=meta), here(NOW + 5 * 86400), PRODUCED)
    assert [each.quality for each in samples] == ["ok", "partial"]


def test_a_start_date_of_null_makes_no_days() -> None:
    assert lifetime(days(start_date=None, production=(1, 2)), here(), PRODUCED) == ()


def test_arrays_of_different_lengths_are_read_each_by_itself() -> None:
    meta = wire.Meta(last_report_at=NOW)
    reply = days(start_date="2015-10-20", charge=(1, 2), discharge=(3,), meta=meta)
    samples = lifetime(reply, here(), {"charge": "energy_charged_today", "discharge": "energy_discharged_today"})
    assert values(samples, "energy_charged_today") == [1, 2]
    assert values(samples, "energy_discharged_today") == [3]


def test_null_and_minus_one_are_no_days() -> None:
    meta = wire.Meta(last_report_at=NOW, last_energy_at=NOW)
    samples = lifetime(days(start_date="2015-10-18", production=(1, None, -1, 4), meta=meta), here(), PRODUCED)
    assert [(each.day, each.value) for each in samples] == [(date(2015, 10, 18), 1), (date(2015, 10, 21), 4)]


def test_whole_days_make_a_counter_where_no_reply_has_one() -> None:
    meta = wire.Meta(last_report_at=1445619615)
    reply = days(start_date="2015-10-20", imported=(10, 20, 30, 4), meta=meta)
    (counter,) = counters(lifetime(reply, here(), {"imported": "energy_imported_today"}))
    assert (counter.quantity, counter.value, counter.kind) == ("energy_imported", 60.0, "counter")
    assert counter.end == datetime(2015, 10, 23, 7, tzinfo=UTC)


def test_a_day_that_is_missing_makes_no_sum_that_jumps_when_it_comes() -> None:
    meta = wire.Meta(last_report_at=NOW)
    reply = days(start_date="2015-10-18", imported=(10, None, 30, 4), meta=meta)
    assert not list(counters(lifetime(reply, here(), {"imported": "energy_imported_today"})))


# -- the present --


def test_the_lifetime_of_the_summary_is_without_its_day() -> None:
    samples = summary(read(document.SUMMARY, wire.Summary), here(1308008200)).samples
    assert values(samples, "energy_lifetime") == [71310030]
    assert values(samples, "energy_today") == [30030]
    assert values(samples, "power") == [271]
    (today,) = (sample for sample in samples if sample.quantity == "energy_today")
    assert (today.kind, today.day, today.end) == ("daily", date(2011, 6, 13), at(1308007800))


def test_minus_one_in_version_4_is_not_said() -> None:
    reply = wire.Summary(
        current_power=-1, energy_today=-1, energy_lifetime=-1, size_w=-1, modules=3, last_report_at=NOW
    )
    assert {sample.quantity for sample in summary(reply, here()).samples} == {"modules", "last_report"}


def test_an_empty_summary_says_nothing() -> None:
    assert summary(wire.Summary(), here()).samples == ()


def test_a_status_that_nobody_knows_is_unknown() -> None:
    assert values(summary(wire.Summary(status="on_fire"), here()).samples, "status") == ["unknown"]


# -- intervals --

MICRO = (Reading("power", ("powr",)), Reading("energy", ("enwh",)))


def test_intervals_end_at_their_time_and_energy_is_what_is_said() -> None:
    samples = site_intervals(read(document.STATS, wire.Intervals), here(1384123300), 300, MICRO)
    assert values(samples, "energy") == [14, 22, 26]
    assert values(samples, "power") == [173, 258, 308]
    assert samples[0].end == at(1384122600)
    assert samples[0].start == at(1384122300)


def test_an_interval_with_devices_missing_is_partial_for_three_hours() -> None:
    reply = read(document.STATS, wire.Intervals)
    early, late = (site_intervals(reply, here(now), 300, MICRO) for now in (1384123300, 1384123200 + 3 * 3600))
    assert [each.quality for each in early] == ["ok"] * 4 + ["partial"] * 2
    assert {each.quality for each in late} == {"ok"}


def test_intervals_off_the_grid_are_taken_as_they_are() -> None:
    reply = read(document.RGM_STATS, wire.Intervals)
    samples = site_intervals(reply, here(1384123700), 900, (Reading("energy", ("wh_del",)),))
    assert [(each.end, each.value) for each in samples] == [(at(1384122700), 1172.0), (at(1384123600), 1144.5)]


def test_a_meter_whose_channel_is_null_is_missing_not_half() -> None:
    samples = meter_intervals(read(document.RGM_STATS, wire.Intervals), 900)
    assert [(each.part, each.quantity, each.value) for each in samples] == [
        ("meter-090101000201", "energy", 1172.0),
        ("meter-090101000201", "power", 4688.0),
    ]


def test_a_channel_that_has_not_reported_yet_makes_no_half_of_a_meter() -> None:
    rows = (
        wire.Interval(channel=1, end_at=900, wh_del=5.0),
        wire.Interval(channel=2, end_at=900, wh_del=6.0),
        wire.Interval(channel=2, end_at=900, wh_del=6.0),
        wire.Interval(channel=1, end_at=1800, wh_del=7.0),
    )
    reply = wire.Intervals(meter_intervals=(wire.MeterIntervals(meter_serial_number="1", intervals=rows),))
    assert [(sample.end, sample.value) for sample in meter_intervals(reply, 900)] == [(at(900), 11.0)]


def test_minus_one_in_an_interval_is_not_said() -> None:
    rows = (wire.Interval(end_at=900, powr=-1, enwh=-1), wire.Interval(end_at=1800, powr=-2, enwh=0))
    samples = site_intervals(wire.Intervals(intervals=rows), here(), 900, MICRO)
    assert [(sample.quantity, sample.value) for sample in samples] == [("power", -2), ("energy", 0)]


def test_lists_of_lists_are_flat() -> None:
    samples = site_intervals(
        read(document.IMPORT, wire.Intervals), here(), 900, (Reading("energy_imported", ("wh_imported",)),)
    )
    assert [each.value for each in samples] == [40, 24]
    assert {each.quality for each in samples} == {"ok"}


def test_a_meter_may_say_energy_in_two_ways() -> None:
    readings = (Reading("power", ("powr",)), Reading("energy", ("wh_del", "enwh")))
    samples = site_intervals(read(document.METER_TELEMETRY, wire.Intervals), here(), 900, readings)
    assert values(samples, "energy") == [25, 25]
    assert values(samples, "power") == [100]


def test_what_a_battery_does_not_say_is_missing() -> None:
    readings = (
        Reading("energy_charged", ("charge.enwh",)),
        Reading("energy_discharged", ("discharge.enwh",)),
        Reading("soc", ("soc.percent",)),
    )
    samples = site_intervals(read(document.BATTERY, wire.Intervals), here(), 900, readings)
    assert values(samples, "energy_charged") == [12]
    assert values(samples, "energy_discharged") == [0]
    assert values(samples, "soc") == [87, 88]


def test_a_sum_of_today_needs_all_of_today() -> None:
    place = here(datetime(2014, 11, 2, 12, tzinfo=UTC).timestamp())
    begin = place.midnight(place.today).timestamp()
    rows = tuple(wire.Interval(end_at=begin + 900 * n, enwh=10) for n in range(-3, 20))
    whole = site_intervals(wire.Intervals(rows), place, 900, (Reading("energy_consumed", ("enwh",)),))
    totals = {"energy_consumed": "energy_consumed_today"}
    (today,) = so_far(whole, place, totals)
    assert (today.value, today.day, today.quality) == (190, date(2014, 11, 2), "partial")
    assert list(so_far(whole[:7] + whole[8:], place, totals)) == []


# -- devices --


def test_serials_are_texts_and_a_gateway_that_never_reported_has_no_time() -> None:
    found = envoys(read(document.ENVOYS, wire.Envoys), here())
    known = Known().after("envoys", found)
    assert known.gateways == ("010731000003", "010814000001")
    assert known.report("67").serials == ("010731000003",), "nothing of the other one is in what the cloud counts"
    assert values(found.samples, "last_report", "gateway-010731000003") == [at(1308008107)]
    assert values(found.samples, "last_report", "gateway-010814000001") == []


def test_the_inventory_may_leave_out_what_its_table_requires() -> None:
    found = inventory(read(document.INVENTORY, wire.Inventory)).devices or ()
    parts = [device.part for device in found]
    assert parts == ["inverter-110206000001", "inverter-110206000002", "meter-090101000201"]


def test_inverters_in_the_unit_that_stands_there() -> None:
    found = inverters(read(document.INVERTERS_SUMMARY, tuple[wire.InverterGroup, ...]), here())
    first, second, third = (f"inverter-11020600000{number}" for number in (1, 2, 3))
    assert [device.part for device in found.devices or ()] == [first, second, third]
    assert [device.parent for device in found.devices or ()] == ["gateway-010731000003"] * 2 + [None]
    assert values(found.samples, "energy_lifetime", first) == [471]
    assert values(found.samples, "energy_lifetime", second) == [471]
    assert values(found.samples, "power", second) == [1210]
    assert values(found.samples, "last_report", second) == [at(1384122700)]
    assert values(found.samples, "status", second) == ["unknown"]
    assert {each.quantity for each in found.samples if each.part == third} == {"status"}


def test_a_retired_meter_is_stale_and_no_device() -> None:
    found = meter_readings(read(document.METER_READINGS, wire.MeterReadings), here(1473902079))
    assert [(each.part, each.value, each.quality) for each in found.samples] == [
        ("meter-090101000101", 12361512, "stale"),
        ("meter-090101000201", 54321, "ok"),
    ]
    assert [device.id for device in found.devices or ()] == ["090101000201"]


def test_version_4_has_another_name_for_serial_numbers() -> None:
    reply = wire.MeterReadings((wire.MeterReading(serial_num="001", value=5, read_at=NOW),))
    assert meter_readings(reply, here()).samples[0].part == "meter-001"


def test_hardware_is_what_is_switched_on() -> None:
    groups = wire.DeviceGroups(
        meters=(
            wire.Device(serial_number="1", name="production", state="disabled"),
            wire.Device(serial_number="2", name="grid", config_type="Net", state="enabled"),
        ),
        gateways=(wire.Device(serial_number="0122"),),
        encharges=None,
    )
    found = devices(wire.Devices(groups))
    assert found.hardware == frozenset(("consumption",))
    assert Known().after("devices", found).gateways == ("0122",)

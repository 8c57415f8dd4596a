"""What Tigo's JSON replies mean: its document's examples, and what may be missing."""

from datetime import date
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec
import pytest
from clouds import documents_tigo as documents
from clouds.tigo_account import of_kind, utc, values

from envoy_bridge.clouds.report import Alert, CloudDevice
from envoy_bridge.clouds.tigo.parse import Tree, alerts, heartbeats, loggers, size, totals
from envoy_bridge.clouds.tigo.wire import Alerts, Layout, Objects, ObjectTypes, Sources, Summary, Systems, Warned

T = TypeVar("T")
PACIFIC = ZoneInfo("America/Los_Angeles")


def told(body: bytes, kind: type[T]) -> T:
    return msgspec.json.decode(body, type=kind)


def test_the_documents_system_has_no_time_zone_and_a_rating_in_watts() -> None:
    first = (told(documents.SYSTEMS, Systems).systems or ())[0]

    assert (first.system_id, first.timezone) == (1, None)
    assert values(list(size(first, utc("2026-06-01")))) == {("site", "size"): 12_000}


def test_the_documents_tree() -> None:
    tree = Tree(told(documents.OBJECTS, Objects), told(documents.TYPES, ObjectTypes), told(documents.LAYOUT, Layout))

    assert tree.parts == {"1": "site", "2": "string-2", "3": "panel-3"}
    assert tree.keys == {"04C05B800ACE.panels.A1": "panel-3"}
    assert list(tree.devices()) == [
        CloudDevice(kind="string", id="2", parent="inverter-1", label="String A"),
        CloudDevice(kind="panel", id="3", parent="string-2", label="A1", serial="04C05B8001234"),
        CloudDevice(kind="inverter", id="1", label="Inverter 1", serial="ABC"),
    ]


def test_the_numbers_of_types_are_read() -> None:
    types = b'{"object_types": [{"object_type_id": 3, "label": "Panel"}, {"object_type_id": 2, "label": "Weather"}]}'

    tree = Tree(told(documents.OBJECTS, Objects), told(types, ObjectTypes), Layout())

    assert tree.parts == {"1": "site", "2": "panel-2"}


def test_a_circle_of_parents_ends() -> None:
    objects = b"""{"objects": [
        {"id": 7, "object_type_id": 9, "parent_id": 8}, {"id": 8, "object_type_id": 9, "parent_id": 7},
        {"id": 3, "label": "A1", "object_type_id": 2, "parent_id": 8}
    ]}"""

    tree = Tree(told(objects, Objects), told(documents.TYPES, ObjectTypes), Layout())

    assert list(tree.devices()) == [CloudDevice(kind="panel", id="3", label="A1")]


def test_a_label_that_is_there_twice_gives_no_serial() -> None:
    panel = b'{"panel_id": 1, "label": "A1", "short_label": 1, "serial": "04C05B8001234"}'
    layout = documents.LAYOUT.replace(b'"panels": [', b'"panels": [' + panel + b",")

    tree = Tree(told(documents.OBJECTS, Objects), told(documents.TYPES, ObjectTypes), told(layout, Layout))

    assert {device.part: device.serial for device in tree.devices()}["panel-3"] is None


def test_the_documents_sources() -> None:
    sources = told(documents.SOURCES, Sources)

    assert [logger.part for logger in loggers(sources)] == ["source-9999", "source-1010"]
    assert loggers(sources)[0].serial == "04C05B8FFFFFF"
    found = list(heartbeats(sources, None, utc("2026-06-01")))
    assert values(found)["source-9999", "last_report"] == utc("2017-02-17T07:19:06")
    assert values(found)["source-1010", "status"] == "on"


def test_the_documents_summary() -> None:
    found = list(totals(told(documents.SUMMARY, Summary), PACIFIC, utc("2014-11-18T09:00:00")))

    end = utc("2014-11-18T08:00:00")
    assert {(sample.quantity, sample.value, sample.kind) for sample in found} == {
        ("last_report", end, "instant"),
        ("power_dc", 0, "instant"),
        ("energy_lifetime_dc", 18_607_879.27, "counter"),
        ("energy_year_dc", 500.32, "counter"),
        ("energy_today_dc", 0, "daily"),
    }
    assert {sample.end for sample in found} == {end}
    today = of_kind("daily", found)[0]
    assert (today.start, today.day, today.quality) == (end, date(2014, 11, 18), "partial")


def test_of_a_year_that_is_over_nothing_is_told() -> None:
    found = list(totals(told(documents.SUMMARY, Summary), PACIFIC, utc("2015-01-01T08:00:00")))

    assert ("site", "energy_year_dc") not in values(found)


def test_a_summary_without_a_time_zone_has_no_day() -> None:
    found = list(totals(told(documents.SUMMARY, Summary), None, utc("2014-11-18T09:00:00")))

    assert {sample.quantity for sample in found} == {"last_report", "power_dc", "energy_lifetime_dc"}


@pytest.mark.parametrize("nothing", ["null", '"null"', '""', "-1", '"NaN"'])
def test_energies_that_say_nothing_are_missing(nothing: str) -> None:
    body = documents.SUMMARY.replace(b"18607879.27", nothing.encode()).replace(b'"daily_energy_dc": 0', b'"x": 0')

    found = list(totals(told(body, Summary), PACIFIC, utc("2014-11-18T09:00:00")))

    assert {sample.quantity for sample in found} == {"last_report", "power_dc", "energy_year_dc"}


@pytest.mark.parametrize("when", ["null", '"null"', '"0000-00-00T00:00:00"', '"0001-01-01T00:00:00+14:00"'])
def test_a_summary_without_a_time_is_nothing(when: str) -> None:
    body = documents.SUMMARY.replace(b'"2014-11-18T00:00:00-08:00"', when.encode())

    assert list(totals(told(body, Summary), PACIFIC, utc("2014-11-18T09:00:00"))) == []


def test_the_documents_alert_without_its_html() -> None:
    found = alerts([told(documents.ALERTS, Alerts)], utc("2018-07-30T00:00:00"), None)

    assert found == (
        Alert(
            id="1",
            part="site",
            code="106",
            severity="unknown",
            title="Tigo Alert: String Shutdown",
            opened=utc("2018-08-01T16:08:20"),
            updated=utc("2018-08-01T16:09:05"),
        ),
    )
    assert alerts([told(documents.ALERTS, Alerts)], utc("2018-08-02T00:00:00"), None) == ()


@pytest.mark.parametrize(
    ("title", "plain"),
    [
        ("Tigo Alert: <b>String</b> Shutdown<br/>", "Tigo Alert: String Shutdown"),
        ("Power &lt; 5 W &amp; &lt;i&gt;more&lt;/i&gt;&nbsp;of it", "Power < 5 W & more of it"),
        ("Power < 5 W", "Power < 5 W"),
        ("Shutdown <a href='x", "Shutdown"),
    ],
)
def test_a_title_is_plain_text(title: str, plain: str) -> None:
    (alert,) = alerts([Alerts(alerts=(Warned(alert_id=1, title=title),))], utc("2026-06-01T00:00:00"), None)

    assert alert.title == plain

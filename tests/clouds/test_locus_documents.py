"""What is made of the examples in Locus' own document."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from clouds import documents_locus as document

from envoy_bridge.clouds.locus import wire
from envoy_bridge.clouds.locus.fields import Bundle, bundles, offers, role
from envoy_bridge.clouds.locus.parse import Asked, alerts, devices, read
from envoy_bridge.clouds.locus.times import Window, zone_named
from envoy_bridge.clouds.report import SITE, Alert

PACIFIC = ZoneInfo("US/Pacific")
MODEL = (("modelType", "simple"), ("irradianceSource", "weatherStation"), ("inverterClipping", "true"))
LONG = Window(datetime(2000, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))


def rows(example: bytes) -> tuple[wire.Row, ...]:
    return msgspec.json.decode(example, type=wire.Data).data


def asked(
    entity: str,
    factors: Mapping[str, float],
    now: datetime = datetime(2020, 1, 1, tzinfo=UTC),
    zone: ZoneInfo = PACIFIC,
) -> Asked:
    return Asked(id=entity, part=SITE, role="makes", factors=factors, now=now, zone=zone)


def bundles_of(example: bytes) -> dict[tuple[str, bool], Bundle]:
    """By granularity, and whether there are parameters."""
    found = bundles(offers(msgspec.json.decode(example, type=wire.Available).base_fields), "makes")
    return {(bundle.granularity, bool(bundle.parameters)): bundle for bundle in found}


@pytest.mark.parametrize(
    ("example", "refresh"),
    [
        (document.PASSWORD_TOKEN, "c27720f61b77245731c2e3ce4647ddad"),
        (document.REFRESHED_TOKEN, None),
        (document.CLIENT_TOKEN, None),
    ],
)
def test_each_login_gives_a_token_for_an_hour(example: bytes, refresh: str | None) -> None:
    reply = msgspec.json.decode(example, type=wire.TokenReply)
    assert (len(reply.access_token), reply.expires_in, reply.refresh_token) == (32, 3600, refresh)


def test_a_time_zone_that_is_written_wrong_is_understood() -> None:
    site = msgspec.json.decode(document.SITE, type=wire.Site)
    zone = zone_named([site.location_timezone])
    assert zone is not None
    assert zone.key == "America/Los_Angeles"


def test_sites_and_clients_are_read_without_what_is_personal() -> None:
    sites = msgspec.json.decode(document.SITES, type=wire.Sites).sites
    clients = msgspec.json.decode(document.CLIENTS, type=wire.Clients).clients
    assert [site.location_timezone for site in sites] == ["America/Los_Angeles", "America/New_York"]
    assert [client.tz for client in clients] == ["US/Eastern", "US/Pacific"]
    kept = msgspec.json.encode([sites, clients])
    assert not any(word in kept for word in (b"Mission", b"Hoboken", b"Test", b"@", b"07030"))


def test_of_two_components_with_one_id_there_is_the_first() -> None:
    components = msgspec.json.decode(document.COMPONENTS, type=wire.Components).components
    (meter,) = devices(components)
    assert (meter.part, meter.label, meter.model) == ("meter-54369", "PV Meter", "Locus Energy LGate 120")
    assert meter.parent is None
    assert [role(component) for component in components] == ["makes", "makes"]


def test_a_component_below_one_that_is_not_listed_hangs_on_the_site() -> None:
    inverter = msgspec.json.decode(document.COMPONENTS, type=wire.Components).components[1]
    assert [(device.part, device.parent) for device in devices([inverter])] == [("inverter-54369", None)]


def test_model_settings_have_the_size_in_kilowatts() -> None:
    assert msgspec.json.decode(document.MODEL_SETTINGS, type=wire.ModelSettings).size == 1023.4


def test_of_a_component_only_what_has_a_name_is_asked_for() -> None:
    found = bundles_of(document.OF_A_COMPONENT)
    assert set(found["latest", False].factors) == {"A_avg", "PF_avg", "VAR_avg", "W_avg", "WphA_avg"}
    assert set(found["15min", False].factors) == {"W_avg", "Wh_sum", "WphA_avg"}
    assert set(found["daily", False].factors) == {"Wh_sum"}
    assert not any(modelled for _, modelled in found)


def test_of_a_site_each_field_is_asked_for_at_a_granularity_that_it_has() -> None:
    found = bundles_of(document.OF_A_SITE)
    assert "latest" not in {granularity for granularity, _ in found}
    assert set(found["15min", False].factors) == {"W_avg", "Wh_sum"}
    assert set(found["hourly", False].factors) == {"GHI_m_avg"}
    assert set(found["daily", False].factors) == {"Wh_sum", "Wh_e_sum"}
    assert found["15min", True].parameters == MODEL
    assert set(found["15min", True].factors) == {"W_m_avg", "Wh_m_sum"}


def test_a_field_that_is_new_is_left_alone() -> None:
    assert bundles_of(document.NEW_BASE_FIELD) == {}


def test_of_all_sites_there_are_months() -> None:
    assert bundles_of(document.OF_ALL_SITES) == {("monthly", False): Bundle("monthly", (), {"Wh_sum": 1.0})}


def test_a_month_is_known_by_its_date_where_the_offset_is_wrong() -> None:
    samples = read(rows(document.MONTHS), asked("54369", {"Wh_sum": 1.0}), "monthly", LONG)
    assert [(sample.start, sample.end, sample.value) for sample in samples] == [
        (datetime(2014, 1, 1, 8, tzinfo=UTC), datetime(2014, 2, 1, 8, tzinfo=UTC), 1234.5),
        (datetime(2014, 2, 1, 8, tzinfo=UTC), datetime(2014, 3, 1, 8, tzinfo=UTC), 1252.4),
    ]
    assert {sample.quantity for sample in samples} == {"energy_month"}


def test_the_years_that_are_known_are_the_lifetime() -> None:
    now = datetime(2016, 5, 1, tzinfo=UTC)
    (lifetime,) = read(rows(document.YEARS), asked("54369", {"Wh_sum": 1.0}, now, ZoneInfo("UTC")), "yearly", LONG)
    assert (lifetime.quantity, lifetime.kind, lifetime.value) == ("energy_lifetime", "counter", 1_358_357.7)
    assert (lifetime.start, lifetime.end) == (None, now)


def test_the_present_year_is_also_told_by_itself() -> None:
    now = datetime(2015, 5, 1, tzinfo=UTC)
    samples = read(rows(document.YEARS), asked("54369", {"Wh_sum": 1.0}, now, ZoneInfo("UTC")), "yearly", LONG)
    assert {sample.quantity: sample.value for sample in samples}["energy_year"] == 124_234.2


def test_a_row_at_the_end_of_what_was_asked_is_dropped() -> None:
    hour = Window(datetime(2014, 4, 1, 19, tzinfo=UTC), datetime(2014, 4, 1, 20, tzinfo=UTC))
    samples = read(rows(document.HOURS), asked("123", {"W_avg": 1.0, "Wh_sum": 1.0}), "hourly", hour)
    assert {(sample.quantity, sample.value, sample.start, sample.end) for sample in samples} == {
        ("power", 23.717, hour.start, hour.end),
        ("energy", 5936.0, hour.start, hour.end),
    }


def test_months_of_all_sites_are_told_apart_whatever_the_hour_they_bear() -> None:
    found = rows(document.ALL_SITES_MONTHS)
    samples = read(found, asked("456", {"Wh_sum": 1.0}), "monthly", LONG)
    assert [(sample.start, sample.value) for sample in samples] == [
        (datetime(2014, 4, 1, 7, tzinfo=UTC), 21324.0),
        (datetime(2014, 5, 1, 7, tzinfo=UTC), 25234.0),
    ]


def test_warnings_have_their_times_in_utc() -> None:
    found = msgspec.json.decode(document.ALERTS, type=wire.Alerts).alerts
    assert alerts(found, "99", {"90": "inverter-90"}, several=True) == (
        Alert(
            id="999",
            part=SITE,
            code="System Disconnect",
            severity="high",
            title="System Disconnect",
            opened=datetime(2015, 11, 1, 12, tzinfo=UTC),
            closed=datetime(2015, 11, 22, 12, tzinfo=UTC),
            updated=datetime(2015, 11, 22, 12, 3, tzinfo=UTC),
        ),
        Alert(
            id="78",
            part="inverter-90",
            code="Device Fault",
            severity="medium",
            title="VDC high",
            opened=datetime(2015, 11, 1, 12, tzinfo=UTC),
            closed=datetime(2015, 11, 22, 15, tzinfo=UTC),
            updated=datetime(2015, 11, 24, 12, 5, tzinfo=UTC),
        ),
    )
    assert alerts(found, "123", {}, several=True) == ()


def test_a_warning_that_names_no_site_is_of_the_site_that_was_asked() -> None:
    found = msgspec.json.decode(document.ALERTS_WITHOUT_SITES, type=wire.Alerts).alerts
    assert len(alerts(found, "123", {}, several=False)) == 1
    assert alerts(found, "123", {}, several=True) == ()


def test_the_refusal_of_a_second_request_is_understood() -> None:
    assert msgspec.json.decode(document.THROTTLED, type=wire.Reply).statusCode == 429


def test_days_have_their_own_date() -> None:
    found = [{"id": 1, "ts": "2014-04-01T00:00:00-07:00", "Wh_sum": 5}]
    (day,) = read(found, asked("1", {"Wh_sum": 1.0}), "daily", LONG)
    assert (day.kind, day.day, day.quantity) == ("daily", date(2014, 4, 1), "energy_today")

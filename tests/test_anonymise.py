"""Recordings without what is personal: nothing of it survives, and what the program reads is still there."""

import asyncio
import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import households
import pytest
from households import FIXTURES, NAMES, golden

from envoy_bridge.anonymise import Anonymiser
from envoy_bridge.gateway.info import parse_info
from envoy_bridge.gateway.legacy import parse_home, parse_page
from envoy_bridge.gateway.quirks import QUIRKS
from envoy_bridge.redaction import hide
from envoy_bridge.simulator.har import Recorded, Recording
from envoy_bridge.vocabulary import is_field, says

SHARED = Path(__file__).parents[2] / "shared" / "recordings"
RECORDINGS = [FIXTURES / f"{name}.har" for name in NAMES] + sorted(SHARED.glob("*.har"))
SERIAL = "482200000017"
TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOiIxMjIzMDAwMDAwMDAifQ.c2lnbmF0dXJl"


def alone(body: str | bytes) -> str:
    """One reply, anonymised."""
    raw = body.encode() if isinstance(body, str) else body
    return Anonymiser([raw])(raw)[0]


def of(value: Any, name: str = "x") -> Any:
    """What becomes of one value of JSON under this name."""
    return json.loads(alone(json.dumps({name: value})))[name]


def anonymised(recording: Recording) -> Recording:
    anonymise = Anonymiser(reply.body for reply in recording.replies.values())
    replies = {}
    for path, reply in recording.replies.items():
        text, mime = anonymise(reply.body)
        replies[path] = Recorded(reply.status, mime, text.encode())
    return replace(recording, replies=replies)


def serials(before: Recording, after: Recording) -> dict[str, str]:
    """Which device has become which: by what stands at the same place. Times and channels have ten digits."""
    pairs: dict[str, str] = {}
    for path, reply in before.replies.items():
        for old, new in zip(strings(reply.body), strings(after.replies[path].body), strict=True):
            if (found := re.fullmatch(r"(\d{6,})(EIM\d)?", old)) and (old != new or len(found[1]) > 10):
                became = new.removesuffix(found[2] or "")
                assert pairs.setdefault(found[1], became) == became, "always the same"
    return pairs


def strings(body: bytes) -> list[str]:
    """All texts in a reply, and the names of its fields; none where it is no JSON."""
    try:
        return list(texts(json.loads(body)))
    except ValueError:
        return re.findall(r"(?<!\d)\d{12}(?!\d)", body.decode())


def texts(tree: Any) -> Iterator[str]:
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from (key, *texts(value))
    elif isinstance(tree, list):
        for item in tree:
            yield from texts(item)
    elif isinstance(tree, str):
        yield tree


def literals(body: bytes) -> list[str]:
    """The numbers of a reply as they are written, serial numbers aside."""
    bare = re.sub(rb'"(?:[^"\\]|\\.)*"', b"", body)
    return [number.decode() for number in re.findall(rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", bare) if len(number) < 12]


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_household_is_read_the_same_with_other_serials_and_names(path: Path) -> None:
    before = Recording.from_har(path)
    after = anonymised(before)
    mapping = serials(before, after)
    assert len(set(mapping.values())) == len(mapping)
    assert not mapping.keys() & {*mapping.values()}
    seen, again = (golden(asyncio.run(households._look(each, QUIRKS))) for each in (before, after))  # noqa: SLF001 - of the tests
    expected = re.sub(r"\d{6,14}", lambda found: mapping.get(found[0], found[0]), seen)
    named = r"(?m)^((dry_contact/\w+/name|generator/(model|manufacturer)) ).*"
    assert sorted(re.sub(named, r"\1", again).splitlines()) == sorted(re.sub(named, r"\1", expected).splitlines())
    for place, reply in before.replies.items():
        if reply.body.lstrip()[:1] in (b"{", b"["):
            assert literals(after.replies[place].body) == literals(reply.body), place


def canaries(body: bytes) -> bytes:
    """The same reply with a canary in the place of every text."""
    if body.lstrip()[:1] not in (b"{", b"["):
        return re.sub(rb">[^<>]*[^<>\s][^<>]*<", b">CANARY canary@example.org CANARY-2<", body)
    return json.dumps(spoilt(json.loads(body))).encode()


def spoilt(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: spoilt(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [spoilt(item) for item in tree]
    return f"CANARY {tree}" if isinstance(tree, str) else tree


@pytest.mark.parametrize("name", NAMES)
def test_no_text_survives_that_firmware_does_not_say_wherever_it_stands(name: str) -> None:
    bodies = [canaries(reply.body) for reply in Recording.from_har(FIXTURES / f"{name}.har").replies.values()]
    assert any(b"CANARY" in body for body in bodies)
    anonymise = Anonymiser(bodies)
    for body in bodies:
        assert "canary" not in anonymise(body)[0].lower()


PERSONAL = [
    *("CANARY", "Anna Canary", "12 Canary Street", "canary@example.org", "canary.example.org", "+43 664 1234567"),
    *("0664 123 456", "0664.123456", "555.123.4567", "555-123-4567", "06641234567", "48.20817,16.37382", "48.208174"),
    *("02:0A:5E:10:20:30", "02-0a-5e-10-20-30", "020a5e102030", "02:0a:5e:ff:fe:10:20:30", "00:0a:5e:10:20:30"),
    *("10.1.2.3", "10.1.2.3/24", "10.1.2.3:443", "fe80::1%eth0", "2001:db8:1::5", "[2001:db8:1::5]"),
    *(TOKEN, f"Bearer {TOKEN}", "sessionId=abc123def", "https://me:canary@host/", "Europe/Canary", "../Canary"),
    *(SERIAL, "AB12CD34EF56", "envoy-482200000017", "000017", "1b4e28ba-2fa1-11d2-883f-0016d3cca427", "IQ_000017"),
    *(
        "ä",
        "Küche",
        "家",
        "💡",
        "\u0000x",
        "\ud83d",
        "true\ncanary",
        "closed canary",
        "{}",
        "<b>canary</b>",
        '{"a":"b"}',
    ),
    *(
        "ENCHG-canary",
        "envoy.canary",
        "envoy.global.Canary",
        "1.2.3-canary",
        "8.2-rel",
        "Mon,Canary",
        "r12",
        "V8.canary",
    ),
]


@pytest.mark.parametrize("text", PERSONAL)
@pytest.mark.parametrize("name", ["x", "serial_num", "name", "fw_version", "date"])
def test_what_is_personal_goes_under_every_name(text: str, name: str) -> None:
    body = json.dumps({name: text, "more": [{"deep": [text]}]}, ensure_ascii="\ud83d" in text).encode()
    shown = alone(body)
    for written in (text, json.dumps(text)[1:-1], base64.b64encode(text.encode(errors="replace")).decode().rstrip("=")):
        assert len(written) < 3 or written not in shown


@pytest.mark.parametrize("text", PERSONAL)
def test_what_is_personal_goes_from_pages_and_running_text(text: str) -> None:
    words = [
        word
        for word in re.findall(r"[\w.@:/-]+", text)
        if re.search(r"(?i)canary|\d{5}|[.:@]\w+[.:]|[^\x00-\x7f]", word)
    ]
    for body in (f"<html><!-- {text} --><p title='{text}'>Envoy {text}</p></html>", f"Error: {text}"):
        raw = body.encode(errors="replace").replace(b"\0", b"")
        shown = alone(raw)
        assert not [word for word in words if word in shown]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("load_name", "Car", "Load 1"),
        ("ssid", "production", "Network 1"),
        ("owner_name", "closed", "Name 1"),
        ("name", "grid", "Name 1"),
        ("city", "Mon", "Place 1"),
        ("latitude", 48.20817, 0),
        ("longitude", -16.3, 0),
        ("zip", 1010, 0),
        ("phone", 436641234567, 0),
        ("password", "closed", "***"),
        ("token", TOKEN, "***"),
        ("x", TOKEN, "***"),
        ("euaid", "4c8f1d", "eeeee1"),
        ("mac", "02:0A:5E:10:20:30", "02:00:00:00:00:01"),
        ("ip", "10.1.2.3", "192.0.2.1"),
        ("ip", "fe80::1", "2001:db8::1"),
        ("x", "a@example.com", "person1@example.org"),
        ("serial_num", "AB12CD34", "XXXXXXX1"),
        ("serial_num", SERIAL, "990000000001"),
        ("serialNumber", int(SERIAL), 990000000001),
        ("sn", f"{SERIAL}EIM2", "990000000001EIM2"),
        ("location", {"x": 48.2, "y": "Canary"}, {"x": 0, "y": "Place 1"}),
        ("serial_num", None, None),
        ("serial_num", "", ""),
        ("system_id", 1234567, 9900001),
        ("device_id", 17, 17),
        ("x", "Canary", "Text 1"),
    ],
)
def test_each_kind_has_a_substitute_of_its_shape(name: str, value: Any, shown: Any) -> None:
    assert of(value, name) == shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("x", word)
            for word in ("net-consumption", "check-wiring", "ENPWR_STATE_OPER_CLOSED", "C6 RGM", "NC1", "", "24")
        ),
        *(
            ("x", word)
            for word in ("Mon,Tue,Wed", "05/29/2026", "12/31", "13:05", "2026-05-29T13:05:00Z", "0x0000000000000000")
        ),
        *(("x", word) for word in ("800-00562-r06", "521-00007-r02-v03.11.01", "envoy.cond_flags.pcu_ctrl.dc-pwr-low")),
        *(("x", word) for word in ("US/Central", "Europe/Vienna", "America/Argentina/Buenos_Aires", "404 - Not Found")),
        *(("last_rpt_date", word) for word in ("1693389504", "0")),
        *(
            ("img_pnum_running", word)
            for word in ("2.0.5611_rel/22.13", "0.1.18-D1", "4.5.28", "521-00007-r02-v03.11.01")
        ),
        ("api_ecagtDevIdToSerial", 1955692),  # a counter
        *(("x", number) for number in (True, False, None, 0, -466.5, 1693389504, 553648384, 123456789012, 48.20817)),
    ],
)
def test_what_firmware_says_stays(name: str, value: Any) -> None:
    assert of(value, name) == value


def test_numbers_stay_as_they_are_written() -> None:
    body = (
        '{"a":[1.0,-0.00,20055053.000,1e5,1E-7,12345678901234567890,0.1],"joulesProduced":482200000018,"eid":704643328}'
    )
    assert alone(body) == body


def test_a_serial_number_is_the_same_in_every_reply_and_every_shape() -> None:
    bodies = [
        f'{{"value":{SERIAL},"text":"{SERIAL}"}}',  # before it is known to be one
        f'[{{"serialNumber":"{SERIAL}"}},{{"sn":"{SERIAL}EIM1"}},{{"serial_num":{SERIAL}}}]',
        f'{{"{SERIAL}":5,"pcu_{SERIAL}":{{"serial_nums":{{"{SERIAL}":{{"device_type":13}}}}}},"553648384":1}}',
        f'{{"pcu":{{"fields":["serialNumber","devType"],"values":[["{SERIAL}",1]]}}}}',
        f"<?xml version='1.0'?><envoy_info><device><sn>{SERIAL}</sn></device></envoy_info>",
        f"<html><body><td>Envoy Serial Number: {SERIAL}</td></body></html>",
        f"Error: {SERIAL}, serial:{SERIAL}",
    ]
    anonymise = Anonymiser(body.encode() for body in bodies)
    for body in bodies:
        shown, _ = anonymise(body.encode())
        assert shown.count("990000000001") == body.count(SERIAL)
        assert SERIAL[-6:] not in shown, "the password of its local user"
        assert ("553648384" in body) == ("553648384" in shown)


def test_no_substitute_is_an_original() -> None:
    body = json.dumps({"serial_nums": ["990000000001", "990000000003", "122300000001"], "ip": "192.0.2.1"})
    shown = json.loads(alone(body))
    assert shown == {"serial_nums": ["990000000002", "990000000004", "990000000005"], "ip": "192.0.2.2"}


def test_names_of_fields_stay_unless_they_are_somebody_s() -> None:
    body = {"FW Version": 1, "devices:": 2, "line1-connected": 3, "newField": 4, "load_name": "Kitchen"}
    personal = {"Kitchen": 5, "Anna's": 6, "a@example.com": 7, "02:0A:5E:10:20:30": 8, TOKEN: 9, "10.1.2.3": 10}
    shown = json.loads(alone(json.dumps(body | personal)))
    assert list(shown)[:5] == list(body)
    assert not shown.keys() & personal.keys()
    assert list(shown.values())[5:] == [5, 6, 7, 8, 9, 10]


def test_a_secret_of_the_configuration_goes_though_firmware_says_it() -> None:
    hide("net-consumption-CANARY")
    assert of("net-consumption-CANARY") == "***"


INFO = f"""<?xml version='1.0' encoding='UTF-8'?>
<!-- CANARY --><?canary canary?>
<envoy_info canary="CANARY">
  <time>1780077916</time>
  <device><sn>{SERIAL}</sn><pn>800-00664-r05</pn><software>D8.3.5169</software><euaid>54e3c0</euaid>
    <imeter>true</imeter><owner>CANARY</owner></device>CANARY
  <web-tokens>true</web-tokens>
  <package name='rootfs'><pn>500-00001-r01</pn><version>08.03.5169</version><build>a574ad</build></package>
  <package name='CANARY'/><canary:new xmlns:canary="http://canary.example.org">CANARY</canary:new>
</envoy_info>"""


def test_info_keeps_who_it_is_but_for_its_number() -> None:
    before, shown = parse_info(INFO.encode()), alone(INFO)
    assert parse_info(shown.encode()) == replace(before, serial="990000000001")
    for kept in ("<time>1780077916</time>", 'name="rootfs"', "<build>a574ad</build>", "<version>08.03.5169</version>"):
        assert kept in shown
    assert "CANARY" not in shown
    assert "canary.example" not in shown
    assert "54e3c0" not in shown


@pytest.mark.parametrize(
    "start", ["<!DOCTYPE html>\n<html lang='canary'>", "<html><script>canary()</script>", "<h1>System</h1>"]
)
def test_pages_keep_their_figures(start: str) -> None:
    page = (
        f"{start}<canary-tag onclick='canary()'>canary</canary-tag><table><tr><td>Currently</td><td> 4.13 kW</td></tr>"
        f"<tr><td>Since Installation</td><td>71.2 MWh</td></tr><tr><td>Envoy Serial Number:{SERIAL}</td></tr>"
        "<tr><td>Current Software Version</td><td>R3.2.0 (4c8f1d)</td></tr><tr><td>02:0A:5E:10:20:30</td></tr></table>"
    ).encode()
    shown = alone(page).encode()
    assert parse_page(shown) == parse_page(page)
    assert parse_home(shown) == replace(parse_home(page), serial="990000000001")
    assert b"canary" not in shown.lower()
    assert b"02:00:00:00:00:01" in shown


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b" ", b"\0\1\2CANARY", b"\xef\xbb\xbf{}", "Küche CANARY".encode("latin-1"), b"{" * 100_000 + b"CANARY"),
        *(b'{"a":' * 100_000, b'[{"CANARY": 1}, {', b'{"a": NaN, "b": "CANARY"}', b'{"a": "\xff CANARY"}', b'"CANARY"'),
        *(b"<?xml version='1.0'?><a>CANARY", b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY e 'CANARY'>]><a>&e;</a>"),
        *(b"<" * 10_000, b"<div>" * 10_000 + b"CANARY", b"9" * 100_000, b'{"sn": "' + b"9" * 100_000 + b'"}'),
    ],
    ids=lambda body: body[:20],
)
def test_whatever_a_gateway_sends_it_goes_through(body: bytes) -> None:
    assert "CANARY" not in alone(body)


def test_words_and_names() -> None:
    assert says("Grid-Tied")
    assert not says("Grid-Tide")
    assert is_field("agg_p_ph_a_mw")
    assert not is_field("a" * 49)

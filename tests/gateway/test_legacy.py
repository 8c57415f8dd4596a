"""Pages of firmware before 3.9: what they say, and that they can do no harm and never make us guess."""

import time
from collections.abc import Callable

import pytest

from envoy_bridge.errors import UnusableReply
from envoy_bridge.gateway.info import HOME, LIMIT, GatewayInfo, parse_info
from envoy_bridge.gateway.known import Known
from envoy_bridge.gateway.legacy import Page, identify, parse_home, parse_page, production_of_page
from envoy_bridge.gateway.wire import Meter
from envoy_bridge.model import Flow, Production

SERIAL = "120911000317"

FRAME = """<!DOCTYPE html PUBLIC "-//W3C//DTD HTML 4.01//EN">
<html lang="en">
<head><title>{title}</title>
  <meta http-equiv="Content-Type" content="text/html; charset=utf-8">
  <style type="text/css">.nav {{ width: 190px }}</style>
  <script type="text/JavaScript"> <!-- // <td>Currently</td><td>1 W</td> --> </script>
</head>
<body><form action="/"><table width="100%"><tr>
  <td class="line" valign="middle"><img src="/logo.png" alt="Logo"></td>
  <td class="line" colspan="4">Envoy Serial Number: {serial}</td>
  <td><select name="locale"><option value="en" selected="selected" >English</option></select></td>
</tr></table></form><HR>
{main}
<HR>&copy; Some Maker, Inc.<br></body>
</html>
"""

NOT_FOUND = "<center><h2>Page Not Found</h2><p>The page does not exist. Try the <a href='/'>home</a> page</center>"
LOGIN = "<form><table><tr><td>User name</td><td><input name=user></td></tr></table></form>"
SOFTWARE = (
    "<table><tr><td>Microinverters</td><td>14</td></tr><tr><td>Software Version</td><td>R3.7.31 (1a2b3c)</td></tr>"
)


def framed(main: str, *, title: str = "production", serial: str = SERIAL) -> bytes:
    return FRAME.format(title=title, main=main, serial=serial).encode()


def rows(now: str = " 2.74 kW", lifetime: str = " 51.3 MWh") -> str:
    return f"""<h1>System Energy Production</h1><div><table>
      <tr><td colspan="3">System has been live since <div class=good>Mon May 06, 2013 09:12 AM CEST</div></td></tr>
      <tr><td>Currently</td>    <td>{now}</td></tr><tr><td>Today</td>     <td> 8.85 kWh</td></tr>
      <tr><td>Past Week</td>    <td>  77 kWh</td></tr><tr><td>Since Installation</td>    <td>{lifetime}</td></tr>
      </table><br></div>"""


def test_reads_power_and_the_coarse_energy() -> None:
    assert parse_page(framed(rows())) == Page(watts=2740, watt_hours_lifetime=51_300_000)


@pytest.mark.parametrize(
    ("text", "watts"),
    [("    0 W", 0), ("  318 W", 318), ("4.06kW", 4060), (" 12 kW", 12000), ("1.02 MW", 1_020_000)],
)
def test_units_of_power(text: str, watts: float) -> None:
    assert parse_page(framed(rows(now=text))).watts == watts


@pytest.mark.parametrize(
    ("text", "watt_hours"),
    [("0 Wh", 0), ("  912 Wh", 912), (" 64.2 kWh", 64_200), ("138 MWh", 138_000_000), ("1.07 GWh", 1_070_000_000)],
)
def test_units_of_energy(text: str, watt_hours: float) -> None:
    assert parse_page(framed(rows(lifetime=text))).watt_hours_lifetime == watt_hours


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "2.74",
        "2,74 kW",
        "1,234 W",
        "1 234 W",
        "1&nbsp;234 W",
        "1<b></b>234 W",
        "1.234.567 W",
        "-3 W",
        "&minus;3 W",
        "2.74 kWh",
        "2.74 KW",
        "300 mW",
        "1e3 W",
        ".5 kW",
        "5. kW",
        "٣ W",
        "NaN W",
        f"{'9' * 400} W",
        "about 3 kW",
    ],
)
def test_a_figure_that_is_not_understood_is_missing_and_never_zero(text: str) -> None:
    page = parse_page(framed(rows(now=text)))
    assert page.watts is None
    assert page.watt_hours_lifetime == 51_300_000


def test_each_figure_is_missed_for_itself() -> None:
    page = parse_page(framed(rows(lifetime="51,3 MWh")))
    assert page == Page(watts=2740, watt_hours_lifetime=None)


WRITTEN_OTHERWISE = {
    "not closed": b"<table><tr><td>Currently<td> 2.74 kW<tr><td>Since Installation<td>51.3 MWh",
    "no table": b"<td>Currently</td><td>2.74 kW</td><td>Since Installation</td><td>51.3 MWh</td>",
    "cut short": b"<table><tr><td>Currently</td><td>2.74 kW</td></tr><tr><td>Since Installation</td><td>51.3 MWh</t",
    "capitals": b"<TABLE><TR><TD>Currently</TD><TD>2.74 kW</TD><TR>"
    b"<TH>Since Installation</TH><TH>51.3 MWh</TH></TABLE>",
    "nested": b"<table><tr><td><table><tr><td>Currently</td><td>2.74 kW</td></tr></table></td></tr>"
    b"<tr><td>Since Installation</td><td>51.3 MWh</td></tr></table>",
    "styled": b"<td><b>Currently</b>:</td><td><i>2.74</i>&nbsp;kW</td>"
    b"<td>Since\n  Installation</td><td>51.3<br>MWh</td>",
    "entities": b"<td>&#67;urrently</td><td>&nbsp;2&#46;74&#160;k&#x57;</td>"
    b"<td>Since&nbsp;Installation</td><td>51.3 MWh",
    "latin-1": b"<meta charset=utf-8><p>Espa\xf1ol \xe9\xff</p><td>Currently</td><td>\xa02.74\xa0kW</td>"
    b"<td>Since Installation</td><td>51.3 MWh",
    "utf-8 said to be latin-1": b"<meta charset=iso-8859-1><p>\xc3\xb1</p><td>Currently</td><td>\xc2\xa02.74 kW</td>"
    b"<td>Since Installation</td><td>51.3 MWh",
    "unknown encoding": b"<meta charset=klingon><td>Currently</td><td>2.74 kW</td>"
    b"<td>Since Installation</td><td>51.3 MWh",
    "byte order mark": b"\xef\xbb\xbf<td>Currently</td><td>2.74 kW</td><td>Since Installation</td><td>51.3 MWh",
    "xml declaration": b"<?xml version='1.0' encoding='utf-16'?><html><td>Currently</td><td>2.74 kW</td>"
    b"<td>Since Installation</td><td>51.3 MWh",
    "comment between": b"<td>Currently</td><!-- <td>9 kW</td> --><td>2.74 kW</td>"
    b"<td>Since Installation</td><td>51.3 MWh",
}


@pytest.mark.parametrize("body", WRITTEN_OTHERWISE.values(), ids=WRITTEN_OTHERWISE.keys())
def test_how_the_page_is_written_does_not_matter(body: bytes) -> None:
    assert parse_page(body) == Page(watts=2740, watt_hours_lifetime=51_300_000)


NO_PAGE = {
    "empty": b"",
    "only a comment": b"<!-- x -->",
    "json": b'{"production": [{"type": "inverters", "wNow": 12}]}',
    "json that quotes": b'["Currently", "2.74 kW"]',
    "info": b"<?xml version='1.0'?><envoy_info><device><sn>120911000317</sn></device></envoy_info>",
    "bytes": b"\x00\xff\xfe\x01",
    "utf-16": "<td>Currently</td><td>2.74 kW</td>".encode("utf-16"),
    "not found": framed(NOT_FOUND),
    "login": framed(LOGIN),
    "home": framed(SOFTWARE),
    "no words": framed("<table><tr><td>2.74 kW</td></tr></table>"),
    "in a script": b"<script><td>Currently</td><td>2.74 kW</td></script>",
    "another language": framed("<table><tr><td>Actualmente</td><td>2.74 kW</td></tr></table>"),
    "labels without figures": framed(rows("", "")),
    "figures that cannot be read": framed(rows("2,7 kW", "51,3 MWh")),
    "label last": b"<table><tr><td>2.74 kW</td><td>Currently</td></tr></table>",
    "large": framed(rows()) + b" " * LIMIT,
    "an entity of its own": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><td>Currently</td><td>&x;</td>',
    "a bomb": b'<!DOCTYPE a [<!ENTITY x "1 W"><!ENTITY y "&x;&x;">]><td>Currently</td><td>&y;</td>',
}


@pytest.mark.parametrize("body", NO_PAGE.values(), ids=NO_PAGE.keys())
def test_what_is_not_the_page_is_refused(body: bytes) -> None:
    with pytest.raises(UnusableReply):
        parse_page(body)


SLOW = {
    "wide": b"<td>" * (LIMIT // 4),
    "deep": b"<td><table>" * (LIMIT // 11),
    "styles": b"<p><b><i>" * (LIMIT // 9),
    "brackets": b"<" * LIMIT,
    "entities": b"&amp;" * (LIMIT // 5),
    "serials": b"Envoy Serial Number: " * (LIMIT // 21),
    "digits": b"Envoy Serial Number: " + b"1" * (LIMIT - 21),
    "versions": b"R1.1.1" * (LIMIT // 6),
}


@pytest.mark.parametrize("body", SLOW.values(), ids=SLOW.keys())
@pytest.mark.parametrize("read", [parse_page, parse_home])
def test_a_page_made_to_be_slow_is_refused_quickly(read: Callable[[bytes], object], body: bytes) -> None:
    assert _seconds(read, body) < 1


def test_a_nest_of_tables_costs_no_more_than_what_is_in_it() -> None:
    flat = b"<td>" + b"<i>x</i>" * 8000
    nested = b"<td><table>" * 120 + b"<i>x</i>" * 8000
    assert min(_seconds(parse_page, nested) for _ in range(3)) < 10 * _seconds(parse_page, flat)


def _seconds(read: Callable[[bytes], object], body: bytes) -> float:
    """What it takes to refuse this page."""
    begun = time.process_time()
    with pytest.raises(UnusableReply):
        read(body)
    return time.process_time() - begun


def known(*meters: Meter) -> Known:
    return Known(parse_home(framed("")), meters or None)


def test_becomes_power_and_an_energy_under_its_own_name() -> None:
    fields = production_of_page(Page(watts=2740, watt_hours_lifetime=51_300_000), known(), 0)
    assert fields == {"production": Flow(total=Production(power=2740, energy_lifetime_coarse=51_300_000))}


def test_what_the_page_misses_is_missing() -> None:
    fields = production_of_page(Page(watt_hours_lifetime=51_300_000), known(), 0)
    assert fields["production"].total == Production(energy_lifetime_coarse=51_300_000)


def test_says_nothing_where_production_is_measured() -> None:
    meter = Meter(eid=1, state="enabled", measurement_type="production")
    assert production_of_page(Page(watts=2740), known(meter), 0) == {}


# --- the identity


def test_home_says_who_it_is() -> None:
    info = parse_home(framed(SOFTWARE))
    assert info == GatewayInfo(
        serial=SERIAL,
        firmware="3.7.31",
        version=(3, 7, 31),
        part_number="",
        metered=False,
        web_tokens=False,
        path=HOME,
    )
    assert info.model == "Envoy"


@pytest.mark.parametrize(
    "main",
    ["", "Software R3", "Software R3.7", "xR3.7.31", "R3.7.31x", "T7.8.9", "192.168.1.40", "<script>R3.7.31</script>"],
)
def test_a_firmware_that_is_not_named_is_not_known(main: str) -> None:
    info = parse_home(framed(main))
    assert (info.serial, info.firmware, info.version) == (SERIAL, "", ())


@pytest.mark.parametrize(
    "body",
    [
        b"Envoy Serial Number: 120911000317",
        b"<td>Envoy Serial Number:<td>120911000317<td>14",
        b"<p>Envoy&nbsp;Serial\n Number&#58; &nbsp;<b>120911000317</b>, Espa\xf1ol",
        b"<td>Envoy Serial Number 120911000317</td><td>14 devices</td>",
    ],
)
def test_the_serial_is_found_by_the_words_before_it(body: bytes) -> None:
    assert parse_home(body).serial == SERIAL


NO_HOME = {
    "empty": b"",
    "json": b'{"software_build_epoch": 1401893332, "network": {}}',
    "login": b"<html><body>Login</body></html>",
    "no number": framed("", serial="").replace(b"logo", b"x"),
    "words": framed("", serial="unknown"),
    "short": framed("", serial="12345"),
    "long": framed("", serial="1" * 33),
    "letters after it": framed("", serial="120911000317abc"),
    "other digits": framed("", serial="١٢٠٩١١٠٠٠٣١٧"),
    "path": framed("", serial="../../etc"),
    "topic": framed("", serial="+/#"),
    "in a script": b"<script>Envoy Serial Number: 120911000317</script>",
    "in a comment": b"<p><!-- Envoy Serial Number: 120911000317 --><?x Envoy Serial Number: 120911000317 ?></p>",
    "large": framed("") + b" " * LIMIT,
}


@pytest.mark.parametrize("body", NO_HOME.values(), ids=NO_HOME.keys())
def test_without_a_serial_it_is_no_gateway(body: bytes) -> None:
    with pytest.raises(UnusableReply):
        parse_home(body)


INFO = (
    b"<?xml version='1.0' encoding='UTF-8'?><envoy_info><device><sn>120911000317</sn><pn>800-00069-r05</pn>"
    b"<software>R3.17.3</software></device></envoy_info>"
)
NAMELESS = INFO.replace(b"<sn>120911000317</sn>", b"")


def test_the_same_decoder_reads_both() -> None:
    assert identify(INFO) == parse_info(INFO)
    assert identify(INFO).path == "/info"
    assert identify(framed(SOFTWARE)) == parse_home(framed(SOFTWARE))


def test_what_is_neither_is_refused_for_what_info_lacks() -> None:
    with pytest.raises(UnusableReply, match="/info names no serial number"):
        identify(NAMELESS)

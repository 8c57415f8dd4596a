"""Renders what a made-up household's gateway answers, as each generation of firmware formats it."""

import json
import re

from _fixtures.answers import JSON, NOT_FOUND, UNAUTHORIZED
from _fixtures.devices import device_data, inventory, inverter_list, power, secctrl
from _fixtures.household import Household, Reply, build_id
from _fixtures.meters import meter_reports, meters, readings
from _fixtures.report import production_report

_PACKAGES = (("rootfs", "500-00001-r01"), ("boot", "590-00019-r01"), ("app", "500-00002-r01"), ("geo", "500-00008-r01"))


def replies(home: Household) -> dict[str, Reply]:
    """Every answer of this household's gateway by path."""
    major = home.version[0]
    found = {"/info": _info(home)}
    if home.cts:
        found["/ivp/meters"] = _pretty(meters(home))
        found["/ivp/meters/readings"] = _three_decimals(_pretty(readings(home)))
    if home.meter_reports:
        found["/ivp/meters/reports"] = _three_decimals(_pretty(meter_reports(home)))
    found |= _html_pages(home) if major == 3 else _reports(home)  # noqa: PLR2004 - the last generation without JSON
    found["/api/v1/production"] = _totals(home)
    found["/api/v1/production/inverters"] = _pretty(inverter_list(home), indent=2)
    if home.version >= (8, 2, 4):
        found["/ivp/pdm/device_data"] = _pretty(device_data(home), indent=2)
    return found | _ensemble(home, major) | dict(home.instead)


def _pretty(body: object, *, indent: int = 4) -> Reply:
    return Reply(200, JSON, json.dumps(body, indent=indent) + "\n")


def _three_decimals(reply: Reply) -> Reply:
    """The meters' own service writes 60.000 where others write 60.0."""
    text = re.sub(r"(?<=: )-?\d+\.\d+", lambda number: f"{float(number[0]):.3f}", reply.text)
    return Reply(reply.status, reply.mime, text)


def _info(home: Household) -> Reply:
    imeter = f"    <imeter>{str(home.imeter).lower()}</imeter>\n" if home.imeter is not None else ""
    tokens = "  <web-tokens>true</web-tokens>\n" if home.version[0] >= 7 else ""  # noqa: PLR2004 - the first with them
    packages = "".join(
        f"  <package name='{name}'>\n    <pn>{part}</pn>\n    <version>{'.'.join(f'{n:02}' for n in home.version)}"
        f"</version>\n    <build>{build_id(home.serial, name)}</build>\n  </package>\n"
        for name, part in _PACKAGES
    )
    text = (
        f"<?xml version='1.0' encoding='UTF-8'?>\n<envoy_info>\n  <time>{home.epoch}</time>\n  <device>\n"
        f"    <sn>{home.serial}</sn>\n    <pn>{home.part}</pn>\n    <software>{home.firmware}</software>\n"
        f"    <euaid>{build_id(home.serial)}</euaid>\n    <seqnum>0</seqnum>\n    <apiver>1</apiver>\n{imeter}"
        f"  </device>\n{tokens}{packages}</envoy_info>\n"
    )
    return Reply(200, JSON if home.firmware.startswith("D3") else "text/xml", text)


# --- firmware 3: HTML instead of a report


def _html_pages(home: Household) -> dict[str, Reply]:
    """The page of the figures, and what stands for /production.json. D3 calls both JSON."""
    mime = JSON if home.firmware.startswith("D3") else "text/html"
    today, week, lifetime, now = home.totals
    cells = (
        ("Currently", _short(now, "W")),
        ("Today", _short(today, "Wh")),
        ("Past Week", _short(week, "Wh")),
        ("Since Installation", _short(lifetime, "Wh")),
    )
    rows = "".join(f"<tr><td>{label}</td>    <td> {value}</td></tr>\n" for label, value in cells)
    absent = "<html>\n<body>\n<h2>Page Not Found</h2>\n</body>\n</html>\n"
    return {
        "/production": Reply(200, mime, f"<h1>System Energy Production</h1>\n<table>\n{rows}</table>\n"),
        "/production.json?details=1": Reply(200, mime, absent),
        "/production.json": Reply(200, mime, absent),
    }


def _short(value: int, unit: str) -> str:
    """Three digits and a prefix: `4.13 kW`."""
    thousands = min((len(str(value)) - 1) // 3, 2)
    return f"{value / 1000**thousands:.3g} {('', 'k', 'M')[thousands]}{unit}"


# --- production


def _reports(home: Household) -> dict[str, Reply]:
    full, bare = (_report(home, lines) for lines in (home.lines, 0))
    login = home.version[0] == 4  # noqa: PLR2004 - the only generation that asks for it there
    return {
        "/production.json?details=1": full,
        "/production.json": bare,
        "/production": UNAUTHORIZED if login else bare,
    }


def _report(home: Household, lines: int) -> Reply:
    report = production_report(home, lines=lines)
    if home.sorted_report:
        return Reply(200, JSON, json.dumps(report, indent=2, sort_keys=True) + "\n")
    return Reply(200, JSON, json.dumps(report, separators=(",", ":")))


def _totals(home: Household) -> Reply:
    names = ("wattHoursToday", "wattHoursSevenDays", "wattHoursLifetime", "wattsNow")
    return _pretty(dict(zip(names, home.totals, strict=True)), indent=2)


# --- batteries


def _ensemble(home: Household, major: int) -> dict[str, Reply]:
    paths = ("/ivp/ensemble/inventory", "/ivp/ensemble/power", "/ivp/ensemble/secctrl")
    if major < 7:  # noqa: PLR2004 - older gateways know no batteries
        return dict.fromkeys(paths, NOT_FOUND)
    bodies = (inventory(home), power(home), secctrl(home))
    return {path: _pretty(body) for path, body in zip(paths, bodies, strict=True)}

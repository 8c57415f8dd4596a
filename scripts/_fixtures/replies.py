"""Renders what a made-up household's gateway answers, as each generation of firmware formats it."""

import json
import re

from _fixtures.answers import JSON, NOT_FOUND, UNAUTHORIZED
from _fixtures.batteries import inventory, power, secctrl
from _fixtures.devices import device_data, inverter_list
from _fixtures.ensemble import dry_contact_settings, dry_contacts, gen_config, gen_schedule, generator, status
from _fixtures.equipment import Devices
from _fixtures.household import Household, Reply, build_id
from _fixtures.inventory import acb_config, device_status, inventory_list
from _fixtures.legacy import pages
from _fixtures.livedata import live_data
from _fixtures.meters import meter_reports, meters, readings
from _fixtures.report import production_report
from _fixtures.site import PV_LIMIT, home_page, pel_settings, tariff

_PACKAGES = (("rootfs", "500-00001-r01"), ("boot", "590-00019-r01"), ("app", "500-00002-r01"), ("geo", "500-00008-r01"))
_FIRST_WITH_REPORT = (4,)
_FIRST_WITH_BATTERIES = (7,)


def replies(home: Household) -> dict[str, Reply]:
    """Every answer of this household's gateway by path."""
    found = {"/info": _info(home)}
    if home.cts:
        found["/ivp/meters"] = _json(meters(home))
        found["/ivp/meters/readings"] = _three_decimals(_json(readings(home)))
    if home.meter_reports:
        found["/ivp/meters/reports"] = _three_decimals(_json(meter_reports(home)))
    found["/api/v1/production"] = _totals(home)
    found["/api/v1/production/inverters"] = _json(inverter_list(home))
    if home.version >= (8, 2, 4):
        found["/ivp/pdm/device_data"] = _json(device_data(home))
    found |= _ensemble(home)
    if home.devices:
        found |= {path: _json(body) for path, body in _of_devices(home, home.devices).items()}
    found |= pages(home) if home.version < _FIRST_WITH_REPORT else _reports(home)
    return found | dict(home.instead)


def _json(body: object, *, sort: bool = False) -> Reply:
    """Without the blanks that some firmware puts in: they would be half of the recordings."""
    return Reply(200, JSON, json.dumps(body, separators=(",", ":"), sort_keys=sort) + "\n")


def _three_decimals(reply: Reply) -> Reply:
    """The meters' own service writes 60.000 where others write 60.0."""
    text = re.sub(r"(?<=:)-?\d+\.\d+", lambda number: f"{float(number[0]):.3f}", reply.text)
    return Reply(reply.status, reply.mime, text)


def _info(home: Household) -> Reply:
    serial = "" if home.nameless_info else f"    <sn>{home.serial}</sn>\n"
    imeter = f"    <imeter>{str(home.imeter).lower()}</imeter>\n" if home.imeter is not None else ""
    tokens = "  <web-tokens>true</web-tokens>\n" if home.version[0] >= 7 else ""  # noqa: PLR2004 - the first with them
    packages = "".join(
        f"  <package name='{name}'>\n    <pn>{part}</pn>\n    <version>{'.'.join(f'{n:02}' for n in home.version)}"
        f"</version>\n    <build>{build_id(home.serial, name)}</build>\n  </package>\n"
        for name, part in _PACKAGES
    )
    text = (
        f"<?xml version='1.0' encoding='UTF-8'?>\n<envoy_info>\n  <time>{home.epoch}</time>\n  <device>\n"
        f"{serial}    <pn>{home.part}</pn>\n    <software>{home.firmware}</software>\n"
        f"    <euaid>{build_id(home.serial)}</euaid>\n    <seqnum>0</seqnum>\n    <apiver>1</apiver>\n{imeter}"
        f"  </device>\n{tokens}{packages}</envoy_info>\n"
    )
    return Reply(200, JSON if home.firmware.startswith("D3") else "text/xml", text)


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
    return _json(report, sort=home.sorted_report)


def _totals(home: Household) -> Reply:
    names = ("wattHoursToday", "wattHoursSevenDays", "wattHoursLifetime", "wattsNow")
    return _json(dict(zip(names, home.totals, strict=True)))


# --- devices


def _ensemble(home: Household) -> dict[str, Reply]:
    paths = ("/ivp/ensemble/inventory", "/ivp/ensemble/power", "/ivp/ensemble/secctrl")
    if home.version < _FIRST_WITH_BATTERIES:
        return dict.fromkeys(paths, NOT_FOUND)
    bodies = (inventory(home), power(home), secctrl(home))
    return {path: _json(body) for path, body in zip(paths, bodies, strict=True)}


def _of_devices(home: Household, devices: Devices) -> dict[str, object]:
    """What only households with devices were asked for. Without one of a kind the answer is there, and empty."""
    found = devices.generator
    bodies: dict[str, object] = {
        "/home": home_page(home, devices),
        "/inventory.json?deleted=1": inventory_list(home, devices),
        "/admin/lib/tariff": tariff(home, devices),
        "/admin/lib/acb_config": acb_config(home),
        "/ivp/ensemble/status": status(home),
        "/ivp/ensemble/dry_contacts": dry_contacts(devices),
        "/ivp/ensemble/generator": generator(home, devices),
        "/ivp/ss/dry_contact_settings": dry_contact_settings(home, devices),
        "/ivp/ss/gen_config": gen_config(found) if found else {},
        "/ivp/ss/gen_schedule": gen_schedule(found) if found else {},
        "/ivp/ss/pel_settings": pel_settings(home, devices),
        "/ivp/sc/pvlimit": PV_LIMIT,
    }
    if found:
        bodies["/ivp/ss/gen_mode"] = {"gen_cmd": found.mode, "last_updated_by": "ITK"}
    if devices.live:
        bodies["/ivp/livedata/status"] = live_data(home)
    if devices.q_relays:
        bodies["/ivp/peb/devstatus"] = device_status(home, devices)
    return bodies

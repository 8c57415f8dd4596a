"""Renders the pages of firmware 3, which has no production report; before 3.9 it has no JSON at all."""

from _fixtures.answers import JSON, NO_PAGE
from _fixtures.household import Household, Reply

_JSON_SINCE = (3, 9)


def pages(home: Household) -> dict[str, Reply]:
    """The page of the figures, and what stands for /production.json: D3 calls both JSON."""
    mime = JSON if home.firmware.startswith("D3") else "text/html"
    today, week, lifetime, now = home.totals
    oldest = home.version < _JSON_SINCE
    cells = (
        ("   Currently" if oldest else "Currently", _short(now, "W")),
        ("Today", _short(today, "Wh")),
        ("Past Week", _short(week, "Wh")),
        ("Since Installation", _short(lifetime, "Wh")),
    )
    since = (
        '<tr><td colspan="3">System has been live since\n'
        "    <div class=good>Tue Jun 04, 2013 09:12 AM PDT</div></td></tr>\n"
    )
    rows = "".join(f"<tr><td>{label}</td>    <td> {value}</td></tr>\n" for label, value in cells)
    table = f"<table>\n{since if oldest else ''}{rows}</table>\n"
    absent = Reply(200, mime, "<html>\n<body>\n<h2>Page Not Found</h2>\n</body>\n</html>\n")
    found = {
        "/production": Reply(200, mime, f"<h1>System Energy Production</h1>\n{table}"),
        "/production.json?details=1": absent,
        "/production.json": absent,
    }
    return found | _oldest(home) if oldest else found


def _short(value: int, unit: str) -> str:
    """Three digits and a prefix: `4.13 kW`."""
    thousands = min((len(str(value)) - 1) // 3, 2)
    return f"{value / 1000**thousands:.3g} {('', 'k', 'M')[thousands]}{unit}"


def _oldest(home: Household) -> dict[str, Reply]:
    """Only the home page tells the serial number; nothing of what came later is there."""
    rows = (
        ("Current Software Version", f"{home.firmware} (4c8f1d)"),
        ("Number of Microinverters", str(home.inverters.count)),
        ("Number of Microinverters Online", str(home.inverters.count)),
    )
    cells = "".join(f"<tr><td>{label}</td><td>{value}</td></tr>\n" for label, value in rows)
    page = (
        "<html>\n<head><title>Envoy</title></head>\n<body>\n<table>\n"
        f'<tr><td class="hdr_line">Envoy Serial Number: {home.serial}</td></tr>\n</table>\n'
        f"<table>\n{cells}</table>\n</body>\n</html>\n"
    )
    later = ("/api/v1/production", "/api/v1/production/inverters", "/ivp/meters", "/ivp/meters/readings")
    return {"/home": Reply(200, "text/html", page)} | dict.fromkeys(later, NO_PAGE)

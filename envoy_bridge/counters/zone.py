"""In which time zone a gateway's days begin."""

from datetime import UTC, tzinfo
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from envoy_bridge.logs import get_logger

log = get_logger(__name__)

_LOCAL = Path("/etc/localtime")


@cache
def zone_named(name: str | None) -> tzinfo:
    """The zone of this name; where the gateway tells none, or one that is not known, this machine's; else UTC."""
    if name is not None:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            log.warning("zone_unknown", zone=name, consequence="days begin at this machine's midnight")
    try:
        with _LOCAL.open("rb") as file:
            return ZoneInfo.from_file(file, key="local")
    except (OSError, ValueError):
        return UTC

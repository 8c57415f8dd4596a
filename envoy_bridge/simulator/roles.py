"""What a gateway with tokens shows to an installer only, whoever owns the house."""

from typing import Final

from envoy_bridge.gateway.info import Version

INSTALLER: Final = "installer"
"""In a token, and as the name of a user before firmware 7."""

METER_STREAM: Final = "/stream/meter"

_RESERVED: tuple[tuple[str, Version], ...] = (
    (METER_STREAM, (7, 6, 175)),
    ("/installer/", ()),
    ("/ivp/pdm/energy", ()),
    ("/ivp/peb/devstatus", ()),
)
"""How the paths begin, and the first firmware that does so."""


def may_see(role: str, path: str, firmware: Version) -> bool:
    """Whether a token of this role is enough for `path`."""
    return role == INSTALLER or not any(path.startswith(start) and firmware >= since for start, since in _RESERVED)

"""The request `counters`: what it asks, and the answer. The command and the daemon share what stands here."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from envoy_bridge.counters.keeper import Keeper
from envoy_bridge.counters.show import rows
from envoy_bridge.errors import EnvoyBridgeError
from envoy_bridge.redaction import redact

LARGEST: Final = 1e12
"""Wh, the highest figure that a counter can be set to: more than any roof will ever make."""

_LONGEST: Final = 200
"""Characters of a complaint."""


class CountersRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`gateway`: a serial number; may be left out where there is one. `counter`: its path below the gateway.

    `value`: Wh, with `set` and with nothing else. `transaction` comes back with the answer.
    """

    action: Literal["show", "accept", "reset", "set"]
    gateway: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{1,64}\Z")] | None = None
    counter: Annotated[str, Meta(pattern=r"\A[a-z0-9_-]{1,64}(/[a-z0-9_-]{1,64}){1,3}\Z")] | None = None
    value: Annotated[float, Meta(ge=0, le=LARGEST)] | None = None
    transaction: Annotated[str, Meta(max_length=64)] | int | None = None

    def __post_init__(self) -> None:
        if self.action != "show" and self.counter is None:
            raise ValueError(f"{self.action} needs the counter")
        if (self.action == "set") != (self.value is not None):
            raise ValueError("value (Wh) belongs to the action set, which needs it")


def answer(payload: bytes, keepers: Mapping[str, Keeper | None]) -> dict[str, Any]:
    """Do what is asked, and give what there is to say of it besides the status.

    `keepers`: of each gateway by its serial number; None as long as it has not answered.

    Raises:
        EnvoyBridgeError: it cannot be done, or the request is not one.
    """
    try:
        request = msgspec.json.decode(payload, type=CountersRequest)
    except (msgspec.DecodeError, RecursionError) as error:
        raise EnvoyBridgeError(f"not a request for counters: {redact(str(error))[:_LONGEST]}") from error
    serial = chosen(request.gateway, keepers)
    keeper = keepers[serial]
    if keeper is None:
        raise EnvoyBridgeError(f"gateway {serial} has not answered since the start: its counters are not known yet")
    if request.action != "show":
        try:
            done = keeper.settle(request.counter or "", request.action, request.value)
        except ValueError as error:
            raise EnvoyBridgeError(str(error)) from error
        return {"gateway": serial, "counter": request.counter, "message": done}
    wanted = {path: state for path, state in keeper.counters().items() if request.counter in (None, path)}
    if request.counter is not None and not wanted:
        raise EnvoyBridgeError(f"gateway {serial} has no counter {request.counter}")
    return {"gateway": serial, "counters": rows(wanted)}


def chosen(wanted: str | None, known: Mapping[str, object]) -> str:
    """The serial number of the gateway that is meant, of those that are known.

    Raises:
        EnvoyBridgeError: there is no such gateway, or it is not said which.
    """
    fitting = [serial for serial in known if wanted is None or serial.lower() == wanted.lower()]
    if len(fitting) == 1:
        return fitting[0]
    if not known:
        raise EnvoyBridgeError("no gateway has answered yet")
    names = ", ".join(sorted(known))
    if fitting:
        raise EnvoyBridgeError(f"there are several gateways: say which, of {names}")
    raise EnvoyBridgeError(f"there is no gateway {wanted}: choose one of {names}")

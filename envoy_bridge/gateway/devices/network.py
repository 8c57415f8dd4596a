"""The gateway's own network, and how many devices answer it. It takes the gateway seconds: once an hour.

Source: the public notes on `/home`.
"""

from datetime import datetime
from typing import Annotated, Final

from msgspec import Struct

from envoy_bridge.gateway.devices.base import ALONE, Device, lenient, part, total, word
from envoy_bridge.gateway.known import Known, moment
from envoy_bridge.gateway.rows import Cadence, Endpoint
from envoy_bridge.model import COUNT, HEARD, TIME, WORD, Flag, Members, Number, detail, diagnostic, number


class Network(Struct, frozen=True, kw_only=True):
    """The gateway on its network."""

    interface: Annotated[str | None, detail(WORD, "The interface in use, such as eth0")] = None
    interface_type: Annotated[str | None, diagnostic(WORD, "ethernet, wifi or cellular")] = None
    signal_strength: Annotated[Number, detail(COUNT, "Signal of the interface in use")] = None
    signal_strength_max: Annotated[Number, detail(COUNT, "The best signal it could have")] = None
    enlighten_connected: Annotated[Flag, diagnostic(HEARD, "Is it connected to Enlighten")] = None
    enlighten_last_report: Annotated[datetime | None, detail(TIME, "When it last reported to Enlighten")] = None
    time_zone: Annotated[str | None, detail(WORD, "The time zone it is set to")] = None
    tariff: Annotated[str | None, detail(WORD, "The kind of tariff it is set to")] = None
    devices_communicating: Annotated[Number, diagnostic(COUNT, "Devices that answer it")] = None
    comm_level: Annotated[Number, detail(COUNT, "How well it hears them, 0 to 5")] = None
    inverters_communicating: Annotated[Number, detail(COUNT, "Inverters that answer it")] = None
    inverters_comm_level: Annotated[Number, detail(COUNT, "How well it hears the inverters, 0 to 5")] = None
    ac_batteries_communicating: Annotated[Number, detail(COUNT, "AC batteries that answer it")] = None
    q_relays_communicating: Annotated[Number, detail(COUNT, "Q-Relays that answer it")] = None
    batteries_communicating: Annotated[Number, detail(COUNT, "IQ batteries that answer it")] = None


class Interface(Struct, frozen=True):
    """One interface of the gateway."""

    interface: str = ""
    type: str = ""
    signal_strength: float | None = None
    signal_strength_max: float | None = None


class Link(Struct, frozen=True):
    """The part about the network. Seconds since 1970."""

    web_comm: bool | None = None
    last_enlighten_report_time: float | None = None
    primary_interface: str = ""
    interfaces: tuple[Interface, ...] = ()


class Count(Struct, frozen=True):
    """How many devices answer, and how well."""

    num: float | None = None
    level: float | None = None


class Communication(Count, frozen=True):
    """All devices, and each kind. The IQ batteries are a list, one entry a kind, since firmware 7."""

    pcu: Count = Count()
    acb: Count = Count()
    nsrb: Count = Count()
    encharge: tuple[Count, ...] | Count = ()


class Home(Struct, frozen=True):
    """`/home`."""

    network: Link
    timezone: str = ""
    tariff: str = ""
    comm: Communication = Communication()


HOME: Final = Endpoint("home", ("/home", "/home.json"), lenient(Home), Cadence.HOURLY, 30)


def network(reply: Home, _known: Known, _now: float) -> Members:
    """The interface in use, the way to Enlighten, and who answers."""
    link, comm = reply.network, reply.comm
    used = next((each for each in link.interfaces if each.interface == link.primary_interface), Interface())
    kinds = comm.encharge if isinstance(comm.encharge, tuple) else (comm.encharge,)
    return {
        ALONE: Network(
            interface=word(link.primary_interface),
            interface_type=word(used.type),
            signal_strength=number(used.signal_strength),
            signal_strength_max=number(used.signal_strength_max),
            enlighten_connected=link.web_comm,
            enlighten_last_report=moment(link.last_enlighten_report_time),
            time_zone=word(reply.timezone),
            tariff=word(reply.tariff),
            devices_communicating=number(comm.num),
            comm_level=number(comm.level),
            inverters_communicating=number(comm.pcu.num),
            inverters_comm_level=number(comm.pcu.level),
            ac_batteries_communicating=number(comm.acb.num),
            q_relays_communicating=number(comm.nsrb.num),
            batteries_communicating=total(kind.num for kind in kinds),
        )
    }


NETWORK = Device(
    "network",
    "Network",
    Network,
    "The gateway's own network, and how many devices answer it",
    (part("network", HOME, network),),
    single=True,
    facet=True,
)

"""The configuration as the program sees it: one frozen struct per section, keys and defaults as users write them."""

from typing import Annotated, Literal

import msgspec

from envoy_bridge.values import (
    BaseUrl,
    Duration,
    File,
    Folder,
    Host,
    HostMaybePort,
    Key,
    Listen,
    Port,
    Secret,
    Serial,
    Size,
    Text,
    Topic,
    User,
    between,
    matching,
    time_zone,
)


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the configuration. A section raises ValueError when it is made of keys that do not fit together."""


class Tls(Section, frozen=True):
    """[mqtt.tls]: the broker's authority, and a client certificate with its key, as PEM files."""

    ca_file: File | None = None
    cert_file: File | None = None
    key_file: File | None = None

    def __post_init__(self) -> None:
        if self.key_file and not self.cert_file:
            raise ValueError("key_file is there without cert_file; give the client certificate too")


class Mqtt(Section, frozen=True):
    """[mqtt]: the broker."""

    host: Host = "localhost"
    port: Port = 1883
    username: User | None = None
    password: Secret | None = None
    base_topic: Topic = "envoy"
    client_id: Text = "envoy-bridge"
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    tls: bool | Tls = False

    def __post_init__(self) -> None:
        if self.password and not self.username:
            raise ValueError("password is there without username; give the broker's user name too")


class Gateway(Section, frozen=True):
    """[[gateway]]: one gateway; how to reach it, how to log in, how often to ask (seconds), what to ask besides."""

    host: HostMaybePort | None = None
    serial: Serial | None = None
    username: User | None = None
    password: Secret | None = None
    token: Secret | None = None
    fast: Annotated[Duration, Key("a duration of at least 1s", '"5s"', between(1))] = Duration(5)
    slow: Annotated[Duration, Key("a duration of at least 10s", '"60s"', between(10))] = Duration(60)
    inverters: Annotated[Duration, Key("a duration of at least 60s", '"5m"', between(60))] = Duration(300)
    live_data: bool = False
    meter_stream: bool = False

    def __post_init__(self) -> None:
        if self.password and not self.username:
            raise ValueError(
                "password is there without username; give the e-mail address of the Enlighten account "
                "(firmware 7 and later) or the local user name (before)"
            )


class Energy(Section, frozen=True):
    """[energy]: what the counters gained, published beside `..._today`."""

    week: bool = False
    month: bool = False
    year: bool = False

    @property
    def periods(self) -> frozenset[str]:
        """The periods that are published, the day among them."""
        return frozenset({"today", *(name for name in ("week", "month", "year") if getattr(self, name))})


class Login(Section, frozen=True):
    """[login]: where tokens come from."""

    enlighten: BaseUrl = "https://enlighten.enphaseenergy.com"
    entrez: BaseUrl = "https://entrez.enphaseenergy.com"


class HomeAssistant(Section, frozen=True):
    """[homeassistant]: MQTT discovery."""

    discovery: Literal["device", "single", "off"] = "device"
    prefix: Annotated[
        str,
        Key(
            "topic levels of letters, digits, _ and -",
            '"homeassistant"',
            matching("[A-Za-z0-9_-]{1,64}(/[A-Za-z0-9_-]{1,64})*"),
        ),
    ] = "homeassistant"


class Homie(Section, frozen=True):
    """[homie]: a Homie 4 tree."""

    enabled: bool = False


class History(Section, frozen=True):
    """[history]: readings kept on disk while the broker is away, one in `every` seconds. `max_size` in bytes."""

    enabled: bool = True
    every: Annotated[Duration, Key("a duration of at least 1s", '"10s"', between(1))] = Duration(10)
    max_size: Annotated[Size, Key("a size of at least 500KB", '"64MB"', between(500_000))] = Size(64_000_000)


class Web(Section, frozen=True):
    """[web]: where the status page listens, as host:port; empty: nowhere."""

    listen: Listen = "127.0.0.1:8099"


class State(Section, frozen=True):
    """[state]: the folder for tokens, pins and budgets. None: see `envoy_bridge.config.state_directory`."""

    directory: Folder | None = None


class SiteSection(Section, frozen=True):
    """[site]: several gateways as one house. `gateways`: serials of those that are part of it; None: all."""

    grid_meter: Serial | None = None
    gateways: tuple[Serial, ...] | None = None

    def __post_init__(self) -> None:
        if self.grid_meter and self.gateways is not None and self.grid_meter not in self.gateways:
            raise ValueError(f'grid_meter = "{self.grid_meter}" is not one of gateways; add it there, or name another')


class CloudSection(Section, frozen=True):
    """What all clouds have. None: the vendor's address, all sites, as often as the vendor's limits allow."""

    base_url: BaseUrl | None = None
    sites: tuple[Text, ...] | None = None
    every: Annotated[Duration, Key("a duration of at least 1m", '"15m"', between(60))] | None = None


class EnlightenCloud(CloudSection, frozen=True, kw_only=True):
    """[cloud.enlighten]: version 4 needs client_id and client_secret, version 2 needs user_id.

    `month_quota`: requests that the plan allows in a month; None: those of the free plan.
    """

    key: Secret
    api: Literal["v4", "v2"] = "v4"
    client_id: Text | None = None
    client_secret: Secret | None = None
    user_id: Secret | None = None
    month_quota: Annotated[int, Key("a number of requests from 100 on", "1000", between(100))] | None = None

    def __post_init__(self) -> None:
        if self.api == "v4" and not (self.client_id and self.client_secret):
            raise ValueError('client_id and client_secret are needed with api = "v4"')
        if self.api == "v2" and not self.user_id:
            raise ValueError('user_id is needed with api = "v2"')


class TigoCloud(CloudSection, frozen=True, kw_only=True):
    """[cloud.tigo]."""

    username: User
    password: Secret


class GrowattCloud(CloudSection, frozen=True, kw_only=True):
    """[cloud.growatt]. `timezone`: the plant's, an IANA name."""

    token: Secret
    region: Literal["global", "us", "cn", "au"] = "global"
    timezone: Annotated[str, Key("an IANA time zone", '"Europe/Vienna"', time_zone)] | None = None


class LocusCloud(CloudSection, frozen=True, kw_only=True):
    """[cloud.locus]. Without username and password the client logs in as itself, where the vendor lets it."""

    client_id: Text
    client_secret: Secret
    username: User | None = None
    password: Secret | None = None
    partner_id: Text

    def __post_init__(self) -> None:
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password go together; give both, or none to log in by the client alone")


class Cloud(Section, frozen=True):
    """[cloud]: a cloud is on when its section is there."""

    enlighten: EnlightenCloud | None = None
    tigo: TigoCloud | None = None
    growatt: GrowattCloud | None = None
    locus: LocusCloud | None = None


class Log(Section, frozen=True):
    """[log]."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class Config(Section, frozen=True):
    """The whole configuration."""

    mqtt: Mqtt = Mqtt()
    gateway: tuple[Gateway, ...] = ()
    site: SiteSection = SiteSection()
    energy: Energy = Energy()
    login: Login = Login()
    homeassistant: HomeAssistant = HomeAssistant()
    homie: Homie = Homie()
    history: History = History()
    web: Web = Web()
    state: State = State()
    cloud: Cloud = Cloud()
    log: Log = Log()

    def __post_init__(self) -> None:
        for key in ("host", "serial"):
            given = [value.lower() for value in (getattr(gateway, key) for gateway in self.gateway) if value]
            if len(given) > len(set(given)):
                raise ValueError(f"two [[gateway]] have the same {key}; take one of them away")
        if len(self.gateway) > 1 and not all(gateway.host or gateway.serial for gateway in self.gateway):
            raise ValueError("with several [[gateway]] each needs host or serial, to tell them apart")
        serials = {gateway.serial for gateway in self.gateway}
        if serials and None not in serials:
            for serial in (self.site.grid_meter, *(self.site.gateways or ())):
                if serial and serial not in serials:
                    raise ValueError(f"[site] names gateway {serial}, and no [[gateway]] has that serial; correct one")

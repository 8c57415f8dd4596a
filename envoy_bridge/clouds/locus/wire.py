"""Locus' answers as they come (API v3): what of them is used. All else is ignored, what is personal in them too."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from envoy_bridge.clouds.rest import Answer

Id = Annotated[int, Meta(ge=0)] | Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
"""An integer, says the document. Everywhere else in the program it is text, and part of paths."""


class Reply(Struct, frozen=True):
    """What every answer may have. `error`: of the token endpoint, as OAuth 2 (RFC 6749) names it."""

    statusCode: int | None = None  # noqa: N815 - the wire's name
    message: str | None = None
    error: str | None = None


def reply_of(answer: Answer) -> Reply:
    """What an answer says of itself; nothing, where it is not what Locus sends."""
    try:
        return msgspec.json.decode(answer.body, type=Reply)
    except (msgspec.DecodeError, RecursionError):
        return Reply()


class TokenReply(Struct, frozen=True):
    """The answer to a login. `expires_in`: seconds. A refresh and client credentials bring no new refresh token."""

    access_token: Annotated[str, Meta(min_length=1)]
    expires_in: float = 3600.0
    refresh_token: str | None = None


class Site(Struct, frozen=True, rename="camel"):
    """A site. Its time zone may be missing, or written wrong (`America/Los_angeles`)."""

    id: Id
    client_id: Id | None = None
    location_timezone: str | None = None


class Sites(Struct, frozen=True):
    """The sites of a partner."""

    sites: tuple[Site, ...]


class Client(Struct, frozen=True):
    """Whose sites they are; all that matters is where that is."""

    id: Id
    tz: str | None = None


class Clients(Struct, frozen=True):
    """The clients of a partner."""

    clients: tuple[Client, ...]


class ModelSettings(Struct, frozen=True):
    """How a site is modelled. `size`: kW of the panels (DC)."""

    size: float | None = None


class Component(Struct, frozen=True, rename="camel"):
    """A device of a site. `is_conceptual_node`: it is drawn there, and measures nothing."""

    id: Id
    parent_id: Id | None = None
    parent_type: str | None = None
    name: str | None = None
    node_type: str | None = None
    application: str | None = None
    generation_type: str | None = None
    oem: str | None = None
    model: str | None = None
    is_conceptual_node: bool | None = None
    serial_number: str | None = None


class Components(Struct, frozen=True):
    """The devices of a site."""

    components: tuple[Component, ...]


class Aggregation(Struct, frozen=True, rename="camel"):
    """A name to ask data by: `W_avg`."""

    short_name: str


class FieldParameter(Struct, frozen=True):
    """What has to be said besides, when modelled data are asked."""

    param: str
    values: tuple[str, ...] = ()


class BaseField(Struct, frozen=True, rename="camel"):
    """One kind of data that there is. The lists that "are always returned" are missing in the document's examples."""

    base_field: str
    unit: str | None = None
    aggregations: tuple[Aggregation, ...] | None = None
    field_parameters: tuple[FieldParameter, ...] | None = None
    granularities: tuple[str, ...] | None = None


class Available(Struct, frozen=True, rename="camel"):
    """What data there are of a site, a component, or all sites."""

    base_fields: tuple[BaseField, ...]


Row = dict[str, object]
"""`id`, `ts`, and the asked fields that are known: one that is not known is missing, or null."""


class Data(Struct, frozen=True):
    """Data by time. `ts` is when an interval begins."""

    data: tuple[Row, ...]


class Alert(Struct, frozen=True, rename="camel"):
    """A warning. Without `end` it is open."""

    id: Id
    component_id: Id | None = None
    site_id: Id | None = None
    alert_type: str | None = None
    priority: str | None = None
    start: str | None = None
    end: str | None = None
    updated: str | None = None
    description_short: str | None = None


class Alerts(Struct, frozen=True):
    """Warnings of one or several sites."""

    alerts: tuple[Alert, ...]

"""The JSON replies of Tigo's API v3, as far as they are used. Decoded once; nothing here is interpreted.

Absent and null are None, and everything may be: the examples of the document leave out what its tables require. Names
and addresses of people are not read. Source: the "Tigo REST API V3" document; what is not from there says so.
"""

from msgspec import Struct, field

Id = int | str | None
Amount = int | float | str | None
"""A number. Some stand in quotes, where `null` does too."""
Word = str | int | bool | None
"""A word. The document declares some of them numbers."""


class Session(Struct, frozen=True):
    """A login. `expires`: ISO 8601 with an offset."""

    auth: str | None = None
    expires: str | None = None


class Login(Session, frozen=True):
    """`users/login`. The document has the session in `user`; others have seen it in `data`, and on top."""

    user: Session | None = None
    data: Session | None = None


class Said(Struct, frozen=True):
    """An error, or the success of a logout. `code` is 0 in both, and not read."""

    name: Word = None
    message: Word = None
    status: Id = None


class Pages(Struct, frozen=True, rename="camel"):
    """How many pages a list has. Not in the document, but in live replies."""

    page_count: Id = None


class Page(Struct, frozen=True):
    """Of a list."""

    meta: Pages | None = field(default=None, name="_meta")

    def ids(self) -> set[Id]:
        """Of its entries: who asks for pages beyond the last may get one again that was there before."""
        return set()


class System(Struct, frozen=True):
    """An entry of `systems`. `power_rating`: W of all panels together. The examples have no `timezone`."""

    system_id: Id = None
    timezone: str | None = None
    power_rating: Amount = None


class Systems(Page, frozen=True):
    """`systems`, a page of it."""

    systems: tuple[System, ...] | None = ()

    def ids(self) -> set[Id]:
        """Of the systems."""
        return {each.system_id for each in self.systems or ()}


class LayoutPanel(Struct, frozen=True):
    """A panel. The example ends in the middle of one; `object_id` is from live replies."""

    object_id: Id = None
    label: Word = None
    serial: Word = None


class LayoutString(Struct, frozen=True):
    """A string of panels."""

    object_id: Id = None
    label: Word = None
    panels: tuple[LayoutPanel, ...] | None = ()


class LayoutMppt(Struct, frozen=True):
    """An input of an inverter."""

    strings: tuple[LayoutString, ...] | None = ()


class LayoutInverter(Struct, frozen=True):
    """An inverter, which is not Tigo's."""

    object_id: Id = None
    label: Word = None
    inverter_serial: Word = None
    mppts: tuple[LayoutMppt, ...] | None = ()


class LayoutSystem(Struct, frozen=True):
    """What hangs on what."""

    inverters: tuple[LayoutInverter, ...] | None = ()


class Layout(Struct, frozen=True):
    """`systems/layout`."""

    system: LayoutSystem | None = None


class Object(Struct, frozen=True):
    """Something that data can be asked for. `parent_id` -1: the root. Its `children` may name itself: not read.

    `datasource`: what a column may be called instead of by `id`. The table of the document has it in the plural.
    """

    id: Id = None
    label: Word = None
    object_type_id: Id = None
    parent_id: Id = None
    datasource: str | None = None
    datasources: str | None = None


class Objects(Struct, frozen=True):
    """`objects/system`."""

    objects: tuple[Object, ...] | None = ()


class ObjectType(Struct, frozen=True):
    """What the number of a type means."""

    object_type_id: Id = None
    label: Word = None


class ObjectTypes(Struct, frozen=True):
    """`objects/types`."""

    object_types: tuple[ObjectType, ...] | None = ()


class Source(Struct, frozen=True):
    """A data logger. `control_state`: whether its panels are switched on. One entry of the example has no id."""

    source_id: Id = None
    name: Word = None
    serial: Word = None
    control_state: Word = None
    last_checkin: str | None = None
    timezone: str | None = None


class Sources(Struct, frozen=True):
    """`sources/system`."""

    sources: tuple[Source, ...] | None = ()


class Totals(Struct, frozen=True):
    """Wh and W on the DC side, as they stood at `updated_on`."""

    lifetime_energy_dc: Amount = None
    ytd_energy_dc: Amount = None
    daily_energy_dc: Amount = None
    last_power_dc: Amount = None
    updated_on: str | None = None


class Summary(Struct, frozen=True):
    """`data/summary`."""

    summary: Totals | None = None


class Warned(Struct, frozen=True):
    """An alert. `unique_id`: which one of those that Tigo knows. Its `description` is HTML, and not read."""

    alert_id: Id = None
    added: str | None = None
    generated: str | None = None
    unique_id: Id = None
    title: Word = None


class Alerts(Page, frozen=True):
    """`alerts/system`, a page of it."""

    alerts: tuple[Warned, ...] | None = ()

    def ids(self) -> set[Id]:
        """Of the alerts."""
        return {each.alert_id for each in self.alerts or ()}

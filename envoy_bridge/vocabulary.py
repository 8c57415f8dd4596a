"""What firmware is known to say. Whatever else a text holds may be somebody's, and is not handed on.

That is the safe way round: a list of what is personal would miss what the firmware of tomorrow tells. A word that is
missing here costs a reader of recordings that word, nothing else.
"""

import re
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_WORDS: Final = _listed(
    """
    true false none null unknown undetermined ok error normal failed ready idle full empty fault warning
    on off auto manual enabled disabled enable disable active inactive present absent supported installed standby
    open closed close connected connecting disconnected configured unconfigured provisioned
    charging discharging production consumption storage net-consumption total-consumption backfeed load evse pv3p pv
    inverters inverter eim acb pcu nsrb rgm pmu esub encharge enpower collar meter grid generator battery
    c6 combiner controller metering not-metering check-wiring production-imbalance negative-production
    power-on-unused-phase single split three ph-a ph-b ph-c l1 l2 l3
    grid-tied multimode-ongrid multimode-offgrid on_grid off_grid grid-lost ongrid offgrid
    backup full-backup self-consumption economy savings-mode savings soc schedule apply shed
    prioritize-energy prioritize-savings aggregate dynamic tariff single_rate time_of_use tou tiered flat
    storagetoumode_default_tou_mode
    tier_1 tier_2 tier_3 tier_4 period_1 period_2 period_3 normal_1
    weekdays all_days all_year_long always_on filler site_settings season_1 season_2 summer winter
    id aon cg cp zn dl itk mylogger nc1 nc2 no1 no2 can usb zigbee subghz ble
    ethernet wifi cellular eth0 eth1 wlan0 wlan1 ppp0 usb0
    aud brl cad chf czk dkk eur gbp huf inr mxn nok nzd pln sek usd zar
    mon tue wed thu fri sat sun monday tuesday wednesday thursday friday saturday sunday weekday weekend
    rootfs kernel boot app devimg geo backbone agf security full rootfs-full patch essimg ffuimg pkgsec release
    obsolete api please use ivp/arf/profile 404 - not found
    """
)
"""Words of replies, in lower case."""

_PAGE_WORDS: Final = _WORDS | _listed(
    """
    system energy has been live since currently today past week installation envoy envoy-s number serial current
    software version of microinverters online home page the you tried to view does not exist try a is was
    found unauthorized authorization required redirecting forbidden moved permanently temporarily bad gateway time-out
    timeout service unavailable internal server request method allowed token valid invalid nginx openresty enphase
    w kw mw wh kwh mwh gwh
    jan feb mar apr may jun jul aug sep oct nov dec am pm
    utc gmt bst cet cest est edt cst cdt mst mdt pst pdt akst akdt hst aest aedt acst awst nzst nzdt
    """
)
"""Words of pages."""

_FIELDS: Final = frozenset({"FW Version", "Device State", "devices:"})
"""Names of fields that do not look like one."""

_FIELD: Final = re.compile(r"[A-Za-z_]\w*(?:[.-]\w+)*", re.ASCII)
"""What a programmer calls a field. There are too many to list them, and new ones are what a recording is made for."""

_FIELD_LONGEST: Final = 48

_FORMATS: Final = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        r"-?\d{1,5}(?:\.\d{1,2})?",  # not more: it could be a telephone number, or a place
        r"\d{1,2}:\d{2}(?::\d{2})?",
        r"\d{1,2}/\d{1,2}(?:/\d{4})?",
        r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z| UTC|[+-]\d{2}:?\d{2})?)?",
        r"\d{3}-\d{5}-r\d{2}(?:-v\d{2}\.\d{2}\.\d{2})?",  # a part number
        r"[RDM]\d{1,2}(?:\.\d{1,5}){2,4}",  # the firmware of a gateway
        r"0x0{1,16}",
        r"(?:ENCHG|ENPWR|ENCMN|ENS)_[A-Z0-9_]{1,40}",  # states of devices
        r"envoy\.(?:global|cond_flags)(?:\.[a-z0-9_-]{1,40}){1,4}|prop\.done",
    )
)

_NAMED_FORMATS: Final = tuple(
    (re.compile(name, re.IGNORECASE), re.compile(pattern, re.ASCII))
    for name, pattern in (
        (r".*(date|time|epoch|gmt|installed)|[cl]d", r"1\d{9}"),
        (r".*eid|ce", r"\d{9,10}"),  # the number of a channel
        (r"build|release_stage", r"[0-9a-f]{3,8}|\d{3}-GA"),
        (r".*part.*|pn", r"\d{3}-\d{5}(?:-\d{2})?"),
        (
            r".*(fw|firmware|software|ver|img|pnum|assembly).*",
            r"0{0,2}\d{1,2}(?:\.[0-9A-F]{1,5}){1,4}(?:_rel/\d{1,3}\.\d{1,3}|-D\d{1,6}|-[0-9a-f]{6})?|[0-9A-F]{4}",
        ),
    )
)


def says(text: str, name: str = "") -> bool:
    """Whether firmware says this, perhaps under this name only: words, numbers, times, versions, a time zone."""
    return (
        all(word.strip().lower() in _WORDS for word in re.split(r"[, ]", text) if word)
        or any(pattern.fullmatch(text) for pattern in _FORMATS)
        or any(names.fullmatch(name) and pattern.fullmatch(text) for names, pattern in _NAMED_FORMATS)
        or _is_zone(text)
    )


def is_page_word(word: str) -> bool:
    """Whether a page of old firmware, or of an error, may hold this word."""
    return word.lower() in _PAGE_WORDS


def is_field(name: str) -> bool:
    """Whether a programmer may have called a field so."""
    return name in _FIELDS or (len(name) <= _FIELD_LONGEST and _FIELD.fullmatch(name) is not None)


def _is_zone(text: str) -> bool:
    if "/" not in text or len(text) > _FIELD_LONGEST:
        return False
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True

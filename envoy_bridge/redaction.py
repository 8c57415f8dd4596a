"""What must not be seen in a log line, an error or a payload, and its replacement: one table for all of them.

Secrets are hidden everywhere. What is personal stays in our own logs, where it is needed, and is replaced in what is
handed on: in recordings.
"""

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import quote, quote_plus

MASK = "***"

SHORTEST = 4
"""Characters. A shorter secret is no secret, and hiding it everywhere would leave no readable line."""

_QUOTED = r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\\"[^"]*")"""  # the last: JSON in JSON
_VALUE = rf"""(?:{_QUOTED}|[^\s,;&"'<>(){{}}\[\]]+)"""
_END = r"""(?:\]|%5D)?\\?["']?\s*"""  # what may stand between a name and its = or : in forms, JSON and repr

# Per row: words one of which is in the text (lower case) if the pattern can match, for a text without any of them
# costs almost nothing then; the pattern; the replacement.
_TABLE = tuple(
    (words, re.compile(pattern, re.IGNORECASE), replacement)
    for words, pattern, replacement in (
        # A JSON Web Token, or what is left of one that was cut short: eyJ is {" in base64.
        (("eyj",), r"eyJ[\w-]{8,}(?:\.[\w-]*){0,2}", MASK),
        (("bearer", "basic"), r"\b(Bearer|Basic)\s+(?=\S*(?-i:[0-9A-Z=]))[\w+/=.~-]{6,}", rf"\1 {MASK}"),
        # A whole header: as sent, in a dictionary, in a tuple.
        (
            ("authorization", "cookie"),
            rf"""((?:authorization|cookie)\\?["']?\s*[:=,]\s*b?)(?:{_QUOTED}|[^\r\n]+)""",
            rf"\1{MASK}",
        ),
        (("passw", "secret"), rf"((?:password|passwd|secret){_END}[=:]\s*){_VALUE}", rf"\1{MASK}"),
        # With a colon only after a closing quote: "token: expired" is a sentence.
        (
            ("token", "session", "api_key", "apikey"),
            rf"""((?:token|session(?:_?id)?|api_?key)(?:{_END}=|\\?["']\s*:)\s*){_VALUE}""",
            rf"\1{MASK}",
        ),
        (("key=", "user_id="), r"([?&](?:key|user_id)=)[^&\s\"']+", rf"\1{MASK}"),
        # user:password@host, in an address and alone.
        (("@",), r"(://)[^\s/?#\"'<>]*@", rf"\1{MASK}@"),
        (("@",), r"(?<![\w/])[^\s:/@\"'<>]{1,64}:[^\s/@\"'<>]{1,256}@(?=[\w\[])", f"{MASK}@"),
    )
)

_SECRET_NAME = re.compile(
    r"(.*_)?(password|passwd|secret|token|session_?id|api_?key|authorization|cookie)", re.IGNORECASE
)

_hidden: tuple[str, ...] = ()


def hide(text: str) -> None:
    """Have `redact` replace this text from now on, also where it stands escaped in JSON, an address or a `repr`."""
    global _hidden  # noqa: PLW0603  one registry per process, as there is one standard error
    if len(text) < SHORTEST:
        return
    forms = {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    forms |= {repr(text)[1:-1], ascii(text)[1:-1], repr(text.encode())[2:-1]}
    forms |= {quote(text, safe=""), quote(text), quote_plus(text)}
    # The longest first: a secret that contains another one must go as a whole.
    _hidden = tuple(sorted(forms.union(_hidden), key=len, reverse=True))


def redact(text: str) -> str:
    """The text without registered secrets and without what looks like one."""
    for secret in _hidden:
        if secret in text:
            text = text.replace(secret, MASK)
    lower = text.lower()
    for words, pattern, replacement in _TABLE:
        if any(word in lower for word in words):
            text = pattern.sub(replacement, text)
    return text


def redact_value(value: object, name: str = "") -> object:
    """Any value with every text in it redacted; a value whose `name` says that it is secret is masked as a whole.

    Numbers, booleans and None come back as they are, mappings as dict, other collections as list, the rest as text.
    """
    if value is None or isinstance(value, bool):
        return value
    if _SECRET_NAME.fullmatch(name):
        return MASK
    if isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        return {redact(str(key)): redact_value(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(item) for item in value]
    return redact(str(value))


# --- what is personal


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of what is not handed on.

    `names`: it stands under these, whatever it is; `looks`: it is this, wherever it stands. `substitute` gives the
    n-th that is put in the place of such a text, in the same shape, so that a program reads it as it read the original.
    """

    id: str
    substitute: Callable[[str, int], str] = field(compare=False)
    names: re.Pattern[str] | None = field(default=None, compare=False)
    looks: Callable[[str], bool] = field(default=lambda _text: False, compare=False)


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def _numbered(text: str) -> Callable[[str, int], str]:
    return lambda _original, n: f"{text} {n}"


COMMON = "99"
"""What the substitutes of serial numbers begin with. Not with 0: some are written as numbers."""


def _serial(original: str, n: int) -> str:
    """As long as the original: digits for digits, else XXX and a number."""
    if original.isdecimal() and len(original) > len(COMMON):
        return f"{COMMON}{n:0{len(original) - len(COMMON)}}"
    return f"{n}".rjust(len(original), "X")


def _address(original: str, n: int) -> str:
    """Of the ranges that are set aside for examples."""
    if ":" in original:
        return f"2001:db8::{n:x}"
    return f"{('192.0.2', '198.51.100', '203.0.113')[(n - 1) // 254 % 3]}.{(n - 1) % 254 + 1}"


def _is_address(text: str) -> bool:
    bare = text.partition("/")[0].partition("%")[0].strip("[]")
    for version in (IPv4Address, IPv6Address):
        with suppress(ValueError):
            version(bare)
            return True
    return False


def _is_secret(text: str) -> bool:
    return not text.isdecimal() and redact(text) != text  # a number that ends in a password of digits is none


SECRET = Kind("secret", lambda _original, _n: MASK, _SECRET_NAME, _is_secret)
SERIAL = Kind(
    "serial",
    _serial,
    _words(r"(.*_)?sn|(.*_|[a-z]+)?serials?(_?(n|nb|no|num|number)s?)?|(.*_)?(device|system|site|generator)_?id"),
)
TEXT = Kind("text", _numbered("Text"))
"""What is none of the others, and no word that firmware is known to say."""

KINDS = (
    SECRET,
    SERIAL,
    Kind(
        "id", lambda text, n: f"{n:x}".rjust(len(text), "e"), _words(r"euaid|.*uu?id|imei|imsi|iccid|meid|mdn|jti|aud")
    ),
    Kind("load", _numbered("Load"), _words(r"load_?name")),
    Kind("network", _numbered("Network"), _words(r"b?ssids?|access_?point")),
    Kind("phone", _numbered("Phone"), _words(r"(.*_)?(tele)?phone(_?(no|number))?|mobile|fax")),
    Kind(
        "place", _numbered("Place"), _words(r"(.*_)?(lat|lon|lng|latitude|longitude|gps|location|street|city|county)")
    ),
    Kind("place", _numbered("Place"), _words(r"(.*_)?(zip|zip_?code|post(al)?_?code|province|country)")),
    Kind(
        "name",
        _numbered("Name"),
        _words(r".+[_ -]name|(first|last|full|user|host|site|system|owner|display|customer|company|nick)name|name"),
    ),
    Kind("name", _numbered("Name"), _words(r"(.*_)?(user|owner|customer|installer|company|email|hostname|domain)")),
    Kind(
        "mac",
        lambda _original, n: ":".join(
            ("02", "00", "00", f"{n >> 16 & 255:02X}", f"{n >> 8 & 255:02X}", f"{n & 255:02X}")
        ),
        looks=lambda text: re.fullmatch(r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5,7}", text) is not None,
    ),
    Kind("address", _address, looks=_is_address),
    Kind(
        "email",
        lambda _original, n: f"person{n}@example.org",
        looks=lambda text: re.fullmatch(r"[^\s@]+@[^\s@]+", text) is not None,
    ),
)
"""What is replaced, whatever else might be said for it. The first that fits counts, by name before by looks."""


def kind_named(name: str) -> Kind | None:
    """The kind of whatever stands under this name."""
    return next((kind for kind in KINDS if kind.names and kind.names.fullmatch(name)), None)


def kind_looking(text: str) -> Kind | None:
    """The kind of what looks like this."""
    return next((kind for kind in KINDS if kind.looks(text)), None)

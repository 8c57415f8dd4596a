"""What must not be seen in a log line, an error or a payload, and its replacement: one table for all of them."""

import json
import re
from collections.abc import Mapping
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

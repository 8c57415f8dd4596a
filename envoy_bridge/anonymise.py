"""Replies of a gateway without what is personal, for a recording that can be shown. Pure.

A text stays only if firmware is known to say it (`vocabulary.py`); any other is replaced by a substitute of its kind
(`redaction.py`), the same by the same in all replies. Numbers stay as they were written, unless they are a serial
number, or stand under the name of something personal. Names of fields stay.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import msgspec
from lxml import etree

from envoy_bridge import vocabulary
from envoy_bridge.redaction import COMMON, MASK, SECRET, SERIAL, TEXT, Kind, kind_looking, kind_named

JSON: Final = "application/json"
XML: Final = "text/xml"
HTML: Final = "text/html"
PLAIN: Final = "text/plain"

_DIGITS: Final = re.compile(r"\d{6,}", re.ASCII)
_SERIAL: Final = re.compile(r"(\d{6,})(EIM\d)?", re.ASCII)
"""A serial number, or a telephone number, or what else is not known to be none. A meter has that of the gateway, and a
suffix."""

_SURE: Final = 11
"""Digits in the name of a field that are a serial number for sure: the number of a channel has ten at most."""

_NUMBER_SURE: Final = 10
"""Digits of a number that equals a serial number and is not so by accident."""

_ENDING: Final = 6
"""Digits of the serial number that are the password of a local user."""

_TOKEN: Final = re.compile(r"(?:[^\s<>\"'()\[\]{},;:]|:(?!\s|$|\d{6}))+")
"""What is judged as one in running text: a word, a number, an address."""

_TAGS: Final = re.compile(
    "html|head|body|title|table|tbody|thead|tr|td|th|h[1-6]|p|div|span|center|br|hr|[biau]|em|strong|font|form|label"
    "|ul|ol|li|dl|dt|dd|pre|small"
)

_NAMES_OF_COLUMNS: Final = "fields"
"""Of a table in JSON: a list of names, where its rows have the values."""

_DEEPEST: Final = 32
"""Levels of JSON that are followed; replies have seven, and each one more reads all that is in it once more."""

_DECLARATION: Final = re.compile(r"^<\?xml[^>]*\?>")
_XML_HEAD: Final = "<?xml version='1.0' encoding='UTF-8'?>\n"

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array = msgspec.json.Decoder(list[msgspec.Raw])
_text = msgspec.json.Decoder(str)
_encode = msgspec.json.Encoder().encode


class Anonymiser:
    """Replaces what is personal in these replies. It has to see all of them first: one may name what another has."""

    def __init__(self, bodies: Iterable[bytes]) -> None:
        self._originals: dict[Kind, set[str]] = {}
        self._given: dict[tuple[Kind, str], str] = {}
        self._counts: dict[Kind, int] = {}
        self._endings: set[str] = set()
        for body in bodies:
            self(body)
        endings = {serial[-_ENDING:] for serial in self._originals.get(SERIAL, ()) if serial.isdecimal()}
        self._endings = endings - {"0" * _ENDING}  # which many a number has in it
        self._given.clear()  # only now are all originals known, which no substitute may equal
        self._counts.clear()

    def __call__(self, body: bytes) -> tuple[str, str]:
        """The reply as text that can be shown, and its media type, as the text itself shows it."""
        text = _decoded(body).strip()
        if text[:1] in ("{", "["):
            with suppress(msgspec.MsgspecError, RecursionError):
                return self._json(text.encode(), "").decode(), JSON
            return self._prose(text), PLAIN
        if text.startswith(("<?xml", "<envoy_info")):
            with suppress(etree.XMLSyntaxError, ValueError):
                return _XML_HEAD + self._xml(text), XML
        return (self._page(text), HTML) if text.startswith("<") else (self._prose(text), PLAIN)

    # --- shapes of replies

    def _json(self, raw: bytes, name: str, depth: int = 0) -> bytes:
        """`name`: of the field whose value this is. Raises MsgspecError, and RecursionError where it is too deep."""
        if depth > _DEEPEST:
            raise RecursionError
        if raw.startswith(b"{"):
            pairs = (
                _encode(self._field(key, name))
                + b":"
                + self._json(bytes(value).strip(), _inherited(name, key), depth + 1)
                for key, value in _object.decode(raw).items()
            )
            return b"{" + b",".join(pairs) + b"}"
        if raw.startswith(b"["):
            values = (self._json(bytes(value).strip(), name, depth + 1) for value in _array.decode(raw))
            return b"[" + b",".join(values) + b"]"
        if raw.startswith(b'"'):
            text = _text.decode(raw)
            return _encode(self._field(text, "") if name == _NAMES_OF_COLUMNS else self._value(text, name))
        return self._number(raw.decode(), name).encode()

    def _xml(self, text: str) -> str:
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
        )
        root = etree.fromstring(_DECLARATION.sub("", text), parser)
        for element in root.iter(etree.Element):
            tag = self._xml_name(element.tag)
            attributes = [(self._xml_name(name), str(value)) for name, value in element.attrib.items()]
            element.attrib.clear()
            element.attrib.update({name: self._value(value, f"@{name}") for name, value in attributes})
            element.text = self._value((element.text or "").strip(), tag)
            element.tail = self._prose(element.tail or "")
            element.tag = tag
        etree.cleanup_namespaces(root)
        return etree.tostring(root, encoding="unicode")

    def _xml_name(self, name: object) -> str:
        return self._field(etree.QName(str(name)).localname, "").replace(" ", "")

    def _page(self, text: str) -> str:
        """The page without scripts, comments and attributes; of its words those that are known."""
        parser = etree.HTMLParser(no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
        root = etree.fromstring(text, parser)
        if root is None:
            return ""
        etree.strip_elements(root, "script", "style", with_tail=False)
        for element in root.iter(etree.Element):
            element.attrib.clear()
            if not _TAGS.fullmatch(str(element.tag)):
                element.tag = "span"
            element.text = self._prose(element.text or "")
            element.tail = self._prose(element.tail or "")
        return etree.tostring(root, encoding="unicode", method="html")

    def _prose(self, text: str) -> str:
        """Running text, word by word."""
        return _TOKEN.sub(lambda token: self._word(token[0]), text)

    def _word(self, token: str) -> str:
        word = token.rstrip(".!?")
        return token if vocabulary.is_page_word(word) else self._value(word, "") + token[len(word) :]

    # --- what is replaced

    def _value(self, text: str, name: str) -> str:
        kind = kind_named(name) or kind_looking(text)
        if not text.strip() or (kind is None and vocabulary.says(text, name)):
            return text
        return self._substitute(kind or (SERIAL if _SERIAL.fullmatch(text) else TEXT), text)

    def _number(self, literal: str, name: str) -> str:
        """Numbers under the name of something personal become 0. `true`, `false` and `null` come here too."""
        kind = kind_named(name)
        if kind is None:
            accident = len(literal) < _NUMBER_SURE or literal not in self._originals.get(SERIAL, ())
            return literal if accident else self._substitute(SERIAL, literal)
        if kind == SERIAL:
            return self._substitute(SERIAL, literal) if _DIGITS.fullmatch(literal) else literal
        return "0" if literal[0] in "-0123456789" else literal

    def _field(self, name: str, parent: str) -> str:
        """The name of a field, in which serial numbers may stand. `parent`: the name under which the object stands."""
        name = _DIGITS.sub(lambda found: self._digits(found[0], sure=kind_named(parent) == SERIAL), name)
        kind = kind_looking(name)
        if kind is None and (name.isdecimal() or (vocabulary.is_field(name) and not self._is_known_text(name))):
            return name
        return self._substitute(kind or TEXT, name)

    def _digits(self, digits: str, *, sure: bool) -> str:
        if sure or len(digits) >= _SURE or digits in self._originals.get(SERIAL, ()):
            return self._substitute(SERIAL, digits)
        return digits

    def _is_known_text(self, name: str) -> bool:
        """Whether it is a text that is replaced elsewhere. In small letters it is a name of ours after all."""
        return not name.islower() and any(name.casefold() in texts for texts in self._originals.values())

    def _substitute(self, kind: Kind, text: str) -> str:
        if kind == SECRET:
            return MASK
        if kind == SERIAL and (serial := _SERIAL.fullmatch(text)) and serial[2]:
            return self._substitute(SERIAL, serial[1]) + serial[2]
        original = text.casefold()
        self._originals.setdefault(kind, set()).add(original)
        if (kind, original) not in self._given:
            self._given[kind, original] = self._new(kind, text)
        return self._given[kind, original]

    def _new(self, kind: Kind, text: str) -> str:
        while True:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            candidate = kind.substitute(text, self._counts[kind])
            if candidate.casefold() not in self._originals[kind] and not (kind == SERIAL and self._tells(candidate)):
                return candidate

    def _tells(self, digits: str) -> bool:
        """Whether the end of a serial number is in it, of which passwords are made."""
        ends = range(len(digits), _ENDING + len(COMMON) - 1, -1)
        return any(digits[end - _ENDING : end] in self._endings for end in ends)


def _inherited(parent: str, name: str) -> str:
    """What stands below something personal is personal, whatever it is called; serial numbers may have more below."""
    kind = kind_named(parent)
    return parent if kind not in (None, SERIAL) and kind_named(name) is None else name


def _decoded(body: bytes) -> str:
    if b"\0" in body:
        return ""  # no text
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("latin-1")

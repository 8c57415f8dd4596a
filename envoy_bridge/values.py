"""What the value of a configuration key can be, the check it must pass, and the words that errors use for it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit
from zoneinfo import available_timezones


class Secret:
    """A text that must not be seen: `repr`, `str` and formatting give `***`, only `reveal` gives the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: for the one place that sends it."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)


class Duration(float):
    """Seconds. Written with a unit: `"5s"`, `"15m"`, `"1h"`, `"2d"`."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError for what is not a whole number and a unit."""
        return cls(_with_unit(text, {"s": 1, "m": 60, "h": 3600, "d": 86400}))


class Size(int):
    """Bytes. Written with a unit: `"500KB"`, `"64MB"`, `"1GB"`; a KB is 1000 bytes."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError for what is not a whole number and a unit."""
        return cls(_with_unit(text, {"KB": 10**3, "MB": 10**6, "GB": 10**9}))


@dataclass(frozen=True, slots=True)
class Key:
    """What the value of a key must be, in words and as a TOML example, and the check it must pass.

    `read` gets a value of the right type and returns it, tidied where that is harmless. It raises ValueError.
    With `is_path` it gets an absolute path: `$VARIABLES` replaced, and relative to the configuration file.
    """

    wanted: str
    example: str
    read: Callable[..., object]
    is_path: bool = False


def _with_unit(text: str, units: dict[str, int]) -> int:
    match = re.fullmatch(r"([0-9]{1,9})([A-Za-z]+)", text)
    if match is None or match[2] not in units:
        raise ValueError
    return int(match[1]) * units[match[2]]


def matching(pattern: str) -> Callable[[str], str]:
    """The check that a text is of this pattern from end to end."""

    def read(text: str) -> str:
        if re.fullmatch(pattern, text, re.ASCII) is None:
            raise ValueError
        return text

    return read


def between(least: float, most: float = float("inf")) -> Callable[[float], float]:
    """The check that a number lies between two others, both included."""

    def read(number: float) -> float:
        if not least <= number <= most:
            raise ValueError
        return number

    return read


def as_it_is(value: object) -> object:
    """The check that everything passes."""
    return value


def printable(text: str) -> str:
    """The check that a text says something and has no control characters."""
    if not text.strip() or not text.isprintable():
        raise ValueError
    return text


def host(text: str) -> str:
    """The check that a text is a host name or an address, without a port and without brackets."""
    if ":" in text:
        IPv6Address(text)
    elif re.fullmatch(r"[0-9.]+", text):
        IPv4Address(text)
    elif re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})", text) is None:
        raise ValueError
    return text


def host_and_port(text: str) -> str:
    """The check that a text is `host:port`; IPv6 addresses stand in brackets."""
    name, colon, port = text.rpartition(":")
    if not colon or re.fullmatch(r"[0-9]{1,5}", port) is None:
        raise ValueError
    between(1, 65535)(int(port))
    _bare_or_bracketed(name)
    return text


def host_maybe_port(text: str) -> str:
    """The check that a text is `host` or `host:port`; IPv6 addresses stand in brackets."""
    if re.search(r":[0-9]*$", text) and not text.endswith("]"):
        return host_and_port(text)
    _bare_or_bracketed(text)
    return text


def _bare_or_bracketed(name: str) -> None:
    if name.startswith("[") and name.endswith("]"):
        IPv6Address(name[1:-1])
    elif ":" in name:
        raise ValueError
    else:
        host(name)


def base_url(text: str) -> str:
    """Scheme and host of a web address, without the slash at its end. Plain http only to this machine itself.

    Raises:
        ValueError: another scheme, a user name, a path, a query, or http to another machine.
    """
    url = urlsplit(printable(text))
    host_maybe_port(url.netloc)
    if url.path not in {"", "/"} or url.query or url.fragment or " " in text:
        raise ValueError
    if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(url.hostname or "")):
        raise ValueError
    return f"{url.scheme}://{url.netloc}"


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def time_zone(text: str) -> str:
    """The check that this machine knows a time zone."""
    if text not in available_timezones():
        raise ValueError
    return text


def readable_file(text: str) -> str:
    """The check that a path can be opened for reading."""
    try:
        with Path(text).open("rb"):
            return text
    except OSError as error:
        raise ValueError from error


Text = Annotated[str, Key("text that is not empty", '"..."', printable)]
User = Annotated[str, Key("a user name", '"me@example.org"', printable)]
Port = Annotated[int, Key("a port number from 1 to 65535", "1883", between(1, 65535))]
Host = Annotated[str, Key("a host name or an address alone (the port has its own key)", '"localhost"', host)]
HostMaybePort = Annotated[
    str,
    Key(
        "a host or host:port, without https://, user name or path (an IPv6 address in brackets)",
        '"envoy.local" or "192.0.2.7:8080" or "[fd00::7]"',
        host_maybe_port,
    ),
]
Listen = Annotated[
    str,
    Key('host:port, or "" for none', '"127.0.0.1:8099"', lambda text: text and host_and_port(text)),
]
BaseUrl = Annotated[
    str,
    Key(
        "scheme and host, without a path; https, or http to this machine itself",
        '"https://enlighten.enphaseenergy.com"',
        base_url,
    ),
]
Serial = Annotated[
    str, Key("1 to 32 letters and digits between quotes", '"122300000000"', matching("[A-Za-z0-9]{1,32}"))
]
Topic = Annotated[
    str,
    Key(
        "topic levels of a-z, 0-9, _ and -, at most 64 characters each, with a slash between them",
        '"envoy"',
        matching("[a-z0-9_-]{1,64}(/[a-z0-9_-]{1,64})*"),
    ),
]
File = Annotated[str, Key("a file that can be read", '"/etc/envoy-bridge/ca.pem"', readable_file, is_path=True)]
Folder = Annotated[str, Key("a folder", '"/var/lib/envoy-bridge"', printable, is_path=True)]

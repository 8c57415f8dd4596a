"""The tokens that firmware 7 and later asks for: reading one, when to renew it, and keeping it over a restart.

The key that tokens are signed with is not public, so nothing here trusts one: its claims say who it is for and how long
it lasts, and whether it is good is for the gateway to say.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from envoy_bridge import state
from envoy_bridge.errors import StateError, TokenUnusable
from envoy_bridge.lean import without
from envoy_bridge.logs import get_logger

HOW_TO_GET_ONE = "fetch a token at https://entrez.enphaseenergy.com and put it into [[gateway]] token_file"
LARGEST = 8 * 1024  # characters; real ones have about 400
TEXT_LIMIT = 254  # of a claim that is shown: the longest e-mail address there can be
YEAR_10000 = 253_402_300_800.0  # seconds since 1970; later is not a date
RENEW_FROM, RENEW_SPREAD = 0.90, 0.02  # of its life; the spread keeps many houses from asking at the same moment
WARN_BEFORE = 30 * 86_400.0  # seconds

_PARTS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_SERIAL = re.compile(r"[A-Za-z0-9]{1,32}")
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Token:
    """A token that is for this gateway and not expired. Times are wall-clock seconds since 1970."""

    text: str = field(repr=False)
    serial: str
    expires: float
    issued: float | None  # None: it does not say
    role: str | None  # "owner" (a year) or "installer" (12 hours); None: it does not say
    username: str | None


def read_token(text: str, *, serial: str, now: float) -> Token:
    """The token in `text`, which may have white space around it.

    Raises:
        TokenUnusable: It is no token, or expired at `now`, or not for the gateway `serial`.
    """
    text = text.strip()
    claims = _claims(text)
    audience, expires, issued = claims.get("aud"), _moment(claims.get("exp")), _moment(claims.get("iat"))
    if audience != serial:
        raise TokenUnusable(f"the token is for {_whom(audience)}, and this is gateway {serial}: {HOW_TO_GET_ONE}")
    if expires is None:
        raise TokenUnusable(f"the token does not say until when it is valid: {HOW_TO_GET_ONE}")
    if expires <= now:
        raise TokenUnusable(
            f"the token expired on {_day(expires)} (this machine's clock says {_day(now)}): {HOW_TO_GET_ONE}"
        )
    role, username = _shown(claims.get("enphaseUser")), _shown(claims.get("username"))
    return Token(text, serial, expires, issued, role, username)


def renew_at(token: Token) -> float:
    """The wall-clock time at which to fetch a new token: always the same for the same token.

    After 90 to 92 % of its life; where it does not say since when it lives, 30 days before its end.
    """
    if token.issued is None or token.issued >= token.expires:
        return token.expires - WARN_BEFORE
    spread = int.from_bytes(hashlib.sha256(token.text.encode()).digest()[:4]) / 2**32
    return token.issued + (token.expires - token.issued) * (RENEW_FROM + RENEW_SPREAD * spread)


class _Cached(msgspec.Struct, frozen=True):
    """The content of a cache file."""

    token: str
    issued: float | None = None


class TokenCache:
    """Fetched tokens, one file per gateway, readable by the owner alone."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def load(self, serial: str, now: float) -> Token | None:
        """The token kept for this gateway; None when there is none that can be used."""
        try:
            data = state.read(self._path(serial))
            if data is None:
                return None
            cached = msgspec.json.decode(data, type=_Cached)
            token = read_token(cached.token, serial=serial, now=now)
        except (StateError, TokenUnusable) as error:
            reason = str(error)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            reason = "it is damaged"
        else:
            return replace(token, issued=_moment(cached.issued) or token.issued)
        _log.warning("kept_token_not_used", serial=serial, reason=reason)
        return None

    def save(self, token: Token) -> None:
        """Keep the token in place of the one before. Where that fails it is logged: the token itself is good."""
        content = msgspec.json.encode(_Cached(token.text, token.issued))
        try:
            state.write_atomically(self._path(token.serial), content)
        except StateError as error:
            _log.warning("token_not_kept", serial=token.serial, reason=str(error))

    def _path(self, serial: str) -> Path:
        if not _SERIAL.fullmatch(serial):
            raise StateError("no token is kept for a serial number that is not 1 to 32 letters and digits")
        return self._directory / f"token-{serial}.json"


def _claims(text: str) -> Mapping[str, object]:
    """What the token says of itself: the JSON object in its second part."""
    if not text:
        raise TokenUnusable(f"the token is empty: {HOW_TO_GET_ONE}")
    if text.startswith("<"):
        raise TokenUnusable(f"this is a web page (HTML), not a token: {HOW_TO_GET_ONE}")
    if len(text) > LARGEST:
        raise TokenUnusable(f"this is longer than any token ({len(text)} characters): {HOW_TO_GET_ONE}")
    if not _PARTS.fullmatch(text):
        raise TokenUnusable(
            f"this is not a token, which is three parts of letters, digits, - and _ with dots between, "
            f"on one line and without quotes: {HOW_TO_GET_ONE}"
        )
    with without("cryptography"):  # which jwt would load to check signatures
        import jwt  # noqa: PLC0415  only firmware 7 and later needs it
    try:
        claims: Mapping[str, object] = jwt.decode(text, options={"verify_signature": False})
    except (jwt.PyJWTError, RecursionError):
        # The cause is left out: it may quote the token.
        raise TokenUnusable(f"the token is damaged, perhaps cut off: {HOW_TO_GET_ONE}") from None
    return claims


def _moment(value: object) -> float | None:
    """A claim as seconds since 1970; None when it is not a number that is a date (true and false are no numbers)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < YEAR_10000:
        return None
    return float(value)


def _shown(value: object) -> str | None:
    """A claim that is only ever shown; None when it is not a short printable text."""
    if isinstance(value, str) and 0 < len(value) <= TEXT_LIMIT and value.isprintable():
        return value
    return None


def _whom(audience: object) -> str:
    """Whom a token is for, in words; what is not a serial number is not repeated."""
    if audience == "uncommissioned":
        return "a gateway that is not commissioned yet"
    if isinstance(audience, str) and _SERIAL.fullmatch(audience):
        return f"gateway {audience}"
    return "no gateway"


def _day(moment: float) -> str:
    """A wall-clock time as its local date."""
    return datetime.fromtimestamp(moment, tz=UTC).astimezone().date().isoformat()

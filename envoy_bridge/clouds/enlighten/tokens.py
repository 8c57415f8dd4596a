"""The login of Enlighten's API version 4: OAuth 2 with a refresh token that is used up by each use.

Whoever loses the newest refresh token has to ask the owner again. So there is one refresh at a time, among all
processes, and what it gives is on disk before it is used. Source: public notes on Enphase's version 4.
"""

import asyncio
import os
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from envoy_bridge import state
from envoy_bridge.clock import Clock
from envoy_bridge.clouds.enlighten.errors import envelope, failure
from envoy_bridge.clouds.errors import CloudDown, CloudError, CloudRefused, ReauthRequired
from envoy_bridge.clouds.locks import AWAIT_TURN, locked
from envoy_bridge.clouds.rest import Answer, Request, Rest
from envoy_bridge.errors import StateError
from envoy_bridge.logs import get_logger, hide
from envoy_bridge.settings import EnlightenCloud

FILE: Final = "enlighten-tokens.json"
"""In the folder of the clouds."""

MARGIN: Final = 600.0
"""Seconds before its end when an access token is renewed."""

FRESH: Final = 300.0
"""Seconds in which a token that is refused is not renewed: the refusal has another reason."""

LAST_WISH: Final = 20.0
"""Seconds that a refresh under way is waited for when we are told to end: its answer is the only one there is."""

HOW: Final = "type: envoy-bridge cloud enlighten authorize"

_TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - an address
_REFUSALS: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_DEAD: Final = ("invalid_grant", "invalid_token")
_OUR_FAULT: Final = (
    "invalid_client",
    "invalid_request",
    "invalid_scope",
    "unauthorized",
    "unauthorized_client",
    "unsupported_grant_type",
)

_log = get_logger(__name__)


class Kept(Struct, frozen=True):
    """The tokens on disk. `expires`: of the access token; `obtained`; both seconds since 1970. `dead`: refused."""

    client_id: str
    access_token: str
    refresh_token: str
    expires: float
    obtained: float
    dead: bool = False


class _Granted(Struct, frozen=True):
    """What the token service gives. `expires_in`: seconds."""

    access_token: str
    refresh_token: str
    expires_in: float = 86400.0


class Tokens:
    """The tokens of one application. `directory`: of the clouds, in the state directory."""

    def __init__(self, settings: EnlightenCloud, rest: Rest, clock: Clock, directory: Path) -> None:
        self._settings = settings
        self._rest = rest
        self._clock = clock
        self._path = directory / FILE
        self._kept: Kept | None = None
        self._unsaved: Kept | None = None

    async def access(self) -> str:
        """An access token that has not expired.

        Raises:
            ReauthRequired: there is none, and only the owner of the system can change that.
            CloudError: it could not be renewed now.
        """
        kept = self._kept if self._kept is not None and not self._unsaved else self._load()
        if kept is not None and not kept.dead and kept.expires - MARGIN > self._clock.wall():
            return kept.access_token
        return (await self._renewed(kept.access_token if kept else None)).access_token

    async def renew(self, rejected: str) -> str | None:
        """Another access token than this one, which was refused; None: it is too new for a new one to help.

        Raises:
            ReauthRequired, CloudError: as `access`.
        """
        kept = self._load()
        if kept is not None and kept.access_token == rejected and 0 <= self._clock.wall() - kept.obtained < FRESH:
            return None
        return (await self._renewed(rejected)).access_token

    async def exchange(self, code: str, redirect: str) -> None:
        """Take the tokens for a code that the owner was shown. A code is good for one time.

        Raises:
            CloudError: there were none for it, or they could not be kept; then the code was not used.
        """
        async with self._alone():
            self._require_disk(self._load())
            query = (("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect))
            self._keep(await self._granted(query))

    async def _renewed(self, unusable: str | None) -> Kept:
        """The tokens after a refresh, ours or that of another process. Ends only when they are on disk."""
        task = asyncio.create_task(self._refresh(unusable))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task], timeout=LAST_WISH)
            if not task.cancel() and not task.cancelled():
                task.exception()  # seen: who asked has left
            raise

    async def _refresh(self, unusable: str | None) -> Kept:
        async with self._alone():
            kept = self._load()
            if kept is None:
                raise ReauthRequired(f"Enlighten has not been authorized: {HOW}")
            if kept.dead:
                raise ReauthRequired(f"Enlighten's authorization has ended: {HOW}")
            if kept.access_token != unusable and kept.expires - MARGIN > self._clock.wall():
                return kept  # another process was faster
            self._require_disk(kept)
            try:
                granted = await self._granted((("grant_type", "refresh_token"), ("refresh_token", kept.refresh_token)))
            except ReauthRequired:
                self._save(replace(kept, dead=True))
                raise
            return self._keep(granted)

    async def _granted(self, query: tuple[tuple[str, str], ...]) -> _Granted:
        for name, value in query:
            if name in ("code", "refresh_token"):
                hide(value)
        answer = await self._rest.ask(
            Request(
                path=_TOKEN_PATH,
                query=query,
                method="POST",
                headers={"Authorization": f"Basic {self._basic()}"},
                essential=True,
            )
        )
        if answer.status != HTTPStatus.OK or answer.html:
            raise self._refusal(answer)
        granted = answer.json(_Granted)
        hide(granted.access_token)
        hide(granted.refresh_token)
        return granted

    def _refusal(self, answer: Answer) -> CloudError:
        error, bad_request = envelope(answer), answer.status == HTTPStatus.BAD_REQUEST
        if answer.html or answer.status not in _REFUSALS:
            return failure(answer, "the request for a token", self._clock.wall(), alone=False)
        if error.error in _DEAD or (bad_request and error.error not in _OUR_FAULT):
            return ReauthRequired(f"Enlighten does not take the code, or the refresh token ({error.said}): {HOW}")
        return CloudRefused(
            f"Enlighten refuses the application ({answer.status} {error.said}): check client_id and client_secret "
            "in [cloud.enlighten]"
        )

    def _basic(self) -> str:
        secret = self._settings.client_secret.reveal() if self._settings.client_secret else ""
        coded = b64encode(f"{self._settings.client_id}:{secret}".encode()).decode()
        hide(coded)
        return coded

    def _keep(self, granted: _Granted) -> Kept:
        """On disk first. Where that fails now, although it went well a moment ago, they last as long as we do."""
        now = self._clock.wall()
        kept = Kept(
            client_id=str(self._settings.client_id),
            access_token=granted.access_token,
            refresh_token=granted.refresh_token,
            expires=now + granted.expires_in,
            obtained=now,
        )
        self._unsaved = kept
        self._kept = self._load()
        return kept

    def _load(self) -> Kept | None:
        """The newest tokens: from the disk, where another process may have put newer ones than ours.

        Raises:
            CloudDown: the disk cannot be read.
        """
        try:
            if self._unsaved is not None:
                self._save(self._unsaved)
                self._unsaved = None
            content = state.read(self._path)
        except StateError as error:
            if self._unsaved is None:
                raise CloudDown(f"{error}; without the tokens in it Enlighten cannot be asked") from None
            _log.error("token_not_kept", error=str(error), consequence="authorize Enlighten again after a restart")
            return self._unsaved
        self._kept = _read(content, str(self._settings.client_id))
        return self._kept

    def _require_disk(self, kept: Kept | None) -> None:
        """Raises CloudDown where the next tokens could not be kept: then it is better not to have them."""
        try:
            self._save(kept)
        except StateError as error:
            raise CloudDown(f"{error}; so no new token of Enlighten is asked for") from None

    def _save(self, kept: Kept | None) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StateError(f"cannot make {self._path.parent}: {error.strerror}") from error
        state.write_atomically(self._path, msgspec.json.encode(kept))

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """One at a time among all processes."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise CloudDown(f"cannot write in {self._path.parent}: {error.strerror}; see [state]") from error
        try:
            while not locked(file):
                await self._clock.sleep(AWAIT_TURN * self._clock.speed)
            yield
        finally:
            os.close(file)


def _read(content: bytes | None, client_id: str) -> Kept | None:
    """The tokens in the file, if they are those of this application."""
    try:
        kept = msgspec.json.decode(content or b"null", type=Kept | None)
    except msgspec.MsgspecError:
        return None
    if kept is None or kept.client_id != client_id:
        return None
    hide(kept.access_token)
    hide(kept.refresh_token)
    return kept

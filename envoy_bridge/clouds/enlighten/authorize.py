"""The one step of Enlighten's login that takes a person: the owner of the system lets this program read it."""

import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

from envoy_bridge.clock import Clock
from envoy_bridge.clouds.enlighten.tokens import Tokens
from envoy_bridge.clouds.errors import CloudRefused
from envoy_bridge.clouds.rest import Rest
from envoy_bridge.settings import EnlightenCloud

_CODE: Final = re.compile(r"[!-~]{4,512}")

_QUESTION: Final = """\
Open this address in a browser, log in as the owner of the system, and allow the access:

  {address}

Then paste the code that is shown, or the address of that page: """


async def authorize(
    settings: EnlightenCloud, rest: Rest, ask: Callable[[str], str], *, clock: Clock, directory: Path
) -> None:
    """Have the owner asked for a code, take the tokens for it, and keep them in `directory`, that of the clouds.

    `ask`: shows a text and gives the answer, as `input` does. A daemon takes the tokens up when it asks next.

    Raises:
        CloudError: no tokens; says what to do.
    """
    if settings.api != "v4":
        raise CloudRefused('there is nothing to authorize with api = "v2": set api = "v4" in [cloud.enlighten]')
    redirect, state = str(rest.base / "oauth/redirect_uri"), secrets.token_urlsafe(16)
    query = {
        "response_type": "code",
        "client_id": str(settings.client_id),
        "redirect_uri": redirect,
        "state": state,
    }
    address = f"{rest.base / 'oauth/authorize'}?{urlencode(query)}"
    answer = ask(_QUESTION.format(address=address))
    await Tokens(settings, rest, clock, directory).exchange(_code(answer.strip(), state), redirect)


def _code(answer: str, state: str) -> str:
    """The code in what was pasted.

    Raises:
        CloudRefused: there is none, or it belongs to another attempt.
    """
    pasted = parse_qs(urlsplit(answer).query or answer) if "code=" in answer else {"code": [answer]}
    code = pasted.get("code", [""])[0]
    if not _CODE.fullmatch(code):
        raise CloudRefused("that is no code; begin again, and paste all of the code that the page shows")
    if pasted.get("state", [state])[0] != state:
        raise CloudRefused("that code was given for another attempt; begin again, and open the new address")
    return code

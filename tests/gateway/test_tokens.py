"""Reading tokens, when they are renewed, and the file they are kept in."""

import base64
import json
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from envoy_bridge.errors import TokenUnusable
from envoy_bridge.gateway.tokens import Token, TokenCache, read_token, renew_at

SERIAL = "122300000001"
NOW = 1_790_000_000.0
DAY = 86_400.0
YEAR = 365 * DAY


def part(content: object) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(payload: object) -> str:
    """A token with this payload: an object, or the bytes as they are."""
    return f"{part({'alg': 'ES256', 'typ': 'JWT'})}.{part(payload)}.{part(b'signature' * 7)}"


def token_text(**claims: object) -> str:
    return signed(
        {"aud": SERIAL, "exp": NOW + YEAR, "iat": NOW, "enphaseUser": "owner", "username": "sun@e.org"} | claims
    )


def without(*names: str) -> str:
    claims = {"aud": SERIAL, "exp": NOW + YEAR, "iat": NOW}
    return signed({name: value for name, value in claims.items() if name not in names})


def read(text: str) -> Token:
    return read_token(text, serial=SERIAL, now=NOW)


def refusal(text: str) -> str:
    """Why the text is refused. What it says of the text must never be a piece of it."""
    with pytest.raises(TokenUnusable) as caught:
        read(text)
    message = str(caught.value)
    assert "\n" not in message
    assert "[[gateway]] token_file" in message
    pieces = [piece for piece in text.strip().split(".") if len(piece) > 12]
    assert not any(piece in message for piece in pieces)
    assert not text.strip() or text.strip() not in message
    return message


def test_a_good_token_says_whose_it_is_and_how_long_it_lasts() -> None:
    token = read(token_text())
    assert (token.serial, token.expires, token.issued) == (SERIAL, NOW + YEAR, NOW)
    assert (token.role, token.username) == ("owner", "sun@e.org")
    assert token.text == token_text()
    assert token.text not in repr(token)


@pytest.mark.parametrize("around", ["{}\n", "  {}", "\t{}\r\n", "\n\n{} \n"])
def test_white_space_around_a_token_does_no_harm(around: str) -> None:
    assert read(around.format(token_text())).text == token_text()


def test_what_a_token_does_not_say_is_not_known() -> None:
    token = read(without("iat"))
    assert (token.issued, token.role, token.username) == (None, None, None)


@pytest.mark.parametrize(
    "claim", [{"enphaseUser": 7}, {"username": ["x"]}, {"username": "a\x00b"}, {"username": "x" * 999}]
)
def test_odd_names_are_not_shown(claim: dict[str, object]) -> None:
    token = read(token_text(**claim))
    assert None in {token.role, token.username}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ("<!DOCTYPE html><html><h1>Sign in</h1></html>", "web page"),
        ('"' + token_text() + '"', "without quotes"),
        (token_text().replace(".", ". ", 1), "one line"),
        (token_text().replace(".", ".\n", 1), "one line"),
        (token_text().rpartition(".")[0], "three parts"),
        (token_text() + ".more", "three parts"),
        (token_text().rpartition(".")[0] + ".", "three parts"),
        ("no.to.k€n", "three parts"),
        ("a.b.c", "damaged"),
        (".".join(piece[:21] for piece in token_text().split(".")), "damaged"),
        ("x" * 9000, "longer than any token"),
        (signed(b"not json at all"), "damaged"),
        (signed(b"\xff\xfe"), "damaged"),
        (signed([SERIAL]), "damaged"),
        (signed("text"), "damaged"),
        (signed(b"[" * 5000), "damaged"),
        (signed(b'{"aud":"' + SERIAL.encode() + b'","exp":' + b"9" * 5000 + b"}"), "damaged"),
    ],
    ids=range(19),
)
def test_what_is_no_token_is_refused_in_plain_words(text: str, why: str) -> None:
    assert why in refusal(text)


@pytest.mark.parametrize(
    ("audience", "why"),
    [
        ("122300000002", "for gateway 122300000002, and this is gateway 122300000001"),
        ("uncommissioned", "not commissioned"),
        ("", "no gateway"),
        (None, "no gateway"),
        ([SERIAL], "no gateway"),
        (122300000001, "no gateway"),
        ("<script>alert(1)</script>", "no gateway"),
        ("12/+/#", "no gateway"),
    ],
)
def test_a_token_of_another_gateway_is_refused(audience: object, why: str) -> None:
    assert why in refusal(token_text(aud=audience))


def test_a_token_without_a_gateway_or_an_end_is_refused() -> None:
    assert "no gateway" in refusal(without("aud"))
    assert "until when" in refusal(without("exp"))


@pytest.mark.parametrize(
    "number",
    [
        '"soon"',
        '"1999999999"',
        "null",
        "[1999999999]",
        "{}",
        "true",
        "Infinity",
        "NaN",
        "-5",
        "1e400",
        "9" * 400,
        "1e300",
    ],
)
def test_an_end_that_is_no_date_is_refused(number: str) -> None:
    assert "until when" in refusal(signed(b'{"aud":"%s","exp":%s}' % (SERIAL.encode(), number.encode())))


@pytest.mark.parametrize("expires", [NOW, NOW - 1, NOW - YEAR, 0, 1])
def test_an_expired_token_is_refused_with_its_date(expires: float) -> None:
    message = refusal(token_text(exp=expires))
    assert "expired on " in message
    assert "https://entrez.enphaseenergy.com" in message


def test_a_token_holds_until_its_last_second() -> None:
    assert read(token_text(exp=NOW + 1)).expires == NOW + 1


@pytest.mark.parametrize("life", [YEAR, DAY / 2])
def test_a_token_is_renewed_after_nine_tenths_of_its_life(life: float) -> None:
    moments = {renew_at(read(token_text(exp=NOW + life, jti=str(number)))) for number in range(200)}
    assert all(NOW + 0.90 * life <= moment <= NOW + 0.92 * life for moment in moments)
    assert len(moments) > 150, "many houses would ask at the same moment"


def test_the_moment_of_renewal_does_not_move() -> None:
    assert len({renew_at(read(token_text())) for _ in range(20)}) == 1


@pytest.mark.parametrize("issued", ["yesterday", None, -1, NOW + 2 * YEAR])
def test_a_token_of_unknown_age_is_renewed_a_month_before_its_end(issued: object) -> None:
    assert renew_at(read(token_text(iat=issued))) == NOW + YEAR - 30 * DAY


def cached_file(folder: Path) -> Path:
    return folder / f"token-{SERIAL}.json"


def test_a_kept_token_comes_back(tmp_path: Path) -> None:
    token = replace(read(without("iat")), issued=NOW - 5)
    TokenCache(tmp_path).save(token)
    assert TokenCache(tmp_path).load(SERIAL, NOW) == token
    assert stat.S_IMODE(cached_file(tmp_path).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [f"token-{SERIAL}.json"]


def test_nothing_is_said_where_nothing_was_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert TokenCache(tmp_path).load(SERIAL, NOW) is None
    assert not caplog.records


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\x00" * 500,
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"token": 7}',
        b'{"token": "\xff"}',
        b'{"token": "a.b.c"}',
        b'{"x":' + b"[" * 100_000,
        json.dumps({"token": token_text(), "issued": "x"}).encode(),
        json.dumps({"token": token_text()}).encode()[:-20],
        json.dumps({"token": token_text(exp=NOW - 1)}).encode(),
        json.dumps({"token": token_text(aud="122300000002")}).encode(),
    ],
    ids=range(14),
)
def test_a_damaged_file_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes) -> None:
    cached_file(tmp_path).write_bytes(content)
    assert TokenCache(tmp_path).load(SERIAL, NOW) is None
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "eyJ" not in caplog.text
    TokenCache(tmp_path).save(read(token_text()))
    assert TokenCache(tmp_path).load(SERIAL, NOW) == read(token_text())


def test_a_file_that_cannot_be_read_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    cached_file(tmp_path).mkdir()
    assert TokenCache(tmp_path).load(SERIAL, NOW) is None
    assert len(caplog.records) == 1


def test_a_token_that_cannot_be_kept_is_still_good(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    TokenCache(tmp_path / "absent").save(read(token_text()))
    assert len(caplog.records) == 1
    assert "eyJ" not in caplog.text


@pytest.mark.parametrize("serial", ["../../etc/passwd", "", "1/2", "1\x00", "x" * 33])
def test_no_file_is_touched_for_what_is_no_serial(tmp_path: Path, serial: str) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    TokenCache(folder).save(replace(read(token_text()), serial=serial))
    assert TokenCache(folder).load(serial, NOW) is None
    assert list(tmp_path.rglob("*")) == [folder]


def test_reading_a_token_does_not_load_cryptography() -> None:
    code = (
        "import sys; from envoy_bridge.gateway.tokens import read_token; assert 'jwt' not in sys.modules;"
        f"read_token(sys.argv[1], serial='{SERIAL}', now={NOW});"
        "assert 'jwt' in sys.modules; print('cryptography' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, token_text()], capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter
    assert done.stdout == "False\n"

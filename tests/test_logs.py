"""Log lines: one way out for everybody, and no secret on it."""

import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from envoy_bridge import logs

PROJECT = Path(__file__).parents[1]
SECRET = 'CANARY-pass "CANARY" ä/1'
TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOiIxMjIzMDAwMDAwMDAifQ.c2lnbmF0dXJl"


@pytest.fixture
def error(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Reads what went to standard error since the last time; the process's logging is afterwards as it was before."""
    root, ours = logging.getLogger(), logging.getLogger("envoy_bridge")
    before = root.handlers[:], logging.raiseExceptions, sys.excepthook, threading.excepthook
    levels = root.level, ours.level
    root.handlers = []
    yield lambda: capsys.readouterr().err
    root.handlers, logging.raiseExceptions, sys.excepthook, threading.excepthook = before
    for logger, level in zip((root, ours), levels, strict=True):
        logger.setLevel(level)


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_json_is_one_object_a_line_with_the_same_keys_in_front(error: Callable[[], str]) -> None:
    logs.setup("info", "json")
    logs.get_logger("envoy_bridge.gateway.poll").info("poll failed", status=503, phases=["l1"], missing=None)
    logging.getLogger("aiohttp.client").warning("closed by %s", "peer")
    ours, theirs = lines(error())
    assert list(ours) == ["time", "level", "logger", "event", "status", "phases", "missing"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(ours.pop("time")))
    assert ours == {
        "level": "info",
        "logger": "envoy_bridge.gateway.poll",
        "event": "poll failed",
        "status": 503,
        "phases": ["l1"],
        "missing": None,
    }
    assert list(theirs) == ["time", "level", "logger", "event"]
    assert theirs["event"] == "closed by peer"


def test_console_is_for_people(error: Callable[[], str]) -> None:
    logs.setup("info", "console")
    logs.get_logger("envoy_bridge.app").warning(
        "gateway is slow", serial="122300000000", text="two words", flows={"a": 1}
    )
    line = error()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d warning  envoy_bridge\.app: gateway is slow"
        r"  serial=122300000000  text='two words'  flows=\"\{'a': 1\}\"\n",
        line,
    )


def test_what_a_device_sent_cannot_start_a_line_or_steer_the_terminal(error: Callable[[], str]) -> None:
    logs.setup("info", "console")
    logs.get_logger("envoy_bridge.app").info("firmware\n2026-01-01 forged", value="\033[2Jgone")
    written = error()
    assert written.count("\n") == 1
    assert "\033" not in written


def test_levels_are_ours_and_libraries_are_heard_from_warnings_on(error: Callable[[], str]) -> None:
    logger, library = logs.get_logger("envoy_bridge.app"), logging.getLogger("paho")
    for level in ("warning", "info", "debug"):
        logs.setup(level, "json")
        logger.debug("ours debug")
        logger.info("ours info")
        library.debug("theirs debug")
        library.info("theirs info")
        library.warning("theirs warning")
    assert [line["event"] for line in lines(error())] == [
        *("theirs warning",),
        *("ours info", "theirs warning"),
        *("ours debug", "ours info", "theirs debug", "theirs info", "theirs warning"),
    ]


def fail_twice() -> None:
    try:
        raise ExceptionGroup("group " + SECRET, [ValueError(SECRET), OSError(5, SECRET)])  # noqa: TRY301  as above
    except ExceptionGroup as group:
        raise RuntimeError("https://me:abc123@host/?key=abc123 " + SECRET) from group


@pytest.mark.parametrize("fmt", ["json", "console"])
def test_no_secret_gets_through(error: Callable[[], str], fmt: str) -> None:
    logs.setup("debug", "json" if fmt == "json" else "console")
    logs.hide(SECRET)
    logger, library = logs.get_logger("envoy_bridge.app"), logging.getLogger("aiohttp")
    logger.info(f"event {SECRET}", value=SECRET, nested={"a": [{SECRET: (SECRET, {SECRET})}]}, raw=SECRET.encode())  # noqa: G004  the worst case
    logger.info(
        "object", error=ValueError(SECRET), path=Path(SECRET), token=TOKEN, headers={"Cookie": "sessionId=abc123"}
    )
    logger.bind(bound=SECRET).info("bound")
    library.debug("%s and %r", SECRET, {"password": "abc123"})
    library.info("Authorization: Bearer " + TOKEN)
    try:
        fail_twice()
    except RuntimeError as failure:
        logger.exception("failed")
        logger.info("failed again", exc_info=failure)
        library.exception("their failure")
    written = error()
    assert written.count("Traceback (most recent call last)") >= 3
    for part in ("CANARY", TOKEN[:12], "abc123"):
        assert part not in written
    assert written.count("***") > 20


def test_a_line_that_cannot_be_formatted_is_not_printed_in_the_raw(error: Callable[[], str]) -> None:
    logs.setup("info", "json")
    logging.getLogger("library").error("%d", SECRET)
    assert "CANARY" not in error()


def run(program: str, *, path: str = str(PROJECT), stderr: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program]
    return subprocess.run(  # noqa: S603  our own Python
        command, env={"PYTHONPATH": path}, stdout=subprocess.PIPE, stderr=stderr, text=True, check=False
    )


UNCAUGHT = """
import logging, sys, threading
from envoy_bridge import logs
logs.setup("info", "auto")
logs.hide("CANARY-uncaught")
def fail(): raise ValueError("CANARY-uncaught")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
fail()
"""


def test_an_uncaught_error_is_a_log_line_too() -> None:
    done = run(UNCAUGHT)
    assert done.returncode == 1
    assert done.stdout == ""
    written = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in written] == ["uncaught error", "uncaught error"]
    assert all("ValueError: ***" in line["exception"] for line in written)


def test_auto_is_for_people_on_a_terminal_and_coloured_there() -> None:
    program = "from envoy_bridge import logs; logs.setup('info', 'auto'); logs.get_logger('envoy_bridge').error('here')"
    terminal, end = os.openpty()
    run(program, stderr=end)
    os.close(end)
    written = os.read(terminal, 4096).decode()
    os.close(terminal)
    assert re.search(r"\033\[31merror   \033\[0m envoy_bridge: here\r\n$", written)


def test_an_installed_rich_is_not_loaded_for_logging_and_can_be_afterwards(tmp_path: Path) -> None:
    (tmp_path / "rich.py").write_text("")
    program = (
        "import sys, envoy_bridge.logs; assert 'rich' not in sys.modules;"
        "import rich; print(rich.__file__); from envoy_bridge.lean import without\n"
        "with without('rich'): import rich as still_there"
    )
    done = run(program, path=f"{tmp_path}:{PROJECT}")
    assert done.stdout.strip() == str(tmp_path / "rich.py")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"got {TOKEN}, fine", "got ***, fine"),
        (f"cut {TOKEN[:40]}", "cut ***"),
        ('Authorization: Digest username="envoy", response="abc123"', "Authorization: ***"),
        ("{'Authorization': 'Digest username=\"envoy\"', 'Accept': 'x'}", "{'Authorization': ***, 'Accept': 'x'}"),
        ("((b'Set-Cookie', b'sessionId=abc; path=/'), (b'Date', b'x'))", "((b'Set-Cookie', b***), (b'Date', b'x'))"),
        ('{"session_id": "abc", "name": "x"}', '{"session_id": ***, "name": "x"}'),
        ('{"x": "{\\"token\\": \\"abc\\"}"}', '{"x": "{\\"token\\": ***}"}'),
        ("user[email]=me&user[password]=abc&x=1", "user[email]=me&user[password]=***&x=1"),
        ("user%5Bpassword%5D=abc&x=1", "user%5Bpassword%5D=***&x=1"),
        ("password: hunter2", "password: ***"),
        ("client_secret='a b', x", "client_secret=***, x"),
        (
            "https://api.example.org/v2?key=abc&user_id=4d6a&page=1",
            "https://api.example.org/v2?key=***&user_id=***&page=1",
        ),
        ("mqtt://me:abc@broker:1883", "mqtt://***@broker:1883"),
        ("cannot reach me:abc@broker", "cannot reach ***@broker"),
        ("Basic dXNlcjpwYXNz sent", "Basic *** sent"),
        ("_enlighten_4_session=abc; path=/", "_enlighten_4_session=***; path=/"),
    ],
)
def test_what_looks_like_a_secret_is_replaced(text: str, expected: str) -> None:
    assert logs.redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "the token: expired 3 days ago, Enlighten refused me@example.org",
        "password_file: cannot read /run/secrets/mqtt",
        "Basic authentication is off, a session of 5 minutes, the secret is missing",
        "https://192.0.2.7:443/production.json?details=1 took 12.5 s at 14:03:07",
        '{"code": "token_renewed", "message": "renewed; 365 days left", "source": "122300000000"}',
        "[fe80::1%eth0]:443 -> envoy/122300000000/production/l1/power",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert logs.redact(text) == text


def test_a_hidden_text_is_replaced_however_it_was_escaped_and_with_the_one_in_it() -> None:
    logs.hide("CANARY-inner")
    logs.hide('CANARY-inner &"ö\\')
    for text in ('CANARY-inner &"ö\\', json.dumps('CANARY-inner &"ö\\'), ascii('CANARY-inner &"ö\\')):
        assert logs.redact(f"<{text.strip(chr(34)).strip(chr(39))}>") == "<***>"
    assert logs.redact("a=CANARY-inner%20%26%22%C3%B6%5C&b=CANARY-inner+%26%22%C3%B6%5C") == "a=***&b=***"
    assert logs.redact("CANARY-inner") == "***"


def test_a_text_too_short_to_be_a_secret_does_not_eat_the_log() -> None:
    logs.hide("")
    logs.hide("env")
    assert logs.redact("envoy") == "envoy"


def test_redaction_stays_linear_whatever_a_device_sends() -> None:
    for part in ("a:", "a@", "a:b@", "token ", "cookie", "password", "bearer ", "://", "eyJ", '\\"'):
        assert len(logs.redact(part * 20_000 + "@")) > 0  # some of these once took 18 seconds

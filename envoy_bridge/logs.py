"""Log lines: ours and those of the libraries, one way out, without secrets."""

import json
import logging
import sys
import threading
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Literal

from envoy_bridge.lean import without
from envoy_bridge.redaction import hide, redact, redact_value

# structlog draws coloured tracebacks with rich where it is installed: 4 MB of memory for what no log here shows.
with without("rich"):
    import structlog
    from structlog.typing import EventDict

__all__ = ["get_logger", "hide", "redact", "setup"]

_COLOURS = {"warning": "\033[33m", "error": "\033[31m", "critical": "\033[31m"}
_RESET = "\033[0m"


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger for `log.info("what happened", key=value)`; give it `__name__`."""
    logger: structlog.stdlib.BoundLogger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
    ).bind()
    return logger


def setup(level: Literal["debug", "info", "warning", "error"], fmt: Literal["auto", "json", "console"]) -> None:
    """Send all logging to standard error, from `level` on; may be called again with other settings.

    `auto` is for people on a terminal and JSON, one object a line, elsewhere. Libraries are heard from warnings on,
    at `debug` in full.
    """
    terminal = sys.stderr.isatty()
    for_people = fmt == "console" or (fmt == "auto" and terminal)
    render = partial(_console_line, colours=terminal) if for_people else _json_line
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[_ordered, structlog.processors.format_exc_info, _redacted, render]
        )
    )
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(
        level=number if level == "debug" else max(number, logging.WARNING), handlers=[handler], force=True
    )
    logging.getLogger("envoy_bridge").setLevel(number)
    # A line that cannot be written or formatted would be printed with its arguments, unredacted.
    logging.raiseExceptions = False
    sys.excepthook = _uncaught
    threading.excepthook = lambda hook: _uncaught(hook.exc_type, hook.exc_value, hook.exc_traceback)


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """The last resort of Python: its own would print the traceback as it is."""
    if not issubclass(kind, KeyboardInterrupt | SystemExit):
        logging.getLogger("envoy_bridge").critical("uncaught error", exc_info=(kind, error or kind(), trace))


def _ordered(_logger: object, _method: str, event: EventDict) -> EventDict:
    """The keys that each line has, in front and in the same order, whoever logged it."""
    record: logging.LogRecord = event.pop("_record")
    event.pop("_from_structlog")
    time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    head = {"time": time, "level": record.levelname.lower(), "logger": record.name, "event": event.pop("event")}
    return head | dict(event)


def _redacted(_logger: object, _method: str, event: EventDict) -> EventDict:
    return {key: redact_value(value, key) for key, value in event.items()}


def _json_line(_logger: object, _method: str, event: EventDict) -> str:
    return json.dumps(event, ensure_ascii=False)


def _console_line(_logger: object, _method: str, event: EventDict, *, colours: bool) -> str:
    """`time level logger: event  key=value ...`, then a traceback if there is one."""
    time = datetime.fromisoformat(event.pop("time")).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    level, logger, text = event.pop("level"), event.pop("logger"), _safe(str(event.pop("event")))
    trace = event.pop("exception", None)
    values = "".join(f"  {key}={_word(value)}" for key, value in event.items())
    colour = _COLOURS.get(level, "") if colours else ""
    line = f"{time} {colour}{level:<8}{_RESET if colour else ''} {logger}: {text}{values}"
    return line if trace is None else f"{line}\n" + "\n".join(_safe(part) for part in str(trace).splitlines())


def _word(value: object) -> str:
    text = str(value)
    return text if text and " " not in text and text.isprintable() else repr(text)


def _safe(text: str) -> str:
    """The text without what would start a line of its own or steer the terminal: a device may have sent it."""
    return text if text.isprintable() else repr(text)[1:-1]

"""The part of `check` about endpoints: what became of each request, how long it took, and what comes from it."""

import re
import textwrap
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from envoy_bridge.check_report import Report
from envoy_bridge.config import Gateway
from envoy_bridge.errors import EndpointAbsent, GatewayError, GatewayUnreachable, NotPermitted
from envoy_bridge.gateway.endpoints import ROWS
from envoy_bridge.gateway.plan import Plan, refused
from envoy_bridge.gateway.poll import LOST_AFTER
from envoy_bridge.gateway.probe import Ask
from envoy_bridge.gateway.rows import Cadence

OK, ABSENT, PAGE, REFUSED, SILENT, UNUSABLE = "ok", "absent", "page", "refused", "no answer", "unusable"

_WIDEST: Final = 77
"""Columns of the table."""
_NARROWEST: Final = 24
"""Columns of what an endpoint feeds, however long its path is."""
_TIME: Final = re.compile(rb"<time>\s*(\d{9,11})\s*</time>")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `page`: HTML came back. `problem`: why there is no answer, in words."""

    path: str
    seconds: float
    status: str
    page: bool = False
    problem: str = ""


class Asking:
    """Asks for the probe, each path once, and takes notes. When several in a row are silent, the rest is not asked."""

    def __init__(self, ask: Ask, report: Report, name: str) -> None:
        self._ask = ask
        self._report = report
        self._name = name
        self._silent = 0
        self._answers: dict[str, bytes | GatewayError] = {}
        self.asked: list[Asked] = []

    async def ask(self, path: str, deadline: float) -> bytes:
        """As the function that was given; two endpoints may share a path."""
        if path not in self._answers:
            self._answers[path] = await self._first(path, deadline)
        answer = self._answers[path]
        if isinstance(answer, GatewayError):
            raise answer
        return answer

    async def _first(self, path: str, deadline: float) -> bytes | GatewayError:
        if self._silent >= LOST_AFTER:
            return GatewayUnreachable(f"{path} was not asked: {LOST_AFTER} endpoints in a row did not answer")
        self._report.busy(f"asking {self._name}: {path} ...")
        started = time.monotonic()
        try:
            body = await self._ask(path, deadline)
        except GatewayError as error:
            self._silent = self._silent + 1 if isinstance(error, GatewayUnreachable) else 0
            self.asked.append(Asked(path, time.monotonic() - started, _status(error), problem=str(error)))
            return error
        self._silent = 0
        self.asked.append(Asked(path, time.monotonic() - started, OK, page=body.lstrip()[:1] == b"<"))
        return body

    def time_of(self, info: bytes) -> float | None:
        """The gateway's clock by `/info`, in seconds since 1970."""
        found = _TIME.search(info)
        return float(found[1]) if found else None


def _status(error: GatewayError) -> str:
    for kind, status in ((NotPermitted, REFUSED), (GatewayUnreachable, SILENT), (EndpointAbsent, ABSENT)):
        if isinstance(error, kind):
            return status
    return UNUSABLE


def report_endpoints(asked: Sequence[Asked], plan: Plan | None, report: Report, settings: Gateway) -> None:
    """The table of those that are there, a line for those that do not concern this site, and what is wrong."""
    feeds = _feeds(plan) if plan else {}
    asked = [_understood(each, plan) for each in asked]
    rows = [each for each in asked if each.status in (OK, SILENT, UNUSABLE)]
    report.tell(
        endpoints=[
            {
                "path": each.path,
                "status": each.status,
                "milliseconds": round(each.seconds * 1000),
                "feeds": feeds.get(each.path, []),
            }
            for each in asked
        ]
    )
    width = max((len(each.path) for each in rows), default=0)
    head = f"{'endpoint':<{width}}  {'status':<9} {'ms':>6}  feeds"
    report.lines(["", head, *(line for each in rows for line in _lines(each, feeds, width)), ""])
    absent = dict.fromkeys(each.path for each in asked if each.status in (ABSENT, PAGE))
    if absent:
        report.note(f"not there, as on many sites: {', '.join(absent)}")
    _report_refused(asked, plan, report)
    for each in asked:
        if each.status in (SILENT, UNUSABLE):
            _report_broken(each, report)
    _report_slow(rows, report, settings)


def _understood(each: Asked, plan: Plan | None) -> Asked:
    """With the status that it has once it is known whether the reply could be read. HTML is how some say 404."""
    if each.status != OK or plan is None or each.path in plan.paths.values():
        return each
    if each.page:
        return replace(each, status=PAGE)
    return replace(each, status=UNUSABLE, problem=f"{each.path} answers something that is not understood")


def _lines(each: Asked, feeds: dict[str, list[str]], width: int) -> Iterator[str]:
    """One row, and more lines where it feeds much."""
    begin = f"{each.path:<{width}}  {each.status:<9} {each.seconds * 1000:>6.0f}  "
    for part in textwrap.wrap(", ".join(feeds.get(each.path, ["-"])), max(_NARROWEST, _WIDEST - len(begin))):
        yield begin + part
        begin = " " * len(begin)


def _feeds(plan: Plan) -> dict[str, list[str]]:
    """What comes from each path: names of fields."""
    path_of_row = {row.id: plan.paths.get(row.endpoint.id, row.endpoint.paths[0]) for row in ROWS}
    feeds: dict[str, list[str]] = {plan.info.path: ["who it is, its clock"]}
    for field, row in plan.sources.items():
        feeds.setdefault(path_of_row[row], []).append("the list of CTs" if field == "meters" else field)
    return feeds


def _report_refused(asked: Sequence[Asked], plan: Plan | None, report: Report) -> None:
    """What this login may not ask; that is so on many sites."""
    not_asked = set(refused(plan.access, plan.info)) if plan else set()
    paths = [each.path for each in asked if each.status == REFUSED]
    paths += [row.endpoint.paths[0] for row in ROWS if row.endpoint.id in not_asked]
    if paths:
        report.note(f"not permitted with this login, or on this firmware: {', '.join(dict.fromkeys(paths))}")


def _report_broken(each: Asked, report: Report) -> None:
    decisive = any(row.decisive and each.path in row.endpoint.paths for row in ROWS)
    if decisive and each.status == SILENT:
        later = "a gateway that starts or is busy needs some minutes; then: envoy-bridge check"
        report.fault(f"{each.problem}: what comes from where is not decided without it", later, "endpoint_silent")
    else:
        report.warn(each.problem, "envoy-bridge check, some minutes later; the rest is read without it")


def _report_slow(rows: Sequence[Asked], report: Report, settings: Gateway) -> None:
    """A gateway that takes half of a cadence for the meters is asked half as often."""
    fast = {path for row in ROWS if row.endpoint.cadence is Cadence.FAST for path in row.endpoint.paths}
    for each in rows:
        if each.status == OK and each.path in fast and each.seconds > settings.fast / 2:
            report.warn(
                f"{each.path} takes {each.seconds:.1f} s, and is to be asked each {settings.fast:g} s",
                f'set fast = "{3 * each.seconds:.0f}s" in its [[gateway]], and let other programs ask it less',
            )

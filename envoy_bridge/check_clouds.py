"""The part of `check` about the clouds: how each is, what is left of its quota, and whether it lets us in now."""

from collections.abc import Mapping, Sequence
from typing import Final

from envoy_bridge.check_report import Report
from envoy_bridge.clock import Clock
from envoy_bridge.clouds.build import Connected, cloud, folder
from envoy_bridge.clouds.errors import (
    CloudBlocked,
    CloudDown,
    CloudError,
    CloudRefused,
    CloudThrottled,
    NotAllowed,
    QuotaSpent,
    ReauthRequired,
)
from envoy_bridge.clouds.memory import Memory
from envoy_bridge.clouds.report import SiteReport
from envoy_bridge.clouds.schedule import AFTER_RESTART
from envoy_bridge.clouds.standing import Standing, requests, told
from envoy_bridge.config import Config, configured, state_directory
from envoy_bridge.errors import StateError

FULL: Final = {
    "stretched": "more than 80 % of it: everything is asked half as often",
    "essential": "more than 95 % of it: only the most important is asked",
    "spent": "all of it: nothing is asked before it begins anew",
}
"""What a quota does to the daemon, by its level."""


async def check_clouds(config: Config, environ: Mapping[str, str], report: Report, clock: Clock) -> None:
    """Each cloud that is configured: one request, or two where a login is due, if it may be asked now."""
    names = configured(config)
    if not names:
        return
    try:
        directory = folder(state_directory(config, environ))
    except StateError:
        return  # which was said already; a request that nobody counts is not made
    for name in names:
        report.section(f"cloud {name}")
        connected = cloud(config, name, directory, clock)
        async with connected.rest:
            await _check(connected, report, clock)


async def _check(connected: Connected, report: Report, clock: Clock) -> None:
    name, quota = connected.name, connected.quota
    standing = Standing.read(connected.directory, name, clock.wall())
    report.tell(
        state=standing.state,
        last_success=None if standing.last_success is None else told(standing.last_success),
        next_try=None if standing.next_try is None else told(standing.next_try),
        quota_used=quota.used,
        quota_limit=quota.limit,
    )
    sites = ", ".join(connected.settings.sites or ()) or "all that the account sees"
    report.good(f"{connected.rest.base}, sites: {sites}")
    if standing.state is not None:
        last, following = told(standing.last_success), told(standing.next_try)
        report.note(f"the daemon says {standing.state}; last success {last}, next request {following}")
    if quota.level in FULL:
        report.warn(f"{requests(quota)}, {FULL[quota.level]}", f"set every in [cloud.{name}] to ask less often")
    else:
        report.good(requests(quota))
    if why := _rests(standing, clock.wall()):
        report.warn(f"not asked now: {why}", f"envoy-bridge cloud {name} status")
        return
    await _ask(connected, report, clock)


def _rests(standing: Standing, now: float) -> str:
    """Why another request would do harm; nothing where it would not."""
    until = told(standing.next_try)
    if standing.held == "blocked":
        return f"something in front of it answers, and who asks on makes it worse; next request {until}"
    if standing.held == "throttled":
        return f"it was asked too often; next request {until}"
    since = standing.held_since
    if standing.held == "auth" and since is not None and 0 <= now - since < AFTER_RESTART:
        return (
            f"it refused the login at {told(since)}, and who repeats that is locked out; 15 minutes after it "
            "this tries again"
        )
    return ""


async def _ask(connected: Connected, report: Report, clock: Clock) -> None:
    """Run the client's first job, which lists what the account sees: the cheapest there is."""
    name, provider, quota = connected.name, connected.provider, connected.quota
    provider.recall(Memory(connected.directory / f"{name}.memory").load())
    report.busy(f"asking {name} ...")
    before, began = quota.used, clock.monotonic()
    try:
        found = await provider.jobs()[0].run()
    except CloudError as error:
        _failed(error, name, report)
    else:
        passed, count = (clock.monotonic() - began) * 1000, max(0, quota.used - before)
        report.good(f"lets us in: {count} request(s), {passed:.0f} ms")
        _check_sites(connected, found, report)


def _check_sites(connected: Connected, found: Sequence[SiteReport], report: Report) -> None:
    seen = sorted({each.site for each in found})
    wanted, name = connected.settings.sites, connected.name
    missing = sorted(set(wanted or ()) - set(seen))
    if seen:
        report.good(f"sees {len(seen)} site(s): {', '.join(seen)}")
    if not seen and not wanted:
        report.warn("the account sees no site", f"look whether the account of [cloud.{name}] is the right one")
    elif missing and len(missing) == len(wanted or ()):
        report.fault(f"the account does not see {', '.join(missing)}", f"correct sites in [cloud.{name}]", "no_site")
    elif missing:
        report.warn(f"the account does not see {', '.join(missing)}", f"correct sites in [cloud.{name}]")


def _failed(error: CloudError, name: str, report: Report) -> None:
    if isinstance(error, QuotaSpent) and error.alone:
        report.note(f"not asked now: {error}")
    elif isinstance(error, CloudThrottled):
        report.warn(str(error), "nothing: the daemon waits, and asks again by itself")
    else:
        report.failed(error, _next(error, name), name)


def _next(error: CloudError, name: str) -> str:
    if isinstance(error, ReauthRequired):
        return f"envoy-bridge cloud {name} authorize"
    if isinstance(error, CloudRefused):
        return f"correct [cloud.{name}], then envoy-bridge check; not more than once in a while: accounts get locked"
    if isinstance(error, NotAllowed):
        return f"look in docs/clouds.md what the account needs, and at [cloud.{name}]"
    if isinstance(error, CloudBlocked):
        return f"open the vendor's web page; look whether base_url in [cloud.{name}] is right; then wait some hours"
    if isinstance(error, CloudDown):
        return "wait, the daemon asks again by itself; look at the vendor's status page if it lasts"
    return f"envoy-bridge cloud {name} status"

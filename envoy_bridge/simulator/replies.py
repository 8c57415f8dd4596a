"""Answers that are not recorded: the pages of the box's web server."""

from http import HTTPStatus

from aiohttp import web

from envoy_bridge.simulator.har import Recorded

ABSENT = Recorded(404, "application/json; charset=ISO-8859-4", b'{ "error" : "404 - Not Found" }\n')
"""What a gateway says to a path it does not have."""

_PAGE = """<html>
<head><title>{title}</title></head>
<body>
<center><h1>{title}</h1></center>
<hr><center>openresty</center>
</body>
</html>
"""


def page(status: int, **headers: str) -> web.Response:
    """An HTML page that names its status; underscores in the names of `headers` stand for dashes."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    title = f"{status} {HTTPStatus(status).phrase}"
    return web.Response(status=status, text=_PAGE.format(title=title), content_type="text/html", headers=fields)


def say(recorded: Recorded) -> web.Response:
    """A recorded answer, to the letter."""
    return web.Response(
        status=recorded.status,
        body=recorded.body,
        headers={"Content-Type": recorded.mime or "application/octet-stream"},
    )

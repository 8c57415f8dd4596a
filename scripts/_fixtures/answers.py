"""Answers that are the same at every household."""

from _fixtures.household import Reply

JSON = "application/json"
NOT_FOUND = Reply(404, "application/json; charset=ISO-8859-4", '{ "error" : "404 - Not Found" }\n')
ERROR_401 = Reply(401, "text/plain", "Error: 401\n")
UNAUTHORIZED = Reply(401, "text/html", "<html><body><h2>401 Unauthorized</h2></body></html>\n")
LOGIN_PAGE = Reply(
    401,
    "text/html",
    "<html>\n<head><title>401 Authorization Required</title></head>\n<body>\n"
    "<center><h1>401 Authorization Required</h1></center>\n<hr>\n</body>\n</html>\n",
)
NO_PAGE = Reply(404, "text/html", "<html>\n<body>\n<h2>404 Not Found</h2>\n</body>\n</html>\n")
EMPTY_LIST = Reply(200, JSON, "[]\n")
NO_METERS = {"/ivp/meters": NOT_FOUND, "/ivp/meters/readings": NOT_FOUND}

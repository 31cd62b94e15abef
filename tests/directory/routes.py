"""Which function answers which request."""
import re
from collections import namedtuple

Route = namedtuple("Route", "method pattern path answer organization public")
ROUTES = []


def route(method, path, organization=True, public=False):
    """ORGANIZATION: an administrator of several tenants has to say which one. PUBLIC: without credentials."""
    def add(answer):
        pattern = re.compile(re.sub(r"\{\w+\}", "([^/]+)", path) + "/?")
        ROUTES.append(Route(method, pattern, path, answer, organization, public))
        return answer
    return add


def find(method, path):
    """(route, the variable parts of the path), or (None, what else is allowed there)."""
    allowed = []
    for r in ROUTES:
        m = r.pattern.fullmatch(path)
        if m and r.method == method:
            return r, m.groups()
        if m:
            allowed.append(r.method)
    return None, allowed

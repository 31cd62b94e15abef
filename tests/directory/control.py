"""The control URL: what the tests do by method calls, a shell does with curl. For callers on this host alone.

    curl -k https://localhost:8443/_control                                     what there is
    curl -k https://localhost:8443/_control/suspend -d user=dora
    curl -k https://localhost:8443/_control/add_user -d username=emil -d bound=true -d sudo=true
    curl -k https://localhost:8443/_control/fault -d kind=status -d path=/api/ -d status=429 -d retry_after=30
    curl -k https://localhost:8443/_control/present -d certificate=expired
    curl -k https://localhost:8443/_control/requests        (-X DELETE clears; the same for /_control/fault)
"""
import inspect
import ipaddress
import json

from .faults import FAULTS
from .reply import Reply, error
from .tenant import ACTIONS

PREFIX = "/_control"


def value(text):
    """true, 5, null and JSON are what they look like; all else is text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def arguments(request):
    if request.headers.get("content-type", "").startswith("application/json"):
        return request.json()
    return {k: value(v[-1]) for k, v in request.form().items()}


def listing(functions, skip):
    return {name: str(inspect.signature(f).replace(parameters=list(inspect.signature(f).parameters.values())[skip:]))
            + (f": {inspect.getdoc(f)}" if f.__doc__ else "") for name, f in functions.items()}


def overview(double):
    faults = {name: f for name, (_, f) in FAULTS.items()}
    return {"actions": listing(ACTIONS, 1), "faults": listing(faults, 1),
            "users": len(double.tenant.users), "requests": double.journal.count()}


def act(double, name, given):
    if name == "fault":
        double.faults.order(given.pop("kind"), **given)
    elif name == "present":
        double.present(given["certificate"])
    else:
        return {"result": ACTIONS[name](double.tenant, **given)}
    return {}


def answer(request):
    double, name = request.double, request.path[len(PREFIX):].strip("/")
    if not ipaddress.ip_address(request.peer).is_loopback:
        return error(403, "for callers on this host alone")
    if request.method == "GET" and name in ("", "requests"):
        return Reply(double.journal.find() if name else overview(double))
    if request.method == "DELETE" and name in ("requests", "fault"):
        (double.journal if name == "requests" else double.faults).clear()
        return Reply({})
    try:
        return Reply(act(double, name, arguments(request)))
    except (KeyError, TypeError) as e:
        return error(400, f"{name}: {type(e).__name__}: {e}")

"""API v2: the graph of bindings, user groups, and scheduled states."""
from . import graph
from . import query as q
from .reply import NotFound, Reply
from .routes import route

GRAPH_NAMES = {"object_id": "id"}


def get_page(request, records, names=()):
    """One page of RECORDS as a bare array, and how many there are in a header."""
    skip, limit = q.page(request.query)
    conditions = q.v2_filter(request.query, names)
    found = [r for r in records if conditions(r)]
    q.sort_records(found, q.words(request.query, "sort", ","))
    fields = q.words(request.query, "fields", ",")
    return Reply([q.project(r, fields) for r in found[skip:skip + limit]], headers={"x-total-count": str(len(found))})


def known(objects, key):
    if key not in objects:
        raise NotFound
    return key


@route("GET", "/api/v2/systems/{id}/users")
def system_users(request, system):
    paths = graph.user_paths(request.tenant, known(request.tenant.systems, system))
    return get_page(request, graph.with_paths("user", paths), GRAPH_NAMES)


@route("GET", "/api/v2/systems/{id}/usergroups")
def system_user_groups(request, system):
    paths = graph.group_paths(request.tenant, known(request.tenant.systems, system))
    return get_page(request, graph.with_paths("user_group", paths), GRAPH_NAMES)


@route("GET", "/api/v2/systems/{id}/memberof")
def system_member_of(request, system):
    groups = request.tenant.edges.out["system", known(request.tenant.systems, system)]
    paths = {g: [[graph.connection(None, "system_group", g)]] for g in groups}
    return get_page(request, graph.with_paths("system_group", paths), GRAPH_NAMES)


@route("GET", "/api/v2/systems/{id}/associations")
def system_associations(request, system):
    """Direct ones only."""
    tenant, targets = request.tenant, request.query.get("targets", [])
    known(tenant.systems, system)
    if not targets or targets[0] not in ("command", "policy", "policy_group", "user", "user_group"):
        raise q.BadRequest("Bad Request: targets is required")
    objects = {"user": tenant.users, "user_group": tenant.groups}.get(targets[0], {})
    found = [graph.connection(attributes, targets[0], node)
             for node, attributes in tenant.edges.into["bind", system].items() if node in objects]
    return get_page(request, found)


@route("GET", "/api/v2/usergroups")
def user_groups(request):
    return get_page(request, list(request.tenant.groups.values()))


@route("GET", "/api/v2/usergroups/{id}")
def user_group(request, group):
    return Reply(request.tenant.groups[known(request.tenant.groups, group)])


@route("GET", "/api/v2/usergroups/{id}/members")
def group_members(request, group):
    members = request.tenant.edges.members(known(request.tenant.groups, group))
    return get_page(request, [{"to": {"id": m, "type": "user"}} for m in members])


@route("GET", "/api/v2/usergroups/{id}/membership")
def group_membership(request, group):
    members = request.tenant.edges.members(known(request.tenant.groups, group))
    paths = {m: [[graph.connection(None, "user", m)]] for m in members}
    return get_page(request, graph.with_paths("user", paths), GRAPH_NAMES)


@route("GET", "/api/v2/users/{id}/memberof")
def user_member_of(request, user):
    tenant = request.tenant
    groups = tenant.edges.groups_of(known(tenant.users, user))
    paths = {g: [[graph.connection(None, "user_group", g, tenant.groups[g]["attributes"])]] for g in groups}
    return get_page(request, graph.with_paths("user_group", paths), GRAPH_NAMES)


@route("GET", "/api/v2/users/{id}/systems")
def user_systems(request, user):
    paths = graph.system_paths(request.tenant, known(request.tenant.users, user))
    return get_page(request, graph.with_paths("system", paths), GRAPH_NAMES)


@route("GET", "/api/v2/bulk/userstates")
def scheduled_states(request):
    users = request.query.get("userid")
    found = sorted(request.tenant.scheduled.values(), key=lambda s: s["scheduledDate"])
    return get_page(request, [s for s in found if not users or s["systemUserId"] in users])


@route("POST", "/api/v2/bulk/userstates")
def schedule_states(request):
    body, tenant = request.json(), request.tenant
    if body.get("state") not in ("ACTIVATED", "SUSPENDED") or not body.get("user_ids") or not body.get("start_date"):
        raise q.BadRequest("user_ids, state and start_date are required")
    for user in body["user_ids"]:
        known(tenant.users, user)
    jobs = [tenant.schedule(user, body["state"], body["start_date"]) for user in body["user_ids"]]
    return Reply([tenant.scheduled[job] for job in jobs], status=201)


@route("DELETE", "/api/v2/bulk/userstates/{id}")
def unschedule_state(request, job):
    request.tenant.unschedule(known(request.tenant.scheduled, job))
    return Reply(None, status=204)


@route("GET", "/api/v2/bulk/userstates/eventlist/next")
def next_events(request):
    """Of each user the next event of each state."""
    users = q.words(request.query, "users", ",")
    if not 0 < len(users) <= q.LIMIT_MAX:
        raise q.BadRequest(f"users: 1 to {q.LIMIT_MAX} ids are needed")
    skip, limit = q.page(request.query)
    first = {}
    for event in sorted(request.tenant.scheduled.values(), key=lambda s: s["scheduledDate"]):
        if event["systemUserId"] in users:
            first.setdefault((event["systemUserId"], event["state"]), event)
    events = list(first.values())
    return Reply({"events_count": len(events), "results": events[skip:skip + limit]})

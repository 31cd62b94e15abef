"""API v1: users, systems and organisations."""
from . import query as q
from .records import date, object_id
from .reply import NotFound, Reply
from .routes import route


def get_list(request, records, conditions, options):
    """One page of RECORDS: `totalCount` and `results`. OPTIONS: limit, skip, sort and fields, as a parsed query."""
    skip, limit = q.page(options)
    found = [r for r in records if conditions(r)]
    keys = q.words(options, "sort", " ")
    if keys:
        q.sort_records(found, keys)
    elif len(found) > limit:
        # Without an order, pages overlap and leave out: so the help page warns.
        turn = request.number % len(found)
        found = found[turn:] + found[:turn]
    fields = q.words(options, "fields", " ")
    return Reply({"totalCount": len(found), "results": [q.project(r, fields) for r in found[skip:skip + limit]]})


def user_list(request, conditions, options):
    """Without reading all records of a large organisation, where the request names ids or wants a page by id."""
    tenant = request.tenant
    ids = conditions.ids()
    if ids is None and not conditions and q.words(options, "sort", " ") == ["_id"]:
        skip, limit = q.page(options)
        fields = q.words(options, "fields", " ")
        chosen = tenant.sorted_users[skip:skip + limit]
        return Reply({"totalCount": len(tenant.users),
                      "results": [q.project(tenant.user_record(u), fields) for u in chosen]})
    ids = tenant.users if ids is None else [i for i in tenant.sorted_users if i in ids]
    return get_list(request, [tenant.user_record(i) for i in ids], conditions, options)


def search_options(body):
    options = {name: [str(body[name])] for name in ("limit", "skip") if name in body}
    for name in ("sort", "fields"):
        if body.get(name):
            options[name] = body[name].split() if isinstance(body[name], str) else body[name]
    return options


@route("GET", "/api/systemusers")
def list_users(request):
    return user_list(request, q.v1_filter(request.query), request.query)


@route("POST", "/api/search/systemusers")
def search_users(request):
    body = request.json()
    return user_list(request, q.search_filter(body, request.tenant.in_operator), search_options(body))


def found_user(request, user):
    if user not in request.tenant.users:
        raise NotFound
    return Reply(q.project(request.tenant.user_record(user), q.words(request.query, "fields", " ")))


@route("GET", "/api/systemusers/{id}")
def get_user(request, user):
    return found_user(request, user)


@route("PUT", "/api/systemusers/{id}")
def put_user(request, user):
    found_user(request, user)
    fields = request.json()
    state, suspended = fields.get("state"), fields.get("suspended")
    if state not in (None, "ACTIVATED", "SUSPENDED"):
        raise q.BadRequest("Bad Request: state must be ACTIVATED or SUSPENDED")
    if state and suspended is not None and suspended != (state == "SUSPENDED"):
        raise q.BadRequest("Bad Request: conflicting state and suspended fields")
    if state:
        fields["suspended"] = state == "SUSPENDED"
    if fields.pop("password", None):
        request.tenant.set_password(user)
    if fields.get("account_locked"):
        fields["account_locked_date"] = date()
    request.tenant.change(user, **fields)
    return found_user(request, user)


@route("POST", "/api/systemusers")
def post_user(request):
    fields = request.json()
    if not fields.get("username") or not fields.get("email"):
        raise q.BadRequest("Bad Request: username and email are required")
    activated = bool(fields.pop("password", None))
    return found_user(request, request.tenant.add_user(**{"activated": activated, **fields}))


@route("DELETE", "/api/systemusers/{id}")
def delete_user(request, user):
    reply = found_user(request, user)
    request.tenant.delete(user)
    return reply


def user_action(path, act):
    @route("POST", f"/api/systemusers/{{id}}/{path}")
    def post(request, user):
        found_user(request, user)
        act(request.tenant, user)
        return Reply({})


user_action("unlock", lambda tenant, user: tenant.unlock(user))
user_action("expire", lambda tenant, user: tenant.expire(user))
user_action("state/activate", lambda tenant, user: tenant.activate(user))


@route("GET", "/api/systems")
def list_systems(request):
    return get_list(request, list(request.tenant.systems.values()), q.v1_filter(request.query), request.query)


@route("POST", "/api/search/systems")
def search_systems(request):
    body = request.json()
    return get_list(request, list(request.tenant.systems.values()),
                    q.search_filter(body, request.tenant.in_operator), search_options(body))


@route("GET", "/api/systems/{id}")
def get_system(request, system):
    if system not in request.tenant.systems:
        raise NotFound
    return Reply(q.project(request.tenant.systems[system], q.words(request.query, "fields", " ")))


def organizations(tenant):
    """An administrator of several tenants sees another one beside ours."""
    own = {"_id": tenant.organization, "id": tenant.organization, "displayName": tenant.organization_name,
           "logoUrl": None, "created": "2021-02-11T20:57:14.837Z"}
    other = object_id("other organization")
    return [own] + [{**own, "_id": other, "id": other, "displayName": "Another"}] * tenant.multi_tenant


@route("GET", "/api/organizations", organization=False)
def list_organizations(request):
    return get_list(request, organizations(request.tenant), q.v1_filter(request.query), request.query)


@route("GET", "/api/organizations/{id}")
def get_organization(request, organization):
    tenant = request.tenant
    if organization != tenant.organization:
        raise NotFound
    record = {**organizations(tenant)[0], "hasCreditCard": False, "settings": {
        **tenant.settings, "name": tenant.organization_name, "passwordPolicy": tenant.password_policy}}
    return Reply(q.project(record, q.words(request.query, "fields", " ")))

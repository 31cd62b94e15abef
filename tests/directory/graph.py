"""Who is bound to what, and by which ways: JumpCloud's graph of users, groups and systems.

A path goes from the system (or whatever was asked about) to the other end. What the server does where paths disagree is
not published: here a direct binding wins over groups, as its help says, and among groups the one that grants more.
"""
import collections


def sudo(enabled, nopasswd):
    return {"enabled": bool(enabled), "withoutPassword": bool(enabled and nopasswd)}


class Edges:
    """Kinds: "member" user -> user group, "system" system -> system group, "bind" user or user group -> system or
    system group. An edge may have attributes."""

    def __init__(self):
        self.out = collections.defaultdict(dict)  # (kind, from) -> {to: attributes}
        self.into = collections.defaultdict(dict)  # (kind, to) -> {from: attributes}

    def add(self, kind, source, target, attributes):
        self.out[kind, source][target] = attributes
        self.into[kind, target][source] = attributes

    def remove(self, kind, source, target):
        del self.out[kind, source][target]
        del self.into[kind, target][source]

    def forget(self, node):
        for kind in ("member", "system", "bind"):
            for target in self.out.pop((kind, node), {}):
                del self.into[kind, target][node]
            for source in self.into.pop((kind, node), {}):
                del self.out[kind, source][node]

    def members(self, group):
        return self.into["member", group]

    def groups_of(self, user):
        return self.out["member", user]


def connection(edge_attributes, kind, node, node_attributes=None):
    return {"attributes": edge_attributes, "to": {"attributes": node_attributes, "id": node, "type": kind}}


def targets_of(tenant, system):
    """The system and its groups, each with the beginning of a path."""
    return [(system, [])] + [(g, [connection(None, "system_group", g)]) for g in tenant.edges.out["system", system]]


def group_paths(tenant, system):
    """{user group bound to SYSTEM: its paths}, in the order of binding."""
    found = collections.defaultdict(list)
    for target, head in targets_of(tenant, system):
        for source, attributes in tenant.edges.into["bind", target].items():
            if source in tenant.groups:
                found[source].append(
                    head + [connection(attributes, "user_group", source, tenant.groups[source]["attributes"])])
    return found


def user_paths(tenant, system):
    """{user bound to SYSTEM: its paths}."""
    found = collections.defaultdict(list)
    for target, head in targets_of(tenant, system):
        for source, attributes in tenant.edges.into["bind", target].items():
            if source in tenant.users:
                found[source].append(head + [connection(attributes, "user", source)])
    for group, paths in group_paths(tenant, system).items():
        for member in tenant.edges.members(group):
            found[member] += [path + [connection(None, "user", member)] for path in paths]
    return found


def system_paths(tenant, user):
    """{system that USER is bound to: its paths}."""
    found = collections.defaultdict(list)
    starts = [(user, [])] + [(g, [connection(None, "user_group", g, tenant.groups[g]["attributes"])])
                             for g in tenant.edges.groups_of(user)]
    for source, head in starts:
        for target, attributes in tenant.edges.out["bind", source].items():
            if target in tenant.systems:
                found[target].append(head + [connection(attributes, "system", target)])
            for system in tenant.edges.into["system", target]:
                found[system].append(head + [connection(attributes, "system_group", target),
                                             connection(None, "system", system)])
    return found


def merge(compiled, attributes):
    for key, value in (attributes or {}).items():
        old = compiled.get(key)
        if key == "sudo" and old:
            compiled[key] = {k: old[k] or value[k] for k in old}
        elif isinstance(value, list) and isinstance(old, list):
            compiled[key] = old + [v for v in value if v not in old]
        else:
            compiled[key] = value


def compile_attributes(paths):
    """The attributes of all edges and groups on the way; None when there are none."""
    compiled, direct = {}, {}
    for path in paths:
        if any(step["to"]["type"] == "user_group" for step in path):
            for step in path:
                merge(compiled, step["to"]["attributes"])
                merge(compiled, step["attributes"])
        else:
            for step in path:
                merge(direct, step["attributes"])
    return {**compiled, **direct} or None


def with_paths(kind, found):
    """GraphObjectWithPaths of each."""
    return [{"id": node, "type": kind, "compiledAttributes": compile_attributes(paths), "paths": paths}
            for node, paths in found.items()]

"""One organisation: its users, systems, groups and who is bound to what, and the ways to change them.

Users, systems and groups are named by their name or by their object id. What is marked as @action can also be done
through the control URL (control.py).
"""
import bisect
import threading

from . import graph
from .records import CREATED, GROUP, PASSWORD_POLICY, SETTINGS, SYSTEM, date, object_id, user_record

ACTIONS = {}
API_KEY = "jca_leak-api-key-of-the-double"
CLIENT_ID, CLIENT_SECRET = "5f0c-client-of-the-double", "leak-client-secret"


def action(method):
    ACTIONS[method.__name__] = method
    return method


class Tenant:
    """The attributes below are switches: set them at any time."""

    def __init__(self, host="endpoint"):
        self.mutex = threading.RLock()  # held for each request and each change
        self.api_key, self.client_id, self.client_secret = API_KEY, CLIENT_ID, CLIENT_SECRET
        self.multi_tenant = False  # the administrator sees several organisations: x-org-id is needed
        self.conditional = False  # answers If-None-Match by 304 (unconfirmed of the real one)
        self.in_operator = False  # $in in filters (unconfirmed of the real one)
        self.token_lifetime_s = 3600
        self.organization = object_id("organization")
        self.organization_name = "The Double Ltd"
        self.password_policy = dict(PASSWORD_POLICY)
        self.settings = dict(SETTINGS)
        self.users, self.user_names = {}, {}  # id -> the fields that differ from records.USER; name -> id
        self.sorted_users = []  # ids
        self.systems, self.groups, self.system_groups = {}, {}, {}  # id -> record
        self.edges = graph.Edges()
        self.scheduled = {}  # job id -> {"systemUserId", "state", "scheduledDate", "scheduledJobId"}
        self.next_uid = 5001
        self.system = self.add_system(host)  # the endpoint

    # Finding

    def user_id(self, user):
        return user if user in self.users else self.user_names[user]

    def group_id(self, group):
        return group if group in self.groups else object_id("group " + group)

    def system_id(self, system):
        if system is None:
            return self.system
        return system if system in self.systems else object_id("system " + system)

    def user_record(self, user):
        return user_record(self.user_id(user), self.organization, self.users[self.user_id(user)])

    # Users

    @action
    def add_user(self, username, bound=False, sudo=None, nopasswd=False, **fields):
        """A user, active unless FIELDS say otherwise; BOUND to the endpoint, with SUDO on it. Returns the id."""
        with self.mutex:
            uid = object_id(username)
            self.users[uid] = {"username": username, "unix_uid": self.next_uid, "unix_guid": self.next_uid, **fields}
            self.next_uid += 1
            self.user_names[username] = uid
            bisect.insort(self.sorted_users, uid)
            if bound or sudo is not None:
                self.bind(uid, sudo=sudo, nopasswd=nopasswd)
            return uid

    @action
    def add_users(self, count, prefix="user", bound=False):
        """COUNT users at once: user0, user1, … Returns their ids."""
        with self.mutex:
            ids = [object_id(f"{prefix}{i}") for i in range(count)]
            for i, uid in enumerate(ids):
                self.users[uid] = {"username": f"{prefix}{i}", "unix_uid": self.next_uid + i,
                                   "unix_guid": self.next_uid + i}
                self.user_names[f"{prefix}{i}"] = uid
                if bound:
                    self.bind(uid)
            self.next_uid += count
            self.sorted_users = sorted(self.users)
            return ids

    @action
    def change(self, user, **fields):
        """Set fields of a user's record as they are; records.ABSENT takes one away."""
        with self.mutex:
            uid = self.user_id(user)
            if "username" in fields:
                self.user_names.pop(self.users[uid]["username"], None)
                self.user_names[fields["username"]] = uid
            self.users[uid].update(fields)

    @action
    def delete(self, user):
        """The user is gone, and all bindings with it."""
        with self.mutex:
            uid = self.user_id(user)
            self.user_names.pop(self.users.pop(uid)["username"], None)
            self.sorted_users.remove(uid)
            self.edges.forget(uid)
            self.scheduled = {k: v for k, v in self.scheduled.items() if v["systemUserId"] != uid}

    @action
    def suspend(self, user):
        self.change(user, state="SUSPENDED", suspended=True)

    @action
    def activate(self, user):
        """Out of STAGED or SUSPENDED."""
        self.change(user, state="ACTIVATED", suspended=False)

    @action
    def stage(self, user):
        self.change(user, state="STAGED", suspended=False)

    @action
    def lock(self, user):
        """Too many wrong passwords."""
        self.change(user, account_locked=True, account_locked_date=date())

    @action
    def unlock(self, user):
        """Does not end an expiry."""
        self.change(user, account_locked=False, account_locked_date=None, badLoginAttempts=0)

    @action
    def expire(self, user):
        """An administrator forces a password change."""
        self.change(user, password_expired=True, password_expiration_date=date())

    @action
    def set_password(self, user):
        """The user has set a password: ends "password pending", locked and expired."""
        self.unlock(user)
        self.change(user, activated=True, password_expired=False, password_date=date(), password_expiration_date=None)

    @action
    def add_key(self, user, public_key, name="key"):
        with self.mutex:
            fields = self.users[self.user_id(user)]
            key = {"_id": object_id(public_key), "create_date": CREATED, "name": name, "public_key": public_key}
            fields["ssh_keys"] = [*fields.get("ssh_keys", []), key]

    # Systems and groups

    def add_system(self, name, **fields):
        sid = object_id("system " + name)
        self.systems[sid] = {**SYSTEM, "hostname": name, "displayName": name, "organization": self.organization,
                             **fields, "_id": sid, "id": sid}
        return sid

    @action
    def add_group(self, name, members=(), gid=None, posix_name=None, sudo=None, nopasswd=False, bound=False,
                  **attributes):
        """A user group; with a GID it is a Linux group too. ATTRIBUTES are free. Returns the id."""
        with self.mutex:
            if gid is not None:
                attributes["posixGroups"] = [{"id": gid, "name": posix_name or name}]
            if sudo is not None:
                attributes["sudo"] = graph.sudo(sudo, nopasswd)
            gid = object_id("group " + name)
            self.groups[gid] = {**GROUP, "id": gid, "name": name, "organizationObjectId": self.organization,
                                "attributes": attributes or None}
            for member in members:
                self.add_member(name, member)
            if bound:
                self.bind_group(name)
            return gid

    @action
    def delete_group(self, group):
        with self.mutex:
            gid = self.group_id(group)
            del self.groups[gid]
            self.edges.forget(gid)

    @action
    def add_member(self, group, user):
        self.edges.add("member", self.user_id(user), self.group_id(group), None)

    @action
    def remove_member(self, group, user):
        self.edges.remove("member", self.user_id(user), self.group_id(group))

    @action
    def add_system_group(self, name, systems=()):
        """A group of systems; users and user groups are bound to it as to a system."""
        with self.mutex:
            gid = object_id("system " + name)
            self.system_groups[gid] = {"id": gid, "name": name, "type": "system_group", "attributes": None}
            for system in systems:
                self.edges.add("system", self.system_id(system), gid, None)
            return gid

    # Binding

    @action
    def bind(self, user, system=None, sudo=None, nopasswd=False):
        """Bind a user to the endpoint, or to another SYSTEM or group of systems; SUDO belongs to this binding."""
        attributes = None if sudo is None else {"sudo": graph.sudo(sudo, nopasswd)}
        self.edges.add("bind", self.user_id(user), self.system_id(system), attributes)

    @action
    def unbind(self, user, system=None):
        self.edges.remove("bind", self.user_id(user), self.system_id(system))

    @action
    def bind_group(self, group, system=None):
        self.edges.add("bind", self.group_id(group), self.system_id(system), None)

    @action
    def unbind_group(self, group, system=None):
        self.edges.remove("bind", self.group_id(group), self.system_id(system))

    # Scheduled states and policy

    @action
    def schedule(self, user, state, at):
        """STATE at the time AT, "2030-01-01T00:00:00Z". Returns the job's id."""
        with self.mutex:
            job = object_id(f"job {len(self.scheduled)} {user} {state} {at}")
            self.scheduled[job] = {"systemUserId": self.user_id(user), "state": state, "scheduledDate": date(at),
                                   "scheduledJobId": job}
            return job

    @action
    def unschedule(self, job):
        with self.mutex:
            del self.scheduled[job]

    def settle(self):
        """What was scheduled for now or before has happened."""
        due = sorted((s for s in self.scheduled.values() if s["scheduledDate"] <= date()),
                     key=lambda s: s["scheduledDate"])
        for event in due:
            del self.scheduled[event["scheduledJobId"]]
            self.change(event["systemUserId"], state=event["state"], suspended=event["state"] == "SUSPENDED")

    @action
    def set_policy(self, **settings):
        """Keys of the organisation's passwordPolicy: maxLoginAttempts with enableMaxLoginAttempts, …"""
        with self.mutex:
            self.password_policy.update(settings)

    @action
    def switch(self, **switches):
        """multi_tenant, conditional, in_operator, token_lifetime_s, api_key, client_id, client_secret."""
        with self.mutex:
            for name, value in switches.items():
                if name not in ("multi_tenant", "conditional", "in_operator", "token_lifetime_s", "api_key",
                                "client_id", "client_secret"):
                    raise KeyError(name)
                setattr(self, name, value)

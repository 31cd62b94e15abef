"""Who may ask: API keys, service accounts' tokens, and the organisation that is meant."""
import base64
import binascii
import re
import secrets
import time

from .records import LEAK, object_id
from .reply import Reply, error
from .routes import route


class Tokens:
    """Access tokens given out, until they end."""

    def __init__(self):
        self.ends = {}

    def issue(self, lifetime_s):
        token = LEAK + secrets.token_urlsafe(24)
        self.ends[token] = time.monotonic() + lifetime_s
        return token

    def valid(self, token):
        return self.ends.get(token, 0) > time.monotonic()

    def revoke_all(self):
        self.ends.clear()


def unauthorised(message="Unauthorized"):
    return error(401, message)


def authenticated(request):
    key, bearer = request.headers.get("x-api-key"), request.headers.get("authorization", "")
    if key is not None:
        return key == request.tenant.api_key
    return bearer.startswith("Bearer ") and request.tokens.valid(bearer[7:])


def refuse(request, needs_organization):
    """The answer to a request that may not be made, or None."""
    if not authenticated(request):
        return unauthorised()
    organization, tenant = request.headers.get("x-org-id"), request.tenant
    if organization is None:
        return unauthorised("Unauthorized: no organization selected") if (
            tenant.multi_tenant and needs_organization) else None
    if not re.fullmatch("[0-9a-f]{24}", organization):
        return error(400, "Bad Request: malformed organization id")
    if organization == tenant.organization:
        return None
    if tenant.multi_tenant and organization == object_id("other organization"):
        return error(403, "Forbidden")
    return error(404 if tenant.multi_tenant else 400, "Organization not found")


def basic(header):
    """(user, password) of an Authorization header; both "" when it is none."""
    try:
        user, _, password = base64.b64decode(header.removeprefix("Basic "), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


@route("POST", "/oauth2/token", public=True)
def token(request):
    """RFC 6749, client credentials; on JumpCloud's side this is another host."""
    form = request.form()
    if basic(request.headers.get("authorization", "")) != (request.tenant.client_id, request.tenant.client_secret):
        return Reply({"error": "invalid_client"}, status=401, headers={"www-authenticate": "Basic"})
    if form.get("grant_type") != ["client_credentials"]:
        return Reply({"error": "unsupported_grant_type"}, status=400)
    if form.get("scope") != ["api"]:
        return Reply({"error": "invalid_scope"}, status=400)
    lifetime = request.tenant.token_lifetime_s
    return Reply({"access_token": request.tokens.issue(lifetime), "token_type": "bearer", "expires_in": lifetime,
                  "scope": "api"})

"""What JumpCloud's objects look like: the published fields, with the values that recorded replies show."""
import datetime
import hashlib

ABSENT = object()  # the value of a field that is not in the record at all
LEAK = "leak-"  # begins whatever in a reply looks secret: none of it may turn up anywhere else


def object_id(name):
    """Like a Mongo ObjectId: 24 hexadecimal digits, always the same for NAME."""
    return hashlib.sha256(name.encode()).hexdigest()[:24]


def date(at=None):
    """AT, a datetime or a string, as JumpCloud writes it; None is now."""
    if isinstance(at, str):
        return at
    at = at or datetime.datetime.now(datetime.timezone.utc)
    return at.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


CREATED = "2021-02-12T17:45:42.369Z"
USER = {
    "account_locked": False, "account_locked_date": None, "activated": True, "addresses": [], "admin": None,
    "allow_public_key": True, "alternateEmail": "", "associatedTagCount": 0, "attributes": [], "badLoginAttempts": 0,
    "company": "", "costCenter": "", "created": CREATED, "creationSource": "jumpcloud:manual",
    "delegatedAuthority": None, "department": "", "description": "", "disableDeviceMaxLoginAttempts": False,
    "employeeIdentifier": None, "employeeType": "", "enable_managed_uid": False,
    "enable_user_portal_multifactor": False, "external_dn": "", "external_password_expiration_date": "",
    "external_source_type": "", "externally_managed": False, "firstname": "", "jobTitle": "", "lastname": "",
    "ldap_binding_user": False, "location": "", "managedAppleId": "",
    "mfa": {"exclusion": False, "configured": False},
    "mfaEnrollment": {"overallStatus": "NOT_ENROLLED", "totpStatus": "NOT_ENROLLED", "pushStatus": "NOT_ENROLLED",
                      "webAuthnStatus": "NOT_ENROLLED", "jcGoStatus": "NOT_ENROLLED"},
    "middlename": "", "password_date": CREATED, "password_expiration_date": None, "password_expired": False,
    "password_never_expires": False, "passwordless_sudo": False, "phoneNumbers": [], "public_key": "",
    "recoveryEmail": {"address": "", "verified": False}, "relationships": [], "restrictedFields": [],
    "samba_service_user": False, "sshRootEnabled": False, "ssh_keys": [], "state": "ACTIVATED", "sudo": False,
    "suspended": False, "systemUsername": "", "totp_enabled": False,
    # not in any schema: what a careless client would keep
    "totpSecret": LEAK + "totp", "passwordHash": LEAK + "hash",
}
SYSTEM = {
    "active": True, "agentVersion": "1.150.0", "allowMultiFactorAuthentication": False,
    "allowPublicKeyAuthentication": True, "allowSshPasswordAuthentication": True, "allowSshRootLogin": False,
    "arch": "x86_64", "archFamily": "x86_64", "attributes": [], "connectionHistory": [], "created": CREATED,
    "fde": {"active": False, "keyPresent": False}, "fileSystem": None, "hasServiceAccount": False,
    "lastContact": CREATED, "modifySSHDConfig": True, "networkInterfaces": [
        {"address": "192.0.2.19", "family": "IPv4", "internal": False, "name": "eth0"}],
    "os": "Debian", "osFamily": "linux", "primarySystemUser": {"id": None}, "remoteIP": "192.0.2.1",
    "serialNumber": "0", "sshRootEnabled": False, "sshdParams": [{"name": "PERMITROOTLOGIN", "value": "no"}],
    "systemInsights": {"state": "enabled"}, "systemTimezone": 0, "systemToken": LEAK + "system-token",
    "templateName": "debian-12-x86_64", "version": "12",
}
PASSWORD_POLICY = {
    "enableMaxLoginAttempts": False, "maxLoginAttempts": 6, "enableLockoutTimeInSeconds": False,
    "lockoutTimeInSeconds": 3600, "enableResetLockoutCounter": False, "resetLockoutCounterMinutes": 30,
    "enablePasswordExpirationInDays": False, "passwordExpirationInDays": 90,
    "enableDaysBeforeExpirationToForceReset": False, "daysBeforeExpirationToForceReset": 1,
    "enableDaysAfterExpirationToSelfRecover": False, "daysAfterExpirationToSelfRecover": 1,
    "enableMinLength": True, "minLength": 12, "needsLowercase": True, "needsUppercase": True, "needsNumeric": True,
    "needsSymbolic": True, "allowUsernameSubstring": False, "disallowCommonlyUsedPasswords": False,
    "disallowSequentialOrRepetitiveChars": False, "displayComplexityOnResetScreen": False,
    "enableMaxHistory": False, "maxHistory": 5, "enableMinChangePeriodInDays": False, "minChangePeriodInDays": 1,
    "enableRecoveryEmail": False, "allowUnenrolledMFAPasswordReset": False,
}
SETTINGS = {
    "name": "", "contactEmail": "", "contactName": "", "disableLdap": False, "disableUM": False,
    "enableManagedUID": False, "passwordCompliance": "custom", "requireAdminMFA": False, "logo": "",
    "systemUserPasswordExpirationInDays": 0,
    "newSystemUserStateDefaults": {"manualEntry": "ACTIVATED", "csvImport": "ACTIVATED",
                                   "applicationImport": "ACTIVATED"},
    "systemUserDefaults": {"restrictedFields": []},
}
GROUP = {"attributes": None, "type": "user_group", "email": "", "description": "", "membershipMethod": "STATIC",
         "memberQueryExemptions": [], "memberQueryErrorFlags": [],
         "memberSuggestionsNotify": False, "suggestionCounts": {"add": 0, "remove": 0, "total": 0}}


def user_record(object_id, organization, fields):
    """The whole record of a user of whom FIELDS differ from USER."""
    name = fields.get("username") or ""
    record = {**USER, "displayname": name, "email": f"{name}@example.com", "organization": organization,
              "_id": object_id, "id": object_id, **fields}
    if not any(v is ABSENT for v in fields.values()):
        return record
    return {k: v for k, v in record.items() if fields.get(k) is not ABSENT}

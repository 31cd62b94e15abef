/* What a server's answer to a bind means. Pure. */
#ifndef AGENTD_FETCH_LDAP_RESULT_H
#define AGENTD_FETCH_LDAP_RESULT_H

#define LDAP_NO_POLICY (-1) /* the server sent no password policy control, or none with an error in it */

/*
 * CODE: LDAP's result; POLICY: the error of the password policy control (LDAPPasswordPolicyError), or LDAP_NO_POLICY;
 * DIAGNOSTIC: the server's words, NULL allowed: Active Directory has its reasons there ("… data 775, …").
 * Returns as ldap_server_verify(): 0 for one case alone, success without any complaint.
 */
int ldap_result_meaning(int code, int policy, const char *diagnostic);

#endif

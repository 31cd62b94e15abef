#include "agentd/fetch/ldap_server.h"

#include <errno.h>
#include <ldap.h>
#include <nss.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "agentd/fetch/ldap_result.h"
#include "common/ldap_names.h"

/* Each of them; who asks has a deadline of its own for the whole, which also ends a TLS handshake. */
#define CONNECT_TIMEOUT_S 3
#define ANSWER_TIMEOUT_S  4

struct ldap_server {
	struct ldap_server_options options;
	enum ldap_transport transport;
	int ca; /* the authorities' file, in memory */
	LDAP *ld; /* for the next bind */
};

static int option(LDAP *ld, int which, int value)
{
	return ldap_set_option(ld, which, &value) == LDAP_OPT_SUCCESS ? 0 : -EINVAL;
}

static int set_times(LDAP *ld)
{
	const struct timeval connect = {.tv_sec = CONNECT_TIMEOUT_S}, answer = {.tv_sec = ANSWER_TIMEOUT_S};

	if (ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &connect) != LDAP_OPT_SUCCESS ||
	    ldap_set_option(ld, LDAP_OPT_TIMEOUT, &answer) != LDAP_OPT_SUCCESS)
		return -EINVAL;
	return 0;
}

/* A server must show a certificate of these authorities, for the name that it was called by. */
static int set_trust(const struct ldap_server *s, LDAP *ld)
{
	char path[sizeof("/proc/self/fd/") + 10];
	int r = str_print(path, sizeof(path), "/proc/self/fd/%d", s->ca);

	if (r == 0)
		r = ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, path) == LDAP_OPT_SUCCESS ? 0 : -EINVAL;
	if (r == 0)
		r = option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, LDAP_OPT_X_TLS_DEMAND);
	if (r == 0)
		r = option(ld, LDAP_OPT_X_TLS_REQUIRE_SAN, LDAP_OPT_X_TLS_TRY);
	if (r == 0)
		r = option(ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, LDAP_OPT_X_TLS_PROTOCOL_TLS1_2);
	if (r == 0)
		r = option(ld, LDAP_OPT_X_TLS_NEWCTX, 0); /* reads the file */
	return r;
}

/* A handle that is not connected. */
static int handle_new(const struct ldap_server *s, LDAP **ret)
{
	LDAP *ld = NULL;
	int r = ldap_initialize(&ld, s->options.url) == LDAP_SUCCESS ? 0 : -EINVAL;

	if (r == 0)
		r = option(ld, LDAP_OPT_PROTOCOL_VERSION, LDAP_VERSION3);
	if (r == 0)
		r = ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) == LDAP_OPT_SUCCESS ? 0 : -EINVAL;
	if (r == 0)
		r = set_times(ld);
	if (r == 0 && s->transport != LDAP_TRANSPORT_PLAIN)
		r = set_trust(s, ld);
	if (r == 0)
		*ret = ld;
	else if (ld)
		ldap_unbind_ext(ld, NULL, NULL);
	return r;
}

static int keep_ca(struct ldap_server *s)
{
	size_t len = strlen(s->options.ca);

	s->ca = memfd_create("ca", MFD_CLOEXEC);
	if (s->ca < 0)
		return -errno;
	return write(s->ca, s->options.ca, len) == (ssize_t)len ? 0 : -EIO;
}

/* libldap would read ldap.conf and ~/.ldaprc, and obey LDAP… in the environment. */
static int ldap_global_init(void)
{
	signal(SIGPIPE, SIG_IGN); /* it writes to sockets as to files */
	if (setenv("LDAPNOINIT", "1", 1) < 0)
		return -errno;
	/* names from /etc/hosts and DNS, for which no module has to be loaded */
	return __nss_configure_lookup("hosts", "files dns") < 0 ? -errno : 0;
}

static int prepare(struct ldap_server *s)
{
	int r;

	s->transport = ldap_transport_of(s->options.url);
	if (s->transport == LDAP_TRANSPORT_NONE || !ldap_template_valid(s->options.dn))
		return -EINVAL;
	r = ldap_global_init();
	if (r == 0 && s->transport != LDAP_TRANSPORT_PLAIN)
		r = keep_ca(s);
	return r < 0 ? r : handle_new(s, &s->ld);
}

int ldap_server_new(const struct ldap_server_options *o, struct ldap_server **ret,
		    char ret_text[static LDAP_TEXT_SIZE])
{
	struct ldap_server *s = calloc(1, sizeof(*s));
	int r;

	ret_text[0] = '\0';
	if (!s)
		return -ENOMEM;
	s->options = *o;
	s->ca = -1;
	r = prepare(s);
	if (r == 0) {
		*ret = s;
		return 0;
	}
	ldap_server_free(s);
	snprintf(ret_text, LDAP_TEXT_SIZE, "LDAP cannot be used: the address, the authorities or the name of the entry: %s",
		 strerror(-r));
	return r;
}

void ldap_server_free(struct ldap_server *s)
{
	if (!s)
		return;
	if (s->ld)
		ldap_unbind_ext(s->ld, NULL, NULL);
	closep(&s->ca);
	free(s);
}

/* Our own library's words, where it failed before the server could say anything. */
static int failed_here(LDAP *ld, int code, const char *doing, char *text)
{
	char *detail = NULL;

	ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &detail);
	snprintf(text, LDAP_TEXT_SIZE, "LDAP: %s: %s%s%s", doing, ldap_err2string(code),
		 code < 0 && detail && *detail ? ": " : "", code < 0 && detail ? detail : "");
	ldap_memfree(detail);
	return code == LDAP_TIMEOUT ? -ETIMEDOUT : code == LDAP_BUSY ? -EBUSY : -EHOSTUNREACH;
}

static int send_bind(LDAP *ld, const char *dn, const char *password, int *ret_id)
{
	struct berval credentials = {.bv_len = strlen(password), .bv_val = (char *)(uintptr_t)password};
	LDAPControl *policy = NULL;
	LDAPControl *controls[] = {NULL, NULL};
	int code = ldap_create_passwordpolicy_control(ld, &policy);

	controls[0] = policy;
	if (code == LDAP_SUCCESS)
		code = ldap_sasl_bind(ld, dn, LDAP_SASL_SIMPLE, &credentials, controls, NULL, ret_id);
	ldap_control_free(policy);
	return code;
}

/* The error in the password policy control, if there is one. */
static int policy_of(LDAP *ld, LDAPControl **controls)
{
	LDAPControl *found = controls ? ldap_control_find(LDAP_CONTROL_PASSWORDPOLICYRESPONSE, controls, NULL) : NULL;
	LDAPPasswordPolicyError error = PP_noError;
	ber_int_t expire, grace;

	if (!found)
		return LDAP_NO_POLICY;
	if (ldap_parse_passwordpolicy_control(ld, found, &expire, &grace, &error) != LDAP_SUCCESS)
		return PP_accountLocked; /* it wants to say something: not understood is no */
	return error == PP_noError ? LDAP_NO_POLICY : (int)error;
}

/* Takes ANSWER. */
static int read_answer(LDAP *ld, LDAPMessage *answer, char *text)
{
	LDAPControl **controls = NULL;
	char *diagnostic = NULL;
	int code = LDAP_OTHER, r;

	if (ldap_parse_result(ld, answer, &code, NULL, &diagnostic, NULL, &controls, 1) != LDAP_SUCCESS)
		code = LDAP_DECODING_ERROR;
	r = ldap_result_meaning(code, policy_of(ld, controls), diagnostic);
	ldap_controls_free(controls);
	ldap_memfree(diagnostic);
	if (r < 0)
		snprintf(text, LDAP_TEXT_SIZE, "LDAP: the server answers \"%s\" (%d)", ldap_err2string(code), code);
	return r;
}

static int bind_as(LDAP *ld, const char *dn, const char *password, char *text)
{
	struct timeval limit = {.tv_sec = ANSWER_TIMEOUT_S};
	LDAPMessage *answer = NULL;
	int id, code = send_bind(ld, dn, password, &id);

	if (code != LDAP_SUCCESS)
		return failed_here(ld, code, "cannot connect", text);
	switch (ldap_result(ld, id, LDAP_MSG_ALL, &limit, &answer)) {
	case LDAP_RES_BIND:
		return read_answer(ld, answer, text);
	case 0:
		return failed_here(ld, LDAP_TIMEOUT, "no answer", text);
	default:
		ldap_msgfree(answer);
		return failed_here(ld, LDAP_SERVER_DOWN, "no answer", text);
	}
}

static int verify(const struct ldap_server *s, LDAP *ld, const char *dn, const char *password, char *text)
{
	int code;

	if (s->transport == LDAP_TRANSPORT_STARTTLS) {
		code = ldap_start_tls_s(ld, NULL, NULL);
		if (code != LDAP_SUCCESS)
			return failed_here(ld, code, "StartTLS", text);
	}
	return bind_as(ld, dn, password, text);
}

int ldap_server_verify(struct ldap_server *s, const char *user, const char *password,
		       char ret_text[static LDAP_TEXT_SIZE])
{
	CLEANUP(buf_done) struct buf dn = {0};
	LDAP *ld = TAKE(s->ld);
	int r = *password ? ldap_dn_make(s->options.dn, user, s->options.org, &dn) : -EKEYREJECTED;

	ret_text[0] = '\0';
	if (r == 0 && !ld)
		r = handle_new(s, &ld);
	if (r == 0)
		r = verify(s, ld, (const char *)dn.data, password, ret_text);
	if (ld)
		ldap_unbind_ext(ld, NULL, NULL);
	return r;
}

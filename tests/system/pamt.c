/*
 * pamt SERVICE USER STEP...: an application of PAM. Goes through the steps auth, account, setcred, open, close and
 * chauthtok in one transaction, whatever they return, and prints each with its code: "auth AUTH_ERR". What the
 * user would be told comes out as "says ...". The password is the environment's PASSWORD, where it is tried from RHOST;
 * nobody waits after a failure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <security/pam_appl.h>

static const struct {
	int code;
	const char *name;
} codes[] = {
#define CODE(name)                \
	{                         \
		PAM_##name, #name \
	}
	CODE(SUCCESS),
	CODE(OPEN_ERR),
	CODE(SYMBOL_ERR),
	CODE(SERVICE_ERR),
	CODE(SYSTEM_ERR),
	CODE(BUF_ERR),
	CODE(PERM_DENIED),
	CODE(AUTH_ERR),
	CODE(CRED_ERR),
	CODE(AUTHINFO_UNAVAIL),
	CODE(USER_UNKNOWN),
	CODE(MAXTRIES),
	CODE(ACCT_EXPIRED),
	CODE(AUTHTOK_EXPIRED),
	CODE(NEW_AUTHTOK_REQD),
	CODE(CONV_ERR),
	CODE(AUTHTOK_ERR),
	CODE(IGNORE),
	CODE(ABORT),
	CODE(MODULE_UNKNOWN),
};

static const char *code_name(int code)
{
	static char number[16];

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (codes[i].code == code)
			return codes[i].name;
	snprintf(number, sizeof(number), "%d", code);
	return number;
}

static int converse(int n, const struct pam_message **m, struct pam_response **ret, void *data)
{
	struct pam_response *r = calloc((size_t)n, sizeof(*r));
	const char *password = data;

	if (!r)
		return PAM_BUF_ERR;
	for (int i = 0; i < n; i++) {
		if (m[i]->msg_style == PAM_PROMPT_ECHO_OFF && password)
			r[i].resp = strdup(password);
		else
			printf("says %s\n", m[i]->msg);
	}
	*ret = r;
	return PAM_SUCCESS;
}

static void no_delay(int code, unsigned int us, void *data)
{
	(void)code;
	(void)us;
	(void)data;
}

static int step(pam_handle_t *pamh, const char *name)
{
	if (strcmp(name, "auth") == 0)
		return pam_authenticate(pamh, 0);
	if (strcmp(name, "account") == 0)
		return pam_acct_mgmt(pamh, 0);
	if (strcmp(name, "setcred") == 0)
		return pam_setcred(pamh, PAM_ESTABLISH_CRED);
	if (strcmp(name, "open") == 0)
		return pam_open_session(pamh, 0);
	if (strcmp(name, "close") == 0)
		return pam_close_session(pamh, 0);
	if (strcmp(name, "chauthtok") == 0)
		return pam_chauthtok(pamh, 0);
	fprintf(stderr, "pamt: no such step: %s\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	struct pam_conv conv = {converse, getenv("PASSWORD")};
	void (*delay)(int, unsigned int, void *) = no_delay;
	pam_handle_t *pamh;
	int r;

	if (argc < 4)
		return 2;
	r = pam_start(argv[1], argv[2], &conv, &pamh);
	if (r != PAM_SUCCESS ||
	    pam_set_item(pamh, PAM_FAIL_DELAY, (const void *)delay) != PAM_SUCCESS ||
	    pam_set_item(pamh, PAM_RHOST, getenv("RHOST")) != PAM_SUCCESS)
		return 2;
	for (int i = 3; i < argc; i++) {
		r = step(pamh, argv[i]);
		printf("%s %s\n", argv[i], code_name(r));
	}
	return pam_end(pamh, r) == PAM_SUCCESS ? 0 : 2;
}

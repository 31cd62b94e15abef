#include "pam/talk.h"

#include <string.h>
#include <time.h>

#include <security/pam_ext.h>

#include "common/account.h"
#include "common/str.h"

#define DAY_S 86400

static void say(const struct call *c, int style, const char *text)
{
	if (text[0] && !(c->flags & PAM_SILENT))
		(void)pam_prompt(c->pamh, style, NULL, "%s", text);
}

void talk_answer_free(char **answer)
{
	if (*answer)
		wipe(*answer, strlen(*answer));
	free(*answer);
}

#define AUTO_ANSWER CLEANUP(talk_answer_free)

static int ask(const struct call *c, const char *prompt, char **ret)
{
	int r = pam_prompt(c->pamh, PAM_PROMPT_ECHO_OFF, ret, "%s", prompt);

	if (r == PAM_CONV_AGAIN)
		return PAM_INCOMPLETE;
	if (r == PAM_BUF_ERR)
		return PAM_AUTHINFO_UNAVAIL;
	return r != PAM_SUCCESS || !*ret ? PAM_AUTH_ERR : PAM_SUCCESS;
}

static int ask_password(const struct call *c)
{
	AUTO_ANSWER char *answer = NULL;
	int r = ask(c, "Password: ", &answer);

	if (r != PAM_SUCCESS)
		return r;
	r = pam_set_item(c->pamh, PAM_AUTHTOK, answer);
	return r == PAM_SUCCESS ? PAM_SUCCESS : PAM_AUTHINFO_UNAVAIL;
}

int talk_password(const struct call *c, const char **ret)
{
	const void *password = NULL;
	int r = pam_get_item(c->pamh, PAM_AUTHTOK, &password);

	if (r == PAM_SUCCESS && !password) {
		if (c->args.use_first_pass)
			return PAM_AUTH_ERR;
		r = ask_password(c);
		if (r != PAM_SUCCESS)
			return r;
		r = pam_get_item(c->pamh, PAM_AUTHTOK, &password);
	}
	if (r != PAM_SUCCESS || !password)
		return PAM_AUTHINFO_UNAVAIL;
	*ret = password;
	return PAM_SUCCESS;
}

/* Not echoed: sshd's password method answers such prompts alone, and nothing then betrays a password typed here by mistake. */
int talk_code(const struct call *c, const char *password, char **ret)
{
	AUTO_ANSWER char *answer = NULL;
	int r = ask(c, "Verification code (empty if you have none): ", &answer);

	if (r != PAM_SUCCESS)
		return r;
	if (strcmp(answer, password) == 0)
		wipe(answer, strlen(answer));
	*ret = TAKE(answer);
	return PAM_SUCCESS;
}

void talk_refusal(const struct call *c, enum reason reason, const struct policy *p)
{
	char text[512];

	reason_text(reason, p->portal_url, call_service(c), text, sizeof(text));
	say(c, PAM_ERROR_MSG, text);
}

void talk_no_agent(const struct call *c)
{
	say(c, PAM_ERROR_MSG, "This account cannot be checked at the moment. Is the agent (musterd) running?");
}

void talk_off_line(const struct call *c)
{
	if (!call_rhost(c)[0])
		say(c, PAM_ERROR_MSG, "This computer cannot reach the directory, and your password cannot be checked without it.");
}

void talk_expiry(const struct call *c, int64_t expires_at, int64_t now, const struct policy *p)
{
	long long days = (expires_at - now + DAY_S - 1) / DAY_S;
	bool url = p->portal_url[0];
	char text[512];

	if (str_print(text, sizeof(text), "Your password expires in %lld day%s.%s%s%s", days,
		      days == 1 ? "" : "s", url ? " Change it at " : "", url ? p->portal_url : "",
		      url ? "." : "") == 0)
		say(c, PAM_TEXT_INFO, text);
}

void talk_ending(const struct call *c, const char *what, int64_t ends_at)
{
	char date[32], text[256];
	struct tm t;

	if (gmtime_r(&(time_t){ends_at}, &t) && strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &t) > 0 &&
	    str_print(text, sizeof(text), "This computer cannot reach the directory. Without it, %s here until %s.", what,
		      date) == 0)
		say(c, PAM_TEXT_INFO, text);
}

void talk_change_password(const struct call *c, const struct policy *p)
{
	bool url = p->portal_url[0];
	char text[512];

	if (str_print(text, sizeof(text), "Your password cannot be changed here. %s%s.",
		      url ? "Change it at " : "Ask your administrator",
		      url ? p->portal_url : "") == 0)
		say(c, PAM_ERROR_MSG, text);
}

/* Accounts as the cache keeps and pam.snapshot publishes them: the fetched record with what is given here. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "agentd/world_private.h"
#include "common/factor.h"
#include "common/names.h"
#include "common/sshkey.h"
#include "common/verifier.h"

#define NO_LOGIN "/usr/sbin/nologin"
#define LAST_SHELL "/bin/sh" /* when none that anybody names is there */
#define ALPHABET "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* What one account needs while it is finished. */
struct work {
	struct buf record, packed, keys;
	char home[CONF_HOME_SIZE];
};

static void work_done(struct work *k)
{
	buf_wipe(&k->record);
	buf_wipe(&k->packed);
	buf_done(&k->keys);
}

/* Keys are published or withheld by what the account says at the time. */
static void note_changes(struct world *w, const struct account *a)
{
	for (uint32_t i = 0; i < a->n_scheduled; i++)
		world_note_change(w, a->scheduled[i].at);
	if (!a->password_never_expires)
		world_note_change(w, a->password_expires_at);
}

/* Only keys that are written as sshkey_normalise() writes them, each once more looked at. */
static int check_keys(struct world *w, struct account *a, struct buf *keys)
{
	char normal[ACCOUNT_KEY_SIZE_MAX];
	uint32_t count = 0;
	const char *key = NULL;
	int r = 0;

	keys->len = 0;
	while (r == 0 && (key = strlist_next(&a->ssh_keys, key))) {
		if (count == ACCOUNT_KEYS_MAX ||
		    sshkey_normalise(key, strlen(key), normal, sizeof(normal)) < 0 ||
		    strcmp(key, normal) != 0) {
			r = world_reject(w, &(struct world_subject){"key", a->id, a->name},
					 "key_invalid", "refused by musterd");
			continue;
		}
		r = buf_add(keys, key, strlen(key) + 1);
		count++;
	}
	a->ssh_keys = (struct strlist){(const char *)keys->data, (uint32_t)keys->len, count};
	return r;
}

/* Bytes of HASH that say method and cost: "$y$j9T$", "$2b$12$", "$6$", "$6$rounds=9999$". */
static size_t method_len(const char *hash)
{
	const char *end = strchr(hash + 1, '$');
	bool more = !strncmp(hash, "$y$", 3) || !strncmp(hash, "$2b$", 4) ||
		    (end && !strncmp(end, "$rounds=", 8));

	if (end && more)
		end = strchr(end + 1, '$');
	return end ? (size_t)(end - hash) + 1 : 0;
}

static void count_method(struct world *w, const char *hash)
{
	size_t len = method_len(hash);

	if (len == 0 || len > WORLD_METHOD_SIZE)
		return;
	for (size_t i = 0; i < WORLD_METHODS_MAX; i++) {
		struct world_method *m = &w->methods[i];

		if (m->users == 0 && str_print(m->example, sizeof(m->example), "%s", hash) == 0)
			m->cost_len = len;
		else if (m->cost_len != len || memcmp(m->example, hash, len) != 0)
			continue;
		m->users++;
		return;
	}
}

static int check_hash(struct world *w, struct account *a)
{
	if (!*a->password_hash)
		return 0;
	if (verifier_check(a->password_hash) == 0) {
		count_method(w, a->password_hash);
		return 0;
	}
	a->password_hash = "";
	return world_reject(w, &(struct world_subject){"password", a->id, a->name}, "hash_invalid",
			    "refused by musterd");
}

static int make_home(const struct world *w, const struct world_user *u, struct account *a, struct work *k)
{
	a->home = k->home;
	return conf_home_for(w->in.conf->home, u->name, u->uid, k->home);
}

/* Of two that the configuration names, the one that can be run. */
static const char *shell_there(const struct world *w, const char *shell)
{
	const struct local *l = w->in.local;

	if (local_shell_missing(l, shell))
		shell = w->in.conf->shell;
	return local_shell_missing(l, shell) ? LAST_SHELL : shell;
}

static const char *shell_of(const struct world *w, const struct world_user *u)
{
	const struct conf *c = w->in.conf;

	return shell_there(w, u->shell == CONF_SHELL_NONE ? c->shell : c->shells[u->shell].shell);
}

/* The configuration is root's word: what it names need not be in /etc/shells, but it has to be there. */
static int check_shell(struct world *w, const char *line, const char *shell)
{
	if (!local_shell_missing(w->in.local, shell))
		return 0;
	return world_reject(w, &(struct world_subject){"conf", "", line}, "shell_missing",
			    "in muster.conf: there is no program %s; %s instead", shell, shell_there(w, shell));
}

static int check_shells(struct world *w)
{
	const struct conf *c = w->in.conf;
	int r = check_shell(w, "[accounts] shell", c->shell);

	for (uint32_t i = 0; r == 0 && i < c->n_shells; i++) {
		AUTO_FREE char *line = str_format("[shells] %s", c->shells[i].group);

		r = line ? check_shell(w, line, c->shells[i].shell) : -ENOMEM;
	}
	return r;
}

static int fill_shell(struct world *w, const struct world_user *u, struct account *a)
{
	const char *asked = a->shell, *given = shell_of(w, u);
	bool listed = local_shell_listed(w->in.local, asked);

	if (!strcmp(asked, given) || (listed && !local_shell_missing(w->in.local, asked)))
		return 0;
	a->shell = given;
	if (!*asked)
		return 0;
	return world_reject(w, &(struct world_subject){"shell", a->id, a->name},
			    listed ? "shell_missing" : "shell_unlisted", "%s %s; %s instead", asked,
			    listed ? "is not there" : "is not in /etc/shells", given);
}

static int fill_home_and_shell(struct world *w, const struct world_user *u, struct account *a, struct work *k)
{
	int r = 0;

	if (a->adopted) { /* both are in /etc/passwd */
		a->home = a->shell = "";
		return 0;
	}
	if (!*a->home)
		r = make_home(w, u, a, k);
	return r < 0 ? r : fill_shell(w, u, a);
}

static int finish_user(struct world *w, struct world_user *u, struct account *a, struct work *k)
{
	int r = stage_get(w->in.stage, u->place, &k->record);

	if (r == 0)
		r = record_account_unpack(k->record.data, k->record.len, a);
	if (r < 0)
		return r;
	a->name = u->name;
	a->uid = u->uid;
	a->gid = u->gid;
	a->sudo = u->sudo;
	a->sudo_nopasswd = u->sudo_nopasswd;
	a->has_lease = u->has_lease;
	a->lease_s = u->lease_s;
	world_give_access(w, u, a);
	a->removed_at = 0;
	a->adopted = u->adopted;
	w->n_accounts++;
	w->totp_wanted |= factor_is_wanted(a);
	note_changes(w, a);
	r = check_keys(w, a, &k->keys);
	if (r == 0)
		r = check_hash(w, a);
	return r < 0 ? r : fill_home_and_shell(w, u, a, k);
}

static int finish_holder(struct world *w, const struct world_user *u, struct account *a, struct work *k)
{
	*a = (struct account){
		.id = u->id, .name = u->name, .gecos = "", .home = "", .shell = NO_LOGIN, .email = "",
		.uid = u->uid, .gid = u->gid, .password_hash = "", .totp_secret = "",
		.removed_at = ledger_user(w->ledger, u->given)->removed_at, .adopted = u->adopted,
	};
	return make_home(w, u, a, k);
}

static int finish(struct world *w, struct world_user *u, struct work *k)
{
	struct account a;
	int r = u->fate == WORLD_IN ? finish_user(w, u, &a, k) : finish_holder(w, u, &a, k);

	if (r < 0)
		return r;
	k->packed.len = 0;
	r = record_account_pack(&a, &k->packed);
	return r < 0 ? r : stage_add(&w->out, k->packed.data, k->packed.len, &u->place);
}

int world_finish_accounts(struct world *w)
{
	CLEANUP(work_done) struct work k = {0};
	const uint32_t *order = (const uint32_t *)(const void *)w->order.data;
	int r = check_shells(w);

	for (size_t i = 0; r == 0 && i < w->order.len / sizeof(*order); i++)
		r = finish(w, world_user(w, order[i]), &k);
	return r;
}

/*
 * Random characters for the salt and the hash of an example: the work stays the same. The last one of each part stays,
 * since not every character may stand there.
 */
int world_dummy_hash(const struct world *w, char **ret)
{
	const struct world_method *most = &w->methods[0];
	char hash[sizeof(most->example)];
	uint8_t random[sizeof(hash)];
	size_t start, len;

	for (size_t i = 1; i < WORLD_METHODS_MAX; i++)
		if (w->methods[i].users > most->users)
			most = &w->methods[i];
	start = most->users ? most->cost_len : method_len(VERIFIER_DUMMY);
	if (str_print(hash, sizeof(hash), "%s", most->users ? most->example : VERIFIER_DUMMY) < 0 ||
	    getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	len = strlen(hash);
	for (size_t i = start; i < len; i++)
		if (hash[i] != '$' && hash[i + 1] != '$' && hash[i + 1] && !(hash[1] == '2' && i == start + 21))
			hash[i] = ALPHABET[random[i] % 64];
	*ret = strdup(hash);
	return *ret ? 0 : -ENOMEM;
}

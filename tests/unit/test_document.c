/* Documents to records: the whole, its parts, their order, and every JSON type in every field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "common/macros.h"
#include "tests/unit/document_dump.h"

#define HEAD	"{\"format\":\"muster-directory/1\","
#define KEY	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB/soIOCfTC7t3beilKjvBOfW3elhvb2zIqBMfJYHbJS"
#define KEY_WEAK                                                                                                  \
	"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCntvd1BXQ7CwcNzbjzCBACbd6uoGgJWQgu9qzRFW7iQY1JWJYxidf/B2QAfn4M"   \
	"XMrxBRqp/BhqsaG6ojeZLEI0rP9bDQlnGsb2dG+GpSgMZfy1Wauw+Q958qacpdaYCwjRmOOEcz1oREMld7UNZdVKZCFbeCTkwT9sAYq" \
	"4CxrYBw=="
#define KEY_SHOWN "ssh-ed25519 AAAAC3NzaC1l"
#define HASH	  "$y$j9T$JrpbBa4f8gZhYV6PSyCmO.$gDRQZeIUTsNQ8/LJ3RkL6nTNnXHOMQ57xpiIQN4Nd14"

/* The document TEXT gives exactly the lines SAYS. */
static void expect(struct dump *d, const char *text, const char *says)
{
	int r;

	d->text.len = 0;
	r = dump_document(d, text, strlen(text));
	if (r < 0)
		fail_msg("%s: %s\n%s", strerror(-r), d->result.text, text);
	if (strcmp((char *)d->text.data, says) != 0)
		fail_msg("%s\ngave:\n%swant:\n%s", text, (char *)d->text.data, says);
	buf_done(&d->text);
}

/* The document TEXT is refused as a whole, with WHY, before anybody was told anything. */
static void expect_error(const char *text, size_t len, int error, const char *why)
{
	struct dump d = { 0 };

	if (dump_document(&d, text, len) != error)
		fail_msg("not refused as it should be: %s: %s", d.result.text, text);
	if (strcmp(d.result.text, why) != 0)
		fail_msg("%s\nsays:\n%s\nwant:\n%s", text, d.result.text, why);
	assert_string_equal((char *)d.text.data, "");
	buf_done(&d.text);
}

static void test_small(void **state)
{
	struct dump d = { 0 };

	(void)state;
	expect(&d, HEAD "\"users\":[]}", "");
	assert_int_equal(d.result.users, 0);
	expect(&d,
	       HEAD "\"serial\":17,\"made_at\":\"x\",\"other\":[{}],\"groups\":null,\"bindings\":null,\"removed\":null,"
		    "\"policy\":null,\"users\":[{\"id\":\"a\",\"username\":\"alice\"}]}",
	       "account a alice 0:0 ACTIVATED pending\n");
	assert_int_equal(d.result.serial, 17);
	assert_int_equal(d.result.confirmed_at, 0);
	assert_int_equal(d.result.users, 1);
	expect(&d, HEAD "\"confirmed_at\":\"1970-01-02T00:00:00Z\",\"users\":[]}", "");
	assert_int_equal(d.result.confirmed_at, 86400);
	expect(&d, HEAD "\"serial\":9007199254740991,\"users\":[]}", "");
	assert_true(d.result.serial == UINT64_C(9007199254740991));
}

static const struct {
	const char *text, *why;
} bad_documents[] = {
	{ "", "line 1, column 1: the document ends too early" },
	{ "[]", "line 1, column 1: not an object" },
	{ "null", "line 1, column 1: not an object" },
	{ "{}", "\"users\" is missing" },
	{ "{\"users\":[]}", "\"format\" is missing" },
	{ "{\"format\":\"muster-directory/1\"}", "\"users\" is missing" },
	{ HEAD "\"users\":null}", "\"users\" is missing" },
	{ "{\"format\":\"muster-directory/2\",\"users\":[]}",
	  "line 1, column 11: \"format\" is not \"muster-directory/1\"" },
	{ "{\"format\":1,\"users\":[]}", "line 1, column 11: \"format\" is of the wrong type" },
	{ HEAD "\n\"users\":{}}", "line 2, column 9: \"users\" is of the wrong type" },
	{ HEAD "\"users\":[],\n \"users\":[]}", "line 2, column 10: \"users\" is here twice" },
	{ HEAD "\"users\":[],\n\"groups\":{}}", "line 2, column 10: \"groups\" is of the wrong type" },
	{ HEAD "\"users\":[],\n\"removed\":\"a\"}", "line 2, column 11: \"removed\" is of the wrong type" },
	{ HEAD "\"users\":[],\n\"policy\":[]}", "line 2, column 10: \"policy\" is of the wrong type" },
	{ HEAD "\"users\":[],\n\"bindings\":[]}", "line 2, column 12: \"bindings\" is of the wrong type" },
	{ HEAD "\"users\":[],\n\"serial\":\"17\"}", "line 2, column 10: \"serial\" is of the wrong type" },
	{ HEAD "\"users\":[],\n\"confirmed_at\":\"soon\"}", "line 2, column 16: \"confirmed_at\" is not a time" },
	{ HEAD "\"users\":[],\n\"confirmed_at\":7}", "line 2, column 16: \"confirmed_at\" is of the wrong type" },
	{ HEAD "\"users\":[],\n\"serial\":-1}",
	  "line 2, column 10: \"serial\" is not a whole number from 0 to 2^53-1" },
	{ HEAD "\"users\":[],\n\"serial\":1.0}",
	  "line 2, column 10: \"serial\" is not a whole number from 0 to 2^53-1" },
	{ HEAD "\"users\":[],\n\"serial\":99999999999999999999999}",
	  "line 2, column 10: \"serial\" is not a whole number from 0 to 2^53-1" },
	{ HEAD "\"users\":[],\n\"policy\":{\"maxLoginAttempts\":\"5\"}}",
	  "line 2, column 10: \"policy\": maxLoginAttempts: string, not int" },
	{ HEAD "\"users\":[],\n\"policy\":{\"maxLoginAttempts\":5,\"maxLoginAttempts\":6}}",
	  "line 2, column 10: \"policy\": an object has the same key twice" },
	{ HEAD "\"users\":[],\n\"policy\":{\"enableMaxLoginAttempts\":1}}",
	  "line 2, column 10: \"policy\": enableMaxLoginAttempts: int, not boolean" },
	{ HEAD "\"users\":[{\"id\":\"u\",\"username\":\"a\",\n\"unix_uid\":NaN}]}",
	  "line 2, column 12: expected a JSON value" },
	{ HEAD "\"users\":[{\"id\":\"u\",\n'username':1}]}", "line 2, column 1: expected a key in double quotes" },
	{ HEAD "\"users\":[\n", "line 2, column 1: the document ends too early" },
	{ HEAD "\"users\":[]}\n{}", "line 2, column 1: something follows the end of the document" },
	{ HEAD "\"users\":[],\n\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
	  "line 2, column 36: nested too deeply" },
};

static void test_bad_documents(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_documents); i++)
		expect_error(bad_documents[i].text, strlen(bad_documents[i].text), -EBADMSG, bad_documents[i].why);
	expect_error(HEAD "\"users\":[]}\0", strlen(HEAD) + 12, -EBADMSG,
		     "line 1, column 43: something follows the end of the document");
}

/* What is bound here may be bad in a way that is only seen when its part is read. */
static void test_bad_binding(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ HEAD "\"users\":[],\"bindings\":{\"h\":[]}}", "line 1, column 59: a binding is not an object" },
		{ HEAD "\"users\":[],\"bindings\":{\"h\":{\"users\":{}}}}",
		  "line 1, column 68: \"users\" of a binding is not a list" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct dump d = { .options.hostname = "h" };

		assert_int_equal(dump_document(&d, bad[i].text, strlen(bad[i].text)), -EBADMSG);
		assert_string_equal(d.result.text, bad[i].why);
		buf_done(&d.text);
	}
}

/* FIELDS of a user, after id and username; what comes of it. */
static const struct {
	const char *fields, *says;
} users[] = {
	{ "\"activated\":true", "account u alice 0:0 ACTIVATED" },
	{ "\"systemUsername\":\"al\"", "account u al 0:0 ACTIVATED username=alice pending" },
	{ "\"systemUsername\":\"\"", "account u alice 0:0 ACTIVATED pending" },
	{ "\"systemUsername\":null", "account u alice 0:0 ACTIVATED pending" },
	{ "\"systemUsername\":\"a b\"", "reject user u a b name_invalid (line 1: systemUsername: no name for a local user)" },
	{ "\"systemUsername\":\"Root\"", "reject user u Root name_reserved (line 1: systemUsername: a name of the system)" },
	{ "\"systemUsername\":\"root\\u0000x\"", "reject user - - unicode (line 1: \\x5cu0000 or half a surrogate pair)" },
	{ "\"_id\":\"u\"", "account u alice 0:0 ACTIVATED pending" },
	{ "\"_id\":\"v\"",
	  "reject user - - id_invalid (line 1: id: not 1 to 64 of A-Z a-z 0-9 . _ -, or id and _id differ)" },
	{ "\"id\":\"u\"", "reject user - - key_twice (line 1: an object has the same key twice)" },
	{ "\"\\u0069d\":\"u\"", "reject user - - key_twice (line 1: an object has the same key twice)" },
	{ "\"mfa\":{\"x\":1,\"x\":2}", "reject user - - key_twice (line 1: an object has the same key twice)" },
	{ "\"x\":[[{\"y\":{\"x\":1,\"x\":2}}]]", "reject user - - key_twice (line 1: an object has the same key twice)" },
	{ "\"x\":[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", "reject user - - too_deep (line 1: nested too deeply)" },
	{ "\"x\":\"\\ud800\"", "reject user - - unicode (line 1: \\x5cu0000 or half a surrogate pair)" },
	{ "\"x\":\"\xff\"", "reject user - - unicode (line 1: not UTF-8)" },
	{ "\"x\":1e999,\"y\":[{}],\"z\":\"\\ud83d\\ude00\"", "account u alice 0:0 ACTIVATED pending" },
	{ "\"state\":\"STAGED\"", "account u alice 0:0 STAGED pending" },
	{ "\"state\":\"SUSPENDED\"", "account u alice 0:0 SUSPENDED pending" },
	{ "\"state\":\"active\"", "account u alice 0:0 NONE pending" },
	{ "\"state\":\"\"", "account u alice 0:0 NONE pending" },
	{ "\"suspended\":true", "account u alice 0:0 SUSPENDED suspended pending" },
	{ "\"suspended\":true,\"state\":\"ACTIVATED\"", "account u alice 0:0 ACTIVATED suspended pending" },
	{ "\"unix_uid\":5001,\"unix_guid\":5002", "account u alice 5001:5002 ACTIVATED pending" },
	{ "\"unix_uid\":1000,\"unix_guid\":2147483647", "account u alice 1000:2147483647 ACTIVATED pending" },
	{ "\"unix_uid\":0", "reject user u alice uid_range (line 1: unix_uid: 0 is not in 1000..2147483647)" },
	{ "\"unix_uid\":999", "reject user u alice uid_range (line 1: unix_uid: 999 is not in 1000..2147483647)" },
	{ "\"unix_uid\":65534", "reject user u alice uid_range (line 1: unix_uid: 65534 is not for users)" },
	{ "\"unix_uid\":2147483648",
	  "reject user u alice uid_range (line 1: unix_uid: 2147483648 is not in 1000..2147483647)" },
	{ "\"unix_uid\":4294967296",
	  "reject user u alice uid_range (line 1: unix_uid: 4294967296 is not in 1000..2147483647)" },
	{ "\"unix_uid\":4294972297",
	  "reject user u alice uid_range (line 1: unix_uid: 4294972297 is not in 1000..2147483647)" },
	{ "\"unix_uid\":18446744073709551616", "reject user u alice uid_range (line 1: unix_uid: 18446744073709551615 is out of range)" },
	{ "\"unix_uid\":-1", "reject user u alice uid_range (line 1: unix_uid: -1 is out of range)" },
	{ "\"unix_uid\":5001.0", "reject user u alice uid_type (line 1: unix_uid: double, not int)" },
	{ "\"unix_uid\":5e3", "reject user u alice uid_type (line 1: unix_uid: double, not int)" },
	{ "\"unix_uid\":1e999", "reject user u alice uid_type (line 1: unix_uid: double, not int)" },
	{ "\"unix_guid\":\"5001\"", "reject user u alice gid_type (line 1: unix_guid: string, not int)" },
	{ "\"unix_guid\":27", "reject user u alice gid_range (line 1: unix_guid: 27 is not in 1000..2147483647)" },
	{ "\"displayname\":\"Doe, Alice\"", "account u alice 0:0 ACTIVATED gecos=Doe Alice pending" },
	{ "\"displayname\":\"a,b&c\"", "account u alice 0:0 ACTIVATED gecos=a b+c pending" },
	{ "\"displayname\":\"\\u00c4\\ud83d\\ude00\"", "account u alice 0:0 ACTIVATED gecos=\xc3\x84\xf0\x9f\x98\x80 pending" },
	{ "\"displayname\":\"a:b\"", "reject user u alice gecos_invalid (line 1: displayname: ':' or control characters in it)" },
	{ "\"displayname\":\"a\\nb\"", "reject user u alice gecos_invalid (line 1: displayname: control characters in it)" },
	{ "\"displayname\":\"a\\u009bb\"", "reject user u alice gecos_invalid (line 1: displayname: control characters in it)" },
	{ "\"displayname\":\"\\u202eb\"", "reject user u alice gecos_invalid (line 1: displayname: ':' or control characters in it)" },
	{ "\"home\":\"/home/al\",\"shell\":\"/bin/sh\"", "account u alice 0:0 ACTIVATED home=/home/al shell=/bin/sh pending" },
	{ "\"home\":\"\",\"shell\":\"\"", "account u alice 0:0 ACTIVATED pending" },
	{ "\"home\":\"/\"", "reject user u alice home_invalid (line 1: home: not one that is taken)" },
	{ "\"home\":\"/root\"", "reject user u alice home_invalid (line 1: home: not one that is taken)" },
	{ "\"home\":\"/home/../etc\"", "reject user u alice home_invalid (line 1: home: not one that is taken)" },
	{ "\"shell\":\"sh\"", "reject user u alice shell_invalid (line 1: shell: not one that is taken)" },
	{ "\"shell\":\"/bin/sh\\nx\"", "reject user u alice shell_invalid (line 1: shell: control characters in it)" },
	{ "\"email\":\"a@b.c\"", "account u alice 0:0 ACTIVATED email=a@b.c pending" },
	{ "\"sudo\":true", "account u alice 0:0 ACTIVATED pending sudo" },
	{ "\"sudo\":true,\"passwordless_sudo\":true", "account u alice 0:0 ACTIVATED pending sudo nopasswd" },
	{ "\"passwordless_sudo\":true", "account u alice 0:0 ACTIVATED pending" },
	{ "\"allow_public_key\":false", "account u alice 0:0 ACTIVATED pending no_keys" },
	{ "\"account_locked\":true,\"account_locked_date\":\"2024-01-01\"",
	  "account u alice 0:0 ACTIVATED locked pending locked=1704067200" },
	{ "\"password_expired\":true,\"password_date\":\"2021-02-12T17:45:42.369Z\","
	  "\"password_expiration_date\":\"2024-01-01T00:00:01Z\",\"created\":\"1970-01-01T00:00:05Z\"",
	  "account u alice 0:0 ACTIVATED pending expired created=5 changed=1613151942 expires=1704067201" },
	{ "\"password_never_expires\":true,\"disableDeviceMaxLoginAttempts\":true,\"totp_enabled\":true",
	  "account u alice 0:0 ACTIVATED pending never_expires totp_enabled no_lockout" },
	{ "\"password_expiration_date\":\"\"", "account u alice 0:0 ACTIVATED pending" },
	{ "\"password_expiration_date\":\"soon\"",
	  "reject user u alice password_expiration_date_invalid (line 1: password_expiration_date: \"soon\" is not a date)" },
	{ "\"mfa\":{\"configured\":true,\"exclusion\":true,\"exclusionUntil\":\"1970-01-01T00:00:09Z\"}",
	  "account u alice 0:0 ACTIVATED pending mfa mfa_exclusion excluded=9" },
	{ "\"enable_user_portal_multifactor\":true", "account u alice 0:0 ACTIVATED pending mfa_required" },
	{ "\"mfa\":{\"configured\":\"yes\"}", "reject user u alice mfa_type (line 1: configured: string, not boolean)" },
	{ "\"totp_secret\":\"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\"",
	  "account u alice 0:0 ACTIVATED totp=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP pending" },
	{ "\"totp_secret\":\"ABCDEFGHIJKLM234==\"", "account u alice 0:0 ACTIVATED totp=ABCDEFGHIJKLM234== pending" },
	{ "\"totp_secret\":\"ABCDEFGHIJKLM23=\"",
	  "reject user u alice totp_secret_invalid (line 1: totp_secret: not base32 of at least 16 characters)" },
	{ "\"totp_secret\":\"\"", "account u alice 0:0 ACTIVATED pending" },
	{ "\"totp_secret\":\"short\"",
	  "reject user u alice totp_secret_invalid (line 1: totp_secret: not base32 of at least 16 characters)" },
	{ "\"totp_secret\":\"JBSWY3DPEHPK3PXP1\"",
	  "reject user u alice totp_secret_invalid (line 1: totp_secret: not base32 of at least 16 characters)" },
	{ "\"password_hash\":\"" HASH "\"", "account u alice 0:0 ACTIVATED hash=" HASH },
	{ "\"password_hash\":\"" HASH "\",\"activated\":false", "account u alice 0:0 ACTIVATED hash=" HASH " pending" },
	{ "\"password_hash\":\"\"", "account u alice 0:0 ACTIVATED pending" },
	{ "\"password_hash\":\"$6$rounds=1000000000$abcdefgh$MXHRMNsKYxCtfXBoXuHrXPrbsGkP4Ym6wEl5/TJFF1jG4YrbrqhG.HmXwv3lZZ5Gs"
	  "yuhB3AwLEF5xwBU.vqV/1\"",
	  "reject password u alice hash_cost (line 1: password_hash: it costs too much to compute)\n"
	  "account u alice 0:0 ACTIVATED" },
	{ "\"password_hash\":\"hunter2\"",
	  "reject password u alice hash_invalid (line 1: password_hash: none of $y$, $2b$, $6$, $5$)\n"
	  "account u alice 0:0 ACTIVATED" },
	{ "\"ssh_keys\":[{\"public_key\":\"" KEY "\"}]", "account u alice 0:0 ACTIVATED pending key=" KEY_SHOWN },
	{ "\"ssh_keys\":[{\"name\":\"n\",\"public_key\":\"" KEY " a b\\r\\n\"}]",
	  "account u alice 0:0 ACTIVATED pending key=" KEY_SHOWN },
	{ "\"ssh_keys\":[{\"public_key\":\"command=\\\"x\\\" " KEY "\"},{\"public_key\":\"" KEY "\"}]",
	  "reject key u alice key_invalid (line 1: not one public key, or options before it)\n"
	  "account u alice 0:0 ACTIVATED pending key=" KEY_SHOWN },
	{ "\"ssh_keys\":[{\"public_key\":\"" KEY "\\n" KEY "\"}]",
	  "reject key u alice key_invalid (line 1: not one public key, or options before it)\n"
	  "account u alice 0:0 ACTIVATED pending" },
	{ "\"ssh_keys\":[{\"public_key\":\"" KEY_WEAK "\"}]",
	  "reject key u alice key_weak (line 1: a type or size that is not accepted)\n"
	  "account u alice 0:0 ACTIVATED pending" },
	{ "\"ssh_keys\":[{\"public_key\":7},{},5,{\"public_key\":null}]",
	  "reject key u alice key_type (line 1: public_key: int, not string)\n"
	  "reject key u alice key_missing (line 1: no public_key)\n"
	  "reject key u alice key_type (line 1: not an object)\n"
	  "reject key u alice key_missing (line 1: no public_key)\n"
	  "account u alice 0:0 ACTIVATED pending" },
	{ "\"scheduled\":[{\"state\":\"SUSPENDED\",\"scheduledDate\":\"1970-01-01T00:00:08Z\"},"
	  "{\"state\":\"ACTIVATED\",\"scheduledDate\":\"1970-01-01T00:00:07Z\",\"x\":1},"
	  "{\"state\":\"SUSPENDED\",\"scheduledDate\":\"1970-01-01T00:00:09Z\"},"
	  "{\"state\":\"ACTIVATED\",\"scheduledDate\":\"1970-01-01T00:00:08Z\"}]",
	  "account u alice 0:0 ACTIVATED pending ACTIVATED@7 ACTIVATED@8 SUSPENDED@8 SUSPENDED@9" },
	{ "\"scheduled\":[{\"state\":\"STAGED\",\"scheduledDate\":\"2024-01-01\"}]",
	  "reject user u alice scheduled_invalid (line 1: scheduled: item 1: ACTIVATED or SUSPENDED, and a date)" },
	{ "\"scheduled\":[{\"state\":\"SUSPENDED\"}]",
	  "reject user u alice scheduled_invalid (line 1: scheduled: item 1: ACTIVATED or SUSPENDED, and a date)" },
	{ "\"scheduled\":[7]", "reject user u alice scheduled_type (line 1: scheduled: item 1 is not an object)" },
	{ "\"scheduled\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]",
	  "reject user u alice scheduled_many (line 1: scheduled: more than 16)" },
};

static void test_users(void **state)
{
	struct dump d = { .options.secrets = true };
	char text[4096], says[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		snprintf(text, sizeof(text), HEAD "\"users\":[{\"id\":\"u\",\"username\":\"alice\",%s}]}",
			 users[i].fields);
		snprintf(says, sizeof(says), "%s\n", users[i].says);
		expect(&d, text, says);
	}
}

/* Who a user is: the whole object, alone in its document. */
static const struct {
	const char *user, *says;
} identities[] = {
	{ "{\"_id\":\"u\",\"username\":\"alice\"}", "account u alice 0:0 ACTIVATED pending" },
	{ "{\"username\":\"alice\"}", "reject user - - id_missing (line 1: id: there is none)" },
	{ "{\"id\":7,\"username\":\"alice\"}", "reject user - - id_type (line 1: id: int, not string)" },
	{ "{\"id\":\"\",\"username\":\"alice\"}",
	  "reject user - - id_invalid (line 1: id: not 1 to 64 of A-Z a-z 0-9 . _ -, or id and _id differ)" },
	{ "{\"id\":\"a/b\",\"username\":\"alice\"}",
	  "reject user - - id_invalid (line 1: id: not 1 to 64 of A-Z a-z 0-9 . _ -, or id and _id differ)" },
	{ "{\"id\":\"u\"}", "reject user u - name_missing (line 1: username: there is none)" },
	{ "{\"id\":\"u\",\"systemUsername\":\"al\"}", "reject user u - name_missing (line 1: username: there is none)" },
	{ "{\"id\":\"u\",\"username\":null}", "reject user u - name_missing (line 1: username: there is none)" },
	{ "{\"id\":\"u\",\"username\":\"root\"}", "reject user u root name_reserved (line 1: username: a name of the system)" },
	{ "{\"id\":\"u\",\"username\":\"SUDO\"}", "reject user u SUDO name_reserved (line 1: username: a name of the system)" },
	{ "{\"id\":\"u\",\"username\":\"1a\"}", "reject user u 1a name_invalid (line 1: username: no name for a local user)" },
	{ "{\"id\":\"u\",\"username\":\"../x\"}", "reject user u ../x name_invalid (line 1: username: no name for a local user)" },
	{ "{\"id\":\"u\",\"username\":\"a\\u001b[2J\"}", "reject user u - name_invalid (line 1: username: control characters in it)" },
	{ "{\"id\":\"u\",\"username\":\"\\u202ea\"}", "reject user u \\xe2\\x80\\xaea name_invalid (line 1: username: no name for a local user)" },
	{ "17", "reject user - - user_type (line 1: user: not an object)" },
	{ "null", "reject user - - user_type (line 1: user: not an object)" },
	{ "[]", "reject user - - user_type (line 1: user: not an object)" },
	{ "\"alice\"", "reject user - - user_type (line 1: user: not an object)" },
};

static void test_identities(void **state)
{
	struct dump d = { 0 };
	char text[1024], says[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(identities); i++) {
		snprintf(text, sizeof(text), HEAD "\"users\":[%s,{\"id\":\"b\",\"username\":\"bob\"}]}",
			 identities[i].user);
		snprintf(says, sizeof(says), "%s\naccount b bob 0:0 ACTIVATED pending\n", identities[i].says);
		expect(&d, text, says);
	}
}

/* Each has its own reason, and nothing of the one before. */
static void test_reasons(void **state)
{
	struct dump d = { 0 };

	(void)state;
	expect(&d,
	       HEAD "\"users\":[{\"id\":\"a\",\"username\":\"x\",\"unix_uid\":true},{\"id\":\"b\",\"username\":\"root\"},\n"
		    "{\"id\":\"c\"},{\"username\":\"y\"},{\"a\":{\"b\":1,\"b\":1}},{\"id\":\"d\",\"username\":\"z\"}],"
		    "\"groups\":[{\"id\":\"g\",\"name\":\"G\",\"attributes\":true},{\"id\":\"h\",\"members\":7},{\"id\":\"i\"}]}",
	       "reject user a x uid_type (line 1: unix_uid: boolean, not int)\n"
	       "reject user b root name_reserved (line 1: username: a name of the system)\n"
	       "reject user c - name_missing (line 2: username: there is none)\n"
	       "reject user - - id_missing (line 2: id: there is none)\n"
	       "reject user - - key_twice (line 2: an object has the same key twice)\n"
	       "account d z 0:0 ACTIVATED pending\n"
	       "reject group g G attributes_type (line 2: attributes: not an object)\n"
	       "reject group h - members_type (line 2: group: \"members\" is not a list)\n"
	       "group i \"\"\n");
}

/* Every JSON type in every field: the user is taken when the field can be that, else left out for it. */
static void test_types(void **state)
{
	/* b boolean, n number, s string, a array, o object; null is always "not set". */
	static const struct {
		const char *value, *type;
	} values[] = { { "true", "b" }, { "false", "b" }, { "1.5", "f" },  { "5001", "n" },
		       { "\"\"", "s" }, { "[]", "a" },	  { "{}", "o" },   { "null", "bfnsao" },
		       { "[5001]", "A" }, { "1e999", "f" }, { "{\"a\":1}", "o" } };
	static const struct {
		const char *field, *types, *word;
	} fields[] = {
		{ "state", "s", "state" },
		{ "suspended", "b", "suspended" },
		{ "activated", "b", "activated" },
		{ "account_locked", "b", "account_locked" },
		{ "account_locked_date", "s", "account_locked_date" },
		{ "password_expired", "b", "password_expired" },
		{ "password_date", "s", "password_date" },
		{ "password_expiration_date", "s", "password_expiration_date" },
		{ "password_never_expires", "b", "password_never_expires" },
		{ "created", "s", "created" },
		{ "unix_uid", "n", "uid" },
		{ "unix_guid", "n", "gid" },
		{ "displayname", "s", "gecos" },
		{ "email", "s", "email" },
		{ "sudo", "b", "sudo" },
		{ "passwordless_sudo", "b", "passwordless_sudo" },
		{ "allow_public_key", "b", "allow_public_key" },
		{ "ssh_keys", "aA", "ssh_keys" },
		{ "mfa", "o", "mfa" },
		{ "totp_enabled", "b", "totp_enabled" },
		{ "password_hash", "s", "password_hash" },
		{ "totp_secret", "s", "totp_secret" },
		{ "home", "s", "home" },
		{ "shell", "s", "shell" },
		{ "scheduled", "a", "scheduled" },
		{ "systemUsername", "s", "name" },
		{ "disableDeviceMaxLoginAttempts", "b", "disableDeviceMaxLoginAttempts" },
		{ "_id", "", "id" },
	};
	struct dump d = { .options.secrets = true };
	char text[512], word[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		for (size_t j = 0; j < ARRAY_SIZE(values); j++) {
			bool taken = values[j].type[1] || strstr(fields[i].types, values[j].type);

			snprintf(text, sizeof(text), HEAD "\"users\":[{\"id\":\"u\",\"username\":\"alice\",\"%s\":%s}]}",
				 fields[i].field, values[j].value);
			snprintf(word, sizeof(word), " %s_", fields[i].word);
			d.text.len = 0;
			assert_int_equal(dump_document(&d, text, strlen(text)), 0);
			if (taken != !!strstr((char *)d.text.data, "account u alice "))
				fail_msg("%s: %s", text, (char *)d.text.data);
			if (!taken && (strncmp((char *)d.text.data, "reject user ", 12) != 0 ||
				       !strstr((char *)d.text.data, word)))
				fail_msg("%s: %s", text, (char *)d.text.data);
		}
	buf_done(&d.text);
}

static void test_duplicates(void **state)
{
	struct dump d = { 0 };

	(void)state;
	expect(&d,
	       HEAD "\"users\":[{\"id\":\"a\",\"username\":\"x1\"},\n{\"_id\":\"b\",\"username\":\"x2\"},\n"
		    "{\"username\":\"x3\",\"\\u0069d\":\"\\u0061\"},\n{\"id\":\"a\",\"username\":7},\n"
		    "{\"id\":\"c\",\"username\":\"x2\"}]}",
	       "reject user a x1 id_duplicate (line 1: more than one has this id)\n"
	       "account b x2 0:0 ACTIVATED pending\n"
	       "account c x2 0:0 ACTIVATED pending\n"); /* names are musterd's question */
}

/* Whether there is a password is known where it is verified. */
static void test_passwords_elsewhere(void **state)
{
	struct dump d = { .options.passwords_elsewhere = true };

	(void)state;
	expect(&d, HEAD "\"users\":[{\"id\":\"a\",\"username\":\"x\"}]}", "account a x 0:0 ACTIVATED\n");
	expect(&d, HEAD "\"users\":[{\"id\":\"a\",\"username\":\"x\",\"activated\":false}]}",
	       "account a x 0:0 ACTIVATED pending\n");
}

/* A document that anyone can fetch must not carry what passwords are checked with. */
static void test_secrets(void **state)
{
	static const char hash[] =
		HEAD "\"users\":[\n{\"id\":\"a\",\"username\":\"x\",\"password_hash\":\"" HASH "\"}]}";
	static const char totp[] = HEAD "\"users\":[\n{\"id\":\"a\",\"username\":\"x\",\"totp_secret\":\"x\"}]}";
	struct dump d = { 0 };

	(void)state;
	expect_error(hash, strlen(hash), -EACCES,
		     "line 2, column 1: passwords or TOTP secrets in a document that anyone may fetch");
	expect_error(totp, strlen(totp), -EACCES,
		     "line 2, column 1: passwords or TOTP secrets in a document that anyone may fetch");
	expect(&d, HEAD "\"users\":[{\"id\":\"a\",\"username\":\"x\",\"password_hash\":null,\"totp_secret\":\"\"}]}",
	       "account a x 0:0 ACTIVATED pending\n");
}

static const struct {
	const char *group, *says;
} groups[] = {
	{ "{\"id\":\"g\",\"name\":\"Admins\"}", "group g \"Admins\"" },
	{ "{\"_id\":\"g\",\"id\":\"g\"}", "group g \"\"" },
	{ "{\"id\":\"g\",\"name\":null,\"attributes\":null,\"members\":null,\"x\":[{}]}", "group g \"\"" },
	{ "{\"members\":[\"u\"],\"id\":\"g\",\"name\":\"N\"}", "group g \"N\"\nmembers of=g u" },
	{ "{\"id\":\"g\",\"others\":[\"u\"],\"x\":{\"members\":[\"u\"]}}", "group g \"\"\ngroup z \"last\"\nmembers of=z u" },
	{ "{\"id\":\"g\",\"members\":[\"v\",\"nobody\"]}", "group g \"\"" }, /* v is not bound to be known */
	{ "{\"id\":\"g\",\"members\":[\"u\",7,null,\"a b\",\"\\ud800\"]}",
	  "group g \"\"\n"
	  "reject member g - id_invalid (line 1: in a list of ids)\n"
	  "reject member g - id_invalid (line 1: in a list of ids)\n"
	  "reject member g - id_invalid (line 1: in a list of ids)\n"
	  "reject member g - id_invalid (line 1: in a list of ids)\n"
	  "members of=g u" },
	{ "{\"id\":\"g\",\"attributes\":{\"sudo\":{\"enabled\":true,\"withoutPassword\":true}}}",
	  "group g \"\" sudo nopasswd" },
	{ "{\"id\":\"g\",\"attributes\":{\"sudo\":{\"enabled\":false,\"withoutPassword\":true}}}", "group g \"\"" },
	{ "{\"id\":\"g\",\"attributes\":{\"posixGroups\":[{\"id\":7000,\"name\":\"dev\"}],\"ldapGroups\":[]}}",
	  "group g \"\" dev=7000" },
	{ "{\"id\":\"g\",\"attributes\":{\"posixGroups\":[{\"id\":7000,\"name\":\"sudo\"},{\"id\":7001,\"name\":\"Docker\"},"
	  "{\"id\":27,\"name\":\"x\"},{\"id\":7002,\"name\":\"a b\"},{\"id\":0,\"name\":\"y\"},{\"id\":7003,\"name\":\"ok\"}]}}",
	  "reject posix_group g sudo name_reserved (line 1)\n"
	  "reject posix_group g Docker name_reserved (line 1)\n"
	  "reject posix_group g x gid_range (line 1)\n"
	  "reject posix_group g a b name_invalid (line 1)\n"
	  "reject posix_group g y gid_range (line 1)\n"
	  "group g \"\" ok=7003" },
	{ "{\"id\":\"g\",\"attributes\":{\"posixGroups\":[{\"id\":\"7000\",\"name\":\"dev\"}]},\"members\":[\"u\"]}",
	  "reject group g - posix_type (line 1: id: string, not int)" },
	{ "{\"id\":\"g\",\"attributes\":{\"posixGroups\":[{\"id\":7000}]}}",
	  "reject group g - posix_missing (line 1: posixGroups: an item without name or id)" },
	{ "{\"id\":\"g\",\"attributes\":{\"posixGroups\":[7]}}",
	  "reject group g - posix_type (line 1: posixGroups: an item is not an object)" },
	{ "{\"id\":\"g\",\"attributes\":{\"posixGroups\":{}}}",
	  "reject group g - posix_type (line 1: posixGroups: object, not array)" },
	{ "{\"id\":\"g\",\"attributes\":{\"posixGroups\":[1,2,3,4,5,6,7,8,9]}}",
	  "reject group g - posix_many (line 1: posixGroups: more than 8)" },
	{ "{\"id\":\"g\",\"attributes\":{\"sudo\":true}}", "reject group g - sudo_type (line 1: sudo: boolean, not object)" },
	{ "{\"id\":\"g\",\"attributes\":{\"sudo\":{\"enabled\":1}}}",
	  "reject group g - sudo_type (line 1: enabled: int, not boolean)" },
	{ "{\"id\":\"g\",\"attributes\":[]}", "reject group g - attributes_type (line 1: attributes: not an object)" },
	{ "{\"id\":\"g\",\"attributes\":{\"a\":1,\"a\":2}}",
	  "reject group g - key_twice (line 1: an object has the same key twice)" },
	{ "{\"id\":\"g\",\"members\":{}}", "reject group g - members_type (line 1: group: \"members\" is not a list)" },
	{ "{\"id\":\"g\",\"members\":[],\"members\":[\"u\"]}",
	  "reject group g - key_twice (line 1: group: it has the same key twice)" },
	{ "{\"id\":\"g\",\"name\":\"a\",\"name\":\"b\"}",
	  "reject group g a key_twice (line 1: group: it has the same key twice)" },
	{ "{\"id\":\"g\",\"name\":5}", "reject group g - name_invalid (line 1: group: its name is no plain text)" },
	{ "{\"id\":\"g\",\"name\":\"a\\nb\"}", "reject group g - name_invalid (line 1: group: its name is no plain text)" },
	{ "{\"name\":\"x\",\"members\":[\"u\"]}", "reject group - x id_invalid (line 1: group: it has no id that can be used)" },
	{ "{\"id\":\"g\",\"_id\":\"h\"}", "reject group - - id_invalid (line 1: group: it has no id that can be used)" },
	{ "{\"id\":5,\"name\":\"x\"}", "reject group - x id_invalid (line 1: group: it has no id that can be used)" },
	{ "7", "reject group - - group_type (line 1: group: not an object)" },
	{ "null", "reject group - - group_type (line 1: group: not an object)" },
	{ "{\"id\":\"g\",\"name\":\"a\"},{\"id\":\"g\",\"name\":\"b\",\"members\":[\"u\"]}",
	  "reject group g a id_duplicate (line 1: more than one has this id)" },
};

static void test_groups(void **state)
{
	struct dump d = { 0 };
	char text[2048], says[2048];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		snprintf(text, sizeof(text),
			 HEAD "\"users\":[{\"id\":\"u\",\"username\":\"alice\"},{\"id\":\"v\",\"username\":7}],"
			      "\"groups\":[%s,{\"id\":\"z\",\"name\":\"last\",\"members\":[\"u\"]}]}",
			 groups[i].group);
		d.text.len = 0;
		assert_int_equal(dump_document(&d, text, strlen(text)), 0);
		/* Groups come before members: what is said of z comes in between. */
		for (const char *line = groups[i].says; *line; line += strcspn(line, "\n"), line += *line == '\n') {
			snprintf(says, sizeof(says), "%.*s\n", (int)strcspn(line, "\n"), line);
			if (!strstr((char *)d.text.data, says))
				fail_msg("%s\ngave:\n%swant:\n%s", text, (char *)d.text.data, says);
		}
		assert_non_null(strstr((char *)d.text.data, "group z \"last\"\n"));
		assert_non_null(strstr((char *)d.text.data, "members of=z u\n"));
		if (!strstr(groups[i].says, "members of=g"))
			assert_null(strstr((char *)d.text.data, "of=g"));
	}
	buf_done(&d.text);
}

static const struct {
	const char *policy, *says;
} policies[] = {
	{ "{}", "lockout" },
	{ "{\"maxLoginAttempts\":5,\"lockoutTimeInSeconds\":600,\"resetLockoutCounterMinutes\":30}",
	  "lockout attempts=5 time=600 window=1800" },
	{ "{\"maxLoginAttempts\":null}", "lockout" },
	{ "{\"maxLoginAttempts\":5,\"enableMaxLoginAttempts\":true}", "lockout attempts=5" },
	{ "{\"maxLoginAttempts\":5,\"enableMaxLoginAttempts\":false,\"lockoutTimeInSeconds\":600,"
	  "\"enableLockoutTimeInSeconds\":false,\"resetLockoutCounterMinutes\":30,\"enableResetLockoutCounter\":false}",
	  "lockout attempts=0 time=0 window=0" },
	{ "{\"enableMaxLoginAttempts\":true,\"minLength\":\"x\"}", "lockout" },
};

static void test_policies(void **state)
{
	struct dump d = { 0 };
	char text[512], says[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		snprintf(text, sizeof(text), HEAD "\"users\":[],\"policy\":%s}", policies[i].policy);
		snprintf(says, sizeof(says), "%s\n", policies[i].says);
		expect(&d, text, says);
	}
}

static void test_removed(void **state)
{
	struct dump d = { 0 };

	(void)state;
	expect(&d, HEAD "\"users\":[],\"removed\":[]}", "");
	expect(&d, HEAD "\"users\":[],\"removed\":[\"a\",7,\"b\"]}",
	       "reject member - - id_invalid (line 1: in a list of ids)\nremoved a b\n");
}

#define FOUR_USERS                                                                                             \
	"\"users\":[{\"id\":\"a\",\"username\":\"x1\"},{\"id\":\"b\",\"username\":\"x2\",\"unix_uid\":\"bad\"}," \
	"{\"id\":\"c\",\"username\":\"x3\"},{\"id\":\"d\",\"username\":\"x4\",\"ssh_keys\":[7]}]"
#define TWO_GROUPS                                                                  \
	"\"groups\":[{\"members\":[\"a\",\"b\",7,\"a\"],\"id\":\"g\",\"name\":\"G\"}," \
	"{\"id\":\"h\",\"name\":\"H\",\"members\":[\"a\",\"c\",\"d\"],\"attributes\":5}]"
#define BINDINGS                                                                                           \
	"\"bindings\":{\"other\":{\"users\":[\"d\"]},\"host\":{\"groups\":[\"g\",\"lost\"],\"users\":null}," \
	"\"5cdc\":{\"users\":[\"c\",\"lost\"]},\"empty\":null,\"odd\":7}"

static const struct {
	const char *hostname, *system_id, *says;
} endpoints[] = {
	{ "HOST", "",
	  "account a x1 0:0 ACTIVATED pending\n"
	  "reject user b x2 uid_type (line 1: unix_uid: string, not int)\n"
	  "group g \"G\"\n"
	  "reject member g - id_invalid (line 1: in a list of ids)\n"
	  "members of=g a a\n" },
	{ "none", "5cdc", "account c x3 0:0 ACTIVATED pending\n" },
	{ "none", "5CDC", "" },
	{ "host", "5cdc",
	  "account a x1 0:0 ACTIVATED pending\n"
	  "reject user b x2 uid_type (line 1: unix_uid: string, not int)\n"
	  "account c x3 0:0 ACTIVATED pending\n"
	  "group g \"G\"\n"
	  "reject member g - id_invalid (line 1: in a list of ids)\n"
	  "members of=g a a\n" },
	{ "empty", "", "" },
	{ "other", "",
	  "reject key d x4 key_type (line 1: not an object)\n"
	  "account d x4 0:0 ACTIVATED pending\n" },
	{ "", "", "" },
};

static void test_bindings(void **state)
{
	struct dump d = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(endpoints); i++) {
		d.options.hostname = endpoints[i].hostname;
		d.options.system_id = endpoints[i].system_id;
		expect(&d, HEAD FOUR_USERS "," TWO_GROUPS "," BINDINGS "}", endpoints[i].says);
	}
	d.options.everywhere = true;
	expect(&d, HEAD FOUR_USERS "," TWO_GROUPS "," BINDINGS "}",
	       "account a x1 0:0 ACTIVATED pending\n"
	       "reject user b x2 uid_type (line 1: unix_uid: string, not int)\n"
	       "account c x3 0:0 ACTIVATED pending\n"
	       "reject key d x4 key_type (line 1: not an object)\n"
	       "account d x4 0:0 ACTIVATED pending\n"
	       "group g \"G\"\n"
	       "reject group h H attributes_type (line 1: attributes: not an object)\n"
	       "reject member g - id_invalid (line 1: in a list of ids)\n"
	       "members of=g a a\n");
}

/* A group that is left out for its attributes binds its members all the same. */
static void test_bound_by_bad_group(void **state)
{
	struct dump d = { .options.hostname = "h" };

	(void)state;
	expect(&d,
	       HEAD "\"users\":[{\"id\":\"a\",\"username\":\"x\"}],\"bindings\":{\"h\":{\"groups\":[\"g\"]}},"
		    "\"groups\":[{\"id\":\"g\",\"attributes\":7,\"members\":[\"a\"]}]}",
	       "account a x 0:0 ACTIVATED pending\n"
	       "reject group g - attributes_type (line 1: attributes: not an object)\n");
}

/* Whatever the order of the parts, and however the bytes come. */
static void test_order(void **state)
{
	static const char *const parts[] = { "\"format\":\"muster-directory/1\"", FOUR_USERS, TWO_GROUPS, BINDINGS,
					     "\"policy\":{\"maxLoginAttempts\":5},\"removed\":[\"z\"]" };
	struct dump d = { .options = { .hostname = "host", .system_id = "5cdc" } };
	char text[2048], says[1024];
	unsigned tried = 0;

	(void)state;
	snprintf(says, sizeof(says), "lockout attempts=5\nremoved z\n%s", endpoints[3].says);
	for (unsigned order = 0; order < 5 * 5 * 5 * 5 * 5; order++) {
		unsigned used = 0;
		size_t len = 0;

		for (unsigned i = 0, rest = order; i < 5; i++, rest /= 5) {
			used |= 1u << rest % 5;
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? "," : "{", parts[rest % 5]);
		}
		if (used != 31)
			continue;
		snprintf(text + len, sizeof(text) - len, "}");
		expect(&d, text, says);
		tried++;
	}
	assert_int_equal(tried, 120);
}

static void test_splits(void **state)
{
	static const char text[] = HEAD BINDINGS "," TWO_GROUPS ",\n" FOUR_USERS ",\"removed\":[\"z\"]}\n";
	struct dump whole = { .options = { .hostname = "host", .system_id = "5cdc" } };
	size_t len = sizeof(text) - 1;

	(void)state;
	assert_int_equal(dump_document(&whole, text, len), 0);
	assert_true(whole.text.len > 100);
	for (size_t i = 1; i < len + 40; i++) {
		struct dump d = { .options = whole.options };
		size_t first = i < len ? i : 0, step = i < len ? len : i - len + 1;

		assert_int_equal(dump_pieces(&d, text, len, first, step), 0);
		assert_string_equal((char *)d.text.data, (char *)whole.text.data);
		buf_done(&d.text);
	}
	buf_done(&whole.text);
}

static void add(struct buf *b, const char *s)
{
	assert_int_equal(buf_add(b, s, strlen(s)), 0);
}

/* A user larger than 256 KiB is left out alone; a list of members may be as long as it likes. */
static void test_large(void **state)
{
	struct dump d = { 0 };
	struct buf text = { 0 };
	char id[32];
	size_t count = 0;

	(void)state;
	add(&text, HEAD "\"users\":[{\"id\":\"a\",\"username\":\"x\",\"junk\":\"");
	for (unsigned i = 0; i < DOCUMENT_ELEMENT_MAX / 16; i++)
		add(&text, "0123456789abcdef");
	add(&text, "\"},{\"id\":\"u00000\",\"username\":\"u00000\"}");
	for (unsigned i = 1; i < 20000; i++) {
		snprintf(id, sizeof(id), "u%05u", i);
		add(&text, ",{\"id\":\"");
		add(&text, id);
		add(&text, "\",\"username\":\"");
		add(&text, id);
		add(&text, "\"}");
	}
	add(&text, "],\"groups\":[{\"members\":[\"u00000\"");
	for (unsigned i = 1; i < 50000; i++) {
		snprintf(id, sizeof(id), ",\"u%05u\"", i);
		add(&text, id);
	}
	add(&text, "],\"id\":\"g\"}]}");
	assert_int_equal(dump_document(&d, (char *)text.data, text.len), 0);
	assert_non_null(strstr((char *)d.text.data, "reject user - - too_big (line 1: larger than is taken)\n"));
	assert_int_equal(d.result.users, 20001);
	for (const char *s = (char *)d.text.data; (s = strstr(s, "\nmembers of=g ")); s++)
		for (const char *id_at = s + 13; *id_at == ' '; id_at += 7)
			count++;
	assert_int_equal(count, 20000); /* those that are known */
	buf_done(&text);
	buf_done(&d.text);
}

/* A sink that counts its calls and fails at the N-th. */
struct failing {
	unsigned calls, fail_at;
};

static int one_call(struct failing *f)
{
	return ++f->calls == f->fail_at ? -EXDEV : 0;
}

static int failing_account(void *context, const struct account *a)
{
	(void)a;
	return one_call(context);
}

static int failing_group(void *context, const struct dir_group *g)
{
	(void)g;
	return one_call(context);
}

static int failing_membership(void *context, const struct membership *m)
{
	(void)m;
	return one_call(context);
}

static int failing_lockout(void *context, const struct lockout_policy *p)
{
	(void)p;
	return one_call(context);
}

static int failing_reject(void *context, const struct reject *r)
{
	(void)r;
	return one_call(context);
}

#define EVERYTHING                                                                                                    \
	HEAD "\"policy\":{},\"removed\":[\"r\",7],\"bindings\":{\"h\":{\"users\":[\"a\",\"b\",\"e\",7],\"groups\":[\"g\"," \
	     "\"i\"]}},\"users\":[7,{\"id\":\"a\",\"username\":\"x\",\"ssh_keys\":[7],\"password_hash\":\"x\"},{\"id\":"    \
	     "\"b\",\"username\":7},{\"id\":\"e\",\"username\":\"x\"},{\"id\":\"e\",\"username\":\"x\"}],\"groups\":["    \
	     "7,{\"id\":\"g\",\"members\":[\"a\",7],\"attributes\":{\"posixGroups\":[{\"id\":1,\"name\":\"x\"}]}},"      \
	     "{\"id\":\"i\",\"attributes\":7}]}"

static int read_failing(struct failing *f)
{
	AUTO_CLOSE int fd = memfd_create("document", MFD_CLOEXEC);
	const struct document_sink sink = { failing_account,	failing_group,	 failing_membership,
					    failing_membership, failing_membership, failing_lockout, failing_reject, f };
	const struct document_options options = { .hostname = "h", .system_id = "", .secrets = true };
	struct document_result result;

	assert_int_equal(write(fd, EVERYTHING, strlen(EVERYTHING)), strlen(EVERYTHING));
	return document_read(fd, &options, &sink, &result);
}

/* Whichever call fails, that is the end of it. */
static void test_sink_fails(void **state)
{
	struct failing all = { 0 };

	(void)state;
	assert_int_equal(read_failing(&all), 0);
	assert_int_equal(all.calls, 16);
	for (unsigned i = 1; i <= all.calls; i++) {
		struct failing f = { .fail_at = i };

		assert_int_equal(read_failing(&f), -EXDEV);
		assert_int_equal(f.calls, i);
	}
}

static unsigned allocations, fail_allocation;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *__wrap_malloc(size_t size)
{
	return ++allocations == fail_allocation ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return ++allocations == fail_allocation ? NULL : __real_calloc(n, size);
}

/* Whenever there is no memory: no half of a document is taken for a whole. */
static void test_no_memory(void **state)
{
	struct failing f = { 0 };
	unsigned needed;

	(void)state;
	allocations = 0;
	assert_int_equal(read_failing(&f), 0);
	needed = allocations;
	assert_in_range(needed, 10, 1000);
	for (unsigned i = 1; i <= needed; i++) {
		f = (struct failing){ 0 };
		allocations = 0;
		fail_allocation = i;
		assert_int_equal(read_failing(&f), -ENOMEM);
	}
	fail_allocation = 0;
}

struct vandal {
	int fd;
	const char *text;
};

static int vandal_account(void *context, const struct account *a)
{
	struct vandal *v = context;

	(void)a;
	assert_int_equal(pwrite(v->fd, v->text, strlen(v->text), 0), strlen(v->text));
	return 0;
}

static int vandal_group(void *context, const struct dir_group *g)
{
	(void)context;
	(void)g;
	return 0;
}

/* The file changes after its outline was read. */
static void test_changed(void **state)
{
	static const char text[] = HEAD "\"users\":[{\"id\":\"a\",\"username\":\"x\"}],\"groups\":[{\"id\":\"g\"}]}";
	static const char other[] = HEAD "\"users\":[{\"id\":\"b\",\"username\":\"x\"}],\"groups\":[{\"id\":\"g\"}]}";
	AUTO_CLOSE int fd = memfd_create("document", MFD_CLOEXEC);
	struct vandal v = { fd, other };
	const struct document_sink sink = { .account = vandal_account, .group = vandal_group, .context = &v };
	const struct document_options options = { .hostname = "", .system_id = "" };
	struct document_result result;

	(void)state;
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	usleep(20000); /* file times are as fine as the kernel's tick */
	assert_int_equal(document_read(fd, &options, &sink, &result), -EAGAIN);
	assert_string_equal(result.text, "the document was changed while it was read");
}

static int remove_account(void *context, const struct account *a)
{
	(void)a;
	assert_int_equal(unlink(context), 0);
	return 0;
}

/* Another file takes its name, as every edit does: what is open stays what it was. */
static void test_replaced(void **state)
{
	static const char text[] = HEAD "\"users\":[{\"id\":\"a\",\"username\":\"x\"}]}";
	char path[] = "/tmp/muster-document-XXXXXX";
	AUTO_CLOSE int fd = mkostemp(path, O_CLOEXEC);
	const struct document_sink sink = { .account = remove_account, .context = path };
	const struct document_options options = { .hostname = "", .system_id = "" };
	struct document_result result;

	(void)state;
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	usleep(20000);
	assert_int_equal(document_read(fd, &options, &sink, &result), 0);
}

/* What JumpCloud really sends: active, but its password was never set. */
static void test_recorded(void **state)
{
	const char *shared = getenv("MUSTER_SHARED"), *srcdir = getenv("srcdir");
	char path[512], *body, *end;
	static char fixture[65536], text[65536];
	struct dump d = { 0 };
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s%s/jumpcloud/fixtures/recorded/03_systemusers__limit-100_skip-0.json",
		 shared ? shared : srcdir ? srcdir : ".", shared ? "" : "/../shared");
	f = fopen(path, "re");
	if (!f)
		skip();
	fixture[fread(fixture, 1, sizeof(fixture) - 1, f)] = '\0';
	fclose(f);
	body = strstr(fixture, "\"results\": [");
	end = strstr(fixture, "\n   ]\n");
	assert_true(body && end && body < end);
	*end = '\0';
	snprintf(text, sizeof(text), HEAD "\"users\": [%s]}", body + strlen("\"results\": ["));
	expect(&d, text,
	       "account 6026bec6b8207255280d5981 testuser 5001:5001 ACTIVATED gecos=First Last "
	       "email=user@example.com pending created=1613151942\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_bad_documents),
		cmocka_unit_test(test_bad_binding),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_identities),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_passwords_elsewhere),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_bindings),
		cmocka_unit_test(test_bound_by_bad_group),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_splits),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_sink_fails),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

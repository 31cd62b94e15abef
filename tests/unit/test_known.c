/* With what is known of documents before, a document says exactly what it says without. */
#include "tests/unit/unit.h"

#include "agentd/fetch/idset.h"
#include "agentd/fetch/known.h"
#include "common/record.h"
#include "tests/unit/document_dump.h"

#define KEY  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"
#define HEAD "{\"format\":\"muster-directory/1\","
#define ADA  "{\"id\":\"a1\",\"username\":\"ada\",\"ssh_keys\":[{\"public_key\":\"" KEY "\"}]}"
#define BOB  "{\"id\":\"b1\",\"username\":\"bob\"}"
#define BEN  "{\"id\":\"b1\",\"username\":\"ben\"}" /* as long as BOB */
#define CYD  "{\n  \"id\": \"c1\",\n  \"username\": \"cyd\",\n  \"suspended\": true\n}"
#define KEYS "{\"id\":\"k1\",\"username\":\"kay\",\"ssh_keys\":[{\"public_key\":\"none\"}]}"
#define BAD  "{\"id\":\"x1\",\"username\":\"x:y\"}"
#define NOID "{\"username\":\"zoe\"}"
#define BOTH "{\"id\":\"d1\",\"_id\":\"d2\",\"username\":\"dan\"}"
#define TEAM "\"groups\":[{\"id\":\"g1\",\"name\":\"T\",\"attributes\":{\"posixGroups\":[{\"id\":6000,\"name\":\"t\"}]},\"members\":[\"a1\",\"c1\"]}]"

static const char *const documents[] = {
	HEAD "\"users\":[" ADA "," BOB "," CYD "]}",
	HEAD "\"users\":[" ADA "," BEN "," CYD "]}",
	HEAD "\"users\":[" ADA ",\n" CYD "]}",
	HEAD "\"users\":[" CYD "," BOB "," ADA "]}",
	HEAD "\"users\":[" BOB "," ADA "," BOB "," CYD "]}",
	HEAD "\"users\":[" BOB "," BEN "," ADA "]}",
	HEAD "\"users\":[]}",
	HEAD "\"users\":[" KEYS "," BAD "," NOID "," BOTH "," ADA "]}",
	HEAD "\n\n\n\"users\":[" CYD ",\n" KEYS ",\n" BAD ",\n" ADA ", 7, null]}",
	HEAD TEAM ",\"users\":[" ADA "," BOB "," CYD "]}",
	HEAD "\"users\":[" ADA "," BOB "," CYD "]," TEAM ",\"bindings\":{\"host\":{\"users\":[\"b1\"]}}}",
	HEAD "\"bindings\":{\"host\":{\"groups\":[\"g1\"]}},\"users\":[" ADA "," BOB "," CYD "," KEYS "]," TEAM "}",
	HEAD "\"bindings\":{\"other\":{}},\"users\":[" ADA "," BOB "," BOB "," CYD "]}",
	HEAD "\"removed\":[\"b1\"],\"users\":[" ADA "," CYD "],\"policy\":{\"maxLoginAttempts\":3}}",
	HEAD "\"users\":[" ADA "," BOB "," CYD "],\"policy\":[]}",
	HEAD "\"users\":[" ADA "," BOB " " CYD "]}",
	HEAD "\"users\":[" ADA "," BOB "x," CYD "]}",
	HEAD "\"users\":[" ADA "," BOB,
	HEAD "\"users\":[" ADA "],\"users\":[" BOB "]}",
	HEAD "\"users\":{\"a\":" ADA "}}",
	HEAD "\"policy\":{\"users\":[" ADA "]},\"users\":[[" BOB "],{\"a\":" CYD "}," ADA "]}",
};

/* The document, read in pieces of STEP bytes; 0: whole. What it says, and how that ended. */
static char *read_document(struct known *known, const char *text, size_t step)
{
	struct dump d = {.options = {.hostname = "host", .known = known, .packed = dump_packed}};
	int r = step ? dump_pieces(&d, text, strlen(text), 0, step) : dump_document(&d, text, strlen(text));
	char *all = str_format("%s%d %s\n", (const char *)d.text.data, r, d.result.text);

	assert_non_null(all);
	buf_done(&d.text);
	return all;
}

static void assert_same(struct known *known, size_t i, size_t step)
{
	AUTO_FREE char *expected = read_document(NULL, documents[i], step);
	AUTO_FREE char *found = read_document(known, documents[i], step);

	assert_string_equal(found, expected);
}

static struct known *new_known(void)
{
	struct known *k = NULL;

	assert_int_equal(known_new(&k), 0);
	return k;
}

/* Each after each other one, and after itself. */
static void test_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(documents); i++)
		for (size_t j = 0; j < ARRAY_SIZE(documents); j++) {
			struct known *k = new_known();

			assert_same(k, i, 0);
			assert_same(k, j, 0);
			assert_same(k, j, 0);
			known_free(k);
		}
}

/* All in a row, some of them often, and cut where it is least convenient. */
static void test_rows(void **state)
{
	(void)state;
	for (size_t step = 0; step < 130; step++) {
		struct known *k = new_known();

		for (size_t i = 0; i < 3 * ARRAY_SIZE(documents); i++)
			assert_same(k, i * i % ARRAY_SIZE(documents), step);
		known_free(k);
	}
}

static void tell(struct known *k, const char *user, const char *id, const struct account *a)
{
	CLEANUP(buf_done) struct buf record = {0};

	assert_int_equal(a ? record_account_pack(a, &record) : 0, 0);
	known_add(k, user, strlen(user), idset_hash(id), a ? &record : NULL);
}

/* It is used: who is known as another one is that one, until his bytes change; who was not bound is looked at once he is. */
static void test_use(void **state)
{
	const struct account mia = {.id = "b1", .name = "mia", .bound = true, .state = USER_ACTIVATED, .activated = true};
	struct known *k = new_known();
	AUTO_FREE char *first = NULL, *changed = NULL, *once_more = NULL;

	(void)state;
	known_begin(k);
	known_again(k);
	tell(k, ADA, "a1", NULL);
	tell(k, BOB, "b1", &mia);
	known_end(k, true);
	first = read_document(k, documents[0], 0);
	assert_non_null(strstr(first, "account a1 ada"));
	assert_non_null(strstr(first, "account b1 mia"));
	assert_non_null(strstr(first, "account c1 cyd"));
	once_more = read_document(k, documents[0], 0);
	assert_string_equal(first, once_more);
	changed = read_document(k, documents[1], 0);
	assert_non_null(strstr(changed, "account b1 ben"));
	known_free(k);
}

/* What a document said that was not read to its end counts for nothing. */
static void test_not_whole(void **state)
{
	struct known *k = new_known();

	(void)state;
	known_begin(k);
	known_again(k);
	tell(k, BOB, "b1", NULL);
	known_end(k, false);
	known_begin(k);
	assert_null(known_next(k, BOB, strlen(BOB)));
	known_end(k, false);
	known_free(k);
}

/* There is an end to what is remembered; who is not is read again each time. */
static void test_full(void **state)
{
	static char big[50000];
	struct account a = {.id = "b1", .name = "mia", .bound = true, .gecos = big};
	struct known *k = new_known();
	char user[32];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	known_begin(k);
	known_again(k);
	for (int i = 0; i < 1100; i++) {
		assert_int_equal(str_print(user, sizeof(user), "{\"id\":%6d}", i), 0);
		tell(k, user, "b1", &a);
	}
	known_end(k, true);
	known_begin(k);
	for (int i = 0; i < 1100; i++) {
		assert_int_equal(str_print(user, sizeof(user), "{\"id\":%6d}", i), 0);
		if (!known_next(k, user, strlen(user))) {
			assert_in_range(i, 1000, 1010);
			break;
		}
	}
	assert_null(known_next(k, user, strlen(user)));
	known_end(k, false);
	known_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs), cmocka_unit_test(test_rows), cmocka_unit_test(test_use),
		cmocka_unit_test(test_not_whole), cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

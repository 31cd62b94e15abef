/*
 * common/record: what is damaged, forged or too big does not unpack; a failure leaves nothing half
 * done.
 */
#include "tests/unit/unit.h"

#include <endian.h>

#include "common/macros.h"
#include "tests/unit/fail_malloc.h"
#include "tests/unit/record_samples.h"

#define FIELD_HEAD 6

static int pack_account(struct buf *out)
{
	return record_account_pack(&full, out);
}

static int unpack_account(const void *data, size_t len)
{
	struct account a;

	return record_account_unpack(data, len, &a);
}

static int pack_group(struct buf *out)
{
	return record_group_pack(&group, out);
}

static int unpack_group(const void *data, size_t len)
{
	struct dir_group g;

	return record_group_unpack(data, len, &g);
}

static int pack_membership(struct buf *out)
{
	return record_membership_pack(RECORD_MEMBERSHIP, &membership, out);
}

static int unpack_membership(const void *data, size_t len)
{
	struct membership m;

	return record_membership_unpack(data, len, &m);
}

static int pack_lockout(struct buf *out)
{
	return record_lockout_pack(&lockout, out);
}

static int unpack_lockout(const void *data, size_t len)
{
	struct lockout_policy p;

	return record_lockout_unpack(data, len, &p);
}

static int pack_policy(struct buf *out)
{
	return record_policy_pack(&policy, out);
}

static int unpack_policy(const void *data, size_t len)
{
	struct policy p;

	return record_policy_unpack(data, len, &p);
}

static int pack_reject(struct buf *out)
{
	return record_reject_pack(&reject, out);
}

static int unpack_reject(const void *data, size_t len)
{
	struct reject r;

	return record_reject_unpack(data, len, &r);
}

static int pack_status(struct buf *out)
{
	return record_status_pack(&status, out);
}

static int unpack_status(const void *data, size_t len)
{
	struct sync_status s;

	return record_status_unpack(data, len, &s);
}

static int pack_clock(struct buf *out)
{
	return record_clock_pack(&status.mark, out);
}

static int unpack_clock(const void *data, size_t len)
{
	struct clock_mark m;

	return record_clock_unpack(data, len, &m);
}

static int pack_verifier(struct buf *out)
{
	return record_verifier_pack(&verifier, out);
}

static int unpack_verifier(const void *data, size_t len)
{
	struct saved_verifier v;

	return record_verifier_unpack(data, len, &v);
}

static const struct {
	int kind;
	unsigned int n_fields; /* all members are set above: none may be forgotten in the tables */
	int (*pack)(struct buf *out);
	int (*unpack)(const void *data, size_t len);
} kinds[] = {
	{RECORD_ACCOUNT, 39, pack_account, unpack_account},
	{RECORD_GROUP, 5, pack_group, unpack_group},
	{RECORD_MEMBERSHIP, 2, pack_membership, unpack_membership},
	{RECORD_LOCKOUT, 6, pack_lockout, unpack_lockout},
	{RECORD_POLICY, 17, pack_policy, unpack_policy},
	{RECORD_REJECT, 5, pack_reject, unpack_reject},
	{RECORD_STATUS, 21, pack_status, unpack_status},
	{RECORD_CLOCK, 3, pack_clock, unpack_clock},
	{RECORD_VERIFIER, 5, pack_verifier, unpack_verifier},
};

/* The bytes in a block of exactly that size, so that a sanitizer sees one byte too many. */
static int unpack_copy(size_t k, const uint8_t *data, size_t len)
{
	AUTO_FREE uint8_t *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	if (len > 0)
		memcpy(copy, data, len);
	return kinds[k].unpack(copy, len);
}

static void test_truncated(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		CLEANUP(buf_done) struct buf b = {0};

		assert_int_equal(kinds[k].pack(&b), 0);
		assert_int_equal(record_kind(b.data, b.len), kinds[k].kind);
		for (size_t len = 0; len < b.len; len++)
			assert_int_equal(unpack_copy(k, b.data, len), -EBADMSG);
		assert_int_equal(unpack_copy(k, b.data, b.len), 0);
		assert_int_equal(buf_add(&b, "", 1), 0);
		assert_int_equal(unpack_copy(k, b.data, b.len), -EBADMSG);
	}
}

/* These say the same with another letter in front. */
static bool is_id_list(unsigned int kind)
{
	return kind == RECORD_REMOVED || kind == RECORD_KEPT;
}

/* Any byte becomes any other: -EBADMSG or a record, never a crash. Structure is always noticed. */
static void test_flipped(void **state)
{
	unsigned int refused = 0;

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		CLEANUP(buf_done) struct buf b = {0};

		assert_int_equal(kinds[k].pack(&b), 0);
		for (size_t i = 0; i < b.len; i++) {
			for (unsigned int x = 1; x < 256; x++) {
				b.data[i] ^= (uint8_t)x;
				int r = unpack_copy(k, b.data, b.len);
				b.data[i] ^= (uint8_t)x;
				assert_true(r == 0 || r == -EBADMSG);
				refused += r < 0;
				if (i < RECORD_HEAD) /* kind, version, count */
					assert_int_equal(r, k == 2 && i == 0 && is_id_list(b.data[0] ^ x) ? 0 : -EBADMSG);
			}
		}
	}
	assert_true(refused > 0);
}

static uint32_t length_at(const struct buf *b, size_t field)
{
	uint32_t len;

	memcpy(&len, b->data + field + 2, sizeof(len));
	return le32toh(len);
}

static void set_length_at(struct buf *b, size_t field, uint32_t len)
{
	len = htole32(len);
	memcpy(b->data + field + 2, &len, sizeof(len));
}

static void test_forged_lengths(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		CLEANUP(buf_done) struct buf b = {0};
		unsigned int fields = 0;

		assert_int_equal(kinds[k].pack(&b), 0);
		for (size_t at = RECORD_HEAD; at < b.len; fields++) {
			uint32_t len = length_at(&b, at);
			const uint32_t forged[] = {0,
						   len - 1,
						   len + 1,
						   len + FIELD_HEAD,
						   0x7fffffff,
						   0x80000000,
						   UINT32_MAX - FIELD_HEAD,
						   UINT32_MAX};

			for (size_t i = 0; i < ARRAY_SIZE(forged); i++) {
				set_length_at(&b, at, forged[i]);
				assert_int_equal(unpack_copy(k, b.data, b.len), -EBADMSG);
			}
			set_length_at(&b, at, len);
			at += FIELD_HEAD + len;
		}
		assert_int_equal(fields, kinds[k].n_fields);
		assert_int_equal(b.data[2] | b.data[3] << 8, fields);
	}
}

/* A record made of pieces, its count right. */
static void add_field(struct buf *b, uint16_t tag, const void *value, uint32_t len)
{
	uint16_t tag_le = htole16(tag);
	uint32_t len_le = htole32(len);

	if (b->len == 0)
		assert_int_equal(buf_add(b, "A\2\0\0", RECORD_HEAD), 0);
	assert_int_equal(buf_add(b, &tag_le, 2), 0);
	assert_int_equal(buf_add(b, &len_le, 4), 0);
	assert_int_equal(buf_add(b, value, len), 0);
	b->data[2]++;
}

static int unpack_pieces(struct buf *b, struct account *ret)
{
	int r = record_account_unpack(b->data, b->len, ret);

	b->len = 0;
	return r;
}

static void test_unknown_tags(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};
	struct account a;

	(void)state;
	add_field(&b, 0, "before", 6);
	add_field(&b, 2, "dora", 5);
	add_field(&b, 999, "\1\2\3", 3);
	add_field(&b, 65535, "later", 5);
	assert_int_equal(unpack_pieces(&b, &a), 0);
	assert_string_equal(a.name, "dora");
	add_field(&b, 3, "x", 2); /* order */
	add_field(&b, 2, "y", 2);
	assert_int_equal(unpack_pieces(&b, &a), -EBADMSG);
	add_field(&b, 2, "x", 2); /* twice */
	add_field(&b, 2, "y", 2);
	assert_int_equal(unpack_pieces(&b, &a), -EBADMSG);
	assert_string_equal(a.name, "dora"); /* untouched */
}

static void test_values_out_of_range(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};
	uint8_t many[9 * (ACCOUNT_SCHEDULED_MAX + 1)] = {0};
	struct account a;

	(void)state;
	for (unsigned int i = 0; i < 256; i++) {
		uint8_t v = (uint8_t)i;

		add_field(&b, 9, &v, 1); /* state */
		assert_int_equal(unpack_pieces(&b, &a), 0);
		assert_int_equal(a.state, i <= USER_SUSPENDED ? i : USER_STATE_NONE);
		many[8] = v;
		add_field(&b, 29, many, 9); /* scheduled */
		assert_int_equal(unpack_pieces(&b, &a), 0);
		assert_int_equal(a.scheduled[0].state, i <= USER_SUSPENDED ? i : USER_STATE_NONE);
		add_field(&b, 10, &v, 1); /* bound */
		assert_int_equal(unpack_pieces(&b, &a), i < 2 ? 0 : -EBADMSG);
	}
	add_field(&b, 29, many, 9 * ACCOUNT_SCHEDULED_MAX);
	assert_int_equal(unpack_pieces(&b, &a), 0);
	add_field(&b, 29, many, sizeof(many));
	assert_int_equal(unpack_pieces(&b, &a), -EBADMSG);
	memset(many, 0, sizeof(many));
	add_field(&b, 30, many, ACCOUNT_KEYS_MAX); /* empty strings */
	assert_int_equal(unpack_pieces(&b, &a), 0);
	add_field(&b, 30, many, ACCOUNT_KEYS_MAX + 1);
	assert_int_equal(unpack_pieces(&b, &a), -EBADMSG);
	add_field(&b, 2, "do\0ra", 6);
	assert_int_equal(unpack_pieces(&b, &a), -EBADMSG);
}

/* A cast would make ACTIVATED of these. */
static void test_pack_odd_state(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};
	struct account a = {.state = (enum user_state)0x102, .n_scheduled = 1};

	(void)state;
	a.scheduled[0].state = (enum user_state)0x102;
	assert_int_equal(record_account_pack(&a, &b), 0);
	assert_int_equal(record_account_unpack(b.data, b.len, &a), 0);
	assert_int_equal(a.state, USER_STATE_NONE);
	assert_int_equal(a.scheduled[0].state, USER_STATE_NONE);
}

static void test_boot_id(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};
	struct sync_status s;
	char id[BOOT_ID_SIZE + 1];

	(void)state;
	memset(id, 'b', sizeof(id));
	id[BOOT_ID_SIZE] = '\0';
	add_field(&b, 10, id, sizeof(id));
	b.data[0] = RECORD_STATUS;
	assert_int_equal(record_status_unpack(b.data, b.len, &s), -EBADMSG);
	b.len = 0;
	add_field(&b, 10, id + 1, sizeof(id) - 1);
	b.data[0] = RECORD_STATUS;
	assert_int_equal(record_status_unpack(b.data, b.len, &s), 0);
	assert_string_equal(s.mark.boot_id, id + 1);
}

static void test_too_big(void **state)
{
	CLEANUP(buf_done) struct buf b = {0};
	AUTO_FREE char *text = malloc(ACCOUNT_RECORD_MAX + 1);
	struct account a = {.gecos = text};
	struct dir_group g = {.n_posix = GROUP_POSIX_MAX + 1};

	(void)state;
	assert_non_null(text);
	memset(text, 'x', ACCOUNT_RECORD_MAX);
	text[ACCOUNT_RECORD_MAX - RECORD_HEAD - FIELD_HEAD - 1] = '\0';
	assert_int_equal(buf_add(&b, "before", 6), 0);
	assert_int_equal(record_account_pack(&a, &b), 0);
	assert_int_equal(b.len, 6 + ACCOUNT_RECORD_MAX);
	assert_int_equal(record_account_unpack(b.data + 6, b.len - 6, &a), 0);
	b.len = 6;
	text[ACCOUNT_RECORD_MAX - RECORD_HEAD - FIELD_HEAD - 1] = 'x';
	text[ACCOUNT_RECORD_MAX - RECORD_HEAD - FIELD_HEAD] = '\0';
	a = (struct account){.gecos = text};
	assert_int_equal(record_account_pack(&a, &b), -E2BIG);
	text[ACCOUNT_RECORD_MAX - RECORD_HEAD - FIELD_HEAD] = 'x';
	text[ACCOUNT_RECORD_MAX] = '\0';
	assert_int_equal(record_account_pack(&a, &b), -E2BIG);
	a = (struct account){.n_scheduled = ACCOUNT_SCHEDULED_MAX + 1};
	assert_int_equal(record_account_pack(&a, &b), -E2BIG);
	a = (struct account){.ssh_keys = {.data = text, .len = 1, .count = ACCOUNT_KEYS_MAX + 1}};
	assert_int_equal(record_account_pack(&a, &b), -E2BIG);
	a.ssh_keys.count = 1; /* "x": not terminated */
	assert_int_equal(record_account_pack(&a, &b), -EINVAL);
	assert_int_equal(record_group_pack(&g, &b), -E2BIG);
	assert_int_equal(b.len, 6);
	assert_memory_equal(b.data, "before", 6);
}

static void test_no_memory(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		CLEANUP(buf_done) struct buf b = {0};
		unsigned int n = 1;

		for (;; n++) {
			buf_done(&b);
			fail_malloc_at(n);
			int r = kinds[k].pack(&b);
			if (!fail_malloc_happened()) {
				assert_int_equal(r, 0);
				break;
			}
			assert_int_equal(r, -ENOMEM);
			assert_int_equal(b.len, 0);
		}
		fail_malloc_at(0);
		assert_true(n > 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_forged_lengths),
		cmocka_unit_test(test_unknown_tags),
		cmocka_unit_test(test_values_out_of_range),
		cmocka_unit_test(test_pack_odd_state),
		cmocka_unit_test(test_boot_id),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

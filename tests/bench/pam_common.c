#include "tests/bench/pam_common.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/paths.h"
#include "common/record.h"
#include "common/snapshot_writer.h"

#define FIRST 1900000000u

struct account bench_account(uint32_t i, const char *hash)
{
	return (struct account){
		.id = "5f0000000000000000000000",
		.gecos = "Somebody",
		.home = "/home/somebody",
		.shell = "/bin/bash",
		.email = "somebody@example.com",
		.uid = FIRST + i,
		.gid = FIRST + i,
		.state = USER_ACTIVATED,
		.bound = true,
		.activated = true,
		.password_hash = hash,
		.totp_secret = "",
	};
}

static int add_account(struct snapshot_writer *w, const struct account *a)
{
	CLEANUP(buf_done) struct buf record = {0};
	int r = record_account_pack(a, &record);

	return r < 0 ? r : snapshot_writer_account(w, a->name, a->uid, record.data, record.len);
}

static int add_policy(struct snapshot_writer *w, const char *hash)
{
	struct policy p = {.portal_url = "", .dummy_hash = hash, .max_attempts = BENCH_ATTEMPTS};
	struct sync_status s = {.directory_url = "", .driver = "", .last_error = ""};
	CLEANUP(buf_done) struct buf policy = {0}, status = {0};
	int r = record_policy_pack(&p, &policy);

	if (r == 0)
		r = record_status_pack(&s, &status);
	if (r == 0)
		r = snapshot_writer_policy(w, policy.data, policy.len);
	return r < 0 ? r : snapshot_writer_status(w, status.data, status.len);
}

int bench_publish(const struct account *accounts, uint32_t n, const char *dummy_hash)
{
	struct snapshot_info info = {
		.kind = SNAPSHOT_PAM, .generation = 1, .id_min = 1000, .id_max = 2147483647};
	CLEANUP(snapshot_writer_freep) struct snapshot_writer *w = NULL;
	AUTO_CLOSE int fd =
		open(MUSTER_RUNTIME_DIR "/" PAM_SNAPSHOT, O_RDWR | O_CREAT | O_TRUNC, 0600);
	int r = fd < 0 ? -1 : snapshot_writer_new(fd, &info, &w);

	for (uint32_t i = 0; r == 0 && i < n; i++)
		r = add_account(w, &accounts[i]);
	if (r == 0)
		r = add_policy(w, dummy_hash);
	return r < 0 ? r : snapshot_writer_finish(w);
}

static int converse(int n, const struct pam_message **m, struct pam_response **ret, void *data)
{
	struct pam_response *r = calloc((size_t)n, sizeof(*r));

	(void)m;
	if (r)
		r->resp = strdup(data);
	*ret = r;
	return r ? PAM_SUCCESS : PAM_BUF_ERR;
}

static void no_delay(int code, unsigned int us, void *data)
{
	(void)code;
	(void)us;
	(void)data;
}

int bench_transaction(const char *service, const char *user, const char *password, int (*step)(pam_handle_t *, int))
{
	struct pam_conv conv = {converse, (void *)(uintptr_t)password};
	void (*delay)(int, unsigned int, void *) = no_delay;
	pam_handle_t *pamh;
	int r = pam_start_confdir(service, user, &conv, "pam.d", &pamh);

	if (r == PAM_SUCCESS) {
		r = pam_set_item(pamh, PAM_FAIL_DELAY, (const void *)delay);
		if (r == PAM_SUCCESS)
			r = step(pamh, 0);
		pam_end(pamh, r);
	}
	return r;
}

double bench_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *times, size_t n)
{
	qsort(times, n, sizeof(*times), compare);
	return times[n / 2];
}

static int write_service(const char *path, const char *module)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return -1;
	fprintf(f, "auth required %s\naccount required %s\n", module, module);
	return fclose(f);
}

int bench_prepare(const char *module)
{
	if (mkdir("pam.d", 0755) < 0 || mkdir(MUSTER_RUNTIME_DIR, 0755) < 0)
		return -1;
	return write_service("pam.d/permit", "pam_permit.so") < 0 ? -1 : write_service("pam.d/muster", module);
}

/* F8: muster.conf. A text is refused with a place and a reason, or each value lies within what its key allows. */
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>

#include "agentd/conf.h"
#include "common/names.h"

#define NAME "fuzz.conf"

static int text_fd(const uint8_t *data, size_t size)
{
	int fd = memfd_create(NAME, MFD_CLOEXEC);

	REQUIRE(fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static void check_rule(const struct conf_access *a)
{
	REQUIRE(object_id_valid(a->rule.name) && a->rule.line > 0 && a->rule.n_spans <= ACCESS_SPANS_MAX);
	REQUIRE(strlist_valid(&a->rule.services) && strlist_valid(&a->users) && strlist_valid(&a->groups));
	for (uint32_t i = 0; i < a->rule.n_spans; i++)
		REQUIRE(access_span_valid(&a->rule.spans[i]));
}

static void check_good(const struct conf *c)
{
	REQUIRE(c->poll_interval_ms >= 1000 && c->recheck_timeout_ms >= 100);
	REQUIRE(c->id_min >= ID_FLOOR && c->id_max <= ID_TOP && c->id_min <= c->id_max);
	REQUIRE(c->home[0] == '/' && c->shell[0] == '/');
	REQUIRE(c->state_dir[0] == '/' && c->runtime_dir[0] == '/' && c->fetch[0] == '/');
	REQUIRE(strlist_valid(&c->reason_services));
	REQUIRE(strlist_valid(&c->totp_services) && strlist_valid(&c->totp_except));
	REQUIRE(c->n_access <= ACCESS_RULES_MAX);
	for (uint32_t i = 0; i < c->n_access; i++)
		check_rule(&c->access[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_CLOSE int fd = text_fd(data, size);
	char error[CONF_ERROR_SIZE];
	struct conf c = {0};

	if (conf_load_fd(fd, NAME, &c, error) == 0) {
		REQUIRE(!error[0]);
		check_good(&c);
	} else {
		REQUIRE(strncmp(error, NAME, strlen(NAME)) == 0);
	}
	conf_done(&c);
	return 0;
}

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

static void check_good(const struct conf *c)
{
	REQUIRE(c->poll_interval_ms >= 1000 && c->recheck_timeout_ms >= 100);
	REQUIRE(c->id_min >= ID_FLOOR && c->id_max <= ID_TOP && c->id_min <= c->id_max);
	REQUIRE(c->home[0] == '/' && c->shell[0] == '/');
	REQUIRE(c->state_dir[0] == '/' && c->runtime_dir[0] == '/' && c->fetch[0] == '/');
	REQUIRE(strlist_valid(&c->reason_services));
	REQUIRE(strlist_valid(&c->totp_services) && strlist_valid(&c->totp_except));
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

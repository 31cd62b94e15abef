#include "agentd/settings.h"

#include <string.h>

#define FILE_SCHEME "file://"

int settings_load(const char *path, struct settings *ret, char ret_error[static CONF_ERROR_SIZE])
{
	CLEANUP(settings_done) struct settings s = {.fd = -1};
	int r = conf_copy(path, &s.fd, ret_error);

	if (r == 0)
		r = conf_load_fd(s.fd, path, &s.conf, ret_error);
	if (r < 0)
		return r;
	*ret = s;
	s = (struct settings){.fd = -1};
	return 0;
}

int settings_take(int fd, const char *path, struct settings *ret, char ret_error[static CONF_ERROR_SIZE])
{
	CLEANUP(settings_done) struct settings s = {.fd = fd};
	int r = conf_load_fd(fd, path, &s.conf, ret_error);

	if (r < 0)
		return r;
	*ret = s;
	s = (struct settings){.fd = -1};
	return 0;
}

void settings_done(struct settings *s)
{
	conf_done(&s->conf);
	closep(&s->fd);
	s->fd = -1;
}

const char *settings_document(const struct settings *s)
{
	const char *url = s->conf.url;

	return strncmp(url, FILE_SCHEME, strlen(FILE_SCHEME)) ? NULL : url + strlen(FILE_SCHEME);
}

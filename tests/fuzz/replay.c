/*
 * Feeds every file of a target's corpus to it: fuzz_X reads $srcdir/tests/fuzz/corpus/X, or what
 * its arguments name. So that make check replays what fuzzing found, with any compiler.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "common/str.h"

static int read_file(const char *path, struct buf *out)
{
	char part[4096];
	size_t n;
	int r = 0;
	FILE *f = fopen(path, "rbe");

	if (!f)
		return -errno;
	while (r == 0 && (n = fread(part, 1, sizeof(part), f)) > 0)
		r = buf_add(out, part, n);
	if (r == 0 && ferror(f))
		r = -EIO;
	fclose(f);
	return r;
}

static int replay_file(const char *path)
{
	CLEANUP(buf_done) struct buf b = {0};
	int r = read_file(path, &b);

	if (r < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(-r));
		return 1;
	}
	/* A block of its own exact size: a sanitizer then sees one byte too many. */
	uint8_t *data = malloc(b.len > 0 ? b.len : 1);
	if (!data)
		return 1;
	if (b.len > 0)
		memcpy(data, b.data, b.len);
	LLVMFuzzerTestOneInput(data, b.len);
	free(data);
	return 0;
}

static int replay_folder(const char *folder)
{
	DIR *d = opendir(folder);
	int n = 0, failed = 0;

	if (!d) {
		perror(folder);
		return 1;
	}
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		AUTO_FREE char *path = str_format("%s/%s", folder, e->d_name);
		if (!path || replay_file(path) != 0)
			failed = 1;
		n++;
	}
	closedir(d);
	printf("%s: %d files\n", folder, n);
	return failed || n == 0;
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir"), *name = strstr(argv[0], "fuzz_");
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= replay_file(argv[i]);
	if (argc > 1)
		return failed;
	for (const char *p = name; p; p = strstr(p + 1, "fuzz_"))
		name = p;
	if (!name)
		return 2;
	AUTO_FREE char *folder = str_format("%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".",
					    name + strlen("fuzz_"));
	return folder ? replay_folder(folder) : 1;
}

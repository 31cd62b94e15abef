/* F6: whatever the directory calls a key, what comes out is exactly "type base64", or nothing. */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/sshkey.h"

static const char *const types[] = {
	"ssh-ed25519 ",
	"ssh-rsa ",
	"ecdsa-sha2-nistp256 ",
	"ecdsa-sha2-nistp384 ",
	"ecdsa-sha2-nistp521 ",
	"sk-ssh-ed25519@openssh.com ",
	"sk-ecdsa-sha2-nistp256@openssh.com ",
};

static bool is_type_base64(const char *key)
{
	static const char base64[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strncmp(key, types[i], strlen(types[i])) != 0)
			continue;
		const char *blob = key + strlen(types[i]);
		size_t len = strspn(blob, base64), pad = strspn(blob + len, "=");

		return blob[len + pad] == '\0' && pad <= 2 && (len + pad) % 4 == 0 && len > 60;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *out = malloc(size + 1);
	AUTO_FREE char *again = malloc(size + 1);

	if (!out || !again)
		return 0;
	int r = sshkey_normalise((const char *)data, size, out, size + 1);
	REQUIRE(r == 0 || r == -EINVAL || r == -EKEYREJECTED);
	if (r < 0)
		return 0;
	size_t len = strlen(out);
	REQUIRE(is_type_base64(out));
	REQUIRE(sshkey_normalise(out, len, again, len + 1) == 0);
	REQUIRE(strcmp(out, again) == 0);
	REQUIRE(sshkey_normalise(out, len, again, len) == -ENOSPC);
	return 0;
}

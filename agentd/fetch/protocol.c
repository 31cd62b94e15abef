#include "agentd/fetch/protocol.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define HEAD_SIZE 16

size_t frame_server_pack(const struct frame_server *s, uint8_t out[static FRAME_SERVER_SIZE_MAX])
{
	uint64_t date = htole64((uint64_t)s->date);
	uint32_t numbers[] = { htole32(s->status), htole32(s->retry_after_s) };
	size_t len = strlen(s->validator) + 1;

	memcpy(out, &date, sizeof(date));
	memcpy(out + sizeof(date), numbers, sizeof(numbers));
	memcpy(out + HEAD_SIZE, s->validator, len);
	return HEAD_SIZE + len;
}

int frame_server_unpack(const void *data, size_t len, struct frame_server *ret)
{
	const uint8_t *p = data;
	uint64_t date;
	uint32_t numbers[2];

	if (len <= HEAD_SIZE || len > FRAME_SERVER_SIZE_MAX || p[len - 1] != '\0' ||
	    strlen((const char *)p + HEAD_SIZE) != len - HEAD_SIZE - 1)
		return -EPROTO;
	if (len > HEAD_SIZE + 1 && !validator_valid((const char *)p + HEAD_SIZE))
		return -EPROTO;
	memcpy(&date, p, sizeof(date));
	memcpy(numbers, p + sizeof(date), sizeof(numbers));
	*ret = (struct frame_server){
		.date = (int64_t)le64toh(date),
		.status = le32toh(numbers[0]),
		.retry_after_s = le32toh(numbers[1]),
	};
	memcpy(ret->validator, p + HEAD_SIZE, len - HEAD_SIZE);
	return 0;
}

/* W/"…" or "…": visible ASCII without quotes inside, as RFC 9110 has it but for its bytes above ASCII. */
bool validator_valid(const char *s)
{
	size_t len = strlen(s), first = strncmp(s, "W/\"", 3) == 0 ? 3 : 1;

	if (len <= first || len >= VALIDATOR_SIZE || s[first - 1] != '"' || s[len - 1] != '"')
		return false;
	for (size_t i = first; i < len - 1; i++)
		if (s[i] < 0x21 || s[i] > 0x7e || s[i] == '"')
			return false;
	return true;
}

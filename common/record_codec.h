/*
 * How records are stored (common/record.h): one table of fields a record drives packing and
 * unpacking both.
 */
#ifndef COMMON_RECORD_CODEC_H
#define COMMON_RECORD_CODEC_H

#include <stddef.h>

#include "common/record.h"

/* How one member of a struct is stored. Tables are sorted by tag, and so are stored fields. */
enum field_type {
	FIELD_STRING = 1, /* with its NUL; missing: "" */
	FIELD_CHARS,	  /* the same into an array of SIZE */
	FIELD_BOOL,
	FIELD_U32,
	FIELD_U64, /* and int64 */
	FIELD_STATE,
	FIELD_STRLIST,	 /* the strings one after another */
	FIELD_SCHEDULED, /* of struct account: {i64 at, u8 state}… */
	FIELD_POSIX,	 /* of struct dir_group: {u32 gid, name NUL}… */
	FIELD_ACCESS,	 /* access rules: common/record_access.c */
	FIELD_ZONE,	 /* of struct access_zone: {i64 at, i32 offset}… */
};

struct field {
	uint16_t tag;
	uint8_t type;
	uint16_t offset, size;
};

#define FIELD(tag, type, record, member) \
	{ tag, FIELD_##type, offsetof(struct record, member), sizeof(((struct record *)0)->member) }

/* Append RECORD; OUT keeps its old length on failure. */
int record_encode(enum record_kind kind, const struct field *fields, size_t n, const void *record,
		  struct buf *out) MUST_CHECK;
/* RECORD is zeroed by the caller and half filled after a failure; missing strings become "". */
int record_decode(enum record_kind kind, const struct field *fields, size_t n, const void *data,
		  size_t len, void *record) MUST_CHECK;

/* The values of FIELD_ACCESS and FIELD_ZONE (common/record_access.c). RET is half filled after a failure. */
int record_access_pack(const struct access_rules *a, struct buf *out) MUST_CHECK;
int record_access_unpack(const uint8_t *p, size_t len, struct access_rules *ret) MUST_CHECK;
int record_zone_pack(const struct access_zone *z, struct buf *out) MUST_CHECK;
int record_zone_unpack(const uint8_t *p, size_t len, struct access_zone *ret) MUST_CHECK;

#endif

/*
 * Records of one sync, kept in an anonymous file until END: what comes from muster-fetch before it is believed, and what the
 * world made of it. Not in this process' memory: 100,000 accounts are 40 MB. Form: {u32 length, record}… as in RECORD frames.
 */
#ifndef AGENTD_STAGE_H
#define AGENTD_STAGE_H

#include "common/record.h"

struct stage {
	int fd;		    /* memfd; -1 before stage_init() */
	uint64_t len;	    /* bytes, pending ones too */
	uint32_t n_records;
	uint32_t n_kind[256]; /* by enum record_kind */
	struct buf pending;
	uint64_t sum; /* of the hashes of all that stage_add_frame() took: in any order the same */
	struct stage_window *window; /* what was read last, when records are asked for in their order */
};

/* Where a record lies. */
struct stage_place {
	uint64_t offset; /* of its bytes, behind the length */
	uint32_t len;
};

int stage_init(struct stage *s) MUST_CHECK;
void stage_done(struct stage *s);

/* The records of one frame. -EPROTO: lengths that do not fit, an unknown kind; -E2BIG: over the limits of protocol.h. */
int stage_add_frame(struct stage *s, const void *data, size_t len) MUST_CHECK;
/* One record. */
int stage_add(struct stage *s, const void *record, size_t len, struct stage_place *ret) MUST_CHECK;
/* Call once after the last one, before reading. */
int stage_flush(struct stage *s) MUST_CHECK;

/* Read one record into OUT (emptied first). In order they come many at a time; a system call each would cost more than the record. */
int stage_get(const struct stage *s, struct stage_place place, struct buf *out) MUST_CHECK;

/* Walk all records in order. All zero (but stage) begins. */
struct stage_walk {
	const struct stage *stage;
	struct buf window;
	uint64_t window_at, at;
	struct stage_place place;  /* of the current record */
	const uint8_t *record;	   /* good until the next step */
};
/* 1 a record; 0 the end; -errno. */
int stage_next(struct stage_walk *w) MUST_CHECK;
void stage_walk_done(struct stage_walk *w);

#endif

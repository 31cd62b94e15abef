/*
 * Shared by scanner.c (containers, and what is between tokens) and scanner_token.c (what is in a string, a number, a literal).
 */
#ifndef AGENTD_FETCH_SCANNER_PRIVATE_H
#define AGENTD_FETCH_SCANNER_PRIVATE_H

#include "agentd/fetch/scanner.h"

enum state {
	S_VALUE = 0,
	S_FIRST, /* a value, or the end of an empty array */
	S_FIRST_KEY, /* a key, or the end of an empty object */
	S_KEY,
	S_COLON,
	S_AFTER, /* ',' or the end of the container */
	S_END,	 /* white space only */
	S_STRING,
	S_ESCAPE,
	S_UNICODE,
	S_LITERAL,
	S_MINUS,
	S_ZERO,
	S_DIGITS,
	S_POINT,
	S_FRACTION,
	S_E,
	S_E_SIGN,
	S_EXPONENT,
};

/* Fails at the byte P of the chunk that begins at DATA. */
int scanner_fail_at(struct scanner *s, const char *data, const char *p, const char *what);

/* A value has ended before P: hand it over if it is the one that was asked for. */
int scanner_value_end(struct scanner *s, const char *p) MUST_CHECK;

/* One step in the states of these; DATA and END: of the chunk. P: the byte; where it is moved, as far as it goes in one run. */
int scanner_string(struct scanner *s, const char *data, const char **p, const char *end) MUST_CHECK;
int scanner_escape(struct scanner *s, const char *data, const char *p) MUST_CHECK;
int scanner_unicode(struct scanner *s, const char *data, const char *p) MUST_CHECK;
int scanner_literal(struct scanner *s, const char *data, const char *p) MUST_CHECK;
int scanner_number(struct scanner *s, const char *data, const char **p, const char *end) MUST_CHECK;
bool scanner_number_complete(int state);

#endif

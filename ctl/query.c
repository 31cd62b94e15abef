#include "ctl/query.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "ctl/query_value.h"

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,   /* a field, a value, and, or, not */
	TOKEN_STRING, /* in quotes, which START and LEN leave out */
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_COMPARE,
};

struct token {
	enum token_kind kind;
	const char *start;
	size_t len;
	enum query_compare compare;
};

struct parser {
	const char *text, *at; /* AT: behind the token */
	struct token token;
	struct query *query;
	struct fault *fault;
	size_t text_used;
	unsigned depth;
	int64_t now;
};

/* Characters, not bytes: what a reader counts. */
static unsigned position(const struct parser *p, const char *at)
{
	unsigned n = 1;

	for (const char *s = p->text; s < at; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* "--where, character 9: 'stat': WHY"; at the end of the text without a word. */
static int refuse(const struct parser *p, const struct token *t, const char *why)
{
	unsigned at = position(p, t->start);

	if (t->kind == TOKEN_END)
		return fault_set(p->fault, -EINVAL, "--where, character %u: %s", at, why);
	return fault_set(p->fault, -EINVAL, "--where, character %u: '%.*s': %s", at,
			 t->len < 64 ? (int)t->len : 64, t->start, why);
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_-+.:@/", c)) || (unsigned char)c >= 0x80;
}

static bool take_compare(struct parser *p, struct token *t)
{
	static const struct {
		char text[3];
		enum query_compare compare;
	} operators[] = {
		{"!=", COMPARE_DIFFERENT}, {"<=", COMPARE_AT_MOST}, {">=", COMPARE_AT_LEAST},
		{"=", COMPARE_EQUAL},      {"<", COMPARE_LESS},     {">", COMPARE_GREATER},
		{"~", COMPARE_HAS},
	};

	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		t->len = strlen(operators[i].text);
		t->compare = operators[i].compare;
		if (strncmp(t->start, operators[i].text, t->len) == 0) {
			p->at += t->len;
			return true;
		}
	}
	return false;
}

static int take_string(struct parser *p, struct token *t)
{
	const char *end = strchr(t->start + 1, *t->start);

	if (!end) {
		t->len = 1;
		return refuse(p, t, "this quote is not closed");
	}
	t->start++;
	t->len = (size_t)(end - t->start);
	p->at = end + 1;
	return 0;
}

/* The next token into p->token. */
static int advance(struct parser *p)
{
	struct token t = {.kind = TOKEN_END};

	p->at += strspn(p->at, " \t\r\n");
	t.start = p->at;
	if (is_word(*p->at)) {
		t.kind = TOKEN_WORD;
		while (is_word(*p->at))
			p->at++;
		t.len = (size_t)(p->at - t.start);
	} else if (*p->at == '(' || *p->at == ')') {
		t.kind = *p->at++ == '(' ? TOKEN_OPEN : TOKEN_CLOSE;
		t.len = 1;
	} else if (*p->at == '\'' || *p->at == '"') {
		t.kind = TOKEN_STRING;
		if (take_string(p, &t) < 0)
			return -EINVAL;
	} else if (take_compare(p, &t)) {
		t.kind = TOKEN_COMPARE;
	} else if (*p->at) {
		t.kind = TOKEN_WORD;
		t.len = 1;
		return refuse(p, &t, "not understood; text with such characters belongs in quotes");
	}
	p->token = t;
	return 0;
}

static bool is_keyword(const struct token *t, const char *word)
{
	return t->kind == TOKEN_WORD && t->len == strlen(word) &&
	       strncasecmp(t->start, word, t->len) == 0;
}

/* A node of KIND over LEFT and RIGHT. Its number, or -EINVAL. */
static int add_node(struct parser *p, int kind, int left, int right)
{
	struct query *q = p->query;

	if (q->n_nodes == QUERY_NODES_MAX)
		return refuse(p, &p->token, "too many conditions before this");
	q->nodes[q->n_nodes] =
		(struct query_node){.kind = kind, .left = (unsigned)left, .right = (unsigned)right};
	return (int)q->n_nodes++;
}

/* The token's text, kept in the query. There is room: all values together are shorter than the expression. */
static const char *keep_text(struct parser *p, const struct token *t)
{
	char *out = p->query->text + p->text_used;

	memcpy(out, t->start, t->len);
	out[t->len] = '\0';
	p->text_used += t->len + 1;
	return out;
}

/* "FIELD" alone, which is FIELD != whatever stands for no. */
static int parse_bare(struct parser *p, const struct token *field, struct query_node *n)
{
	if (!query_value_no(n->field->kind, &n->value))
		return refuse(p, field, "needs an operator and a value, such as = TEXT");
	n->compare = COMPARE_DIFFERENT;
	return 0;
}

static int parse_comparison(struct parser *p, struct query_node *n)
{
	const struct token operator= p->token;
	char why[160];
	int r;

	n->compare = operator.compare;
	if (advance(p) < 0)
		return -EINVAL;
	if (p->token.kind != TOKEN_WORD && p->token.kind != TOKEN_STRING)
		return refuse(p, &p->token, "a value must be here");
	n->value.text = keep_text(p, &p->token);
	r = query_value_parse(n->field->kind, n->compare, p->now, &n->value, why);
	if (r == -EOPNOTSUPP)
		return refuse(p, &operator, why);
	if (r < 0)
		return refuse(p, &p->token, why);
	return advance(p);
}

static int parse_test(struct parser *p)
{
	const struct token field = p->token;
	struct query_node n = {.kind = QUERY_TEST};
	int node, r;

	if (field.kind != TOKEN_WORD)
		return refuse(p, &field, "the name of a field must be here");
	n.field = user_field_find(field.start, field.len);
	if (!n.field) {
		refuse(p, &field, "no such field");
		query_hint_fields(p->fault);
		return -EINVAL;
	}
	if (n.field->for_root && !p->query->for_root)
		p->query->for_root = n.field;
	node = add_node(p, QUERY_TEST, 0, 0);
	if (node < 0 || advance(p) < 0)
		return -EINVAL;
	r = p->token.kind == TOKEN_COMPARE ? parse_comparison(p, &n) : parse_bare(p, &field, &n);
	if (r < 0)
		return r;
	p->query->nodes[node] = n;
	return node;
}

static int parse_or(struct parser *p);

static int parse_parentheses(struct parser *p)
{
	int node;

	if (advance(p) < 0)
		return -EINVAL;
	node = parse_or(p);
	if (node < 0)
		return node;
	if (p->token.kind != TOKEN_CLOSE)
		return refuse(p, &p->token, "'and', 'or' or ')' must be here");
	return advance(p) < 0 ? -EINVAL : node;
}

static int parse_not(struct parser *p)
{
	int node;

	if (p->depth == QUERY_DEPTH_MAX)
		return refuse(p, &p->token, "nested too deep");
	p->depth++;
	if (p->token.kind == TOKEN_OPEN) {
		node = parse_parentheses(p);
	} else if (is_keyword(&p->token, "not")) {
		node = advance(p) < 0 ? -EINVAL : parse_not(p);
		if (node >= 0)
			node = add_node(p, QUERY_NOT, node, 0);
	} else {
		node = parse_test(p);
	}
	p->depth--;
	return node;
}

static int parse_and(struct parser *p)
{
	int left = parse_not(p);

	while (left >= 0 && is_keyword(&p->token, "and")) {
		int right = advance(p) < 0 ? -EINVAL : parse_not(p);

		left = right < 0 ? right : add_node(p, QUERY_AND, left, right);
	}
	return left;
}

static int parse_or(struct parser *p)
{
	int left = parse_and(p);

	while (left >= 0 && is_keyword(&p->token, "or")) {
		int right = advance(p) < 0 ? -EINVAL : parse_and(p);

		left = right < 0 ? right : add_node(p, QUERY_OR, left, right);
	}
	return left;
}

int query_parse(const char *text, int64_t now, struct query *ret, struct fault *f)
{
	struct parser p = {.text = text, .at = text, .query = ret, .fault = f, .now = now};
	int root;

	ret->n_nodes = 0;
	ret->for_root = NULL;
	if (strlen(text) > QUERY_LENGTH_MAX)
		return fault_set(f, -EINVAL, "--where: longer than %u characters",
				 QUERY_LENGTH_MAX);
	if (advance(&p) < 0)
		return -EINVAL;
	root = parse_or(&p);
	if (root < 0)
		return root;
	if (p.token.kind != TOKEN_END)
		return refuse(&p, &p.token, "'and' or 'or' must be here");
	ret->root = (unsigned)root;
	return 0;
}

static bool node_match(const struct query *q, unsigned i, const struct user_row *row)
{
	const struct query_node *n = &q->nodes[i];

	switch (n->kind) {
	case QUERY_TEST:
		return query_value_match(n, row);
	case QUERY_NOT:
		return !node_match(q, n->left, row);
	case QUERY_AND:
		return node_match(q, n->left, row) && node_match(q, n->right, row);
	case QUERY_OR:
		return node_match(q, n->left, row) || node_match(q, n->right, row);
	}
	return false;
}

bool query_match(const struct query *q, const struct user_row *row)
{
	return (row->known || !q->for_root) && node_match(q, q->root, row);
}

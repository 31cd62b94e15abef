#include "ctl/directory/qr.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include <qrencode.h>

#define QUIET         4 /* light modules around it, as the standard wants */
#define DARK_ON_LIGHT "\033[30;107m"
#define NORMAL        "\033[0m\n"

bool qr_can_show(void)
{
	locale_t l = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool utf8 = l && strcmp(nl_langinfo_l(CODESET, l), "UTF-8") == 0;

	if (l)
		freelocale(l);
	return utf8 && isatty(STDOUT_FILENO);
}

static bool is_dark(const QRcode *q, int x, int y)
{
	return x >= 0 && y >= 0 && x < q->width && y < q->width && q->data[y * q->width + x] & 1;
}

static int draw_lines(const QRcode *q, struct buf *out)
{
	static const char *const halves[] = {" ", "▄", "▀", "█"}; /* upper, lower */
	int r = 0;

	for (int y = -QUIET; r == 0 && y < q->width + QUIET; y += 2) {
		r = buf_add(out, DARK_ON_LIGHT, strlen(DARK_ON_LIGHT));
		for (int x = -QUIET; r == 0 && x < q->width + QUIET; x++) {
			const char *half = halves[2 * is_dark(q, x, y) + is_dark(q, x, y + 1)];

			r = buf_add(out, half, strlen(half));
		}
		if (r == 0)
			r = buf_add(out, NORMAL, strlen(NORMAL));
	}
	return r;
}

int qr_draw(const char *text, struct buf *out)
{
	QRcode *q = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
	int r;

	if (!q)
		return errno == ERANGE ? -E2BIG : -ENOMEM;
	r = draw_lines(q, out);
	QRcode_free(q);
	return r;
}

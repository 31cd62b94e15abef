/* What the checks share: knocking at a socket. */
#include <errno.h>

#include "common/wire.h"
#include "ctl/doctor/doctor.h"

int doctor_listens(const char *path, int *ret_sock)
{
	uid_t peer;
	AUTO_CLOSE int sock = wire_connect(path, &peer);

	if (sock < 0)
		return sock;
	if (peer != 0)
		return -EPERM;
	*ret_sock = TAKE_FD(sock);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* A request and its answer are one line each; a connection carries one pair. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"

static int control_socket(const char *path, struct sockaddr_un *addr)
{
	int fd;

	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	strcpy(addr->sun_path, path);

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

/* Receive up to the end of a line, which is cut off.  Returns 0 or -errno. */
static int receive_line(int fd, char line[CONTROL_MAX])
{
	size_t len = 0;
	char *end;

	do {
		ssize_t got = recv(fd, line + len, CONTROL_MAX - 1 - len, 0);

		if (got < 0)
			return -errno;
		if (!got)
			return -ECONNRESET;
		len += got;
		line[len] = '\0';
		end = strchr(line, '\n');
	} while (!end);

	*end = '\0';
	return 0;
}

static int send_line(int fd, const char *line)
{
	char buf[CONTROL_MAX];
	int len = snprintf(buf, sizeof(buf), "%s\n", line);

	if (len >= (int)sizeof(buf))
		return -EMSGSIZE;
	/* so short a line goes into an empty socket buffer at once */
	return send(fd, buf, len, MSG_NOSIGNAL) == len ? 0 : -errno;
}

int control_listen(const char *path)
{
	struct sockaddr_un addr;
	int fd = control_socket(path, &addr), err;

	if (fd < 0)
		return fd;
	unlink(path);
	if (!bind(fd, (struct sockaddr *)&addr, sizeof(addr)) && !listen(fd, 8))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int control_ask(const char *path, const char *request, char answer[CONTROL_MAX])
{
	struct sockaddr_un addr;
	int fd = control_socket(path, &addr), err;

	if (fd < 0)
		return fd;
	err = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ? -errno : 0;
	if (!err)
		err = send_line(fd, request);
	if (!err)
		err = receive_line(fd, answer);
	close(fd);
	return err;
}

void control_serve(int listener,
		   void (*handle)(char *request, char answer[CONTROL_MAX]))
{
	char request[CONTROL_MAX], answer[CONTROL_MAX];
	int fd;

	for (;;) {
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			return;
		}
		if (!receive_line(fd, request)) {
			handle(request, answer);
			send_line(fd, answer);
		}
		close(fd);
	}
}

// SPDX-License-Identifier: GPL-2.0-only
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

const char *option_of(bool bind)
{
	return bind && option() ? BIND : option();
}

const char *attack_is_missing(bool bind)
{
	return bind && option() ? bind_is_missing() : ima_is_missing();
}

int shown_everywhere(int proc, const char *mountinfo, dev_t dev, const char *option)
{
	int fd = openat(proc, mountinfo, O_RDONLY | O_CLOEXEC), mounts = 0;
	char *line = NULL, super[1024], *dash;
	FILE *f = fdopen(fd, "r");
	unsigned int major, minor;
	size_t size = 0;

	while (f && mounts >= 0 && getline(&line, &size, f) > 0) {
		dash = strstr(line, " - ");
		if (!dash || sscanf(line, "%*d %*d %u:%u", &major, &minor) != 2 ||
		    makedev(major, minor) != dev ||
		    sscanf(dash, " - %*s %*s %1023s", super) != 1)
			continue;
		mounts = listed(super, option) ? mounts + 1 : -1;
	}
	if (f)
		fclose(f);
	return mounts;
}

int device_of(pid_t server)
{
	int pidfd = syscall(SYS_pidfd_open, server, 0), device = -1;
	char path[64], target[64];
	ssize_t len;

	for (int fd = 0; fd < 64 && device < 0; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", server, fd);
		len = readlink(path, target, sizeof(target));
		if (len == strlen("/dev/fuse") && !memcmp(target, "/dev/fuse", len))
			device = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	}
	close(pidfd);
	return device;
}

char state_of(pid_t pid)
{
	char path[32], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(f);
	return state;
}

int end_of(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid ? status : -1;
}

/* What was permitted, to have it after a change of user IDs. */
static int keep_capabilities(uid_t uid)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (prctl(PR_SET_KEEPCAPS, 1) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid) ||
	    syscall(SYS_capget, &header, data))
		return -1;
	for (int i = 0; i < 2; i++)
		data[i].effective = data[i].permitted;
	return syscall(SYS_capset, &header, data);
}

static void work_outside(int socket, uid_t uid, bool root)
{
	struct order order;
	int ret;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (root ? keep_capabilities(uid) :
		   setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		_exit(1);
	while (read(socket, &order, sizeof(order)) == sizeof(order)) {
		ret = order.act(socket, &order);
		if (write(socket, &ret, sizeof(ret)) != sizeof(ret))
			break;
	}
	_exit(0);
}

int start_outsider(struct outsider *outsider, uid_t uid, bool root)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -1;
	outsider->socket = ends[0];
	outsider->pid = fork();
	if (!outsider->pid) {
		close(ends[0]);
		work_outside(ends[1], uid, root);
	}
	close(ends[1]);
	return outsider->pid < 0 ? -1 : 0;
}

int tell(const struct outsider *outsider, const struct order *order)
{
	return write(outsider->socket, order, sizeof(*order)) == sizeof(*order) ? 0 : -1;
}

int answer_of(const struct outsider *outsider)
{
	int ret;

	return read(outsider->socket, &ret, sizeof(ret)) == sizeof(ret) ? ret : -1;
}

int have_done(const struct outsider *outsider, const struct order *order)
{
	return tell(outsider, order) ?: answer_of(outsider);
}

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

int send_fd(int socket, int fd)
{
	union control control = {};
	struct iovec byte = { "", 1 };
	struct msghdr message = {
		.msg_iov = &byte, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};

	control.header = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(fd)), .cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	};
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) == 1 ? 0 : -1;
}

int receive_fd(int socket)
{
	union control control = {};
	char data;
	struct iovec byte = { &data, 1 };
	struct msghdr message = {
		.msg_iov = &byte, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	int fd = -1;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1 &&
	    message.msg_controllen >= CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

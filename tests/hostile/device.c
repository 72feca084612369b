// SPDX-License-Identifier: GPL-2.0
#include "hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const point_names[POINTS] = {
	"LOOKUP", "GETATTR", "OPEN", "first READ", "middle READ", "last READ",
	"GETXATTR of the size", "GETXATTR of the value", "FLUSH", "RELEASE",
};

struct plan *plan;

static int device;
static unsigned long long held; /* request that is not answered */
static size_t size; /* of the file now */
static char connection[64]; /* the file that aborts it */

int new_plan(void)
{
	plan = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return plan == MAP_FAILED ? -1 : 0;
}

static int send_parts(unsigned long long unique, int error, const struct iovec *parts, int count)
{
	struct fuse_out_header out = { .error = error, .unique = unique, .len = sizeof(out) };
	struct iovec all[3] = { { &out, sizeof(out) } };

	for (int i = 0; i < count; i++) {
		all[1 + i] = parts[i];
		out.len += parts[i].iov_len;
	}
	return writev(device, all, 1 + count) < 0 ? -1 : 0;
}

static int answer(unsigned long long unique, int error, const void *data, size_t len)
{
	struct iovec part = { (void *)data, len };

	return send_parts(unique, error, &part, len ? 1 : 0);
}

/* The kernel takes neither an answer of a wrong size, nor what is no error number. */
static void answer_wrongly(unsigned long long unique, int error, const void *data, size_t len)
{
	if (answer(unique, error, data, len))
		plan->refused = errno;
}

static void abort_connection(void)
{
	if (write_file(connection, "1"))
		perror(connection);
}

/* A page that contents differ in, and not the one that is read now, as that is locked. */
static off_t other_page(void)
{
	return plan->point == AT_FIRST_READ ? 2 * PAGE : 0;
}

static void send_notice(void)
{
	struct fuse_notify_inval_inode_out inval = { .ino = FILE_INO, .len = 0 };
	struct fuse_notify_store_out store = { .nodeid = FILE_INO, .size = PAGE };
	struct fuse_notify_inval_entry_out entry = { .parent = FUSE_ROOT_ID };
	struct fuse_notify_delete_out delete = { .parent = FUSE_ROOT_ID, .child = FILE_INO };
	struct iovec parts[2] = {};

	entry.namelen = strlen(plan->name);
	delete.namelen = strlen(plan->name);
	parts[1] = (struct iovec){ plan->name, strlen(plan->name) + 1 };
	switch (plan->act) {
	case INVALIDATES:
		if (plan->point >= AT_FIRST_READ && plan->point <= AT_LAST_READ) {
			inval.off = other_page();
			inval.len = PAGE;
		}
		answer_wrongly(0, FUSE_NOTIFY_INVAL_INODE, &inval, sizeof(inval));
		return;
	case STORES:
		store.offset = other_page();
		parts[0] = (struct iovec){ &store, sizeof(store) };
		parts[1] = (struct iovec){ served->content[1].data + store.offset, PAGE };
		send_parts(0, FUSE_NOTIFY_STORE, parts, 2);
		return;
	case FORGETS_NAME:
		parts[0] = (struct iovec){ &entry, sizeof(entry) };
		send_parts(0, FUSE_NOTIFY_INVAL_ENTRY, parts, 2);
		return;
	default:
		parts[0] = (struct iovec){ &delete, sizeof(delete) };
		send_parts(0, FUSE_NOTIFY_DELETE, parts, 2);
	}
}

/* The kernel may hold a lock until it has the answer, so another process tells it. */
static void notify_kernel(void)
{
	pid_t pid = fork();

	if (!pid) {
		send_notice();
		_exit(0);
	}
	/* who looks a name up has the lock of the directory, and may do so after the last access */
	if (plan->point != AT_LOOKUP && plan->point != AT_RELEASE)
		waitpid(pid, NULL, 0);
}

/* Do what is planned.  Returns whether the answer that is asked for follows. */
static bool misbehave(unsigned long long unique, const void *data, size_t len)
{
	static char more[XATTR_MOST + 2 * PAGE];

	switch (plan->act) {
	case DIES:
		raise(SIGKILL);
		return false;
	case ABORTS:
		abort_connection();
		return false;
	case FAILS_BY_NO_ERROR:
		answer_wrongly(unique, plan->error, NULL, 0);
		answer(unique, -EIO, NULL, 0);
		return false;
	case FAILS:
		answer(unique, plan->error, NULL, 0);
		return false;
	case ANSWERS_SHORT:
		answer_wrongly(unique, 0, data, len / 2);
		return false;
	case ANSWERS_LONG:
		memcpy(more, data, len);
		answer_wrongly(unique, 0, more, sizeof(more));
		return false;
	case HANGS_UNTIL_INTERRUPTED:
	case HANGS_UNTIL_ABORTED:
	case SAYS_SO:
		if (write(plan->reached, "", 1) < 0)
			_exit(1);
		if (plan->act == SAYS_SO)
			return true;
		held = unique;
		return false;
	case GROWS:
		size += PAGE;
		return true;
	case SHRINKS:
		size = PAGE;
		return true;
	case LABELS:
		return true;
	default:
		if (plan->act == INVALIDATES)
			served->which = 1;
		notify_kernel();
		return true;
	}
}

/* At a point: the answer that is asked for, or what is planned. */
static void reply(unsigned long long unique, enum point point, const void *data, size_t len)
{
	if (++plan->seen[point] == plan->nth && point == plan->point &&
	    !misbehave(unique, data, len))
		return;
	answer(unique, 0, data, len);
}

static struct fuse_attr attributes(void)
{
	return (struct fuse_attr){
		.ino = FILE_INO, .mode = S_IFREG | 0755, .nlink = 1, .size = size,
		.uid = served->owner, .gid = served->owner, .blksize = PAGE,
	};
}

static void lookup(unsigned long long unique, const char *name)
{
	struct fuse_entry_out out = { .nodeid = FILE_INO, .generation = 1 };

	if (strcmp(name, plan->name)) {
		answer(unique, -ENOENT, NULL, 0);
		return;
	}
	out.attr = attributes();
	reply(unique, AT_LOOKUP, &out, sizeof(out));
}

static void getattr(unsigned long long unique, unsigned long long node)
{
	struct fuse_attr_out out = { .attr = attributes() };

	if (node != FILE_INO) {
		out.attr = (struct fuse_attr){
			.ino = FUSE_ROOT_ID, .mode = S_IFDIR | 0755, .nlink = 2,
		};
		answer(unique, 0, &out, sizeof(out));
		return;
	}
	reply(unique, AT_GETATTR, &out, sizeof(out));
}

static void read_file(unsigned long long unique, const struct fuse_read_in *in)
{
	static char data[PAGE];
	const struct content *content = &served->content[served->which];
	enum point point = OTHER_READ;
	size_t len = in->offset >= size ? 0 : size - in->offset, known;

	plan->reads++;
	if (len > in->size)
		len = in->size;
	if (len > sizeof(data))
		len = sizeof(data);
	known = in->offset >= MAX_SIZE ? 0 : MAX_SIZE - in->offset;
	memset(data, 0, sizeof(data));
	memcpy(data, content->data + (known ? in->offset : 0), known < len ? known : len);
	if (in->offset + len > plan->end)
		plan->end = in->offset + len;
	if (!in->offset)
		point = AT_FIRST_READ;
	else if (in->offset + in->size >= size)
		point = AT_LAST_READ;
	else if (in->offset == PAGE)
		point = AT_MIDDLE_READ;
	reply(unique, point, data, len);
}

static void getxattr(unsigned long long unique, const struct fuse_getxattr_in *in)
{
	struct fuse_getxattr_out out = { .size = plan->label_told };

	if (strcmp((const char *)(in + 1), "security.ima"))
		answer(unique, -ENODATA, NULL, 0);
	else if (!in->size)
		reply(unique, AT_XATTR_SIZE, &out, sizeof(out));
	else
		reply(unique, AT_XATTR_VALUE, plan->label, plan->label_size);
}

static void interrupted(void)
{
	if (!held)
		return;
	if (plan->act == HANGS_UNTIL_ABORTED)
		abort_connection();
	else
		answer(held, -EINTR, NULL, 0);
	held = 0;
}

static void handle(const struct fuse_in_header *in)
{
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
		.max_write = PAGE, /* and the kernel is to read each page by itself */
	};
	struct fuse_open_out open = { .open_flags = plan->direct ? FOPEN_DIRECT_IO : 0 };
	unsigned long long unique = in->unique;

	switch (in->opcode) {
	case FUSE_INIT:
		answer(unique, 0, &init, sizeof(init));
		return;
	case FUSE_LOOKUP:
		lookup(unique, (const char *)(in + 1));
		return;
	case FUSE_GETATTR:
		getattr(unique, in->nodeid);
		return;
	case FUSE_OPEN:
		reply(unique, AT_OPEN, &open, sizeof(open));
		return;
	case FUSE_READ:
		read_file(unique, (const struct fuse_read_in *)(in + 1));
		return;
	case FUSE_GETXATTR:
		getxattr(unique, (const struct fuse_getxattr_in *)(in + 1));
		return;
	case FUSE_FLUSH:
		reply(unique, AT_FLUSH, NULL, 0);
		return;
	case FUSE_RELEASE:
		reply(unique, AT_RELEASE, NULL, 0);
		return;
	case FUSE_INTERRUPT:
		interrupted();
		return;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		return;
	default:
		answer(unique, -NOT_KNOWN, NULL, 0);
	}
}

static void serve(void)
{
	static char buffer[FUSE_MIN_READ_BUFFER + PAGE];
	ssize_t len;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	size = served->content[0].told;
	held = 0;
	/* ENODEV is the end */
	while ((len = read(device, buffer, sizeof(buffer))) > 0 || errno != ENODEV)
		if (len > 0)
			handle((const struct fuse_in_header *)buffer);
	_exit(0);
}

pid_t mount_hostile(const char *option)
{
	char options[256];
	struct statx st;
	pid_t pid;

	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=%d,group_id=%d,max_read=%d%s%s", device, getuid(),
		 getgid(), PAGE, option ? "," : "", option ?: "");
	if (device < 0 || mount("hostile", DIR, "fuse", MS_NOSUID | MS_NODEV, options))
		return -1;
	memset(&plan->seen, 0, sizeof(plan->seen));
	plan->refused = 0;
	plan->reads = 0;
	plan->end = 0;
	/* the connection has the number of the device, and there is no server yet to be asked */
	if (statx(AT_FDCWD, DIR, AT_STATX_DONT_SYNC, 0, &st))
		return -1;
	snprintf(connection, sizeof(connection), CONNECTIONS "/%u/abort", st.stx_dev_minor);
	pid = fork();
	if (!pid)
		serve();
	close(device);
	return pid;
}

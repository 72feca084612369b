// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <libmount/libmount.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flag.h"
#include "mounted.h"
#include "options.h"
#include "processes.h"
#include "program.h"
#include "report.h"
#include "selfmount.h"

#define PROGRAM_END_MS 1000 /* what a program gets to end after a failure */

/* The program, as the process sees it that has started it. */
struct serving {
	const struct request *rq;
	pid_t pid;
	int pidfd;    /* -1 when it has gone into the background */
	int children; /* a signalfd: a child has ended */
	int place;    /* the mount point, without what the program mounts */
	int socket;   /* to who waits for the mount */
};

static int cannot_run(void)
{
	report("cannot run the FUSE program: %s", strerror(errno));
	return -1;
}

static int cannot_watch(void)
{
	report("cannot watch the FUSE program: %s", strerror(errno));
	return -1;
}

/*
 * Not to wait for ever, holding the mount, when the parent is killed.  The
 * kernel forgets it at setresuid(2), so this comes after that.
 */
static int die_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		return -errno;
	return getppid() == parent ? 0 : -ESRCH;
}

/* The root of a chroot(2) need not be a mount: go to one, and come back. */
static int make_slaves_from_outside(void)
{
	int proc = proc_directory(), err = -1;
	int ns = openat(proc, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
	int root = open("/", O_PATH | O_CLOEXEC);
	int cwd = open(".", O_PATH | O_CLOEXEC);

	if (ns >= 0 && root >= 0 && cwd >= 0 && !setns(ns, CLONE_NEWNS) &&
	    !mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) && !fchdir(root) &&
	    !chroot("."))
		err = fchdir(cwd);
	if (err)
		err = -errno;
	close(ns);
	close(root);
	close(cwd);
	return err;
}

/* From here on others see no mount of this process, which sees theirs. */
static int leave_namespace(void)
{
	int err = 0;

	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL))
		err = -errno;
	if (err == -EINVAL)
		err = make_slaves_from_outside();
	if (err)
		report("cannot make a mount namespace for the FUSE program: %s",
		       strerror(-err));
	return err;
}

/* The program has ended: 0 if that is how it goes into the background. */
static int program_ended(struct serving *s)
{
	int status;

	close(s->pidfd);
	s->pidfd = -1;
	if (waitpid(s->pid, &status, 0) < 0)
		return cannot_watch();
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (WIFEXITED(status))
		report("the FUSE program ended with status %d",
		       WEXITSTATUS(status));
	else
		report("the FUSE program was ended by signal %d (%s)",
		       WTERMSIG(status), strsignal(WTERMSIG(status)));
	return -1;
}

/* Wait until something is mounted or a process ends. */
static int wait_for_event(struct serving *s, int mountinfo)
{
	struct signalfd_siginfo info;
	struct pollfd fds[] = {
		{ .fd = mountinfo, .events = POLLPRI },
		{ .fd = s->pidfd, .events = POLLIN },
		{ .fd = s->children, .events = POLLIN },
	};

	if (poll(fds, 3, -1) < 0 ||
	    (fds[2].revents && read(s->children, &info, sizeof(info)) < 0))
		return cannot_watch();
	return s->pidfd >= 0 && fds[1].revents ? program_ended(s) : 0;
}

/* Returns a descriptor of the program's mount, or -1 after a message. */
static int wait_for_mount(struct serving *s, int mountinfo,
			  struct mounted *found)
{
	int err, fd;

	while ((err = mounted_find_on(s->place, found)) == -ENOENT) {
		if (s->pidfd < 0 && !children_left()) {
			report("the FUSE program ended without mounting anything");
			return -1;
		}
		if (wait_for_event(s, mountinfo))
			return -1;
	}
	fd = err ? err : found->propagated ? -EBUSY : mounted_open_root(found);
	if (fd >= 0)
		return fd;
	report(fd == -EBUSY ? "somebody else has mounted here, too" :
			      "cannot see what is mounted: %s",
	       strerror(-fd));
	return -1;
}

/* user_id= or group_id= of a FUSE superblock, which always has both */
static unsigned int id_option(const struct mounted *found, const char *name)
{
	char *value = NULL;

	mnt_optstr_get_option(found->options, name, &value, NULL);
	return value ? strtoul(value, NULL, 10) : 0;
}

/* The option is set on what the program has mounted, and seen there. */
static int set_option(const struct request *rq, int fd, struct mounted *found)
{
	int id = found->id, err;

	if (!options_fuse_program(found->fstype)) {
		report("%s mounted something of type %s, not FUSE",
		       request_program(rq), found->fstype);
		return MNT_EX_FAIL;
	}
	if (flag_set(fd, rq->bind, found->read_only))
		return MNT_EX_FAIL;
	mounted_free(found);
	err = mounted_find(id, found);
	return mounted_verify(err, found, rq->bind);
}

/* Whether the program has failed, or does so within that time. */
static bool fails_within(struct serving *s, int milliseconds)
{
	struct pollfd program = { .fd = s->pidfd, .events = POLLIN };

	return s->pidfd >= 0 && poll(&program, 1, milliseconds) > 0 &&
	       program_ended(s);
}

/* 0 if the program answers, whatever it says, or errno */
static int served(int mount)
{
	struct statfs st;

	if (!fstatfs(mount, &st) ||
	    (errno != ENOTCONN && errno != ECONNABORTED &&
	     errno != ECONNREFUSED))
		return 0;
	return errno;
}

/*
 * Only for its owner does a FUSE filesystem ask its program; for others
 * statfs(2) succeeds in any case.  So a process of its own becomes that user.
 */
static int served_for(uid_t uid, gid_t gid, int mount)
{
	pid_t parent = getpid(), pid = fork();
	int status;

	if (!pid)
		_exit(setresgid(gid, gid, gid) || setresuid(uid, uid, uid) ?
			      errno :
		      die_with(parent) ? ESRCH :
					 served(mount));
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

static int ask(const struct mounted *found, int mount)
{
	uid_t uid = id_option(found, "user_id");
	gid_t gid = id_option(found, "group_id");

	return uid == getuid() && gid == getgid() ? served(mount) :
						    served_for(uid, gid, mount);
}

/* A message with one descriptor and one byte, 0, since it must have data. */
struct parcel {
	char control[CMSG_SPACE(sizeof(int))];
	char byte;
	struct iovec data;
	struct msghdr message;
};

static struct msghdr *pack(struct parcel *p)
{
	*p = (struct parcel){ .data = { &p->byte, 1 } };
	p->message = (struct msghdr){
		.msg_iov = &p->data,
		.msg_iovlen = 1,
		.msg_control = p->control,
		.msg_controllen = sizeof(p->control),
	};
	return &p->message;
}

static int hand_over(int socket, int mount)
{
	struct parcel parcel;
	struct cmsghdr *header = CMSG_FIRSTHDR(pack(&parcel));

	*header = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET,
				    SCM_RIGHTS };
	memcpy(CMSG_DATA(header), &mount, sizeof(int));
	if (sendmsg(socket, &parcel.message, MSG_NOSIGNAL) == 1)
		return 0;
	report("cannot hand over the mount: %s", strerror(errno));
	return MNT_EX_SYSERR;
}

/*
 * Until the program serves its mount.  One that puts itself in the background
 * may look at its own mount until then, as those in Go do, so its end is waited
 * for; one that stays in the foreground cannot be told from it but by time.
 */
static int wait_for_answer(struct serving *s, const struct mounted *found,
			   int mount)
{
	int err = ask(found, mount);

	if (!err && send(s->socket, "a", 1, MSG_NOSIGNAL) != 1)
		err = errno;
	/* one that is ending closes the device first */
	if (fails_within(s, err ? PROGRAM_END_MS : SELFMOUNT_BACKGROUND * 1000))
		return -1;
	/* one that has ended well may have left nobody who serves it */
	if (!err)
		err = ask(found, mount);
	if (err)
		report("the FUSE program does not serve its mount: %s",
		       strerror(err));
	return err ? -1 : 0;
}

/* With the program running: its mount, flagged, served, and without a place. */
static int take_mount(struct serving *s, int mountinfo)
{
	struct mounted found = { 0 };
	int fd = wait_for_mount(s, mountinfo, &found), mount = -1, err = -1;

	if (fd >= 0 && !set_option(s->rq, fd, &found)) {
		mount = open_tree(fd, "",
				  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
					  AT_EMPTY_PATH);
		err = mount < 0 ? errno : wait_for_answer(s, &found, mount);
		if (!err)
			err = -mounted_undo(fd);
		if (err > 0)
			report("cannot take the mount of the FUSE program: %s",
			       strerror(err));
	} else if (fd >= 0) {
		/* one that fails right after it has mounted takes it away */
		fails_within(s, PROGRAM_END_MS);
	}
	mounted_free(&found);
	if (err && mount >= 0)
		close(mount);
	return err ? -1 : mount;
}

/* Whether two descriptors are of one inode: 1, 0 or -errno. */
static int same_inode(int a, int b)
{
	const int flags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
	struct statx x, y;

	if (statx(a, "", flags, STATX_INO, &x) ||
	    statx(b, "", flags, STATX_INO, &y))
		return -errno;
	return x.stx_ino == y.stx_ino && x.stx_dev_major == y.stx_dev_major &&
	       x.stx_dev_minor == y.stx_dev_minor;
}

/*
 * Open the mount point, as the program will find it.  It must be the one of the
 * caller: a user who may mount here may not be one who may mount there.
 */
static int open_place(struct serving *s, int target)
{
	int same = 1, err = 0;
	struct stat st;

	s->place = open(s->rq->target, O_PATH | O_CLOEXEC);
	if (s->place >= 0 && target >= 0)
		same = same_inode(s->place, target);
	/* mount.fuse3(8) looks there, too, and would say less */
	if (s->place < 0 || same < 0 || (same && stat(s->rq->target, &st)))
		err = errno;
	if (same > 0 && !err)
		return 0;
	if (!same)
		report("the mount point has been changed meanwhile");
	else if (err == ENOTCONN)
		report("a dead FUSE mount is here: unmount it first");
	else
		report(s->rq->namespace ?
			       "the FUSE program cannot mount here in its own namespace: %s" :
			       "cannot use this mount point: %s",
		       strerror(err));
	return -1;
}

/* In a process of its own: returns its exit status. */
static int selfmount(const struct request *rq, const struct passwd *user,
		     int target, int socket, pid_t helper)
{
	struct serving s = { .rq = rq, .pidfd = -1, .socket = socket };
	int mountinfo, mount = -1, status;

	/* programs in the background become children of this process */
	s.children = children_watch();
	if (s.children < 0 || die_with(helper) ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1)) {
		cannot_watch();
		return MNT_EX_SYSERR;
	}
	if (leave_namespace())
		return MNT_EX_SYSERR;
	if (open_place(&s, target))
		return MNT_EX_FAIL;
	status = program_check(rq);
	if (status)
		return status;
	mountinfo = openat(proc_directory(), "self/mountinfo",
			   O_RDONLY | O_CLOEXEC);
	if (mountinfo < 0) {
		cannot_watch();
		return MNT_EX_SYSERR;
	}
	s.pid = program_start(rq, user);
	if (s.pid < 0)
		return MNT_EX_SYSERR;
	s.pidfd = pidfd_open(s.pid, 0);
	if (s.pidfd < 0)
		cannot_watch();
	else
		mount = take_mount(&s, mountinfo);
	return mount < 0 ? MNT_EX_FAIL : hand_over(socket, mount);
}

pid_t selfmount_start(const struct request *rq, const struct passwd *user,
		      int target, int *socket)
{
	pid_t helper = getpid(), pid;
	int sockets[2];
	ssize_t len;
	char byte;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return cannot_run();
	pid = fork();
	if (!pid) {
		close(sockets[0]);
		len = read(sockets[1], &byte, 1);
		if (len < 0)
			cannot_run();
		/* at its end nothing is to begin */
		_exit(len == 1 ?
			      selfmount(rq, user, target, sockets[1], helper) :
			      MNT_EX_SYSERR);
	}
	close(sockets[1]);
	*socket = sockets[0];
	if (pid > 0)
		return pid;
	cannot_run();
	close(sockets[0]);
	return -1;
}

bool selfmount_answers(int socket)
{
	char word;

	/* with the mount comes a 0 */
	return recv(socket, &word, 1, MSG_PEEK) == 1 && word &&
	       recv(socket, &word, 1, 0) == 1;
}

int selfmount_take(int socket)
{
	struct parcel parcel;
	struct cmsghdr *header;
	int mount = -1;

	if (recvmsg(socket, pack(&parcel), MSG_CMSG_CLOEXEC) != 1)
		return -1;
	header = CMSG_FIRSTHDR(&parcel.message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&mount, CMSG_DATA(header), sizeof(int));
	return mount;
}

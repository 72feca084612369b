// SPDX-License-Identifier: GPL-2.0
#include "model.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define KEPT 3 /* of each kind by a task */

static const struct {
	const char *name;
	int weight;
} operations[OPERATIONS] = {
	[READ] = { "read", 12 },
	[READ_KEPT] = { "read what is kept open", 5 },
	[EXECUTE] = { "execute", 12 },
	[MAP] = { "map to execute", 8 },
	[PROTECT] = { "map to read, then make it executable", 2 },
	[CLOSE] = { "close all that is kept", 2 },
	[MAP_TO_WRITE] = { "map to write", 3 },
	[WRITE_MAP] = { "write the map", 6 },
	[WRITE] = { "write", 4 },
	[TRUNCATE] = { "truncate", 2 },
	[LABEL] = { "set security.ima", 2 },
	[RENAME] = { "rename", 2 },
	[LINK] = { "link", 2 },
	[BELOW] = { "change below", 14 },
	[REMOUNT] = { "remount", 2 },
	[BIND_MOUNT] = { "bind mount", 2 },
	[SECOND_MOUNT] = { "second mount", 2 },
	[OVER_MOUNT] = { "overlay above", 2 },
	[DROP_CACHES] = { "drop caches", 2 },
	[POLICY] = { "add rules", 4 },
	[TOGETHER] = { "read by two at once", 3 },
	[RACE] = { "read while it changes below", 3 },
	[MAP_KEPT] = { "map to execute what is kept open", 5 },
};

const char *operation_name(enum operation operation)
{
	return operations[operation].name;
}

/* Each is drawn by itself: a sequence without some of them has the others as they are. */
struct step draw_step(unsigned long long seed, int number)
{
	unsigned long long state = seed << 16 ^ number;
	struct step step = {};
	int sum = 0, at;

	for (int i = 0; i < OPERATIONS; i++)
		sum += operations[i].weight;
	at = any(&state) % sum;
	while (at >= operations[step.operation].weight)
		at -= operations[step.operation++].weight;
	step.task = any(&state) % TASKS;
	/* most steps meet at one file */
	step.name = any(&state) % 4 ? 0 : any(&state) % NAMES;
	step.other = any(&state) % NAMES;
	step.where = any(&state) % 12;
	step.number = any(&state);
	return step;
}

/* What a task keeps in use. */
static struct kept {
	int fd; /* or -1 */
	char *map; /* or NULL */
	size_t size; /* of the map, bytes */
	bool writes;
	bool listed; /* the list must have had it when it was opened or mapped */
} kept[2 * KEPT];

static char buffer[MOST_GOT];
static int current; /* name of a file */

static bool has_rule(enum hook hook)
{
	return run->rules & 1 << hook;
}

static void note(int number, bool demanded, bool alone, const char *data, size_t len)
{
	int n = run->accesses++;
	struct access *access = &run->access[n];
	bool flagged;

	if (n >= MOST_ACCESSES)
		return;
	flagged = is_flagged(run->step[number].where, current);
	*access = (struct access){
		.step = number, .demanded = flagged && demanded, .alone = flagged && alone,
		.len = len,
		.hooked = run->step[number].operation != READ_KEPT,
	};
	access->at = atomic_fetch_add(&run->used, len);
	memcpy(run->arena + access->at, data, len);
}

static ssize_t read_whole(int fd)
{
	size_t len = 0;
	ssize_t got;

	while (len < sizeof(buffer) &&
	       (got = pread(fd, buffer + len, sizeof(buffer) - len, len)) != 0) {
		if (got < 0)
			return -1;
		len += got;
	}
	return len;
}

/* As the kernel reads a map for somebody: pages that are not there raise no signal. */
static ssize_t read_map(const char *map, size_t size)
{
	int fd = memfd_create("got", MFD_CLOEXEC);
	ssize_t len = -1;

	if (fd >= 0 && write(fd, map, size) >= 0)
		len = read_whole(fd);
	close(fd);
	return len;
}

static void release(struct kept *old)
{
	if (old->fd < 0 && !old->map)
		return;
	if (old->map)
		munmap(old->map, old->size);
	if (old->fd >= 0)
		close(old->fd);
	if (old->writes)
		run->writers--;
	else
		run->readers--;
	*old = (struct kept){ .fd = -1 };
}

static void keep(struct kept new, int at)
{
	release(&kept[at]);
	if (new.writes)
		run->writers++;
	else
		run->readers++;
	kept[at] = new;
}

static int read_file(int number, const char *path)
{
	const struct step *step = &run->step[number];
	bool race = step->operation == RACE;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -1;
	len = read_whole(fd);
	/* who reads while it changes may get what was not there before, unless the file is bound */
	if (len >= 0)
		note(number, has_rule(BY_OPEN) && (run->bound || !race), !race, buffer, len);
	if (len >= 0 && !race && !is_present(step->where, current, buffer, len))
		snprintf(run->broken, sizeof(run->broken),
			 "step %d got what the file had before", number);
	keep((struct kept){ .fd = fd, .listed = has_rule(BY_OPEN) }, step->number % KEPT);
	if (step->number & 64)
		release(&kept[step->number % KEPT]);
	return len < 0 ? -1 : 0;
}

static int read_kept(int number)
{
	ssize_t len;

	for (int i = 0; i < 2 * KEPT; i++) {
		if (kept[i].fd < 0 || kept[i].writes)
			continue;
		len = kept[i].map ? read_map(kept[i].map, kept[i].size) : read_whole(kept[i].fd);
		if (len >= 0)
			note(number, run->bound && kept[i].listed, false, buffer, len);
	}
	return 0;
}

/* Opened as it was, maybe before there was a rule or the option, or to write as well. */
static int map_kept(int number)
{
	/* of an overlay's file it is not known any more in which layer it was opened */
	bool demanded = has_rule(BY_MMAP) && (run->bound || run->kind < OVERLAY);
	ssize_t len;
	off_t size;
	char *map;

	for (int i = 0; i < 2 * KEPT; i++) {
		/* of a copy, as its attributes are the file's */
		size = lseek(kept[i].fd, 0, SEEK_END);
		if (kept[i].fd < 0 || size <= 0)
			continue;
		map = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, kept[i].fd, 0);
		if (map == MAP_FAILED)
			continue;
		len = read_map(map, size);
		munmap(map, size);
		/* IMA may have found it to be longer or shorter */
		if (len >= 0)
			note(number, demanded && lseek(kept[i].fd, 0, SEEK_END) == size, false,
			     buffer, len);
	}
	return 0;
}

/* Bytes behind its end are those of the last page. */
static size_t cut_zeros(size_t len, const char *path, bool *whole)
{
	struct stat st;

	*whole = !stat(path, &st) && len >= (size_t)st.st_size;
	while (*whole && len > (size_t)st.st_size && !buffer[len - 1])
		len--;
	return len;
}

static int execute(int number, const char *path)
{
	char *const argv[] = { (char *)path, NULL };
	size_t len = 0;
	ssize_t got;
	int out[2], status;
	bool whole;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		dup2(out[1], STDOUT_FILENO);
		execve(path, argv, NULL);
		_exit(127);
	}
	close(out[1]);
	while (len < sizeof(buffer) && (got = read(out[0], buffer + len, sizeof(buffer) - len)) > 0)
		len += got;
	close(out[0]);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status))
		return -1;
	len = cut_zeros(len, path, &whole);
	note(number, whole && (has_rule(BY_EXEC) || has_rule(BY_MMAP)), whole, buffer, len);
	return 0;
}

static int map_file(int number, const char *path)
{
	const struct step *step = &run->step[number];
	bool first = step->operation == PROTECT, whole;
	struct kept new = { .fd = open(path, O_RDONLY | O_CLOEXEC) };
	struct stat st, now;
	ssize_t len;

	if (new.fd < 0)
		return -1;
	if (!fstat(new.fd, &st) && st.st_size)
		new.map = mmap(NULL, st.st_size, first ? PROT_READ : PROT_READ | PROT_EXEC,
			       MAP_PRIVATE, new.fd, 0);
	if (!new.map || new.map == MAP_FAILED) {
		close(new.fd);
		return -1;
	}
	new.size = st.st_size;
	/* for the map IMA may have found it to be longer or shorter than the attributes said */
	whole = !fstat(new.fd, &now) && now.st_size == st.st_size;
	new.listed = whole && (has_rule(BY_OPEN) || (has_rule(BY_MMAP) && !first));
	len = read_map(new.map, new.size);
	if (len >= 0)
		note(number, new.listed, whole, buffer, len);
	if (first && !mprotect(new.map, new.size, PROT_READ | PROT_EXEC))
		read_map(new.map, new.size);
	keep(new, KEPT + step->number % KEPT);
	if (step->number & 64)
		release(&kept[KEPT + step->number % KEPT]);
	return 0;
}

static int map_to_write(const char *path, unsigned int any)
{
	struct kept new = { .fd = open(path, O_RDWR | O_CLOEXEC), .writes = true };
	struct stat st;

	if (new.fd < 0)
		return -1;
	if (!fstat(new.fd, &st) && st.st_size)
		new.map = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, new.fd, 0);
	if (!new.map || new.map == MAP_FAILED) {
		close(new.fd);
		return -1;
	}
	new.size = st.st_size;
	keep(new, KEPT + any % KEPT);
	return 0;
}

/* No call says so to the kernel, and pages that are not there any more raise no signal. */
static int write_map(int number, unsigned int any)
{
	char text[48];
	int fd = memfd_create("text", MFD_CLOEXEC), ret = -1;

	snprintf(text, sizeof(text), "map written by step %d of run %u", number, run->salt);
	for (int i = KEPT; i < 2 * KEPT; i++) {
		size_t at = any % 4 * 4096 + 0xa8;

		if (!kept[i].writes || at + sizeof(text) > kept[i].size)
			continue;
		if (pwrite(fd, text, sizeof(text), 0) == sizeof(text) &&
		    pread(fd, kept[i].map + at, sizeof(text), 0) == sizeof(text))
			ret = 0;
		/* when a FUSE program gets it must not be left to chance */
		msync(kept[i].map, kept[i].size, MS_SYNC);
	}
	close(fd);
	return ret;
}

static int write_file_of(int number, const char *path)
{
	unsigned int any = run->step[number].number;
	size_t size = 256 + any / 64 % 16000;
	int fd, ret = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC | (any & 1 ? O_TRUNC : 0));
	if (fd < 0)
		return -1;
	make_content(buffer, size, number);
	if (write(fd, buffer, size) != (ssize_t)size || ftruncate(fd, size) ||
	    (any & 2 && fsync(fd)))
		ret = -1;
	close(fd);
	return ret;
}

static int set_label(const char *path, unsigned int any)
{
	/* MD5, SHA-1, SHA-256, SHA-512, one that nobody has, and one that there is not */
	static const unsigned char algorithms[] = { 1, 2, 4, 6, 14, 255 };
	unsigned char value[34] = { 4, algorithms[any % 6] };

	return setxattr(path, "security.ima", value, sizeof(value), 0);
}

/* The path of the step's file, or of the next one that there is. */
static void find_file(char path[LIST_NAME], const struct step *step)
{
	for (int i = 0; i < NAMES; i++) {
		current = (step->name + i) % NAMES;
		name_file(path, step->where, current);
		if (!access(path, F_OK))
			return;
	}
}

/* What a task does. */
static int perform(int number)
{
	const struct step *step = &run->step[number];
	char path[LIST_NAME], other[LIST_NAME];

	find_file(path, step);
	name_file(other, step->where, step->other);
	switch (step->operation) {
	case READ:
	case TOGETHER:
	case RACE:
		return read_file(number, path);
	case READ_KEPT:
		return read_kept(number);
	case MAP_KEPT:
		return map_kept(number);
	case EXECUTE:
		return execute(number, path);
	case MAP:
	case PROTECT:
		return map_file(number, path);
	case CLOSE:
		for (int i = 0; i < 2 * KEPT; i++)
			release(&kept[i]);
		return 0;
	case MAP_TO_WRITE:
		return map_to_write(path, step->number);
	case WRITE_MAP:
		return write_map(number, step->number);
	case WRITE:
		return write_file_of(number, path);
	case TRUNCATE:
		return truncate(path, 256 + step->number % 16000);
	case LABEL:
		return set_label(path, step->number);
	case RENAME:
		return rename(path, other);
	case LINK:
		return link(path, other);
	default:
		errno = EOPNOTSUPP;
		return -1;
	}
}

static struct {
	pid_t pid;
	int socket;
} tasks[TASKS];

static void obey(int socket)
{
	int number, ret;

	for (int i = 0; i < 2 * KEPT; i++)
		kept[i].fd = -1;
	while (read(socket, &number, sizeof(number)) == sizeof(number)) {
		ret = perform(number);
		if (write(socket, &ret, sizeof(ret)) != sizeof(ret))
			break;
	}
	_exit(0);
}

int start_tasks(void)
{
	for (int i = 0; i < TASKS; i++) {
		int ends[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
			return -1;
		tasks[i].pid = fork();
		if (!tasks[i].pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(ends[0]);
			obey(ends[1]);
		}
		close(ends[1]);
		tasks[i].socket = ends[0];
	}
	return 0;
}

void end_tasks(void)
{
	for (int i = 0; i < TASKS; i++) {
		close(tasks[i].socket);
		kill(tasks[i].pid, SIGKILL);
		waitpid(tasks[i].pid, NULL, 0);
	}
}

static int tell(int task, int number)
{
	return write(tasks[task].socket, &number, sizeof(number)) == sizeof(number) ? 0 : -1;
}

static int hear(int task)
{
	int ret;

	return read(tasks[task].socket, &ret, sizeof(ret)) == sizeof(ret) ? ret : -1;
}

int make_step(int number)
{
	const struct step *step = &run->step[number];
	int other = (step->task + 1) % TASKS, ret, together;
	enum hook hook = step->number % HOOKS;

	switch (step->operation) {
	case BELOW:
		return write_below(step->name, number, step->number);
	case REMOUNT:
		return remount(step->number);
	case BIND_MOUNT:
		return mount_bound();
	case SECOND_MOUNT:
		return mount_second();
	case OVER_MOUNT:
		return mount_over();
	case DROP_CACHES:
		return send_out(EMPTY_CACHES, 0);
	case POLICY:
		return has_rule(hook) ? -1 : send_out(ADD_RULES, hook);
	case TOGETHER:
	case RACE:
		if (tell(step->task, number) || tell(other, number))
			return -1;
		if (step->operation == RACE)
			write_below(step->name, number, step->number);
		ret = hear(step->task);
		together = hear(other);
		return ret ?: together;
	default:
		if (tell(step->task, number))
			return -1;
		return hear(step->task);
	}
}

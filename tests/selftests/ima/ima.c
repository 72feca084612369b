// SPDX-License-Identifier: GPL-2.0
#include "ima.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WITHOUT_OPTION "IMA_TEST_WITHOUT_OPTION"
#define RATELIMIT "/proc/sys/kernel/printk_ratelimit"

const char *option(void)
{
	return getenv(WITHOUT_OPTION) ? NULL : OPTION;
}

const char *option_is_missing(void)
{
	int fs, ret;

	if (getenv(WITHOUT_OPTION))
		return NULL;
	fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	ret = fsconfig(fs, FSCONFIG_SET_FLAG, OPTION, NULL, 0);
	close(fs);
	return ret ? "the kernel does not know " OPTION : NULL;
}

const char *ima_is_missing(void)
{
	const char *missing = option_is_missing();
	int fd;

	if (missing)
		return missing;
	if (access(IMA, F_OK))
		return "the kernel has no IMA, or securityfs is not mounted";
	fd = open(IMA "policy", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return "the policy of IMA cannot be written";
	close(fd);
	return NULL;
}

/* The process that gets the records in place of the kernel's log, 0 if there is none. */
static pid_t audit_daemon(void)
{
	struct {
		struct nlmsghdr header;
		struct audit_status status;
	} message = {
		.header = {
			.nlmsg_len = NLMSG_LENGTH(0),
			.nlmsg_type = AUDIT_GET,
			.nlmsg_flags = NLM_F_REQUEST,
		},
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
	pid_t pid = -1;

	if (fd < 0)
		return -1;
	if (send(fd, &message, message.header.nlmsg_len, 0) > 0 &&
	    recv(fd, &message, sizeof(message), 0) > 0 && message.header.nlmsg_type == AUDIT_GET)
		pid = message.status.pid;
	close(fd);
	return pid;
}

const char *audit_records_are_missing(void)
{
	pid_t pid = audit_daemon();

	if (pid < 0)
		return "the kernel does not audit";
	return pid ? "auditd has the audit records" : NULL;
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -1;
	ret = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
	close(fd);
	return ret;
}

int add_rule_once(const char *rule)
{
	FILE *policy = fopen(IMA "policy", "re");
	char line[256], *end;
	int found = 0;

	/* it may be that nobody can read it */
	while (policy && !found && fgets(line, sizeof(line), policy)) {
		end = line + strcspn(line, "\n");
		while (end > line && end[-1] == ' ')
			end--;
		*end = '\0';
		found = !strcmp(line, rule);
	}
	if (policy)
		fclose(policy);
	if (found)
		return 0;
	snprintf(line, sizeof(line), "%s\n", rule);
	return write_file(IMA "policy", line);
}

int add_rule(const char *action, const char *fsname, uid_t owner)
{
	char rule[128];

	snprintf(rule, sizeof(rule), "%s func=FILE_CHECK fsname=%s fowner=%u", action, fsname,
		 owner);
	return add_rule_once(rule);
}

int enter_userns(uid_t uid, int other_flags)
{
	char map[32];

	snprintf(map, sizeof(map), "0 %u 1", uid);
	/* /proc/self is root's after a change of IDs, without the prctl(2) */
	if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid) ||
	    prctl(PR_SET_DUMPABLE, 1) ||
	    unshare(CLONE_NEWUSER | CLONE_NEWNS | other_flags) ||
	    write_file("/proc/self/setgroups", "deny") ||
	    write_file("/proc/self/uid_map", map) || write_file("/proc/self/gid_map", map))
		return -1;
	return 0;
}

/* Write the maps of the process whose ID comes through @in, and answer through @out. */
static void write_maps(int in, int out, uid_t uid, int n)
{
	char path[64], map[32];
	pid_t pid;

	snprintf(map, sizeof(map), "0 %u %d", uid, n);
	if (read(in, &pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	if (write_file(path, map))
		_exit(1);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	_exit(write_file(path, map) || write(out, "", 1) != 1);
}

int enter_userns_of(uid_t uid, int n)
{
	pid_t pid = getpid(), mapper;
	int there[2], back[2], ret = -1;
	char byte;

	if (pipe2(there, O_CLOEXEC) || pipe2(back, O_CLOEXEC))
		return -1;
	/* more than one user is for somebody outside to map */
	mapper = fork();
	if (!mapper) {
		close(back[0]);
		write_maps(there[0], back[1], uid, n);
	}
	close(back[1]);
	if (!unshare(CLONE_NEWUSER | CLONE_NEWNS) &&
	    write(there[1], &pid, sizeof(pid)) == sizeof(pid) && read(back[0], &byte, 1) == 1 &&
	    !setresgid(0, 0, 0) && !setresuid(0, 0, 0))
		ret = 0;
	close(there[0]);
	close(there[1]);
	close(back[0]);
	waitpid(mapper, NULL, 0);
	return ret;
}

int enter_mount_namespace(void)
{
	if (unshare(CLONE_NEWNS))
		return -1;
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

int digest(const char *program, const char *data, size_t size, char *hex, size_t room)
{
	int fd = memfd_create("content", 0), ret = -1;
	char command[64];
	FILE *p;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return -1;
	snprintf(command, sizeof(command), "%s /proc/%d/fd/%d", program, getpid(), fd);
	p = popen(command, "r");
	if (p && fgets(hex, room, p) && hex[0]) {
		hex[strspn(hex, "0123456789abcdef")] = '\0';
		ret = 0;
	}
	if (p)
		pclose(p);
	close(fd);
	return ret;
}

int sha256(const char *data, size_t size, char hex[DIGEST_SIZE])
{
	return digest("sha256sum", data, size, hex, DIGEST_SIZE);
}

int open_list(void)
{
	int list = open(IMA "ascii_runtime_measurements", O_RDONLY | O_CLOEXEC);
	char rest[4096];

	while (list >= 0 && read(list, rest, sizeof(rest)) > 0)
		;
	return list;
}

int open_log(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (log >= 0 && lseek(log, 0, SEEK_END)) {
		close(log);
		return -1;
	}
	return log;
}

/* The lines that the list got since the last question, for free(3). */
static char *new_lines(int list)
{
	size_t len = 0, room = 65536;
	char *text = malloc(room);
	ssize_t got;

	while (text && (got = read(list, text + len, room - 1 - len)) > 0) {
		len += got;
		if (len == room - 1)
			text = realloc(text, room *= 2);
	}
	if (text)
		text[len] = '\0';
	return text;
}

/* "PCR TEMPLATE-DIGEST TEMPLATE ALGORITHM:DIGEST PATH ..." */
struct news news_of(int list, const char *path, const char *digest)
{
	char *text = new_lines(list), *line, *rest = text;
	char template[129], content[160], name[256];
	struct news news = {};

	while (rest && (line = strsep(&rest, "\n")) && *line) {
		if (sscanf(line, "%*d %128s %*s %159s %255s", template, content, name) != 3 ||
		    strcmp(name, path))
			continue;
		news.entries++;
		if (!template[strspn(template, "0")])
			news.violations++;
		else if (strstr(content, digest))
			news.digest++;
	}
	free(text);
	return news;
}

int measured(int list, const char *digest)
{
	char *text = new_lines(list), *at = text;
	int n = 0;

	while (at && (at = strstr(at, digest))) {
		at++;
		n++;
	}
	free(text);
	return n;
}

#define MARKER_SIZE 128 /* bytes */

/* What is in the record of this access and in no other goes to @marker. */
static int put_marker(const char *dir, char marker[MARKER_SIZE])
{
	static int markers;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/marker%d", dir, markers++);
	snprintf(marker, MARKER_SIZE, "file=\"%s\"", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

/* The next audit record.  Returns 1, 0 if it is the marker's, or -1. */
static int next_record(int log, const char *marker, char record[RECORD_SIZE])
{
	struct pollfd fd = { .fd = log, .events = POLLIN };
	ssize_t len;

	for (;;) {
		len = read(log, record, RECORD_SIZE - 1);
		if (len < 0 && errno == EAGAIN) {
			if (poll(&fd, 1, 10000) != 1)
				return -1;
			continue;
		}
		if (len <= 0)
			return -1;
		record[len] = '\0';
		if (!strstr(record, "type=18"))
			continue;
		/* AUDIT_INTEGRITY_RULE */
		return !strstr(record, "type=1805") || !strstr(record, marker);
	}
}

/* The next one that an audit rule made for @dir/file; as above. */
static int next_access(int log, const char *dir, const char *marker, char record[RECORD_SIZE])
{
	char file[MARKER_SIZE];
	int found;

	snprintf(file, sizeof(file), "file=\"%s/file\"", dir);
	do
		found = next_record(log, marker, record);
	while (found > 0 && !(strstr(record, "type=1805") && strstr(record, file)));
	return found;
}

int audited(int log, const char *dir, const char *digest)
{
	char record[RECORD_SIZE], marker[MARKER_SIZE];
	int n = 0, found;

	if (put_marker(dir, marker))
		return -1;
	while ((found = next_access(log, dir, marker, record)) > 0)
		n += !digest || strstr(record, digest);
	return found ? -1 : n;
}

int audited_digests(int log, const char *dir, int most, int *accesses)
{
	char record[RECORD_SIZE], marker[MARKER_SIZE], seen[most][DIGEST_SIZE];
	int n = 0, found, i;

	*accesses = 0;
	if (put_marker(dir, marker))
		return -1;
	while ((found = next_access(log, dir, marker, record)) > 0) {
		const char *digest = strstr(record, "sha256:");

		if (!digest || n == most)
			return -1;
		snprintf(seen[n], sizeof(seen[n]), "%.64s", digest + strlen("sha256:"));
		for (i = 0; strcmp(seen[i], seen[n]); i++)
			;
		n += i == n;
		++*accesses;
	}
	return found ? -1 : n;
}

int audit_messages(int log, const char *dir, const char *const *words)
{
	char record[RECORD_SIZE], marker[MARKER_SIZE];
	const char *const *word;
	int n = 0, found;

	if (put_marker(dir, marker))
		return -1;
	while ((found = next_record(log, marker, record)) > 0) {
		for (word = words; *word && strstr(record, *word); word++)
			;
		n += !*word;
	}
	return found ? -1 : n;
}

static int undo_pipe; /* to the process that undoes it */

pid_t unlimit_printk(void)
{
	FILE *f = fopen(RATELIMIT, "re");
	char before[16], byte;
	int pipes[2];
	pid_t pid;

	if (!f || !fgets(before, sizeof(before), f) || pipe2(pipes, O_CLOEXEC))
		return -1;
	fclose(f);
	pid = fork();
	if (!pid) {
		close(pipes[1]);
		/* ends, too, when nobody is left who could write */
		if (read(pipes[0], &byte, 1) < 0)
			_exit(1);
		_exit(write_file(RATELIMIT, before) ? 1 : 0);
	}
	close(pipes[0]);
	undo_pipe = pipes[1];
	return pid > 0 && write_file(RATELIMIT, "0") ? -1 : pid;
}

int limit_printk(pid_t pid)
{
	int status;

	if (write(undo_pipe, "", 1) != 1 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status ? -1 : 0;
}

size_t from_hex(const char *hex, char *bytes)
{
	size_t n;

	for (n = 0; hex[2 * n]; n++) {
		char byte[3] = { hex[2 * n], hex[2 * n + 1] };

		bytes[n] = strtoul(byte, NULL, 16);
	}
	return n;
}

/* See struct evm_ima_xattr_data. */
size_t ima_xattr(const char digest[DIGEST_SIZE], char value[64])
{
	value[0] = 0x04; /* IMA_XATTR_DIGEST_NG */
	value[1] = 0x04; /* HASH_ALGO_SHA256 */
	return 2 + from_hex(digest, value + 2);
}

int listed(char *list, const char *option)
{
	char *word;

	while ((word = strsep(&list, ",")))
		if (!strcmp(word, option))
			return 1;
	return 0;
}

int shown(const char *dir, const char *option)
{
	char *line = NULL, mountpoint[256], super[1024], *dash;
	FILE *f = fopen("/proc/self/mountinfo", "re");
	size_t size = 0;
	int ret = -1;

	while (f && getline(&line, &size, f) > 0) {
		dash = strstr(line, " - ");
		if (!dash || sscanf(line, "%*d %*d %*s %*s %255s", mountpoint) != 1 ||
		    strcmp(mountpoint, dir) ||
		    sscanf(dash, " - %*s %*s %1023s", super) != 1)
			continue;
		ret = listed(super, option);
	}
	free(line);
	if (f)
		fclose(f);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Servers that are made up: of sizes that are true or not, errors, short answers, labels and
 * timeouts, each from a seed. What a reader of their file got must be in the measurement list,
 * or a violation that the access left.
 *
 * IMA_TEST_SERVERS in the environment is how many there are, and IMA_TEST_SEED the first seed;
 * one that failed is run again by itself with its seed and IMA_TEST_SERVERS=1.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "ima.h"
#include "server.h"

#define OVERLAY "/mnt/overlay"
#define GOT "/mnt/got" /* what readers got, a file for each access */
#define BATCH 50 /* servers, after which the digests are taken all at once */
#define ACCESSES 5 /* to each */
#define OWNER 4000 /* of the file, for the first hook */
#define WAYS 3 /* in which a reader may have got a content */
#define UNIQUE 48 /* bytes, of which at least a content of a server's own must be */

enum hook { BY_OPEN, BY_EXEC, BY_MMAP, HOOKS };

/* One that was made, and what its accesses left. */
struct one {
	unsigned long long seed;
	char description[256];
	char *list; /* all entries of its file */
	/*
	 * The page cache adds zeros up to a size in the attributes that is behind the last page of
	 * the content, and how many of them a reader gets depends on how it reads.
	 */
	bool padded;
	struct {
		int which; /* content was served */
		size_t listed; /* bytes of the list, when it was over */
		int violations; /* that it left */
		bool got; /* there are files with what the reader may have got */
		bool listed_one; /* of which one is in the list */
	} access[ACCESSES];
};

static struct one batch[BATCH];
static int whole; /* the list, which cannot be opened in a user namespace */

/* splitmix64, see https://prng.di.unimi.it/splitmix64.c */
static unsigned long long state;

static unsigned long long any(void)
{
	unsigned long long z = (state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static unsigned int below(unsigned int n)
{
	return any() % n;
}

static bool one_in(unsigned int n)
{
	return !below(n);
}

static size_t a_size(void)
{
	static const size_t sizes[] = { 64, 255, 256, 257, 4095, 4096, 4097, 8192, 20000 };

	return one_in(2) ? sizes[below(ARRAY_SIZE(sizes))] : 64 + below(20416);
}

static off_t a_lie_about(size_t size)
{
	const off_t lies[] = {
		0, 1, size - 1, size + 1, 4095, 4096, 4097, 1LL << 31, LLONG_MAX,
	};

	return lies[below(ARRAY_SIZE(lies))];
}

static void make_content(int i, bool lies)
{
	struct content *content = &served->content[i];

	content->size = a_size();
	content->told = lies ? a_lie_about(content->size) : (off_t)content->size;
	memset(content->data, '#', MAX_SIZE);
	content->data[sprintf(content->data, "#!/bin/sh\nexit %d #%d %llu\n#", i, getpid(),
			      state)] = '#';
}

static void make_label(void)
{
	/* none, MD5, SHA-1, SHA-256, SHA-512, one that nobody has, and one that there is not */
	static const unsigned char algorithms[] = { 0, 1, 2, 4, 6, 14, 255 };
	unsigned char algorithm = algorithms[below(ARRAY_SIZE(algorithms))];

	served->len[XATTR_IMA][0] = 0;
	if (!algorithm)
		return;
	served->value[XATTR_IMA][0][0] = one_in(4) ? below(8) : 4;
	served->value[XATTR_IMA][0][1] = algorithm;
	served->len[XATTR_IMA][0] = one_in(4) ? 1 + below(100) : 34;
}

static enum hook make_server(struct one *one)
{
	static const int errors[] = { EIO, EINVAL, ENOENT, ENOMEM, EAGAIN, EINTR, EBADF };
	static const char *const hooks[] = { "open", "exec", "mmap" };
	enum hook hook = below(HOOKS);
	bool lies = one_in(2);
	char *to = one->description;

	served->direct_io = one_in(2);
	served->timeout = one_in(2) ? 0 : 86400;
	served->most = served->direct_io && one_in(3) ? 1 + below(5000) : 0;
	served->failing = one_in(4) ? 1 + below(6) : 0;
	served->error = errors[below(ARRAY_SIZE(errors))];
	served->header = hook == BY_EXEC && one_in(8) ? (int)below(CONTENTS) : -1;
	make_label();
	to += sprintf(to, "%s%s%s, sizes", hooks[hook], served->direct_io ? ", direct" : "",
		      served->timeout ? ", kept" : "");
	for (int i = 0; i < CONTENTS; i++) {
		make_content(i, lies);
		if (!served->direct_io &&
		    served->content[i].told > (off_t)(served->content[i].size + 4095) / 4096 * 4096)
			one->padded = true;
		to += sprintf(to, " %zu(%lld)", served->content[i].size,
			      (long long)served->content[i].told);
	}
	sprintf(to, ", most %zu, failing %d error %d, header %d, label %d %d of %zu", served->most,
		served->failing, served->error, served->header, served->value[XATTR_IMA][0][0],
		served->value[XATTR_IMA][0][1], served->len[XATTR_IMA][0]);
	return hook;
}

static int save(int n, int access, int way, const char *data, size_t size)
{
	char path[64];
	int fd, ret;

	snprintf(path, sizeof(path), GOT "/%d-%d-%d", n, access, way);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	ret = write(fd, data, size) == (ssize_t)size ? 0 : -1;
	close(fd);
	return ret;
}

/*
 * Save what the reader got, and what it is if the page cache has cut it to the size in the
 * attributes, or added zeros up to that or to the end of the last page: whether it does so
 * depends on what was read before.  Returns 1 or -1.
 */
static int save_all(int n, int access, const char *got, size_t len, const struct content *content)
{
	off_t end = (content->size + 4095) / 4096 * 4096, told = content->told;
	static char data[MAX_SIZE + 4096];

	if (save(n, access, 0, got, len))
		return -1;
	if (served->direct_io ||
	    (len >= content->size && memcmp(got, content->data, content->size)))
		return 1;
	memset(data, 0, sizeof(data));
	memcpy(data, content->data, content->size);
	if (told > end)
		told = end;
	if (save(n, access, 1, data, told) ||
	    (told > (off_t)content->size && save(n, access, 2, data, content->size)))
		return -1;
	return 1;
}

/* Returns 1 if what the program is was saved, 0 if it did not run, or -1. */
static int run_file(const char *path, int n, int access)
{
	char *const argv[] = { (char *)path, NULL };
	const struct content *content;
	int status, which;
	pid_t pid = fork();

	if (!pid) {
		execve(path, argv, environ);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	which = WIFEXITED(status) ? WEXITSTATUS(status) : CONTENTS;
	if (which >= CONTENTS)
		return 0;
	content = &served->content[which];
	return save_all(n, access, content->data, content->size, content);
}

/* Returns 1 if what was read to the end was saved, 0 if it could not be read, or -1. */
static int read_file(const char *path, enum hook hook, int n, int access)
{
	static char data[4 * MAX_SIZE];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 0;
	size_t len = 0;
	void *map = NULL;

	if (fd < 0)
		return 0;
	if (hook == BY_MMAP)
		map = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	while (map != MAP_FAILED && len < sizeof(data) &&
	       (got = read(fd, data + len, sizeof(data) - len)) > 0)
		len += got;
	if (map && map != MAP_FAILED)
		munmap(map, 1);
	close(fd);
	if (map == MAP_FAILED || got)
		return 0;
	return save_all(n, access, data, len, &served->content[served->which]);
}

/* Add what the list has of @path by now to @one. */
static int note_list(struct one *one, int access, int list, const char *path)
{
	size_t len = strlen(one->list);
	char line[512], name[256], template[129];
	static char text[1 << 20];
	ssize_t got, all = 0;

	while ((got = read(list, text + all, sizeof(text) - 1 - all)) > 0)
		all += got;
	text[all] = '\0';
	for (char *at = text, *end; (end = strchr(at, '\n')); at = end + 1) {
		snprintf(line, sizeof(line), "%.*s\n", (int)(end - at), at);
		if (sscanf(line, "%*d %128s %*s %*s %255s", template, name) != 2 ||
		    strcmp(name, path))
			continue;
		if (!template[strspn(template, "0")])
			one->access[access].violations++;
		one->list = realloc(one->list, len + strlen(line) + 1);
		if (!one->list)
			return -1;
		memcpy(one->list + len, line, strlen(line) + 1);
		len += strlen(line);
	}
	one->access[access].listed = len;
	return 0;
}

static int use_server(struct setting *s, struct one *one, int n, uid_t owner, bool userns)
{
	bool overlay;
	enum hook hook;
	const char *path;
	int held, ret = 0;

	state = one->seed;
	hook = make_server(one);
	overlay = one_in(5);
	path = overlay ? OVERLAY "/file" : DIR "/file";
	served->owner = userns ? hook : owner + hook;
	served->which = below(CONTENTS);
	if (start_server(s, option()))
		return -1;
	if (overlay && mount("none", OVERLAY, "overlay", MS_RDONLY, "lowerdir=" DIR ":/etc"))
		return -1;
	held = open(path, O_PATH | O_CLOEXEC);
	for (int i = 0; i < ACCESSES && !ret; i++) {
		one->access[i].which = served->which;
		ret = hook == BY_EXEC ? run_file(path, n, i) : read_file(path, hook, n, i);
		if (ret < 0)
			break;
		one->access[i].got = ret;
		ret = note_list(one, i, s->list, path);
		served->which = below(CONTENTS);
	}
	close(held);
	if (overlay)
		umount2(OVERLAY, MNT_DETACH);
	umount2(DIR, MNT_DETACH);
	kill(s->server, SIGKILL);
	waitpid(s->server, NULL, 0);
	s->server = 0;
	return ret < 0 ? -1 : 0;
}

/* Whether what the reader got is too short to be this server's alone. */
static bool is_short(const struct one *one, int access)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), GOT "/%d-%d-0", (int)(one - batch), access);
	return !stat(path, &st) && st.st_size < UNIQUE;
}

/* Whether the list had a content when the access was over, or the access left a violation. */
static bool is_listed(const struct one *one, int access, const char *hex, const char *all)
{
	const char *at = strstr(one->list, hex);

	if (one->access[access].violations ||
	    (at && at < one->list + one->access[access].listed))
		return true;
	return is_short(one, access) && strstr(all, hex);
}

/*
 * Whether each content that was used until then has an entry of its own. Another server may
 * have left that of a short one.
 */
static bool each_is_listed(const struct one *one, int access)
{
	unsigned int used = 0;
	int entries = 0;

	for (int i = 0; i <= access; i++)
		if (one->access[i].got && !is_short(one, i))
			used |= 1 << one->access[i].which;
	for (size_t i = 0; i < one->access[access].listed; i++)
		entries += one->list[i] == '\n';
	return entries >= __builtin_popcount(used);
}

static char *whole_list(void)
{
	size_t len = 0, room = 1 << 16;
	char *text = malloc(room);
	ssize_t got;

	lseek(whole, 0, SEEK_SET);
	while (text && (got = read(whole, text + len, room - 1 - len)) > 0) {
		len += got;
		if (len == room - 1)
			text = realloc(text, room *= 2);
	}
	if (text)
		text[len] = '\0';
	return text;
}

/* Compare what the readers of the batch got with the list.  Returns how many were missed. */
static int missed_of_batch(struct __test_metadata *const _metadata, int *accesses)
{
	FILE *digests = popen("cd " GOT " && exec sha256sum -- *", "r");
	char hex[DIGEST_SIZE], *all = whole_list();
	int n, access, way, missed = 0;
	struct stat st;
	char path[64];

	ASSERT_NE(NULL, digests);
	ASSERT_NE(NULL, all);
	while (fscanf(digests, "%64s %d-%d-%d", hex, &n, &access, &way) == 4)
		batch[n].access[access].listed_one |= is_listed(&batch[n], access, hex, all);
	ASSERT_EQ(0, pclose(digests));
	free(all);
	for (n = 0; n < BATCH; n++)
		for (access = 0; access < ACCESSES; access++) {
			const struct one *one = &batch[n];

			if (!one->access[access].got)
				continue;
			++*accesses;
			if (one->access[access].listed_one ||
			    (one->padded && each_is_listed(one, access)))
				continue;
			missed++;
			snprintf(path, sizeof(path), GOT "/%d-%d-0", n, access);
			ksft_print_msg("missed: seed %llu, access %d got %lld bytes: %s\n",
				       one->seed, access,
				       stat(path, &st) ? -1LL : (long long)st.st_size,
				       one->description);
		}
	return missed;
}

static void empty_batch(void)
{
	char path[64];

	for (int n = 0; n < BATCH; n++) {
		for (int access = 0; access < ACCESSES; access++) {
			for (int way = 0; way < WAYS; way++) {
				snprintf(path, sizeof(path), GOT "/%d-%d-%d", n, access, way);
				unlink(path);
			}
		}
		free(batch[n].list);
	}
	memset(batch, 0, sizeof(batch));
}

static unsigned long long number(const char *name, unsigned long long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static void nothing_is_missed(struct __test_metadata *const _metadata, struct setting *s,
			      uid_t owner, bool userns)
{
	unsigned long long servers = number("IMA_TEST_SERVERS", 100), seed;
	int missed = 0, accesses = 0;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = time(NULL);
	seed = number("IMA_TEST_SEED", seed >> 32);
	ksft_print_msg("%llu servers from seed %llu on\n", servers,
		       seed);
	for (unsigned long long i = 0; i < servers; i++) {
		struct one *one = &batch[i % BATCH];

		one->seed = seed + i;
		one->list = strdup("");
		ASSERT_NE(NULL, one->list);
		ASSERT_EQ(0, use_server(s, one, i % BATCH, owner, userns)) {
			TH_LOG("seed %llu: %s", one->seed, strerror(errno));
		}
		if (i % BATCH == BATCH - 1 || i == servers - 1) {
			missed += missed_of_batch(_metadata, &accesses);
			empty_batch();
		}
	}
	ksft_print_msg("%d accesses, missed %d\n", accesses, missed);
	EXPECT_LT(0, accesses);
	EXPECT_EQ(0, missed);
}

FIXTURE(random) {
	struct setting s;
};

FIXTURE_SETUP(random)
{
	static const char *const hooks[HOOKS] = { "FILE_CHECK", "BPRM_CHECK", "MMAP_CHECK" };
	static const char *const types[] = { "fuse", "overlay" };
	const char *missing = ima_is_missing();
	char rule[128];

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, set_up(&self->s));
	ASSERT_EQ(0, mkdir(OVERLAY, 0777));
	ASSERT_EQ(0, mkdir(GOT, 0777));
	ASSERT_EQ(0, chmod(GOT, 0777));
	whole = open(IMA "ascii_runtime_measurements", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, whole);
	for (int hook = 0; hook < HOOKS; hook++)
		for (int type = 0; type < 2; type++) {
			snprintf(rule, sizeof(rule), "measure func=%s fsname=%s fowner=%d",
				 hooks[hook], types[type], OWNER + hook);
			ASSERT_EQ(0, add_rule_once(rule));
		}
}

FIXTURE_TEARDOWN(random)
{
	tear_down(&self->s);
}

TEST_F_TIMEOUT(random, no_server_of_root_hides_what_was_read, 3600)
{
	nothing_is_missed(_metadata, &self->s, OWNER, false);
}

TEST_F_TIMEOUT(random, no_server_of_a_user_namespace_hides_what_was_read, 3600)
{
	ASSERT_EQ(0, enter_userns_of(OWNER, HOOKS));
	nothing_is_missed(_metadata, &self->s, OWNER, true);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0
/*
 * Sequences of steps that are made up, each from a seed: files are read, executed, mapped,
 * written, renamed, changed below the kernel, through mounts that come and go, by several
 * tasks, under rules that are added on the way. On a superblock with the option the list must
 * have what each of them got, and nothing that nobody got, and the audit log a record of each
 * access.
 *
 * IMA_TEST_SEQUENCES in the environment is how many there are for each test, and IMA_TEST_SEED
 * the first seed. One that fails is made shorter, as far as it still fails, and run again by
 * its seed and IMA_TEST_SEQUENCES=1.
 *
 * Without the option, the lists are printed: those of a kernel without the series must be the
 * same, which tests/model/same_lists.sh compares.
 */
#include <errno.h>
#include <fcntl.h>
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

#include "model.h"

#define BIND OPTION "=bind"
#define GOT "/tmp/got" /* what users got, a file for each access */
#define FIRST_OWNER 20000
#define ATTEMPTS 150 /* to make a sequence shorter */

struct run *run;

static const char *const kinds[KINDS] = {
	"FUSE by root", "FUSE in a user namespace", "tmpfs", "ext4", "overlay",
	"overlay of a layer with the option",
};

/*
 * So far: no two of them have the same files, as IMA lists the same content only once. Each
 * test counts from another number on.
 */
static unsigned int runs;
static int list;

/* What the list has of the files since the last question. */
static void note_list(int step)
{
	static char text[1 << 20];
	size_t len = 0;
	ssize_t got;
	char template[129], content[160];
	const char *digest;

	while ((got = read(list, text + len, sizeof(text) - 1 - len)) > 0)
		len += got;
	text[len] = '\0';
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		struct entry *entry = &run->entry[run->entries];

		*end = '\0';
		if (sscanf(line, "%*d %128s %*s %159s %255s", template, content,
			   entry->path) != 3 ||
		    !is_of_files(entry->path))
			continue;
		entry->step = step;
		entry->violation = !template[strspn(template, "0")];
		digest = strchr(content, ':');
		snprintf(entry->digest, sizeof(entry->digest), "%.64s",
			 digest ? digest + 1 : content);
		if (++run->entries == MOST_ENTRIES)
			return;
	}
}

/*
 * Whether execve(2) may have read the header as it was before, from what FUSE keeps. That is
 * looked at anew when IMA hashes the file, and what differs then is a violation.
 */
static bool header_may_differ(int step)
{
	return run->kind <= FUSE_USERNS && run->step[step].operation == EXECUTE &&
	       strcmp(run->fuse_options, "attr_timeout=0");
}

/* Who only reads, and nobody writes, leaves no violation. */
static void look_for_violations(int first, int step, int users)
{
	if (users || run->step[step].operation == RACE || header_may_differ(step))
		return;
	for (int i = first; i < run->entries; i++)
		if (run->entry[i].violation && !run->broken[0])
			snprintf(run->broken, sizeof(run->broken),
				 "step %d left a violation, and nobody else used a file", step);
}

/* By times that differ FUSE knows that a file has changed. Return when the next one has come. */
static void await_tick(void)
{
	struct timespec first, now;

	clock_gettime(CLOCK_REALTIME_COARSE, &first);
	do {
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	} while (now.tv_sec == first.tv_sec && now.tv_nsec == first.tv_nsec);
}

static void make_steps(void)
{
	if (start_tasks())
		_exit(1);
	for (int i = 0; i < run->steps && !run->broken[0]; i++) {
		int first = run->entries, users = run->writers + run->readers;

		if (!make_step(i))
			run->done[run->step[i].operation]++;
		if (run->compared)
			await_tick();
		note_list(i);
		look_for_violations(first, i, users + run->writers);
	}
	end_tasks();
	if (send_out(READ_RECORDS, 0))
		strcpy(run->broken, "the audit records could not be read");
}

/* Run the sequence in processes of its own.  Returns 0 or -1. */
static int make_run(void)
{
	int status;
	pid_t pid;

	run->salt = ++runs;
	run->owner = FIRST_OWNER + runs;
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		alarm(300);
		if (set_stage())
			_exit(1);
		make_steps();
		clear_stage();
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status) {
		snprintf(run->broken, sizeof(run->broken), "the run ended with status 0x%x",
			 status);
		kill(-pid, SIGKILL);
		return -1;
	}
	return 0;
}

static void prepare_run(unsigned long long seed, const char *option)
{
	static const char *const fuse_options[] = {
		"attr_timeout=0", "attr_timeout=0,kernel_cache", "attr_timeout=86400",
		"attr_timeout=86400,kernel_cache", "attr_timeout=86400,auto_cache",
	};
	unsigned long long state = ~seed;

	memset(run, 0, offsetof(struct run, arena));
	run->seed = seed;
	run->option = option;
	run->bound = option && strcmp(option, OPTION);
	run->kind = any(&state) % KINDS;
	strcpy(run->fuse_options, fuse_options[any(&state) % ARRAY_SIZE(fuse_options)]);
	run->steps = STEPS;
	for (int i = 0; i < STEPS; i++)
		run->step[i] = draw_step(seed, i);
	/* most are under all rules from the start on */
	if (any(&state) % 4)
		for (int i = 0; i < HOOKS; i++)
			run->step[i] = (struct step){ .operation = POLICY, .number = i };
}

static int save_accesses(void)
{
	char path[64];

	for (int i = 0; i < run->accesses; i++) {
		const struct access *access = &run->access[i];
		int fd, ret;

		snprintf(path, sizeof(path), GOT "/%d", i);
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (fd < 0)
			return -1;
		ret = write(fd, run->arena + access->at, access->len) == (ssize_t)access->len;
		close(fd);
		if (!ret)
			return -1;
	}
	return 0;
}

static int digest_accesses(void)
{
	char hex[DIGEST_SIZE];
	FILE *digests;
	int i;

	if (!run->accesses)
		return 0;
	if (save_accesses())
		return -1;
	digests = popen("cd " GOT " && sha256sum -- * && rm -- *", "r");
	while (digests && fscanf(digests, "%64s %d", hex, &i) == 2)
		strcpy(run->access[i].digest, hex);
	return digests ? pclose(digests) : -1;
}

static bool is_listed(const struct access *access)
{
	for (int i = 0; i < run->entries && run->entry[i].step <= access->step; i++)
		if (!strcmp(run->entry[i].digest, access->digest) ||
		    (run->entry[i].violation && run->entry[i].step == access->step &&
		     header_may_differ(access->step)))
			return true;
	return false;
}

/* Listed but once for each path, whichever run that was in: what could not be read. */
static bool has_no_digest(const struct entry *entry)
{
	return !entry->violation && !entry->digest[strspn(entry->digest, "0")];
}

/* Whether somebody got it in the step of the entry, or the model cannot know what was got. */
static bool is_got(const struct entry *entry)
{
	bool known = false;

	for (int i = 0; i < run->accesses; i++) {
		const struct access *access = &run->access[i];

		if (access->step != entry->step)
			continue;
		if (!access->alone || header_may_differ(access->step) ||
		    !strcmp(access->digest, entry->digest))
			return true;
		known = true;
	}
	return !known;
}

/* Whether there are as many records of what was got as accesses that got it. */
static bool is_audited(const struct access *access)
{
	int accesses = 0, records = 0;

	for (int i = 0; i < run->accesses; i++)
		accesses += run->access[i].demanded && run->access[i].hooked &&
			    !strcmp(run->access[i].digest, access->digest) &&
			    !header_may_differ(run->access[i].step);
	for (int i = 0; i < run->records; i++)
		records += !strcmp(run->record[i], access->digest);
	return records >= accesses;
}

/* Returns how much is wrong with the run; adds what had to be listed to @demanded. */
static int judge(int *demanded)
{
	int wrong = run->broken[0] ? 1 : 0;

	if (run->accesses > MOST_ACCESSES || run->entries >= MOST_ENTRIES || digest_accesses()) {
		strcpy(run->broken, "there is no room for what was got");
		return 1;
	}
	for (int i = 0; i < run->accesses; i++) {
		if (!run->access[i].demanded)
			continue;
		++*demanded;
		if (is_listed(&run->access[i]) && is_audited(&run->access[i]))
			continue;
		wrong++;
		snprintf(run->broken, sizeof(run->broken), "what step %d got is not in the %s",
			 run->access[i].step, is_listed(&run->access[i]) ? "audit log" : "list");
	}
	for (int i = 0; i < run->entries; i++) {
		if (run->entry[i].violation || is_got(&run->entry[i]))
			continue;
		wrong++;
		snprintf(run->broken, sizeof(run->broken),
			 "nobody got what step %d had listed for %s", run->entry[i].step,
			 run->entry[i].path);
	}
	return wrong;
}

/* Leave out as many steps as can be for the run to be wrong still. */
static void shorten(unsigned long long seed, const char *option)
{
	struct step left[STEPS];
	int n = run->steps, attempts = 0, demanded;

	memcpy(left, run->step, sizeof(left));
	for (int chunk = n / 2; chunk; chunk /= 2)
		for (int at = 0; at < n && attempts < ATTEMPTS;) {
			int cut = at + chunk > n ? n - at : chunk;

			prepare_run(seed, option);
			memcpy(run->step, left, at * sizeof(left[0]));
			memcpy(run->step + at, left + at + cut, (n - at - cut) * sizeof(left[0]));
			run->steps = n - cut;
			attempts++;
			make_run();
			if (judge(&demanded)) {
				n -= cut;
				memcpy(left, run->step, n * sizeof(left[0]));
			} else {
				at += chunk;
			}
		}
	prepare_run(seed, option);
	memcpy(run->step, left, n * sizeof(left[0]));
	run->steps = n;
	make_run();
	judge(&demanded);
}

static void tell_what(void)
{
	bool fuse = run->kind <= FUSE_USERNS;

	ksft_print_msg("seed %llu: %s, %s%s%s: %s\n", run->seed, kinds[run->kind],
		       run->option ?: "without the option", fuse ? ", " : "",
		       fuse ? run->fuse_options : "", run->broken);
}

static void tell_all(void)
{
	for (int i = 0; i < run->steps; i++)
		ksft_print_msg("  %d: task %d: %s, file %d, other %d, where %d, number %u\n", i,
			       run->step[i].task, operation_name(run->step[i].operation),
			       run->step[i].name, run->step[i].other, run->step[i].where,
			       run->step[i].number);
	for (int i = 0; i < run->accesses; i++)
		ksft_print_msg("  step %d got %s%s\n", run->access[i].step, run->access[i].digest,
			       run->access[i].demanded ? ", to be listed" : "");
	for (int i = 0; i < run->entries; i++)
		ksft_print_msg("  after step %d %s for %s\n", run->entry[i].step,
			       run->entry[i].violation ? "a violation" : run->entry[i].digest,
			       run->entry[i].path);
}

static unsigned long long number(const char *name, unsigned long long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static unsigned long long first_seed(void)
{
	unsigned int seed = getpid();

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = getpid();
	return number("IMA_TEST_SEED", seed);
}

static void nothing_is_unseen(struct __test_metadata *const _metadata, const char *option,
			      unsigned int first_run)
{
	unsigned long long sequences = number("IMA_TEST_SEQUENCES", 40), seed = first_seed();
	int steps = 0, refused = 0, demanded = 0, missed = 0, of_kind[KINDS] = {};

	runs = first_run;
	ksft_print_msg("%llu sequences from seed %llu on\n", sequences, seed);
	for (unsigned long long i = 0; i < sequences; i++) {
		int before, wrong;

		prepare_run(seed + i, option);
		make_run();
		steps += run->steps;
		refused += run->steps;
		for (int op = 0; op < OPERATIONS; op++)
			refused -= run->done[op];
		before = demanded;
		wrong = judge(&demanded);
		of_kind[run->kind] += demanded - before;
		if (!wrong)
			continue;
		missed++;
		tell_what();
		/* one is enough to look at, and without the option nothing is to be found */
		if (missed == 1 && option) {
			shorten(seed + i, option);
			ksft_print_msg("as short as it can be made:\n");
			tell_what();
			tell_all();
		}
	}
	ksft_print_msg("%d steps, %d of them refused, missed in %d sequences\n", steps, refused,
		       missed);
	for (int kind = 0; kind < KINDS; kind++)
		ksft_print_msg("  to be listed on %s: %d\n", kinds[kind], of_kind[kind]);
	EXPECT_LT(0, demanded);
	EXPECT_EQ(0, missed);
}

FIXTURE(model) {
	pid_t printk;
};

FIXTURE_SETUP(model)
{
	const char *missing = ima_is_missing() ?: audit_records_are_missing();

	if (missing)
		SKIP(return, "%s", missing);
	list = open_list();
	ASSERT_LE(0, list);
	run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, run);
	mkdir(GOT, 0700);
	self->printk = unlimit_printk();
	ASSERT_LT(0, self->printk);
	ASSERT_EQ(0, add_rule("audit", "tmpfs", MARKER_OWNER));
}

FIXTURE_TEARDOWN(model)
{
	limit_printk(self->printk);
}

TEST_F_TIMEOUT(model, no_access_goes_unseen, 7200)
{
	nothing_is_unseen(_metadata, option(), 1 << 24);
}

static bool kernel_binds(void)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	bool binds = !fsconfig(fs, FSCONFIG_SET_STRING, OPTION, "bind", 0);

	close(fs);
	return binds;
}

/* Whoever has a file open, also after it has changed, gets nothing that was not listed. */
TEST_F_TIMEOUT(model, bound_files_give_what_is_listed, 7200)
{
	if (!kernel_binds())
		SKIP(return, "the kernel has no " BIND);
	nothing_is_unseen(_metadata, BIND, 2 << 24);
}

TEST_F_TIMEOUT(model, plain_superblocks_have_lists, 7200)
{
	unsigned long long sequences = number("IMA_TEST_SEQUENCES", 40), seed = first_seed();
	int entries = 0;

	runs = 3 << 24;
	for (unsigned long long i = 0; i < sequences; i++) {
		prepare_run(seed + i, NULL);
		run->compared = true;
		/* what comes of tasks that meet is not the same each time */
		for (int j = 0; j < STEPS; j++)
			if (run->step[j].operation == RACE || run->step[j].operation == TOGETHER)
				run->step[j].operation = READ;
		ASSERT_EQ(0, make_run());
		entries += run->entries;
		for (int j = 0; j < run->entries; j++) {
			if (has_no_digest(&run->entry[j]))
				continue;
			printf("listed %llu %d %s %s\n", run->seed, run->entry[j].step,
			       run->entry[j].digest, run->entry[j].path);
		}
	}
	EXPECT_LT(0, entries);
}

TEST_HARNESS_MAIN

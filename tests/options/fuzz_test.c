// SPDX-License-Identifier: GPL-2.0
/*
 * Strings of options that are made up, for each type of filesystem that can be mounted here, by
 * root and in a user namespace, through mount(2) and fsconfig(2). The option is set where it is
 * asked for, by what is documented, and nowhere else, and the other options are what they are
 * without it.
 *
 * In the environment: IMA_TEST_STRINGS is how many sequences of calls there are in all,
 * IMA_TEST_SEED the first seed, and IMA_TEST_STRING one sequence, as it is printed when it
 * fails, to be made alone. IMA_TEST_EXT4 and IMA_TEST_BTRFS are disks to mount, as for
 * mount_option_test.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest.h"

#include "fuzz.h"

#define USER 1000 /* who is root of the user namespace */
#define ATTEMPTS 400 /* to make a sequence shorter */
#define MOST_TOLD 3 /* sequences that fail in the same way */

enum promise {
	SET_IF_ASKED, UNSET_IF_UNASKED, OTHERS_STAY, BAD_FAILS, NEVER_CLEARED, FAILING_SETS_NOTHING,
	SECOND_SETS_NOTHING, PROMISES
};

static const char *const promises[PROMISES] = {
	[SET_IF_ASKED] = "asked_for_is_shown",
	[UNSET_IF_UNASKED] = "not_asked_for_is_not_shown",
	[OTHERS_STAY] = "other_options_are_as_without_it",
	[BAD_FAILS] = "bad_value_is_refused",
	[NEVER_CLEARED] = "remount_clears_nothing",
	[FAILING_SETS_NOTHING] = "failed_remount_sets_nothing",
	[SECOND_SETS_NOTHING] = "second_mount_sets_nothing_on_the_first",
};

enum way { BY_MOUNT2, BY_FSCONFIG, WAYS };

static const char *const ways[WAYS] = { "mount2", "fsconfig" };
static const char *const whom[] = { "root", "userns" };

/* Of a process that makes sequences, shared with its parent. */
struct result {
	bool ended;
	bool left; /* a superblock, when all was unmounted */
	int sequences, calls, mounts;
	int shown[MOST_TYPES]; /* times that a type had the option after a call */
	int changes[MOST_TYPES]; /* and that it did not do the same again */
	int at_stake[WAYS][PROMISES], broken[WAYS][PROMISES];
	int first[WAYS][PROMISES]; /* sequence that broke it */
};

/* What came of one sequence. */
struct verdict {
	unsigned int at_stake, broken; /* bits of promises */
	int step; /* the last one that broke one */
};

static struct result *result;
static const char *who;
static struct seen with[MOST_STEPS], without[MOST_STEPS];

/* What should be, so far. */
struct model {
	const struct type *type;
	bool parameters; /* the context takes some now */
	bool creatable;
	bool known; /* what it does with them is */
	int pending; /* asked for in the context */
	int has; /* the superblock */
	struct verdict verdict;
	int step;
};

static void promise(struct model *m, enum promise which, bool kept)
{
	m->verdict.at_stake |= 1 << which;
	if (kept)
		return;
	m->verdict.broken |= 1 << which;
	m->verdict.step = m->step;
}

/* Something new is mounted, and @asked was asked for. */
static void judge_mount(struct model *m, const struct seen *seen, int asked)
{
	int has = m->has | asked;
	bool may_be_set = !m->type->shared || has == m->has;

	if (asked)
		promise(m, SET_IF_ASKED, may_be_set && (seen->has & has) == has);
	if (has != (HAS_NOCACHE | HAS_BIND))
		promise(m, UNSET_IF_UNASKED, !(seen->has & ~has));
	m->has = seen->has;
}

static void judge_remount(struct model *m, const struct seen *seen, int asked)
{
	int had = m->has;

	if (had)
		promise(m, NEVER_CLEARED, (seen->has & had) == had);
	if (seen->error) {
		if (asked & ~had)
			promise(m, FAILING_SETS_NOTHING, !(seen->has & ~had));
		asked = 0;
	} else if (asked & ~had) {
		promise(m, SET_IF_ASKED, (seen->has & asked) == asked);
	}
	if ((had | asked) != (HAS_NOCACHE | HAS_BIND))
		promise(m, UNSET_IF_UNASKED, !(seen->has & ~(had | asked)));
	m->has = seen->has;
}

static bool has_one_superblock(const struct type *type)
{
	return type->shared || type->single;
}

/* Mounted once more: the same superblock, which stays as it is, or another one. */
static void judge_again(struct model *m, const struct seen *seen, int asked)
{
	int had = m->has, has = has_one_superblock(m->type) ? had : asked;

	if (had)
		promise(m, NEVER_CLEARED, (seen->has & had) == had);
	if (asked & ~had)
		promise(m, SECOND_SETS_NOTHING, seen->has == had);
	if (!seen->error && asked)
		promise(m, SET_IF_ASKED, (seen->second & asked) == asked);
	if (!seen->error && has != (HAS_NOCACHE | HAS_BIND))
		promise(m, UNSET_IF_UNASKED, !(seen->second & ~has));
	m->has = seen->has;
}

static void judge_parameter(struct model *m, const struct step *step, const struct seen *seen)
{
	struct asked asked;

	if (!is_option(step) || !m->known)
		return;
	asked = asked_by_fsconfig(step);
	if (!m->parameters)
		return;
	if (asked.bad) {
		promise(m, BAD_FAILS, seen->error);
	} else {
		promise(m, SET_IF_ASKED, !seen->error);
		m->pending |= asked.bits;
	}
}

static void judge_step(struct model *m, const struct step *step, const struct seen *seen)
{
	struct asked asked;

	switch (step->call) {
	case MOUNT:
		asked = asked_by_mount2(m->type, step);
		if (asked.bad || asked.fault)
			promise(m, BAD_FAILS, seen->error && seen->has < 0);
		if (!seen->error)
			judge_mount(m, seen, asked.bits);
		break;
	case REMOUNT:
	case BIND_REMOUNT:
		asked = asked_by_mount2(m->type, step);
		if (asked.bad)
			promise(m, BAD_FAILS, seen->error);
		judge_remount(m, seen, asked.bits);
		break;
	case AGAIN:
		asked = asked_by_mount2(m->type, step);
		if (asked.bad)
			promise(m, BAD_FAILS, seen->error);
		judge_again(m, seen, asked.bits);
		break;
	case OPEN:
	case PICK:
		m->parameters = !seen->error;
		m->creatable = step->call == OPEN;
		m->known = true;
		m->pending = 0;
		break;
	case CREATE:
	case CREATE_EXCL:
		/* a context whose time for it has not come stays as it is */
		if (m->known && m->parameters && m->creatable) {
			m->parameters = false;
			m->creatable = false;
		}
		/* so it does on a kernel without the call */
		if (seen->error == EOPNOTSUPP)
			m->known = false;
		break;
	case FSMOUNT:
		if (seen->error)
			break;
		judge_mount(m, seen, m->pending);
		m->parameters = true;
		break;
	case RECONFIGURE:
		if (seen->has >= 0)
			judge_remount(m, seen, m->pending);
		if (seen->error && m->parameters && !m->creatable)
			m->parameters = false;
		break;
	default:
		judge_parameter(m, step, seen);
	}
}

/* Whether @step is made without the option as well, and then how. */
static bool leave_out(const struct type *type, struct step *step)
{
	struct asked asked;

	if (step->call > AGAIN)
		return is_option(step);
	asked = asked_by_mount2(type, step);
	if (asked.bad || asked.fault)
		return true;
	if (asked.bits) {
		step->value = asked.rest;
		step->edge = false;
	}
	return false;
}

static bool is_same(const struct type *type, const struct seen *a, const struct seen *b)
{
	/* what others have mounted may have changed since, by the sequence itself */
	return a->made == b->made && a->error == b->error && (a->has < 0) == (b->has < 0) &&
	       (a->second < 0) == (b->second < 0) &&
	       (type->shared || !strcmp(a->options, b->options));
}

/* Make it without the option.  Returns the step that is not the same then, or -1. */
static int compare(const struct sequence *s)
{
	static struct sequence rest;
	static struct seen seen[MOST_STEPS];
	int from[MOST_STEPS];

	rest.type = s->type;
	rest.steps = 0;
	for (int i = 0; i < s->steps; i++) {
		struct step step = s->step[i];

		/* what is mounted without it is not mounted with it: see judge_again() */
		if ((step.call == MOUNT || step.call == CREATE || step.call == CREATE_EXCL) &&
		    with[i].error == EBUSY && s->type->shared)
			break;
		if (step.call == AGAIN && with[i].error == EBUSY && has_one_superblock(s->type))
			continue;
		if (leave_out(s->type, &step))
			continue;
		from[rest.steps] = i;
		rest.step[rest.steps++] = step;
	}
	make_calls(&rest, seen);
	for (int i = 0; i < rest.steps; i++)
		if (!is_same(s->type, &with[from[i]], &seen[i])) {
			without[from[i]] = seen[i];
			return from[i];
		}
	return -1;
}

static bool mentions_option(const struct sequence *s)
{
	for (int i = 0; i < s->steps; i++) {
		const struct step *step = &s->step[i];

		if (step->call > AGAIN ? is_option(step) :
		    !!asked_by_mount2(s->type, step).bits)
			return true;
	}
	return false;
}

static const char *has_text(int has)
{
	return has < 0 ? "not mounted" : !has ? "without" : has & HAS_BIND ? BIND : OPTION;
}

static void tell_seen(const char *how, int step, const struct seen *seen)
{
	ksft_print_msg("  %s, step %d: %s, %s, %s\n", how, step,
		       seen->made ? strerror(seen->error) : "not made", has_text(seen->has),
		       seen->options);
}

/* What was not the same must not be the same again: some types change by themselves. */
static int compare_again(const struct sequence *s)
{
	static struct seen first;
	int step = compare(s), again;

	if (step < 0)
		return -1;
	first = with[step];
	make_calls(s, with);
	again = compare(s);
	if (again < 0 && !result->changes[s->type->number]++) {
		ksft_print_msg("changed by itself once: ");
		print_sequence(who, s);
		tell_seen("first", step, &first);
		tell_seen("then", step, &with[step]);
	}
	return again;
}

static struct verdict judge(const struct sequence *s)
{
	struct model m = { .type = s->type, .has = kept_state(s->type) };

	make_calls(s, with);
	for (m.step = 0; m.step < s->steps; m.step++)
		if (with[m.step].made)
			judge_step(&m, &s->step[m.step], &with[m.step]);
	if (mentions_option(s)) {
		m.step = compare_again(s);
		promise(&m, OTHERS_STAY, m.step < 0);
	}
	return m.verdict;
}

static bool breaks(const struct sequence *s, enum promise which)
{
	return judge(s).broken & 1 << which;
}

/* Leave bytes of @t out, as many as can be for @which to be broken still. */
static void shorten_text(struct sequence *s, struct text *t, enum promise which, int *attempts)
{
	char left[MOST_BYTES];

	for (size_t chunk = (t->len + 1) / 2; t->bytes && chunk; chunk /= 2)
		for (size_t at = 0; at < t->len && *attempts;) {
			size_t cut = at + chunk > t->len ? t->len - at : chunk;
			struct text whole = *t;

			memcpy(left, whole.bytes, at);
			memcpy(left + at, whole.bytes + at + cut, whole.len - at - cut);
			t->len -= cut;
			t->bytes = keep(left, t->len);
			--*attempts;
			if (!breaks(s, which)) {
				*t = whole;
				at += chunk;
			}
		}
}

static void shorten(struct sequence *s, enum promise which)
{
	static struct sequence whole;
	int attempts = ATTEMPTS;

	for (int i = s->steps - 1; i >= 0; i--) {
		whole = *s;
		memmove(&s->step[i], &s->step[i + 1], (--s->steps - i) * sizeof(s->step[0]));
		if (!breaks(s, which))
			*s = whole;
	}
	for (int i = 0; i < s->steps; i++) {
		shorten_text(s, &s->step[i].key, which, &attempts);
		shorten_text(s, &s->step[i].value, which, &attempts);
		s->step[i].edge = !s->step[i].edge;
		if (s->step[i].edge || !breaks(s, which))
			s->step[i].edge = !s->step[i].edge;
	}
}

static void tell(const struct sequence *s, enum promise which)
{
	struct verdict verdict = judge(s);
	int step = verdict.step;

	ksft_print_msg("%s: ", promises[which]);
	print_sequence(who, s);
	tell_seen("with it", step, &with[step]);
	if (which == OTHERS_STAY)
		tell_seen("without", step, &without[step]);
}

static void make_sequence(struct sequence *s, enum way way)
{
	struct verdict verdict = judge(s);

	result->sequences++;
	for (int i = 0; i < s->steps; i++) {
		result->shown[s->type->number] += with[i].has > 0;
		result->calls += with[i].made;
		result->mounts += with[i].made && !with[i].error &&
				  (s->step[i].call == MOUNT || s->step[i].call == FSMOUNT);
	}
	for (int i = 0; i < PROMISES; i++) {
		result->at_stake[way][i] += verdict.at_stake >> i & 1;
		if (!(verdict.broken >> i & 1))
			continue;
		if (!result->broken[way][i]++)
			result->first[way][i] = result->sequences;
		if (result->broken[way][i] <= MOST_TOLD) {
			static struct sequence shorter;

			shorter = *s;
			shorten(&shorter, i);
			tell(&shorter, i);
		}
	}
}

static unsigned long long number(const char *name, unsigned long long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

/* The lowest number of a device that nobody has: a superblock that is left keeps one. */
static unsigned int free_device(void)
{
	struct stat st = { 0 };

	if (mount("none", DIR, "tmpfs", 0, NULL) || stat(DIR, &st) || umount(DIR))
		return -1;
	return minor(st.st_dev);
}

/* Returns the exit status. */
static int make_one(char *text)
{
	static struct sequence s;
	int broken = 0;
	const char *name = parse_sequence(text, &s);

	for (int i = 0; name && i < types; i++)
		if (!strcmp(found[i]->name, name))
			s.type = found[i];
	if (!s.type) {
		ksft_print_msg("IMA_TEST_STRING is no sequence for a type that can be mounted\n");
		return 1;
	}
	make_sequence(&s, BY_MOUNT2);
	for (int i = 0; i < s.steps; i++)
		tell_seen("made", i, &with[i]);
	for (int i = 0; i < PROMISES; i++)
		broken += result->broken[BY_MOUNT2][i];
	return !!broken;
}

/* Namespaces in which as many types as can be have superblocks of their own. */
static int enter_namespaces(int is_user)
{
	int flags = CLONE_NEWNET | CLONE_NEWIPC, status;
	pid_t pid;

	if (is_user ? enter_userns(USER, flags | CLONE_NEWCGROUP | CLONE_NEWPID) :
		      unshare(flags) || enter_mount_namespace())
		return -1;
	/* who is in the namespace of processes */
	pid = fork();
	if (pid < 0)
		return -1;
	if (!pid)
		return prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	fflush(stdout);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void make_all(int is_user, int strings)
{
	unsigned long long seed = number("IMA_TEST_SEED", time(NULL)), state = seed + is_user;
	const char *given = getenv("IMA_TEST_STRING");
	struct timespec from, to;
	static struct sequence s;
	unsigned int device;

	who = whom[is_user];
	if (given && strncmp(given, who, strlen(who)))
		return;
	if (enter_namespaces(is_user)) {
		ksft_print_msg("no namespaces: %s\n", strerror(errno));
		_exit(1);
	}
	if (prepare_calls() || find_types())
		_exit(1);
	if (given) {
		int ret = make_one(strdup(given) + strlen(who) + 1);

		fflush(stdout);
		_exit(ret);
	}
	device = free_device();
	if (device == -1U)
		_exit(1);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < strings; i++) {
		enum way way = i % WAYS;

		forget();
		draw_sequence(&s, (unsigned long long)any(&state) << 32 | i, way == BY_FSCONFIG);
		make_sequence(&s, way);
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	result->left = free_device() > device;
	ksft_print_msg("%s: IMA_TEST_SEED=%llu, %d sequences of %d calls, %d mounts, %ld ms\n", who,
		       seed, result->sequences, result->calls, result->mounts,
		       (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000);
	for (int i = 0; i < types; i++)
		ksft_print_msg("  %s%s: shown %d times, changed by itself %d times\n",
			       found[i]->name, found[i]->shared ? ", shared" : "",
			       result->shown[i], result->changes[i]);
	result->ended = true;
}

static int in_child(int is_user, int strings)
{
	int status;
	pid_t pid;

	memset(result, 0, sizeof(*result));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		make_all(is_user, strings);
		fflush(stdout);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	if (status)
		ksft_print_msg("%s: ended with status 0x%x\n", whom[is_user], status);
	return status;
}

static void report(int is_user)
{
	for (int way = 0; way < WAYS; way++)
		for (int i = 0; i < PROMISES; i++) {
			int broken = result->broken[way][i], at_stake = result->at_stake[way][i];

			if (broken)
				ksft_print_msg("broken %d times of %d, first by sequence %d\n",
					       broken, at_stake, result->first[way][i]);
			else
				ksft_print_msg("%d times at stake\n", at_stake);
			ksft_test_result(result->ended && at_stake && !broken, "fuzz.%s.%s.%s\n",
					 whom[is_user], ways[way], promises[i]);
		}
	ksft_test_result(result->ended && !result->left, "fuzz.%s.no_superblock_is_left\n",
			 whom[is_user]);
}

int main(void)
{
	const char *missing = option_is_missing();
	int strings = number("IMA_TEST_STRINGS", 2000), fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	ksft_print_header();
	if (missing)
		ksft_exit_skip("%s\n", missing);
	fd = fsopen("tmpfs", FSOPEN_CLOEXEC);
	bind_is_known = !fsconfig(fd, FSCONFIG_SET_STRING, OPTION, "bind", 0);
	close(fd);
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (result == MAP_FAILED)
		ksft_exit_fail_msg("no memory\n");
	if (getenv("IMA_TEST_STRING"))
		exit(in_child(0, 0) || in_child(1, 0));
	ksft_set_plan(2 * (WAYS * PROMISES + 1));
	for (int is_user = 0; is_user < 2; is_user++) {
		in_child(is_user, strings / 2);
		report(is_user);
	}
	ksft_finished();
}

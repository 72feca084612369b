// SPDX-License-Identifier: GPL-2.0-only
/*
 * Make one system call of a program fail, or of a child that it forks.  Done
 * here since strace(1) counts calls in each process on its own, and so cannot
 * fail a child's first call without the parent's.
 *
 * usage: fault list FILE COMMAND...
 *        fault PROCESS NAME NUMBER[+] ERROR COMMAND...
 *
 * "list" writes to FILE a line "PROCESS NAME NUMBER" for each call that can be
 * asked for: processes are numbered from 0 as they are forked, calls of one
 * name from 1 in each.  With "+" all calls of that name fail from that one on,
 * in that process.  Those of the dynamic linker are not among them, nor those
 * from the exec of another program on, nor those that never fail.  With
 * FAULT_WITH_CHILD in the environment the command has a child from the start.
 * Exit status: the command's, or NOT_REACHED if there was no such call; the
 * last line of the output is then how many of that name the process made.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 64 /* at most, in all */
#define NOT_REACHED 125
#define CANNOT_RUN 126
#define ERROR_MAX 133
#define SYSCALL_STOP (SIGTRAP | 0x80)

static const char *const names[] = {
#include "syscall_names.h"
};

static struct process {
	pid_t pid;
	int started; /* its calls are the helper's */
	int calls[sizeof(names) / sizeof(*names)]; /* of each name */
	int failing;				   /* the one that it is in */
} processes[PROCESSES];
static int n_processes;

static FILE *list;
static const char *wanted_name;
static int wanted_process, wanted_number, error, reached;
static bool lasting;

static struct process *process_of(pid_t pid)
{
	for (int i = 0; i < n_processes; i++)
		if (processes[i].pid == pid)
			return &processes[i];
	if (n_processes == PROCESSES)
		errx(CANNOT_RUN, "too many processes");
	processes[n_processes] = (struct process){
		.pid = pid,
		.started = n_processes > 0,
	};
	return &processes[n_processes++];
}

static int never_fails(unsigned long nr)
{
	switch (nr) {
	case SYS_brk:
	case SYS_clock_gettime:
	case SYS_exit:
	case SYS_exit_group:
	case SYS_getegid:
	case SYS_geteuid:
	case SYS_getgid:
	case SYS_getpid:
	case SYS_getppid:
	case SYS_getuid:
	case SYS_rt_sigprocmask:
		return 1;
	}
	return 0;
}

static void set_register(pid_t pid, size_t offset, long value)
{
	if (ptrace(PTRACE_POKEUSER, pid, offset, value))
		err(CANNOT_RUN, "ptrace");
}

static void enter_call(struct process *p, unsigned long nr)
{
	int number = (int)(p - processes);

	if (!p->started) {
		/* the last one of the dynamic linker */
		p->started = nr == SYS_prlimit64;
		return;
	}
	if (nr >= sizeof(names) / sizeof(*names) || never_fails(nr))
		return;
	p->calls[nr]++;
	if (list)
		fprintf(list, "%d %s %d\n", number, names[nr], p->calls[nr]);
	if (list || number != wanted_process || p->calls[nr] < wanted_number ||
	    (!lasting && p->calls[nr] > wanted_number) ||
	    strcmp(names[nr], wanted_name) != 0)
		return;
	/* no such call: nothing is done */
	set_register(p->pid, offsetof(struct user_regs_struct, orig_rax), -1);
	p->failing = 1;
	reached = 1;
}

static void syscall_stop(struct process *p)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, sizeof(info), &info) < 0)
		err(CANNOT_RUN, "ptrace");
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		enter_call(p, info.entry.nr);
	} else if (p->failing) {
		set_register(p->pid, offsetof(struct user_regs_struct, rax),
			     -error);
		p->failing = 0;
	}
}

/* Returns the signal that it is to get, or -1 where it goes on by itself. */
static int stopped(struct process *p, int status)
{
	int signal = WSTOPSIG(status);

	if (status >> 16 == PTRACE_EVENT_EXEC && p->started) {
		ptrace(PTRACE_DETACH, p->pid, NULL, NULL);
		return -1;
	}
	if (status >> 16)
		return 0;
	if (signal == SYSCALL_STOP) {
		syscall_stop(p);
		return 0;
	}
	/* what a traced child begins with */
	return signal == SIGSTOP ? 0 : signal;
}

static int trace(pid_t command)
{
	int status, signal;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		struct process *p = process_of(pid);

		if (!WIFSTOPPED(status)) {
			if (pid == command)
				return status;
			continue;
		}
		signal = stopped(p, status);
		if (signal >= 0)
			ptrace(PTRACE_SYSCALL, pid, NULL, (long)signal);
	}
	err(CANNOT_RUN, "waitpid");
}

/* How many calls of that name the process has made. */
static int calls_made(int number, const char *name)
{
	for (size_t nr = 0; nr < sizeof(names) / sizeof(*names); nr++)
		if (number < n_processes && names[nr] &&
		    !strcmp(names[nr], name))
			return processes[number].calls[nr];
	return 0;
}

static int error_of(const char *name)
{
	for (int i = 1; i <= ERROR_MAX; i++)
		if (strerrorname_np(i) && !strcmp(strerrorname_np(i), name))
			return i;
	errx(CANNOT_RUN, "%s: no such error", name);
}

static char **take_arguments(int argc, char **argv)
{
	bool listing = argc > 1 && !strcmp(argv[1], "list");

	if (argc < (listing ? 4 : 6))
		errx(CANNOT_RUN,
		     "usage: fault list FILE COMMAND...\n"
		     "       fault PROCESS NAME NUMBER[+] ERROR COMMAND...");
	if (listing) {
		list = fopen(argv[2], "we");
		if (!list)
			err(CANNOT_RUN, "%s", argv[2]);
		return argv + 3;
	}
	wanted_process = atoi(argv[1]);
	wanted_name = argv[2];
	wanted_number = atoi(argv[3]);
	lasting = strchr(argv[3], '+');
	error = error_of(argv[4]);
	return argv + 5;
}

/* One of the command's that has nothing to do with what it does. */
static void start_child(void)
{
	if (fork())
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pause();
	_exit(0);
}

int main(int argc, char **argv)
{
	char **command = take_arguments(argc, argv);
	int status;
	pid_t pid = fork();

	if (pid < 0)
		err(CANNOT_RUN, "fork");
	if (!pid) {
		if (getenv("FAULT_WITH_CHILD"))
			start_child();
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) || raise(SIGSTOP))
			err(CANNOT_RUN, "ptrace");
		execvp(command[0], command);
		err(CANNOT_RUN, "%s", command[0]);
	}
	process_of(pid);
	if (waitpid(pid, &status, 0) < 0 ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL,
		   PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
			   PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
			   PTRACE_O_TRACEEXEC) ||
	    ptrace(PTRACE_SYSCALL, pid, NULL, NULL))
		err(CANNOT_RUN, "ptrace");
	status = trace(pid);
	if (!list && !reached) {
		printf("%d\n", calls_made(wanted_process, wanted_name));
		return NOT_REACHED;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

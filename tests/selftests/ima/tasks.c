// SPDX-License-Identifier: GPL-2.0
#include "tasks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/elf.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ima.h"
#include "server.h"

char *make_files(const char *dir, size_t size, uid_t owner)
{
	char path[64], *map = NULL;

	if (chmod(dir, 0777))
		return NULL;
	setfsgid(owner);
	setfsuid(owner);
	/* the last one is the file */
	for (int i = 0; i <= ROUNDS + 1; i++) {
		int fd;

		snprintf(path, sizeof(path), i <= ROUNDS ? "%s/marker%d" : "%s/file", dir, i);
		unlink(path); /* of another test */
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0755);
		if (fd < 0 || pwrite(fd, "", 1, i <= ROUNDS ? 0 : size - 1) != 1)
			return NULL;
		if (i > ROUNDS)
			map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
	}
	setfsuid(0);
	setfsgid(0);
	return map == MAP_FAILED ? NULL : map;
}

char *start_overlay(const char *device, size_t size, uid_t uid)
{
	char *map;

	mkdir(DATA, 0777);
	if (mount(device ?: "none", DATA, device ? "ext4" : "tmpfs", 0, NULL))
		return NULL;
	map = make_files(DATA, size, uid);
	if (mount("none", DIR, "overlay", MS_RDONLY,
		  option() ? OPTION ",lowerdir=" DATA ":/etc" : "lowerdir=" DATA ":/etc"))
		return NULL;
	return map;
}

static void *open_once(void *arg)
{
	struct task *task = arg;
	int fd;

	/* glibc's function would change all threads */
	if (task->uid && syscall(SYS_setresuid, task->uid, task->uid, task->uid))
		return arg;
	task->tid = gettid();
	fd = open(task->path ?: DIR "/file", O_RDONLY | O_CLOEXEC);
	return fd < 0 || close(fd) ? arg : NULL;
}

/* Whether @tid comes to sleep in a way that only IMA's mutex makes it, before it ends. */
static bool waits_for_mutex(pid_t tid)
{
	char path[32], state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	while (state != 'D') {
		sched_yield();
		f = fopen(path, "r");
		if (!f)
			return false;
		if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1 || strchr("XZ", state)) {
			fclose(f);
			return false;
		}
		fclose(f);
	}
	return true;
}

int start_opening(struct task *task)
{
	errno = pthread_create(&task->thread, NULL, open_once, task);
	return errno ? -1 : 0;
}

bool opening_waits(struct task *task)
{
	while (!task->tid)
		sched_yield();
	return waits_for_mutex(task->tid);
}

int start_hashing(struct task *task)
{
	unsigned long ticks = 0;
	char path[64];
	FILE *f;

	if (start_opening(task))
		return -1;
	while (!task->tid)
		sched_yield();
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", task->tid);
	while (!ticks) {
		sched_yield();
		f = fopen(path, "r");
		if (!f)
			return 0;
		if (fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %lu",
			   &ticks) != 1)
			ticks = 1;
		fclose(f);
	}
	return 0;
}

int has_opened(struct task *task)
{
	void *failed;

	errno = pthread_join(task->thread, &failed);
	return errno || failed ? -1 : 0;
}

/* The descriptor of @pid comes through @pipe. */
static void load_module(pid_t pid, int pipe, uid_t uid, int flags)
{
	int fd, file;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(pipe, &file, sizeof(file)) != sizeof(file))
		_exit(EPIPE);
	fd = syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, pid, 0), file, 0);
	setfsgid(uid);
	setfsuid(uid);
	_exit(syscall(SYS_finit_module, fd, "", flags) ? errno : 0);
}

int start_loader(struct loader *loader, uid_t uid, int flags)
{
	pid_t pid = getpid();
	int pipes[2];

	if (pipe(pipes))
		return -1;
	loader->pipe = pipes[1];
	loader->pid = fork();
	if (!loader->pid)
		load_module(pid, pipes[0], uid, flags);
	return loader->pid < 0 ? -1 : 0;
}

int start_loading(struct loader *loader, int fd)
{
	return write(loader->pipe, &fd, sizeof(fd)) == sizeof(fd) ? 0 : -1;
}

bool loading_waits(struct loader *loader)
{
	return waits_for_mutex(loader->pid);
}

int has_loaded(struct loader *loader)
{
	int status;

	if (waitpid(loader->pid, &status, 0) != loader->pid)
		return errno;
	return WEXITSTATUS(status);
}

void make_program(char *data, size_t size, const void *code, size_t len)
{
	struct elf64_hdr head = {
		.e_ident = ELFMAG "\2\1\1", .e_type = ET_EXEC, .e_machine = EM_X86_64,
		.e_version = EV_CURRENT, .e_entry = PROGRAM_BASE + PROGRAM_CODE,
		.e_phoff = sizeof(head), .e_ehsize = sizeof(head),
		.e_phentsize = sizeof(struct elf64_phdr), .e_phnum = 1,
	};
	struct elf64_phdr segment = {
		.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = PROGRAM_BASE,
		.p_paddr = PROGRAM_BASE, .p_filesz = size, .p_memsz = size, .p_align = 4096,
	};

	memcpy(data, &head, sizeof(head));
	memcpy(data + sizeof(head), &segment, sizeof(segment));
	memcpy(data + PROGRAM_CODE, code, len);
}

int start_program(struct program *program, const char *path)
{
	char *const argv[] = { (char *)path, NULL };
	int in[2], failed[2], error = 0;

	if (pipe2(in, O_CLOEXEC) || pipe2(failed, O_CLOEXEC))
		return -1;
	program->pid = fork();
	if (!program->pid) {
		dup2(in[0], 0);
		execve(path, argv, environ);
		error = errno;
		if (write(failed[1], &error, sizeof(error)) < 0)
			_exit(126);
		_exit(127);
	}
	program->in = in[1];
	close(in[0]);
	close(failed[1]);
	if (read(failed[0], &error, sizeof(error)) < 0)
		error = errno;
	close(failed[0]);
	if (error)
		end_program(program);
	errno = error;
	return error ? -1 : 0;
}

int end_program(struct program *program)
{
	int status;

	close(program->in);
	if (waitpid(program->pid, &status, 0) != program->pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

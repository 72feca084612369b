// SPDX-License-Identifier: GPL-2.0-only
/*
 * Use a file as a process that a security module confines, and say which use fails.
 * LSM is what the module takes in /proc/self/attr/current: a context of SELinux, or
 * "changeprofile NAME" of AppArmor.  The file stays open until the standard input ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Returns the error number, or 0 where it can be mapped so. */
static int map(int fd, int prot, void **mapped)
{
	*mapped = mmap(NULL, 4096, prot, MAP_PRIVATE, fd, 0);
	return *mapped == MAP_FAILED ? errno : 0;
}

int main(int argc, char **argv)
{
	int attr, fd, executable, later;
	char byte;
	void *at;

	if (argc != 3) {
		fprintf(stderr, "usage: confined LSM FILE\n");
		return EXIT_FAILURE;
	}
	attr = open("/proc/self/attr/current", O_WRONLY | O_CLOEXEC);
	if (write(attr, argv[1], strlen(argv[1])) < 0) {
		fprintf(stderr, "confined: %s: %s\n", argv[1], strerror(errno));
		return EXIT_FAILURE;
	}
	fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		printf("open=%d\n", errno);
		return EXIT_SUCCESS;
	}
	executable = map(fd, PROT_READ | PROT_EXEC, &at);
	later = map(fd, PROT_READ, &at);
	if (!later && mprotect(at, 4096, PROT_READ | PROT_EXEC))
		later = errno;
	printf("open=0 map=%d mprotect=%d\n", executable, later);
	fflush(stdout);
	return read(STDIN_FILENO, &byte, 1) < 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/* One byte tells prog1 from prog2, which is made from it: see the Makefile. */
#include <unistd.h>

int main(void)
{
	static const char text[] = "hello world: 1\n";

	return write(STDOUT_FILENO, text, sizeof(text) - 1) < 0;
}

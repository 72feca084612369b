#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Print the kernel that counts where KERNEL= names none: that of this system's release of
# Debian, and the newest on one that kernel/kernels does not list.
set -eu
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
awk -v suite="$suite" '!/^#/ { kernel = $1; if ($2 == suite) exit } END { print kernel }' \
	"$(dirname "$0")/kernels"

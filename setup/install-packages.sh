#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Install what setup/packages lists for the given uses and this machine lacks.
#
# usage: setup/install-packages.sh USE...
set -eu -o pipefail
here=$(dirname "$0")

# listed COLUMN USE...: that column of the lines for these uses
listed() {
	local column=$1 use
	shift
	for use in "$@"; do
		awk -v use="$use" -v column="$column" '!/^#/ && $2 == use { print $column }' "$here/packages"
	done
}

# Installed is not enough: PATH may not lead there.
check_tools() {
	local tool
	for tool in $(listed 3 "$@"); do
		command -v "$tool" > /dev/null || {
			echo "setup: $tool is not on PATH, though its package is installed" >&2
			exit 1
		}
	done
}

uses=("$@")
wanted=$(listed 1 "${uses[@]}")

command -v dpkg-query > /dev/null || {
	echo "setup: this is not a Debian system: see setup/packages for what is needed" >&2
	exit 1
}
have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2> /dev/null |
	sed -n 's/^installed //p' | sort -u)
missing=$(comm -23 <(sort -u <<< "$wanted") - <<< "$have")
[ -n "$missing" ] || {
	check_tools "${uses[@]}"
	exit 0
}

# shellcheck disable=SC2086 # one word a package
set -- $missing
if [ "$(id -u)" != 0 ]; then
	echo "setup: packages are missing; as root, run this and try again:" >&2
	echo "  apt-get update && apt-get install --no-install-recommends $*" >&2
	exit 1
fi

# shellcheck source=tests/progress.sh
. "$here/../tests/progress.sh"
echo "setup: to be installed: $*"
step "apt-get update" apt-get -q update
step "apt-get install ($# packages)" \
	env DEBIAN_FRONTEND=noninteractive \
	apt-get -q -y --no-install-recommends install "$@"
check_tools "${uses[@]}"

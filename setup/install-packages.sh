#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Install what setup/packages lists for the given uses and this machine lacks.
#
# usage: setup/install-packages.sh USE...
#        setup/install-packages.sh --list RELEASE USE...   only say what that is, on RELEASE
set -eu -o pipefail

# What else there is on such a system is unknown: the shell has to do.
command -v dpkg-query > /dev/null || {
	mapfile -t message << 'END'
setup: this is not Debian (there is no dpkg-query), which the packages are from. Each of
these, run as root, makes a Debian 13 of its own for make demo; mmdebstrap also needs the
keys of Debian's archive:

  podman run --rm -v "$PWD":/src:z -w /src debian:trixie sh -c \
    'apt-get update && apt-get install -y --no-install-recommends git make && make demo'

  mmdebstrap --variant=minbase --include=git,make --customize-hook='git clone . "$1"/src' \
    --customize-hook='chroot "$1" make -C /src demo' trixie /dev/null
END
	printf '%s\n' "${message[@]}" >&2
	exit 1
}
here=$(dirname "$0")

# listed RELEASE COLUMN USE...: that column of the lines for these uses
listed() {
	local release=$1 column=$2 use
	shift 2
	for use in "$@"; do
		awk -v use="$use" -v column="$column" -v release="$release" '
			!/^#/ && $2 == use && (NF < 4 || index("," $4 ",", "," release ",")) { print $column }
			' "$here/packages"
	done
}

if [ "$1" = --list ]; then
	listed "$2" 1 "${@:3}"
	exit
fi
# shellcheck source=/dev/null
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")

# Installed is not enough: PATH may not lead there.
check_tools() {
	local tool
	for tool in $(listed "$release" 3 "$@" | grep -vx -e -); do
		command -v "$tool" > /dev/null || {
			echo "setup: $tool is not on PATH, though its package is installed" >&2
			exit 1
		}
	done
}

uses=("$@")
wanted=$(listed "$release" 1 "${uses[@]}")
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

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Get the util-linux of Debian 13 into a directory of its own, and print its name; nothing
# is printed where this system's is no older.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/progress.sh
. tests/progress.sh
dir=$(realpath -m "$BUILD/util-linux-trixie")

get() {
	rm -rf "$dir.tmp"
	setup/apt-root.sh trixie unpack "$dir.tmp" mount util-linux || return
	mv "$dir.tmp" "$dir"
	rm -rf "$dir.tmp.debs"
}

printf 'mount from util-linux 2.41\n%s\n' "$(mount --version)" | sort -C -V && exit
[ -e "$dir/usr/bin/mount" ] || step "getting the util-linux of Debian 13" get >&2
echo "$dir"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Get the util-linux of Debian 13 into a directory of its own, and print its name.
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

[ -e "$dir/usr/bin/mount" ] || step "getting the util-linux of Debian 13" get >&2
echo "$dir"

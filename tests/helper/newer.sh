#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Get the util-linux of Debian 13 into a directory of its own, and print its name.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
dir=$(realpath -m "$BUILD/util-linux-trixie")
if [ ! -e "$dir/usr/bin/mount" ]; then
	rm -rf "$dir.tmp"
	setup/apt-root.sh trixie unpack "$dir.tmp" mount util-linux >&2
	mv "$dir.tmp" "$dir"
	rm -rf "$dir.tmp.debs"
fi
echo "$dir"

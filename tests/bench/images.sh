#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Make the disk of the measurements: tests/bench/images.sh FILE
#
# An ext4 with prog1, files of all sizes, one that no loader takes, and a dynamically
# linked program with what it is linked to.
set -eu -o pipefail

BUILD=${BUILD:-build}
out=$1
tmp=$(mktemp -d "$BUILD/bench.XXXXXX")
files=$tmp/files
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

mkdir "$files"
cp "$BUILD/progs/prog1" "$BUILD/linked" "$files/"
ldd "$BUILD/measure" | grep -o '/[^ ]*/libc\.so[^ ]*' | xargs cp -Lt "$files"
cp -L /lib64/ld-linux-x86-64.so.2 "$files/ld.so"
echo ima_nocache > "$files/no-program"
chmod 755 "$files/no-program"
for size in 0 1 4096 65536 1048576 16777216; do
	yes ima_nocache 2> /dev/null | head -c "$size" > "$files/size-$size" || :
	[ "$(stat -c %s "$files/size-$size")" = "$size" ]
done

truncate -s 192M "$tmp/disk"
mke2fs -q -t ext4 -b 4096 -O verity -d "$files" "$tmp/disk"
mv "$tmp/disk" "$out"

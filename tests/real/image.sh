#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Make a disk with a whole Debian, to boot from.
#
# usage: tests/real/image.sh SUITE
#
# The result is $BUILD/images/real-SUITE.img, ext4: the packages of tests/real/packages,
# nothing of the project. It is kept in $IMA_NOCACHE_CACHE by the hash of what went
# into it: this script, the list, and the index of the archive's packages.
set -eu -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/progress.sh
. "$here/../progress.sh"
# shellcheck source=tests/debian.sh
. "$here/../debian.sh"
suite=$1
cache=${IMA_NOCACHE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ima_nocache}
SIZE=2G

packages() {
	awk -v suite="$suite" '!/^#/ && NF == 2 && ($1 == suite || $1 == "both") { print $2 }' \
		"$here/packages"
}

# NAME, PACKAGE and SUITE, for the programs of a newer Debian
newer_programs() {
	awk -v suite="$suite" 'NF == 4 && $1 == suite { print $2, $3, $4 }' "$here/packages"
}

read_index "$suite"
key=$({
	cat "$0" "$here/../debian.sh" <(packages; newer_programs)
	index_text "$suite"
} | sha256sum | cut -c 1-32)

mkdir -p "$BUILD/images" "$cache"
link_result() {
	ln -sfnT "$cache/$key/disk.img" "$BUILD/images/real-$suite.img"
	ln -sfnT "$cache/$key/versions" "$BUILD/images/real-$suite.versions"
}
if [ -f "$cache/$key/disk.img" ]; then
	link_result
	echo "  Debian $suite: up to date"
	exit 0
fi

tmp=$(mktemp -d "$BUILD/real.XXXXXX")
on_exit() {
	rm -rf --one-file-system "$tmp" "$cache/tmp.$$"
}

# All it needs besides, this Debian has.
add_newer_programs() {
	local name package from deb
	newer_programs | while read -r name package from; do
		"$here/../../setup/apt-root.sh" "$from" download "$tmp/$name" "$package"
		deb=$(echo "$tmp/$name"/*.deb)
		dpkg-deb --fsys-tarfile "$deb" |
			tar -xO "./usr/bin/$package" > "$tmp/root/usr/bin/$name"
		chmod +x "$tmp/root/usr/bin/$name"
		echo "$name $(dpkg-deb -f "$deb" Version)" >> "$tmp/versions"
	done
}

store() {
	mkdir "$cache/tmp.$$"
	dpkg-query --admindir="$tmp/root/var/lib/dpkg" -W -f '${Package} ${Version}\n' |
		cat - "$tmp/versions" > "$cache/tmp.$$/versions"
	truncate -s "$SIZE" "$cache/tmp.$$/disk.img"
	mke2fs -q -t ext4 -d "$tmp/root" "$cache/tmp.$$/disk.img" || return
	mv -T "$cache/tmp.$$" "$cache/$key" || [ -f "$cache/$key/disk.img" ]
}

step "Debian $suite: installing" bootstrap "$suite" "$tmp/root" "$(packages | paste -sd ,)"
: > "$tmp/versions"
[ -z "$(newer_programs)" ] || step "Debian $suite: adding newer programs" add_newer_programs
step "Debian $suite: making the disk" store
link_result

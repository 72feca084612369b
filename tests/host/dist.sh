#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make dist: what a release has, and that one commit gives the same bytes wherever and
# whenever it is made. Prints KTAP.
# shellcheck disable=SC2317 # the functions are called through check
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit
unset BUILD KERNEL_TREE MAKEFLAGS MAKELEVEL

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
suite=dist
# shellcheck source=tests/ktap.sh
. tests/ktap.sh
version=$(dpkg-parsechangelog -S Version)

# release DIR [COMMAND...]: of the last commit, in a clone of its own
release() {
	local dir=$1
	shift
	git clone -q . "$work/$dir" && (cd "$work/$dir" && "$@" make dist)
}

is_the_same_twice() {
	release first && (umask 077 && release another/place/second env TZ=Asia/Tokyo LC_ALL=C) || return
	diff "$work/first/build/dist/SHA256SUMS" "$work/another/place/second/build/dist/SHA256SUMS"
}

has_all_parts() {
	local kernel name=ima_nocache-$version kernels
	mapfile -t kernels < <(awk '!/^#/ { print $1 }' kernel/kernels)
	cd "$work/first/build/dist" || return
	sha256sum -c --quiet SHA256SUMS && [ "$(wc -l < SHA256SUMS)" = "$(find . -type f ! -name SHA256SUMS | wc -l)" ] &&
		tar -tzf "$name.tar.gz" "$name/Makefile" "$name/NEWS" &&
		dpkg-deb -f "mount-ima-nocache_${version}_"*.deb Package Version || return
	for kernel in "${kernels[@]}"; do
		tar -xzf "$name-linux-$kernel.tar.gz" -C "$work" &&
			compgen -G "$work/$name-linux-$kernel/0001-*.patch" &&
			compgen -G "$work/$name-linux-$kernel/bind/0001-*.patch" || return
	done
	cd "$OLDPWD" || return
}

# What stands in the archive is all that it takes.
source_archive_builds() {
	tar -xzf "$work/first/build/dist/ima_nocache-$version.tar.gz" -C "$work" &&
		make -C "$work/ima_nocache-$version" build/mount.ima_nocache &&
		"$work/ima_nocache-$version/build/mount.ima_nocache" --version | grep -F "$version"
}

uncommitted_changes_are_refused() {
	echo >> "$work/first/README.md"
	! (cd "$work/first" && make dist 2> "$work/said") && git -C "$work/first" checkout -q README.md &&
		cat "$work/said" && grep 'dist: there are changes that are not committed' "$work/said"
}

other_version_is_refused() {
	sed -i "1s/.*/ima_nocache 99/" "$work/first/NEWS"
	git -C "$work/first" -c user.name=test -c user.email=test commit -qam test &&
		! (cd "$work/first" && make dist 2> "$work/said") && cat "$work/said" &&
		grep -F "dist: NEWS has no heading \"ima_nocache $version\"" "$work/said"
}

echo "TAP version 13"
echo "1..5"
check same_commit_gives_the_same_bytes is_the_same_twice
check release_has_all_parts has_all_parts
check source_archive_builds source_archive_builds
check uncommitted_changes_are_refused uncommitted_changes_are_refused
check version_that_NEWS_does_not_have_is_refused other_version_is_refused
exit "$failed"

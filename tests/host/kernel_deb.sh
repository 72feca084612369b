#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make kernel-deb that is interrupted, and what it makes, with a small configuration: that of
# the tests' kernel. Prints KTAP.
#
# usage: tests/host/kernel_deb.sh KERNEL, after it was made, and kernel/image.sh has got Debian's
# shellcheck disable=SC2317 # the functions are called through check
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit
BUILD=$(realpath "${BUILD:-build}")
KERNEL=$1
unset KERNEL_TREE FLAVOUR LOCALMODCONFIG

work=$(mktemp -d)
job=
trap '[ -z "$job" ] || kill -9 -- "-$job" 2> /dev/null; rm -rf "$work"' EXIT
suite=kernel_deb
# shellcheck source=tests/ktap.sh
. tests/ktap.sh

# A cache of its own, with the source, and no ccache: what is compiled is compiled here.
cache=${IMA_NOCACHE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ima_nocache}
mkdir -p "$work/build" "$work/cache/source"
ln -s "$cache"/source/*.deb "$work/cache/source"
lock=$work/build/kernel/deb-$KERNEL-own/.lock
project=$PWD
kernel_deb() {
	env "$@" "CONFIG=$BUILD/kernel/$KERNEL-patched/config" "BUILD=$work/build" \
		"IMA_NOCACHE_CACHE=$work/cache" CCACHE_DISABLE=1 "$project/kernel/deb.sh" "$KERNEL"
}

# compiled: how many files, in the build that ran last
compiled() {
	grep -hE '^ +(CC|AS) ' "$work"/build/log/Linux-*-building-own-.log | grep -cv '\.mod\.o$'
}

# begin FILE [VARIABLE=VALUE]: in the background, its output in FILE
begin() {
	rm -f "$work"/build/log/Linux-*-building-own-.log
	set -m
	kernel_deb "${@:2}" > "$1" 2>&1 &
	job=$!
	set +m
}

# until_seen COMMAND...: it succeeds while the job goes on
until_seen() {
	local end=$((SECONDS + 900))
	until "$@" > /dev/null 2>&1; do
		if [ "$SECONDS" -ge "$end" ] || ! kill -0 "$job"; then
			return 1
		fi
		read -r -t 0.2 <> <(:)
	done
	return 0
}

some_are_compiled() {
	[ "$(compiled)" -ge 300 ]
}

# planned FILE: how many files it said that it would compile
planned() {
	sed -n 's/^  \([0-9]*\) files are to be compiled.*/\1/p' "$1"
}

interrupt() {
	local status=0
	kill -TERM -- "-$job"
	wait "$job" || status=$?
	job=
	# and all that it has started
	flock -w 60 "$lock" true || return
	[ "$status" = 143 ] || { echo "exit status $status"; return 1; }
}

ends_at_once() {
	begin "$work/first"
	until_seen some_are_compiled || { cat "$work/first"; return 1; }
	interrupt && ! compgen -G "$work/cache/deb/*"
}

# The count of what is left, and what is compiled, are less by what there is.
goes_on() {
	local first left
	first=$(planned "$work/first")
	rm -f "$work"/build/log/Linux-*-building-own-.log
	kernel_deb > "$work/second" 2>&1 || { tail "$work/second"; return 1; }
	left=$(planned "$work/second")
	echo "of $first files $left were left, and $(compiled) compiled"
	[ "$left" -le $((first - 250)) ] && [ "$(compiled)" -le $((first - 150)) ] &&
		grep -E 'apt install /.*/linux-image-[0-9.]*-ima-nocache-own_\*\.deb' "$work/second"
}

# Files that another patch changed may be older than their objects.
begins_anew_with_other_patches() {
	local patch
	rm -rf "$work/cache/deb"
	begin "$work/before"
	until_seen some_are_compiled || { cat "$work/before"; return 1; }
	interrupt || return
	mkdir "$work/project"
	cp -r Makefile debian kernel setup tests "$work/project/"
	# shellcheck source=kernel/series.sh
	patch=$(. "$work/project/kernel/series.sh" && series_files "$KERNEL" | head -n 1)
	sed -i '0,/^Subject: /s//X-Test: another\n&/' "$patch"
	project=$work/project begin "$work/after"
	until_seen grep 'files are to be compiled' "$work/after" || { cat "$work/after"; return 1; }
	interrupt
	echo "$(planned "$work/before") before, $(planned "$work/after") after"
	[ "$(planned "$work/after")" = "$(planned "$work/before")" ]
}

has_what_was_asked_for() {
	local image
	image=$(echo "$work"/build/kernel-deb/linux-image-*-ima-nocache-own_*.deb)
	dpkg-deb --fsys-tarfile "$image" | tar -xO --wildcards './boot/config-*' > "$work/config" &&
		grep -x 'CONFIG_IMA_BIND=y' "$work/config" && grep -x 'CONFIG_DEBUG_INFO_NONE=y' "$work/config" &&
		dpkg-deb -f "$image" Package Version Maintainer &&
		compgen -G "$work/build/kernel-deb/linux-headers-*-ima-nocache-own_*.deb" &&
		! compgen -G "$work/build/kernel-deb/linux-libc-dev*"
}

sorts_after_the_distributions() {
	local release theirs
	release=$(basename "$work"/build/kernel-deb/linux-image-*-own_*.deb)
	release=${release#linux-image-} release=${release%%_*}
	theirs=$(cat "$BUILD/kernel/$KERNEL-debian/release") || return
	echo "$theirs, $release"
	[ "$(printf '%s\n' "$release" "$theirs" | sort -V | tail -n 1)" = "$release" ] &&
		dpkg --compare-versions "$release" gt "$theirs"
}

second_build_is_refused() {
	# what was made before would be up to date
	rm -rf "$work/cache/deb"
	mkdir -p "${lock%/*}"
	! flock "$lock" env "CONFIG=$BUILD/kernel/$KERNEL-patched/config" "BUILD=$work/build" \
		"IMA_NOCACHE_CACHE=$work/cache" kernel/deb.sh "$KERNEL" > "$work/refused" 2>&1 && cat "$work/refused" &&
		grep 'another make kernel-deb is building there' "$work/refused"
}

is_not_built_again() {
	rm -f "$work"/build/log/Linux-*-building-own-.log
	kernel_deb > "$work/third" 2>&1 || return
	cat "$work/third"
	grep 'up to date' "$work/third" && ! compgen -G "$work/build/log/Linux-*-building-own-.log"
}

echo "TAP version 13"
echo "1..7"
check interrupt_ends_it_and_leaves_no_package ends_at_once
check what_was_compiled_is_not_compiled_again goes_on
check packages_are_of_the_configuration has_what_was_asked_for
check version_sorts_after_the_distributions sorts_after_the_distributions
check nothing_is_built_if_nothing_changed is_not_built_again
check objects_of_another_source_are_not_used begins_anew_with_other_patches
check second_build_at_the_same_time_is_refused second_build_is_refused
exit "$failed"

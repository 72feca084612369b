#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the commands do with bad input, and when they are interrupted. Prints KTAP.
#
# usage: tests/host/inputs.sh KERNEL, after it and the images were made
# shellcheck disable=SC2317 # the functions are called through check
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit
BUILD=$(realpath "${BUILD:-build}")
KERNEL=$1
OLDEST=$(awk '!/^#/ { print $1; exit }' kernel/kernels)
unset KERNEL_TREE ACCEL

work=$(mktemp -d)
chmod 755 "$work"
job=
trap '[ -z "$job" ] || kill -9 -- "-$job" 2> /dev/null; rm -rf "$work"' EXIT
suite=host
# shellcheck source=tests/ktap.sh
. tests/ktap.sh

# new_cache DIR: one that has the downloaded sources, and nothing else
cache=${IMA_NOCACHE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ima_nocache}
new_cache() {
	rm -rf "$1"
	mkdir -p "$1/source"
	ln -s "$cache"/source/*.deb "$1/source"
}

# new_in_cache DIR: what is there besides
new_in_cache() {
	find "$1" -mindepth 1 ! -path "$1/source" ! -type l
}

# refuses TEXT COMMAND...: fails, with one line on stderr that has the text, and
# leaves nothing that a later build would take for a kernel or a source
refuses() {
	local text=$1 status=0
	shift
	rm -rf "$work/build"
	new_cache "$work/cache"
	BUILD=$work/build IMA_NOCACHE_CACHE=$work/cache "$@" > "$work/stdout" 2> "$work/stderr" || status=$?
	cat "$work/stdout" "$work/stderr"
	[ "$status" != 0 ] || { echo "it succeeded"; return 1; }
	grep -q -- "$text" <(tail -n 1 "$work/stderr") || { echo "the last line has no '$text'"; return 1; }
	nothing_half_made
}

nothing_half_made() {
	local left
	left=$(ls -d "$work"/build/kernel/{tmp.*,"$KERNEL"-*} 2> /dev/null; new_in_cache "$work/cache")
	[ -z "$left" ] || { echo "left: $left"; return 1; }
}

one_line() {
	[ "$(wc -l < "$work/stderr")" = 1 ] || { echo "not one line"; return 1; }
}

missing_tree() {
	refuses "KERNEL_TREE=$work/none: no such directory" \
		env KERNEL_TREE="$work/none" kernel/build.sh "$KERNEL" patched && one_line
}

not_a_tree() {
	refuses "KERNEL_TREE=/etc: not a kernel source tree" \
		env KERNEL_TREE=/etc kernel/build.sh "$KERNEL" patched && one_line
}

# fake_tree VERSION PATCHLEVEL: enough of a tree to be taken for one
fake_tree() {
	rm -rf "$work/tree"
	mkdir -p "$work/tree/fs"
	printf 'VERSION = %s\nPATCHLEVEL = %s\nmrproper:\n' "$1" "$2" > "$work/tree/Makefile"
	touch "$work/tree/Kbuild" "$work/tree/fs/fs_context.c"
}

# of any kernel but the newest, which may be of any version
other_version() {
	fake_tree 5 10
	refuses "it is Linux 5.10, and KERNEL=$OLDEST was asked for" \
		env KERNEL_TREE="$work/tree" kernel/build.sh "$OLDEST" patched && one_line
}

tree_without_room_for_the_series() {
	fake_tree "${KERNEL%%.*}" "${KERNEL#*.}"
	cp -a "$work/tree" "$work/before"
	refuses "the series for $KERNEL does not apply to $work/tree" \
		env KERNEL_TREE="$work/tree" kernel/build.sh "$KERNEL" patched || return
	[ ! -e "$work/build/kernel/src-$KERNEL-patched" ] || { echo "a patched tree is left"; return 1; }
	diff -r "$work/before" "$work/tree"
}

unknown_kernel() {
	refuses "no series for KERNEL=9.9" kernel/build.sh 9.9 patched && one_line &&
		refuses "no series for KERNEL=9.9" kernel/image.sh 9.9 && one_line
}

full_disk() {
	# shellcheck disable=SC2016 # for the inner shell
	refuses "MB free, and building kernels takes" unshare -m sh -c \
		'mkdir -p $BUILD && mount -t tmpfs -o size=8m none $BUILD && exec kernel/build.sh "$1" patched' \
		sh "$KERNEL"
}

bad_kernel_deb() {
	refuses "FLAVOUR=rt: amd64 or cloud-amd64" env FLAVOUR=rt kernel/deb.sh "$KERNEL" && one_line &&
		refuses "CONFIG=/none: no such file" env CONFIG=/none kernel/deb.sh "$KERNEL" && one_line &&
		refuses "CONFIG=/etc/passwd: not a configuration" \
			env CONFIG=/etc/passwd kernel/deb.sh "$KERNEL" && one_line &&
		refuses "no series for KERNEL=9.9" kernel/deb.sh 9.9
}

kernel_deb_on_a_full_disk() {
	# shellcheck disable=SC2016 # for the inner shell
	refuses "MB free, and building this kernel takes" unshare -m sh -c \
		'mkdir -p $BUILD && mount -t tmpfs -o size=64m none $BUILD && CONFIG=$2 exec kernel/deb.sh "$1"' \
		sh "$KERNEL" "$BUILD/kernel/$KERNEL-patched/config"
}

bad_accel() {
	refuses "ACCEL=hvf: kvm or tcg" env ACCEL=hvf tests/qemu/accel.sh && one_line
}

no_debian() {
	refuses "chroot .* make -C /src demo' trixie /dev/null" \
		env PATH="$work" "$BASH" setup/install-packages.sh build || return
	grep 'podman run .* debian:trixie' "$work/stderr" && grep 'this is not Debian' "$work/stderr" &&
		! grep 'not found' "$work/stderr"
}

# default_is KERNEL CODENAME: where /etc/os-release has that
default_is() {
	local kernel
	sed "s/^VERSION_CODENAME=.*/VERSION_CODENAME=$2/" /etc/os-release > "$work/os-release"
	# shellcheck disable=SC2016 # for the inner shell
	kernel=$(unshare -m sh -c 'mount --bind "$0/os-release" /etc/os-release && kernel/default.sh' "$work")
	echo "$2: $kernel"
	[ "$kernel" = "$1" ]
}

default_kernels() {
	local kernel suite last
	while read -r kernel suite _; do
		default_is "$kernel" "$suite" || return
		last=$kernel
	done < <(grep -v '^#' kernel/kernels)
	default_is "$last" no-such-release
}

missing_packages_as_a_user() {
	cp -r setup "$work"
	echo "no-such-package build" >> "$work/setup/packages"
	refuses "apt-get install --no-install-recommends no-such-package" \
		setpriv --reuid=65534 --regid=65534 --clear-groups -- "$work/setup/install-packages.sh" build
}

missing_tool() {
	cp -r setup tests "$work"
	echo "bash build no-such-tool" >> "$work/setup/packages"
	refuses "no-such-tool is not on PATH" "$work/setup/install-packages.sh" build && one_line
}

# The key of the cache does not ask for patches.
patches_of_a_cached_kernel() {
	rm -rf "$BUILD/patches/$KERNEL"
	kernel/build.sh "$KERNEL" patched && kernel/build.sh "$KERNEL" patches || return
	compgen -G "$BUILD/patches/$KERNEL/0001-*.patch"
}

# until_seen COMMAND...: wait for it to succeed, a minute at most
until_seen() {
	local end=$((SECONDS + 60))
	until "$@" > /dev/null; do
		[ "$SECONDS" -lt "$end" ] || { echo "never seen: $*"; return 1; }
		read -r -t 0.1 <> <(:)
	done
	return 0
}

# As Ctrl-C does: the whole group of $job gets the signal, which a check that runs in
# the background may have been told to ignore.
interrupt() {
	local status=0
	kill -INT -- "-$job"
	wait "$job" || status=$?
	[ "$status" = 130 ] || { echo "exit status $status"; return 1; }
}

# or no test would see what only the kernel log tells
warning_fails_a_guest() {
	! tests/qemu/run.sh "$BUILD/kernel/$KERNEL-patched" "$work/warned" RUN=warn.guest > "$work/said" 2>&1 &&
		grep -F 'guest: status 0' "$work/warned/report" && grep 'the kernel complained' "$work/said"
}

# interrupted_guest [begin]: run directly, or side by side with others
interrupted_guest() {
	mkdir -p "$work/build"
	ln -sfn "$BUILD/kernel" "$work/build/kernel"
	ln -sfn "$BUILD/images" "$work/build/images"
	set -m
	# shellcheck disable=SC2016 # for the inner shell
	BUILD=$work/build env --default-signal=INT bash -c '. tests/progress.sh; . tests/jobs.sh; results=$BUILD/results
		$1 step guest tests/qemu/run.sh "$BUILD/kernel/$0-patched" "$BUILD/guest" RUN=wait.guest
		end_jobs' "$KERNEL" "${1:-}" &
	job=$!
	set +m
	until_seen pgrep -f "$work/build/guest/report" || return
	until_seen grep -q waiting "$work/build/guest/report" || return
	interrupt && ! pgrep -f "$work/build/guest"
}

interrupted_source() {
	mkdir -p "$work/build2"
	new_cache "$work/cache2"
	set -m
	BUILD=$work/build2 IMA_NOCACHE_CACHE=$work/cache2 \
		env --default-signal=INT kernel/build.sh "$KERNEL" unpatched &
	job=$!
	set +m
	until_seen compgen -G "$work/build2/kernel/tmp.*/src/Makefile" || return
	interrupt || return
	! compgen -G "$work/build2/kernel/*" && ! new_in_cache "$work/cache2" | grep .
}

# progress WRAPPER...: of a step that ends once its progress was seen. Prints to $work/seen.
progress() {
	: > "$work/seen"
	# shellcheck disable=SC2016,SC2094 # for the inner shell, which looks for what it prints
	BUILD=$work/build STEP_BEAT=1 timeout 60 "$@" bash -c '. tests/progress.sh
		wait_for_progress() { echo "  CC      a.o"; until grep -q "1 of 4 files" "$0"; do :; done; }
		STEP_FILES=4 step "a build" wait_for_progress' "$work/seen" > "$work/seen" || return
	cat "$work/seen"
}

progress_in_a_log() {
	progress env && [ "$(wc -l < "$work/seen")" -ge 3 ] &&
		grep -E '^  a build: [0-9]+ s so far, 1 of 4 files, about [0-9]+ min to go$' "$work/seen" &&
		! grep -q $'\r' "$work/seen"
}

# script(1) gives it a terminal, which puts a \r before each \n
progress_on_a_terminal() {
	# shellcheck disable=SC2016 # for the inner shell
	progress sh -c 'exec script -qec "$(printf "%s " "$1"; printf "'\''%s'\'' " "$2" "$3" "$4")" /dev/null' sh &&
		[ "$(wc -l < "$work/seen")" = 1 ] && grep $'\r\e\\[K  a build: [0-9]* s so far, 1 of 4 files' "$work/seen" &&
		grep $'\r\e\\[K  a build: [0-9]* s\r$' "$work/seen"
}

echo "TAP version 13"
echo "1..20"
check missing_KERNEL_TREE_is_refused missing_tree
check KERNEL_TREE_that_is_no_tree_is_refused not_a_tree
check KERNEL_TREE_of_another_version_is_refused other_version
check tree_that_the_series_does_not_apply_to_is_refused_and_unchanged \
	tree_without_room_for_the_series
check KERNEL_without_a_series_is_refused unknown_kernel
check full_disk_is_refused full_disk
check FLAVOUR_and_CONFIG_that_are_none_are_refused bad_kernel_deb
check full_disk_is_refused_by_kernel_deb kernel_deb_on_a_full_disk
check ACCEL_that_is_none_is_refused bad_accel
check system_without_dpkg_is_told_how_to_make_a_debian no_debian
check default_kernel_is_that_of_the_release default_kernels
check missing_packages_are_named_to_a_user missing_packages_as_a_user
check missing_tool_is_named missing_tool
check patches_are_written_when_the_kernel_is_cached patches_of_a_cached_kernel
check a_warning_in_the_kernel_log_fails_a_guest warning_fails_a_guest
check progress_in_a_log_is_lines_with_the_share progress_in_a_log
check progress_on_a_terminal_is_one_line progress_on_a_terminal
check interrupt_leaves_no_guest interrupted_guest
check interrupt_leaves_no_guest_of_those_side_by_side interrupted_guest begin
check interrupt_leaves_no_half_unpacked_source interrupted_source
exit "$failed"

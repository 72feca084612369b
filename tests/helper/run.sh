#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What of the helper can be tried on this machine, without a guest. Prints KTAP.
#
# usage: tests/helper/run.sh, after make programs
# shellcheck disable=SC2317 # the functions are called through check
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit
BUILD=$(realpath "${BUILD:-build}")
export BUILD

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
helper=$BUILD/mount.ima_nocache
suite=host_helper
# shellcheck source=tests/ktap.sh
. tests/ktap.sh

unit_tests() {
	make -s unit WERROR=-Werror || return
	"$BUILD/request_test" > "$BUILD/request_test.ktap" 2> "$work/err" ||
		{ grep -A 9 -E '^not ok|^#' "$BUILD/request_test.ktap"; tail -n 40 "$work/err"; return 1; }
	[ "$(grep -c '^ok ' "$BUILD/request_test.ktap")" = "$(sed -n 's/^1\.\.//p' "$BUILD/request_test.ktap")" ]
}

# What it finds is kept in $BUILD/fuzz for the next time. FUZZ_TIME=SECONDS is for longer.
any_list_of_options() {
	make -s "$BUILD/options_fuzz" WERROR=-Werror && mkdir -p "$BUILD/fuzz" &&
		"$BUILD/options_fuzz" -max_total_time="${FUZZ_TIME:-30}" -close_fd_mask=3 -timeout=10 \
			-artifact_prefix="$BUILD/" "$BUILD/fuzz" tests/unit/corpus > "$work/said" 2>&1 &&
		grep -q '^Done [0-9]' "$work/said" && return
	tail -n 40 "$work/said"
	return 1
}

# With bad arguments and good ones, none of which mounts anything.
command_lines=(
	"--help" "--version" "--check" "" "a" "a b c d" "-z"
	"/src /mnt -f -t fuse.x -o ro,a=b,setuid=root,timeout=3,allow_other"
	"/src /mnt -f -t ima_nocache.ext4 -o nofail,user,ima_nocache"
	"/src /mnt -f -t fuse.x -o ima_nocache=1" "/src /mnt -f -o bind -t ext4"
	"/src /none/such -t fuse.x" "/src /dev/fuse -t fuse.x" "/src /dev/null -t fuse.x"
	"/src /none/such -o remount" "/src /none/such -t tmpfs"
	"/src /mnt -f -t fuse.$(printf %05000d 0)" "/src /mnt -f -t $(printf %05000d 0)"
)

# runs_clean COMMAND...: in front of the helper; 99 and 77 are its errors
runs_clean() {
	local line status
	for line in "${command_lines[@]}"; do
		status=0
		# shellcheck disable=SC2086 # words
		timeout 60 unshare -m "$@" $line > "$work/said" 2>&1 || status=$?
		case $status in
		0 | 1 | 2 | 32) ;;
		*) echo "$line: status $status"; cat "$work/said"; return 1 ;;
		esac
	done
}

under_valgrind() {
	runs_clean valgrind -q --error-exitcode=99 --leak-check=full \
		--errors-for-leak-kinds=definite,indirect "$helper"
}

under_sanitizers() {
	make -s unit WERROR=-Werror && ASAN_OPTIONS=exitcode=77 UBSAN_OPTIONS=halt_on_error=1:exitcode=77 \
		runs_clean "$BUILD/unit/mount.ima_nocache"
}

every_message_names_the_mount_point() {
	local line status
	for line in "${command_lines[@]}"; do
		case $line in
		*' /'*) ;;
		*) continue ;;
		esac
		status=0
		# shellcheck disable=SC2086 # words
		timeout 60 unshare -m "$helper" $line > "$work/said" 2>&1 || status=$?
		[ "$status" = 0 ] || ! grep -v "^mount.ima_nocache: $(cut -d ' ' -f 2 <<< "$line"): " "$work/said" ||
			return 1
	done
}

links_libmount_alone() {
	! readelf -d "$helper" | grep NEEDED | grep -v 'libmount\|libc\.'
}

full_output_is_an_error() {
	! "$helper" --help > /dev/full
}

# mount(8) looks for no helper then: BUGS in the page. If this fails, it can be mended.
mount_asks_no_helper_for_a_bind() {
	mkdir -p "$work/bind"
	# shellcheck disable=SC2016 # for the inner shell
	timeout 60 unshare -m bash -c '
		strace -f -o "$1/trace" mount "${@:2}" /etc "$1/bind" || exit
		mountpoint -q "$1/bind"' - "$work" "$@" &&
		grep -qE 'move_mount|mount\(' "$work/trace" &&
		! grep -F mount.ima_nocache "$work/trace"
}

# With the page under each name: lintian warns of a program without one.
package_is_clean() {
	make -s deb BUILD="$work/package" FUSE_NAMES="squashfuse sshfs" > "$work/said" 2>&1 &&
		! grep -E '^[EW]: ' "$work/said" &&
		dpkg -c "$work/package"/deb/mount-ima-nocache_*.deb > "$work/content" &&
		grep -q 'man8/mount.fuse.sshfs.8.gz ->' "$work/content" &&
		grep -q '^-rwxr-xr-x .* ./usr/sbin/mount.ima_nocache$' "$work/content" &&
		grep -q './usr/sbin/mount.ima_nocache.fuse -> mount.ima_nocache$' "$work/content" &&
		grep -q './usr/sbin/mount.fuse.sshfs -> mount.ima_nocache$' "$work/content" && return
	tail -n 30 "$work/said"
	return 1
}

installed() {
	(cd "$work/root" && find . ! -type d | LC_ALL=C sort)
}

install_puts_what_uninstall_takes() {
	local paths=(DESTDIR="$work/root" prefix=/opt/x sbindir=/opt/x/sbin mandir=/opt/x/man
		bashcompletiondir=/opt/x/completions)
	mkdir -p "$work/root/opt/x/sbin"
	touch "$work/root/opt/x/sbin/mount.fuse.other"
	make -s install "${paths[@]}" FUSE_NAMES="squashfuse sshfs" || return
	installed | diff - <(printf '%s\n' ./opt/x/completions/mount.ima_nocache \
		./opt/x/man/man7/ima_nocache.7 ./opt/x/man/man8/mount.ima_nocache.8 \
		./opt/x/sbin/mount.fuse.{other,squashfuse,sshfs} \
		./opt/x/sbin/mount.ima_nocache{,.fuse,.fuseblk}) || return
	# made by hand
	ln -s /opt/x/sbin/mount.ima_nocache "$work/root/opt/x/sbin/mount.fuse.hand"
	make -s uninstall "${paths[@]}" || return
	installed | diff - <(echo ./opt/x/sbin/mount.fuse.other)
}

# a name that another package has installed a helper by
install_overwrites_nothing() {
	rm -rf "$work/root"
	mkdir -p "$work/root/sbin"
	touch "$work/root/sbin/mount.fuse.sshfs"
	# whose package is on another disk, say
	ln -s /nonexistent "$work/root/sbin/mount.fuse.bindfs"
	! make -s install DESTDIR="$work/root" FUSE_NAMES=sshfs &&
		! make -s install DESTDIR="$work/root" FUSE_NAMES=bindfs &&
		installed | diff - <(printf './sbin/mount.fuse.%s\n' bindfs sshfs)
}

install_defaults_to_where_mount_looks() {
	rm -rf "$work/root"
	make -s install DESTDIR="$work/root" && [ -x "$work/root/sbin/mount.ima_nocache" ] &&
		[ "$(readlink "$work/root/sbin/mount.ima_nocache.fuse")" = mount.ima_nocache ]
}

# completes LINE WORD: the last word of the line can become that one
completes() {
	bash --norc -c '
		compopt() { :; }
		. mount-helper/mount.ima_nocache.bash
		read -r -a COMP_WORDS <<< "$1"
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_mount_ima_nocache
		printf "%s\n" "${COMPREPLY[@]}" | grep -qxF -- "$2"' - "$1" "$2"
}

completion_knows() {
	completes "mount.ima_nocache --ch" --check &&
		completes "mount.ima_nocache -t tmp" tmpfs &&
		completes "mount.ima_nocache -o ro,drop" ro,drop_privileges &&
		completes "mount.ima_nocache /et" /etc
}

page_is_clean() {
	mandoc -T lint -W warning "$1" &&
		! LC_ALL=C.UTF-8 man --warnings=all -l -Tutf8 -Z "$1" 2>&1 > /dev/null | grep .
}

# Each option in the usage text is in the page, too.
page_has_all_options() {
	local option
	{
		"$helper" --help | grep -oE -- '--[a-z-]+' | sed 's/-/\\-/g'
		"$helper" --help | grep -oE -- '(^|[^-a-z])-[A-Za-z]+' | grep -oE '[A-Za-z]' | sed 's/^/\\-/'
		"$helper" --help | sed -n 's/^      \([a-z]*\).*/\1/p'
	} | sort -u > "$work/options"
	[ "$(wc -l < "$work/options")" -gt 15 ] || { cat "$work/options"; return 1; }
	while IFS= read -r option; do
		grep -q -F -e "$option" man/mount.ima_nocache.8 || { echo "$option"; return 1; }
	done < "$work/options"
}

echo "TAP version 13"
echo "1..16"
check unit_tests_pass_under_sanitizers unit_tests
check any_list_of_options_is_taken_apart_whole any_list_of_options
check command_lines_run_clean_under_sanitizers under_sanitizers
check command_lines_run_clean_under_valgrind under_valgrind
check every_message_names_the_mount_point every_message_names_the_mount_point
check it_links_libmount_alone links_libmount_alone
check mount_asks_no_helper_for_a_bind mount_asks_no_helper_for_a_bind -t ima_nocache.tmpfs -o bind
check mount_asks_no_helper_for_a_bind_with_fstype mount_asks_no_helper_for_a_bind -o bind,fstype=tmpfs -t ima_nocache
check debian_package_is_clean package_is_clean
check full_standard_output_is_an_error full_output_is_an_error
check install_puts_what_uninstall_takes install_puts_what_uninstall_takes
check install_overwrites_nothing install_overwrites_nothing
check install_defaults_to_where_mount_looks install_defaults_to_where_mount_looks
check completion_knows_options_types_and_files completion_knows
check page_8_is_clean_and_complete eval 'page_is_clean man/mount.ima_nocache.8 && page_has_all_options'
check page_7_is_clean page_is_clean man/ima_nocache.7
exit "$failed"

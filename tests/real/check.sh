#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make check-real: other people's programs, in a whole Debian of either release, on the
# default kernel.
#
# usage: tests/real/check.sh [PART...]   fuse, forced, fstab, systemd, podman, look; all
#                                        of these if none is given
# It prints what failed, and a last line "N passed, N failed". Results are in
# $BUILD/real.results.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/prepare.sh
. tests/prepare.sh
# a whole Debian has enough to do for two
export BUILD GUEST_CPUS=2
results=$BUILD/real.results
patched=$default_kernel-patched-full
unpatched=$default_kernel-unpatched-full
# the oldest kernel with statmount(2)
newer=${all_kernels[1]}-patched-full
suites='bookworm trixie'
parts=${*:-fuse forced fstab systemd podman look}

# result STATUS NAME
result() {
	if [ "$1" = 0 ]; then echo "ok - $2"; else echo "not ok - $2"; fi >> "$results"
}

# run SUITE TEST KERNEL-VARIANT "WORDS" DISK...: the results of TEST.guest on that
# Debian count, and its plan must be kept. name= of the guest if it is not the test's.
run() {
	local name=${name:-$2}-$1 where="$1, $3" report status=0
	report=$(guest_dir "$name" "$3")/report
	guest "$name" "$3" "RUN=enter.guest REAL=$2.guest $4" "real-$1.img" "${@:5}" || status=$?
	result "$status" "$where: the guest $2 ended well"
	grep -E '^(not )?ok |^# ' "$report" | sed "s/^\(not \)\?ok [0-9-]*/& $where:/" >> "$results" || :
	status=0
	[ "$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$report")" = "$(grep -cE '^(not )?ok ' "$report")" ] ||
		status=1
	result "$status" "$where: $2 kept its plan"
}

# documented FILE NAME COMMAND...: what the command prints is the block of that name
documented() {
	local status=0
	diff <(sed -n "/^<!-- $2 -->$/,/^<!-- end -->$/p" "$1" | sed '/^<!--/d; /^```/d; /^$/d') \
		<("${@:3}") > "$BUILD/documented" || status=$?
	sed 's/^/# /' "$BUILD/documented" >> "$results"
	result "$status" "$1 has what came out of $2"
}

fuse() {
	local suite
	for suite in $suites; do
		GUEST_TIMEOUT=1200 run "$suite" fuse_programs "$patched" "" progs.img btrfs.img
		documented doc/fuse-programs.md "$suite" tests/real/table.awk \
			"$(guest_dir "fuse_programs-$suite" "$patched")/report" "$BUILD/images/real-$suite.versions"
	done
}

forced() {
	name=forced run bookworm fuse_programs "$patched" ima_nocache=userns progs.img btrfs.img
}

fstab() {
	local suite
	local -x GUEST_SHARE=$BUILD/progs
	for suite in $suites; do
		run "$suite" fstab "$patched" ""
		run "$suite" fstab "$unpatched" KERNEL_HAS_OPTION=0
	done
}

systemd() {
	local suite
	for suite in $suites; do
		run "$suite" systemd "$patched" "INIT=/sbin/init rootflags=ima_nocache" progs.img
		run "$suite" systemd "$unpatched" "INIT=/sbin/init KERNEL_HAS_OPTION=0" progs.img
	done
}

podman() {
	local suite
	for suite in $suites; do
		run "$suite" podman "$patched" ""
	done
	name=podman-forced run bookworm podman "$patched" ima_nocache=userns
}

# what a user sees, for the documentation
seen() {
	sed -n 's/^#| \?//p' "$(guest_dir "look-$1" "$2")/report"
}

look() {
	run bookworm look "$patched" ""
	run bookworm look "$unpatched" KERNEL_HAS_OPTION=0
	documented doc/looking.md bookworm seen bookworm "$patched"
	run trixie look "$newer" ""
	documented doc/looking.md trixie seen trixie "$newer"
}

setup/install-packages.sh build real
mkdir -p "$BUILD"
: > "$results"
prepare_kernel "$default_kernel" "patched full" "unpatched full"
prepare_kernel "${all_kernels[1]}" "patched full"
prepare_images "$default_kernel"
for suite in $suites; do
	tests/real/image.sh "$suite"
done
for part in $parts; do
	$part
done

grep -B 8 '^not ok ' "$results" || :
passed=$(grep -c '^ok ' "$results") || :
failed=$(grep -c '^not ok ' "$results") || :
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

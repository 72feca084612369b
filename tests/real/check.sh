#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make check-real: other people's programs, in a whole Debian of either release, on the
# oldest kernel.
#
# usage: tests/real/check.sh [PART...]   fuse, same, forced, fstab, systemd, podman, bind, tools;
#                                        all of these if none is given
# It prints what failed, and a last line "N passed, N failed, N skipped". Results are in
# $BUILD/real.results.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/prepare.sh
. tests/prepare.sh
# shellcheck source=tests/jobs.sh
. tests/jobs.sh
# shellcheck source=tests/real/parts.sh
. tests/real/parts.sh
export BUILD
oldest=${all_kernels[0]}
patched=$oldest-patched-full
unpatched=$oldest-unpatched-full
# the oldest kernel with statmount(2)
newer=${all_kernels[1]}-patched-full
suites='bookworm trixie'
parts=${*:-fuse same forced fstab systemd podman bind tools}

# documented FILE NAME COMMAND...: what the command prints is the block of that name
documented() {
	local ok=ok
	diff <(sed -n "/^<!-- $2 -->$/,/^<!-- end -->$/p" "$1" | sed '/^<!--/d; /^```/d; /^$/d') \
		<("${@:3}") > "$BUILD/documented" || ok="not ok"
	{
		sed 's/^/# /' "$BUILD/documented"
		echo "$ok - $1 has what came out of $2"
	} >> "$results"
}

fuse() {
	local suite programs
	for suite in $suites; do
		for programs in $FUSE_GUESTS; do
			fuse_programs "$suite" "$patched" "$programs"
		done
	done
}

same() {
	local suite
	local -x GUEST_TIMEOUT=1800
	for suite in $suites; do
		real same "$suite" same_programs "$patched" "" progs.img
	done
}

fuse_documented() {
	local suite
	for suite in $suites; do
		documented doc/fuse-programs.md "$suite" tests/real/table.awk \
			<(fuse_reports "$suite" "$patched") "$BUILD/images/real-$suite.versions"
	done
}

forced() {
	local -x GUEST_TIMEOUT=1200
	real forced bookworm fuse_programs "$patched" ima_nocache=userns progs.img btrfs.img
}

fstab() {
	local suite
	local -x GUEST_SHARE=$BUILD/progs
	for suite in $suites; do
		real fstab "$suite" fstab "$patched" ""
		real fstab "$suite" fstab "$unpatched" KERNEL_HAS_OPTION=0
	done
}

systemd() {
	local suite
	for suite in $suites; do
		real systemd "$suite" systemd "$patched" "INIT=/sbin/init rootflags=ima_nocache" progs.img
		real systemd "$suite" systemd "$unpatched" "INIT=/sbin/init KERNEL_HAS_OPTION=0" progs.img
	done
}

podman() {
	local suite
	for suite in $suites; do
		real podman "$suite" podman "$patched" ""
	done
	real podman-forced bookworm podman "$patched" ima_nocache=userns
}

# honest programs, and a whole system, go on as with the option alone
bind() {
	local programs words=OPTION=ima_nocache=bind
	for programs in $FUSE_GUESTS; do
		GUEST_TIMEOUT=1200 real "fuse_bound-$programs" trixie fuse_programs "$patched" \
			"ONLY=$programs $words" progs.img btrfs.img
	done
	GUEST_TIMEOUT=2400 real stress bookworm stress "$patched" ""
	real systemd-bound trixie systemd "$patched" \
		"INIT=/sbin/init rootflags=ima_nocache=bind ima_policy=tcb $words" progs.img
	real podman-bound bookworm podman "$patched" "ima_nocache=userns-bind $words"
}

tools() {
	look bookworm "$patched" ""
	look bookworm "$unpatched" KERNEL_HAS_OPTION=0
	look trixie "$newer" ""
}

tools_documented() {
	documented doc/looking.md bookworm look_report bookworm "$patched"
	documented doc/looking.md trixie look_report trixie "$newer"
}

setup/install-packages.sh build real
results_in "$BUILD/real.results"
prepare_kernel "$oldest" "patched full" "unpatched full"
prepare_kernel "${all_kernels[1]}" "patched full"
prepare_images "$oldest"
for suite in $suites; do
	tests/real/image.sh "$suite"
done
for part in $parts; do
	$part
done
end_jobs
for part in $parts; do
	! declare -F "${part}_documented" > /dev/null || "${part}_documented"
done
total

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make check-real: other people's programs, in a whole Debian, on the default kernel.
#
# It prints what failed, and a last line "N passed, N failed".
set -eu -o pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/prepare.sh
. tests/prepare.sh
export BUILD
results=$BUILD/real.results
suite=bookworm
# it has inet, which sshd in the guest needs
kernel=$default_kernel-patched-filesystems
disk=real-$suite.img

# result STATUS NAME
result() {
	if [ "$1" = 0 ]; then echo "ok - $2"; else echo "not ok - $2"; fi >> "$results"
}

# run NAME KERNEL-VARIANT "WORDS": its results count, and its plan must be kept
run() {
	local report status=0
	report=$(guest_dir "$1" "$2")/report
	guest "$1" "$2" "RUN=enter.guest $3" "$disk" || status=$?
	result "$status" "$2: the guest $1 ended well"
	grep -E '^(not )?ok |^# ' "$report" | sed "s/^\(not \)\?ok [0-9-]*/& $2:/" >> "$results" || :
	status=0
	[ "$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$report")" = "$(grep -cE '^(not )?ok ' "$report")" ] ||
		status=1
	result "$status" "$2: $1 kept its plan"
}

# The table in the documentation is what came out.
table_is_documented() {
	tests/real/table.awk "$(guest_dir fuse-programs "$kernel")/report" \
		"$BUILD/images/real-$suite.versions" |
		diff <(grep '^|' doc/fuse-programs.md) -
}

setup/install-packages.sh build real
mkdir -p "$BUILD"
: > "$results"
prepare_kernel "$default_kernel" patched unpatched "patched filesystems"
prepare_images "$default_kernel"
tests/real/image.sh "$suite"
GUEST_TIMEOUT=1200 run fuse-programs "$kernel" REAL=fuse_programs.guest
status=0
table_is_documented || status=$?
result "$status" "doc/fuse-programs.md has the table that came out"
run fstab "$kernel" REAL=fstab.guest
run fstab "$default_kernel-unpatched" "REAL=fstab.guest KERNEL_HAS_OPTION=0"

grep -B 8 '^not ok ' "$results" || :
passed=$(grep -c '^ok ' "$results") || :
failed=$(grep -c '^not ok ' "$results") || :
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

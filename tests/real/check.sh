#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make check-real: other people's programs, in a whole Debian, on kernels with the
# series. Each result is a line of the output; the last one counts them.
#
# Sourced functions are not shared with tests/check.sh, which counts by itself:
# "tests/real/check.sh results" leaves the counting to it, and prints KTAP.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/prepare.sh
. tests/prepare.sh
export BUILD
results=$BUILD/real.results
: > "$results"

# fuse_programs KERNEL SUITE
fuse_programs() {
	local variant=$1-patched-real report
	report=$(guest_dir "fuse-programs-$2" "$variant")/report
	GUEST_TIMEOUT=1500 guest "fuse-programs-$2" "$variant" \
		"RUN=enter.guest REAL=fuse_programs.guest" "real-$2.img" ||
		echo "not ok - $2 on $variant: the guest fuse-programs ended well" >> "$results"
	grep -E '^(not )?ok |^# ' "$report" | sed "s/^\(not \)\?ok [0-9-]*/& $2 on $1:/" >> "$results" || :
	grep -q '^1\.\.[1-9]' "$report" ||
		echo "not ok - $2 on $variant: the guest fuse-programs ran to its end" >> "$results"
	if tests/real/table.awk "$report" "$BUILD/images/real-$2.versions" |
		diff - <(sed -n "/^<!-- $2 -->/,/^\$/p" doc/fuse-programs.md | grep '^|') >> "$BUILD/real.table.diff"; then
		echo "ok - $2: the table in doc/fuse-programs.md is what came out" >> "$results"
	else
		echo "not ok - $2: the table in doc/fuse-programs.md is what came out" >> "$results"
	fi
}

setup/install-packages.sh build real
: > "$BUILD/real.table.diff"
prepare_kernel "$default_kernel" patched "patched real"
prepare_images "$default_kernel"
tests/real/image.sh bookworm
fuse_programs "$default_kernel" bookworm

grep -B 8 '^not ok ' "$results" || :
passed=$(grep -c '^ok ' "$results") || :
failed=$(grep -c '^not ok ' "$results") || :
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

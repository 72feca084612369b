#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make check-peers: other projects' test suites, on kernels with the series and without.
#
# usage: tests/peers/check.sh [SUITE...]   selftests, libfuse, util-linux, ima-evm-utils;
#                                          all of these if none is given
# What comes out of a test has to be the same on both, whatever that is. All results are
# side by side in $BUILD/peers/SUITE-KERNEL.table. Without KERNEL they run on the default
# kernel, and the selftests, of which the newest kernel has more, on that, too. KERNEL=all
# takes all on each kernel.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/prepare.sh
. tests/prepare.sh
# shellcheck source=tests/jobs.sh
. tests/jobs.sh
export BUILD
unset KERNEL

case $asked in
'') kernels=("$default_kernel") ;;
all) kernels=("${all_kernels[@]}") ;;
*) kernels=("$asked") ;;
esac
suites=("$@")
[ $# != 0 ] || suites=(selftests libfuse util-linux ima-evm-utils)

kernels_of() {
	{
		printf '%s\n' "${kernels[@]}"
		[ "$1" != selftests ] || [ -n "$asked" ] || echo "${all_kernels[-1]}"
	} | sort -u
}

SUITE_LIMIT=900 # seconds, of a guest

# peer SUITE KERNEL-VARIANT DISK
peer() {
	guest "peers-$1" "$2" "RUN=enter.guest REAL=peers.guest SUITE=$1 LIMIT=$SUITE_LIMIT \
DIR=$(realpath "$BUILD/peers/$1")" real-bookworm.img "$3" ||
		echo "not ok - $2: the guest peers-$1 ended well" >> "$results"
}

# column SUITE KERNEL-VARIANT: each test and what came of it, sorted
column() {
	sed -n 's/\r//; s/^peer \([^ ]*\) \([^ ]*\)$/\1 \2/p' \
		"$(guest_dir "peers-$1" "$2")/report" | sort -k 1,1
}

# compare SUITE KERNEL
compare() {
	local table=$BUILD/peers/$1-$2.table
	LC_ALL=C join -a 1 -a 2 -e missing -o 0,1.2,2.2 <(LC_ALL=C column "$1" "$2-unpatched-full") \
		<(LC_ALL=C column "$1" "$2-patched-full") > "$table"
	awk -v suite="$1, $2:" '{ counts["without", $2]++; counts["with", $3]++; seen[$2]; seen[$3] }
		END {
			for (result in seen)
				printf "  %-22s %-10s %5d without the series, %5d with it\n",
					suite, result, counts["without", result], counts["with", result]
		}' "$table"
	awk -v where="$2" -v suite="$1" '{
		printf "%sok - %s: %s %s: %s without the series, %s with it\n",
			$2 == $3 ? "" : "not ", where, suite, $1, $2, $3
		passed += $2 == "pass"
	}
	END {
		if (!passed)
			printf "not ok - %s: %s: some tests pass\n", where, suite
	}' "$table" >> "$results"
}

setup/install-packages.sh build real peers
results_in "$BUILD/peers/results"
for kernel in $(for suite in "${suites[@]}"; do kernels_of "$suite"; done | sort -u); do
	prepare_kernel "$kernel" "unpatched full" "patched full"
done
prepare_images "${kernels[0]}"
tests/real/image.sh bookworm
for suite in "${suites[@]}"; do
	for kernel in $(kernels_of "$suite"); do
		disk=peers-$suite.img
		[ "$suite" != selftests ] || disk=peers-$suite-$kernel.img
		tests/peers/build.sh "$suite" "$kernel" "$BUILD/images/$disk"
		for variant in unpatched patched; do
			GUEST_TIMEOUT=$((SUITE_LIMIT + 120)) begin peer "$suite" "$kernel-$variant-full" "$disk"
		done
	done
done
end_jobs
for suite in "${suites[@]}"; do
	for kernel in $(kernels_of "$suite"); do
		compare "$suite" "$kernel"
	done
done
total

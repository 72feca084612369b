#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make check-long: what takes hours. Many made-up sequences of steps, servers and strings on
# each kernel, and tests whose tasks meet on a variant of it that finds data races. On a variant
# of the newest with KASAN and kmemleak: each allocation that can fail, and everything at once.
# KERNEL=6.12 does all of that on that kernel alone.
#
# It can be stopped and run again: a guest that has passed is not run anew, as long as the
# kernel and the tests are the same. The table at the end, of what was done and how much of
# it went wrong, is also in $BUILD/long.table.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/prepare.sh
. tests/prepare.sh
# shellcheck source=tests/jobs.sh
. tests/jobs.sh
export BUILD
unset KERNEL
kernels=("${all_kernels[@]}")
[ -z "$asked" ] || kernels=("$asked")
debugged=${kernels[-1]}
results_in "$BUILD/long.results"

# Everything at once, for so many seconds. It can be less to try the rest out.
SOAK=${SOAK:-7200}

# each_part COMMAND: COMMAND NAME KERNEL-VARIANT "WORDS" DISK..., for each guest
each_part() {
	local kernel i words="RUN=selftests.guest OWN_POLICY=1"
	local disks="IMA_TEST_EXT4=/dev/vda IMA_TEST_BTRFS=/dev/vdb"
	local -x GUEST_TIMEOUT=10800 GUEST_WORDS=$debug_words GUEST_CPUS=2 GUEST_MEMORY=2048
	# the longest one first, so that the others run beside it; its last tests have an hour to end
	GUEST_TIMEOUT=$((SOAK + 4500)) "$1" soak "$debugged-patched-debug" \
		"RUN=soak.guest OWN_POLICY=1 SOAK=$SOAK audit_backlog_limit=0" progs.img
	GUEST_CPUS=1 GUEST_MEMORY=1024
	"$1" strings "$debugged-patched-debug" \
		"$words TESTS=fuzz IMA_TEST_SEED=1 IMA_TEST_STRINGS=200000 $disks" progs.img btrfs.img
	"$1" allocations "$debugged-patched-debug" "$words TESTS=allocations $disks" progs.img
	for kernel in "${kernels[@]}"; do
		GUEST_WORDS=
		# 10,000 steps each, and as many with bind
		for i in {1..10}; do
			"$1" "model-$i" "$kernel-patched" \
				"$words TESTS=model IMA_TEST_SEED=${i}0000 IMA_TEST_SEQUENCES=200" progs.img
		done
		"$1" servers "$kernel-patched" \
			"$words TESTS=random IMA_TEST_SEED=10000 IMA_TEST_SERVERS=2000" progs.img
		"$1" hostile "$kernel-patched" "$words TESTS=hostile" progs.img
		"$1" attacks "$kernel-patched" "$words TESTS=clear,shed,block" progs.img
		GUEST_CPUS=2 GUEST_WORDS=panic_on_warn=1 "$1" races "$kernel-patched-kcsan" \
			"RUN=races.guest OWN_POLICY=1 TESTS=sharing,buffer,bind_copy,random,model $disks" progs.img
	done
}

total_parts=0
count() {
	total_parts=$((total_parts + 1))
}

# What a part is made of.
key_of() {
	{
		echo "$* $GUEST_CPUS $GUEST_MEMORY $GUEST_WORDS"
		readlink "$BUILD/kernel/$2"
		git ls-files tests mount-helper | xargs sha256sum
	} | sha256sum | cut -d ' ' -f 1
}

number=0
part() {
	local key passed
	number=$((number + 1))
	key=$(key_of "$@")
	passed=$(guest_dir "$1" "$2")/passed
	if [ "$(head -n 1 "$passed" 2> /dev/null)" = "$key" ]; then
		echo "  part $number of $total_parts, $1 on $2, has passed before"
		collect "${passed%passed}report" "$2"
	else
		begin part_now "$key" "$@"
	fi
	reports+=("${passed%passed}report")
}

# The first line of "passed" is the key, the second how many seconds it took.
part_now() {
	local key=$1 start=$SECONDS
	shift
	echo "  part $number of $total_parts:"
	run_now "$@"
	grep -q '^not ok ' "$results" ||
		printf '%s\n' "$key" $((SECONDS - start)) > "$(guest_dir "$1" "$2")/passed"
}

each_part count
setup/install-packages.sh build check
for kernel in "${kernels[@]}"; do
	prepare_kernel "$kernel" patched "patched kcsan"
done
prepare_kernel "$debugged" "patched debug"
prepare_images "${kernels[0]}"
reports=()
each_part part
end_jobs
tests/long/table.sh "$results" "${reports[@]}" > "$BUILD/long.table"
cat "$BUILD/long.table"
total

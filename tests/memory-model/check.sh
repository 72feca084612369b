#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2317 # the functions are called through check
# What the series relies on where tasks meet without a lock, by the kernel's memory model.
# Prints KTAP.
#
# usage: tests/memory-model/check.sh
#
# The model is that of the newest kernel's source, tools/memory-model. herd7, which reads it,
# comes from Debian testing.
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit
BUILD=$(realpath "${BUILD:-build}")
export BUILD
suite=memory_model
work=$(mktemp -d "$BUILD/memory-model.XXXXXX")
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/ktap.sh
. tests/ktap.sh

tools=$BUILD/herd
lib=$tools/usr/lib/x86_64-linux-gnu
tests=$PWD/tests/memory-model

get_herd() {
	[ -x "$tools/usr/bin/herd7" ] || setup/apt-root.sh testing unpack "$tools" herdtools7
}

get_model() {
	kernel/build.sh newest patches
}

# The texts are written by hand: the series must have the barriers that they have.
series_has_the_barriers() {
	local file=$BUILD/kernel/src-newest-patched/security/integrity/ima/ima_main.c
	grep -A 1 'smp_mb__before_atomic();' "$file" | grep 'set_bit(IMA_CHANGE_XATTR,' &&
		grep 'test_and_clear_bit(IMA_CHANGE_XATTR,' "$file"
}

# herd FILE RESULT: with the C library that it was built with
herd() {
	"$lib/ld-linux-x86-64.so.2" --library-path "$lib" "$tools/usr/bin/herd7" \
		-set-libdir "$tools/usr/share/herdtools7/herd" -conf linux-kernel.cfg "$1" > "$work/said"
	cat "$work/said"
	grep -q "^Observation [^ ]* $2 " "$work/said"
}

# without FILE SCRIPT: with what the text is for taken out, the model must find the mistake
without() {
	sed "$2" "$tests/$1" > "$work/$1" && ! cmp -s "$tests/$1" "$work/$1" && herd "$work/$1" Sometimes
}

check herd7_is_there get_herd
check the_model_is_there get_model
cd "$BUILD/kernel/src-newest/tools/memory-model" || exit
check the_series_has_the_barriers_of_the_text series_has_the_barriers
check a_shared_digest_is_never_older_than_the_question herd "$tests/shared-digest.litmus" Never
check control_it_can_be_without_the_barrier_before_the_bit without shared-digest.litmus '/smp_mb/d'
check control_it_can_be_if_the_bit_is_cleared_without_order without shared-digest.litmus \
	's/= xchg(/= xchg_relaxed(/'
check no_flag_of_a_live_superblock_is_lost herd "$tests/s_iflags.litmus" Never
check control_one_can_be_if_it_is_not_changed_atomically without s_iflags.litmus \
	's/seen = cmpxchg(s_iflags, old, \(old | [12]\));/WRITE_ONCE(*s_iflags, \1);/; /if (/,+1d; /int seen/d'
exit "$failed"

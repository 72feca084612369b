#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# On superblocks without the option IMA's list is the same with the series as without it.
# Prints KTAP.
#
# usage: tests/model/same_lists.sh REPORT REPORT: what model_test printed on the two kernels
set -eu -o pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# from a sequence's lists, "listed SEED STEP DIGEST PATH"
for i in 1 2; do
	grep '^listed ' "${!i}" > "$work/$i" || :
done
: > "$work/diff"
echo "TAP version 13"
echo "1..1"
if [ -s "$work/1" ] && diff "$work/1" "$work/2" > "$work/diff"; then
	echo "ok 1 model.plain_superblocks_have_the_same_lists"
else
	sed -n 's/^/# /; 1,20p' "$work/diff"
	echo "not ok 1 model.plain_superblocks_have_the_same_lists"
	exit 1
fi

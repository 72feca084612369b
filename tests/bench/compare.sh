#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Compare the ratios of two runs: tests/bench/compare.sh OLD NEW
#
# Prints the one that changed most. Exit status 0: none changed by more than 1 %.
set -eu -o pipefail
old=$1 new=$2

[ -e "$old/flagged.csv" ] || {
	echo "There is no run before this one to compare with."
	exit 0
}
# each with how many columns tell what a row is
for table in unflagged:3 flagged:4 hash:1 verity:1 tasks:1 mounting:2; do
	awk -F , -v table="${table%:*}" -v columns="${table#*:}" '
		function key(    i, words) {
			for (i = 1; i <= columns; i++)
				words = words "," $i
			return words
		}
		FNR == NR { before[key()] = $NF; next }
		FNR == 1 || $NF == "-" { next }
		!(before[key()] > 0) { print 1, table key(), "is new"; next }
		{ print ($NF > before[key()] ? $NF / before[key()] : before[key()] / $NF) - 1,
			table key(), before[key()], $NF }' "$old/${table%:*}.csv" "$new/${table%:*}.csv"
done | sort -g | tail -n 1 |
	awk '{ printf "Largest change of a ratio since the run before: %.2f %% (%s)\n", $1 * 100, $0
		exit $1 > 0.01 }'

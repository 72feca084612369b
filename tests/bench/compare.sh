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
for table in unflagged flagged verity tasks mounting; do
	# a row is known by what is in it before its numbers
	awk -F , -v table="$table" '
		function key() {
			if (table == "tasks")
				return $1
			return $1 "," $2 "," $3 "," (table == "flagged" ? $4 : "")
		}
		FNR == NR { before[key()] = $NF; next }
		FNR > 1 && key() in before && $NF + 0 > 0 {
			print ($NF > before[key()] ? $NF / before[key()] : before[key()] / $NF) - 1,
				table, key(), before[key()], $NF
		}' "$old/$table.csv" "$new/$table.csv"
done | sort -g | tail -n 1 |
	awk '{ printf "Largest change of a ratio since the run before: %.2f %% (%s)\n", $1 * 100, $0
		exit $1 > 0.01 }'

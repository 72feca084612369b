#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What make check-long has done, as a table in Markdown.
#
# usage: tests/long/table.sh RESULTS REPORT...
#
# RESULTS are those of all guests, a REPORT is one guest's, with the file "passed" beside it.
set -eu -o pipefail
results=$1
shift

# sum REGULAR_EXPRESSION: of the numbers that it has in parentheses, in each line it matches
sum() {
	sed -nE "s/$1/\1/p" "${reports[@]}" | awk '{ n += $1 } END { printf "%d\n", n }'
}

# reports_of PATTERN: sets $reports to those of guests with such a name
reports_of() {
	local report
	reports=(/dev/null)
	for report in "${all[@]}"; do
		# shellcheck disable=SC2053 # it is a pattern
		[[ $report != */$1/report ]] || reports+=("$report")
	done
}

row() {
	printf '| %s | %s |\n' "$@"
}

all=("$@")
row "what" "how often" "---" "---"
reports_of 'model-*'
row "steps of the model" "$(sum '^# ([0-9]+) steps, .*')"
row "accesses that it judged" "$(sum '^#   to be listed on .*: ([0-9]+)$')"
reports_of servers
row "servers that were made up" "$(sum '^# ([0-9]+) servers from seed.*')"
row "accesses to what they serve" "$(sum '^# ([0-9]+) accesses, missed.*')"
reports_of strings
row "sequences of calls with made-up strings of options" "$(sum '^# [a-z]+: .*, ([0-9]+) sequences of.*')"
reports_of attacks
row "attacks" "$(grep -h '^ok ' "${reports[@]}" | grep -vc '# SKIP')"
reports_of hostile
row "tests of servers that misbehave" "$(grep -h '^ok ' "${reports[@]}" | grep -vc '# SKIP')"
reports_of allocations
row "allocations that failed" "$(sum '^# ([0-9]+) allocations.* failed$')"
reports_of soak
row "rounds of all tests at once" "$(sum '^# [a-z_]+: ([0-9]+) rounds$')"
row "hours of guests" "$(for report in "${all[@]}"; do sed -n 2p "${report%report}passed"; done 2> /dev/null |
	awk '{ n += $1 } END { printf "%.1f\n", n / 3600 }')"
row "promises that were not kept" "$(grep '^not ok ' "$results" | grep -vc 'the guest .* ended well$')"
row "guests that hung, whose kernel complained, or lost memory" "$(grep -c '^not ok .* the guest .* ended well$' "$results")"

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by tests on this machine: check NAME COMMAND... prints a result of KTAP,
# named $suite.NAME, with what the command said above one that failed. $work is a
# directory for its output; $failed tells at the end if one did.
n=0
failed=0

check() {
	local name=$1
	shift
	n=$((n + 1))
	# shellcheck disable=SC2154 # set by who sources this
	if "$@" > "$work/out" 2>&1; then
		echo "ok $n $suite.$name"
	else
		sed 's/^/# /' "$work/out"
		echo "not ok $n $suite.$name"
		# shellcheck disable=SC2034 # for who sources this
		failed=1
	fi
}

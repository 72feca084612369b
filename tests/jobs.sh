# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced after prepare.sh: parts of a check side by side, each with results of its own.

# An emulated guest keeps one CPU busy for most of its time.
JOBS=${JOBS:-2}
jobs_begun=0
job_pids=()

# What ends early takes its jobs along.
on_exit() {
	[ ${#job_pids[@]} = 0 ] || kill "${job_pids[@]}" 2> /dev/null || :
	wait
}

# begin COMMAND...: run it in the background as soon as one of JOBS has ended. What it
# appends to $results counts once it has run to its end.
begin() {
	local running
	while mapfile -t running < <(jobs -rp) && [ ${#running[@]} -ge "$JOBS" ]; do
		wait -n "${running[@]}" || :
	done
	jobs_begun=$((jobs_begun + 1))
	run_job "$results.$jobs_begun" "$@" &
	job_pids+=($!)
}

# run_job FILE COMMAND...: the results are put into FILE when it has run to its end
run_job() {
	local results=$1.part
	unset -f on_exit
	# the traps are not inherited
	# shellcheck source=tests/progress.sh
	. tests/progress.sh
	: > "$results"
	"${@:2}"
	mv "$results" "$1"
}

# All results in the order of begin, when all have ended.
end_jobs() {
	local number
	wait
	job_pids=()
	for ((number = 1; number <= jobs_begun; number++)); do
		cat "$results.$number" 2> /dev/null ||
			echo "not ok - part $number of the check ended early"
	done >> "$results"
}

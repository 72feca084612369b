# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced after prepare.sh: the parts of a check side by side, each with results of its
# own, and what they come to.

# An emulated guest keeps one CPU busy for most of its time.
JOBS=${JOBS:-2}
jobs_begun=0
job_pids=()

# results_in FILE: where all results go
results_in() {
	results=$1
	mkdir -p "$(dirname "$results")"
	rm -f "$results".*
	: > "$results"
}

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
	STEP_IN_PLACE='' STEP_BEAT=60
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

# collect FILE WHERE: its results count, and its plan, if it has one, must be kept
collect() {
	local planned seen
	# of all tests that the guest ran
	planned=$(awk -F '[.][.]' '/^1\.\.[0-9]+$/ { n += $2 } END { print n }' "$1")
	seen=$(grep -cE '^(not )?ok ' "$1") || :
	grep -E '^(not )?ok |^# ' "$1" | sed "s/^\(not \)\?ok [0-9-]*/& $2:/" >> "$results" || :
	[ "${planned:-$seen}" = "$seen" ] && [ "$seen" != 0 ] ||
		echo "not ok - $2: $1 has $seen results of ${planned:-at least 1}" >> "$results"
}

# run NAME KERNEL-VARIANT "WORDS" DISK...: a guest whose report is KTAP. Its results are
# those of WHERE if that is set, else of the kernel.
run() {
	begin run_now "$@"
}

run_now() {
	local where=${WHERE:-$2}
	guest "$@" || echo "not ok - $where: the guest $1 ended well" >> "$results"
	collect "$(guest_dir "$1" "$2")/report" "$where"
}

# The same tests on the kernel without the series must fail: they would prove
# nothing otherwise.
control() {
	begin control_now "$@"
}

control_now() {
	local dir
	dir=$(guest_dir "$1" "$2")
	GUEST_STATUS=1 guest "$@" || echo "not ok - $2: the guest $1 ended well" >> "$results"
	awk 'FNR == NR { if (!/^#/) holds[$1] = 1; next }
		/^(not )?ok .* # SKIP/ { next }
		/^(not )?ok / {
			good = ($1 == "ok") == ($NF in holds)
			printf "%sok - control: %s %s without the series\n", good ? "" : "not ",
				$NF, $NF in holds ? "holds" : "fails"
		}' tests/holds-unpatched "$dir/report" > "$dir/control"
	collect "$dir/control" "$2"
}

# host NAME TEXT COMMAND...: prints its results, and fails if one of them is
host() {
	# shellcheck disable=SC2317 # called through step
	report() {
		"${@:2}" > "$BUILD/$1.ktap"
	}
	step "$2" report "$1" "${@:3}" || :
	collect "$BUILD/$1.ktap" host
}

# What failed, and a last line "N passed, N failed, N skipped". Fails if a test has.
total() {
	local passed failed skipped
	skipped=$(grep -c '^ok .*# SKIP' "$results") || :
	passed=$(($(grep -c '^ok ' "$results") - skipped)) || :
	failed=$(grep -c '^not ok ' "$results") || :
	if [ "$failed" != 0 ]; then
		echo
		# what a test said stands above its result
		grep -B 8 '^not ok ' "$results"
		echo "All results are in $results."
	fi
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ]
}

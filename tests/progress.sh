# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced: a line per step for the user, everything else into a log file.

BUILD=${BUILD:-build}
STEP_BEAT=15 # seconds between signs of life
step_job=
step_beat=

step_stop() {
	[ -z "$step_beat" ] || kill -- "-$step_beat" 2> /dev/null || :
	[ -z "$step_job" ] || kill -- "-$step_job" 2> /dev/null || :
	[ -z "$step_job" ] || wait "$step_job" 2> /dev/null || :
	step_beat='' step_job=''
}

# Each script that stops early leaves through here: Ctrl-C, too, ends the job.
# A second signal must not end that.
trap 'step_stop; declare -F on_exit > /dev/null && on_exit' EXIT
trap 'trap "" INT TERM HUP; exit 130' INT
trap 'trap "" INT TERM HUP; exit 143' TERM HUP

# step TEXT COMMAND...: run it, say how long it took; on failure, what it said
step() {
	local text=$1 log start=$SECONDS status=0
	shift
	log=$BUILD/log/$(tr -cs 'A-Za-z0-9._\n' - <<< "$text").log
	mkdir -p "$BUILD/log"
	echo "  $text ..."

	# a process group of its own, so that all of it can be ended
	set -m
	"$@" < /dev/null > "$log" 2>&1 &
	step_job=$!
	(
		trap - EXIT
		while sleep "$STEP_BEAT" && kill -0 $$ 2> /dev/null; do
			echo "  $text: $((SECONDS - start)) s so far $(tail -n 1 "$log" | cut -c 1-40)"
		done
	) &
	step_beat=$!
	set +m
	wait "$step_job" || status=$?
	step_job=''
	kill -- "-$step_beat" 2> /dev/null || :
	wait "$step_beat" 2> /dev/null || :
	step_beat=''

	if [ "$status" != 0 ]; then
		echo "$text: failed (exit status $status); the end of $log:" >&2
		tail -n "${STEP_TAIL:-8}" "$log" | sed 's/^/    /' >&2
		return "$status"
	fi
	echo "  $text: $((SECONDS - start)) s"
}

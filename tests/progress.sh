# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced: a line per step for the user, everything else into a log file.

BUILD=${BUILD:-build}
# A sign of life each so many seconds: in a log a line a minute, and on a terminal one line
# that changes. Steps side by side would write over each other's.
STEP_IN_PLACE=
[ ! -t 1 ] || STEP_IN_PLACE=1
STEP_BEAT=${STEP_BEAT:-$((STEP_IN_PLACE ? 2 : 60))}
step_job=
step_beat=

step_stop() {
	[ -z "$step_beat" ] || kill -- "-$step_beat" 2> /dev/null || :
	[ -z "$step_job" ] || kill -- "-$step_job" 2> /dev/null || :
	[ -z "$step_job" ] || wait "$step_job" 2> /dev/null || :
	step_beat='' step_job=''
}

# step_far LOG SECONDS: how far a step is. Of a kernel build that is known, by $STEP_FILES,
# the files that it compiles.
step_far() {
	local compiled
	if [ -n "${STEP_FILES:-}" ] && [ "$STEP_FILES" != 0 ]; then
		compiled=$(grep -E '^ +(CC|AS) ' "$1" | grep -cv '\.mod\.o$') || :
		if [ "$compiled" -ge "$STEP_FILES" ]; then
			echo "all $STEP_FILES files, linking"
			return
		fi
		printf '%s of %s files' "$compiled" "$STEP_FILES"
		# the first ones say little
		[ $((compiled * 20)) -lt "$STEP_FILES" ] ||
			printf ', about %s min to go' $(($2 * (STEP_FILES - compiled) / compiled / 60 + 1))
	else
		tail -n 1 "$1" | tr -d '\r' | cut -c 1-30
	fi
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
	if [ -n "$STEP_IN_PLACE" ]; then printf '  %s ...' "$text"; else echo "  $text ..."; fi

	# a process group of its own, so that all of it can be ended
	set -m
	"$@" < /dev/null > "$log" 2>&1 &
	step_job=$!
	(
		trap - EXIT
		while sleep "$STEP_BEAT" && kill -0 $$ 2> /dev/null; do
			far=$(step_far "$log" $((SECONDS - start)))
			far=": $((SECONDS - start)) s so far${far:+, $far}"
			if [ -n "$STEP_IN_PLACE" ]; then
				printf '\r\e[K  %s' "${text:0:$((77 - ${#far}))}$far" # of 80 columns
			else
				echo "  $text$far"
			fi
		done
	) &
	step_beat=$!
	set +m
	wait "$step_job" || status=$?
	step_job=''
	kill -- "-$step_beat" 2> /dev/null || :
	wait "$step_beat" 2> /dev/null || :
	step_beat=''

	[ -z "$STEP_IN_PLACE" ] || printf '\r\e[K'
	if [ "$status" != 0 ]; then
		echo "$text: failed (exit status $status); the end of $log:" >&2
		tail -n "${STEP_TAIL:-8}" "$log" | sed 's/^/    /' >&2
		return "$status"
	fi
	echo "  $text: $((SECONDS - start)) s"
}

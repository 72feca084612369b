# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced after jobs.sh: guests that are a whole Debian.

# shellcheck source=tests/real/fuse_table.guest
. tests/real/fuse_table.guest

# real NAME SUITE TEST KERNEL-VARIANT "WORDS" DISK...: TEST.guest on that Debian
real() {
	WHERE="$2, $4" run "$1-$2" "$4" "RUN=enter.guest REAL=$3.guest $5" "real-$2.img" "${@:6}"
}

# fuse_programs SUITE KERNEL-VARIANT PROGRAM,...: they have a guest of their own
fuse_programs() {
	local -x GUEST_TIMEOUT=1200
	real "fuse_programs-$3" "$1" fuse_programs "$2" "ONLY=$3" progs.img btrfs.img
}

# fuse_reports SUITE KERNEL-VARIANT: of all FUSE programs, in their order
fuse_reports() {
	local programs
	for programs in $FUSE_GUESTS; do
		cat "$(guest_dir "fuse_programs-$programs-$1" "$2")/report"
	done
}

# look SUITE KERNEL-VARIANT WORDS
look() {
	real look "$1" look "$2" "$3"
}

# what a user sees, for the documentation: look_report SUITE KERNEL-VARIANT
look_report() {
	sed -n 's/^#| \?//p' "$(guest_dir "look-$1" "$2")/report"
}

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced after prepare.sh and jobs.sh: an installed machine, booted once for each stage.

# stage_files DIR RELEASE: what all stages find on their disk
stage_files() {
	mkdir -p "$1/bin" "$1/lib" "$1/progs"
	cp tests/install/machine.stage "$1/run"
	cp tests/real/results.guest "$1/"
	cp "$BUILD/switchfs" "$BUILD/switchctl" "$1/bin/"
	# a later Debian has another one
	cp "$(ldd "$BUILD/switchfs" | awk '/libfuse3/ { print $3 }')" "$1/lib/"
	cp "$BUILD"/progs/prog[12] "$1/progs/"
	mksquashfs "$BUILD/progs" "$1/progs.squashfs" -quiet -no-progress
	echo "$2" > "$1/release"
}

# machine_disk SUITE DIR: the machine's, in DIR, as it was installed
machine_disk() {
	tests/install/disk.sh "$1"
	rm -rf "$2"
	mkdir -p "$2/stage/debs"
	qemu-img create -q -f qcow2 -F raw -b "$(realpath "$BUILD/images/installed-$1.img")" "$2/disk.qcow2"
}

# boot_stages WHERE DIR STAGE...: the results are those of WHERE
boot_stages() {
	local where=$1 work=$2 stage failed=
	shift 2
	for stage in "$@"; do
		echo "$stage" > "$work/stage/stage"
		step "$where: $stage" tests/install/boot.sh "$work/disk.qcow2" "$work/stage" "$work/$stage" ||
			failed=1
		collect "$work/$stage/report" "$where"
		# what comes later needs it
		# shellcheck disable=SC2154 # set by results_in
		[ -z "$failed" ] || { echo "not ok - $where: the boot \"$stage\" ended well" >> "$results"; break; }
	done
}

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make check-livepatch: the live patch on Debian's own kernels, which are not changed.
#
# KERNEL is one that there is a live patch for; all of them if it is not set. What shows whether files are evaluated anew
# is what make check runs on kernels that are built. It prints what failed, and a last line
# "N passed, N failed, N skipped". Results are in $BUILD/livepatch.results.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/prepare.sh
. tests/prepare.sh
# shellcheck source=tests/jobs.sh
. tests/jobs.sh
# shellcheck source=tests/install/machine.sh
. tests/install/machine.sh
export BUILD
unset KERNEL
# those of stable releases, whose source has one name
mapfile -t kernels < <(awk '!/^#/ && $3 !~ /^\// { print $1 }' kernel/kernels)
harness=${kernels[-1]}
[ -z "$asked" ] || kernels=("$asked")
results_in "$BUILD/livepatch.results"

# live_kernel DIR [FILE NAME]...: Debian's kernel with these modules; those with a number in
# front are loaded as a guest comes up
live_kernel() {
	local dir=$BUILD/kernel/$kernel-$1
	rm -rf "$dir"
	cp -rL "$BUILD/kernel/$kernel-debian" "$dir"
	shift
	while [ $# != 0 ]; do
		cp "$1" "$dir/$2"
		shift 2
	done
}

prepare_live() {
	local live=$BUILD/livepatch release
	kernel/image.sh "$kernel"
	release=$(cat "$BUILD/kernel/$kernel-debian/release")
	mkdir -p "$BUILD/livepatch"
	cp tests/livepatch/write-policy.patch "$BUILD/livepatch/replaces-all.patch"
	RELEASE=$release EXTRA="tests/livepatch/write-policy.patch $BUILD/livepatch/replaces-all.patch" \
		kernel/livepatch.sh "$kernel"
	dpkg-deb --fsys-tarfile "$live/ima-nocache-livepatch-$release"_*.deb |
		tar -xO --wildcards '*/livepatch_ima_nocache.ko' > "$live/livepatch_ima_nocache.ko"
	live_kernel livepatch "$live/livepatch_ima_nocache.ko" livepatch_ima_nocache.ko \
		"$live/write_policy.ko" write_policy.ko "$live/replaces_all.ko" replaces_all.ko
	live_kernel livepatched "$live/write_policy.ko" 98-write_policy.ko \
		"$live/livepatch_ima_nocache.ko" 99-livepatch_ima_nocache.ko
	live_kernel unpatched-live "$live/write_policy.ko" 98-write_policy.ko
}

# differences: what is different on this kernel: NAME WHY
differences() {
	awk -v kernel="+$kernel+" '!/^#/ && index("+" $1 "+", kernel) { $1 = ""; print substr($0, 2) }' \
		tests/livepatch/differences
}

# live NAME KERNEL-VARIANT "WORDS" DISK...: as run, but for what is different on such a kernel;
# that must be so
live() {
	begin live_now "$@"
}

live_now() {
	local dir status=0
	dir=$(guest_dir "$1" "$2")
	! differences | grep "^$1[.]" > /dev/null || status=1
	GUEST_STATUS=$status guest "$@" || echo "not ok - $2: the guest $1 ended well" >> "$results"
	awk 'FNR == NR { name = $1; $1 = ""; why[name] = $0; next }
		/^(not )?ok / && $NF in why {
			print ($1 == "ok") ? "not ok - " $NF " is not different any more" : \
				"ok - " $NF " # SKIP" why[$NF]
			next
		}
		{ print }' <(differences) "$dir/report" > "$dir/live"
	collect "$dir/live" "$2"
}

live_guests() {
	# not btrfs, which is a module there, and takes half a minute to load
	local live=$kernel-livepatched more="OWN_POLICY=1 IMA_TEST_EXT4=/dev/vda"
	local -x GUEST_TIMEOUT=3600
	run livepatch "$kernel-livepatch" "RUN=livepatch.guest OWN_POLICY=1" progs.img
	run options "$live" "RUN=mount_option_test $more" progs.img
	run evaluation "$live" "RUN=selftests.guest TESTS=evaluate,lies $more" progs.img
	# with EVM and BPF, but no LSM that labels files, Debian's 6.1 crashes on tmpfs
	live evm "$live" "RUN=selftests.guest TESTS=evm lsm=integrity $more" progs.img
	run random "$live" "RUN=selftests.guest TESTS=random IMA_TEST_SEED=1 IMA_TEST_SERVERS=60 $more" progs.img
	run attacks "$live" "RUN=selftests.guest TESTS=clear,shed,block $more" progs.img
	run strings "$live" "RUN=selftests.guest TESTS=fuzz IMA_TEST_SEED=1 $more" progs.img
	live helper "$live" "RUN=helper.guest KERNEL_HAS_OPTION=1" progs.img btrfs.img
	more+=" IMA_TEST_WITHOUT_OPTION=1"
	control evaluation "$kernel-unpatched-live" "RUN=selftests.guest TESTS=evaluate,lies $more" progs.img
}

# An installed Debian, while it runs and from its next boot on.
live_machine() {
	local suite work=$BUILD/livepatch/machine-$kernel
	suite=$(awk -v kernel="$kernel" '$1 == kernel { print $2 }' kernel/kernels)
	machine_disk "$suite" "$work"
	stage_files "$work/stage" "$(cat "$BUILD/kernel/$kernel-debian/release")"
	cp "$BUILD"/livepatch/ima-nocache-livepatch-*.deb "$BUILD"/deb/mount-ima-nocache_*.deb "$work/stage/debs/"
	boot_stages "Debian $suite, live" "$work" live booted gone
}

setup/install-packages.sh build check deb install livepatch
# the harness of the tests in 6.1 does not skip what has to be skipped before it is set up
prepare_kernel "$harness" patched
prepare_images "$harness"
for kernel in "${kernels[@]}"; do
	prepare_live
	step "building the helper's package" make -s deb
	live_guests
	live_machine
done
end_jobs
total

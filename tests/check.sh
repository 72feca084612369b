#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make check: all tests, and a last line "N passed, N failed".
#
# On the default kernel all of them, with a sample of make check-real, and on the others
# those that show whether files are evaluated anew. KERNEL=6.12 runs all on that kernel
# alone. KERNEL=all runs all on all, on kernels that have more, and adds what needs that,
# each type of filesystem and labels; on the default one the failure of each call of the
# helper, of which others take a sample; kernels without IMA, or without ima_nocache=bind;
# and the checks of the series itself. That takes hours: FULL=1 KERNEL=6.12 is the part of
# it that is about one kernel.
# "tests/check.sh debug" runs what is about the kernel on debug kernels: the oldest and the
# newest, or KERNEL alone. That each allocation fails is part of make check-long.
set -eu -o pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/prepare.sh
. tests/prepare.sh
# shellcheck source=tests/jobs.sh
. tests/jobs.sh
# shellcheck source=tests/real/parts.sh
. tests/real/parts.sh
# shellcheck source=tests/attest/rows.sh
. tests/attest/rows.sh
export BUILD
unset KERNEL

# what is added to the configuration of kernels
config=
# made up, for each of two tests: always the same ones, unless there is time for many
few_random="IMA_TEST_SEED=1 IMA_TEST_SERVERS=60"
random=$few_random
sequences="IMA_TEST_SEED=1 IMA_TEST_SEQUENCES=60"
strings="IMA_TEST_SEED=1"
few_switches=200
switches=$few_switches
case $asked in
'') whole=("$default_kernel") ;;
all) whole=("${all_kernels[@]}") FULL=1 ;;
*) whole=("$asked") ;;
esac
[ -z "${FULL:-}" ] || config=full random=IMA_TEST_SERVERS=1000 switches=10000 \
	sequences="IMA_TEST_SEED=$RANDOM IMA_TEST_SEQUENCES=400" \
	strings="IMA_TEST_SEED=$RANDOM IMA_TEST_STRINGS=20000"

results_in "$BUILD/results"

disks=(progs.img btrfs.img)
DISKS="IMA_TEST_EXT4=/dev/vda IMA_TEST_BTRFS=/dev/vdb"

# What shows whether files are evaluated anew, and listed as they are. On unpatched kernels,
# as a control, without the option.
reevaluation() {
	# no rule but those of the tests
	local kernel=$1 how=$2 more=OWN_POLICY=1 servers=$random
	[ "$how" != control ] || more+=" IMA_TEST_WITHOUT_OPTION=1" servers=$few_random
	# EVM, once it is on, is asked about all labels
	GUEST_TIMEOUT=1800 "$how" evaluation "$kernel" \
		"RUN=selftests.guest TESTS=evaluate,lies,evm $more" progs.img
	GUEST_TIMEOUT=3600 "$how" random "$kernel" \
		"RUN=selftests.guest TESTS=random $servers $more" progs.img
	# tasks that meet; without the option nothing is to be shared
	[ "$how" = control ] || GUEST_CPUS=2 GUEST_TIMEOUT=1800 "$how" sharing "$kernel" \
		"RUN=selftests.guest TESTS=sharing,buffer IMA_TEST_EXT4=/dev/vda" progs.img
	"$how" digest "$kernel" RUN=digest.guest
	"$how" fail_securely "$kernel" "RUN=fail_securely.guest ima_policy=fail_securely"
}

# ima_nocache=bind. Its controls are in the test.
bind() {
	run helper-bind "$1" "RUN=bind.guest KERNEL_HAS_BIND=1" progs.img
	GUEST_TIMEOUT=${GUEST_TIMEOUT:-1800} run bind "$1" "RUN=selftests.guest TESTS=bind OWN_POLICY=1" progs.img
	GUEST_CPUS=2 GUEST_TIMEOUT=${GUEST_TIMEOUT:-1800} run bind-more "$1" \
		"RUN=selftests.guest TESTS=bind_use,bind_copy,bind_below,bind_limits OWN_POLICY=1 $DISKS" \
		"${disks[@]}"
	run forced-bind "$1" \
		"RUN=forced.guest ima_nocache=userns-bind ima_nocache=bogus ima_nocache ima_bind_max=bogus ima_bind_max=1M"
}

# The option in the strings of mount(2) and fsconfig(2): as it is asked for, and in made-up ones.
options() {
	local kernel=$1 how=$2 more=$DISKS
	[ "$how" != control ] || more+=" IMA_TEST_WITHOUT_OPTION=1"
	"$how" options "$kernel" "RUN=mount_option_test $more" "${disks[@]}"
	GUEST_TIMEOUT=${GUEST_TIMEOUT:-1800} "$how" strings "$kernel" \
		"RUN=selftests.guest TESTS=fuzz OWN_POLICY=1 $strings $more" "${disks[@]}"
}

# Made-up sequences of steps, of which a model knows what the list must have. Without the
# option it has what it has on a kernel without the series.
model() {
	begin model_now "$@"
}

model_now() {
	local words="RUN=selftests.guest TESTS=model OWN_POLICY=1 $sequences"
	local -x GUEST_TIMEOUT=3600
	run_now model "$1" "$words" progs.img
	[ -n "${2:-}" ] || return 0
	control_now model "$2" "$words IMA_TEST_WITHOUT_OPTION=1" progs.img
	tests/model/same_lists.sh "$(guest_dir model "$1")/report" "$(guest_dir model "$2")/report" \
		> "$BUILD/same-lists-$1.ktap" || :
	collect "$BUILD/same-lists-$1.ktap" "$1"
}

# Who owns a mount, or serves it, hides nothing that is used of it, and sheds nothing.
attacks() {
	local kernel=$1 how=$2 more=OWN_POLICY=1 words
	[ "$how" != control ] || more+=" IMA_TEST_WITHOUT_OPTION=1"
	GUEST_TIMEOUT=${GUEST_TIMEOUT:-1800} "$how" attacks "$kernel" \
		"RUN=selftests.guest TESTS=clear,shed,block $more" progs.img
	words="RUN=selftests.guest TESTS=forced $more"
	"$how" attacks-forced "$kernel" "$words ima_nocache=userns" progs.img
	[ "$how" = control ] ||
		"$how" attacks-forced-bind "$kernel" "$words ima_nocache=userns-bind" progs.img
	# each request of an access, answered in each wrong way: that takes five minutes
	[ -z "${FULL:-}" ] || GUEST_TIMEOUT=3600 "$how" hostile "$kernel" \
		"RUN=selftests.guest TESTS=hostile $more" progs.img
}

# What relies on IMA: the list that a TPM vouches for, signatures, and the records of auditd.
relying() {
	local kernel=$1 how=$2 more="OWN_POLICY=1" n=$switches template
	local -x GUEST_MORE=attest.gz GUEST_TIMEOUT=3600
	[ "$how" != control ] || more+=" WITHOUT_OPTION=1" n=$few_switches
	for template in ima-ng ${FULL:+ima-sig ima-modsig}; do
		GUEST_TPM=new "$how" "measure-$template" "$kernel" \
			"RUN=measure.guest TEMPLATE=$template ima_template=$template SWITCHES=$n $more" progs.img
		n=$few_switches
	done
	# the kernel lets a test label files, and keeps all records that it can
	"$how" appraise "$kernel" "RUN=appraise.guest evm=fix $more" progs.img
	"$how" audit "$kernel" "RUN=audit.guest audit=1 $more"
}

# Each policy of the page does what is said there.
policies() {
	local policy
	local -x GUEST_MORE=attest.gz
	sed -n 's/^<!-- policy: \(.*\) -->$/\1/p' doc/policies.md > "$BUILD/policies"
	while read -r policy; do
		# older ones have no such rule
		[ "$policy" != subtype ] || [[ $1 = newest-* ]] || continue
		run "policies-$policy" "$1" "RUN=policies.guest OWN_POLICY=1 POLICY=$policy" progs.img
	done < "$BUILD/policies"
}

# The machines of make demo-attest: attestation KERNEL CONTROL
attestation() {
	begin attestation_now "$@"
}

attestation_now() {
	local -x CONFIG=$config
	each_row "$@"
	forgeries "$1-patched"
}

experiment() {
	begin experiment_now "$@"
}

experiment_now() {
	local kernel=$1 variant name
	shift
	for variant in "$@"; do
		name=$kernel-$variant${config:+-$config}
		guest experiment "$name" RUN=experiment.guest progs.img ||
			echo "not ok - $name: the guest experiment ended well" >> "$results"
	done
	CONFIG=$config tests/experiment/report.sh "$kernel" "$@" \
		> "$BUILD/experiment-$kernel.table" || :
	collect "$BUILD/experiment-$kernel.ktap" "$kernel"
}

# A kernel that does not know the option must not come up without it.
root_filesystem() {
	local words="RUN=rootflags.guest root=/dev/vda rootflags=ima_nocache init=/init" log ok="not ok"
	log=$(guest_dir rootflags "$2")/console.log
	run_now rootflags "$1" "$words" root.img
	if GUEST_STATUS=panic guest rootflags "$2" "$words" root.img &&
		grep -q "Unable to mount root fs" "$log"; then
		ok=ok
	fi
	echo "$ok - control: $2: no root filesystem without the series" >> "$results"
}

# All tests in guests of one kernel.
whole_kernel() {
	local patched=$1-patched${config:+-$config} unpatched=$1-unpatched${config:+-$config}
	local control=unpatched
	prepare_kernel "$1" "unpatched $config" "patched $config"
	[ -n "$config" ] || {
		kernel/image.sh "$1"
		control=debian # as make demo has it
	}
	experiment "$1" $control patched
	reevaluation "$patched" run
	reevaluation "$unpatched" control
	options "$patched" run
	options "$unpatched" control
	run forced "$patched" "RUN=forced.guest ima_nocache=userns ima_nocache=bogus ima_nocache"
	begin root_filesystem "$patched" "$unpatched"
	bind "$patched"
	model "$patched" "$unpatched"
	attacks "$patched" run
	[ -z "${FULL:-}" ] || attacks "$unpatched" control
	relying "$patched" run
	relying "$unpatched" control
	policies "$patched"
	attestation "$1" $control
	helper "$patched" "$unpatched"
	[ "$config" != full ] || full "$1" "$patched" "$unpatched"
}

# The helper, with the util-linux of this system, and if it is older than that of Debian 13
# with that, too, in a root of its own.
helper() {
	local newer="root=/dev/vdc rw init=/init KERNEL_HAS_OPTION=1" part every=
	# with KERNEL=all alone, and once: it takes ten minutes
	[ "$1" != "$default_kernel-patched-full" ] || every=EVERY_CALL=1
	# each call of the helper fails once
	local -x GUEST_TIMEOUT=1800
	run helper "$1" "RUN=helper.guest KERNEL_HAS_OPTION=1" progs.img btrfs.img
	run same "$1" "RUN=same.guest ${every:+EVERY_LINE=1}" progs.img
	GUEST_SHARE=$BUILD/progs run helper "$2" RUN=helper.guest progs.img btrfs.img
	for part in fuse others devices hanging; do
		run "faults-$part" "$1" "RUN=faults.guest PART=$part $every" progs.img
	done
	run faults-undone "$2" "RUN=faults.guest PART=undone $every" progs.img
	run cost "$1" RUN=cost.guest progs.img
	run pages "$1" "RUN=pages.guest UTIL_LINUX_VERSION=$(mount --version | grep -o '[0-9.]*' | head -n 1)" \
		progs.img progs.img
	# with the sanitizers once, which takes three times as long
	[ -n "$UTIL_LINUX" ] || {
		run helper-sanitized "$1" "RUN=helper.guest KERNEL_HAS_OPTION=1 SANITIZED=1" progs.img btrfs.img
		# the rest was with as new a one
		run faults-newer "$1" "RUN=faults.guest PART=newer $every" progs.img btrfs.img
		return
	}
	run helper-newer "$1" "RUN=helper.guest $newer SANITIZED=1" progs.img btrfs.img newer.img
	run faults-newer "$1" "RUN=faults.guest PART=newer $newer $every" progs.img btrfs.img newer.img
	run pages-newer "$1" "RUN=pages.guest UTIL_LINUX_VERSION=2.41 $newer" progs.img progs.img newer.img
}

# FUSE programs and tools of a whole Debian.
debian() {
	tests/real/image.sh bookworm
	fuse_programs bookworm "$1" squashfuse,bindfs
	look bookworm "$1" ""
	look bookworm "$2" KERNEL_HAS_OPTION=0
}

# What a kernel can do that has more than the rest needs.
full() {
	local api words module
	run context "$2" "RUN=context.guest lsm=integrity,selinux" progs.img
	for module in selinux apparmor; do
		run "lsm-$module" "$2" "RUN=lsm.guest MODULE=$module lsm=integrity,$module" progs.img
	done
	step "making the disk of filesystems" tests/filesystems/images.sh \
		"$BUILD/images/filesystems.img"
	# each type of filesystem there is, through one system call a boot: a superblock
	# that the kernel keeps stays flagged
	for api in mount2 fsconfig; do
		words="RUN=types.guest API=$api"
		run "filesystems-$api" "$2" "$words" filesystems.img
		control "filesystems-$api" "$3" "$words" filesystems.img
	done
	run filesystems-bind "$2" "RUN=types.guest API=mount2 OPTION=ima_nocache=bind" filesystems.img
	run submount "$2" "RUN=submount.guest SUBMOUNTS=nfs,debugfs" filesystems.img
	GUEST_MORE=attest.gz GUEST_TPM=new GUEST_KEXEC=1 run measure-kexec "$2" \
		"RUN=measure.guest TEMPLATE=ima-ng ima_template=ima-ng SWITCHES=100 KEXEC=now OWN_POLICY=1" progs.img
	setup/install-packages.sh bpf
	step "making what a machine runs BPF with" tests/attest/images.sh bpf
	kernel/image.sh "$1"
	prepare_kernel "$1" "patched bpf"
	words="RUN=bpf.guest OWN_POLICY=1 lsm=integrity,bpf"
	GUEST_MORE=attest.gz run bpf "$1-patched-bpf" "$words" progs.img
	GUEST_MORE=attest.gz control bpf "$1-debian" "$words WITHOUT_OPTION=1" progs.img
	run growth "$2" RUN=growth.guest filesystems.img
	run growth-bind "$2" "RUN=growth.guest OPTION=ima_nocache=bind" filesystems.img
	control growth "$3" "RUN=growth.guest WITHOUT_OPTION=1" filesystems.img
}

setup/install-packages.sh build check lint real attest
if [ "${1:-}" = debug ]; then
	whole=("${all_kernels[0]}" "${all_kernels[-1]}")
	[ -z "$asked" ] || whole=("$asked")
	for kernel in "${whole[@]}"; do
		prepare_kernel "$kernel" patched "patched debug"
	done
	prepare_images "${whole[0]}"
	export GUEST_WORDS=$debug_words GUEST_TIMEOUT=3600
	for kernel in "${whole[@]}"; do
		reevaluation "$kernel-patched-debug" run
		options "$kernel-patched-debug" run
		run forced "$kernel-patched-debug" \
			"RUN=forced.guest ima_nocache=userns ima_nocache=bogus ima_nocache"
		bind "$kernel-patched-debug"
		FULL=1 attacks "$kernel-patched-debug" run
	done
else
	prepare_kernel "${whole[0]}" patched
	UTIL_LINUX=$(tests/helper/newer.sh)
	export UTIL_LINUX
	prepare_images "${whole[0]}"
	step "making what a machine attests with" tests/attest/images.sh
	step "enrolling a TPM" enroll "$BUILD/attest"
	for kernel in "${whole[@]}"; do
		whole_kernel "$kernel"
	done
	if [ -n "${FULL:-}" ]; then
		for kernel in "${whole[@]}"; do
			[ "$kernel" != newest ] || {
				prepare_kernel newest "patched nobind"
				run helper-nobind newest-patched-nobind RUN=bind.guest progs.img
			}
			prepare_kernel "$kernel" "patched noima"
			run noima "$kernel-patched-noima" "RUN=noima.guest ima_nocache=userns"
			host "series-$kernel" "checks of the series for $kernel" \
				kernel/check-series.sh "$kernel"
			setup/install-packages.sh machines
			host "machines-$kernel" "the series for $kernel on other machines" \
				kernel/check-machines.sh "$kernel"
		done
	elif [ -z "$asked" ]; then
		debian "$default_kernel-patched" "$default_kernel-unpatched"
		for kernel in "${all_kernels[@]}"; do
			[ "$kernel" != "$default_kernel" ] || continue
			prepare_kernel "$kernel" patched
			experiment "$kernel" patched
			reevaluation "$kernel-patched" run
			options "$kernel-patched" run
			bind "$kernel-patched"
			model "$kernel-patched"
		done
	fi
	host helper-host "the helper on this machine" tests/helper/run.sh
	host hosts "the packages on all releases of Debian" tests/hosts/packages.sh
	host memory-model "the kernel's memory model" tests/memory-model/check.sh
	host inputs "bad input and interrupts" tests/host/inputs.sh "${whole[0]}"
	host lint "checks of style" tests/lint.sh "${whole[0]}"
fi

end_jobs
total

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by what runs guests: everything they are made of, up to date.

# shellcheck disable=SC2034 # for who sources this
asked=${KERNEL:-} # or "" if it is left to the command
# shellcheck disable=SC2034
mapfile -t all_kernels < <(awk '!/^#/ { print $1 }' kernel/kernels)
default_kernel=$(kernel/default.sh)
KERNEL=${KERNEL:-$default_kernel}
BUILD=${BUILD:-build}
# shellcheck source=tests/progress.sh
. tests/progress.sh

# prepare_kernel KERNEL VARIANT...: "patched", "unpatched", or either with a config
# behind a blank
prepare_kernel() {
	local kernel=$1 variant
	shift
	for variant in "$@"; do
		# shellcheck disable=SC2086 # one or two words
		kernel/build.sh "$kernel" $variant
	done
}

# prepare_control KERNEL: the kernel that the distribution ships, to compare with; for another
# source there is none, and one is built. Sets $control to its variant.
prepare_control() {
	# shellcheck disable=SC2034 # for who sources this
	control=debian
	if [ -n "${KERNEL_TREE:-}" ]; then
		control=unpatched
		prepare_kernel "$1" unpatched
	else
		kernel/image.sh "$1"
	fi
}

# prepare_images KERNEL: programs and disks; the harness of the tests is KERNEL's
prepare_images() {
	step "building the helper and the guest's programs" \
		make -s programs KERNEL="$1" WERROR=-Werror
	step "making the guest's disks" tests/guest/images.sh "$BUILD/images"
}

# Words for a debug kernel. While 6.1 looks its CPU over, KASAN takes addresses of five-level
# page tables for wild ones: an interrupt just then ends the boot. A file of 64 MB is hashed
# without a break, under KASAN for longer than RCU waits for a CPU by default.
# shellcheck disable=SC2034 # for who sources this
debug_words="panic_on_warn=1 no5lvl rcupdate.rcu_cpu_stall_timeout=300"

# guest_dir NAME KERNEL-VARIANT: where a guest leaves its report
guest_dir() {
	echo "$BUILD/guests/$2/$1"
}

# guest NAME KERNEL-VARIANT "WORDS" DISK...: run one
guest() {
	step "$1, on $2" tests/qemu/run.sh "$BUILD/kernel/$2" "$(guest_dir "$1" "$2")" "$3" "${@:4}"
}

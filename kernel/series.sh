# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced: which patches there are for a kernel.

kernel_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# the one patch that is not kept but made, from tests/selftests/ima
# shellcheck disable=SC2034 # for those who source this
selftests="selftests-ima-test-ima_nocache"
# the one that the rest stands without
# shellcheck disable=SC2034
sharing="ima-let-concurrent-accesses-on-ima_nocache-superbloc"

# series_names: the names of all patches but $SERIES_WITHOUT, in their order
series_names() {
	grep -v '^#' "$kernel_dir/series" | grep -vxF "${SERIES_WITHOUT:-}"
}

# series_file NAME KERNEL: the file with this patch for this kernel, or nothing
series_file() {
	local file kernels
	for file in "$kernel_dir/patches/$1@"*.patch; do
		kernels=${file##*@}
		case +${kernels%.patch}+ in
		*"+$2+"*) echo "$file" ;;
		esac
	done
}

# series_files KERNEL: all patches for this kernel, in their order
series_files() {
	local name
	for name in $(series_names); do
		series_file "$name" "$1"
	done
}

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced: which patches there are for a kernel.

kernel_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# The patches that are not kept but made, from tests/selftests/ima: of the first part, and
# of the second.
# shellcheck disable=SC2034 # for those who source this
selftests="selftests-ima-test-ima_nocache"
# shellcheck disable=SC2034
selftests_bind="selftests-ima-test-ima_nocache-bind"
# the one that the rest stands without
# shellcheck disable=SC2034
sharing="ima-let-concurrent-accesses-on-ima_nocache-superbloc"

# series_names [PART]: the names of all patches, or those of one part, but $SERIES_WITHOUT,
# in their order
series_names() {
	awk -v part="${1:-}" -v without="${SERIES_WITHOUT:-}" '
		/^#/ { next }
		/^\[/ { gsub(/[][]/, ""); now = $0; next }
		(part == "" || part == now) && $0 != without' "$kernel_dir/series"
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

# series_files KERNEL [PART]: the patches for this kernel, in their order
series_files() {
	local name
	for name in $(series_names "${2:-}"); do
		series_file "$name" "$1"
	done
}

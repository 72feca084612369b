#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2317 # the functions are called through check
# The checks of style: a line "ok" or "not ok" each, what was found above it.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit
KERNEL=$1 # whose checkpatch.pl is used
BUILD=${BUILD:-build}
failed=0

# check NAME COMMAND...: passes if the command succeeds and prints nothing
check() {
	local name=$1 said
	shift
	if said=$("$@" 2>&1) && [ -z "$said" ]; then
		echo "ok lint.$name"
	else
		echo "$said"
		echo "not ok lint.$name"
		failed=1
	fi
}

mapfile -t c_files < <(git ls-files 'mount-helper/*.[ch]' 'tests/server/*.[ch]' 'tests/programs/*.c' 'tests/unit/*.c' 'tests/helper/*.c' 'tests/bench/*.[ch]' 'tests/attest/*.c')
mapfile -t sources < <(git ls-files 'mount-helper/*.c' 'tests/server/*.c' 'tests/unit/*.c' 'tests/helper/*.c' 'tests/bench/*.c')
mapfile -t scripts < <(git ls-files '*.sh' '*.guest' '*.stage' '*.bash' .ci/run tests/guest/init)

# From standard input, since it takes a file that git knows for no patch.
checkpatch() {
	for patch in kernel/patches/*.patch; do
		perl "$BUILD/kernel/$KERNEL-patched/checkpatch.pl" --no-tree --strict --ignore FILE_PATH_CHANGES -q - < "$patch"
	done
}

checkpatch_tests() {
	perl "$BUILD/kernel/$KERNEL-patched/checkpatch.pl" --no-tree --strict -q \
		--max-line-length=100 -f tests/{selftests/ima,filesystems,model,hostile,attacks,allocations,options}/*.c
}

tidy() {
	make -s BUILD="$BUILD" "$BUILD/syscall_names.h" || return
	# shellcheck disable=SC2046 # the flags are words
	clang-tidy --quiet "${sources[@]}" -- -std=gnu11 -D_GNU_SOURCE -DVERSION='""' -Imount-helper -I"$BUILD" \
		$(pkg-config --cflags mount fuse3) 2> /dev/null
}

static_analysis() {
	cppcheck --quiet --error-exitcode=1 --inline-suppr \
		--enable=warning,performance,portability --suppress=normalCheckLevelMaxBranches \
		--suppress=nullPointerOutOfMemory:tests/unit/* -D_GNU_SOURCE -D__GLIBC__=2 \
		'-D__GLIBC_PREREQ(a,b)=1' mount-helper tests/server tests/unit tests/helper tests/bench
}

# the second hides the first, and whatever was to be tested by that is not
functions_are_defined_once() {
	! for script in "${scripts[@]}"; do
		grep -oE '^[A-Za-z_0-9]+\(\)' "$script" | sort | uniq -d | sed "s|^|$script: |"
	done | grep .
}

one_identity() {
	! grep -LE '^Signed-off-by: ' kernel/patches/*.patch
	! grep -hE '^(Reviewed|Acked|Tested|Suggested|Co-developed)-by:' kernel/patches/*.patch
}

# SC2329 is what newer ones say of functions that are called through another
check shell_scripts_pass_shellcheck shellcheck -x -e SC2329 "${scripts[@]}"
check functions_of_shell_scripts_are_defined_once functions_are_defined_once
check c_files_are_formatted clang-format --dry-run --Werror "${c_files[@]}"
check c_files_pass_clang_tidy tidy
check c_files_pass_cppcheck static_analysis
check patches_are_signed_by_the_project_alone one_identity
check patches_pass_checkpatch_strict checkpatch
check guest_tests_pass_checkpatch_strict checkpatch_tests
exit "$failed"

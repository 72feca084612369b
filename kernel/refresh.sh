#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Take the series for a kernel over from an edited tree.
#
# usage: kernel/refresh.sh KERNEL TREE BASE
#
# TREE is a git tree with the series as commits on top of BASE. A patch whose text
# is the same for another kernel, but for line numbers, stays in one file with it.
# A name that is new must be put into kernel/series, at its place.
set -eu -o pipefail

# shellcheck source=kernel/series.sh
. "$(dirname "$0")/series.sh"
kernel=$1 tree=$2 base=$3
patches=$kernel_dir/patches
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What two kernels' versions of a patch must have in common to be one.
text() {
	sed -E -e '/^(From [0-9a-f]{40} |Date: |index |Subject: )/d' \
		-e 's/^@@ [^@]* @@.*/@@/' "$1"
}

# retag FILE KERNEL...: rename a patch to one for these kernels, or remove it
retag() {
	local file=$1 tags
	shift
	tags=$(printf '%s\n' "$@" | sort -u | paste -sd + -)
	if [ -z "$tags" ]; then
		rm "$file"
	elif [ "$file" != "${file%@*}@$tags.patch" ]; then
		mv "$file" "${file%@*}@$tags.patch"
	fi
}

kernels_of() {
	local tags=${1##*@}
	tr + '\n' <<< "${tags%.patch}"
}

# leave FILE: it is no longer this kernel's
leave() {
	# shellcheck disable=SC2046 # a word a kernel
	retag "$1" $(kernels_of "$1" | grep -vxF "$kernel")
}

git -C "$tree" format-patch -q -N --zero-commit --no-signature -o "$work" "$base"
# made from tests/selftests/ima, where it is to be changed
rm -f "$work"/????-"$selftests".patch "$work"/????-"$selftests_bind".patch

for name in $(series_names); do
	file=$(series_file "$name" "$kernel")
	[ -z "$file" ] || [ -f "$(echo "$work"/????-"$name".patch)" ] || leave "$file"
done
for new in "$work"/*.patch; do
	name=$(basename "$new" .patch)
	name=${name#????-}
	series_names | grep -xF "$name" > /dev/null || echo "new, not yet in kernel/series: $name"
	file=$(series_file "$name" "$kernel")
	if [ -n "$file" ]; then
		! cmp -s <(text "$file") <(text "$new") || continue
		leave "$file"
	fi
	for file in "$patches/$name@"*.patch; do
		[ -f "$file" ] || continue
		cmp -s <(text "$file") <(text "$new") || continue
		# shellcheck disable=SC2046 # a word a kernel
		retag "$file" $(kernels_of "$file") "$kernel"
		continue 2
	done
	cp "$new" "$patches/$name@$kernel.patch"
done

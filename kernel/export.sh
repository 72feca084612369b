#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Write the series for a kernel as it is sent and applied: numbered, and with the
# line numbers of that very source.
#
# usage: kernel/export.sh KERNEL SOURCE_TREE DIR
#
# Fails where a patch does not apply as it is, wherever in the file. The selftests
# are not kept as a patch: that one is made from tests/selftests/ima.
set -eu -o pipefail

# shellcheck source=kernel/series.sh
. "$(dirname "$0")/series.sh"
kernel=$1 source=$2 dir=$3
selftests_makefile=tools/testing/selftests/Makefile

mapfile -t files < <(series_files "$kernel")
[ "${#files[@]}" != 0 ] || { echo "no patches for $kernel" >&2; exit 1; }

# A repository with just the files that the series changes.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
{
	sed -n 's|^--- a/||p' "${files[@]}"
	echo "$selftests_makefile"
	echo MAINTAINERS
} | sort -u | while read -r file; do
	# one that an earlier patch of the series adds is not there
	[ ! -f "$source/$file" ] || (cd "$source" && cp --parents "$file" "$work")
done
git=(git -C "$work" -c user.name=series -c user.email= -c core.hooksPath=/dev/null
	-c core.excludesFile=/dev/null -c commit.gpgSign=false -c gc.auto=0)
"${git[@]}" init -q
"${git[@]}" add -A -f
"${git[@]}" commit -q --allow-empty -m base
base=$("${git[@]}" rev-parse HEAD)

# header NAME: what the patches say behind this word, the same in all of them
header() {
	sed -n "s/^$1: //p" "${files[0]}" | head -n 1
}

add_selftests() {
	# their own .gitignore leaves out what is built there
	cp -R "$kernel_dir/../tests/selftests/ima" "$work/tools/testing/selftests/"
	sed -i 's/^TARGETS += intel_pstate$/TARGETS += ima\n&/' "$work/$selftests_makefile"
	sed -i '/^INTEGRITY MEASUREMENT ARCHITECTURE (IMA)$/,/^$/ s|^F:\tsecurity/integrity/ima/$|&\nF:\ttools/testing/selftests/ima/|' \
		"$work/MAINTAINERS"
	"${git[@]}" add -A
	{
		cat "$kernel_dir/selftests.message"
		echo
		echo "Signed-off-by: $(header Signed-off-by)"
	} | "${git[@]}" commit -q --author "$(header Signed-off-by)" -F -
}

for name in $(series_names); do
	file=$(series_file "$name" "$kernel")
	if [ "$name" = "$selftests" ]; then
		add_selftests
	elif [ -n "$file" ]; then
		"${git[@]}" am --quiet --whitespace=error "$file"
	fi
done

rm -rf "$dir"
mkdir -p "$dir"
"${git[@]}" format-patch -q --zero-commit --no-signature --full-index \
	-o "$(realpath "$dir")" "$base"

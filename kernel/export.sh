#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Write the series for a kernel as it is sent and applied: numbered, with the line
# numbers of that very source, and with a cover letter.
#
# usage: kernel/export.sh KERNEL SOURCE_TREE DIR
#
# Fails where a patch does not apply as it is, wherever in the file. The selftests
# are not kept as a patch: that one is made from tests/selftests/ima. The cover letter
# names the commit that the series is based on if the source, or KERNEL_TREE that it
# was copied from, is a git repository, and the version of Linux if not.
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

# The letter to the lists is that of the newest kernel: a backport is not sent there.
letter=$kernel_dir/cover-letter.txt
[ "$kernel" = newest ] || letter=$kernel_dir/cover-letter-backport.txt

# field NAME: a field of the letter's header, which ends at the first empty line
field() {
	sed -n "/^$/q; s/^$1: //p" "$letter"
}

base_line() {
	local tree=${KERNEL_TREE:-$source}
	if [ -e "$tree/.git" ]; then
		echo "base-commit: $(git -C "$tree" rev-parse HEAD)"
	else
		awk '$2 == "=" { v[$1] = $3 }
			/^NAME/ { print "base: Linux " v["VERSION"] "." v["PATCHLEVEL"] "." v["SUBLEVEL"] v["EXTRAVERSION"]; exit }
			' "$tree/Makefile"
	fi
}

# address_field NAME: the addresses of standard input, one a line, as a field of a header
address_field() {
	sed -e "1 s/^/$1: /" -e '2,$ s/^/ /' -e '$ ! s/$/,/'
}

# addresses PATCH...: whom the letter names, and whom the kernel's script finds for the
# patches. Nobody for a letter that names nobody.
addresses() {
	local to
	to=$(field To | sed 's/, */\n/g')
	[ -n "$to" ] || return 0
	address_field To <<< "$to"
	{
		(cd "$source" && perl scripts/get_maintainer.pl --no-git --no-git-fallback \
			--no-rolestats "$@")
		field Cc | sed 's/, */\n/g'
	} | { grep -vxF "$to" || :; } | awk '!seen[$0]++' | address_field Cc
}

rm -rf "$dir"
mkdir -p "$dir"
dir=$(realpath "$dir")
# git takes the subject and the text of a cover letter from the branch's description.
"${git[@]}" config "branch.$("${git[@]}" branch --show-current).description" \
	"$(field Subject)"$'\n\n'"$(sed '1,/^$/ d' "$letter")"
identity=$(header Signed-off-by)
export GIT_COMMITTER_NAME=${identity% <*} GIT_COMMITTER_EMAIL=${identity##*<}
GIT_COMMITTER_EMAIL=${GIT_COMMITTER_EMAIL%>}
"${git[@]}" format-patch -q --zero-commit --no-signature --full-index --numbered \
	--cover-letter --cover-from-description=subject -o "$dir" "$base"
patches=("$dir"/*.patch)
addresses "${patches[@]:1}" > "$work/.git/addresses"
sed -i -e '1,/^$/ {' -e "/^Date: / r $work/.git/addresses" -e '}' "${patches[0]}"
base_line >> "${patches[0]}"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Write the series for a kernel as it is sent and applied: numbered, with the line
# numbers of that very source, and with a cover letter.
#
# usage: kernel/export.sh KERNEL SOURCE_TREE DIR
#
# What is on top of the first series, if there is something for this kernel, goes to
# DIR-bind, a series of its own.
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

# header NAME: what the patches say behind this word, the same in all of them
header() {
	sed -n "s/^$1: //p" "${files[0]}" | head -n 1
}

add_selftests() {
	# their own .gitignore leaves out what is built there
	cp -R "$kernel_dir/../tests/selftests/ima" "$work/tools/testing/selftests/"
	rm "$work"/tools/testing/selftests/ima/bind*
	sed -i 's/^TARGETS += intel_pstate$/TARGETS += ima\n&/' "$work/$selftests_makefile"
	sed -i '/^INTEGRITY MEASUREMENT ARCHITECTURE (IMA)$/,/^$/ s|^F:\tsecurity/integrity/ima/$|&\nF:\ttools/testing/selftests/ima/|' \
		"$work/MAINTAINERS"
	commit_selftests selftests.message
}

add_selftests_of_bind() {
	local ima=$work/tools/testing/selftests/ima config
	cp "$kernel_dir"/../tests/selftests/ima/bind* "$ima/"
	config=$(grep -h ^CONFIG_ "$ima/config" "$kernel_dir/config/bind.config" | sort -u)
	echo "$config" > "$ima/config"
	commit_selftests selftests-bind.message
}

# commit_selftests MESSAGE
commit_selftests() {
	"${git[@]}" add -A
	{
		cat "$kernel_dir/$1"
		echo
		echo "Signed-off-by: $(header Signed-off-by)"
	} | "${git[@]}" commit -q --author "$(header Signed-off-by)" -F -
}

# apply PART: as commits
apply() {
	local name file
	for name in $(series_names "$1"); do
		file=$(series_file "$name" "$kernel")
		if [ "$name" = "$selftests" ]; then
			add_selftests
		elif [ "$name" = "$selftests_bind" ]; then
			add_selftests_of_bind
		elif [ -n "$file" ]; then
			"${git[@]}" am --quiet --whitespace=error "$file"
		fi
	done
}

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
# patches. Nobody for a letter that names nobody, and for a backport, which is not sent.
addresses() {
	local to
	[ "$kernel" = newest ] || return 0
	to=$(field To | sed 's/, */\n/g')
	[ -n "$to" ] || return 0
	address_field To <<< "$to"
	{
		(cd "$source" && perl scripts/get_maintainer.pl --no-git --no-git-fallback \
			--no-rolestats "$@")
		field Cc | sed 's/, */\n/g'
	} | { grep -vxF "$to" || :; } | awk '!seen[$0]++' | address_field Cc
}

# write_part PART LETTER DIR: apply it, and write it with its cover letter
write_part() {
	local base patches dir=$3
	letter=$kernel_dir/$2
	base=$("${git[@]}" rev-parse HEAD)
	apply "$1"
	rm -rf "$dir"
	mkdir -p "$dir"
	dir=$(realpath "$dir")
	# git takes the subject and the text of a cover letter from the branch's description.
	"${git[@]}" config "branch.$("${git[@]}" branch --show-current).description" \
		"$(field Subject)"$'\n\n'"$(sed '1,/^$/ d' "$letter")"
	"${git[@]}" format-patch -q --zero-commit --no-signature --full-index --numbered \
		--cover-letter --cover-from-description=subject -o "$dir" "$base"
	patches=("$dir"/*.patch)
	addresses "${patches[@]:1}" > "$work/.git/addresses"
	sed -i -e '1,/^$/ {' -e "/^Date: / r $work/.git/addresses" -e '}' "${patches[0]}"
	base_line >> "${patches[0]}"
}

identity=$(header Signed-off-by)
export GIT_COMMITTER_NAME=${identity% <*} GIT_COMMITTER_EMAIL=${identity##*<}
GIT_COMMITTER_EMAIL=${GIT_COMMITTER_EMAIL%>}

first_letter=cover-letter.txt
[ "$kernel" = newest ] || first_letter=cover-letter-backport.txt
write_part nocache "$first_letter" "$dir"
# What is on top needs all of the first.
[ -n "${SERIES_WITHOUT:-}" ] || write_part bind cover-letter-bind.txt "$dir-bind"

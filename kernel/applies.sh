#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make applies: for each kernel source that Debian's suites have, which series applies to it,
# and how. Prints a table, which is in $BUILD/applies.table, too.
#
# usage: kernel/applies.sh [SUITE...]
#
# Both series count, as they are sent, with the page of documentation and the selftests. Where
# none applies it is the one that gets furthest, and the first patch and files where it fails.
set -eu -o pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/progress.sh
. tests/progress.sh
mapfile -t kernels < <(awk '!/^#/ { print $1 }' kernel/kernels)
suites=("$@")
[ $# != 0 ] || suites=({bullseye,bookworm,trixie}{,-security,-backports} testing unstable)
cache=${IMA_NOCACHE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ima_nocache}/source

tmp=$(mktemp -d)
on_exit() {
	rm -rf "$tmp"
}

# find_sources: lines "PACKAGE VERSION SUITE...", each version once
find_sources() {
	local suite package version
	for suite in "${suites[@]}"; do
		# a suite that is archived is not there any more
		setup/apt-root.sh "$suite" names 'linux-source-[0-9.]+' > "$tmp/names" 2> "$tmp/said" ||
			echo "$suite: $(tail -n 1 "$tmp/said")"
		while read -r package version; do
			echo "$package $version $suite" >> "$tmp/found"
		done < "$tmp/names"
	done
	awk '{ k = $1 " " $2; s[k] = s[k] " " $3; if (!(k in n)) o[++c] = k; n[k] }
		END { for (i = 1; i <= c; i++) print o[i] s[o[i]] }' "$tmp/found" > "$tmp/sources"
}

# The files that a series changes, of a source.
unpack() {
	local package=$1 suite=$2 deb
	deb=$(find "$cache" -name "$package.deb" 2> /dev/null)
	if [ -z "$deb" ] || [ "$(dpkg-deb -f "$deb" Version)" != "$3" ]; then
		setup/apt-root.sh "$suite" download "$tmp/deb" "$package" >&2 || return
		deb=$(echo "$tmp"/deb/*.deb)
	fi
	sed -n 's|^--- a/|*/|p' "$BUILD"/patches/*/*.patch | sort -u > "$tmp/wanted"
	mkdir -p "$tmp/source"
	# tar fails for names that an older source does not have
	dpkg-deb --fsys-tarfile "$deb" | tar -xOf - "./usr/src/$package.tar.xz" |
		tar -C "$tmp/source" --strip-components=1 --wildcards -xJf - -T "$tmp/wanted" 2> "$tmp/tar" || :
	[ -e "$tmp/source/fs/super.c" ] || { cat "$tmp/tar"; return 1; }
}

# try KERNEL: how many patches of its series apply, and how, or what the first is that does not
try() {
	local file offsets='' n=0
	rm -rf "$tmp/try"
	cp -r "$tmp/source" "$tmp/try"
	for file in "$BUILD/patches/$1"{,-bind}/*.patch; do
		case $file in */0000-*) continue ;; esac # a cover letter
		patch -d "$tmp/try" -p1 -F0 -f --no-backup-if-mismatch -i "$(realpath "$file")" > "$tmp/patch" 2>&1 || {
			echo "$n no, ${file#"$BUILD"/patches/}: $(sed -n 's/.* FAILED -- saving rejects to file \(.*\)\.rej$/\1/p' "$tmp/patch" |
				paste -sd ' ' -)"
			return
		}
		! grep -q '^Hunk .* (offset ' "$tmp/patch" || offsets=1
		n=$((n + 1))
	done
	echo "$n yes${offsets:+, with offsets}"
}

# The series that gets furthest.
best() {
	local kernel how n most=-1 result
	for kernel in "${kernels[@]}"; do
		how=$(try "$kernel")
		n=${how%% *} how=${how#* }
		# one that applies counts more than any that does not, and without offsets more
		case $how in yes*) n=$((n + 1000)) ;; esac
		[ "$how" != yes ] || n=$((n + 1))
		[ "$n" -le "$most" ] || most=$n result="$kernel|$how"
	done
	echo "$result"
}

row() {
	local package=$1 version=$2 suite=$3
	rm -rf "$tmp/source" "$tmp/deb"
	# an index may name what the archive has not any more
	if unpack "$package" "$suite" "$version"; then best; else echo "-|not to be had"; fi > "$tmp/result"
	echo "$version ($(tr ' ' , <<< "${*:3}"))|$(cat "$tmp/result")" >> "$tmp/rows"
}

for kernel in "${kernels[@]}"; do
	kernel/build.sh "$kernel" patches
done
step "the kernel sources of Debian's suites" find_sources
: > "$tmp/rows"
while read -r -a source; do
	step "${source[0]} ${source[1]}" row "${source[@]}"
done < "$tmp/sources"
{
	echo "source|series|applies"
	cat "$tmp/rows"
} | awk -F '|' '{ printf "%-43s %-8s %s\n", $1, $2, $3 }' | tee "$BUILD/applies.table"

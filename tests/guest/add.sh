# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
# Sourced by what makes images: programs of this machine for $root, a guest's files.

# add PROGRAM DIR: with its libraries, each where the dynamic linker looks
add() {
	cp "$1" "$root/$2/"
	ldd "$1" | grep -o '/[^ ]*' | while read -r lib; do
		mkdir -p "$root$(dirname "$lib")"
		cp -Lu "$lib" "$root$lib"
	done
}

# add_listed FILE: the programs whose names are the lines of FILE, found on PATH; "optional"
# behind a name says that it may be missing
add_listed() {
	local program optional path
	grep -v '^#' "$1" | while read -r program optional; do
		if path=$(command -v "$program"); then
			add "$path" usr/bin
		elif [ -z "$optional" ]; then
			echo "image: $program is not installed" >&2
			return 1
		fi
	done
}

# pack: an initramfs of all that $root has
pack() {
	(cd "$root" && find . -mindepth 1 | LC_ALL=C sort |
		cpio --quiet -o -H newc -R 0:0) | gzip -1
}

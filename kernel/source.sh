# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
# Sourced: the source of a kernel, and the series applied to it. What is kept for all
# checkouts is in $cache; $tmp is a directory for what is not yet whole, and $src that of
# the pristine source, which who sources this sets.

# shellcheck source=tests/progress.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tests/progress.sh"
# shellcheck source=kernel/series.sh
. "$(dirname "${BASH_SOURCE[0]}")/series.sh"

# what the project's make was called with is not for the kernel's
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL
cache=${IMA_NOCACHE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ima_nocache}

die() {
	echo "kernel: $*" >&2
	exit 1
}

# need_room MB WHAT: stop where $BUILD lacks the room for it
need_room() {
	local free_mb
	free_mb=$(df --output=avail -m "$BUILD" | tail -n 1)
	[ "$free_mb" -ge "$1" ] || die "$(realpath "$BUILD"): $((free_mb)) MB free, and $2 takes $1 MB"
}

# Where $kernel comes from.
read_kernels() {
	read -r suite package < <(awk -v k="$kernel" '!/^#/ && $1 == k { print $2, $3 }' "$kernel_dir/kernels") ||
		die "no series for KERNEL=$kernel: there is one for $(awk '!/^#/ { printf "%s ", $1 }' "$kernel_dir/kernels")"
}

tree_version() {
	awk '$1 == "VERSION" { v = $3 } $1 == "PATCHLEVEL" { print v "." $3; exit }' "$1/Makefile"
}

# The newest kernel may be of any version; whether the series applies will show.
check_tree() {
	[ -d "$1" ] || die "KERNEL_TREE=$1: no such directory"
	for f in Makefile Kbuild fs/fs_context.c; do
		[ -f "$1/$f" ] || die "KERNEL_TREE=$1: not a kernel source tree: it has no $f"
	done
	[ "$kernel" = newest ] || [ "$(tree_version "$1")" = "$kernel" ] ||
		die "KERNEL_TREE=$1: it is Linux $(tree_version "$1"), and KERNEL=$kernel was asked for"
}

# The package with the source, downloaded once. Sets $package and $archive.
get_package() {
	case $package in
	/*/) package=$("$kernel_dir/../setup/apt-root.sh" "$suite" newest "$(tr -d / <<< "$package")") ;;
	esac
	archive=$cache/source/$package.deb
	[ -f "$archive" ] || {
		mkdir -p "$cache/source/tmp.$$"
		step "Linux $kernel: downloading $package" \
			"$kernel_dir/../setup/apt-root.sh" "$suite" download "$cache/source/tmp.$$" "$package"
		mv "$cache/source/tmp.$$"/*.deb "$archive"
		rmdir "$cache/source/tmp.$$"
	}
}

# What stands for the source in a key: an archive's content, a tree's state.
hash_source() {
	if [ -n "${KERNEL_TREE:-}" ]; then
		find "$KERNEL_TREE" -path "$KERNEL_TREE/.git" -prune -o \
			-type f -printf '%P %s %T@\n' | sort
	else
		cat "$archive"
	fi | sha256sum | cut -d ' ' -f 1
}

# The source, not yet unpacked. Sets $source_id, and $archive and $package where there is
# no KERNEL_TREE.
find_source() {
	read_kernels
	if [ -n "${KERNEL_TREE:-}" ]; then
		check_tree "$KERNEL_TREE"
	else
		get_package
	fi
	source_id=$(hash_source)
}

# series_text: all of it that changes what is built
series_text() {
	local file
	for file in $(series_files "$kernel"); do
		case $file in
		*/Documentation-*) ;;
		*) cat "$file" ;;
		esac
	done
}

# The pristine source, under its final name only when it is whole.
unpack_source() {
	mkdir "$tmp/src"
	if [ -n "${KERNEL_TREE:-}" ]; then
		tar -C "$KERNEL_TREE" --exclude=./.git -cf - . | tar -C "$tmp/src" -xf -
		make -C "$tmp/src" mrproper
	else
		dpkg-deb --fsys-tarfile "$archive" | tar -xOf - "./usr/src/$package.tar.xz" |
			tar -C "$tmp/src" --strip-components=1 -xJf -
	fi
	echo "$source_id" > "$tmp/src/.source_id"
	rm -rf "$src"
	mv -T "$tmp/src" "$src"
}

get_source() {
	[ "$(cat "$src/.source_id" 2> /dev/null)" = "$source_id" ] ||
		step "Linux $kernel: getting the source" unpack_source
}

# Into $tmp/src, and the patches as they are sent into $tmp/patches and -bind. patch(1)
# replaces files, so hard links keep the pristine ones as they are.
apply_series() {
	"$kernel_dir/export.sh" "$kernel" "$src" "$tmp/patches" || return
	cp -al "$src" "$tmp/src" || return
	for p in "$tmp"/patches{,-bind}/*.patch; do
		case $p in */0000-* | *"*"*) continue ;; esac # a cover letter, or none
		patch -d "$tmp/src" -p1 -F0 --no-backup-if-mismatch -i "$p" || return
	done
}

# lost_options CONFIG FRAGMENT...: options of the fragments that CONFIG does not have: the
# kernel does not know them, or they lack another one. One that is not there is as good as
# one that is empty.
lost_options() {
	awk '
		FILENAME == ARGV[1] { split($0, a, "="); if (/^CONFIG_/) have[a[1]] = a[2]; next }
		/^CONFIG_/ { split($0, a, "="); want[a[1]] = a[2] }
		/^# CONFIG_.* is not set/ { want[$2] = "" }
		END { for (o in want) if ((o in have || want[o] != "\"\"") && want[o] != have[o]) print o "=" want[o] }
		' "$@"
}

# count_files TREE ARGUMENTS...: how many files make would compile, once the target
# "prepare" was made. It says so without doing it, and ends where it needs a result.
count_files() {
	{ make -n -C "$@" 2> /dev/null || :; } | grep -cE '^[^#]* -c -o [^ ]+\.o ' || :
}

# A first build is half as long again through ccache, and a later one much shorter: it is for
# those who build often, and have its directory. Other checkouts find the same objects.
use_ccache() {
	[ -x /usr/lib/ccache/gcc ] && [ -d "${CCACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/ccache}" ] || return 0
	export PATH=/usr/lib/ccache:$PATH
	CCACHE_BASEDIR=$(realpath "$BUILD/kernel")
	export CCACHE_BASEDIR CCACHE_NOHASHDIR=1
}

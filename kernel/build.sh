#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Build a kernel for the guests.
#
# usage: kernel/build.sh KERNEL patched|unshared|unpatched [CONFIG]
#        kernel/build.sh KERNEL patches     only write the series for that source,
#                                           numbered, to $BUILD/patches/KERNEL, and
#                                           what is on top of it to KERNEL-bind
#
# KERNEL is one of kernel/kernels. With KERNEL_TREE=/path that tree is used in
# place of Debian's source; it is copied, never changed. An "unshared" kernel has the
# first series but for the patch by which concurrent accesses share a digest. CONFIG is a
# fragment in kernel/config/ that is added to base, and with it what it has for that
# KERNEL; a "patched" kernel has bind.config, too. The result is
# $BUILD/kernel/KERNEL-VARIANT (or -VARIANT-CONFIG): bzImage, config, release, the tests'
# module, and the headers of the kernel's test harness and its checkpatch.pl. It is kept,
# by the hash of all that went into it, in $IMA_NOCACHE_CACHE (~/.cache/ima_nocache), for all checkouts.
set -eu -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/progress.sh
. "$here/../tests/progress.sh"
# shellcheck source=kernel/series.sh
. "$here/series.sh"

die() {
	echo "kernel: $*" >&2
	exit 1
}

kernel=$1 variant=$2 extra=${3:-}
# what the project's make was called with is not for the kernel's
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL
cache=${IMA_NOCACHE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ima_nocache}
configs=("$here/config/base.config")
[ "$variant" != patched ] || configs+=("$here/config/bind.config")
[ -z "$extra" ] || configs+=("$here/config/$extra.config")
[ ! -f "$here/config/$extra-$kernel.config" ] || configs+=("$here/config/$extra-$kernel.config")
NEEDED_MB=3500 # for a source tree and the objects of a kernel

# Where $kernel comes from.
read -r suite package < <(awk -v k="$kernel" '!/^#/ && $1 == k { print $2, $3 }' "$here/kernels") ||
	die "no series for KERNEL=$kernel: there is one for $(awk '!/^#/ { printf "%s ", $1 }' "$here/kernels")"

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
	/*/) package=$("$here/../setup/apt-root.sh" "$suite" newest "$(tr -d / <<< "$package")") ;;
	esac
	archive=$cache/source/$package.deb
	[ -f "$archive" ] || {
		mkdir -p "$cache/source/tmp.$$"
		step "Linux $kernel: downloading $package" \
			"$here/../setup/apt-root.sh" "$suite" download "$cache/source/tmp.$$" "$package"
		mv "$cache/source/tmp.$$"/*.deb "$archive"
		rmdir "$cache/source/tmp.$$"
	}
}

# What stands for the source in the key: an archive's content, a tree's state.
source_id() {
	if [ -n "${KERNEL_TREE:-}" ]; then
		find "$KERNEL_TREE" -path "$KERNEL_TREE/.git" -prune -o \
			-type f -printf '%P %s %T@\n' | sort
	else
		cat "$archive"
	fi | sha256sum | cut -d ' ' -f 1
}

if [ -n "${KERNEL_TREE:-}" ]; then
	check_tree "$KERNEL_TREE"
else
	get_package
fi
source_id=$(source_id)

patches=()
[ "$variant" != unshared ] || export SERIES_WITHOUT=$sharing
[ "$variant" = unpatched ] || mapfile -t patches < <(series_files "$kernel")
key=$({
	echo "$source_id"
	gcc --version | head -n 1
	cat "$0" "$here"/../tests/modules/* "${configs[@]}"
	# documentation does not change what is built
	for p in "${patches[@]}"; do
		case $p in
		*/Documentation-*) ;;
		*) cat "$p" ;;
		esac
	done
} | sha256sum | cut -c 1-32)

name=$kernel-$variant${extra:+-$extra}
dest=$BUILD/kernel/$name
mkdir -p "$BUILD/kernel" "$cache"
link_result() {
	ln -sfnT "$cache/$key" "$dest"
}
if [ "$variant" != patches ] && [ -f "$cache/$key/bzImage" ]; then
	link_result
	echo "  Linux $(cat "$dest/release") ($name): up to date"
	exit 0
fi

free_mb=$(df --output=avail -m "$BUILD" | tail -n 1)
[ "$free_mb" -ge "$NEEDED_MB" ] ||
	die "$(realpath "$BUILD"): $((free_mb)) MB free, and building kernels takes $NEEDED_MB MB"

src=$BUILD/kernel/src-$kernel
obj=$BUILD/kernel/obj-$name
tmp=$(mktemp -d "$BUILD/kernel/tmp.XXXXXX")
on_exit() {
	rm -rf "$tmp" "$cache/tmp.$$" "$cache/source/tmp.$$"
}

# The pristine source, under its final name only when it is whole.
get_source() {
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

# patch(1) replaces files, so hard links keep the pristine ones as they are.
apply_series() {
	"$here/export.sh" "$kernel" "$src" "$tmp/patches" || return
	cp -al "$src" "$tmp/src" || return
	for p in "$tmp"/patches{,-bind}/*.patch; do
		case $p in */0000-* | *"*"*) continue ;; esac # a cover letter, or none
		patch -d "$tmp/src" -p1 -F0 --no-backup-if-mismatch -i "$p" || return
	done
	rm -rf "$tree"
	mv -T "$tmp/src" "$tree"
	[ "$variant" != unshared ] || return 0
	mkdir -p "$BUILD/patches"
	for part in "" -bind; do
		rm -rf "$BUILD/patches/$kernel$part"
		[ ! -d "$tmp/patches$part" ] ||
			mv -T "$tmp/patches$part" "$BUILD/patches/$kernel$part"
	done
}

configure() {
	make -C "$tree" O="$obj" tinyconfig
	"$tree/scripts/kconfig/merge_config.sh" -m -O "$obj" "$obj/.config" "${configs[@]}"
	make -C "$tree" O="$obj" olddefconfig
	# an option that the kernel does not have, or that lacks another one
	lost=$(awk '
		FILENAME == ARGV[ARGC - 1] { split($0, a, "="); if (/^CONFIG_/) have[a[1]] = a[2]; next }
		/^CONFIG_/ { split($0, a, "="); want[a[1]] = a[2] }
		/^# CONFIG_.* is not set/ { want[$2] = "" }
		END { for (o in want) if (want[o] != have[o]) print o "=" want[o] }
		' "${configs[@]}" "$obj/.config")
	[ -z "$lost" ] || { echo "these options did not take effect: $lost"; return 1; }
}

compile() {
	make -C "$tree" O="$obj" -j"$(nproc)" bzImage
}

# The tests' module. A list of exported symbols would take building all modules.
compile_module() {
	cp -r "$here/../tests/modules" "$obj/tests-modules"
	make -C "$tree" O="$obj" modules_prepare
	make -C "$tree" O="$obj" M="$obj/tests-modules" KBUILD_MODPOST_WARN=1 modules
}

# Into the cache in one step, or not at all.
store() {
	mkdir "$cache/tmp.$$"
	cp "$obj/arch/x86/boot/bzImage" "$obj"/tests-modules/*.ko "$tree"/tools/testing/selftests/kselftest{,_harness}.h \
		"$tree"/scripts/{checkpatch.pl,spelling.txt,const_structs.checkpatch} \
		"$cache/tmp.$$"
	cp "$obj/.config" "$cache/tmp.$$/config"
	cp "$obj/include/config/kernel.release" "$cache/tmp.$$/release"
	mv -T "$cache/tmp.$$" "$cache/$key" || [ -f "$cache/$key/bzImage" ]
}

src=$(realpath -m "$src") obj=$(realpath -m "$obj") tmp=$(realpath "$tmp")
[ "$(cat "$src/.source_id" 2> /dev/null)" = "$source_id" ] ||
	step "Linux $kernel: getting the source" get_source
case $variant in
unpatched) tree=$src ;;
unshared) tree=$src-unshared ;;
*) tree=$src-patched ;;
esac
if [ "$variant" != unpatched ]; then
	step "Linux $kernel: applying the series" apply_series ||
		die "the series for $kernel does not apply to ${KERNEL_TREE:-$package}"
fi
if [ "$variant" = patches ]; then
	for dir in "$BUILD/patches/$kernel"{,-bind}; do
		[ ! -d "$dir" ] ||
			echo "  $dir: $(find "$dir" -name '*.patch' ! -name '0000-*' | wc -l) patches"
	done
	exit 0
fi

# Objects of an interrupted build or of another source may look up to date and
# not be: leave it to ccache to know.
rm -rf "$obj"
mkdir -p "$obj"
export PATH=/usr/lib/ccache:$PATH
# so that another checkout finds the same objects
CCACHE_BASEDIR=$(realpath "$BUILD/kernel")
export CCACHE_BASEDIR CCACHE_NOHASHDIR=1
export KBUILD_BUILD_TIMESTAMP='1970-01-01' KBUILD_BUILD_USER=build KBUILD_BUILD_HOST=build
step "Linux $kernel: configuring ($name)" configure
step "Linux $kernel: building ($name)" compile
step "Linux $kernel: building the tests' module ($name)" compile_module
store
link_result

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
# module, the headers of the kernel's test harness, its checkpatch.pl, and the key whose
# certificate the kernel trusts. It is kept, by the hash of all that went into it, in
# $IMA_NOCACHE_CACHE (~/.cache/ima_nocache), for all checkouts.
set -eu -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=kernel/source.sh
. "$here/source.sh"

kernel=$1 variant=$2 extra=${3:-}
configs=("$here/config/base.config")
[ "$variant" != patched ] || configs+=("$here/config/bind.config")
[ -z "$extra" ] || configs+=("$here/config/$extra.config")
[ ! -f "$here/config/$extra-$kernel.config" ] || configs+=("$here/config/$extra-$kernel.config")
NEEDED_MB=3500 # for a source tree and the objects of a kernel

find_source
[ "$variant" != unshared ] || export SERIES_WITHOUT=$sharing
key=$({
	echo "$source_id"
	gcc --version | head -n 1
	cat "$0" "$here/source.sh" "$here"/../tests/modules/* "${configs[@]}"
	[ "$variant" = unpatched ] || series_text
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

need_room "$NEEDED_MB" "building kernels"

src=$BUILD/kernel/src-$kernel
obj=$BUILD/kernel/obj-$name
tmp=$(mktemp -d "$BUILD/kernel/tmp.XXXXXX")
on_exit() {
	rm -rf "$tmp" "$cache/tmp.$$" "$cache/source/tmp.$$"
}

# Sets the tree up, and leaves the patches in $BUILD/patches.
take_series() {
	apply_series || return
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
	lost=$(lost_options "$obj/.config" "${configs[@]}")
	[ -z "$lost" ] || { echo "these options did not take effect: $lost"; return 1; }
	make -C "$tree" O="$obj" -j"$(nproc)" prepare
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
	cp "$obj/certs/signing_key.pem" "$cache/tmp.$$"
	cp "$obj/.config" "$cache/tmp.$$/config"
	cp "$obj/include/config/kernel.release" "$cache/tmp.$$/release"
	mv -T "$cache/tmp.$$" "$cache/$key" || [ -f "$cache/$key/bzImage" ]
}

src=$(realpath -m "$src") obj=$(realpath -m "$obj") tmp=$(realpath "$tmp")
get_source
case $variant in
unpatched) tree=$src ;;
unshared) tree=$src-unshared ;;
*) tree=$src-patched ;;
esac
if [ "$variant" != unpatched ]; then
	step "Linux $kernel: applying the series" take_series ||
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
# not be.
rm -rf "$obj"
mkdir -p "$obj"
use_ccache
export KBUILD_BUILD_TIMESTAMP='1970-01-01' KBUILD_BUILD_USER=build KBUILD_BUILD_HOST=build
step "Linux $kernel: configuring ($name)" configure
STEP_FILES=$(count_files "$tree" O="$obj" bzImage) step "Linux $kernel: building ($name)" compile
step "Linux $kernel: building the tests' module ($name)" compile_module
store
link_result

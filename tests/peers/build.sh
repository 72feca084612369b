#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Build another project's test suite, and make a disk of it.
#
# usage: tests/peers/build.sh SUITE KERNEL DISK
#
# It is built in $BUILD/peers/SUITE, and runs in a guest below the same path. selftests
# are those of the kernel's tree; KERNEL counts for them alone.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/progress.sh
. tests/progress.sh
suite=$1 kernel=$2 disk=$3
dir=$(realpath -m "$BUILD/peers/$suite")
SIZE=1G
# less to copy
export CFLAGS=-O1
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL

# Of the kernel's: what is about mounts, filesystems and how they are told about.
selftests() {
	local src test targets='' tests="filesystems filesystems/binderfs filesystems/fat
		filesystems/fuse filesystems/statmount filesystems/overlayfs
		filesystems/mount-notify filesystems/nsfs filesystems/open_tree_ns mount
		mount_setattr move_mount_set_group tmpfs proc"
	src=$(realpath "$BUILD/kernel/src-$kernel")
	for test in $tests; do
		[ ! -f "$src/tools/testing/selftests/$test/Makefile" ] || targets+=" $test"
	done
	unset CFLAGS
	# in a tree of its own: they leave objects beside their source
	cp -al "$src" "$dir.src"
	make -C "$dir.src" tinyconfig headers
	make -C "$dir.src/tools/testing/selftests" TARGETS="$targets" FORCE_TARGETS=0 \
		INSTALL_PATH="$dir" install
	# it runs until the guest's time is over
	sed -i '/:file_stressor$/d' "$dir/kselftest-list.txt"
	# built, but not on the list of what is run
	for test in mount_setattr:mount_setattr_test move_mount_set_group:move_mount_set_group_test; do
		grep -qx "$test" "$dir/kselftest-list.txt" || [ ! -x "$dir/${test/://}" ] ||
			echo "$test" >> "$dir/kselftest-list.txt"
	done
}

libfuse() {
	setup/apt-root.sh bookworm source "$dir" fuse3
	(cd "$dir" && meson setup -Dudevrulesdir=/lib/udev/rules.d build && ninja -C build)
}

util-linux() {
	setup/apt-root.sh bookworm source "$dir" util-linux
	# what its tests of mount(8) and libmount call
	(cd "$dir" && ./configure --disable-asciidoc --disable-nls --without-python \
		--without-systemd --without-readline &&
		make -j"$(nproc)" mount umount findmnt losetup blkid fdisk sfdisk mountpoint \
			unshare lsblk check-programs)
}

ima-evm-utils() {
	setup/apt-root.sh trixie source "$dir" ima-evm-utils
	(cd "$dir" && autoreconf -i && ./configure && make -j"$(nproc)" &&
		make -j"$(nproc)" -C tests check TESTS=)
}

make_disk() {
	rm -f "$disk.tmp"
	truncate -s "$SIZE" "$disk.tmp"
	mke2fs -q -F -t ext4 -d "$dir" "$disk.tmp" && mv "$disk.tmp" "$disk"
}

on_exit() {
	rm -rf "$dir.src"
}

[ ! "$disk" -nt "$0" ] || exit 0
rm -rf "$dir"
mkdir -p "$(dirname "$dir")" "$(dirname "$disk")"
if [ "$suite" = selftests ]; then
	kernel/build.sh "$kernel" patches
	step "building the tests of Linux $kernel" selftests
else
	step "building the tests of $suite" "$suite"
fi
step "making a disk of them" make_disk

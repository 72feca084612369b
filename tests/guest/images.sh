#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Make what guests boot from and mount: tests/guest/images.sh DIR
#
# DIR gets initramfs.gz, root.img with the same in an ext4 filesystem, and disks
# to mount: progs.img (ext4, with /progs) and btrfs.img. In the first two are
# busybox for a shell and small tools, the programs of tests/guest/programs as
# they are on this machine with the libraries they need, and the project's own.
# UTIL_LINUX, a directory with the util-linux of another Debian, adds newer.img:
# the same root with that.
set -eu -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
BUILD=${BUILD:-build}
out=$1
tmp=$(mktemp -d "$BUILD/images.XXXXXX")
root=$tmp/root images=$tmp/images
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

mkdir -p "$images" "$root"/{usr/bin,usr/sbin,usr/lib,usr/lib64,dev,proc,sys,run,tmp,mnt,etc,root,progs,tests}
for d in bin sbin lib lib64; do
	ln -s "usr/$d" "$root/$d"
done
chmod 1777 "$root/tmp"
printf 'root:x:0:0::/root:/bin/bash\nuser:x:1000:1000::/tmp:/bin/sh\n' > "$root/etc/passwd"
printf 'root:x:0:\nuser:x:1000:\n' > "$root/etc/group"

# shellcheck source=tests/guest/add.sh
. "$here/add.sh"
add_listed "$here/programs"
add "$BUILD/mount.ima_nocache" usr/sbin
mkdir "$root/tests/sanitized"
add "$BUILD/unit/mount.ima_nocache" tests/sanitized
for name in fuse fuseblk; do
	ln -s mount.ima_nocache "$root/usr/sbin/mount.ima_nocache.$name"
done
add /usr/sbin/mount.fuse3 usr/sbin
ln -s mount.fuse3 "$root/usr/sbin/mount.fuse"
chmod u+s "$root/usr/bin/fusermount3"
ln -s fusermount3 "$root/usr/bin/fusermount"
ln -s /proc/self/mounts "$root/etc/mtab"
add "$BUILD/switchfs" usr/bin
add "$BUILD/switchctl" usr/bin
add "$BUILD/fault" usr/bin
add "$BUILD/measure" tests
cp "$BUILD"/progs/prog[12] "$root/progs/"
cp "$here/init" "$root/init"
cp "$here/welcome" "$here"/../*/*.guest "$here"/../../{man/*.[78],doc/containers.md,doc/policies.md} \
	"$root/tests/"
# in a version of the format that all kernels take
secilc -c 31 -o "$root/tests/selinux.policy" -f /dev/null "$here/../lsm/selinux.cil"
apparmor_parser --skip-kernel-load --skip-cache --stdout "$here/../lsm/apparmor.profiles" \
	> "$root/tests/apparmor.policy"
add "$BUILD/confined" tests
mksquashfs "$BUILD/progs" "$root/tests/progs.squashfs" -quiet -no-progress
for test in "$BUILD"/tests/{selftests/ima,filesystems,model,hostile,attacks,allocations,options}/*_test; do
	[ ! -e "$test" ] || add "$test" tests
done

# newer: the same root with the util-linux of a newer Debian, from
# tests/helper/newer.sh, and all libraries that it needs
newer() {
	local lib=usr/lib/x86_64-linux-gnu program
	cp -a "$root" "$tmp/newer"
	for program in mount umount findmnt; do
		cp "$1/usr/bin/$program" "$tmp/newer/usr/bin/"
		"$1/usr/lib64/ld-linux-x86-64.so.2" --library-path "$1/$lib" \
			--list "$1/usr/bin/$program" | grep -o "$1/[^ ]*" |
			while read -r path; do
				cp -L "$path" "$tmp/newer/$lib/"
			done
	done
	# each library is to be found there alone
	find "$tmp/newer/usr" -name 'ld-linux-x86-64.so.2' -delete
	cp -L "$1/usr/lib64/ld-linux-x86-64.so.2" "$tmp/newer/usr/lib64/"
}

# sh is dash: that of busybox would take its own mount for the real one
ln -s dash "$root/usr/bin/sh"
cp /bin/busybox "$root/usr/bin/"
for applet in $(/bin/busybox --list); do
	[ -e "$root/usr/bin/$applet" ] || ln -s busybox "$root/usr/bin/$applet"
done

pack > "$images/initramfs.gz"

# image FILE SIZE MKFS...: a new filesystem
image() {
	truncate -s "$2" "$images/$1"
	"${@:3}" "$images/$1"
}
image root.img 64M mke2fs -q -t ext4 -d "$root"
image progs.img 8M mke2fs -q -t ext4 -L progs -d "$BUILD/progs"
if [ -n "${UTIL_LINUX:-}" ]; then
	newer "$UTIL_LINUX"
	image newer.img 128M mke2fs -q -t ext4 -d "$tmp/newer"
fi
image btrfs.img 128M mkfs.btrfs -q

rm -rf "$out"
mv -T "$images" "$out"

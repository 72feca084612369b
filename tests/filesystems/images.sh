#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Make the disk of filesystems_test: tests/filesystems/images.sh FILE
#
# An ext4 with an image of each type of filesystem that has a tool to make it. They
# are sparse, and as small as the tools allow. Servers of network filesystems are in servers/.
set -eu -o pipefail

out=$1
tmp=$(mktemp -d "${BUILD:-build}/filesystems.XXXXXX")
root=$tmp/files images=$tmp/images
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# image FILE SIZE MKFS...: a new filesystem
image() {
	truncate -s "$2" "$images/$1"
	"${@:3}" "$images/$1"
}

# The same with a program that not each release of Debian has: FILE.lacking tells the test.
image_if_there_is() {
	if command -v "$3" > /dev/null; then
		image "$@"
	else
		echo "this Debian has no $3" > "$images/$1.lacking"
	fi
}

mkdir "$root" "$images"
echo text > "$root/file"
image ext2.img 1M mke2fs -q -t ext2
image ext3.img 4M mke2fs -q -t ext3
image ext4.img 4M mke2fs -q -t ext4
image xfs.img 300M mkfs.xfs -q
image f2fs.img 64M mkfs.f2fs -q
image nilfs2.img 136M mkfs.nilfs2 -q
image jfs.img 16M mkfs.jfs -q
image_if_there_is reiserfs.img 4M mkreiserfs -q -ff -s 513
# which notes in HOME what it made last
HOME=$tmp image_if_there_is hfs.img 1M hformat -l hfs
image fat.img 1M mkfs.vfat
image exfat.img 4M mkfs.exfat
image ntfs3.img 4M mkntfs -q -F
image udf.img 2M mkudffs
image minix.img 1M mkfs.minix
image bfs.img 1M mkfs.bfs
xorriso -report_about SORRY -as mkisofs -quiet -hfsplus -o "$images/iso9660.img" "$root"
# nothing else here makes HFS+: it is what the third entry of the Apple
# partition map says, sectors of 512 bytes
read -r start count < <(od -An -tu4 --endian=big -j 1544 -N 8 "$images/iso9660.img")
dd status=none if="$images/iso9660.img" of="$images/hfsplus.img" skip="$start" count="$count"
mksquashfs "$root" "$images/squashfs.img" -quiet -no-progress
mkfs.erofs "$images/erofs.img" "$root"
mkfs.cramfs "$root" "$images/cramfs.img"
genromfs -d "$root" -f "$images/romfs.img"
image btrfs.img 128M mkfs.btrfs -q

cp -a "$(tests/filesystems/servers.sh)" "$images/servers"

truncate -s 400M "$tmp/disk"
mke2fs -q -t ext4 -d "$images" "$tmp/disk"
mv "$tmp/disk" "$out"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Get servers of NFS, SMB and 9p into a directory of their own, where nothing starts them,
# and print its name. It is to be changed into as the root.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
dir=$(realpath -m "$BUILD/servers-trixie")
if [ ! -e "$dir/usr/sbin/diod" ]; then
	rm -rf "$dir.tmp"
	setup/apt-root.sh trixie unpack "$dir.tmp" nfs-kernel-server samba diod >&2
	for link in bin sbin lib lib64; do
		[ -e "$dir.tmp/$link" ] || ln -s "usr/$link" "$dir.tmp/$link"
	done
	mkdir -p "$dir.tmp"/{dev,proc,run,export}
	# rpc.mountd does not look if it can open this
	ln -s ../proc/self/mounts "$dir.tmp/etc/mtab"
	rm -rf "$dir.tmp"/usr/share/{doc,man,locale}
	mv "$dir.tmp" "$dir"
	rm -rf "$dir.tmp.debs"
fi
echo "$dir"

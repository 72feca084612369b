#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Get the distribution's own kernel for the guests, unmodified, as a control.
#
# usage: kernel/image.sh KERNEL
#
# KERNEL is one of kernel/kernels. The image is the newest for virtual machines in that
# suite. The result is $BUILD/kernel/KERNEL-debian: bzImage and release, as kernel/build.sh
# makes them, and the modules that guests need, numbered in the order in which they are to be
# loaded. It is kept in $IMA_NOCACHE_CACHE (~/.cache/ima_nocache), for all checkouts.
set -eu -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=kernel/source.sh
. "$here/source.sh"

kernel=$1
images=$cache/image
read_kernels # sets $suite
# what tests/qemu/run.sh gives to a guest, and the experiment mounts
modules=(virtio_pci virtio_blk ext4 fuse overlay)

newest() {
	"$here/../setup/apt-root.sh" "$suite" newest "linux-$1-cloud-amd64"
}

# In later releases an image comes in parts.
download() {
	local part packages=()
	for part in image base binary modules; do
		mapfile -t -O ${#packages[@]} packages < <(newest "$part-${release//+/[+]}")
	done
	"$here/../setup/apt-root.sh" "$suite" download "$tmp/debs" "${packages[@]}"
}

unpack() {
	local deb path n=0
	for deb in "$tmp"/debs/*.deb; do
		dpkg-deb -x "$deb" "$tmp/root" || return
	done
	# kmod looks in one of two places, which are one on a whole system
	mkdir -p "$tmp/root/lib" "$tmp/root/usr/lib" "$tmp/result"
	cp -a "$tmp/root/lib/." "$tmp/root/usr/lib/"
	rm -r "$tmp/root/lib"
	ln -s usr/lib "$tmp/root/lib"
	depmod -b "$tmp/root" "$release-cloud-amd64" || return
	modprobe -d "$tmp/root" -S "$release-cloud-amd64" -a --show-depends "${modules[@]}" |
		awk '$1 == "insmod" && !seen[$2]++ { print $2 }' > "$tmp/paths" || return
	while read -r path; do
		n=$((n + 1))
		case $path in
		*.xz) xz -dc "$path" ;;
		*) cat "$path" ;;
		esac > "$tmp/result/$(printf %02d $n)-$(basename "${path%.xz}")" || return
	done < "$tmp/paths"
	# in boot/ or with the modules
	cp "$(find "$tmp/root" -type f -name 'vmlinuz*')" "$tmp/result/bzImage" || return
	echo "$release-cloud-amd64" > "$tmp/result/release"
}

release=$(newest 'image-[0-9][^-]*(-[0-9]+)?')
[ -n "$release" ] || die "$suite has no image for virtual machines"
release=${release#linux-image-} release=${release%-cloud-amd64}
mkdir -p "$BUILD/kernel" "$images"
if [ ! -d "$images/$release" ]; then
	tmp=$(mktemp -d "$images/tmp.XXXXXX")
	on_exit() {
		rm -rf "$tmp"
	}
	step "Debian's own Linux $release: downloading" download
	step "Debian's own Linux $release: unpacking" unpack
	mv -T "$tmp/result" "$images/$release" || [ -d "$images/$release" ]
fi
ln -sfnT "$images/$release" "$BUILD/kernel/$kernel-debian"

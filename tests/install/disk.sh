#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Make the disk of a machine with an installed Debian: a partition, a boot loader, the
# distribution's kernel, systemd.
#
# usage: tests/install/disk.sh SUITE
#
# The result is $BUILD/images/installed-SUITE.img. Each boot runs "run" of the disk that is
# labelled "stage", reports on the second serial port, and ends. It is kept in
# $IMA_NOCACHE_CACHE by the hash of what went into it.
set -eu -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/progress.sh
. "$here/../progress.sh"
# shellcheck source=tests/debian.sh
. "$here/../debian.sh"
suite=$1
cache=${IMA_NOCACHE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ima_nocache}
SIZE=4G
START=1 # of the partition, in MiB

read_index "$suite"
key=$({
	cat "$here/disk.sh" "$here/packages" "$here/boot.sh" "$here/loader.stage" "$here/../debian.sh"
	index_text "$suite"
} | sha256sum | cut -c 1-32)
mkdir -p "$BUILD/images" "$cache"
link_result() {
	ln -sfnT "$cache/$key/disk.img" "$BUILD/images/installed-$suite.img"
}
if [ -f "$cache/$key/disk.img" ]; then
	link_result
	echo "  an installed Debian $suite: up to date"
	exit 0
fi

tmp=$(mktemp -d "$BUILD/installed.XXXXXX")
on_exit() {
	rm -rf --one-file-system "$tmp" "$cache/tmp.$$"
}

configure() {
	local root=$tmp/root
	echo 'debian' > "$root/etc/hostname"
	echo '/dev/vda1 / ext4 errors=remount-ro 0 1' > "$root/etc/fstab"
	cat > "$root/etc/default/grub" <<-'END'
		GRUB_DEFAULT=0
		GRUB_TIMEOUT=0
		GRUB_DISTRIBUTOR=Debian
		GRUB_CMDLINE_LINUX_DEFAULT=""
		GRUB_CMDLINE_LINUX="console=ttyS0 loglevel=5"
		GRUB_TERMINAL=console
	END
	cat > "$root/etc/systemd/system/stage.service" <<-'END'
		[Unit]
		Description=what is to be done in this boot
		[Service]
		Environment=HOME=/root
		ExecStartPre=/bin/mkdir -p /run/stage
		ExecStartPre=/bin/mount -o ro LABEL=stage /run/stage
		ExecStart=/bin/sh -c 'stty -F /dev/ttyS1 raw -echo; /run/stage/run > /dev/ttyS1 2> /dev/ttyS0; echo "guest: status $$?" > /dev/ttyS1; sync; exec systemctl poweroff'
		[Install]
		WantedBy=multi-user.target
	END
	chroot "$root" systemctl -q enable stage.service ssh.service
	# a login prompt would take the line from who writes to it
	chroot "$root" systemctl -q mask serial-getty@ttyS0.service
}

# The boot loader is what only the machine itself can install: it boots once without.
make_disk() {
	local root=$tmp/root
	truncate -s "$SIZE" "$tmp/disk.img"
	echo "start=${START}MiB, type=83, bootable" | sfdisk -q "$tmp/disk.img"
	mke2fs -q -t ext4 -d "$root" -E "offset=$((START << 20))" "$tmp/disk.img" \
		"$((4096 - START))M" || return
	cp "$root"/boot/vmlinuz-* "$tmp/vmlinuz"
	cp "$root"/boot/initrd.img-* "$tmp/initrd.img"
}

install_loader() {
	mkdir "$tmp/stage"
	cp "$here/loader.stage" "$tmp/stage/run"
	"$here/boot.sh" "$tmp/disk.img" "$tmp/stage" "$BUILD/install/loader-$suite" \
		-kernel "$tmp/vmlinuz" -initrd "$tmp/initrd.img" \
		-append "root=/dev/vda1 ro console=ttyS0 loglevel=5"
}

store() {
	mkdir "$cache/tmp.$$"
	cp --sparse=always "$tmp/disk.img" "$cache/tmp.$$/disk.img"
	mv -T "$cache/tmp.$$" "$cache/$key" || [ -f "$cache/$key/disk.img" ]
}

step "an installed Debian $suite: packages" bootstrap "$suite" "$tmp/root" \
	"$(grep -v '^#' "$here/packages" | paste -sd ,)"
step "an installed Debian $suite: configuring" configure
step "an installed Debian $suite: making the disk" make_disk
step "an installed Debian $suite: installing the boot loader" install_loader
step "an installed Debian $suite: storing the disk" store
link_result

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Boot an installed machine once, from its disk, which keeps what is written to it.
#
# usage: tests/install/boot.sh DISK STAGE OUT [QEMU OPTION]...
#
# STAGE is a directory that the machine gets as a disk; it runs "run" of it. OUT gets
# console.log and report. Exit status 0: it ended with status 0, and the kernel log holds
# no warning.
set -eu -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
disk=$1 stage=$2 out=$3
shift 3
GUEST_TIMEOUT=${GUEST_TIMEOUT:-1200} # seconds
case $disk in *.qcow2) format=qcow2 ;; *) format=raw ;; esac

rm -rf "$out"
mkdir -p "$out"
chmod +x "$stage/run"
size=$(du -sm "$stage" | cut -f 1)
truncate -s "$((size * 5 / 4 + 8))M" "$out/stage.img"
mke2fs -q -t ext4 -L stage -d "$stage" "$out/stage.img"
status=0
timeout --foreground -k 5 "$GUEST_TIMEOUT" setpriv --pdeathsig KILL -- \
	qemu-system-x86_64 -accel "$("$here/../qemu/accel.sh")" -cpu max -smp 2 -m 1024 -nic none \
	-no-reboot -display none -monitor none \
	-drive "file=$disk,format=$format,if=virtio" \
	-drive "file=$out/stage.img,format=raw,if=virtio,readonly=on" \
	-serial "file:$out/console.log" -serial "file:$out/report" "$@" < /dev/null || status=$?
rm "$out/stage.img"
[ "$status" != 124 ] || { echo "the machine hung: see $out/console.log"; exit 1; }
[ "$status" = 0 ] || { echo "QEMU failed with status $status"; exit 1; }
if grep -nE '\[ *[0-9]+\.[0-9]+\].*(WARNING:|BUG:|Oops|Kernel panic|general protection)' "$out/console.log"; then
	echo "the kernel complained: see $out/console.log"
	exit 1
fi
last=$(tail -n 1 "$out/report")
[ "$last" = "guest: status 0" ] || { echo "it ended with '$last': see $out"; exit 1; }

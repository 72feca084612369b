#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Print kvm or tcg: how QEMU is to run guests here. ACCEL= decides by hand.
#
# That /dev/kvm is there does not tell that a guest runs: boot five bytes that
# end the machine through QEMU's debug-exit device, and see if they do.
set -eu

case ${ACCEL:-} in
kvm | tcg)
	echo "$ACCEL"
	exit 0
	;;
'') ;;
*)
	echo "ACCEL=$ACCEL: kvm or tcg" >&2
	exit 1
	;;
esac

probe() {
	timeout -k 1 5 qemu-system-x86_64 -accel "$1" -cpu max -m 16 -nic none \
		-display none -drive "file=$2,format=raw" \
		-device isa-debug-exit,iobase=0xf4,iosize=4 < /dev/null > /dev/null
}

# once for each boot of this machine
known=${BUILD:-build}/accel-$(cat /proc/sys/kernel/random/boot_id)
if [ ! -s "$known" ]; then
	sector=$(mktemp "${BUILD:-build}/sector.XXXXXX")
	trap 'rm -f "$sector"' EXIT
	# mov $16, %al; out %al, $0xf4; hlt; and at the end the boot signature
	printf '\260\020\346\364\364' > "$sector"
	truncate -s 510 "$sector"
	printf '\125\252' >> "$sector"
	status=0
	# QEMU aborts where /dev/kvm is broken; the shell need not tell
	{ [ -w /dev/kvm ] && probe kvm "$sector"; } 2> /dev/null || status=$?
	# the device makes 2 * 16 + 1 of the sixteen
	# in one step: others may be here at the same time
	if [ "$status" = 33 ]; then echo kvm; else echo tcg; fi > "$sector"
	mv "$sector" "$known"
fi
cat "$known"

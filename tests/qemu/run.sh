#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Run a guest to its end.
#
# usage: tests/qemu/run.sh KERNEL_DIR OUT_DIR "WORDS OF THE COMMAND LINE" DISK...
#
# It boots from the initramfs, or from the first disk where the words have root=.
# OUT_DIR gets console.log, the kernel's log, and report, what the test wrote; -
# gives an interactive guest. The disks are files of $BUILD/images, and what is
# written to them is lost at the end. Exit status 0: the test ended with status
# 0, or with GUEST_STATUS ("panic" if the kernel must not come up at all), and the
# kernel log holds no warning.
set -eu -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
BUILD=${BUILD:-build}
kernel=$1 out=$2 words=$3
GUEST_TIMEOUT=${GUEST_TIMEOUT:-300} # seconds, for a guest that hangs
# Emulated CPUs that wake each other take several times as long, above all when they have
# to share real ones with other guests.
GUEST_CPUS=${GUEST_CPUS:-1}
# In the environment: GUEST_WORDS are added to the command line, GUEST_SHARE is a
# directory that the guest may mount by 9p as "share", GUEST_MEMORY is in MB. GUEST_MORE
# is an archive of $BUILD/images to go behind the initramfs. With GUEST_TPM, a directory with
# its state or "new", the guest has a TPM 2.0. With GUEST_KEXEC it has its own kernel and
# initramfs as /tests/bzImage and /tests/initrd.gz. GUEST_LINE makes the pipes of that name with
# .in and .out behind it the guest's third serial port. With GUEST_COUNTED the guest has one
# CPU, of that model, whose time is the number of instructions executed.

if [ -n "${GUEST_COUNTED:-}" ]; then
	machine=(-accel "tcg,thread=single" -icount "shift=0,sleep=off" -cpu "$GUEST_COUNTED")
else
	accel=$("$here/accel.sh")
	# sockets: without ACPI a kernel sees one CPU of each
	machine=(-accel "$accel" -cpu max -smp "$GUEST_CPUS,sockets=$GUEST_CPUS")
fi
machine+=(-m "${GUEST_MEMORY:-1024}" -nic none -no-reboot -kernel "$kernel/bzImage")
for disk in "${@:4}"; do
	machine+=(-drive "file=$BUILD/images/$disk,format=raw,if=virtio,snapshot=on")
done
[ -z "${GUEST_SHARE:-}" ] || machine+=(-virtfs
	"local,path=$GUEST_SHARE,mount_tag=share,security_model=none,readonly=on")
# Warnings are on the console, which is looked through at the end, and what is less is not.
# Small kernels keep 4 KB of log, and a test of audit records reads it afterwards.
[ -z "${GUEST_TPM:-}" ] || tpm_words="tpm_tis.force=1 tpm_tis.interrupts=0" # without ACPI
append="console=ttyS0 loglevel=5 log_buf_len=16M panic=-1 oops=panic reboot=t ${tpm_words:-} ${GUEST_WORDS:-} $words"

# QEMU goes when this script goes, however that happens
run() {
	setpriv --pdeathsig KILL -- "$@"
}

if [ "$out" = - ]; then
	machine+=(-initrd "$BUILD/images/initramfs.gz")
	run qemu-system-x86_64 "${machine[@]}" -nographic -append "$append"
	exit
fi

rm -rf "$out"
mkdir -p "$out"
status=0

# The kernel's own modules and key, in the guest's /tests, are an archive behind the other.
if [[ $words != *root=* ]]; then
	mkdir "$out/tests"
	cp "$kernel"/*.ko "$out/tests"
	[ ! -e "$kernel/signing_key.pem" ] || cp "$kernel/signing_key.pem" "$out/tests"
	files=("$BUILD/images/initramfs.gz" ${GUEST_MORE:+"$BUILD/images/$GUEST_MORE"})
	[ -z "${GUEST_KEXEC:-}" ] || {
		cp "$kernel/bzImage" "$out/tests"
		cat "${files[@]}" > "$out/tests/initrd.gz"
	}
	{
		cat "${files[@]}"
		(cd "$out" && find tests | cpio --quiet -o -H newc -R 0:0 | gzip -1)
	} > "$out/initrd.gz"
	machine+=(-initrd "$out/initrd.gz")
fi
if [ -n "${GUEST_TPM:-}" ]; then
	tpm=$(mktemp -d) # a socket's name may not be long
	trap 'kill "$(cat "$tpm/pid" 2> /dev/null)" 2> /dev/null || :; rm -rf "$tpm"' EXIT
	if [ "$GUEST_TPM" = new ]; then
		GUEST_TPM=$out/tpm
		mkdir "$GUEST_TPM"
	fi
	swtpm socket --tpm2 --tpmstate "dir=$(realpath "$GUEST_TPM")" --daemon --terminate \
		--ctrl "type=unixio,path=$tpm/socket" --pid "file=$tpm/pid"
	machine+=(-chardev "socket,id=tpm,path=$tpm/socket" -tpmdev "emulator,id=tpm0,chardev=tpm"
		-device "tpm-tis,tpmdev=tpm0")
fi
run timeout --foreground -k 5 "$GUEST_TIMEOUT" setpriv --pdeathsig KILL -- \
	qemu-system-x86_64 "${machine[@]}" -display none -monitor none \
	-serial "file:$out/console.log" -serial "file:$out/report" \
	${GUEST_LINE:+-serial "pipe:$GUEST_LINE"} -append "$append" < /dev/null || status=$?
[ "$status" != 124 ] || { echo "the guest hung: see $out/console.log"; exit 1; }
[ "$status" = 0 ] || { echo "QEMU failed with status $status"; exit 1; }

if [ "${GUEST_STATUS:-0}" = panic ]; then
	grep -q 'Kernel panic' "$out/console.log" || { echo "the kernel came up"; exit 1; }
	exit
fi
if grep -nE '\[ *[0-9]+\.[0-9]+\].*(WARNING:|BUG:|Oops|Kernel panic|general protection|INFO: |UBSAN:)' "$out/console.log"; then
	echo "the kernel complained: see $out/console.log"
	exit 1
fi
last=$(tail -n 1 "$out/report")
case $last in
"guest: status ${GUEST_STATUS:-0}") ;;
'guest: status '*) echo "the test ended with ${last#guest: }: see $out/report"; exit 1 ;;
*) echo "the guest ended early: see $out/console.log"; exit 1 ;;
esac

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Compile what the series touches for machines that nothing here runs on: with 32 bits, and
# with the other order of bytes. Prints KTAP.
#
# usage: kernel/check-machines.sh KERNEL
#
# The compiler must not warn (W=1) of anything that it does not warn of without the series.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
kernel=$1
BUILD=$(realpath "${BUILD:-build}")
export BUILD
# ARCH, and the prefix of its compiler
MACHINES=("i386 " "s390 s390x-linux-gnu-")

"$here/build.sh" "$kernel" patches >&2
src=$BUILD/kernel/src-$kernel
work=$BUILD/check-machines/$kernel
rm -rf "$work"
mkdir -p "$work"
export PATH=/usr/lib/ccache:$PATH
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL

# What the series touches, or adds.
mapfile -t objects < <(sed -n 's|^+++ b/\(.*\)\.c$|\1.o|p' "$BUILD/patches/$kernel"{,-bind}/*.patch |
	grep -v '^tools/' | sort -u)

# compile TREE OBJ: fails where anything does not compile, with the series or without
compile() {
	local tree=$1 obj=$2 object wanted=()
	mkdir "$obj" && make -s -C "$tree" O="$obj" tinyconfig || return
	sed /CONFIG_64BIT/d "$here"/config/{base,bind}.config > "$obj/fragment"
	"$tree/scripts/kconfig/merge_config.sh" -m -O "$obj" "$obj/.config" "$obj/fragment" &&
		make -s -C "$tree" O="$obj" olddefconfig &&
		make -s -C "$tree" O="$obj" -j"$(nproc)" prepare || return
	for object in "${objects[@]}"; do
		[ ! -f "$tree/${object%.o}.c" ] || wanted+=("$object")
	done
	make -s -C "$tree" O="$obj" W=1 -k -j"$(nproc)" "${wanted[@]}" || return
	for object in "${wanted[@]}"; do
		[ -f "$obj/$object" ] || { echo "there is no $object"; return 1; }
	done
}

# warnings LOG: without line numbers, and without the tree that they are of
warnings() {
	sed -E -e 's/:[0-9]+(:[0-9]+)?:/:/' -e "s|^$src(-patched)?/||" "$1" | { grep 'warning: ' || :; } | sort -u
}

echo "TAP version 13"
echo "1..${#MACHINES[@]}"
n=0 failed=0
for machine in "${MACHINES[@]}"; do
	n=$((n + 1)) bad="not "
	export ARCH=${machine% *} CROSS_COMPILE=${machine#* }
	if compile "$src" "$work/$ARCH" > "$work/$ARCH.log" 2>&1 &&
		compile "$src-patched" "$work/$ARCH-patched" > "$work/$ARCH-patched.log" 2>&1; then
		new=$(comm -13 <(warnings "$work/$ARCH.log") <(warnings "$work/$ARCH-patched.log"))
		[ -n "$new" ] && echo "# ${new//$'\n'/$'\n'# }" || bad=
	else
		echo "# see $work/$ARCH*.log"
	fi
	[ -z "$bad" ] || failed=1
	echo "${bad}ok $n - $kernel: the series compiles for $ARCH, and adds no warning"
done
exit $failed

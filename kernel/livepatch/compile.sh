#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Compile a live patch, in a root that has the compiler of the kernel that it is for.
#
# usage: compile.sh MODULE CONFIG PATCH...
#
# The current directory has: source, the pristine source; debs, where the kernel's packages
# are unpacked, and kpatch-build; objects, the files to compile, one a line. The result is
# MODULE.ko there. With REPLACE=true in the environment it replaces all other live patches, else
# with REPLACE=false none. kpatch-build itself would compile all of the kernel, twice, and does not
# take a kernel that has IBT; what compares and links objects for it is used in its place.
set -eu -o pipefail

module=$1 config=$2
shift 2
top=$PWD
kpatch=$top/debs/usr/lib/kpatch
headers=$(dirname "$config")
vmlinux=$(echo "$top"/debs/usr/lib/debug/boot/vmlinux-*)

# Without IBT objtool looks at each file by itself, and not at all of the kernel. Where the
# kernel has it, what is called by a pointer must begin with an ENDBR all the same.
flags="-ffunction-sections -fdata-sections -I$top/debs/usr/share/kpatch/patch"
if grep -q '^CONFIG_X86_KERNEL_IBT=y' "$config"; then
	flags+=" -fcf-protection=branch"
fi

# build TREE TARGET...
build() {
	make -C "$1" -j"$(nproc)" KERNELRELEASE="$release" KCFLAGS="$flags" "${@:2}"
}

configure() {
	cp "$config" source/.config
	cp "$headers/Module.symvers" source/
	source/scripts/config --file source/.config --disable X86_KERNEL_IBT
	build source olddefconfig
	build source prepare modules_prepare
}

# What the patches add to a header of all of the kernel is given to each file that is compiled,
# so that no other has to be.
patch_source() {
	local header=include/linux/fs.h
	cp -al source patched
	for patch in "$@"; do
		patch -d patched -p1 -F0 --no-backup-if-mismatch -i "$top/$patch"
	done
	{
		diff "source/$header" "patched/$header" | sed -n 's/^> //p' || :
		printf '#define LIVEPATCH_BANNER "%s\\n"\n' "$banner"
	} > given.h
	cp --remove-destination -p "source/$header" "patched/$header"
}

# The sizes of what the kernel has tables of, as create-diff-object is told them.
struct_sizes() {
	pahole --sizes "$vmlinux" | awk '
		BEGIN {
			n["alt_instr"] = "ALT"; n["bug_entry"] = "BUG"; n["exception_table_entry"] = "EX"
			n["jump_entry"] = "JUMP"; n["orc_entry"] = "ORC"; n["paravirt_patch_site"] = "PARA"
			n["static_call_site"] = "STATIC_CALL"; n["pi_entry"] = "PRINTK_INDEX"
		}
		$1 in n { print "export " n[$1] "_STRUCT_SIZE=" $2 }'
}

# module_of OBJECT: the module that it is a part of, or vmlinux
module_of() {
	local command
	command=$(dirname "$1")/.$(basename "$1").cmd
	if grep -q -e ' -DMODULE ' "source/$command"; then
		grep -oE 'KBUILD_MODNAME=[a-z_]+' "source/$command" | head -n 1 | cut -d = -f 2
	else
		echo vmlinux
	fi
}

# Where its symbols are told.
symbols_of() {
	local file
	[ ! -s "symbols/$1" ] || return 0
	mkdir -p symbols
	if [ "$1" = vmlinux ]; then
		readelf -s --wide "$vmlinux" > "symbols/$1"
	else
		file=$(find debs/usr/lib/modules debs/lib/modules -name "$1.ko*" 2> /dev/null | head -n 1)
		case $file in
		*.xz) xz -dc "$file" ;;
		*) cat "$file" ;;
		esac > "symbols/$1.ko"
		readelf -s --wide "symbols/$1.ko" > "symbols/$1"
	fi
}

# What has changed, and what it needs, object by object. Status 3: nothing has.
compare() {
	local object part status
	while read -r object; do
		part=$(module_of "$object")
		symbols_of "$part"
		mkdir -p "changed/$(dirname "$object")"
		status=0
		"$kpatch/create-diff-object" "source/$object" "patched/$object" "$part" "symbols/$part" \
			source/Module.symvers "$module" "changed/$object" || status=$?
		[ "$status" = 0 ] || [ "$status" = 3 ] || return "$status"
	done < objects
}

link_module() {
	local changed
	cp -rL debs/usr/share/kpatch/patch module
	# no <(...), which takes a /dev/fd
	find changed -name '*.o' | sort > changed/list
	mapfile -t changed < changed/list
	ld -r -o module/output.o "${changed[@]}"
	touch module/.output.o.cmd
	(cd module && make KPATCH_BUILD="$top/source" KPATCH_NAME="$module" KPATCH_LDFLAGS= \
		KERNELRELEASE="$release" KCFLAGS="$flags" \
		CFLAGS_MODULE=-DKLP_REPLACE_ENABLE="$REPLACE")
	"$kpatch/create-klp-module" --no-klp-arch-sections "module/$module.ko" "$module.ko"
}

rm -rf patched changed symbols module
banner=$(strings "$vmlinux" | grep -m 1 '^Linux version .* #[0-9]') || :
[ -n "$banner" ] || { echo "$vmlinux has no banner"; exit 1; }
compiler=$(gcc --version | sed -n '1s/^[^(]*//p')
[[ $banner = *"$compiler"* ]] || { echo "$compiler is not the compiler of: $banner"; exit 1; }
release=$(cut -d ' ' -f 3 <<< "$banner")
if [ ! -e source/.prepared ]; then
	configure
	touch source/.prepared
fi
patch_source "$@"
struct_sizes > sizes
# shellcheck source=/dev/null
. ./sizes
mapfile -t objects < objects
build source "${objects[@]}"
flags+=" -include $top/given.h"
build patched "${objects[@]}"
compare
link_module

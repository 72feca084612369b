#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2317 # some functions are called through check
# Check a series as its reviewers would. Prints KTAP.
#
# usage: kernel/check-series.sh KERNEL
#
# It applies without fuzz or offset, git am takes it, and checkpatch.pl --strict has
# nothing to say. Each patch builds alone, in each of the configurations below, and W=1
# and sparse say nothing about it that they did not say before. With all of it, nothing can
# lose a flag of a superblock that is in use; without IMA nothing grows but what the option
# passes through. refresh.sh takes the series back as it is.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
kernel=$1
# shellcheck source=kernel/series.sh
. "$here/series.sh"
BUILD=$(realpath "${BUILD:-build}")
export BUILD

# Without these options, each by itself, must it build too.
WITHOUT=(nothing IMA IMA_APPRAISE IMA_BIND EVM OVERLAY_FS)

# These may grow without IMA, though nobody can set the flag then: what hands it on from
# an fs_context or a layer, and evm_verify_hmac(), which looks for the real dentry, and for
# nothing there. Before the newest it is the VFS that knows the option: it refuses it, and shows
# and forces it.
may_grow="vfs_get_tree reconfigure_super finish_automount evm_verify_hmac ovl_fill_super"
case $kernel in
newest) may_grow+=" devtmpfs_get_tree" ;;
*)
	may_grow+=" vfs_parse_fs_param vfs_parse_ima_nocache legacy_parse_monolithic"
	may_grow+=" legacy_parse_ima_nocache security_sb_show_options alloc_super"
	;;
esac

"$here/build.sh" "$kernel" patches >&2
patches=()
for dir in "$BUILD/patches/$kernel"{,-bind}; do
	part=("$dir"/*.patch)
	patches+=("${part[@]:1}") # the first is the cover letter
done
src=$BUILD/kernel/src-$kernel
work=$BUILD/check-series/$kernel
rm -rf "$work"
mkdir -p "$work"
export PATH=/usr/lib/ccache:$PATH
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL
n=0
failed=0

result() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $kernel: $2"
	else
		echo "not ok $n - $kernel: $2"
		failed=1
	fi
}

# The first one is what the others start from: it has built the kernel's tools.
configure() {
	local obj=$work/without-$1 first=$work/without-${WITHOUT[0]}
	if [ "$obj" = "$first" ]; then
		mkdir "$obj"
		make -s -C "$work/tree" O="$obj" tinyconfig
	else
		cp -a "$first" "$obj"
	fi
	cat "$here"/config/{base,bind}.config > "$obj/fragment"
	[ "$1" = nothing ] || echo "# CONFIG_$1 is not set" >> "$obj/fragment"
	settle "$1"
}

# settle CONFIGURATION: as far as the tree knows its options
settle() {
	local obj=$work/without-$1
	"$work/tree/scripts/kconfig/merge_config.sh" -m -O "$obj" "$obj/.config" "$obj/fragment"
	make -s -C "$work/tree" O="$obj" olddefconfig
	make -s -C "$work/tree" O="$obj" prepare
}

# The objects that a patch touches, as far as the configuration has them.
objects() {
	sed -n 's|^+++ b/\(.*\)\.c$|\1.o|p' "$1" | grep -v '^tools/' | sort -u
}

# compile CONFIGURATION OBJECTS...: what W=1 and sparse say, without line numbers. The headers of
# 6.1 and 6.12 do not tell sparse that refcount_dec_and_lock() locks only if it returns true. So
# it warns of ima_copy_put(), as it does of free_uid() there.
compile() {
	local obj=$work/without-$1 object wanted=()
	shift
	for object in "$@"; do
		case $(basename "$obj")/$object in
		without-IMA/security/integrity/ima/*) ;;
		without-IMA_APPRAISE/security/integrity/ima/ima_appraise.o) ;;
		without-EVM/security/integrity/evm/*) ;;
		without-OVERLAY_FS/fs/overlayfs/*) ;;
		without-IMA_BIND/security/integrity/ima/ima_bind.o) ;;
		*) wanted+=("$object") ;;
		esac
	done
	[ "${#wanted[@]}" != 0 ] || return 0
	{ make -s -k -j"$(nproc)" -C "$work/tree" O="$obj" W=1 C=2 "${wanted[@]}" 2>&1 || :; } |
		sed -E -e 's/:[0-9]+(:[0-9]+)?:/:/' -e "/context imbalance in 'ima_copy_put'/d" |
		{ grep -E '(warning|error): |\*\*\*' || :; } | sort -u
}

# Of what is compiled without IMA, each function and its size.
functions() {
	local object
	for object in "${all_objects[@]}"; do
		[ ! -f "$work/without-IMA/$object" ] || nm -S --defined-only "$work/without-IMA/$object" |
			awk -v object="$object" '$3 ~ /^[tT]$/ { print object, $4, $2 }'
	done | sort
}

# A repository with the series as commits, as its reviewers would have it.
am_series() {
	mkdir "$work/am"
	# what is changed; what is added is not there
	sed -n 's|^--- a/||p' "${patches[@]}" | sort -u |
		(cd "$src" && xargs ls -d 2> /dev/null | xargs cp --parents -t "$work/am") || :
	git -C "$work/am" init -q
	git -C "$work/am" add -A -f
	git -C "$work/am" commit -q -m base
	git -C "$work/am" tag base
	git -C "$work/am" am -q --whitespace=error "${patches[@]}"
}

refresh_series() {
	mkdir "$work/kernel"
	cp -r "$here/." "$work/kernel"
	"$work/kernel/refresh.sh" "$kernel" "$work/am" base &&
		diff -r "$here" "$work/kernel"
}

cp -al "$src" "$work/tree"
for without in "${WITHOUT[@]}"; do
	configure "$without" > "$work/configure-$without.log" 2>&1 ||
		{ tail -n 5 "$work/configure-$without.log" >&2; exit 1; }
done
mapfile -t all_objects < <(for p in "${patches[@]}"; do objects "$p"; done | sort -u)
for without in "${WITHOUT[@]}"; do
	compile "$without" "${all_objects[@]}" > "$work/before-$without"
done

echo "TAP version 13"
echo "1..$((${#patches[@]} * 3 + 5))"
for p in "${patches[@]}"; do
	name=$(basename "$p" .patch)
	bad=0
	patch -d "$work/tree" -p1 -F0 --no-backup-if-mismatch -i "$p" > "$work/apply" || bad=1
	! grep -E 'offset|fuzz' "$work/apply" || bad=1
	result "$bad" "$name applies without fuzz or offset"
	bad=0
	said=$(perl "$work/tree/scripts/checkpatch.pl" --no-tree --strict --ignore FILE_PATH_CHANGES -q - < "$p") || bad=1
	[ -z "$said" ] || { echo "# ${said//$'\n'/$'\n'# }"; bad=1; }
	result "$bad" "$name passes checkpatch.pl --strict"

	! grep -q '^+++ b/.*/Kconfig$' "$p" || for without in "${WITHOUT[@]}"; do
		settle "$without" > "$work/settle.log" 2>&1
	done
	mapfile -t touched < <(objects "$p")
	bad=0
	[ "${#touched[@]}" = 0 ] || for without in "${WITHOUT[@]}"; do
		compile "$without" "${touched[@]}" > "$work/after"
		new=$(comm -13 "$work/before-$without" "$work/after")
		[ -z "$new" ] || { echo "# without $without: $new"; bad=1; }
	done
	result "$bad" "$name builds alone, and adds no warning"
	# the patches up to this one change code that has nothing to do with the option
	[[ $p != *-fs-change-s_iflags-of-* ]] || functions > "$work/functions"
done

# check NAME COMMAND: what it says is said if it fails
check() {
	local bad=0 said
	said=$("$2" 2>&1) || bad=1
	[ "$bad" = 0 ] || echo "# ${said//$'\n'/$'\n'# }"
	result "$bad" "$1"
}
s_iflags() {
	"$here/s_iflags.sh" "$work/tree"
}

# It must find the one that all kernels have.
s_iflags_of_unpatched() {
	{ "$here/s_iflags.sh" "$src" || :; } | grep -F " mnt_warn_timestamp_expiry:" > /dev/null
}

nothing_else_grows() {
	[ -s "$work/functions" ] && functions > "$work/functions-after" || return
	# sizes have the same number of digits; parts of a function end in .isra.0 or the like
	awk -v may_grow=" $may_grow " 'FNR == NR { size[$1, $2] = $3; next }
		{ name = $2; sub(/[.].*/, "", name) }
		!index(may_grow, " " name " ") && "x" $3 > "x" size[$1, $2]' \
		"$work/functions" "$work/functions-after" > "$work/more"
	cat "$work/more"
	[ ! -s "$work/more" ]
}

check "without IMA nothing grows but what the option passes through" nothing_else_grows
check "s_iflags of a live superblock is changed atomically only" s_iflags
check "control: not so without the series" s_iflags_of_unpatched
check "git am takes the series" am_series
check "refresh.sh takes the series over as it is" refresh_series
exit "$failed"

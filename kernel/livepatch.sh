#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Make a live patch of the first series for one of the distribution's kernels, as it is.
#
# usage: kernel/livepatch.sh KERNEL
#
# KERNEL is one of kernel/kernels that is in a stable release. In the environment:
#   RELEASE=6.12.117+deb13-amd64    for this one, as uname -r says it; if nothing is said, for
#                                   the newest in that release of Debian
#   FLAVOUR=amd64|cloud-amd64       of which flavour the newest; amd64 if nothing is said
#   EXTRA="FILE..."                 patches of tests: each makes a live patch besides, and one
#                                   that is called replaces-* replaces all others
# The package is put into $BUILD/livepatch/. It is kept, by the hash of all that went into it,
# in $IMA_NOCACHE_CACHE (~/.cache/ima_nocache). Takes root, for a root of that release with the
# compiler that the kernel was compiled with.
set -eu -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=kernel/source.sh
. "$here/source.sh"
# shellcheck source=tests/debian.sh
. "$here/../tests/debian.sh"

kernel=$1
release=${RELEASE:-}
flavour=${FLAVOUR:-amd64}
read -ra extra <<< "${EXTRA:-}"
unset EXTRA FLAVOUR RELEASE
NAME=livepatch_ima_nocache
# kpatch-build is not in each release, and runs in all of them
TOOLS_SUITE=trixie
NEEDED_MB=6000
# What a live patch cannot do is left out: it comes too late for the command line, and must not
# add members to structures that are in use.
LEFT_OUT="-let-the-administrator-force-|^Documentation-|^selftests-|^$sharing\$"

case $flavour in
amd64 | cloud-amd64) ;;
*) die "FLAVOUR=$flavour: amd64 or cloud-amd64" ;;
esac
[ "$(id -u)" = 0 ] || die "livepatch: the commands in another Debian take root"
[ -z "${KERNEL_TREE:-}" ] || die "KERNEL_TREE: a live patch is of the distribution's own source"
read_kernels # sets $suite and $package
case $package in /*/) die "KERNEL=$kernel: there is a live patch for kernels of stable releases" ;; esac

apt_root() {
	"$here/../setup/apt-root.sh" "$@"
}

# Which image it is to be, and where all packages of its version are: "SUITE RELEASE VERSION" in
# $tmp/kernel. Not each system gets security updates.
find_kernel() {
	local from found newest='' pattern="linux-image-[0-9.]+[-+][0-9a-z]+-$flavour"
	[ -z "$release" ] || pattern="linux-image-${release//+/[+]}"
	for from in "$suite" "$suite-security"; do
		apt_root "$from" update || continue
		found=$(apt_root "$from" names "$pattern" | sort -V | tail -n 1)
		if [ -n "$found" ] && dpkg --compare-versions "${found#* }" gt "${newest#* }"; then
			newest=$found
			echo "$from ${found#linux-image-}" > "$tmp/kernel"
		fi
	done
	[ -s "$tmp/kernel" ]
}

mkdir -p "$BUILD/livepatch" "$cache/livepatch"
tmp=$(mktemp -d "$cache/livepatch/tmp.XXXXXX")
on_exit() {
	rm -rf --one-file-system "$tmp"
}
step "Linux $kernel: looking for Debian's image" find_kernel ||
	die "livepatch: $suite has no linux-image-${release:-*-$flavour} for KERNEL=$kernel"
read -r from release version < "$tmp/kernel"
[[ $release = "$kernel".* ]] || die "livepatch: RELEASE=$release is not of KERNEL=$kernel"

ours=$(dpkg-parsechangelog -l "$here/../debian/changelog" -S Version)
maintainer=$(sed -n 's/^Maintainer: //p' "$here/../debian/control")
key=$({
	echo "$release $version $ours"
	series_text
	cat "$0" "$here/source.sh" "$here"/livepatch/* "${extra[@]}"
} | sha256sum | cut -c 1-32)
kept=$cache/livepatch/$key
dest=$BUILD/livepatch

# What there is, and how to use it.
tell() {
	rm -f "$dest"/*.{deb,ko}
	cp "$kept"/* "$dest/"
	cat <<-END
		  $dest has a live patch for Linux $release, of Debian's $version. As root, on a machine
		  that runs it:

		    apt install $(realpath "$dest")/ima-nocache-livepatch-${release}_*.deb

		  It is in force at once, and at each boot of that kernel. How to sign it for Secure Boot,
		  and what to do when Debian updates the kernel: doc/livepatch.md.
	END
}
if [ -d "$kept" ]; then
	echo "  The live patch for Linux $release: up to date"
	tell
	exit 0
fi
need_room "$NEEDED_MB" "making a live patch"

# A root of that release. Packages of the kernel are only unpacked in it.
root=$(realpath -m "$BUILD/livepatch/root-$suite")
work=$root/work
make_root() {
	rm -rf --one-file-system "$root"
	bootstrap "$suite" "$root" \
		bc,bison,build-essential,cpio,flex,gawk,kmod,libdw-dev,libelf-dev,libssl-dev,openssl,pahole,python3,rsync,xz-utils
}

download() {
	apt_root "$TOOLS_SUITE" update || return
	apt_root "$TOOLS_SUITE" download "$tmp/debs" kpatch-build || return
	apt_root "$from" download "$tmp/debs" "linux-image-$release=$version" \
		"linux-image-$release-dbg=$version" "linux-headers-$release=$version" "$package=$version"
}

unpack() {
	local deb
	rm -rf --one-file-system "$work"
	mkdir -p "$work/debs" "$work/source"
	for deb in "$tmp"/debs/*.deb; do
		case $deb in
		*/"$package"_*)
			dpkg-deb --fsys-tarfile "$deb" | tar -xOf - "./usr/src/$package.tar.xz" |
				tar -C "$work/source" --strip-components=1 -xJf - || return
			;;
		# not the modules: that is four times as much
		*-dbg_*) dpkg-deb --fsys-tarfile "$deb" | tar -C "$work/debs" -xf - ./usr/lib/debug/boot || return ;;
		*) dpkg-deb -x "$deb" "$work/debs" || return ;;
		esac
		rm "$deb"
	done
}

# The patches as they are sent, and what only a live patch has.
choose_patches() {
	local name file n=0
	rm -rf "$work/patches"
	mkdir -p "$work/patches"
	for name in $(series_names nocache | grep -vE -e "$LEFT_OUT"); do
		file=$(series_file "$name" "$kernel")
		[ -z "$file" ] || cp "$file" "$work/patches/$(printf %02d "$n")-$name.patch"
		n=$((n + 1))
	done
	cp "$here/livepatch/in-force.patch" "$work/patches/99-in-force.patch"
}

# compile NAME REPLACE: a live patch of what is in patches, which replaces all others or not
compile() {
	sed -n 's|^+++ b/\(.*\)\.c$|\1.o|p' "$work"/patches/*.patch | sort -u > "$work/objects"
	cp "$here/livepatch/compile.sh" "$work/"
	chroot "$root" env -i -C /work PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C REPLACE="$2" \
		sh -c "./compile.sh $1 debs/usr/src/linux-headers-$release/.config patches/*.patch"
}

compile_extra() {
	local file name replace
	for file in "${extra[@]}"; do
		name=$(basename "$file" .patch) replace=false
		case $name in replaces-*) replace=true ;; esac
		rm -f "$work"/patches/*
		cp "$file" "$work/patches/"
		compile "${name//-/_}" "$replace" || return
		mv "$work/${name//-/_}.ko" "$tmp/result/" || return
	done
}

# fill FILE: what it says of the kernel
fill() {
	sed -e "s/@RELEASE@/$release/g" -e "s/@VERSION@/$version/g" -e "s/@OURS@/$ours/g" \
		-e "s/@MAINTAINER@/$maintainer/g" "$here/livepatch/$1"
}

package() {
	local tree=$tmp/package file
	# no "+" in the name of a unit
	local units=$tree/usr/lib/systemd/system unit=ima-nocache-livepatch-${release//+/_}.service
	mkdir -p "$tree/DEBIAN" "$tree/lib/modules/$release/updates" "$units/sysinit.target.wants" \
		"$tree/usr/libexec/ima-nocache" "$tmp/result" || return
	for file in control postinst prerm postrm; do
		fill "$file" > "$tree/DEBIAN/$file" || return
	done
	chmod 755 "$tree"/DEBIAN/p* || return
	cp "$work/$NAME.ko" "$tree/lib/modules/$release/updates/" || return
	install -m 755 "$here/livepatch/load" "$tree/usr/libexec/ima-nocache/load-$release" || return
	fill service > "$units/$unit" || return
	ln -s "../$unit" "$units/sysinit.target.wants/" || return
	dpkg-deb --root-owner-group --build "$tree" "$tmp/result"
}

if [ ! -x "$root/usr/bin/gcc" ]; then
	read_index "$suite"
	step "Debian $suite: making a root with its compiler" make_root
fi
step "Linux $release: downloading image, debug information and source" download
step "Linux $release: unpacking" unpack
choose_patches
step "Linux $release: compiling what the series changes" compile "$NAME" false
step "Linux $release: making the package" package
[ ${#extra[@]} = 0 ] || step "Linux $release: compiling live patches of tests" compile_extra
mv -T "$tmp/result" "$kept" || [ -d "$kept" ]
rm -rf --one-file-system "$work"
tell

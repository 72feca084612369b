#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Build installable packages of the distribution's kernel with both series.
#
# usage: kernel/deb.sh KERNEL
#
# KERNEL is one of kernel/kernels. In the environment:
#   FLAVOUR=amd64|cloud-amd64  whose configuration it has; amd64 if nothing is said
#   CONFIG=FILE                that configuration in its place, such as one of /boot
#   LOCALMODCONFIG=1           only the modules that this machine has loaded
#   KERNEL_TREE=DIR            that source in place of Debian's; it is copied
# The source is the newest that there is, with the security updates that the tests' kernels
# do without. The packages are put into $BUILD/kernel-deb/. They are kept, by the hash of all
# that went into them, in $IMA_NOCACHE_CACHE (~/.cache/ima_nocache). What an interrupted
# build has compiled stays in $BUILD/kernel and is not compiled again.
set -eu -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=kernel/source.sh
. "$here/source.sh"

kernel=$1
flavour=${FLAVOUR:-amd64}
given=${CONFIG:-}
unset CONFIG FLAVOUR # the kernel's own make would see them
fragment=$here/config/deb.config

case $flavour in
amd64) needed_mb=9000 ;;
cloud-amd64) needed_mb=4000 ;;
*) die "FLAVOUR=$flavour: amd64 or cloud-amd64" ;;
esac
suffix=$flavour
[ -z "$given" ] || {
	[ -r "$given" ] || die "CONFIG=$given: no such file, or it may not be read"
	grep -q '^CONFIG_X86_64=y' "$given" || die "CONFIG=$given: not a configuration of an amd64 kernel"
	suffix=own
}
[ -z "${LOCALMODCONFIG:-}" ] || suffix+=-local needed_mb=4000

# The configuration, as $1.
get_config() {
	local deb
	if [ -n "$given" ]; then
		cp "$given" "$1"
		return
	fi
	deb=$(echo "$tmp"/config/*.deb)
	dpkg-deb --fsys-tarfile "$deb" | tar -xOf - --wildcards "*/config.amd64_none_$flavour.xz" | xz -dc > "$1"
}

# Where the newest source is now, as "SUITE PACKAGE VERSION" in $tmp/package. Not each system
# gets security updates, and not each suite has them.
find_package() {
	local from found pattern=$package newest=
	case $pattern in /*/) pattern=$(tr -d / <<< "$pattern") ;; esac
	for from in "$suite" "$suite-security"; do
		"$here/../setup/apt-root.sh" "$from" update || {
			echo "$from" >> "$tmp/unread"
			continue
		}
		found=$("$here/../setup/apt-root.sh" "$from" names "$pattern" | sort -V | tail -n 1)
		if [ -n "$found" ] && dpkg --compare-versions "${found#* }" gt "${newest#* }"; then
			newest=$found
			echo "$from $found" > "$tmp/package"
		fi
	done
	[ -s "$tmp/package" ]
}

# The source. Sets $suite, $package, $version and $archive.
get_newest() {
	step "Linux $kernel: what there is" find_package || die "no source for KERNEL=$kernel is to be had"
	[ ! -s "$tmp/unread" ] || echo "  Not looked at, since apt cannot read it: $(paste -sd ' ' "$tmp/unread")"
	read -r suite package version < "$tmp/package"
	archive=$cache/source/${package}_$version.deb
	[ -f "$archive" ] || {
		step "Linux $version: downloading" download "$package" "$tmp/source"
		mkdir -p "$cache/source"
		mv "$tmp"/source/*.deb "$archive"
	}
}

# The package with the configuration is named like that with the source.
download_config() {
	download "linux-config-${package#linux-source-}" "$tmp/config"
}

# download PACKAGE DIR
download() {
	"$here/../setup/apt-root.sh" "$suite" download "$2" "$1"
}

mkdir -p "$BUILD/kernel" "$cache"
tmp=$(mktemp -d "$BUILD/kernel/tmp.XXXXXX")
on_exit() {
	rm -rf "$tmp" "$cache/deb/tmp.$$"
}
tmp=$(realpath "$tmp")
read_kernels # sets $suite and $package

# A tree and objects of its own.
work=$(realpath -m "$BUILD/kernel/deb-$kernel-$suffix")
src=$work/pristine
tree=$work/source
obj=$work/obj
mkdir -p "$work"
# less what an interrupted build has taken
needed_mb=$((needed_mb - $(du -sm "$work" | cut -f 1)))
need_room "$needed_mb" "building this kernel"

if [ -n "${KERNEL_TREE:-}" ]; then
	check_tree "$KERNEL_TREE"
	version=$(tree_version "$KERNEL_TREE")
	[ -n "$given" ] || die "KERNEL_TREE=$KERNEL_TREE: CONFIG= must say with what configuration"
else
	get_newest
fi
source_id=$(hash_source)
[ -n "$given" ] || step "Linux $version: downloading its configuration" download_config
get_config "$tmp/config.given"
loaded=
[ -z "${LOCALMODCONFIG:-}" ] || loaded=$(lsmod | awk 'NR > 1 { print $1 }' | sort)

source_key=$({ echo "$source_id"; series_text; } | sha256sum | cut -c 1-32)
config_key=$({ cat "$tmp/config.given" "$fragment"; echo "$suffix $loaded"; } | sha256sum | cut -c 1-32)
ours=$(dpkg-parsechangelog -l "$here/../debian/changelog" -S Version)
key=$({
	echo "$source_key $config_key $version $ours"
	gcc --version | head -n 1
	cat "$0" "$here/source.sh"
} | sha256sum | cut -c 1-32)
kept=$cache/deb/$key
dest=$BUILD/kernel-deb

# What there is, and how to use it.
tell() {
	local release
	release=$(cat "$kept/release")
	mkdir -p "$dest"
	rm -f "$dest"/linux-*.deb
	cp "$kept"/*.deb "$dest/"
	cat <<-END
		  $dest has Linux $release. As root:

		    apt install $(realpath "$dest")/linux-image-${release}_*.deb
		    reboot

		  With Secure Boot, sign it before you reboot. How to do that, what GRUB starts then and
		  after an update, and what else is different: doc/kernel-deb.md.
		  To go back, boot the distribution's kernel ("Advanced options" in GRUB's menu) and run:

		    apt purge linux-image-$release

		  The linux-headers package is for modules that are built on the machine (DKMS).
	END
}
if [ -d "$kept" ]; then
	echo "  Linux $(cat "$kept/release"): up to date"
	tell
	exit 0
fi

echo "  Linux $version. Building it takes $((needed_mb / 1000 + 1)) GB in $(realpath "$BUILD")."
# held by what is started, too
exec 9> "$work/.lock"
flock -n 9 || die "$work: another make kernel-deb is building there"

take_series() {
	apply_series && mv -T "$tmp/src" "$tree" && rm -rf "$src"
}

configure() {
	mkdir -p "$obj"
	cp "$tmp/config.given" "$tmp/.config"
	"$tree/scripts/kconfig/merge_config.sh" -m -O "$tmp" "$tmp/.config" "$fragment"
	"$tree/scripts/config" --file "$tmp/.config" --set-str LOCALVERSION "-ima-nocache-$suffix" \
		--disable LOCALVERSION_AUTO
	cp "$tmp/.config" "$obj/.config"
	make -C "$tree" O="$obj" olddefconfig || return
	if [ -n "${LOCALMODCONFIG:-}" ]; then
		echo "$loaded" > "$tmp/lsmod"
		# yes(1) is killed in the end
		{ yes '' || :; } | make -C "$tree" O="$obj" LSMOD="$tmp/lsmod" localmodconfig
	fi
	lost=$(lost_options "$obj/.config" "$fragment" <(echo 'CONFIG_IMA=y'))
	[ -z "$lost" ] || { echo "these options did not take effect: $lost"; return 1; }
	lost_options "$obj/.config" <(grep -E '=(y|m)$' "$tmp/config.given") | sort > "$BUILD/log/kernel-deb.lost"
	make -C "$tree" O="$obj" "${build[@]}" -j"$(nproc)" prepare
}

compile() {
	make -C "$tree" O="$obj" "${build[@]}" -j"$(nproc)" all
}

# The headers of libc that are made besides are the distribution's matter.
make_packages() {
	rm -f "$work"/*.deb
	make -C "$tree" O="$obj" "${build[@]}" -j"$(nproc)" bindeb-pkg || return
	rm -f "$work"/linux-libc-dev_*.deb
}

store() {
	mkdir -p "$cache/deb/tmp.$$"
	cp "$obj/include/config/kernel.release" "$cache/deb/tmp.$$/release"
	mv "$work"/linux-*.deb "$cache/deb/tmp.$$/"
	mv -T "$cache/deb/tmp.$$" "$kept" || [ -d "$kept" ]
}

# Objects of another source, or of patches that are not there any more, may look up to date.
if [ "$(cat "$work/.source_key" 2> /dev/null)" != "$source_key" ]; then
	rm -rf "$obj" "$tree" "$work/.config_key"
	get_source
	step "Linux $version: applying the series" take_series ||
		die "the series for $kernel does not apply to ${KERNEL_TREE:-$package $version}"
	echo "$source_key" > "$work/.source_key"
fi

use_ccache
maintainer=$(sed -n 's/^Maintainer: //p' "$here/../debian/control")
export DEBFULLNAME=${maintainer% <*} DEBEMAIL=${maintainer#* <}
DEBEMAIL=${DEBEMAIL%>}
# Behind the version of the source stands ours, and when it was built: apt installs what is
# newer.
build=("KDEB_PKGVERSION=$version+ima$ours.$(date -u +%Y%m%d%H%M)" "KDEB_CHANGELOG_DIST=$suite"
	KDEB_COMPRESS=zstd KBUILD_BUILD_USER=build KBUILD_BUILD_HOST=build DPKG_FLAGS=-d)

if [ "$(cat "$work/.config_key" 2> /dev/null)" != "$config_key" ]; then
	step "Linux $version: configuring ($suffix)" configure
	echo "$config_key" > "$work/.config_key"
fi
[ -n "${LOCALMODCONFIG:-}" ] || [ ! -s "$BUILD/log/kernel-deb.lost" ] ||
	echo "  $(wc -l < "$BUILD/log/kernel-deb.lost") options that were given have no effect, most of them debug information:" \
		"$BUILD/log/kernel-deb.lost"
files=$(count_files "$tree" O="$obj" "${build[@]}" all)
# measured: a CPU of a virtual machine compiles a file in 0.9 s
echo "  $files files are to be compiled: about $((files * 9 / 10 / $(nproc) / 60 + 1)) minutes with $(nproc) CPUs"
STEP_FILES=$files step "Linux $version: building ($suffix)" compile
step "Linux $version: making the packages" make_packages
store
rm -rf "$work"
tell

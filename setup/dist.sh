#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make dist: what a release consists of, in $BUILD/dist: the source, the series for each
# kernel as they are sent, the helper's Debian package, and SHA256SUMS of them. The same
# commit gives the same bytes, on the same release of Debian and for the same kernel sources.
set -eu -o pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/progress.sh
. tests/progress.sh
mkdir -p "$BUILD"
mapfile -t kernels < <(awk '!/^#/ { print $1 }' kernel/kernels)

die() {
	echo "dist: $*" >&2
	exit 1
}

[ -z "${KERNEL_TREE:-}" ] || die "KERNEL_TREE=$KERNEL_TREE: a release is for Debian's sources"
[ -z "$(git status --porcelain)" ] || die "there are changes that are not committed"
version=$(dpkg-parsechangelog -S Version)
grep -q "^ima_nocache $version\$" NEWS || die "NEWS has no heading \"ima_nocache $version\""
name=ima_nocache-$version
# of what is made anew, and has no date of its own
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH GIT_AUTHOR_DATE="$SOURCE_DATE_EPOCH +0000" GIT_COMMITTER_DATE="$SOURCE_DATE_EPOCH +0000"
# whoever makes it may have other formats
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
umask 022

dist=$(mktemp -d "$BUILD/dist.XXXXXX")
on_exit() {
	rm -rf "$dist"
}

# pack FILE DIR NAME...: a tar file that says nothing of this machine
pack() {
	tar -C "$2" --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime="@$SOURCE_DATE_EPOCH" \
		-cf - "${@:3}" | gzip -9n > "$1"
}

source_archive() {
	git archive --format=tar --prefix="$name/" HEAD | gzip -9n > "$dist/$name.tar.gz"
}

# as NAME-linux-KERNEL/, with what is on top in NAME-linux-KERNEL/bind/
series_archive() {
	local kernel=$1 dir=$name-linux-$1 work=$dist/work
	mkdir -p "$work/$dir"
	kernel/build.sh "$kernel" patches || return
	cp -r "$BUILD/patches/$kernel/." "$work/$dir/"
	cp -r "$BUILD/patches/$kernel-bind" "$work/$dir/bind"
	pack "$dist/$dir.tar.gz" "$work" "$dir"
	rm -rf "$work"
}

package() {
	debian/build.sh && cp "$BUILD"/deb/mount-ima-nocache_*.deb "$dist/"
}

step "the source" source_archive
for kernel in "${kernels[@]}"; do
	step "the series for Linux $kernel" series_archive "$kernel"
done
step "the helper's package" package
(cd "$dist" && sha256sum -- * > SHA256SUMS && cat SHA256SUMS)
chmod 755 "$dist"
rm -rf "$BUILD/dist"
mv -T "$dist" "$BUILD/dist"

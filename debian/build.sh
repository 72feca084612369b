#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make deb: the package, in $BUILD/deb, from what belongs to it alone.
#
# FUSE_NAMES, words: FUSE programs whose mount.fuse.NAME it has, too.
set -eu -o pipefail
cd "$(dirname "$0")/.."
out=$(realpath -m "${BUILD:-build}/deb")
rm -rf "$out"
mkdir -p "$out/source"
cp -r Makefile debian man mount-helper kernel setup "$out/source/"
(cd "$out/source" && env -u BUILD -u MAKEFLAGS -u MAKELEVEL dpkg-buildpackage -us -uc -b)
rm -rf "$out/source"
lintian --fail-on error "$out"/*.changes
ls "$out"/*.deb

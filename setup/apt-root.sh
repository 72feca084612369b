#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Packages of another Debian suite, without touching this system's apt.
#
# usage: setup/apt-root.sh SUITE update
#        setup/apt-root.sh SUITE newest REGEX    the newest package of such a name
#        setup/apt-root.sh SUITE download DIR PACKAGE...   as DIR/*.deb
#        setup/apt-root.sh SUITE unpack DIR PACKAGE...     with all they depend on
#        setup/apt-root.sh SUITE source DIR PACKAGE        its source, unpacked as DIR
#
# The packages come from where this system gets its own, checked with the same
# keys. apt's state is in $BUILD/apt/SUITE.
set -eu -o pipefail

suite=$1 command=$2
shift 2
root=$(realpath -m "${BUILD:-build}/apt/$suite")

options=(-q -o "Dir::State=$root/state" -o "Dir::Cache=$root/cache"
	-o "Dir::Etc::SourceList=$root/sources.list" -o Dir::Etc::SourceParts=/dev/null
	-o "Dir::State::status=$root/status" -o APT::Install-Recommends=false
	-o APT::Sandbox::User=root -o Debug::NoLocking=1)

# The archive of this system: the one that has its release's main part.
archive() {
	# shellcheck source=/dev/null
	. /etc/os-release
	# shellcheck disable=SC2016 # apt replaces these
	apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
		awk -v release="$VERSION_CODENAME" '$1 == release { print $2; exit }'
}

make_root() {
	local uri
	uri=$(archive)
	[ -n "$uri" ] || { echo "apt-root: cannot find this system's archive" >&2; exit 1; }
	mkdir -p "$root"/state/lists/partial "$root"/cache/archives/partial
	: > "$root/status"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main" \
		> "$root/sources.list.tmp"
	mv "$root/sources.list.tmp" "$root/sources.list"
}

if [ "$command" = update ] || [ ! -f "$root/sources.list" ]; then
	make_root
	apt-get "${options[@]}" update >&2
fi

case $command in
update) ;;
newest)
	apt-cache "${options[@]}" pkgnames | grep -xE "$1" | sort -V | tail -n 1
	;;
download)
	dir=$1
	shift
	mkdir -p "$dir"
	(cd "$dir" && apt-get "${options[@]}" download "$@")
	;;
unpack)
	dir=$(realpath -m "$1")
	shift
	mkdir -p "$dir.debs/partial" "$dir"
	apt-get "${options[@]}" -y --download-only -o "Dir::Cache::archives=$dir.debs" install "$@"
	for deb in "$dir.debs"/*.deb; do
		dpkg-deb -x "$deb" "$dir"
	done
	;;
source)
	options+=(-o "Dir::State=$root/source" -o "Dir::Etc::SourceList=$root/source.list")
	mkdir -p "$root/source/lists/partial" "$1.source"
	sed 's/^deb /deb-src /' "$root/sources.list" > "$root/source.list"
	apt-get "${options[@]}" update >&2
	(cd "$1.source" && apt-get "${options[@]}" source "$2")
	mv -T "$1.source/"*/ "$1"
	rm -rf "$1.source"
	;;
*)
	echo "apt-root: $command: no such command" >&2
	exit 1
	;;
esac

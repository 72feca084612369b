#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Packages of another Debian suite, without touching this system's apt.
#
# usage: setup/apt-root.sh SUITE update
#        setup/apt-root.sh SUITE codename        of the release that it is now
#        setup/apt-root.sh SUITE newest REGEX    the newest package of such a name
#        setup/apt-root.sh SUITE names REGEX     all of such a name, with their versions
#        setup/apt-root.sh SUITE resolve PACKAGE...        whether a system that has nothing
#                                                but the essential can install all of them
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

# Where this system gets Debian from, whatever name its sources have for the release:
# trixie, stable, testing, sid. Security updates have another label and an archive of their
# own, and backports another origin.
archive() {
	local label=Debian
	case $suite in *-security) label=Debian-Security ;; esac
	# shellcheck disable=SC2016 # apt replaces these
	apt-get indextargets --format '$(ORIGIN)/$(LABEL) $(REPO_URI)' 'Created-By: Packages' |
		awk -v label="Debian/$label" '$1 == label && !uri { uri = $2 } END { print uri }'
}

# update OPTION...: what packages there are. What apt said is in a file.
update() {
	apt-get "${options[@]}" "$@" --error-on=any update > "$root/update.log" 2>&1 || {
		cat "$root/update.log" >&2
		exit 1
	}
}

make_root() {
	local uri
	uri=$(archive)
	[ -n "$uri" ] || {
		echo "apt-root: this system's apt knows no archive with $suite; if its sources name one," \
			"run apt-get update and try again" >&2
		exit 1
	}
	mkdir -p "$root"/state/lists/partial "$root"/cache/archives/partial
	: > "$root/status"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main" \
		> "$root/sources.list.new"
	update -o "Dir::Etc::SourceList=$root/sources.list.new"
	mv "$root/sources.list.new" "$root/sources.list"
}

if [ "$command" = update ] || [ ! -f "$root/sources.list" ]; then
	make_root
fi

case $command in
update) ;;
newest)
	apt-cache "${options[@]}" pkgnames | grep -xE "$1" | sort -V | tail -n 1
	;;
names)
	apt-cache "${options[@]}" dumpavail | awk -v name="^($1)\$" '
		$1 == "Package:" { package = $2 }
		$1 == "Version:" && package ~ name { print package, $2 }'
	;;
codename)
	# shellcheck disable=SC2016 # apt replaces this
	apt-get "${options[@]}" indextargets --format '$(CODENAME)' 'Created-By: Packages'
	;;
resolve)
	apt-get "${options[@]}" --simulate install '?essential' "$@"
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
	update
	(cd "$1.source" && apt-get "${options[@]}" source "$2")
	mv -T "$1.source/"*/ "$1"
	rm -rf "$1.source"
	;;
*)
	echo "apt-root: $command: no such command" >&2
	exit 1
	;;
esac

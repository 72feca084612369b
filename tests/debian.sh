# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced after progress.sh: a whole Debian in a directory, for disks that guests boot.
BOOTSTRAP_LIMIT=900 # seconds

# read_index SUITE: its own lists, made once: whoever wants newer packages removes them
read_index() {
	[ -f "$BUILD/apt/$1/sources.list" ] ||
		step "Debian $1: reading what packages there are" \
			"$(dirname "${BASH_SOURCE[0]}")/../setup/apt-root.sh" "$1" update
}

# index_text SUITE: what is another one when the archive has other packages
index_text() {
	find "$BUILD/apt/$1/state/lists" -maxdepth 1 -name '*_InRelease' -exec cat {} +
}

# bootstrap SUITE DIR PACKAGE,...: in a mount namespace, and with the /dev that mmdebstrap
# makes: a postinst may change modes there
bootstrap() {
	timeout -k 10 "$BOOTSTRAP_LIMIT" unshare -m mmdebstrap --mode=root --variant=minbase \
		--aptopt='APT::Install-Recommends "false"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		--include="$3" "$1" "$2" "$BUILD/apt/$1/sources.list"
}

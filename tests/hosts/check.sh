#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make check-hosts: make demo to its end in a new minimal Debian, by the command that
# setup/install-packages.sh tells where there is no Debian.
#
# RELEASE is bookworm, trixie or testing, and trixie if it is not set. The demo is that of
# the last commit, and starts from nothing but Debian's archive. Where it fails, its root
# stays in $BUILD/hosts/RELEASE.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/progress.sh
. tests/progress.sh
release=${RELEASE:-trixie}
root=$(realpath -m "$BUILD/hosts/$release")
LIMIT=4h

[ "$(id -u)" = 0 ] || { echo "check-hosts: the commands in the new Debian take root" >&2; exit 1; }
setup/install-packages.sh real
step "Debian $release: reading what packages there are" setup/apt-root.sh "$release" codename

command=$(PATH='' "$BASH" setup/install-packages.sh 2>&1 | sed -n '/^  mmdebstrap /,$p') || :
[[ $command == *" trixie /dev/null" ]] || { echo "check-hosts: not a command: $command" >&2; exit 1; }
# as this system's apt gets at its archive
apt_options=$(apt-config dump | sed -nE "s/^Acquire::(https?::|Check-).*/--aptopt='&'/p")
command=${command/% trixie *} command+=" ${apt_options//$'\n'/ } $release $root $BUILD/apt/$release/sources.list"

# It knows nothing of this system, and leaves it no process and no mount.
demo() {
	rm -rf --one-file-system "$root"
	mkdir -p "$root"
	env -i HOME="$HOME" PATH="$PATH" ${http_proxy:+http_proxy="$http_proxy"} \
		timeout --foreground "$LIMIT" unshare -m --pid --mount-proc --fork --kill-child sh -c "$command"
}

STEP_TAIL=30 step "Debian $release: make demo" demo
sed -n '/^kernel  /,/^I: /{/^I: /!p}' "$BUILD/log/Debian-$release-make-demo.log"
step "Debian $release: removing it" rm -rf --one-file-system "$root"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Whether what setup/packages lists can be installed, on each release of Debian that is
# supported, beside what each system has. It is apt that says so, of that release's own
# packages; nothing is installed. Prints KTAP.
# shellcheck disable=SC2317 # the functions are called through check
set -u -o pipefail
cd "$(dirname "$0")/../.." || exit
export BUILD=${BUILD:-build}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
suite=hosts
# shellcheck source=tests/ktap.sh
. tests/ktap.sh
mapfile -t uses < <(awk '!/^#/ { print $2 }' setup/packages | sort -u)

# can_be_installed SUITE [PACKAGE...]: all that are listed, and these
can_be_installed() {
	local release names
	release=$(setup/apt-root.sh "$1" codename) &&
		mapfile -t names < <(setup/install-packages.sh --list "$release" "${uses[@]}") &&
		[ ${#names[@]} -gt 50 ] && setup/apt-root.sh "$1" resolve "${names[@]}" "${@:2}" > "$work/said" &&
		# one by another name would be missing again the next time
		! grep '^Note, selecting' "$work/said"
}

missing_package_is_noticed() {
	! can_be_installed "$1" no-such-package 2> "$work/stderr" && cat "$work/stderr" &&
		grep 'Unable to locate package no-such-package$' "$work/stderr"
}

all_releases_have_what_the_demo_needs() {
	! awk '!/^#/ && $2 == "build" && NF > 3' setup/packages | grep .
}

echo "TAP version 13"
echo "1..5"
for debian in bookworm trixie testing; do
	check "packages_can_be_installed_on_$debian" can_be_installed "$debian"
done
check control_package_that_is_not_there_is_noticed missing_package_is_noticed testing
check all_releases_have_what_the_demo_needs all_releases_have_what_the_demo_needs
exit "$failed"

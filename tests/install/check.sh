#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make check-install: the packages of the kernel and of the helper on a machine with an
# installed Debian, from apt install to apt purge.
#
# RELEASE is bookworm or trixie, and both if it is not set. It prints what failed, and a
# last line "N passed, N failed, N skipped". Results are in $BUILD/install.results.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/prepare.sh
. tests/prepare.sh
# shellcheck source=tests/jobs.sh
. tests/jobs.sh
# shellcheck source=tests/install/machine.sh
. tests/install/machine.sh
export BUILD
export FLAVOUR=cloud-amd64
unset CONFIG LOCALMODCONFIG KERNEL_TREE
STAGES='before after root chosen back'

suites=${RELEASE:-bookworm trixie}
# kernel_of SUITE: the one whose source is there
kernel_of() {
	awk -v suite="$1" '!/^#/ && $2 == suite { print $1 }' kernel/kernels
}
for suite in $suites; do
	[ -n "$(kernel_of "$suite")" ] || { echo "check-install: RELEASE=$suite: no series for its kernel" >&2; exit 1; }
done

setup/install-packages.sh build kerneldeb deb install
results_in "$BUILD/install.results"
prepare_kernel "$default_kernel" patched
kernel/image.sh "$default_kernel"
prepare_images "$default_kernel"

# kernel_packages KERNEL: make them. Sets $release, the kernel's version.
kernel_packages() {
	kernel/deb.sh "$1"
	release=$(basename "$BUILD"/kernel-deb/linux-image-*.deb)
	release=${release#linux-image-} release=${release%%_*}
}

# machine SUITE KERNEL: all stages, each in a boot of its own
machine() {
	local suite=$1 work=$BUILD/install/$1
	kernel_packages "$2"
	make -s deb > "$BUILD/log/deb.log" 2>&1
	machine_disk "$suite" "$work"
	stage_files "$work/stage" "$release"
	cp "$BUILD/kernel-deb/linux-image-$release"_*.deb "$BUILD"/deb/mount-ima-nocache_*.deb "$work/stage/debs/"
	secure_boot "$suite" "$work"
	# shellcheck disable=SC2086 # words
	boot_stages "$suite" "$work" $STAGES
}

# secure_boot SUITE DIR: the image takes a signature of one's own key, as the documentation
# tells
secure_boot() {
	local dir=$2/secure-boot ok=ok name
	mkdir -p "$dir"
	dpkg-deb --fsys-tarfile "$2"/stage/debs/linux-image-*.deb | tar -xO --wildcards './boot/vmlinuz-*' > "$dir/vmlinuz"
	for name in mok other; do
		openssl req -new -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$name/" \
			-keyout "$dir/$name.key" -out "$dir/$name.crt" 2> "$dir/openssl.log"
	done
	{
		sbsign --key "$dir/mok.key" --cert "$dir/mok.crt" --output "$dir/signed" "$dir/vmlinuz" &&
			sbverify --cert "$dir/mok.crt" "$dir/signed" &&
			! sbverify --cert "$dir/other.crt" "$dir/signed" &&
			! sbverify --cert "$dir/mok.crt" "$dir/vmlinuz"
	} > "$dir/said" 2>&1 || ok="not ok"
	{
		[ "$ok" = ok ] || sed 's/^/# /' "$dir/said"
		echo "$ok - $1: the image can be signed for Secure Boot"
	} >> "$results"
}

host kernel_deb "make kernel-deb, interrupted" tests/host/kernel_deb.sh "$default_kernel"
host dist "make dist, twice" tests/host/dist.sh
for suite in $suites; do
	machine "$suite" "$(kernel_of "$suite")"
done
total

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

# stage_files DIR RELEASE: what all stages find on their disk
stage_files() {
	mkdir -p "$1/bin" "$1/lib" "$1/progs"
	cp tests/install/machine.stage "$1/run"
	cp tests/real/results.guest "$1/"
	cp "$BUILD/switchfs" "$BUILD/switchctl" "$1/bin/"
	# a later Debian has another one
	cp "$(ldd "$BUILD/switchfs" | awk '/libfuse3/ { print $3 }')" "$1/lib/"
	cp "$BUILD"/progs/prog[12] "$1/progs/"
	mksquashfs "$BUILD/progs" "$1/progs.squashfs" -quiet -no-progress
	echo "$2" > "$1/release"
}

# kernel_packages KERNEL: make them. Sets $release, the kernel's version.
kernel_packages() {
	kernel/deb.sh "$1"
	release=$(basename "$BUILD"/kernel-deb/linux-image-*.deb)
	release=${release#linux-image-} release=${release%%_*}
}

# machine SUITE KERNEL: all stages, each in a boot of its own
machine() {
	local suite=$1 work=$BUILD/install/$1 stage failed=
	kernel_packages "$2"
	make -s deb > "$BUILD/log/deb.log" 2>&1
	tests/install/disk.sh "$suite"
	rm -rf "$work"
	mkdir -p "$work/stage/debs"
	qemu-img create -q -f qcow2 -F raw -b "$(realpath "$BUILD/images/installed-$suite.img")" "$work/disk.qcow2"
	stage_files "$work/stage" "$release"
	cp "$BUILD/kernel-deb/linux-image-$release"_*.deb "$BUILD"/deb/mount-ima-nocache_*.deb "$work/stage/debs/"
	secure_boot "$suite" "$work"
	for stage in $STAGES; do
		echo "$stage" > "$work/stage/stage"
		step "Debian $suite: $stage" tests/install/boot.sh "$work/disk.qcow2" "$work/stage" "$work/$stage" ||
			failed=1
		collect "$work/$stage/report" "$suite"
		# what comes later needs it
		[ -z "$failed" ] || { echo "not ok - $suite: the boot \"$stage\" ended well" >> "$results"; break; }
	done
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

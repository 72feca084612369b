#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Make what guests have that attest: tests/attest/images.sh [bpf]
#
# $BUILD/images gets attest.gz, an archive to go behind initramfs.gz, which must be there,
# and attest.allowed, the digests of all files of both but for prog2: what the machine's owner
# has put on it. "bpf" adds the program that BPF tests attach, and what attaches it.
set -eu -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
BUILD=$(realpath "${BUILD:-build}")
tmp=$(mktemp -d "$BUILD/attest.XXXXXX")
root=$tmp/root
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
# shellcheck source=tests/guest/add.sh
. "$here/../guest/add.sh"

# The audit daemon is not for this machine: it would run here, too, from then on. It is of the
# same release, and needs the same libraries, and a few of its own.
add_auditd() {
	local dir=$BUILD/auditd program lib
	[ -d "$dir" ] || {
		# shellcheck source=/dev/null
		"$here/../../setup/apt-root.sh" "$(. /etc/os-release && echo "$VERSION_CODENAME")" \
			unpack "$dir.new" auditd
		mv "$dir.new" "$dir"
	}
	for program in auditd auditctl ausearch; do
		program=$(find "$dir" -path "*/sbin/$program" -type f)
		[ -n "$program" ] || { echo "image: not all of auditd is in its package" >&2; return 1; }
		cp "$program" "$root/usr/bin/"
		LD_LIBRARY_PATH=$dir/lib/x86_64-linux-gnu:$dir/usr/lib/x86_64-linux-gnu ldd "$program" |
			grep -o '/[^ ]*' | while read -r lib; do
			mkdir -p "$root$(dirname "${lib#"$dir"}")"
			cp -Lu "$lib" "$root${lib#"$dir"}"
		done
	done
}

mkdir -p "$root"/usr/{bin,lib,lib64} "$root/tests"
for d in bin lib lib64; do
	ln -s "usr/$d" "$root/$d"
done
add_listed "$here/programs"
add_auditd
mkdir -p "$root/usr/lib/ssl"
cp /etc/ssl/openssl.cnf "$root/usr/lib/ssl/"
# found by its name alone
add "$(ldconfig -p | awk '/libtss2-tcti-device.so.0 / { print $NF; exit }')" usr/lib/x86_64-linux-gnu
for tool in "$(dirname "$(command -v tpm2)")"/tpm2_*; do
	ln -s tpm2 "$root/usr/bin/$(basename "$tool")"
done
[ "${1:-}" != bpf ] || {
	make -s -C "$here/../.." BUILD="$BUILD" "$BUILD"/{attach,allow.bpf.o}
	add "$(command -v bpftool)" usr/bin
	add "$BUILD/attach" usr/bin
	cp "$BUILD/allow.bpf.o" "$root/tests/"
}
pack > "$tmp/attest.gz"

(cd "$root" && gzip -dc "$BUILD/images/initramfs.gz" | cpio --quiet -idu)
(cd "$root" && find . -type f ! -path ./progs/prog2 -exec sha256sum {} +) > "$tmp/attest.allowed"
mv "$tmp"/attest.* "$BUILD/images/"

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

# Installed, these would do something on this machine, too: an audit daemon, and what takes
# over reboots. They are of the same release, and need the same libraries, and a few more.
add_unpacked() {
	local dir=$BUILD/unpacked program path lib
	[ -d "$dir" ] || {
		rm -rf "$dir.new"
		# shellcheck source=/dev/null
		"$here/../../setup/apt-root.sh" "$(. /etc/os-release && echo "$VERSION_CODENAME")" \
			unpack "$dir.new" auditd kexec-tools
		rm -r "$dir.new.debs"
		mv "$dir.new" "$dir"
	}
	for program in auditd auditctl ausearch kexec; do
		path=$(find "$dir" -path "*/sbin/$program" -type f)
		[ -n "$path" ] || { echo "image: there is no $program in $dir" >&2; return 1; }
		cp "$path" "$root/usr/bin/"
		LD_LIBRARY_PATH=$dir/lib/x86_64-linux-gnu:$dir/usr/lib/x86_64-linux-gnu ldd "$path" |
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
cp "$here/pcrs.awk" "$root/tests/"
add_unpacked
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

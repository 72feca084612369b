#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Print what the experiment gave, from the reports of its guests.
#
# usage: [CONFIG=NAME] tests/experiment/report.sh KERNEL VARIANT...
#
# CONFIG is what the kernels were built with, see kernel/build.sh. The results are in
# KTAP too, in $BUILD/experiment-KERNEL.ktap.
set -eu -o pipefail

BUILD=${BUILD:-build}
kernel=$1
shift
results=$BUILD/experiment-$kernel
sha256() {
	sha256sum "$1" | cut -d ' ' -f 1
}

for variant in "$@"; do
	echo "kernel $variant"
	cat "$BUILD/guests/$kernel-$variant${CONFIG:+-$CONFIG}/experiment/report"
done > "$results.report"
: > "$results.ktap"

awk -v sha1="$(sha256 "$BUILD/progs/prog1")" \
	-v sha2="$(sha256 "$BUILD/progs/prog2")" \
	-v release="$(cat "$BUILD/kernel/$kernel-$1${CONFIG:+-$CONFIG}/release")" \
	-v variants=" $* " -v ktap="$results.ktap" \
	-f tests/experiment/report.awk tests/experiment/expected "$results.report"
